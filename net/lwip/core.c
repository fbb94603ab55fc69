/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core lock, the work that events and timers put off, and what lwIP expects of a system: time, memory,
 * random numbers, checksums.
 */
#include "kernel/deferred.h"
#include "kernel/heap.h"
#include "kernel/init.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/page.h"
#include "kernel/process.h"
#include "kernel/random.h"
#include "kernel/sched.h"
#include "kernel/timer.h"
#include "lwip/etharp.h"
#include "lwip/igmp.h"
#include "lwip/memp.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/sys.h"
#include "lwip/udp.h"
#include "net/interface.h"
#include "net/lwip/core.h"
#include "net/lwip/hooks.h"
#include "net/lwip/tcp.h"

static struct spinlock lock = SPINLOCK_INIT(LOCK_NETWORK);
#ifdef ARIL_DEBUG
static struct thread *holder;
#endif

#define TURNS      4
#define PAUSE_TIME (100 * NSEC_PER_USEC)
#define PAUSE_LONG (500 * NSEC_PER_USEC) /* while the program looks by itself */

bool network_attention;
static bool looked;        /* frames were found since the timer looked */
static struct timer pause;

/* The device is silent, or has not been told of something: it is looked at soon. */
static void pay_attention(void)
{
    WRITE_ONCE(network_attention, true);
    if (!pause.armed)
        timer_arm(&pause, platform_clock() + (looked ? PAUSE_LONG : PAUSE_TIME));
}

void core_lock(void)
{
    spin_lock(&lock);
#ifdef ARIL_DEBUG
    holder = current_thread();
#endif
}

static void unlock(bool now)
{
    tcp_bury();
    if (device_present) {
        if (!device_flush(now))
            pay_attention();
        if (now || timers_tcp_begins())
            timers_update();
    }
#ifdef ARIL_DEBUG
    holder = NULL;
#endif
    spin_unlock(&lock);
}

void core_unlock(void)
{
    unlock(true);
}

void core_unlock_soon(void)
{
    unlock(false);
}

#ifdef ARIL_DEBUG
void lwip_assert_locked(void)
{
    if (holder != current_thread())
        panic("lwIP without the core lock");
}
#endif

/* ------------------------------------------------------------ work put off */

/*
 * Who is busy is not interrupted for each frame. While a program runs, the device is silent: it is looked at when the program
 * waits for events, by a CPU that has nothing to do, and by a timer (PAUSE_TIME, PAUSE_LONG), until that finds nothing or
 * the CPU halts.
 *
 * Frames that come faster than they are handled would keep the program from running for ever: after some turns it gets time.
 * The idle thread, which has no process, keeps nobody from anything.
 */
static void network_work(struct deferred *d)
{
    static unsigned turns;
    core_lock();
    timers_run();
    unsigned n = device_poll();
    bool again = n == DEVICE_BUDGET, program = current_thread()->process, seen = n || looked;
    if (!(seen || again) || !(program || sched_watches())) {
        WRITE_ONCE(network_attention, false);
        again |= !device_listen();
    } else if (!again || (program && ++turns >= TURNS)) {
        turns = 0;
        again = false;
        pay_attention();
    }
    looked = false;
    core_unlock();
    if (again)
        deferred_queue(d);
}

void network_catch_up(void)
{
    if (!device_pending() && !device_untold())
        return;
    core_lock();
    looked |= device_poll() > 0;
    core_unlock();
}

/* The device interrupts from now on, if it has nothing now. */
static bool before_idle(void)
{
    if (!READ_ONCE(network_attention))
        return true;
    core_lock();
    bool some = device_poll() > 0, listens = !some && device_listen();
    looked |= some;
    if (listens) {
        WRITE_ONCE(network_attention, false);
        looked = false;
    } else {
        pay_attention();
    }
    core_unlock();
    return listens;
}

static bool while_idle(void)
{
    network_look();
    return READ_ONCE(network_attention);
}

static struct deferred work = {.fn = network_work};

void core_wake(void)
{
    deferred_queue(&work);
}

static void pause_ends(struct timer *t)
{
    core_wake();
}

