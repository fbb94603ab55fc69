/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registered buffers, and the groups of provided buffers that receiving requests choose from. A registered buffer is a range of
 * addresses that was there when it was registered: the memory is not held, so what the program unmaps or maps anew
 * meanwhile is what a request finds (EFAULT, or the new memory).
 */
#include <linux/mman.h>
#include "fs/uring/uring.h"
#include "kernel/address_space.h"
#include "kernel/heap.h"
#include "kernel/user.h"

/* ------------------------------------------------------------ registered buffers */

/* Could [address, address + n) be read and written? */
static bool is_mapped(u64 address, u64 n)
{
    struct address_space *as = current_process()->space;
    u64 at = address, end = address + n;
    bool good = user_range_ok((void *)address, n);

    rwlock_read_lock(&as->lock);
    while (good && at < end) {
        struct region *r = region_find(as, at);
        good = r && r->start <= at && r->prot & PROT_WRITE;
        if (good)
            at = r->end;
    }
    rwlock_read_unlock(&as->lock);
    return good;
}

static long import(struct uring_buffer *b, const struct iovec *user, const u64 *user_tag)
{
    struct iovec v;

    b->tag = 0;
    if (get_user(v, user) || (user_tag && get_user(b->tag, user_tag)))
        return -EFAULT;
    b->address = (u64)v.iov_base;
    b->length = v.iov_len;
    if (!v.iov_base)
        return v.iov_len ? -EFAULT : b->tag ? -EINVAL : 0;
    if (!v.iov_len || v.iov_len > URING_BUFFER_BYTES)
        return -EFAULT;
    if (b->address + b->length < b->address)
        return -EOVERFLOW;
    return is_mapped(b->address, b->length) ? 0 : -EFAULT;
}

long uring_buffers_register(struct uring *ring, const struct iovec *user, const u64 *user_tags, u32 n, bool sparse)
{
    long error = 0;

    if (ring->buffers)
        return -EBUSY;
    if (!n || n > URING_BUFFERS_MAX)
        return -EINVAL;
    struct uring_buffer *buffers = kzalloc(n * sizeof(*buffers));
    if (!buffers)
        return -ENOMEM;
    for (u32 i = 0; i < n && !error && !sparse; i++)
        error = import(&buffers[i], user + i, user_tags ? user_tags + i : NULL);
    if (error) {
        kfree(buffers);
        return error;
    }
    spin_lock_irq(&ring->lock);
    ring->buffers = buffers;
    ring->buffer_count = n;
    spin_unlock_irq(&ring->lock);
    return 0;
}

static void drop_buffers(struct uring *ring)
{
    spin_lock_irq(&ring->lock);
    struct uring_buffer *buffers = ring->buffers;
    u32 n = ring->buffer_count;
    ring->buffers = NULL;
    ring->buffer_count = 0;
    spin_unlock_irq(&ring->lock);
    for (u32 i = 0; i < n; i++)
        if (buffers[i].tag && !ring->closed)
            uring_post(ring, buffers[i].tag, 0, 0, NULL, 0);
    kfree(buffers);
}

long uring_buffers_unregister(struct uring *ring)
{
    if (!ring->buffers)
        return -ENXIO;
    drop_buffers(ring);
    return 0;
}

long uring_buffers_update(struct uring *ring, u32 first, const struct iovec *user, const u64 *user_tags, u32 n)
{
    struct uring_buffer b;
    long error = 0;
    u32 done;

    if (!ring->buffers)
        return -ENXIO;
    if (first + n < n)
        return -EOVERFLOW;
    if (first + n > ring->buffer_count)
        return -EINVAL;
    for (done = 0; done < n; done++) {
        error = import(&b, user + done, user_tags ? user_tags + done : NULL);
        if (error)
            break;
        spin_lock_irq(&ring->lock);
        u64 old = ring->buffers[first + done].tag;
        ring->buffers[first + done] = b;
        spin_unlock_irq(&ring->lock);
        if (old)
            uring_post(ring, old, 0, 0, NULL, 0);
    }
    return done ? (long)done : error;
}

