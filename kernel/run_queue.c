/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Run-queue bookkeeping: see run_queue.h. Runs on the host in tests/unit/test_run_queue.c.
 */
#include <linux/sched.h>
#include "kernel/run_queue.h"

#define WEIGHT_NICE_0 1024u
#define WEIGHT_IDLE   3u

/* 1024 * 1.25^-nice, rounded, for nice -20 … 19: each step changes the share by about a tenth. */
static const u32 nice_weights[40] = {
    88818, 71054, 56843, 45475, 36380, 29104, 23283, 18626, 14901, 11921,
    9537,  7629,  6104,  4883,  3906,  3125,  2500,  2000,  1600,  1280,
    1024,  819,   655,   524,   419,   336,   268,   215,   172,   137,
    110,   88,    70,    56,    45,    36,    29,    23,    18,    15,
};

u32 thread_weight(const struct thread *t)
{
    return t->policy == SCHED_IDLE ? WEIGHT_IDLE : nice_weights[t->nice + 20];
}

/* ns * 1024 / weight; most threads have weight 1024, and a division is slow. */
static u64 weighted(u64 ns, u32 weight)
{
    return likely(weight == WEIGHT_NICE_0) ? ns : ns * WEIGHT_NICE_0 / weight;
}

int thread_priority(const struct thread *t)
{
    int own = t->policy == SCHED_FIFO || t->policy == SCHED_RR ? t->priority : 0;
    return MAX(own, (int)t->lent_priority);
}

bool thread_realtime(const struct thread *t)
{
    return thread_priority(t) > 0;
}

void rq_init(struct run_queue *rq, unsigned cpu)
{
    *rq = (struct run_queue){.cpu = cpu, .tick = NSEC_NEVER, .sample_gap = 10 * NSEC_PER_MSEC};
    spin_init(&rq->lock, LOCK_RUN_QUEUE);
    list_init(&rq->realtime);
}

static struct thread *fair_first(const struct run_queue *rq)
{
    return rq->fair_first ? container_of(rq->fair_first, struct thread, run_node) : NULL;
}

static bool goes_before(const struct thread *a, const struct thread *b)
{
    s64 d = (s64)(a->virtual_runtime - b->virtual_runtime);
    return d ? d < 0 : (s64)(a->queue_sequence - b->queue_sequence) < 0;
}

static void fair_insert(struct run_queue *rq, struct thread *t)
{
    struct rb_node **link = &rq->fair.root, *parent = NULL;
    bool leftmost = true;
    t->queue_sequence = rq->next_sequence++;
    while (*link) {
        parent = *link;
        if (goes_before(t, container_of(parent, struct thread, run_node))) {
            link = &parent->left;
        } else {
            link = &parent->right;
            leftmost = false;
        }
    }
    rb_insert(&rq->fair, &t->run_node, parent, link);
    if (leftmost)
        rq->fair_first = &t->run_node;
    rq->weight += thread_weight(t);
}

static void realtime_insert(struct run_queue *rq, struct thread *t, bool at_head)
{
    struct thread *other;
    int priority = thread_priority(t);
    list_for_each(other, &rq->realtime, run_link) {
        int p = thread_priority(other);
        if (p < priority || (at_head && p == priority))
            break;
    }
    list_add_tail(&other->run_link, &t->run_link); /* before other, or at the end */
    rq->realtime_queued++;
}

void rq_enqueue(struct run_queue *rq, struct thread *t, bool at_head)
{
    t->queued_realtime = thread_realtime(t);
    if (t->queued_realtime)
        realtime_insert(rq, t, at_head);
    else
        fair_insert(rq, t);
    t->on_queue = true;
    WRITE_ONCE(rq->queued, rq->queued + 1);
}

void rq_dequeue(struct run_queue *rq, struct thread *t)
{
    if (t->queued_realtime) {
        list_remove(&t->run_link);
        rq->realtime_queued--;
    } else {
        if (rq->fair_first == &t->run_node)
            rq->fair_first = rb_next(&t->run_node);
        rb_remove(&rq->fair, &t->run_node);
        rq->weight -= thread_weight(t);
    }
    t->on_queue = false;
    WRITE_ONCE(rq->queued, rq->queued - 1);
}

struct thread *rq_peek(struct run_queue *rq, bool throttled)
{
    struct thread *fair = fair_first(rq);
    if (rq->realtime_queued && !(throttled && fair))
        return list_first(&rq->realtime, struct thread, run_link);
    return fair;
}

void rq_account(struct run_queue *rq, nsec_t now)
{
    struct thread *t = rq->current;
    s64 ran = (s64)(now - t->run_start);
    if (ran <= 0)
        return;
    t->run_start = now;
    t->runtime += ran;
    if (t == rq->idle)
        return;
    t->slice_used += ran;
    if (thread_realtime(t)) {
        if (now - rq->realtime_start >= REALTIME_PERIOD) {
            rq->realtime_start = now;
            rq->realtime_used = 0;
        }
        rq->realtime_used += ran;
        return;
    }
    t->virtual_runtime += weighted((u64)ran, thread_weight(t));
    u64 least = t->virtual_runtime;
    struct thread *first = fair_first(rq);
    if (first && (s64)(first->virtual_runtime - least) < 0)
        least = first->virtual_runtime;
    if ((s64)(least - rq->min_runtime) > 0)
        rq->min_runtime = least;
}

nsec_t rq_slice(const struct run_queue *rq, const struct thread *t)
{
    if (thread_realtime(t))
        return t->policy == SCHED_RR ? SLICE_RR : NSEC_NEVER;
    /* A heavy thread gets its share in fewer, longer turns; a light one never less than a quarter. */
    u64 weight = thread_weight(t), total = rq->weight + weight;
    if (likely(total == (rq->queued + 1ull) * weight))
        return SLICE_FAIR; /* all alike */
    nsec_t slice = SLICE_FAIR * (rq->queued + 1) * weight / total;
    return MAX(MIN(slice, 4 * SLICE_FAIR), SLICE_FAIR / 4);
}

void rq_place(struct run_queue *rq, struct thread *t, bool newborn)
{
    /* A newborn waits its turn; a sleeper may be a little behind, not by all it slept. */
    u64 floor = rq->min_runtime - (newborn ? 0 : WAKE_CREDIT);
    if ((s64)(t->virtual_runtime - floor) < 0)
        t->virtual_runtime = floor;
}

bool rq_preempts(const struct run_queue *rq, const struct thread *t)
{
    const struct thread *current = rq->current;
    if (current == rq->idle)
        return true;
    int mine = thread_priority(t), its = thread_priority(current);
    if (mine || its)
        return mine > its;
    if (t->policy == SCHED_BATCH || t->policy == SCHED_IDLE)
        return false;
    if (current->policy == SCHED_IDLE)
        return true;
    u64 margin = weighted(WAKE_MARGIN, thread_weight(t));
    return (s64)(current->virtual_runtime - t->virtual_runtime) > (s64)margin;
}

void rq_leave(struct run_queue *rq, struct thread *t)
{
    t->virtual_runtime -= rq->min_runtime;
}

void rq_join(struct run_queue *rq, struct thread *t)
{
    t->virtual_runtime += rq->min_runtime;
}
