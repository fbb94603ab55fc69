/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contexts of Linux AIO. A context is a file without a name that is mapped where its number says: it goes when that mapping goes, with
 * the address space at the latest, and a library that looks into the page finds no ring there that it could read by itself.
 */
#include <linux/fcntl.h>
#include <linux/mman.h>
#include "fs/aio.h"
#include "fs/tmpfs/tmpfs.h"
#include "kernel/address_space.h"
#include "kernel/heap.h"
#include "kernel/user.h"

struct aio_context {
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
    kfree(c->events);
    kfree(c);
}

static const struct file_ops aio_file_ops = {.kind = "aio", .mmap = map, .release = release};

static struct aio_context *create(u32 n)
{
    struct aio_context *c = kzalloc(sizeof(*c));

    if (!c)
        return NULL;
    mutex_init(&c->fetching, LOCK_FS);
    spin_init(&c->lock, LOCK_PIPE);
    wait_queue_init(&c->wait);
    c->size = n;
    c->capacity = MAX(2 * n, 64u);
    c->events = kmalloc(c->capacity * sizeof(c->events[0]));
    if (!c->events) {
        kfree(c);
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
            kfree(c->events);
        kfree(c);
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
    if (n > AIO_REQUESTS_MAX || __atomic_add_fetch(&requests, n, __ATOMIC_RELAXED) > AIO_REQUESTS_MAX) {
        if (n <= AIO_REQUESTS_MAX)
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
    if (first)
        address_space_unmap(current_process()->space, number, PAGE_SIZE);
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

void aio_complete(struct file *f, const struct io_event *event)
{
    struct aio_context *c = context_of(f);

    spin_lock(&c->lock);
    c->reserved--;
    c->events[(c->first + c->count++) % c->capacity] = *event;
    spin_unlock(&c->lock);
    wait_wake_all(&c->wait);
}

/* Stores what there is, at most n events. Only what the program got is taken out. */
static long fetch_some(struct aio_context *c, s64 n, struct io_event *user)
{
    long done = 0;

    mutex_lock(&c->fetching);
    while (done < n && READ_ONCE(c->count)) {
        u32 part = MIN(READ_ONCE(c->count), c->capacity - c->first);
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

long aio_fetch(struct file *f, s64 least, s64 most, struct io_event *user, nsec_t deadline)
{
    struct aio_context *c = context_of(f);
    long done = 0;
    int error = 0;

    for (;;) {
        long n = fetch_some(c, most - done, user + done);
        if (n < 0)
            return done ? done : n;
        done += n;
        if (done >= least || error)
            return done || !error || error == -ETIMEDOUT ? done : error;
        if (READ_ONCE(c->ended))
            return done ? done : -EINVAL;
        error = wait_event(&c->wait, READ_ONCE(c->count) || READ_ONCE(c->ended), deadline, WAIT_INTERRUPTIBLE);
        if (error == -ERESTARTSYS)
            error = -EINTR;
    }
}
