/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Per-CPU timer trees. The hardware timer is written only to move its deadline earlier: a cancelled
 * or postponed timer leaves it alone, and an interrupt that finds nothing due sets it anew. Writing
 * it costs up to 30 us on some hosts, so a timeout that never fires must not cost two writes.
 *
 * timer.cpu names the tree whose lock guards the timer, armed or not.
 */
#include "kernel/timer.h"
#include "kernel/lock.h"
#include "kernel/run_queue.h"

#define TIMER_MOVING ~0u

struct timer_cpu {
    struct spinlock lock;
    struct rb_tree tree;
    struct rb_node *first;
    struct timer *running; /* its callback runs now */
    nsec_t tick;           /* the scheduler's deadline; own CPU only */
    nsec_t programmed;     /* what the hardware was told; own CPU only */
} __attribute__((aligned(64)));

static struct timer_cpu cpus[MAX_CPUS];

void timers_init(void)
{
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        spin_init(&cpus[i].lock, LOCK_TIMER);
        cpus[i].tick = cpus[i].programmed = NSEC_NEVER;
    }
}

void timer_init(struct timer *t, void (*fn)(struct timer *t))
{
    *t = (struct timer){.fn = fn, .deadline = NSEC_NEVER};
}

static struct timer *first_of(struct timer_cpu *c)
{
    return c->first ? container_of(c->first, struct timer, node) : NULL;
}

static void insert(struct timer_cpu *c, struct timer *t)
{
    struct rb_node **link = &c->tree.root, *parent = NULL;
    bool leftmost = true;
    while (*link) {
        parent = *link;
        if (t->deadline < container_of(parent, struct timer, node)->deadline) {
            link = &parent->left;
        } else {
            link = &parent->right;
            leftmost = false;
        }
    }
    rb_insert(&c->tree, &t->node, parent, link);
    if (leftmost)
        c->first = &t->node;
    t->armed = true;
}

static void detach(struct timer_cpu *c, struct timer *t)
{
    if (c->first == &t->node)
        c->first = rb_next(&t->node);
    rb_remove(&c->tree, &t->node);
    t->armed = false;
}

/* Interrupts masked. */
static struct timer_cpu *lock_tree_of(struct timer *t)
{
    for (;;) {
        u32 cpu = READ_ONCE(t->cpu);
        if (cpu == TIMER_MOVING) {
            cpu_relax();
            continue;
        }
        spin_acquire(&cpus[cpu].lock);
        if (t->cpu == cpu)
            return &cpus[cpu];
        spin_release(&cpus[cpu].lock);
    }
}

static void program(struct timer_cpu *c, nsec_t deadline)
{
    if (deadline < c->programmed) {
        c->programmed = deadline;
        platform_timer_set(deadline);
    }
}

void timer_arm(struct timer *t, nsec_t deadline)
{
    irq_disable();
    struct timer_cpu *mine = &cpus[this_cpu()->cpu];
    struct timer_cpu *c = lock_tree_of(t);
    if (t->armed)
        detach(c, t);
    if (c != mine) {
        WRITE_ONCE(t->cpu, TIMER_MOVING);
        spin_release(&c->lock);
        spin_acquire(&mine->lock);
        WRITE_ONCE(t->cpu, mine - cpus);
    }
    t->deadline = deadline;
    if (deadline != NSEC_NEVER)
        insert(mine, t);
    spin_release(&mine->lock);
    program(mine, deadline);
    irq_enable();
}

bool timer_cancel(struct timer *t, bool wait)
{
    irq_disable();
    struct timer_cpu *c = lock_tree_of(t);
    bool was_armed = t->armed;
    if (was_armed)
        detach(c, t);
    bool runs = c->running == t;
    spin_release(&c->lock);
    irq_enable();
    if (wait && runs)
        while (READ_ONCE(c->running) == t)
            cpu_relax();
    return was_armed;
}

nsec_t timer_next_deadline(void)
{
    struct timer_cpu *c = &cpus[this_cpu()->cpu];
    spin_acquire(&c->lock);
    struct timer *t = first_of(c);
    nsec_t next = t ? t->deadline : NSEC_NEVER;
    spin_release(&c->lock);
    return MIN(next, c->tick);
}

void timer_set_tick(nsec_t deadline)
{
    struct timer_cpu *c = &cpus[this_cpu()->cpu];
    c->tick = deadline;
    program(c, deadline);
}

void kernel_timer_interrupt(void)
{
    struct timer_cpu *c = &cpus[this_cpu()->cpu];
    nsec_t now = platform_clock();
    c->programmed = NSEC_NEVER;
    spin_acquire(&c->lock);
    struct timer *t;
    while ((t = first_of(c)) && t->deadline <= now) {
        detach(c, t);
        c->running = t;
        spin_release(&c->lock);
        t->fn(t); /* may arm t again, or free what holds it */
        spin_acquire(&c->lock);
        c->running = NULL;
    }
    nsec_t next = t ? t->deadline : NSEC_NEVER;
    spin_release(&c->lock);
    if (c->tick <= now) {
        c->tick = NSEC_NEVER;
        sched_tick(now);
    }
    next = MIN(next, c->tick);
    if (next != NSEC_NEVER)
        program(c, next);
}
