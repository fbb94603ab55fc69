/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which thread a run queue picks: shares by weight, real-time order, sleepers, preemption. A toy scheduler of one CPU
 * runs simulated threads.
 * sources: kernel/run_queue.c kernel/lib/rbtree.c
 */
#define _SYS_TYPES_H 1 /* its types are the kernel headers' here, and differ */
#include <linux/sched.h>
#include <string.h>
#include "kernel/run_queue.h"
#include "tests/unit/test.h"

#define MS NSEC_PER_MSEC

void spin_init(struct spinlock *l, enum lock_class cls)
{
    *l = (struct spinlock){0};
}

void spin_wait(struct spinlock *l)
{
}

void preempt_check(void)
{
}

static struct run_queue rq;
static struct thread idle, threads[32];
static nsec_t now;

static struct thread *make(unsigned i, int policy, int priority, int nice)
{
    struct thread *t = &threads[i];
    memset(t, 0, sizeof(*t));
    t->policy = policy;
    t->priority = priority;
    t->nice = nice;
    list_init(&t->run_link);
    rq_place(&rq, t, true);
    rq_enqueue(&rq, t, false);
    return t;
}

static void reset(void)
{
    rq_init(&rq, 0);
    memset(&idle, 0, sizeof(idle));
    now = 1000 * MS;
    rq.idle = rq.current = &idle;
    idle.run_start = now;
}

/* As schedule(): the current thread goes back in (unless it sleeps), the best comes out. */
static void switch_now(bool sleeps)
{
    struct thread *prev = rq.current;
    rq_account(&rq, now);
    if (prev != &idle && !sleeps)
        rq_enqueue(&rq, prev, prev->slice_used < rq_slice(&rq, prev));
    struct thread *next = rq_peek(&rq, false);
    if (next)
        rq_dequeue(&rq, next);
    else
        next = &idle;
    next->slice_used = 0;
    next->run_start = now;
    rq.current = next;
}

static void run_for(nsec_t ns)
{
    nsec_t end = now + ns;
    while (now < end) {
        if (rq.current == &idle)
            switch_now(false);
        nsec_t slice = rq_slice(&rq, rq.current);
        now += MIN(MIN(slice, 20 * MS), end - now);
        switch_now(false);
    }
    rq_account(&rq, now);
}

TEST(equal_threads_get_equal_shares)
{
    reset();
    for (unsigned i = 0; i < 8; i++)
        make(i, SCHED_NORMAL, 0, 0);
    run_for(800 * MS);
    for (unsigned i = 0; i < 8; i++)
        CHECK(threads[i].runtime > 80 * MS && threads[i].runtime < 120 * MS);
}

TEST(nice_is_a_quarter_a_step)
{
    for (int nice = -20; nice < 19; nice++) {
        struct thread a = {.nice = nice}, b = {.nice = nice + 1};
        u32 wa = thread_weight(&a), wb = thread_weight(&b);
        CHECK(wa * 10 > wb * 11 && wa * 10 < wb * 14);
    }
    reset();
    make(0, SCHED_NORMAL, 0, 0);
    make(1, SCHED_NORMAL, 0, 5);
    run_for(4000 * MS);
    u64 ratio = threads[0].runtime * 100 / threads[1].runtime;
    CHECK(ratio > 250 && ratio < 370); /* 1.25^5 = 3.05 */
    CHECK(threads[1].runtime > 0);
}

TEST(idle_policy_gets_crumbs)
{
    reset();
    make(0, SCHED_NORMAL, 0, 0);
    make(1, SCHED_IDLE, 0, 0);
    run_for(4000 * MS);
    CHECK(threads[1].runtime > 0 && threads[1].runtime * 50 < threads[0].runtime);
}

TEST(real_time_goes_first_by_priority)
{
    reset();
    struct thread *normal = make(0, SCHED_NORMAL, 0, -20);
    struct thread *low = make(1, SCHED_FIFO, 1, 0), *high = make(2, SCHED_RR, 50, 0), *equal = make(3, SCHED_RR, 50, 0);
    CHECK(rq_peek(&rq, false) == high);
    rq_dequeue(&rq, high);
    CHECK(rq_peek(&rq, false) == equal);
    rq_enqueue(&rq, high, true); /* preempted: before its equal */
    CHECK(rq_peek(&rq, false) == high);
    rq_dequeue(&rq, high);
    rq_enqueue(&rq, high, false); /* its turn is over: behind */
    CHECK(rq_peek(&rq, false) == equal);
    rq_dequeue(&rq, equal);
    rq_dequeue(&rq, high);
    CHECK(rq_peek(&rq, false) == low);
    CHECK(rq_peek(&rq, true) == normal); /* throttled: others get a little */
    rq_dequeue(&rq, normal);
    CHECK(rq_peek(&rq, true) == low); /* but nobody else is there now */
    rq_dequeue(&rq, low);
    CHECK(!rq_peek(&rq, false) && !rq.queued && !rq.realtime_queued && !rq.weight);
}

