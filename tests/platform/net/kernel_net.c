/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The test kernel of the network driver: the kernel with a step of boot that never ends, which answers frames without any
 * protocol of its own. frames.py is the other side.
 *
 * A frame of type ETH_TEST is sent back, whole, from the memory it arrived in; one that begins with a word in capitals is answered
 * otherwise: "STAT" by figures, "BURST n size" by n frames, "BYE" by the end. ARP and ICMP echo are answered as anybody would.
 */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include "kernel/deferred.h"
#include "kernel/heap.h"
#include "kernel/init.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/lock.h"
#include "kernel/log.h"
#include "kernel/page.h"
#include "kernel/wait.h"
#include "platform/platform.h"

/* RFC 792; <linux/icmp.h> would bring the C library in. */
#define ICMP_ECHO      8
#define ICMP_ECHOREPLY 0

#define ETH_TEST 0x88b5 /* IEEE 802: local experiments */
#define PIECES   20
#define BUDGET   64

static const u8 my_address[4] = {10, 0, 2, 15};
static struct spinlock lock = SPINLOCK_INIT(LOCK_SOCKET); /* the core lock: all of this */
static u64 received, echoed, refused, link_changes, in_flight;
static bool link;

struct reply {
    struct net_frame frame;
    struct net_buffer *buffers; /* that the frame's bytes lie in, or NULL */
    struct block_segment pieces[PIECES];
    u8 bytes[];
};

static void done(struct net_frame *f)
{
    struct reply *r = container_of(f, struct reply, frame);

    while (r->buffers) {
        struct net_buffer *next = r->buffers->next;

        net_buffer_release(r->buffers);
        r->buffers = next;
    }
    kfree(r);
    in_flight--;
}

static void send(struct reply *r, unsigned n)
{
    r->frame = (struct net_frame){.segments = r->pieces, .n_segments = (u16)n, .done = done};
    in_flight++;
    if (platform_net_transmit(0, &r->frame)) {
        refused++;
        done(&r->frame);
    } else {
        echoed++;
    }
}

static struct reply *new_reply(size_t bytes)
{
    struct reply *r = kzalloc(sizeof(*r) + bytes);

    if (!r)
        panic("no memory for a reply");
    return r;
}

/* Sends the frame back from where it lies. */
static void send_back(struct net_buffer *b)
{
    struct ethhdr *e = (struct ethhdr *)b->data;
    struct reply *r = new_reply(0);
    unsigned n = 0;

    memcpy(e->h_dest, e->h_source, ETH_ALEN);
    memcpy(e->h_source, platform_net_info(0)->mac, ETH_ALEN);
    for (struct net_buffer *p = b; p; p = p->next)
        r->pieces[n++] = (struct block_segment){virt_to_phys(p->data), p->length};
    r->buffers = b;
    send(r, n);
}

static void send_bytes(const struct ethhdr *to, const void *data, size_t n)
{
    struct reply *r = new_reply(ETH_HLEN + n);
    struct ethhdr *e = (struct ethhdr *)r->bytes;

    memcpy(e->h_dest, to->h_source, ETH_ALEN);
    memcpy(e->h_source, platform_net_info(0)->mac, ETH_ALEN);
    e->h_proto = __builtin_bswap16(ETH_TEST);
    memcpy(e + 1, data, n);
    r->pieces[0] = (struct block_segment){virt_to_phys(r->bytes), (u32)(ETH_HLEN + n)};
    send(r, 1);
}

/* "BURST n size": frames numbered from 0. */
static void burst(const struct ethhdr *to, const char *text)
{
    static u8 data[1500];
    u64 n = 0, size = 4;
    const char *p = text;

    if (parse_u64(p, &p, 10, &n) || *p++ != ' ' || parse_u64(p, &p, 10, &size) || size < 4 || size > sizeof(data))
        return;
    for (u32 i = 0; i < n; i++) {
        u64 before = refused;

        memset(data, (int)i, size);
        memcpy(data, &i, sizeof(i));
        send_bytes(to, data, size);
        if (refused != before)
            i--; /* no room: once more */
    }
}

