/* SPDX-License-Identifier: BSD-2-Clause */
/* Cancelling requests: by what they are (IORING_OP_ASYNC_CANCEL), with their ring, with their thread. */
#include "fs/uring/uring.h"
#include "kernel/heap.h"
#include "kernel/user.h"

#define CANCEL_FLAGS                                                                                          \
    (IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_FD_FIXED | \
     IORING_ASYNC_CANCEL_USERDATA | IORING_ASYNC_CANCEL_OP)
#define KEYS (IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_OP)

int uring_claim(struct uring_request *r)
{
    switch (r->state) {
    case URING_READY:
    case URING_WAITING:
        list_remove(&r->queue_link);
        r->state = URING_RUNNING;
        return 0;
    case URING_ARMED:
        r->state = URING_RUNNING;
        return 0;
    case URING_POOLED:
        if (uring_unpool(r))
            return 0;
        break;
    default:
        if (r->worker) { /* ends its wait, if it is in one */
            WRITE_ONCE(r->worker->signal_work, true);
            thread_interrupt(r->worker);
        }
    }
    r->cancelled = true;
    return -EALREADY;
}

static bool matches(const struct uring_request *r, const struct uring_match *m)
{
    if (r == m->not || r->sqe.opcode == IORING_OP_LINK_TIMEOUT || (m->thread && !(r->task && r->task->thread == m->thread)))
        return false;
    if (m->in_pool && !(r->state == URING_POOLED || (r->state == URING_RUNNING && r->worker)))
        return false;
    if (m->flags & IORING_ASYNC_CANCEL_ANY)
        return true;
    if (m->flags & IORING_ASYNC_CANCEL_FD && r->file != m->file)
        return false;
    if (m->flags & IORING_ASYNC_CANCEL_OP && r->sqe.opcode != m->opcode)
        return false;
    return (m->flags & KEYS && !(m->flags & IORING_ASYNC_CANCEL_USERDATA)) || r->sqe.user_data == m->user_data;
}

/* The first that matches, with what became of it in *result; NULL: none. Those asked before are passed over if all. */
static struct uring_request *take(struct uring *ring, const struct uring_match *m, bool all, int *result)
{
    struct uring_request *r;

    spin_lock_irq(&ring->lock);
    list_for_each(r, &ring->requests, link)
        if (matches(r, m) && !(all && r->cancelled)) {
            *result = uring_claim(r);
            spin_unlock_irq(&ring->lock);
            return r;
        }
    spin_unlock_irq(&ring->lock);
    return NULL;
}

s64 uring_cancel(struct uring *ring, const struct uring_match *m)
{
    bool all = m->flags & (IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY);
    struct uring_request *r;
    s64 n = 0;
    int result;

    while ((r = take(ring, m, all, &result))) {
        if (!result) {
            uring_disarm(r);
            uring_complete(r, -ECANCELED);
        }
        if (!all)
            return result;
        n++;
    }
    return all ? n : -ENOENT;
}

struct uring_request *uring_find_armed(struct uring *ring, u64 user_data, u8 opcode, int *error)
{
    struct uring_request *r, *found = NULL;

    *error = -ENOENT;
    spin_lock_irq(&ring->lock);
    list_for_each(r, &ring->requests, link)
        if (r->sqe.user_data == user_data && r->sqe.opcode == opcode) {
            bool armed = r->state == URING_ARMED;
            *error = armed ? 0 : -EALREADY;
            found = armed ? r : NULL;
            break;
        }
    if (found)
        found->state = URING_RUNNING;
    spin_unlock_irq(&ring->lock);
    return found;
}

/* ------------------------------------------------------------ the operation and the registration */

int uring_cancel_prepare(struct uring_request *r)
{
    u32 flags = r->sqe.cancel_flags;

    if (r->sqe.flags & IOSQE_BUFFER_SELECT || flags & ~CANCEL_FLAGS)
        return -EINVAL;
    if (flags & (IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_OP) && flags & IORING_ASYNC_CANCEL_ANY)
        return -EINVAL;
    return r->sqe.len && !(flags & IORING_ASYNC_CANCEL_OP) ? -EINVAL : 0;
}

/* Fills m->file for a match by descriptor: 0 or -EBADF. */
static int find_file(struct uring *ring, struct uring_match *m, s32 fd, bool fixed)
{
    struct file *f = NULL;

    if (m->flags & IORING_ASYNC_CANCEL_FD) {
        f = fixed ? uring_file(ring, (u32)fd) : fd_get(fd);
        if (!f)
            return -EBADF;
    }
    m->file = f;
    return 0;
}

