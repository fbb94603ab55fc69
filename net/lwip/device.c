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
#include "kernel/page.h"
#include "kernel/uts.h"
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include "lwip/nd6.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/stats.h"
#include "netif/ethernet.h"
#include "net/counters.h"
#include "net/interface.h"
#include "net/lwip/core.h"
#include "net/lwip/further.h"
#include "net/packet.h"

#define DEVICE       0
#define TELL_EVERY   (50 * NSEC_PER_USEC) /* frames of a program that sends more than this often are told of together, */
#define UNTOLD_MAX   16                   /* so many at most */
#define PIECES_MAX   64                   /* of a frame to be sent */
#define STAGED_MAX   4096                 /* frames that wait for room in the device */
#define HELD_SHARE   4                    /* this part of memory, for frames that wait to be read */
#define WAITING_SHARE 32                  /* for a page each: packets that wait for a neighbour */

struct netif device_netif;
bool device_present;
u32 network_room = UINT32_MAX;
struct device_counters device_counters;

err_t __real_ip4_frag(struct pbuf *p, struct netif *n, const ip4_addr_t *to);
err_t __wrap_ip4_frag(struct pbuf *p, struct netif *n, const ip4_addr_t *to);
err_t __real_ip6_frag(struct pbuf *p, struct netif *n, const ip6_addr_t *to);
err_t __wrap_ip6_frag(struct pbuf *p, struct netif *n, const ip6_addr_t *to);

/* ------------------------------------------------------------ memory that the device reads */

/* A frame that lwIP sent: in `staged` until the core lock is let go, then in `under_way`. */
struct sent_frame {
    struct net_frame frame;
    struct pbuf *p;
    struct list link;
    u64 number;
};

struct late {
    struct late *next;
    u64 number;              /* frames up to this one may still be read from it */
};

static struct list staged = LIST_INIT(staged), under_way = LIST_INIT(under_way); /* oldest first */
static unsigned staged_count;
static bool room_awaited; /* the device is full, and will tell when it is not; atomic */
static u64 next_number = 1;
static struct late *late_first, *late_last;

/* The oldest frame that was not sent yet. Frames go in order, but devices may finish them in another. */
static u64 oldest_number(void)
{
    struct sent_frame *s = list_first(&under_way, struct sent_frame, link);
    if (!s)
        s = list_first(&staged, struct sent_frame, link);
    return s ? s->number : next_number;
}

static void free_late(void)
{
    u64 oldest = oldest_number();
    while (late_first && late_first->number < oldest) {
        struct late *l = late_first;
        late_first = l->next;
        kfree(l);
    }
}