static void command(struct net_buffer *b)
{
    struct ethhdr *e = (struct ethhdr *)b->data;
    char *text = (char *)(e + 1), answer[160];

    if (!strncmp(text, "STAT", 4)) {
        int n = snprintf(answer, sizeof(answer), "received %llu echoed %llu refused %llu dropped %llu link %u changes %llu flight %llu",
                         (unsigned long long)received, (unsigned long long)echoed, (unsigned long long)refused,
                         (unsigned long long)platform_net_dropped(0), platform_net_link(0), (unsigned long long)link_changes,
                         (unsigned long long)in_flight);
        send_bytes(e, answer, (size_t)n);
    } else if (!strncmp(text, "BURST ", 6)) {
        burst(e, text + 6);
    } else if (!strncmp(text, "BYE", 3)) {
        platform_power_off(0);
    }
    net_buffer_release(b);
}

static u16 internet_sum(const void *data, size_t n)
{
    const u8 *p = data;
    u32 sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (u32)p[i] << (i & 1 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return __builtin_bswap16((u16)~sum);
}

/* Makes a request for us the answer; false: it is none. */
static bool answer_arp(u8 *arp)
{
    if (arp[7] != 1 || memcmp(arp + 24, my_address, 4))
        return false;
    arp[7] = 2;
    memcpy(arp + 18, arp + 8, 10);
    memcpy(arp + 8, platform_net_info(0)->mac, ETH_ALEN);
    memcpy(arp + 14, my_address, 4);
    return true;
}

static bool answer_echo(struct net_buffer *b)
{
    struct iphdr *ip = (struct iphdr *)(b->data + ETH_HLEN);
    u8 *icmp = (u8 *)(ip + 1);

    if (b->next || b->length < ETH_HLEN + sizeof(*ip) + 8 || ip->protocol != 1 || icmp[0] != ICMP_ECHO || memcmp(&ip->daddr, my_address, 4))
        return false;
    u16 length = __builtin_bswap16(ip->tot_len), sum;

    if (length < sizeof(*ip) + 8 || length > b->length - ETH_HLEN)
        return false;
    ip->daddr = ip->saddr;
    memcpy(&ip->saddr, my_address, 4);
    icmp[0] = ICMP_ECHOREPLY;
    memset(icmp + 2, 0, sizeof(sum));
    sum = internet_sum(icmp, length - sizeof(*ip));
    memcpy(icmp + 2, &sum, sizeof(sum));
    return true;
}

static void receive(void *context, struct net_buffer *b)
{
    struct ethhdr *e = (struct ethhdr *)b->data;
    u16 type = __builtin_bswap16(e->h_proto);
    u8 first = b->length > ETH_HLEN + 4u ? b->data[ETH_HLEN] : 0;

    received++;
    if (type == ETH_TEST && first >= 'A' && first <= 'Z')
        command(b);
    else if (type == ETH_TEST || (type == ETH_P_ARP && b->length >= 42 && answer_arp(b->data + ETH_HLEN)) ||
             (type == ETH_P_IP && answer_echo(b)))
        send_back(b);
    else
        for (struct net_buffer *next; b; b = next) {
            next = b->next;
            net_buffer_release(b);
        }
}

static void work(struct deferred *d)
{
    spin_lock(&lock);
    if (platform_net_link(0) != link) {
        link = !link;
        link_changes++;
    }
    do {
        while (platform_net_poll(0, BUDGET, receive, NULL))
            platform_net_kick(0, true);
    } while (!platform_net_listen(0, false));
    spin_unlock(&lock);
}

static void event(void *context)
{
    static struct deferred put_off = {.fn = work};

    deferred_queue(&put_off);
}

static void net_test_main(void)
{
    static struct wait_queue never;

    if (!platform_net_count())
        panic("no network device");
    link = platform_net_link(0);
    if (platform_net_start(0, event, NULL))
        panic("the device does not start");
    spin_lock(&lock);
    while (!platform_net_listen(0, false))
        platform_net_poll(0, BUDGET, receive, NULL);
    platform_net_kick(0, true);
    spin_unlock(&lock);
    wait_queue_init(&never);
    wait_event(&never, false, NSEC_NEVER, WAIT_UNINTERRUPTIBLE);
}
INIT_CALL(INIT_FILES, net_test_main);
