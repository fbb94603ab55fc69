/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ring: its memory, its file, who waits for it. The memory is the kernel's own, mapped by the program at three offsets;
 * what the program writes there is believed in nothing but positions, and those are cut to the sizes the kernel remembers.
 */
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include "fs/event.h"
#include "fs/uring/uring.h"
#include "fs/generated.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"

/* The reaper: rings whose file is gone, wherever that happened, are taken apart by a thread that holds no lock. */
static struct spinlock dead_lock = SPINLOCK_INIT(LOCK_RING_POOL);
static struct list dead = LIST_INIT(dead);
static struct thread *reaper;

/* ------------------------------------------------------------ memory */

static struct memory_object *memory_create(u64 bytes, void *address)
{
    unsigned order = 0;

    while (PAGE_SIZE << order < bytes)
        order++;
    struct pages_object *o = pages_object_create(1ull << order, order);
    if (!o)
        return NULL;
    *(void **)address = o->pages[0];
    return &o->base;
}

static struct memory_object *ring_mmap(struct file *f, u64 offset, u64 length, u32 prot, u32 map_flags)
{
    struct uring *ring = f->private;
    struct memory_object *o;

    switch (offset & IORING_OFF_MMAP_MASK) {
    case IORING_OFF_SQ_RING:
    case IORING_OFF_CQ_RING:
        o = ring->rings;
        break;
    case IORING_OFF_SQES:
        o = ring->sqe_object;
        break;
    default:
        return ERR_PTR(-ENOMEM); /* as Linux, which finds no place for it */
    }
    memory_object_get(o);
    return o;
}

/* ------------------------------------------------------------ waiting for completions */

bool uring_sleep_begin(struct uring *ring)
{
    spin_lock_irq(&ring->lock);
    bool mine = !ring->sleeper;
    if (mine)
        ring->sleeper = current_thread();
    spin_unlock_irq(&ring->lock);
    return mine;
}

void uring_sleep_end(struct uring *ring)
{
    spin_lock_irq(&ring->lock);
    ring->sleeper = NULL;
    uring_kick(ring);
    spin_unlock_irq(&ring->lock);
}

bool uring_has(struct uring *ring, u32 least)
{
    uring_run_ready(ring);
    uring_flush_overflow(ring);
    return uring_completions(ring) >= MIN(least, ring->cq_entries);
}

int uring_wait(struct uring *ring, u32 least, nsec_t deadline)
{
    struct waiter w;
    int error = 0;

    if (uring_has(ring, least))
        return 0;
    least = MIN(least, ring->cq_entries);
    bool sleeper = uring_sleep_begin(ring);
    waiter_init(&w, false);
    wait_add(&ring->wait, &w);
    for (;;) {
        if (sleeper)
            uring_run_ready(ring);
        uring_flush_overflow(ring);
        wait_prepare(WAIT_INTERRUPTIBLE);
        if (uring_completions(ring) >= least || error)
            break;
        if (sleeper && !list_empty(&ring->ready))
            wait_finish();
        else
            error = wait_sleep(deadline);
    }
    wait_finish();
    wait_remove(&ring->wait, &w);
    if (sleeper)
        uring_sleep_end(ring);
    /* Some are better than an error. */
    if (uring_completions(ring))
        return 0;
    return error == -ETIMEDOUT ? -ETIME : error ? -EINTR : 0;
}

/* ------------------------------------------------------------ the file */

static u32 ring_poll(struct file *f)
{
    struct uring *ring = f->private;
    u32 events = 0;

    if (READ_ONCE(ring->shared->sq_tail) - READ_ONCE(ring->sq_head) < ring->sq_entries)
        events |= EPOLLOUT | EPOLLWRNORM;
    if (uring_completions(ring) || !list_empty(&ring->overflow))
        events |= EPOLLIN | EPOLLRDNORM;
    return events;
}

static struct wait_queue *ring_poll_queue(struct file *f)
{
    return &((struct uring *)f->private)->wait;
}

