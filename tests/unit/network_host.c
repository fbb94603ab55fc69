/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See network_host.h. The device reads what it is to send only when it is polled next, and checks that it is what it was: memory
 * which is freed or changed too soon is found. What no packet leads to is not here: the linker leaves it at address 0.
 */
#include <linux/rtnetlink.h>
#include "fs/file.h"
#include "fs/ipc/mqueue.h"
#include "fs/root.h"
#include "kernel/deferred.h"
#include "kernel/heap.h"
#include "kernel/init.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/page.h"
#include "kernel/params.h"
#include "kernel/process.h"
#include "kernel/random.h"
#include "kernel/timer.h"
#include "kernel/uts.h"
#include "kernel/wait.h"
#include "lwip/dhcp.h"
#include "lwip/dhcp6.h"
#include "net/inet.h"
#include "net/lwip/core.h"
#include "net/route.h"
#include "tests/unit/libc.h"
#include "tests/unit/network_host.h"

void (*host_sent)(const u8 *frame, size_t n);
/* Hooks of others. */
void (*root_fill)(void);
__typeof__(mqueue_tell_socket) mqueue_tell_socket;

size_t strlcpy(char *to, const char *from, size_t size)
{
    size_t n = strlen(from);
    if (size) {
        memcpy(to, from, MIN(n, size - 1));
        to[MIN(n, size - 1)] = 0;
    }
    return n;
}

void panic(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    printf("panic: ");
    vprintf(format, ap);
    printf("\n");
    fflush(NULL);
    abort();
}

void log_line(enum log_level level, const char *format, ...)
{
}

unsigned platform_cpu_count(void)
{
    return 1;
}

struct percpu *platform_percpu(unsigned cpu)
{
    return &host_percpu[cpu];
}

/* ------------------------------------------------------------ memory */

/* What is allocated, and by whom. */
static struct block {
    const void *p, *by[5];
} blocks[65536];
static size_t n_blocks;
static unsigned fails_in;
static u64 total_pages = 65536, free_pages = 65536;

#pragma GCC diagnostic ignored "-Wframe-address" /* main() and what it calls are all there is */
static inline __attribute__((always_inline)) void block_add(const void *p)
{
    ASSERT(n_blocks < ARRAY_SIZE(blocks));
    blocks[n_blocks++] = (struct block){
        p, {__builtin_return_address(0), __builtin_return_address(1), __builtin_return_address(2), __builtin_return_address(3),
            __builtin_return_address(4)}};
}

static void block_remove(const void *p)
{
    size_t i = n_blocks;
    while (i && blocks[i - 1].p != p)
        i--;
    if (!i)
        panic("%p is freed and was not allocated", p);
    blocks[i - 1] = blocks[--n_blocks];
}

static bool fails(void)
{
    if (fails_in > 1)
        fails_in--;
    return fails_in == 1;
}

void *kmalloc(size_t n)
{
    void *p = fails() ? NULL : malloc(n ? n : 1);
    if (p)
        block_add(p);
    return p;
}

void *kzalloc(size_t n)
{
    void *p = fails() ? NULL : calloc(1, n);
    if (p)
        block_add(p);
    return p;
}

void kfree(void *p)
{
    if (p)
        block_remove(p);
    free(p);
}

void host_memory_end(unsigned n)
{
    fails_in = n;
}

void host_memory_free(unsigned percent)
{
    free_pages = total_pages * percent / 100;
}

size_t host_memory_blocks(void)
{
    return n_blocks;
}

void host_memory_show(void)
{
    for (size_t i = 0; i < n_blocks; i++)
        printf("# %p allocated by %p %p %p %p %p\n", blocks[i].p, blocks[i].by[0], blocks[i].by[1], blocks[i].by[2],
               blocks[i].by[3], blocks[i].by[4]);
}

void (*page_reclaim_soon)(void);

void page_stats(struct page_stats *s)
{
    *s = (struct page_stats){.total = total_pages, .free = free_pages, .available = free_pages};
}

/* ------------------------------------------------------------ time and work */

static nsec_t now = NSEC_PER_SEC;
static struct timer *timers[8];
static struct deferred *queued;

nsec_t platform_clock(void)
{
    return now;
}

nsec_t clock_realtime(void)
{
    return now;
}

