/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interface eth0: lwIP's frames to and from the platform's network device. Received frames become pbufs over the device's own
 * pages; frames to be sent are handed over in the pieces lwIP made them of, whose memory therefore must stay until the
 * device has read them: pbufs are referenced, and what PBUF_ROM pieces point to is freed by device_free_later().
 */
#include <linux/if_ether.h>
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/list.h"
#include "kernel/log.h"
#include "kernel/uts.h"
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/prot/tcp.h"
#include "netif/ethernet.h"
#include "net/lwip/core.h"

#define DEVICE       0
#define POLL_BUDGET  64
#define PIECES_MAX   64   /* of a frame to be sent */

struct netif device_netif;
bool device_present;
struct device_counters device_counters;

static bool queued;       /* frames wait for a kick */

/* ------------------------------------------------------------ sending */

struct sent_frame {
    struct net_frame frame;
    struct pbuf *p;
    struct list link;     /* in under_way */
    u64 number;
};

struct late {
    struct late *next;
    u64 number;           /* frames up to this one may still be read from it */
};

static struct list under_way = LIST_INIT(under_way); /* oldest first */
static u64 next_number = 1;
static struct late *late_first, *late_last;

static void free_late(void)
{
    struct sent_frame *oldest = list_first(&under_way, struct sent_frame, link);
    while (late_first && (!oldest || late_first->number < oldest->number)) {
        struct late *l = late_first;
        late_first = l->next;
        kfree(l);
    }
}

void device_free_later(void *p)
{
    if (list_empty(&under_way)) {
        kfree(p);
        return;
    }
    struct late *l = p;
    l->next = NULL;
    l->number = next_number - 1;
    if (late_first)
        late_last->next = l;
    else
        late_first = l;
    late_last = l;
}

static void frame_done(struct net_frame *f)
{
    struct sent_frame *s = container_of(f, struct sent_frame, frame);
    list_remove(&s->link);
    pbuf_free(s->p);
    kfree(s);
    if (late_first)
        free_late();
}

/* The sum of a pseudo header, folded, for the device to go on from: lwIP left the field 0. */
static void begin_checksum(struct net_frame *f, u8 *ip, u16 ip_length, const u8 *addresses, unsigned n, u16 tcp_length)
{
    u8 rest[4] = {0, IP_PROTO_TCP, (u8)(tcp_length >> 8), (u8)tcp_length};
    u32 sum = (u32)lwip_checksum(addresses, (int)n) + lwip_checksum(rest, 4);
    sum = (sum & 0xffff) + (sum >> 16);
    f->checksum_start = (u16)(SIZEOF_ETH_HDR + ip_length);
    f->checksum_offset = offsetof(struct tcp_hdr, chksum);
    struct tcp_hdr *tcp = (void *)(ip + ip_length);
    tcp->chksum = (u16)((sum & 0xffff) + (sum >> 16));
}

/* TCP's checksums are the device's if it can: headers are in one piece, as lwIP makes them. */
static void offload_checksum(struct net_frame *f, struct pbuf *p)
{
    u8 *ethernet = p->payload, *ip = ethernet + SIZEOF_ETH_HDR;
    u16 type = (u16)(ethernet[12] << 8 | ethernet[13]);
    if (type == ETH_P_IP) {
        struct ip_hdr *h = (void *)ip;
        u16 length = IPH_HL_BYTES(h);
        if (IPH_PROTO(h) != IP_PROTO_TCP || (IPH_OFFSET(h) & PP_HTONS(IP_OFFMASK | IP_MF)) ||
            p->len < SIZEOF_ETH_HDR + length + TCP_HLEN)
            return;
        begin_checksum(f, ip, length, (u8 *)&h->src, 8, (u16)(p->tot_len - SIZEOF_ETH_HDR - length));
    } else if (type == ETH_P_IPV6) {
        struct ip6_hdr *h = (void *)ip;
        if (IP6H_NEXTH(h) != IP6_NEXTH_TCP || p->len < SIZEOF_ETH_HDR + IP6_HLEN + TCP_HLEN)
            return;
        begin_checksum(f, ip, IP6_HLEN, (u8 *)&h->src, 32, (u16)(p->tot_len - SIZEOF_ETH_HDR - IP6_HLEN));
    }
}

static unsigned pieces_of(const struct pbuf *p, struct block_segment *out, unsigned max)
{
    unsigned n = 0;
    for (; p && n < max; p = p->next) {
        if (p->len)
            out[n++] = (struct block_segment){.pa = virt_to_phys(p->payload), .length = p->len};
    }
    return p ? 0 : n;
}