int uring_buffer_check(struct uring *ring, u32 index, u64 address, u64 n)
{
    spin_lock_irq(&ring->lock);
    const struct uring_buffer *b = index < ring->buffer_count ? &ring->buffers[index] : NULL;
    bool inside = b && b->length && address >= b->address && n <= b->length && address - b->address <= b->length - n;
    spin_unlock_irq(&ring->lock);
    return inside ? 0 : -EFAULT;
}

/* ------------------------------------------------------------ groups of provided buffers */

struct provided {
    struct list link;
    u64 address;
    u32 length;
    u16 id;
};

/* Under the ring's lock; what is of a ring of buffers, which is the program's memory, under taking. */
struct uring_group {
    struct list link; /* ring->groups */
    u32 id;
    struct list buffers;               /* struct provided, the next first */
    struct io_uring_buf_ring *ring;    /* the program's; NULL: buffers instead */
    u16 head, mask;
    u32 taken;                         /* rises with each buffer taken from ring: who took last may give back; taking */
    struct mutex taking;               /* which ring, and of its buffers */
};

/* Lock held. */
static struct uring_group *find_group(struct uring *ring, u32 id)
{
    struct uring_group *g;

    list_for_each(g, &ring->groups, link)
        if (g->id == id)
            return g;
    return NULL;
}

static struct uring_group *locked_find(struct uring *ring, u32 id)
{
    spin_lock_irq(&ring->lock);
    struct uring_group *g = find_group(ring, id);
    spin_unlock_irq(&ring->lock);
    return g;
}

static struct uring_group *add_group(struct uring *ring, u32 id)
{
    struct uring_group *g = kzalloc(sizeof(*g)), *other;

    if (!g)
        return NULL;
    g->id = id;
    list_init(&g->buffers);
    mutex_init(&g->taking, LOCK_FS);
    spin_lock_irq(&ring->lock);
    other = find_group(ring, id);
    if (!other)
        list_add_tail(&ring->groups, &g->link);
    spin_unlock_irq(&ring->lock);
    if (!other)
        return g;
    kfree(g);
    return other;
}

long uring_group_register_ring(struct uring *ring, const struct io_uring_buf_reg *reg)
{
    u64 bytes = (u64)reg->ring_entries * sizeof(struct io_uring_buf);

    if (reg->pad || reg->resv[0] || reg->resv[1] || reg->resv[2])
        return -EINVAL;
    if (!reg->ring_addr)
        return -EFAULT;
    if (reg->ring_addr & ~PAGE_MASK || !reg->ring_entries || reg->ring_entries & (reg->ring_entries - 1) ||
        reg->ring_entries >= 65536)
        return -EINVAL;
    struct uring_group *g = locked_find(ring, reg->bgid);
    if (g && (g->ring || !list_empty(&g->buffers)))
        return -EEXIST;
    if (!is_mapped(reg->ring_addr, bytes))
        return -EFAULT;
    if (!g)
        g = add_group(ring, reg->bgid);
    if (!g)
        return -ENOMEM;
    mutex_lock(&g->taking);
    g->ring = (struct io_uring_buf_ring *)reg->ring_addr;
    g->mask = (u16)(reg->ring_entries - 1);
    g->head = 0;
    g->taken++; /* what was taken of an earlier one does not come back */
    mutex_unlock(&g->taking);
    return 0;
}

long uring_group_unregister_ring(struct uring *ring, u32 id)
{
    struct uring_group *g = locked_find(ring, id);

    if (!g)
        return -ENOENT;
    if (!g->ring)
        return -EINVAL;
    mutex_lock(&g->taking);
    g->ring = NULL; /* the group stays, empty */
    mutex_unlock(&g->taking);
    return 0;
}

s64 uring_group_provide(struct uring_request *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    struct uring *ring = r->ring;
    struct uring_group *g = locked_find(ring, s->buf_group);
    u32 n = (u32)s->fd, done;

    if (!g)
        g = add_group(ring, s->buf_group);
    if (!g)
        return -ENOMEM;
    if (g->ring)
        return -EINVAL;
    for (done = 0; done < n; done++) {
        struct provided *p = kmalloc(sizeof(*p));
        if (!p)
            return done ? 0 : -ENOMEM;
        p->address = s->addr + (u64)done * s->len;
        p->length = s->len;
        p->id = (u16)(s->off + done);
        spin_lock_irq(&ring->lock);
        list_add_tail(&g->buffers, &p->link);
        spin_unlock_irq(&ring->lock);
    }
    return 0;
}