TEST(lent_priority_counts)
{
    reset();
    struct thread *owner = make(0, SCHED_NORMAL, 0, 0);
    make(1, SCHED_FIFO, 10, 0);
    rq_dequeue(&rq, owner);
    owner->lent_priority = 20;
    rq_enqueue(&rq, owner, false);
    CHECK(rq_peek(&rq, false) == owner);
    CHECK(thread_realtime(owner) && thread_priority(owner) == 20);
    rq_dequeue(&rq, owner);
    owner->lent_priority = 0;
    rq_enqueue(&rq, owner, false);
    CHECK(rq_peek(&rq, false) == &threads[1]);
}

TEST(round_robin_takes_turns)
{
    reset();
    for (unsigned i = 0; i < 3; i++)
        make(i, SCHED_RR, 7, 0);
    for (int turn = 0; turn < 9; turn++) {
        switch_now(false);
        CHECK(rq.current == &threads[turn % 3]);
        now += SLICE_RR;
        rq_account(&rq, now);
    }
    reset();
    make(0, SCHED_FIFO, 7, 0);
    CHECK(rq_slice(&rq, &threads[0]) == NSEC_NEVER);
}

TEST(a_sleeper_preempts_but_does_not_hoard)
{
    reset();
    struct thread *sleeper = make(0, SCHED_NORMAL, 0, 0);
    make(1, SCHED_NORMAL, 0, 0);
    run_for(50 * MS);
    /* put it to sleep for long */
    if (rq.current == sleeper)
        switch_now(true);
    else
        rq_dequeue(&rq, sleeper);
    run_for(5000 * MS);
    CHECK(rq.current == &threads[1]);
    rq_place(&rq, sleeper, false);
    CHECK(rq_preempts(&rq, sleeper));
    u64 behind = threads[1].virtual_runtime - sleeper->virtual_runtime;
    CHECK(behind <= WAKE_CREDIT + SLICE_FAIR);
    struct thread *batch = make(2, SCHED_BATCH, 0, 0);
    batch->virtual_runtime = 0;
    CHECK(!rq_preempts(&rq, batch));
}

TEST(runtime_survives_wrapping)
{
    reset();
    rq.min_runtime = UINT64_MAX - 5 * MS;
    for (unsigned i = 0; i < 4; i++)
        make(i, SCHED_NORMAL, 0, 0);
    run_for(400 * MS);
    for (unsigned i = 0; i < 4; i++)
        CHECK(threads[i].runtime > 70 * MS && threads[i].runtime < 130 * MS);
}

TEST(moving_keeps_the_lag)
{
    struct run_queue other;
    reset();
    rq_init(&other, 1);
    rq.min_runtime = 1000;
    other.min_runtime = 5000000;
    struct thread t = {.virtual_runtime = 1700};
    rq_leave(&rq, &t);
    rq_join(&other, &t);
    CHECK(t.virtual_runtime == 5000700);
}

/* Random threads come, go and change; counters and order stay right. */
TEST(random_operations)
{
    reset();
    bool in[32] = {0};
    u32 n = 0, realtime = 0;
    for (int round = 0; round < 50000; round++) {
        unsigned i = (unsigned)test_random(32);
        struct thread *t = &threads[i];
        if (!in[i]) {
            memset(t, 0, sizeof(*t));
            list_init(&t->run_link);
            t->policy = test_random(4) ? SCHED_NORMAL : SCHED_FIFO;
            t->priority = t->policy == SCHED_FIFO ? 1 + (int)test_random(5) : 0;
            t->nice = (int)test_random(40) - 20;
            t->virtual_runtime = test_random(1000);
            rq_enqueue(&rq, t, test_random(2));
            in[i] = true;
            n++;
            realtime += t->policy == SCHED_FIFO;
        } else {
            rq_dequeue(&rq, t);
            in[i] = false;
            n--;
            realtime -= t->policy == SCHED_FIFO;
        }
        CHECK(rq.queued == n && rq.realtime_queued == realtime);
        struct thread *best = rq_peek(&rq, false);
        CHECK(!best == !n);
        for (unsigned k = 0; best && k < 32; k++)
            if (in[k]) {
                CHECK(thread_priority(&threads[k]) <= thread_priority(best));
                if (!thread_priority(best))
                    CHECK(threads[k].virtual_runtime >= best->virtual_runtime);
            }
    }
}
