/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contexts of Linux AIO. A context is a file without a name that is mapped where its number says: it goes when that mapping goes, with
 * the address space at the latest, and a library that looks into the page finds no ring there that it could read by itself.
 * Its requests that wait are those of a ring (fs/uring/uring.h), which keeps the context as long as there are any. What a file
 * has told is taken up by the thread that asks for events, unless an eventfd must hear of it.
 */
#include <linux/fcntl.h>
#include <linux/mman.h>
#include "fs/aio.h"
#include "fs/event.h"
#include "fs/tmpfs/tmpfs.h"
#include "fs/uring/uring.h"
#include "kernel/address_space.h"
#include "kernel/heap.h"
#include "kernel/user.h"

struct aio_context {
    struct uring_owner owner;
    struct uring *ring;
    struct mutex fetching;     /* one thread takes events at a time */
    struct spinlock lock;      /* what follows, but wait */
    u32 size;                  /* requests it was made for; never changes */
    u32 capacity;              /* events; never changes */
    u32 first, count;          /* of the events that wait */
    u32 reserved;              /* events that may come */
    bool ended;
    struct wait_queue wait;
    struct io_event *events;   /* a ring */
};

int aio_requests_max = 65536;
static u32 requests; /* of all contexts; atomic */

static struct aio_context *context_of(const struct file *f)
{
    return f->private;
}

static struct memory_object *map(struct file *f, u64 offset, u64 length, u32 prot, u32 map_flags)
{
    return tmpfs_file_ops.mmap(f, offset, length, prot, map_flags);
}

static void release(struct file *f)
{
    struct aio_context *c = context_of(f);

    __atomic_sub_fetch(&requests, c->size, __ATOMIC_RELAXED);
    uring_close(c->ring);
}

static void free_context(struct uring_owner *o)
{
    struct aio_context *c = container_of(o, struct aio_context, owner);

    kfree(c->events);
    kfree(c);
}

static const struct file_ops aio_file_ops = {.kind = "aio", .mmap = map, .release = release};

static void request_done(struct uring_owner *o, const struct uring_request *r, s64 result);

static struct aio_context *create(u32 n)
{
    struct aio_context *c = kzalloc(sizeof(*c));

    if (!c)
        return NULL;
    c->owner = (struct uring_owner){.done = request_done, .free = free_context};
    mutex_init(&c->fetching, LOCK_FS);
    spin_init(&c->lock, LOCK_PIPE);
    wait_queue_init(&c->wait);
    c->size = n;
    c->capacity = MAX(2 * n, 64u);
    c->events = kmalloc(c->capacity * sizeof(c->events[0]));
    c->ring = c->events ? uring_create_for(&c->owner) : NULL;
    if (!c->ring) {
        free_context(&c->owner);
        return NULL;
    }
    return c;
}

/* The context's file, which owns c from then on. */
static struct file *make_file(struct aio_context *c)
{
    struct file *f = c ? tmpfs_anonymous_file("[aio]", O_RDWR, F_SEAL_SEAL) : ERR_PTR(-ENOMEM);

    if (IS_ERR(f)) {
        if (c)
            uring_close(c->ring);
        return f;
    }
    f->ops = &aio_file_ops;
    f->private = c;
    f->inode->object->size = PAGE_SIZE; /* nobody has seen it yet */
    return f;
}

s64 aio_create(u32 n)
{
    struct mapping m = {
        .length = PAGE_SIZE,
        .prot = PROT_READ | PROT_WRITE,
        .max_prot = PROT_READ | PROT_WRITE,
        .flags = REGION_SHARED,
    };

    if (!n || 2 * (u64)n > (1u << 28) / sizeof(struct io_event)) /* Linux keeps room for twice as many, and no more than this */
        return -EINVAL;
    if (__atomic_add_fetch(&requests, n, __ATOMIC_RELAXED) > (u32)READ_ONCE(aio_requests_max)) {
        __atomic_sub_fetch(&requests, n, __ATOMIC_RELAXED);
        return -EAGAIN;
    }
    m.file = make_file(create(n));
    if (IS_ERR(m.file)) {
        __atomic_sub_fetch(&requests, n, __ATOMIC_RELAXED);
        return PTR_ERR(m.file);
    }
    m.object = m.file->inode->object;
    s64 at = address_space_map(current_process()->space, &m);
    file_put(m.file); /* the region has its own; without it all goes */
    return at;
}

struct file *aio_get(u64 number)
{
    struct address_space *as = current_process()->space;
    struct file *f = NULL;

    rwlock_read_lock(&as->lock);
    struct region *r = region_find(as, number);
    if (r && r->start == number && r->file && r->file->ops == &aio_file_ops) {
        f = r->file;
        file_get(f);
    }
    rwlock_read_unlock(&as->lock);
    return f;
}

int aio_destroy(u64 number)
{
    struct file *f = aio_get(number);

    if (!f)
        return -EINVAL;
    struct aio_context *c = context_of(f);
    spin_lock(&c->lock);
    bool first = !c->ended;
    c->ended = true;
    spin_unlock(&c->lock);
    wait_wake_all(&c->wait);
    if (first) {
        const struct uring_match polls = {.flags = IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_OP, .opcode = IORING_OP_POLL_ADD};
        const struct uring_match any = {.flags = IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY};

        uring_cancel(c->ring, &polls);
        uring_settle(c->ring);
        uring_wait_gone(c->ring, &any, NSEC_NEVER, WAIT_UNINTERRUPTIBLE);
        address_space_unmap(current_process()->space, number, PAGE_SIZE);
    }
    file_put(f);
    return first ? 0 : -EINVAL;
}

