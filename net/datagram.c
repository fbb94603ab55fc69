/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Datagram queues. A datagram is taken off under the socket's lock and copied to the program without it;
 * MSG_PEEK only takes a reference.
 */
#include <linux/net_tstamp.h>
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/timer.h"
#include "net/control.h"
#include "net/datagram.h"

void datagram_queue_init(struct datagram_queue *q)
{
    list_init(&q->list);
    q->count = 0;
    q->charge = 0;
}

/* The block kmalloc of Linux takes for n bytes. */
static u32 block_size(u32 n)
{
    u32 size = 512;
    while (size < n)
        size *= 2;
    return size;
}

u32 datagram_charge(u32 n)
{
    const u32 header = 256, tail = 320, linear_max = PAGE_SIZE - tail;
    if (n <= linear_max)
        return header + block_size(ALIGN_UP(n, 64u) + tail);
    u32 paged = MIN(n, ALIGN_UP(n - linear_max, (u32)PAGE_SIZE));
    return header + block_size(ALIGN_UP(n - paged, 64u) + tail) + ALIGN_UP(paged, (u32)PAGE_SIZE);
}

struct datagram *datagram_allocate(const void *name, u32 name_length, u32 n)
{
    struct datagram *d = kmalloc(sizeof(*d) + name_length + n);
    if (!d)
        return NULL;
    memset(d, 0, sizeof(*d));
    d->refs = 1;
    d->length = n;
    d->charge = datagram_charge(n);
    d->name_length = name_length;
    memcpy(d->data, name, name_length);
    return d;
}

struct datagram *datagram_create(struct io *io, const void *name, u32 name_length)
{
    u32 n = (u32)io->left;
    struct datagram *d = datagram_allocate(name, name_length, n);
    if (!d)
        return ERR_PTR(-ENOBUFS);
    if (n && io_copy_from(io, datagram_payload(d), n) != (ssize)n) {
        kfree(d);
        return ERR_PTR(-EFAULT);
    }
    return d;
}

static void uncharge(struct datagram *d)
{
    struct socket *s = d->sender;
    u64 limit = (u64)s->options.send_buffer;
    u64 after = __atomic_sub_fetch(&s->send_charge, d->charge, __ATOMIC_ACQ_REL);
    bool was_full = (after + d->charge) * 4 > limit;
    /* An edge-triggered epoll sees each message that goes, as on Linux. */
    if (after * 4 <= limit)
        wait_wake_events(&s->wait, ~0u, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND | (was_full ? 0 : WAKE_QUIET));
    socket_put(s);
}

void datagram_put(struct datagram *d)
{
    if (__atomic_sub_fetch(&d->refs, 1, __ATOMIC_ACQ_REL))
        return;
    if (d->sender)
        uncharge(d);
    passed_free(d->passed);
    kfree(d);
}

int datagram_charge_sender(struct socket *s, struct datagram *d, nsec_t deadline)
{
    u64 limit = (u64)s->options.send_buffer;
    if (READ_ONCE(s->send_charge) >= limit) {
        if (!deadline)
            return -EAGAIN;
        int error = wait_event(&s->wait, READ_ONCE(s->send_charge) < limit || READ_ONCE(s->error), deadline,
                               WAIT_INTERRUPTIBLE);
        if (error)
            return socket_wait_error(error, deadline);
    }
    __atomic_add_fetch(&s->send_charge, d->charge, __ATOMIC_RELAXED);
    socket_get(s);
    d->sender = s;
    return 0;
}

void datagram_enqueue(struct datagram_queue *q, struct datagram *d)
{
    list_add_tail(&q->list, &d->link);
    q->count++;
    q->charge += d->charge;
}

void datagram_dequeue(struct datagram_queue *q, struct datagram *d)
{
    list_remove(&d->link);
    q->count--;
    q->charge -= d->charge;
}

bool datagram_flush(struct socket *s, struct datagram_queue *q)
{
    bool any = false;
    for (;;) {
        spin_lock(&s->lock);
        struct datagram *d = list_first(&q->list, struct datagram, link);
        if (d)
            datagram_dequeue(q, d);
        spin_unlock(&s->lock);
        if (!d)
            return any;
        any = true;
        datagram_put(d);
    }
}

/* The datagram with the byte at *skip, which becomes the offset in it. The socket's lock is held. */
static struct datagram *peek_at(struct datagram_queue *q, size_t *skip)
{
    struct datagram *d;
    list_for_each(d, &q->list, link) {
        if (*skip < d->length || (!d->length && !*skip && !d->peeked)) {
            d->peeked = true;
            return d;
        }
        *skip -= d->length;
    }
    return NULL;
}