s64 uring_cancel_run(struct uring_request *r)
{
    struct uring_match m = {.flags = r->sqe.cancel_flags, .user_data = r->sqe.addr, .opcode = (u8)r->sqe.len, .not = r};
    bool fixed = r->sqe.flags & IOSQE_FIXED_FILE || m.flags & IORING_ASYNC_CANCEL_FD_FIXED;
    s64 result = find_file(r->ring, &m, r->sqe.fd, fixed);

    if (result)
        return result;
    result = uring_cancel(r->ring, &m);
    if (m.file)
        file_put((struct file *)m.file);
    return result;
}

/* Is there still one that was asked to end? */
static bool still_there(struct uring *ring, const struct uring_match *m)
{
    struct uring_request *r;
    bool found = false;

    spin_lock_irq(&ring->lock);
    list_for_each(r, &ring->requests, link)
        found |= matches(r, m);
    spin_unlock_irq(&ring->lock);
    return found;
}

int uring_wait_gone(struct uring *ring, const struct uring_match *m, nsec_t deadline, enum wait_mode mode)
{
    __atomic_add_fetch(&ring->watchers, 1, __ATOMIC_SEQ_CST);
    int error = wait_event(&ring->wait, !still_there(ring, m), deadline, mode);
    __atomic_sub_fetch(&ring->watchers, 1, __ATOMIC_SEQ_CST);
    return error;
}

int uring_cancel_sync(struct uring *ring, const struct io_uring_sync_cancel_reg *reg, nsec_t deadline)
{
    struct uring_match m = {.flags = reg->flags, .user_data = reg->addr};

    if (reg->flags & ~(CANCEL_FLAGS & ~IORING_ASYNC_CANCEL_OP))
        return -EINVAL;
    int error = find_file(ring, &m, reg->fd, reg->flags & IORING_ASYNC_CANCEL_FD_FIXED);
    if (error)
        return error;
    mutex_unlock(&ring->submitting);
    s64 result = uring_cancel(ring, &m);
    if (result == -EALREADY || (result > 0 && still_there(ring, &m))) {
        result = uring_wait_gone(ring, &m, deadline, WAIT_INTERRUPTIBLE);
        result = result == -ETIMEDOUT ? -ETIME : result ? -EINTR : 0;
    }
    mutex_lock(&ring->submitting);
    if (m.file)
        file_put((struct file *)m.file);
    return (int)result;
}

/* ------------------------------------------------------------ threads */

static struct spinlock list_lock = SPINLOCK_INIT(LOCK_RING_POOL);
static struct list all_rings = LIST_INIT(all_rings); /* by rising serial */

void uring_list_add(struct uring *ring)
{
    static u64 last;

    spin_lock_irq(&list_lock);
    ring->serial = ++last;
    list_add_tail(&all_rings, &ring->all_link);
    spin_unlock_irq(&list_lock);
}

void uring_list_remove(struct uring *ring)
{
    spin_lock_irq(&list_lock);
    list_remove(&ring->all_link);
    spin_unlock_irq(&list_lock);
}

/* The next after serial, counted; NULL: none. */
static struct uring *next_ring(u64 serial)
{
    struct uring *ring, *found = NULL;

    spin_lock_irq(&list_lock);
    list_for_each(ring, &all_rings, all_link)
        if (ring->serial > serial) {
            found = ring;
            __atomic_add_fetch(&ring->refs, 1, __ATOMIC_RELAXED);
            break;
        }
    spin_unlock_irq(&list_lock);
    return found;
}

struct uring_thread *uring_thread_state(void)
{
    struct thread *me = current_thread();

    thread_exit_uring = uring_thread_exit;
    if (!me->uring)
        me->uring = kzalloc(sizeof(*me->uring));
    return me->uring;
}

bool uring_is_orphan(const struct uring_request *r)
{
    const struct thread *t = r->task ? r->task->thread : NULL;

    return t && !uring_is_worker(t) && !READ_ONCE(t->uring);
}

void uring_thread_exit(bool all)
{
    struct thread *me = current_thread();
    const struct uring_match m = {.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL, .thread = me, .in_pool = !all};
    struct uring_thread *t = me->uring;
    struct uring *ring;
    u64 serial = 0;

    if (!t)
        return;
    WRITE_ONCE(me->uring, NULL);
    while ((ring = next_ring(serial))) {
        serial = ring->serial;
        uring_cancel(ring, &m);
        uring_put(ring);
    }
    for (unsigned i = 0; i < URING_REGISTERED; i++)
        if (t->registered[i])
            file_put(t->registered[i]);
    kfree(t);
}
