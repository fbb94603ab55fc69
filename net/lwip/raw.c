/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets of IP between lwIP and raw and ping sockets (net/inet_packet.h). */
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "lwip/ip.h"
#include "lwip/priv/raw_priv.h"
#include "net/inet_packet.h"
#include "net/lwip/core.h"

raw_input_state_t __wrap_raw_input(struct pbuf *p, struct netif *n);

const u8 *whole_of(const struct pbuf *p, u8 **copy)
{
    *copy = p->len < p->tot_len ? kmalloc(p->tot_len) : NULL;
    if (*copy)
        pbuf_copy_partial(p, *copy, p->tot_len, 0);
    return p->len < p->tot_len ? *copy : p->payload;
}

/* Sees each packet before the protocol's own function; p begins with its header. lwIP itself has no raw blocks. */
raw_input_state_t __wrap_raw_input(struct pbuf *p, struct netif *n)
{
    struct ip_packet packet;
    bool wanted = false;
    u8 *copy;
    if (likely(!inet_raw_wanted()))
        return RAW_INPUT_NONE;
    const u8 *data = whole_of(p, &copy);
    if (data && ip_packet_parse(data, p->tot_len, OUTSIDE_INDEX, &packet))
        wanted = inet_packet_input(&packet);
    kfree(copy);
    return wanted ? RAW_INPUT_DELIVERED : RAW_INPUT_NONE;
}

int network_frame_send(const void *frame, u32 n)
{
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)n, PBUF_RAM);
    if (!p)
        return -ENOBUFS;
    pbuf_take(p, frame, (u16_t)n);
    core_lock();
    err_t e = device_netif.linkoutput(&device_netif, p);
    pbuf_free(p);
    core_unlock();
    return e == ERR_OK ? 0 : -ENOBUFS;
}

bool network_is_own_mac(const u8 mac[6])
{
    return !memcmp(mac, device_netif.hwaddr, 6);
}

u32 network_mtu(void)
{
    return device_netif.mtu;
}

int network_packet_send(const void *packet, u32 n)
{
    const u8 *first = packet;
    struct pbuf *p = pbuf_alloc(PBUF_LINK, (u16_t)n, PBUF_RAM);
    if (!p)
        return -ENOBUFS;
    pbuf_take(p, packet, (u16_t)n);
    core_lock();
    err_t e = first[0] >> 4 == 4 ? ip4_output_if(p, NULL, LWIP_IP_HDRINCL, 0, 0, 0, &device_netif)
                                 : ip6_output_if(p, NULL, LWIP_IP_HDRINCL, 0, 0, 0, &device_netif);
    pbuf_free(p);
    core_unlock();
    return e == ERR_OK ? 0 : e == ERR_RTE ? -ENETUNREACH : -ENOBUFS;
}