void device_free_later(void *p)
{
    if (oldest_number() == next_number) {
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

/* ------------------------------------------------------------ headers */

/* What there is to know of a TCP segment of ours, whose headers are in one piece, as lwIP makes them. */
struct segment {
    u8 *ip;
    struct tcp_hdr *tcp;
    bool v6;
    u16 headers;  /* bytes from the Ethernet header to the data */
    u16 data;     /* bytes */
};

static bool parse_segment(const struct pbuf *p, struct segment *g)
{
    u8 *ethernet = p->payload;
    u16 type = (u16)(ethernet[12] << 8 | ethernet[13]), ip_length;
    g->ip = ethernet + SIZEOF_ETH_HDR;
    g->v6 = type == ETH_P_IPV6;
    if (type == ETH_P_IP && p->len >= SIZEOF_ETH_HDR + IP_HLEN + TCP_HLEN) {
        struct ip_hdr *h = (void *)g->ip;
        ip_length = IPH_HL_BYTES(h);
        if (IPH_PROTO(h) != IP_PROTO_TCP || (IPH_OFFSET(h) & PP_HTONS(IP_OFFMASK | IP_MF)))
            return false;
    } else if (g->v6 && p->len >= SIZEOF_ETH_HDR + IP6_HLEN + TCP_HLEN) {
        ip_length = IP6_HLEN;
        if (IP6H_NEXTH((struct ip6_hdr *)g->ip) != IP6_NEXTH_TCP)
            return false;
    } else {
        return false;
    }
    g->tcp = (void *)(g->ip + ip_length);
    g->headers = (u16)(SIZEOF_ETH_HDR + ip_length + TCPH_HDRLEN_BYTES(g->tcp));
    g->data = (u16)(p->tot_len - g->headers);
    return p->len >= g->headers;
}

/* The checksum is the device's to finish: its field gets the sum of the pseudo header. lwIP left it 0. */
static void begin_checksum(struct net_frame *f, const struct segment *g)
{
    u16 start = (u16)((u8 *)g->tcp - g->ip), length = (u16)(g->headers - SIZEOF_ETH_HDR - start + g->data);
    u8 rest[4] = {0, IP_PROTO_TCP, (u8)(length >> 8), (u8)length};
    const u8 *addresses = g->v6 ? (u8 *)&((struct ip6_hdr *)g->ip)->src : (u8 *)&((struct ip_hdr *)g->ip)->src;
    u32 sum = (u32)lwip_checksum(addresses, g->v6 ? 32 : 8) + lwip_checksum(rest, 4);
    f->checksum_start = (u16)(SIZEOF_ETH_HDR + start);
    f->checksum_offset = offsetof(struct tcp_hdr, chksum);
    g->tcp->chksum = FOLD_U32T(FOLD_U32T(sum));
}

/* ------------------------------------------------------------ sending */

static unsigned pieces_of(const struct pbuf *p, struct block_segment *out, unsigned max)
{
    unsigned n = 0;
    for (; p && n < max; p = p->next) {
        if (p->len)
            out[n++] = (struct block_segment){.pa = virt_to_phys(p->payload), .length = p->len};
    }
    return p ? 0 : n;
}

/* Gives the device the first staged frame. False: it has no room. */
static bool send_first(const struct net_info *info)
{
    struct block_segment pieces[PIECES_MAX];
    struct sent_frame *s = list_first(&staged, struct sent_frame, link);
    unsigned max = MIN(info->max_segments, (u16)PIECES_MAX), n = pieces_of(s->p, pieces, max);
    struct segment g;
    list_remove(&s->link);
    staged_count--;
    if (info->checksum && !s->frame.checksum_start && parse_segment(s->p, &g)) {
        begin_checksum(&s->frame, &g);
        s->frame.header_length = g.headers;
        s->frame.ipv6 = g.v6;
        if (!s->frame.segment_size && s->p->tot_len > device_netif.mtu + SIZEOF_ETH_HDR)
            s->frame.segment_size = (u16)(device_netif.mtu + SIZEOF_ETH_HDR - g.headers); /* it waited for ARP */
    }
    s->frame.segments = pieces;
    s->frame.n_segments = (u16)n;
    list_add_tail(&under_way, &s->link);
    int error = platform_net_transmit(DEVICE, &s->frame);
    if (error == -EAGAIN) {
        list_remove(&s->link);
        list_add_head(&staged, &s->link);
        staged_count++;
        return false;
    }
    if (error) {
        device_counters.tx_dropped++;
        frame_done(&s->frame);
    }
    return true;
}

static unsigned untold; /* frames that the device has and was not told of */

bool device_untold(void)
{
    return READ_ONCE(untold);
}

bool device_flush(bool now)
{
    static nsec_t told;
    if (list_empty(&staged) && !(now && untold))
        return true;
    const struct net_info *info = platform_net_info(DEVICE);
    while (!list_empty(&staged) && send_first(info))
        untold++;
    nsec_t clock = platform_clock();
    if (!list_empty(&staged) && !READ_ONCE(room_awaited))
        core_wake(); /* asks for an event when there is room */
    if (!platform_net_kick(DEVICE, now || untold >= UNTOLD_MAX || clock - told > TELL_EVERY))
        return false;
    told = clock;
    untold = 0;
    return true;
}

bool device_segments(bool v6)
{
    const struct net_info *info = platform_net_info(DEVICE);
    return info->checksum && (v6 ? info->send_large6 : info->send_large4);
}

/*
 * lwIP would send in fragments what is larger than the link takes. A large segment of TCP is for the device to cut, by its connection's
 * mss: the hints that it comes with are in the control block.
 */
static u16 large_segment_size;

static u16 segment_size_of(const struct netif *n, unsigned protocol)
{
    return protocol == IP_PROTO_TCP && n->hints ? tcp_mss(container_of(n->hints, struct tcp_pcb, netif_hints)) : 0;
}

err_t __wrap_ip4_frag(struct pbuf *p, struct netif *n, const ip4_addr_t *to)
{
    large_segment_size = segment_size_of(n, IPH_PROTO((struct ip_hdr *)p->payload));
    err_t error = large_segment_size ? n->output(n, p, to) : __real_ip4_frag(p, n, to);
    large_segment_size = 0;
    return error;
}

err_t __wrap_ip6_frag(struct pbuf *p, struct netif *n, const ip6_addr_t *to)
{
    u16 size = segment_size_of(n, IP6H_NEXTH((struct ip6_hdr *)p->payload)), path = nd6_get_destination_mtu(to, n);
    if (!size || p->tot_len <= n->mtu)
        return __real_ip6_frag(p, n, to);
    large_segment_size = MIN(size, (u16)(path - IP6_HLEN - TCPH_HDRLEN_BYTES((struct tcp_hdr *)((u8 *)p->payload + IP6_HLEN))));
    err_t error = n->output_ip6(n, p, to);
    large_segment_size = 0;
    return error;
}

/* Bytes of IPv4 and IPv6 in a frame of this many. */
static void count_octets(u64 octets[2], u16 type, u32 bytes)
{
    if (type == ETH_P_IP || type == ETH_P_IPV6)
        octets[type == ETH_P_IPV6] += bytes - SIZEOF_ETH_HDR;
}

/* For packet sockets. */
static void show_sent(const struct pbuf *p)
{
    u8 *copy;
    const u8 *frame = whole_of(p, &copy);
    if (frame)
        packet_show(frame, p->tot_len, OUTSIDE_INDEX, true);
    kfree(copy);
}

static void show_received(const struct net_buffer *b)
{
    u32 total = b->frame_length, done = 0;
    u8 *copy = b->length < total ? kmalloc(total) : NULL;
    if (b->length >= total)
        packet_show(b->data, total, OUTSIDE_INDEX, false);
    for (; copy && b; done += b->length, b = b->next)
        memcpy(copy + done, b->data, b->length);
    if (copy)
        packet_show(copy, total, OUTSIDE_INDEX, false);
    kfree(copy);
}

/* netif.linkoutput: one Ethernet frame. */
static err_t output(struct netif *n, struct pbuf *p)
{
    struct sent_frame *s = staged_count < STAGED_MAX ? kzalloc(sizeof(*s)) : NULL;
    if (unlikely(packet_watched()))
        show_sent(p);
    if (!s) {
        device_counters.tx_dropped++;
        return ERR_MEM;
    }
    if (pbuf_clen(p) > PIECES_MAX / 2) {
        s->p = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
        if (!s->p) {
            kfree(s);
            return ERR_MEM;
        }
    } else {
        s->p = p;
        pbuf_ref(p);
    }
    s->frame.done = frame_done;
    s->frame.segment_size = large_segment_size;
    if (large_segment_size)
        lwip_stats.mib2.tcpoutsegs += (p->tot_len - (u32)(SIZEOF_ETH_HDR + IP_HLEN + TCP_HLEN) - 1) / large_segment_size; /* counted as one so far */
    s->number = next_number++;
    list_add_tail(&staged, &s->link);
    staged_count++;
    device_counters.tx_frames++;
    device_counters.tx_bytes += p->tot_len;
    const u8 *header = p->payload;
    count_octets(device_counters.tx_octets, (u16)(header[12] << 8 | header[13]), p->tot_len);
    return ERR_OK;
}

/* ------------------------------------------------------------ receiving */

_Static_assert(sizeof(struct pbuf_custom) <= NET_BUFFER_OWNER, "a received buffer carries its pbuf");

static u32 held, held_max; /* pages that the stack has: atomic; its share */

bool device_is_full(void)
{
    return READ_ONCE(held) > held_max;
}

static void free_received(struct pbuf *p)
{
    __atomic_sub_fetch(&held, 1, __ATOMIC_RELAXED);
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
    net_count(FRAMES_TAKEN, 1);
    if (b->length && (b->data[0] & 1))
        device_counters.rx_multicast++;
    if (unlikely(packet_watched()))
        show_received(b);
    /* A merged frame is longer than a pbuf may say by its Ethernet header: that is taken off here. */
    u32 skip = total > UINT16_MAX && b->length > SIZEOF_ETH_HDR ? SIZEOF_ETH_HDR : 0;
    u16 type = b->length >= SIZEOF_ETH_HDR ? (u16)(b->data[12] << 8 | b->data[13]) : 0;
    count_octets(device_counters.rx_octets, type, total);
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
        __atomic_add_fetch(&held, 1, __ATOMIC_RELAXED);
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

unsigned device_poll(void)
{
    if (!device_present)
        return 0;
    follow_link();
    WRITE_ONCE(room_awaited, true);
    unsigned n = platform_net_poll(DEVICE, DEVICE_BUDGET, receive, NULL);
    device_flush(true);
    if (n) {
        struct page_stats stats;
        page_stats(&stats);
        WRITE_ONCE(network_room, stats.available > stats.total / 2   ? UINT32_MAX
                                 : stats.available > stats.total / 4 ? NETWORK_ROOM_LITTLE
                                                                     : NETWORK_ROOM_LEAST);
        if (stats.free < stats.total / 32 && stats.available > stats.free && page_reclaim_soon)
            page_reclaim_soon(); /* new buffers for the device are got without waiting */
    }
    WRITE_ONCE(room_awaited, !list_empty(&staged)); /* who polls listens next, or comes again soon */
    return n;
}

bool device_listen(void)
{
    bool listens = !device_present || platform_net_listen(DEVICE, !list_empty(&staged));
    if (!listens)
        WRITE_ONCE(room_awaited, false);
    return listens;
}

bool device_pending(void)
{
    return device_present && platform_net_pending(DEVICE);
}

/* ------------------------------------------------------------ the start */

static void event(void *context)
{
    WRITE_ONCE(room_awaited, false);
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
    n->output = further_output;
    n->output_ip6 = further_output6;
    n->linkoutput = output;
    if (info->checksum)
        n->chksum_flags &= (u16)~NETIF_CHECKSUM_GEN_TCP;
    return ERR_OK;
}

bool device_start(void)
{
    if (platform_net_count() == 0)
        return false;
    struct page_stats stats;
    page_stats(&stats);
    if (page_reclaim_soon)
        page_reclaim_soon();
    held_max = (u32)(stats.total / HELD_SHARE);
    checks_waiting_max = (u32)(stats.total / WAITING_SHARE);
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