bool (*sched_before_idle)(void);
bool (*sched_while_idle)(void);

bool sched_watches(void);
bool sched_watches(void)
{
    return sched_while_idle;
}

const char *platform_hypervisor(void)
{
    return "none";
}

void timer_init(struct timer *t, void (*fn)(struct timer *t))
{
    memset(t, 0, sizeof(*t));
    t->fn = fn;
}

void timer_arm(struct timer *t, nsec_t deadline)
{
    size_t i = 0;
    while (timers[i] && timers[i] != t)
        i++;
    ASSERT(i < ARRAY_SIZE(timers) - 1);
    timers[i] = t;
    t->deadline = deadline;
    t->armed = true;
}

void deferred_queue(struct deferred *d)
{
    if (d->queued)
        return;
    d->queued = true;
    d->next = queued;
    queued = d;
}

void host_network_work(void)
{
    for (unsigned turns = 0; queued; turns++) {
        struct deferred *d = queued;
        queued = d->next;
        d->queued = false;
        if (turns > 100000)
            panic("the network's work does not end");
        d->fn(d);
    }
}

static struct timer *first_timer(nsec_t until)
{
    struct timer *first = NULL;
    for (size_t i = 0; timers[i]; i++) {
        if (timers[i]->armed && timers[i]->deadline <= until && (!first || timers[i]->deadline < first->deadline))
            first = timers[i];
    }
    return first;
}

void host_network_pass(nsec_t time)
{
    nsec_t until = now + time;
    struct timer *t;
    host_network_work();
    while ((t = first_timer(until))) {
        if (t->deadline > now)
            now = t->deadline;
        t->armed = false;
        t->fn(t);
        host_network_work();
    }
    now = until;
}

/* ------------------------------------------------------------ random numbers */

static u64 state = 1;

void host_random_seed(u64 seed)
{
    state = seed * 0x9e3779b97f4a7c15ull | 1;
}

u64 random_u64(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1dull;
}

void random_bytes(void *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((u8 *)to)[i] = (u8)(random_u64() >> 32);
}

void chacha20_block(const u32 key[8], u32 counter, const u32 nonce[3], u8 out[64])
{
    memset(out, 0, 64);
    for (unsigned i = 0; i < 8; i++)
        ((u32 *)out)[0] = (((u32 *)out)[0] ^ key[i] ^ nonce[i % 3]) * 0x9e3779b1u + counter;
}

/* ------------------------------------------------------------ threads and files */

static struct process process = {.pid = 2};
static struct thread thread = {.process = NULL};

struct thread *kernel_thread_create(const char *name, void (*fn)(void *arg), void *arg)
{
    fn(arg);
    return &thread;
}

bool capable(int capability)
{
    return true;
}

struct group_list *group_list_get(struct group_list *groups)
{
    return groups;
}

void group_list_put(struct group_list *groups)
{
}

u64 file_anonymous_ino(void)
{
    static u64 last;
    return ++last;
}

const char *uts_host_name(void)
{
    return "host";
}

void wait_queue_init(struct wait_queue *q)
{
    list_init(&q->waiters);
}

void waiter_init(struct waiter *w, bool exclusive)
{
}

void wait_add(struct wait_queue *q, struct waiter *w)
{
}

void wait_remove(struct wait_queue *q, struct waiter *w)
{
}

void wait_prepare(enum wait_mode mode)
{
}

void wait_finish(void)
{
}

int wait_sleep(nsec_t deadline)
{
    return deadline == 0 ? -ETIMEDOUT : -ERESTARTSYS;
}

void wait_wake_events(struct wait_queue *q, unsigned n, u32 events)
{
    ASSERT(q->waiters.next == &q->waiters);
}

/* ------------------------------------------------------------ locks, of the checking kernel's kind */

void spin_init(struct spinlock *l, enum lock_class cls)
{
    *l = (struct spinlock)SPINLOCK_INIT(cls);
}

void spin_lock(struct spinlock *l)
{
    if (l->locked)
        panic("a spinlock is taken twice");
    l->locked = 1;
}

void spin_lock_nested(struct spinlock *l)
{
    spin_lock(l);
}

bool spin_trylock(struct spinlock *l)
{
    if (l->locked)
        return false;
    spin_lock(l);
    return true;
}