/* The datagram to receive, with a reference; taken off the queue unless that is a peek. NULL: none. *skip: its bytes to leave out. */
static struct datagram *take(struct socket *s, struct datagram_queue *q, int flags, size_t *skip)
{
    spin_lock(&s->lock);
    struct datagram *d = list_first(&q->list, struct datagram, link);
    *skip = 0;
    if (flags & MSG_PEEK) {
        if (s->options.peek_offset >= 0) {
            *skip = socket_peek_offset(s, flags);
            d = peek_at(q, skip);
        }
        if (d)
            __atomic_add_fetch(&d->refs, 1, __ATOMIC_RELAXED);
    } else if (d) {
        datagram_dequeue(q, d);
    }
    spin_unlock(&s->lock);
    return d;
}

static struct datagram *wait_for(struct socket *s, struct datagram_queue *q, struct message *m,
                                 const struct datagram_rules *rules, size_t *skip)
{
    nsec_t deadline = socket_receive_deadline(s, m->flags);
    for (;;) {
        int error = socket_take_error(s);
        if (error)
            return ERR_PTR(error);
        struct datagram *d = take(s, q, m->flags, skip);
        if (d)
            return d;
        error = deadline || rules->end_nonblocking ? rules->end(s) : 0;
        if (error) {
            d = take(s, q, m->flags, skip); /* what was sent just before the end */
            return d ? d : error < 0 ? ERR_PTR(error) : NULL;
        }
        if (!deadline)
            return ERR_PTR(-EAGAIN);
        error = wait_event(&s->wait,
                           (d = take(s, q, m->flags, skip)) || READ_ONCE(s->error) || rules->end(s), deadline,
                           WAIT_INTERRUPTIBLE);
        if (d)
            return d;
        if (error)
            return ERR_PTR(socket_wait_error(error, deadline));
    }
}

static bool wants_stamps(const struct socket *s)
{
    u32 both = SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE;
    return (s->options.timestamping & both) == both;
}

bool datagram_wants_time(const struct socket *s)
{
    return OPTION_SET(s, SO_TIMESTAMP_OLD) || OPTION_SET(s, SO_TIMESTAMPNS_OLD) || wants_stamps(s);
}

void datagram_put_stamps(struct message *m, s64 time)
{
    s64 stamps[6] = {time / (s64)NSEC_PER_SEC, time % (s64)NSEC_PER_SEC}; /* the other two are of hardware */
    control_put(m, SOL_SOCKET, SO_TIMESTAMPING_OLD, stamps, sizeof(stamps));
}

void datagram_put_time(struct message *m, struct socket *s, struct datagram *d)
{
    if (!datagram_wants_time(s))
        return;
    if (!d->time) /* the option came after the datagram */
        d->time = (s64)clock_realtime();
    if (OPTION_SET(s, SO_TIMESTAMPNS_OLD)) {
        s64 ts[2] = {d->time / (s64)NSEC_PER_SEC, d->time % (s64)NSEC_PER_SEC};
        control_put(m, SOL_SOCKET, SO_TIMESTAMPNS_OLD, ts, sizeof(ts));
    } else if (OPTION_SET(s, SO_TIMESTAMP_OLD)) {
        s64 tv[2] = {d->time / (s64)NSEC_PER_SEC, d->time % (s64)NSEC_PER_SEC / (s64)NSEC_PER_USEC};
        control_put(m, SOL_SOCKET, SO_TIMESTAMP_OLD, tv, sizeof(tv));
    }
    if (wants_stamps(s))
        datagram_put_stamps(m, d->time);
}

ssize datagram_receive(struct socket *s, struct datagram_queue *q, struct message *m, const struct datagram_rules *rules)
{
    size_t skip;
    struct datagram *d = wait_for(s, q, m, rules, &skip);
    if (!d || IS_ERR(d))
        return PTR_ERR(d);
    size_t length = d->length - skip, n = MIN(length, m->io.left);
    ssize result = 0;
    if (n) {
        ssize copied = io_copy_to(&m->io, datagram_payload(d) + skip, n);
        if (copied != (ssize)n)
            result = -EFAULT;
    }
    if (!result) {
        result = (ssize)(m->flags & MSG_TRUNC ? length : n);
        if (n < length)
            m->result_flags |= MSG_TRUNC;
        socket_peek_move(s, m->flags, m->flags & MSG_PEEK ? n : d->length);
        memcpy(m->name.bytes, d->data, d->name_length);
        m->name.length = (int)d->name_length;
        if (rules->control)
            rules->control(s, m, d);
    }
    if (!(m->flags & MSG_PEEK) && rules->taken)
        rules->taken(s, d);
    datagram_put(d);
    return result;
}