/* Takes the next; NULL: none. */
static struct provided *take_provided(struct uring *ring, struct uring_group *g)
{
    spin_lock_irq(&ring->lock);
    struct provided *p = list_first(&g->buffers, struct provided, link);
    if (p)
        list_remove(&p->link);
    spin_unlock_irq(&ring->lock);
    return p;
}

s64 uring_group_remove(struct uring_request *r)
{
    struct uring_group *g = locked_find(r->ring, r->sqe.buf_group);
    u32 n = (u32)r->sqe.fd, done;

    if (!g)
        return -ENOENT;
    if (g->ring)
        return -EINVAL;
    for (done = 0; done < n; done++) {
        struct provided *p = take_provided(r->ring, g);
        if (!p)
            break;
        kfree(p);
    }
    return done;
}

static int select_from_ring(struct uring_request *r, struct uring_group *g, struct io_uring_buf *b)
{
    int error = 0;
    u16 tail;

    mutex_lock(&g->taking);
    struct io_uring_buf_ring *ring = g->ring;
    if (!ring)
        error = -ENOBUFS;
    else if (get_user(tail, &ring->tail))
        error = -EFAULT;
    else if (tail == g->head)
        error = -ENOBUFS;
    else if (copy_from_user(b, &ring->bufs[g->head & g->mask], sizeof(*b)))
        error = -EFAULT;
    if (!error) {
        g->head++;
        r->taken = ++g->taken;
    }
    mutex_unlock(&g->taking);
    r->from_ring = !error;
    return error;
}

int uring_buffer_select(struct uring_request *r, u64 *address, u32 *n)
{
    struct uring_group *g = locked_find(r->ring, r->sqe.buf_group);
    struct io_uring_buf b;

    if (!g)
        return -ENOBUFS;
    if (r->has_buffer) {
        b = r->buffer;
    } else if (READ_ONCE(g->ring)) {
        int error = select_from_ring(r, g, &b);
        if (error)
            return error;
    } else {
        r->from_ring = false;
        struct provided *p = take_provided(r->ring, g);
        if (!p)
            return -ENOBUFS;
        b = (struct io_uring_buf){.addr = p->address, .len = p->length, .bid = p->id};
        kfree(p);
    }
    r->has_buffer = true;
    r->buffer = b;
    *address = b.addr;
    *n = *n && *n < b.len ? *n : b.len;
    return 0;
}

void uring_buffer_used(struct uring_request *r)
{
    r->has_buffer = false;
    r->cqe_flags |= IORING_CQE_F_BUFFER | (u32)r->buffer.bid << IORING_CQE_BUFFER_SHIFT;
}

void uring_buffer_recycle(struct uring_request *r)
{
    struct uring *ring = r->ring;
    struct uring_group *g = r->has_buffer ? locked_find(ring, r->sqe.buf_group) : NULL;

    if (!g)
        return;
    if (r->from_ring) {
        mutex_lock(&g->taking);
        if (g->ring && g->taken == r->taken) { /* else another has the next already, and r keeps what it has */
            g->head--;
            g->taken--;
            r->has_buffer = false;
        }
        mutex_unlock(&g->taking);
        return;
    }
    struct provided *p = kmalloc(sizeof(*p));
    if (!p)
        return;
    *p = (struct provided){.address = r->buffer.addr, .length = r->buffer.len, .id = r->buffer.bid};
    spin_lock_irq(&ring->lock);
    list_add_head(&g->buffers, &p->link);
    spin_unlock_irq(&ring->lock);
    r->has_buffer = false;
}

void uring_buffers_drop(struct uring *ring)
{
    struct uring_group *g, *next;
    struct provided *p;

    drop_buffers(ring);
    list_for_each_safe(g, next, &ring->groups, link) {
        while ((p = take_provided(ring, g)))
            kfree(p);
        kfree(g);
    }
    list_init(&ring->groups);
}