void spin_unlock(struct spinlock *l)
{
    ASSERT(l->locked);
    l->locked = 0;
}

void assert_may_sleep(void)
{
}

void mutex_init(struct mutex *m, enum lock_class cls)
{
    m->owner = NULL;
}

void mutex_lock(struct mutex *m)
{
    ASSERT(!m->owner);
    m->owner = &thread;
}

void mutex_unlock(struct mutex *m)
{
    m->owner = NULL;
}

/* ------------------------------------------------------------ the device */

#define SENT_MAX 64
#define WAITING_MAX 256

static const struct net_info info = {
    .mac = HOST_MAC,
    .mtu = HOST_MTU,
    .max_segments = 40,
    .checksum = true,
    .send_large4 = true,
    .send_large6 = true,
    .receive_large = true,
};

static struct sent {
    struct net_frame *frame;
    struct block_segment segments[64];
    u8 bytes[65536 + 14];
    size_t n;
} sent[SENT_MAX];
static unsigned sent_first, sent_count;
static struct net_buffer *waiting[WAITING_MAX];
static unsigned waiting_first, waiting_count;
static bool plugged = true, held;
static void (*event)(void *context);

static size_t gather(const struct block_segment *segments, unsigned n, u8 *to)
{
    size_t length = 0;
    for (unsigned i = 0; i < n; i++) {
        ASSERT(segments[i].length && length + segments[i].length <= sizeof(sent->bytes));
        memcpy(to + length, phys_to_virt(segments[i].pa), segments[i].length);
        length += segments[i].length;
    }
    return length;
}

unsigned platform_net_count(void)
{
    return 1;
}

const struct net_info *platform_net_info(unsigned device)
{
    return &info;
}

int platform_net_start(unsigned device, void (*fn)(void *context), void *context)
{
    event = fn;
    return 0;
}

int platform_net_transmit(unsigned device, struct net_frame *f)
{
    if (sent_count == SENT_MAX)
        return -EAGAIN;
    if (f->n_segments == 0 || f->n_segments > info.max_segments)
        return -EINVAL;
    struct sent *s = &sent[(sent_first + sent_count++) % SENT_MAX];
    s->frame = f;
    memcpy(s->segments, f->segments, f->n_segments * sizeof(*f->segments));
    s->n = gather(s->segments, f->n_segments, s->bytes);
    return 0;
}

bool platform_net_kick(unsigned device, bool now)
{
    return true;
}

/* The device has read the oldest frame. */
static void finish_sent(void)
{
    static u8 again[sizeof(sent->bytes)];
    struct sent *s = &sent[sent_first];
    size_t n = gather(s->segments, s->frame->n_segments, again);
    if (n != s->n || memcmp(again, s->bytes, n))
        panic("a frame was changed while the device read it");
    sent_first = (sent_first + 1) % SENT_MAX;
    sent_count--;
    if (s->frame->done)
        s->frame->done(s->frame);
    if (host_sent)
        host_sent(again, n);
}

unsigned platform_net_poll(unsigned device, unsigned budget, void (*receive)(void *context, struct net_buffer *frame),
                           void *context)
{
    unsigned n = 0;
    for (unsigned k = held ? 0 : sent_count; k; k--)
        finish_sent();
    for (; n < budget && waiting_count; n++) {
        struct net_buffer *b = waiting[waiting_first];
        waiting_first = (waiting_first + 1) % WAITING_MAX;
        waiting_count--;
        receive(context, b);
    }
    return n;
}

bool platform_net_pending(unsigned device)
{
    return waiting_count;
}

bool platform_net_listen(unsigned device, bool all_sent)
{
    return !waiting_count && (held || !sent_count);
}

bool platform_net_link(unsigned device)
{
    return plugged;
}

u64 platform_net_dropped(unsigned device)
{
    return 0;
}

/* Each buffer's bytes are a block of their own, so that a step beyond is found. */
void net_buffer_release(struct net_buffer *b)
{
    block_remove(b);
    free(b->data);
    free(b);
}

static struct net_buffer *create_buffer(const u8 *from, size_t n)
{
    struct net_buffer *b = calloc(1, sizeof(*b));
    b->data = malloc(n);
    memcpy(b->data, from, n);
    b->length = (__typeof__(b->length))n;
    block_add(b);
    return b;
}