u32 aio_requests(void)
{
    return __atomic_load_n(&requests, __ATOMIC_RELAXED);
}

u32 aio_size(struct file *f)
{
    return context_of(f)->size;
}

bool aio_reserve(struct file *f)
{
    struct aio_context *c = context_of(f);

    spin_lock(&c->lock);
    bool room = c->count + c->reserved < c->capacity;
    c->reserved += room;
    spin_unlock(&c->lock);
    return room;
}

void aio_unreserve(struct file *f)
{
    struct aio_context *c = context_of(f);

    spin_lock(&c->lock);
    c->reserved--;
    spin_unlock(&c->lock);
}

/* The request is done; takes the room that was set aside. */
static void add_event(struct aio_context *c, const struct io_event *event)
{
    spin_lock(&c->lock);
    c->reserved--;
    if (!c->ended) /* nobody asks any more, and who waited has been sent away */
        c->events[(c->first + c->count++) % c->capacity] = *event;
    spin_unlock(&c->lock);
    wait_wake_all(&c->wait);
}

void aio_complete(struct file *f, const struct io_event *event)
{
    add_event(context_of(f), event);
}

/* A request that was left to others: data and the eventfd are in what it brings along. */
static void request_done(struct uring_owner *o, const struct uring_request *r, s64 result)
{
    struct aio_context *c = container_of(o, struct aio_context, owner);
    struct file *told = (struct file *)r->cqe_extra[1];
    const struct io_event event = {
        .data = r->cqe_extra[0],
        .obj = r->sqe.user_data,
        .res = r->sqe.opcode == IORING_OP_POLL_ADD && result == -ECANCELED ? 0 : result,
    };

    add_event(c, &event);
    if (told) {
        eventfd_signal(told);
        file_put(told);
    }
}

int aio_start(struct file *f, const struct io_uring_sqe *entry, struct file *on, u64 data, struct file *told)
{
    struct aio_context *c = context_of(f);

    if (told)
        WRITE_ONCE(c->ring->lazy, false);
    return uring_start_for(c->ring, entry, on, (const u64[]){data, (u64)told});
}

int aio_cancel(struct file *f, u64 iocb)
{
    struct aio_context *c = context_of(f);
    int error;

    uring_run_ready(c->ring);
    struct uring_request *r = uring_find_armed(c->ring, iocb, IORING_OP_POLL_ADD, &error);
    if (!r)
        return -EINVAL;
    uring_disarm(r);
    uring_complete(r, -ECANCELED);
    return -EINPROGRESS;
}

/* ------------------------------------------------------------ fetching */

/* Stores what there is, at most n events. Only what the program got is taken out. */
static long fetch_some(struct aio_context *c, s64 n, struct io_event *user)
{
    long done = 0;

    mutex_lock(&c->fetching);
    while (done < n && READ_ONCE(c->count)) {
        spin_lock(&c->lock); /* an event that is counted is there only when its lock is let go */
        u32 part = MIN(c->count, c->capacity - c->first);
        spin_unlock(&c->lock);
        part = (u32)MIN((s64)part, n - done);
        if (copy_to_user(user + done, &c->events[c->first], part * sizeof(*user))) {
            done = done ? done : -EFAULT;
            break;
        }
        spin_lock(&c->lock);
        c->first = (c->first + part) % c->capacity;
        c->count -= part;
        spin_unlock(&c->lock);
        done += part;
    }
    mutex_unlock(&c->fetching);
    return done;
}

static int wait_for_events(struct aio_context *c, nsec_t deadline)
{
    struct uring *ring = c->ring;
    u32 left = READ_ONCE(ring->in_flight);

    if (left && deadline > platform_clock()) {
        platform_block_poll(&ring->in_flight, left);
        if (READ_ONCE(ring->in_flight) != left)
            return 0;
    }
    if (left)
        platform_block_watch(1);
    bool serves = uring_sleep_begin(ring);
    int error = wait_event(&c->wait,
                           READ_ONCE(c->count) || READ_ONCE(c->ended) ||
                               (serves ? !list_empty(&ring->ready) : !READ_ONCE(ring->sleeper)),
                           deadline, WAIT_INTERRUPTIBLE);

    if (serves) {
        uring_sleep_end(ring);
        wait_wake_all(&c->wait); /* the next one serves */
    }
    if (left)
        platform_block_watch(-1);
    return error == -ERESTARTSYS ? -EINTR : error;
}

long aio_fetch(struct file *f, s64 least, s64 most, struct io_event *user, nsec_t deadline)
{
    struct aio_context *c = context_of(f);
    long done = 0;
    int error = 0;

    for (;;) {
        u32 left = READ_ONCE(c->ring->in_flight);
        if (left)
            platform_block_poll(&c->ring->in_flight, ~left);
        uring_run_ready(c->ring);
        long n = fetch_some(c, most - done, user + done);
        if (n < 0)
            return done ? done : n;
        done += n;
        if (done >= least || error)
            return done || !error || error == -ETIMEDOUT ? done : error;
        if (READ_ONCE(c->ended))
            return done ? done : -EINVAL;
        error = wait_for_events(c, deadline);
    }
}