/* What /proc/PID/fdinfo says of it, as Linux 6.1 does where nobody polls for the program. */
static void ring_fdinfo(struct file *f, struct text *t)
{
    struct uring *ring = f->private;
    const struct uring_shared *s = ring->shared;
    u32 taken = READ_ONCE(ring->sq_head), waiting = MIN(READ_ONCE(s->sq_tail) - taken, ring->sq_entries);
    const struct uring_request *r;
    const struct uring_overflow *o;

    text_printf(t, "SqMask:\t0x%x\nSqHead:\t%u\nSqTail:\t%u\nCachedSqHead:\t%u\n", ring->sq_entries - 1, s->sq_head, s->sq_tail, taken);
    text_printf(t, "CqMask:\t0x%x\nCqHead:\t%u\nCqTail:\t%u\nCachedCqTail:\t%u\nSQEs:\t%u\n", ring->cq_entries - 1, s->cq_head, s->cq_tail,
                ring->cq_tail, waiting);
    text_printf(t, "CQEs:\t%u\n", uring_completions(ring));
    for (u32 i = 0; i < uring_completions(ring); i++) {
        const struct io_uring_cqe *c = uring_cqe(ring, s->cq_head + i);
        text_printf(t, "%5u: user_data:%llu, res:%d, flag:%x\n", (s->cq_head + i) & (ring->cq_entries - 1), (unsigned long long)c->user_data, c->res,
                    c->flags);
    }
    text_printf(t, "SqThread:\t-1\nSqThreadCpu:\t-1\nUserFiles:\t%u\nUserBufs:\t%u\nPollList:\n", READ_ONCE(ring->file_count),
                READ_ONCE(ring->buffer_count));
    spin_lock_irq(&ring->lock);
    list_for_each(r, &ring->requests, link)
        if (r->state == URING_ARMED && r->queue)
            text_printf(t, "  op=%d, task_works=0\n", r->sqe.opcode);
    text_printf(t, "CqOverflowList:\n");
    list_for_each(o, &ring->overflow, link)
        text_printf(t, "  user_data=%llu, res=%d, flags=%x\n", (unsigned long long)o->cqe.user_data, o->cqe.res, o->cqe.flags);
    spin_unlock_irq(&ring->lock);
}

static void ring_free(struct uring *ring)
{
    if (ring->rings)
        memory_object_put(ring->rings);
    if (ring->sqe_object)
        memory_object_put(ring->sqe_object);
    if (ring->issuer)
        thread_put(ring->issuer);
    if (ring->owner)
        ring->owner->free(ring->owner);
    kfree(ring->spare);
    kfree(ring);
}

void uring_put(struct uring *ring)
{
    if (!__atomic_sub_fetch(&ring->refs, 1, __ATOMIC_ACQ_REL))
        ring_free(ring);
}

/* Nobody can submit any more: ends what is under way and lets go what the ring holds. */
static void take_apart(struct uring *ring)
{
    const struct uring_match all = {.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL};
    struct uring_personality *p, *next;
    struct uring_overflow *o;

    WRITE_ONCE(ring->closed, true);
    uring_cancel(ring, &all);
    uring_settle(ring); /* also what was put off, to find that it may not begin */
    uring_files_drop(ring);
    uring_buffers_drop(ring);
    spin_lock_irq(&ring->lock);
    struct file *eventfd = ring->eventfd;
    ring->eventfd = NULL;
    spin_unlock_irq(&ring->lock);
    if (eventfd)
        file_put(eventfd);
    list_for_each_safe(p, next, &ring->personalities, link) {
        group_list_put(p->cred.groups);
        kfree(p);
    }
    list_init(&ring->personalities);
    spin_lock_irq(&ring->lock);
    while ((o = list_first(&ring->overflow, struct uring_overflow, link))) {
        list_remove(&o->link);
        kfree(o);
    }
    spin_unlock_irq(&ring->lock);
    if (ring->task)
        uring_task_put(ring->task);
    uring_put(ring);
}

static void reap(void *arg)
{
    struct uring *ring;

    for (;;) {
        wait_prepare(WAIT_UNINTERRUPTIBLE);
        spin_lock_irq(&dead_lock);
        ring = list_first(&dead, struct uring, dead_link);
        if (ring)
            list_remove(&ring->dead_link);
        spin_unlock_irq(&dead_lock);
        if (!ring)
            wait_sleep(NSEC_NEVER);
        wait_finish();
        if (ring)
            take_apart(ring);
    }
}

void uring_close(struct uring *ring)
{
    spin_lock_irq(&dead_lock);
    list_add_tail(&dead, &ring->dead_link);
    spin_unlock_irq(&dead_lock);
    thread_wake(reaper);
}

static void ring_release(struct file *f)
{
    uring_list_remove(f->private);
    uring_close(f->private);
}

static const struct file_ops ring_ops = {
    .kind = "anon_inode:[io_uring]",
    .poll = ring_poll,
    .poll_queue = ring_poll_queue,
    .mmap = ring_mmap,
    .fdinfo = ring_fdinfo,
    .release = ring_release,
};

struct uring *uring_of(const struct file *f)
{
    return f->ops == &ring_ops ? f->private : NULL;
}

/* ------------------------------------------------------------ creation */