/* netif.linkoutput: one Ethernet frame. */
static err_t output(struct netif *n, struct pbuf *p)
{
    const struct net_info *info = platform_net_info(DEVICE);
    struct block_segment pieces[PIECES_MAX];
    struct pbuf *copy = NULL;
    unsigned count = pieces_of(p, pieces, MIN(info->max_segments, (u16)PIECES_MAX));
    if (!count) {
        copy = p = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
        if (!p)
            return ERR_MEM;
        count = pieces_of(p, pieces, PIECES_MAX);
    }
    struct sent_frame *s = kzalloc(sizeof(*s));
    int error = s ? 0 : -ENOMEM;
    if (s) {
        s->frame.segments = pieces;
        s->frame.n_segments = (u16)count;
        s->frame.done = frame_done;
        if (info->checksum)
            offload_checksum(&s->frame, p);
        s->p = p;
        s->number = next_number++;
        pbuf_ref(p);
        list_add_tail(&under_way, &s->link);
        u16 bytes = p->tot_len;
        error = platform_net_transmit(DEVICE, &s->frame);
        if (!error) {
            queued = true;
            device_counters.tx_frames++;
            device_counters.tx_bytes += bytes;
        } else {
            frame_done(&s->frame);
        }
    }
    if (copy)
        pbuf_free(copy);
    if (error) {
        device_counters.tx_dropped++;
        core_wake(); /* which asks for an event when there is room */
    }
    return error ? ERR_MEM : ERR_OK;
}

void device_flush(void)
{
    if (queued) {
        queued = false;
        platform_net_kick(DEVICE);
    }
}

/* ------------------------------------------------------------ receiving */

_Static_assert(sizeof(struct pbuf_custom) <= NET_BUFFER_OWNER, "a received buffer carries its pbuf");

static void free_received(struct pbuf *p)
{
    net_buffer_release(container_of((u8(*)[NET_BUFFER_OWNER])p, struct net_buffer, owner));
}

static void receive(void *context, struct net_buffer *b)
{
    struct netif *n = &device_netif;
    u32 total = b->frame_length;
    bool good = b->checksum_good;
    struct pbuf *first = NULL, **end = &first;
    device_counters.rx_frames++;
    device_counters.rx_bytes += total;
    /* A merged frame is longer than a pbuf may say by its Ethernet header: that is taken off here. */
    u32 skip = total > UINT16_MAX && b->length > SIZEOF_ETH_HDR ? SIZEOF_ETH_HDR : 0;
    u16 type = b->length >= SIZEOF_ETH_HDR ? (u16)(b->data[12] << 8 | b->data[13]) : 0;
    u32 left = total - skip;
    for (struct net_buffer *next; b; b = next) {
        next = b->next;
        struct pbuf_custom *c = (void *)b->owner;
        c->custom_free_function = free_received;
        u16 length = (u16)(b->length - skip);
        struct pbuf *p = pbuf_alloced_custom(PBUF_RAW, length, PBUF_REF, c, b->data + skip, length);
        p->tot_len = (u16)left;
        left -= length;
        skip = 0;
        *end = p;
        end = &p->next;
    }
    u16 checks = NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP;
    n->chksum_flags = good ? n->chksum_flags & (u16)~checks : n->chksum_flags | checks;
    err_t error = ERR_VAL;
    if (total <= UINT16_MAX)
        error = n->input(first, n);
    else if (type == ETH_P_IP)
        error = ip4_input(first, n);
    else if (type == ETH_P_IPV6)
        error = ip6_input(first, n);
    if (error)
        pbuf_free(first);
}

static void follow_link(void)
{
    bool up = platform_net_link(DEVICE);
    if (up && !netif_is_link_up(&device_netif))
        netif_set_link_up(&device_netif);
    else if (!up && netif_is_link_up(&device_netif))
        netif_set_link_down(&device_netif);
}

bool device_poll(void)
{
    if (!device_present)
        return false;
    follow_link();
    unsigned n = platform_net_poll(DEVICE, POLL_BUDGET, receive, NULL);
    device_flush();
    return n == POLL_BUDGET || !platform_net_listen(DEVICE, !list_empty(&under_way));
}

/* ------------------------------------------------------------ the start */

static void event(void *context)
{
    core_wake();
}

static err_t init(struct netif *n)
{
    const struct net_info *info = platform_net_info(DEVICE);
    n->name[0] = 'e';
    n->name[1] = 't';
    n->hostname = uts_host_name();
    n->mtu = info->mtu;
    n->hwaddr_len = ETH_HWADDR_LEN;
    memcpy(n->hwaddr, info->mac, ETH_HWADDR_LEN);
    n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
    n->output = etharp_output;
    n->output_ip6 = ethip6_output;
    n->linkoutput = output;
    if (info->checksum)
        n->chksum_flags &= (u16)~NETIF_CHECKSUM_GEN_TCP;
    return ERR_OK;
}

bool device_start(void)
{
    if (platform_net_count() == 0)
        return false;
    core_lock();
    netif_add(&device_netif, NULL, NULL, NULL, NULL, init, ethernet_input);
    netif_set_default(&device_netif);
    core_unlock();
    /* Events from here on find an interface that is not present yet, and nothing is lost: the first poll comes after. */
    int error = platform_net_start(DEVICE, event, NULL);
    if (error) {
        log_err("net: the device does not start (error %d)", -error);
        return false;
    }
    core_lock();
    WRITE_ONCE(device_present, true);
    if (platform_net_link(DEVICE))
        netif_set_link_up(&device_netif);
    netif_set_up(&device_netif);
    core_unlock();
    return true;
}