void host_network_frame(const u8 *frame, size_t n, size_t piece, bool good)
{
    struct net_buffer *first = NULL, **end = &first;
    if (waiting_count == WAITING_MAX || !n)
        return;
    for (size_t at = 0; at < n;) {
        size_t k = piece ? MIN(piece, n - at) : n;
        *end = create_buffer(frame + at, k);
        end = &(*end)->next;
        at += k;
    }
    first->frame_length = (__typeof__(first->frame_length))n;
    first->checksum_good = good;
    waiting[(waiting_first + waiting_count++) % WAITING_MAX] = first;
    event(NULL);
    host_network_work();
}

void host_network_hold(bool hold)
{
    held = hold;
    event(NULL);
    host_network_work();
}

void host_network_link(bool up)
{
    plugged = up;
    event(NULL);
    host_network_work();
}

/* ------------------------------------------------------------ the start */

extern const struct init_call __start_init_calls[], __stop_init_calls[];
extern const struct param __start_param_table[], __stop_param_table[];

static void set(const char *name, const char *value)
{
    for (const struct param *p = __start_param_table; p < __stop_param_table; p++) {
        if (!strcmp(p->name, name) && !p->set(value))
            return;
    }
    panic("no parameter %s=%s", name, value);
}

void host_network_start(void)
{
    host_percpu[0].current = &thread;
    set("net.ip", "10.0.0.2/24,10.0.0.1");
    set("net.ip", "fd00::2/64");
    set("net.ip", "dhcp");
    for (int level = 0; level < INIT_LEVELS; level++) {
        for (const struct init_call *c = __start_init_calls; c < __stop_init_calls; c++) {
            if ((int)c->level == level)
                c->fn();
        }
    }
    thread.process = &process;
    host_network_work();
}

void host_network_further(bool on)
{
    static const u8 ours[4] = HOST_ADDRESS4, network[4] = {10, 0, 0, 0};
    const ip4_addr_t other = {PP_HTONL(0x0a000009)}, mask = {PP_HTONL(0xffffff00)}, router = {PP_HTONL(0x0a000001)};
    struct interface_address a = {.prefix = 24, .permanent = true, .secondary = true};
    struct route r = {.v4 = true, .length = 25, .type = RTN_UNICAST, .table = RT_TABLE_MAIN, .from = true, .interface = OUTSIDE_INDEX};
    ip_from_v4(a.ip, ours);
    ip_from_v4(r.to, network);
    memcpy(r.source, a.ip, 16);
    if (on) {
        core_lock();
        netif_set_addr(&device_netif, &other, &mask, &router);
        core_unlock();
        network_add_route(&r, NLM_F_CREATE);
    } else {
        network_delete_route(&r);
    }
    network_set_address(OUTSIDE_INDEX, &a, on);
}

void host_network_restart(void)
{
    struct netif *n = &device_netif;
    const ip4_addr_t address = {PP_HTONL(0x0a000002)}, mask = {PP_HTONL(0xffffff00)}, router = {PP_HTONL(0x0a000001)};
    const u8 address6[16] = HOST_ADDRESS6;
    fails_in = 0;
    free_pages = total_pages;
    host_network_hold(false);
    host_network_link(true);
    core_lock();
    dhcp_release_and_stop(n);
    dhcp_cleanup(n);
    dhcp6_disable(n);
    dhcp6_cleanup(n);
    for (s8_t i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
        netif_ip6_addr_set_state(n, i, IP6_ADDR_INVALID);
    netif_set_down(n);
    core_unlock();
    host_network_pass(2 * NSEC_PER_SEC);
    core_lock();
    n->mtu = HOST_MTU;
    netif_set_addr(n, &address, &mask, &router);
    netif_set_up(n);
    netif_create_ip6_linklocal_address(n, 1);
    memcpy(ip_2_ip6(&n->ip6_addr[1])->addr, address6, 16);
    netif_ip6_addr_set_state(n, 1, IP6_ADDR_PREFERRED);
    dhcp6_enable_stateless(n);
    dhcp_start(n);
    core_unlock();
    host_network_pass(2 * NSEC_PER_SEC);
}