static void fill_offsets(struct io_uring_params *p, const struct uring *ring)
{
    p->sq_off = (struct io_sqring_offsets){
        .head = offsetof(struct uring_shared, sq_head),
        .tail = offsetof(struct uring_shared, sq_tail),
        .ring_mask = offsetof(struct uring_shared, sq_mask),
        .ring_entries = offsetof(struct uring_shared, sq_entries),
        .flags = offsetof(struct uring_shared, sq_flags),
        .dropped = offsetof(struct uring_shared, sq_dropped),
        .array = (u32)((char *)ring->sq_array - (char *)ring->shared),
    };
    p->cq_off = (struct io_cqring_offsets){
        .head = offsetof(struct uring_shared, cq_head),
        .tail = offsetof(struct uring_shared, cq_tail),
        .ring_mask = offsetof(struct uring_shared, cq_mask),
        .ring_entries = offsetof(struct uring_shared, cq_entries),
        .overflow = offsetof(struct uring_shared, cq_overflow),
        .cqes = offsetof(struct uring_shared, cqes),
        .flags = offsetof(struct uring_shared, cq_flags),
    };
    p->features = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_RW_CUR_POS |
                  IORING_FEAT_CUR_PERSONALITY | IORING_FEAT_FAST_POLL | IORING_FEAT_POLL_32BITS | IORING_FEAT_EXT_ARG |
                  IORING_FEAT_NATIVE_WORKERS | IORING_FEAT_RSRC_TAGS | IORING_FEAT_CQE_SKIP | IORING_FEAT_LINKED_FILE;
}

static void fill(struct uring *ring, const struct io_uring_params *p)
{
    ring->refs = 1;
    ring->flags = p->flags;
    ring->sq_entries = p->sq_entries;
    ring->cq_entries = p->cq_entries;
    ring->disabled = p->flags & IORING_SETUP_R_DISABLED;
    mutex_init(&ring->submitting, LOCK_RING);
    spin_init(&ring->lock, LOCK_RING_STATE);
    wait_queue_init(&ring->wait);
    list_init(&ring->personalities);
    list_init(&ring->requests);
    list_init(&ring->ready);
    list_init(&ring->deferred);
    list_init(&ring->runner_link);
    list_init(&ring->overflow);
    list_init(&ring->dead_link);
    list_init(&ring->all_link);
    list_init(&ring->groups);
    ring->pool_limit[IO_WQ_BOUND] = MIN(ring->sq_entries, 4 * platform_cpu_count());
    ring->pool_limit[IO_WQ_UNBOUND] = URING_UNBOUND_MAX;
}

/* The rings and the entries. False: out of memory. */
static bool make_memory(struct uring *ring)
{
    size_t cqes = sizeof(struct io_uring_cqe) << !!(ring->flags & IORING_SETUP_CQE32);
    size_t array = sizeof(struct uring_shared) + ring->cq_entries * cqes;

    ring->rings = memory_create(array + ring->sq_entries * sizeof(u32), &ring->shared);
    ring->sqe_object = memory_create((u64)ring->sq_entries * (sizeof(struct io_uring_sqe) << !!(ring->flags & IORING_SETUP_SQE128)),
                                     &ring->sqes);
    if (!ring->rings || !ring->sqe_object)
        return false;
    struct uring_shared *s = ring->shared;
    ring->sq_array = (u32 *)((char *)s + array);
    s->sq_mask = ring->sq_entries - 1;
    s->cq_mask = ring->cq_entries - 1;
    s->sq_entries = ring->sq_entries;
    s->cq_entries = ring->cq_entries;
    return true;
}

static struct uring *create(const struct io_uring_params *p)
{
    struct uring *ring = kzalloc(sizeof(*ring));

    if (!reaper)
        reaper = kernel_thread_create("uring", reap, NULL);
    if (!ring || !reaper) {
        kfree(ring);
        return NULL;
    }
    fill(ring, p);
    return ring;
}

struct uring *uring_create_for(struct uring_owner *owner)
{
    const struct io_uring_params p = {.sq_entries = URING_UNBOUND_MAX};
    struct uring *ring = create(&p);

    if (ring) {
        ring->owner = owner;
        ring->lazy = true;
    }
    return ring;
}

struct file *uring_create(struct io_uring_params *p)
{
    struct uring *ring = create(p);

    if (!ring)
        return ERR_PTR(-ENOMEM);
    struct file *f = make_memory(ring) ? file_create(&ring_ops, O_RDWR | O_CLOEXEC, ring) : NULL;
    if (!f) {
        ring_free(ring);
        return ERR_PTR(-ENOMEM);
    }
    if (p->flags & IORING_SETUP_SINGLE_ISSUER && !ring->disabled) {
        ring->issuer = current_thread();
        thread_get(ring->issuer);
    }
    uring_list_add(ring);
    fill_offsets(p, ring);
    return f;
}
