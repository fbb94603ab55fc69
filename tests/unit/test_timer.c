/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timer trees of several CPUs against a flat model: what fires when, and how seldom the hardware is written.
 * sources: kernel/timer.c kernel/lib/rbtree.c
 */
#define _SYS_TYPES_H 1 /* its types are the kernel headers' here, and differ */
#include "kernel/lock.h"
#include "kernel/run_queue.h"
#include "kernel/timer.h"
#include "tests/unit/test.h"

#define TIMERS 200
#define CPUS   3

static nsec_t now, hardware[CPUS], tick_seen;
static unsigned writes;

nsec_t platform_clock(void)
{
    return now;
}

void platform_timer_set(nsec_t deadline)
{
    hardware[host_cpu] = deadline;
    writes++;
}

void spin_wait(struct spinlock *l)
{
    CHECK(!"a lock is taken twice");
}

void preempt_check(void)
{
}

void spin_init(struct spinlock *l, enum lock_class cls)
{
    *l = (struct spinlock){0};
}

void sched_tick(nsec_t at)
{
    tick_seen = at;
}

static struct slot {
    struct timer timer;
    nsec_t want; /* NSEC_NEVER: not armed */
    unsigned fired;
} slots[TIMERS];

static void fire(struct timer *t)
{
    struct slot *s = container_of(t, struct slot, timer);
    CHECK(s->want <= now);
    CHECK(!t->armed);
    s->want = NSEC_NEVER;
    s->fired++;
    if (s->fired % 7 == 0) { /* some arm themselves again */
        s->want = now + 50;
        timer_arm(t, s->want);
    }
}

/* Lets time pass to `to`, with an interrupt on each CPU whenever its hardware says. */
static void run_until(nsec_t to)
{
    for (;;) {
        unsigned first = 0;
        for (unsigned i = 1; i < CPUS; i++)
            if (hardware[i] < hardware[first])
                first = i;
        if (hardware[first] > to)
            break;
        now = MAX(now, hardware[first]);
        hardware[first] = NSEC_NEVER;
        host_cpu = first;
        kernel_timer_interrupt();
    }
    now = to;
    for (unsigned i = 0; i < TIMERS; i++)
        CHECK(slots[i].want > now || slots[i].want == NSEC_NEVER);
}

static void reset(void)
{
    timers_init();
    now = 1000;
    writes = 0;
    tick_seen = 0;
    for (unsigned i = 0; i < CPUS; i++)
        hardware[i] = NSEC_NEVER;
    for (unsigned i = 0; i < TIMERS; i++) {
        timer_init(&slots[i].timer, fire);
        slots[i].want = NSEC_NEVER;
        slots[i].fired = 0;
    }
    host_cpu = 0;
}

TEST(random_timers)
{
    reset();
    for (int round = 0; round < 20000; round++) {
        struct slot *s = &slots[test_random(TIMERS)];
        host_cpu = (u32)test_random(CPUS);
        switch (test_random(4)) {
        case 0:
        case 1:
            s->want = now + test_random(5000);
            timer_arm(&s->timer, s->want);
            break;
        case 2:
            CHECK(timer_cancel(&s->timer, test_random(2)) == (s->want != NSEC_NEVER));
            s->want = NSEC_NEVER;
            break;
        case 3:
            run_until(now + test_random(300));
            break;
        }
    }
    run_until(now + 100000);
    unsigned fired = 0;
    for (unsigned i = 0; i < TIMERS; i++)
        fired += slots[i].fired;
    CHECK(fired > 1000);
}

TEST(moves_between_cpus)
{
    reset();
    for (unsigned i = 0; i < 9; i++) {
        host_cpu = i % CPUS;
        slots[0].want = now + 100;
        timer_arm(&slots[0].timer, slots[0].want);
        CHECK(slots[0].timer.cpu == host_cpu);
    }
    run_until(now + 1000);
    CHECK(slots[0].fired == 1);
}

TEST(cancelled_timeouts_cost_one_write)
{
    reset();
    for (int i = 0; i < 1000; i++) {
        slots[0].want = now + 1000000;
        timer_arm(&slots[0].timer, slots[0].want);
        CHECK(timer_cancel(&slots[0].timer, true));
        slots[0].want = NSEC_NEVER;
        now += 10;
    }
    CHECK(writes == 1);
    run_until(now + 10000000);
    CHECK(slots[0].fired == 0);
}

TEST(past_deadlines_fire)
{
    reset();
    slots[0].want = 1;
    timer_arm(&slots[0].timer, 1);
    CHECK(hardware[0] == 1);
    run_until(now);
    CHECK(slots[0].fired == 1);
    timer_arm(&slots[0].timer, NSEC_NEVER);
    CHECK(!slots[0].timer.armed);
    CHECK(!timer_cancel(&slots[0].timer, true));
}

TEST(tick_is_apart_from_the_tree)
{
    reset();
    slots[0].want = now + 500;
    timer_arm(&slots[0].timer, slots[0].want);
    timer_set_tick(now + 200);
    CHECK(timer_next_deadline() == now + 200);
    nsec_t due = now + 200;
    run_until(now + 300);
    CHECK(tick_seen == due);
    CHECK(slots[0].fired == 0);
    run_until(now + 300);
    CHECK(slots[0].fired == 1);
    CHECK(timer_next_deadline() == NSEC_NEVER);
}