/* ------------------------------------------------------------ what lwIP expects */

unsigned lwip_window, lwip_send_buffer;

u32_t sys_now(void)
{
    return (u32_t)(platform_clock() / NSEC_PER_MSEC);
}

uint32_t lwip_random(void)
{
    return (uint32_t)random_u64();
}

void lwip_failed(const char *what, const char *file, int line)
{
    panic("lwIP: %s (%s:%d)", what, file, line);
}

void *lwip_malloc(unsigned long n)
{
    return kmalloc(n);
}

void *lwip_calloc(unsigned long count, unsigned long n)
{
    return kzalloc(count * n); /* small constants */
}

void lwip_free(void *p)
{
    kfree(p);
}

u32_t lwip_initial_sequence(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote, u16_t remote_port)
{
    static u32 key[8];
    static bool keyed;
    if (!keyed) {
        random_bytes(key, sizeof(key));
        keyed = true;
    }
    /* The addresses go where the block function has its key, beside ours: a change of any bit changes all of the block. */
    u32 mixed[8], nonce[3] = {key[0], (u32)local_port << 16 | remote_port, key[1]}, out[16];
    u8 ip[32];
    address_from_lwip(local, ip);
    address_from_lwip(remote, ip + 16);
    memcpy(mixed, ip, sizeof(mixed));
    for (int i = 0; i < 8; i++)
        mixed[i] ^= key[i];
    chacha20_block(mixed, 0, nonce, (u8 *)out);
    return out[0] + (u32)(platform_clock() / 64);
}

/* The Internet checksum (RFC 1071), not inverted, folded, as lwIP wants it: in the machine's own order. */
unsigned short lwip_checksum(const void *data, int n)
{
    const u8 *p = data;
    u64 sum = 0;
    for (; n >= 8; n -= 8, p += 8) {
        u64 w;
        memcpy(&w, p, 8);
        sum += w;
        sum += sum < w; /* the carry comes in again */
    }
    u64 rest = 0;
    for (; n >= 2; n -= 2, p += 2) {
        u16 w;
        memcpy(&w, p, 2);
        rest += w;
    }
    if (n)
        rest += *p;
    sum = (sum & 0xffffffff) + (sum >> 32) + rest;
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (unsigned short)sum;
}

/* ------------------------------------------------------------ the start */

static struct wait_queue starting; /* until the first thread of the network has ended */
static bool started;

static void start(void *arg)
{
    if (device_start()) {
        core_lock();
        config_start();
        core_unlock();
        core_wake();
    }
    WRITE_ONCE(started, true);
    wait_wake_all(&starting);
    interface_changed();
}

bool network_is_started(void)
{
    return READ_ONCE(started);
}

static void network_init(void)
{
    struct page_stats stats;
    page_stats(&stats);
    wait_queue_init(&starting);
    timer_init(&pause, pause_ends);
    sched_before_idle = before_idle;
    if (platform_hypervisor()[0] != 't') /* QEMU's own threads need the host's CPUs, and a wake-up costs no more than any other code */
        sched_while_idle = while_idle;
    u64 share = stats.total * PAGE_SIZE / 64;
    lwip_window = (unsigned)MAX((u64)TCP_WINDOW_MIN, MIN(share, (u64)TCP_WINDOW_MAX));
    lwip_send_buffer = (unsigned)MAX((u64)TCP_SEND_MIN, MIN(share, (u64)TCP_SEND_MAX));
    core_lock();
    /* What lwip_init() does; core/init.c checks numbers that are not constant here. */
    memp_init();
    netif_init();
    etharp_init();
    udp_init();
    tcp_init();
    igmp_init();
    tcp_table_init(stats.total * PAGE_SIZE);
    tcp_demux_init();
    core_unlock();
    kernel_thread_create("network", start, NULL);
}
INIT_CALL(INIT_SOCKETS, network_init);

void network_await_start(void)
{
    if (!READ_ONCE(started))
        wait_event(&starting, READ_ONCE(started), NSEC_NEVER, WAIT_KILLABLE);
}
