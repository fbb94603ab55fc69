/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests from the submission queue to their completion: chains (IOSQE_IO_LINK), order (IOSQE_IO_DRAIN), the attempts.
 * What a completion starts runs in the thread that completed, if that acts for the same task, else in the runner.
 */
#include <linux/eventpoll.h>
#include "fs/uring/uring.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/memory_object.h"

#define LINK_FLAGS (IOSQE_IO_LINK | IOSQE_IO_HARDLINK)
#define SQE_FLAGS                                                                                     \
    (IOSQE_FIXED_FILE | IOSQE_IO_DRAIN | LINK_FLAGS | IOSQE_ASYNC | IOSQE_BUFFER_SELECT | IOSQE_CQE_SKIP_SUCCESS)
#define TRIES_MAX 16 /* a file that says it is ready and then is not: after so many a worker waits in the operation itself */

const struct uring_op *uring_ops;

/* ------------------------------------------------------------ from an entry to a request */

static struct uring_request *create(struct uring *ring)
{
    struct uring_request *r = __atomic_exchange_n(&ring->spare, NULL, __ATOMIC_ACQUIRE);

    if (!r)
        r = kmalloc(sizeof(*r));
    if (!r)
        return NULL;
    (memset)(&r->next, 0, sizeof(*r) - offsetof(struct uring_request, next));
    list_init(&r->link);
    list_init(&r->queue_link);
    r->state = URING_RUNNING;
    r->ring = ring;
    __atomic_add_fetch(&ring->refs, 1, __ATOMIC_RELAXED);
    return r;
}

static void discard(struct uring_request *r)
{
    struct uring *ring = r->ring;

    if (r->file)
        file_put(r->file);
    if (r->task)
        uring_task_put(r->task);
    for (unsigned i = 0; i < ARRAY_SIZE(r->paths); i++)
        if (unlikely(r->paths[i] != NULL)) {
            path_name_put(r->paths[i]);
            kfree(r->paths[i]);
        }
    if (r->data)
        kfree(r->data);
    if (r->vector)
        kfree(r->vector);
    r = __atomic_exchange_n(&ring->spare, r, __ATOMIC_ACQ_REL);
    if (r)
        kfree(r);
    uring_put(ring);
}

int uring_copy_path(struct uring_request *r, unsigned i, u64 user)
{
    struct path_name *p = kmalloc(sizeof(*p));
    int error = p ? path_name_get(p, (const char *)user) : -ENOMEM;

    if (error)
        kfree(p);
    else
        r->paths[i] = p;
    return error;
}

static const struct uring_personality *find_personality(const struct uring *ring, u32 id)
{
    const struct uring_personality *p;

    list_for_each(p, &ring->personalities, link)
        if (p->id == id)
            return p;
    return NULL;
}

static int check_restrictions(const struct uring *ring, const struct io_uring_sqe *s)
{
    const struct uring_restrictions *allowed = &ring->restrictions;

    if (!allowed->given)
        return 0;
    return allowed->sqe_ops >> s->opcode & 1 && (s->flags & allowed->flags_required) == allowed->flags_required &&
                   !(s->flags & ~(allowed->flags_allowed | allowed->flags_required))
               ? 0
               : -EACCES;
}

/* The fields that an operation has no use for. */
static bool has_strangers(u32 flags, const struct io_uring_sqe *s)
{
    return (flags & OP_NO_OFF && s->off) || (flags & OP_NO_ADDR && s->addr) || (flags & OP_NO_LEN && s->len) ||
           (flags & OP_NO_FLAGS && s->rw_flags) || (flags & OP_NO_BUF && s->buf_index) ||
           (flags & OP_NO_INDEX && s->file_index) || (!(flags & OP_IOPRIO) && s->ioprio);
}

/* What can be said of an entry before anything is done: 0 or negative errno. submitting held. */
static int check(struct uring_request *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    struct uring *ring = r->ring;

    if (s->opcode >= IORING_OP_LAST || s->flags & ~SQE_FLAGS)
        return -EINVAL;
    const struct uring_op *op = &uring_ops[s->opcode];
    if (s->flags & IOSQE_BUFFER_SELECT && !(op->flags & OP_BUFFER))
        return -EOPNOTSUPP;
    ring->skipped |= s->flags & IOSQE_CQE_SKIP_SUCCESS;
    ring->drained |= s->flags & IOSQE_IO_DRAIN;
    if (s->flags & IOSQE_IO_DRAIN && ring->skipped)
        return -EOPNOTSUPP;
    int error = check_restrictions(ring, s);
    if (error)
        return error;
    if (op->flags & OP_UNSERVED || has_strangers(op->flags, s))
        return -EINVAL;
    if (s->personality) {
        const struct uring_personality *p = find_personality(ring, s->personality);
        if (!p)
            return -EINVAL;
        error = uring_keep_task_as(r, &p->cred);
    }
    if (!error && op->flags & OP_PATH)
        error = uring_copy_path(r, 0, s->addr);
    if (!error && op->flags & OP_PATH2)
        error = uring_copy_path(r, 1, s->off);
    return error || !op->prepare ? error : op->prepare(r);
}

/* ------------------------------------------------------------ order */

static bool drains(const struct uring_request *r)
{
    return r->sqe.flags & IOSQE_IO_DRAIN;
}

/* May r begin, as far as IOSQE_IO_DRAIN goes? Lock held. */
static bool may_begin(const struct uring *ring, const struct uring_request *r)
{
    return !ring->draining && (!drains(r) || !ring->active);
}

/* Lock held. */
static void admit(struct uring *ring, struct uring_request *r)
{
    r->admitted = true;
    ring->active++;
    ring->draining += drains(r);
}

void uring_enter(struct uring_request *r)
{
    struct uring *ring = r->ring;

    if (r->admitted || !list_empty(&r->link))
        return;
    spin_lock_irq(&ring->lock);
    list_add_tail(&ring->requests, &r->link);
    admit(ring, r);
    spin_unlock_irq(&ring->lock);
}

/*
 * Need nobody know of r until its first attempt has failed? Not if it is alone, is started by its submitter, who keeps the ring from
 * being closed, and nothing waits for what was before it. A timeout is found by completions.
 */
static bool enters_late(const struct uring_request *r)
{
    const struct uring *ring = r->ring;

    return !r->admitted && !r->next && !ring->drained && !ring->owner && r->sqe.opcode != IORING_OP_TIMEOUT;
}

/* Counts r, which is about to begin; false if it has to wait. */
static bool enter(struct uring_request *r)
{
    struct uring *ring = r->ring;
    bool now;

    if (likely(enters_late(r)))
        return true;
    spin_lock_irq(&ring->lock);
    list_add_tail(&ring->requests, &r->link);
    now = r->admitted || (list_empty(&ring->deferred) && may_begin(ring, r));
    if (now && !r->admitted)
        admit(ring, r);
    spin_unlock_irq(&ring->lock);
    if (now)
        return true;
    int error = uring_keep_task(r);
    if (!error)
        error = uring_start_runner();
    spin_lock_irq(&ring->lock);
    now = error || (list_empty(&ring->deferred) && may_begin(ring, r));
    if (now) {
        admit(ring, r);
    } else {
        r->state = URING_WAITING;
        list_add_tail(&ring->deferred, &r->queue_link);
    }
    spin_unlock_irq(&ring->lock);
    return now;
}

/* r has ended; next takes its place in the count. Lock held. */
static void leave(struct uring *ring, struct uring_request *r, struct uring_request *next)
{
    struct uring_request *d;

    list_remove(&r->link);
    ring->counted -= r->counts;
    if (r->admitted && next) {
        next->admitted = true;
        next->sqe.flags = (next->sqe.flags & ~IOSQE_IO_DRAIN) | (r->sqe.flags & IOSQE_IO_DRAIN);
    } else if (r->admitted) {
        ring->active--;
        ring->draining -= drains(r);
    }
    while ((d = list_first(&ring->deferred, struct uring_request, queue_link)) && may_begin(ring, d)) {
        list_remove(&d->queue_link);
        admit(ring, d);
        d->state = URING_ARMED;
        uring_make_ready(d);
        uring_kick(ring);
    }
}

/* ------------------------------------------------------------ the end */

static void post(struct uring_request *r, s64 result)
{
    struct uring *ring = r->ring;
    u32 how = r->sqe.opcode == IORING_OP_TIMEOUT ? POST_TIMEOUT : 0;

    if (r->sqe.flags & IOSQE_CQE_SKIP_SUCCESS && !r->failed)
        return;
    if (ring->owner) {
        ring->owner->done(ring->owner, r, result);
        return;
    }
    if (unlikely(ring->eventfd != NULL) && uring_is_worker(current_thread()))
        how |= POST_ASYNC;
    uring_post(ring, r->sqe.user_data, (s32)result, r->cqe_flags, r->cqe_extra, how);
}

/* r's chain ends with it: the rest is told so. */
static void fail_rest(struct uring_request *r)
{
    struct uring_request *n = r->next, *next;

    for (r->next = NULL; n; n = next) {
        next = n->next;
        n->failed = true;
        if (!r->skip_rest)
            post(n, n->result ? n->result : -ECANCELED);
        discard(n);
    }
}

/* Ends r: what is to be started after it by this thread, or NULL. */
static struct uring_request *end(struct uring_request *r, s64 result)
{
    struct uring *ring = r->ring;
    struct uring_request *next;

    if (result < 0 && !r->no_fail)
        r->failed = true;
    r->skip_rest = r->failed && r->sqe.flags & IOSQE_CQE_SKIP_SUCCESS;
    if (r->has_buffer)
        uring_buffer_used(r);
    post(r, result);
    if (unlikely(r->timeout != NULL))
        uring_limit_end(r);
    if (unlikely(r->next != NULL) && r->failed && !(r->sqe.flags & IOSQE_IO_HARDLINK))
        fail_rest(r);
    next = r->next;
    if (next && !next->task && r->task) {
        next->task = r->task;
        __atomic_add_fetch(&next->task->refs, 1, __ATOMIC_RELAXED);
    }
    if (unlikely(next || r->admitted || !list_empty(&r->link))) {
        spin_lock_irq(&ring->lock);
        leave(ring, r, next);
        if (next && !uring_same_task(next->task)) {
            list_add_tail(&ring->requests, &next->link);
            next->state = URING_ARMED;
            uring_make_ready(next);
            uring_kick(ring);
            next = NULL;
        }
        spin_unlock_irq(&ring->lock);
    }
    if (unlikely(__atomic_load_n(&ring->watchers, __ATOMIC_SEQ_CST)))
        wait_wake_all(&ring->wait);
    discard(r);
    return next;
}

/* ------------------------------------------------------------ attempts */

static bool pollable(const struct uring_request *r)
{
    const struct file *f = r->file;

    return uring_ops[r->sqe.opcode].events && f && f->ops->poll && f->ops->poll_queue && !r->no_poll;
}

/* Runs the operation once. */
static s64 attempt(struct uring_request *r, bool wait)
{
    struct thread *me = current_thread();
    struct lent lent = {
        .file = r->file,
        .paths = {r->paths[0], r->paths[1]},
        .user_paths = {(const char *)r->sqe.addr, (const char *)r->sqe.off},
    };

    me->lent = &lent;
    me->no_wait = !wait;
    s64 result = uring_ops[r->sqe.opcode].run(r);
    me->no_wait = false;
    me->lent = NULL;
    if (r->sqe.opcode == IORING_OP_SPLICE || r->sqe.opcode == IORING_OP_TEE)
        return result; /* Linux lets -ERESTARTSYS out here */
    return result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK ? -EINTR : result;
}

/* Tries until there is a result or nothing more to do for now (URING_PENDING). wait: in a worker. */
static s64 try(struct uring_request *r, bool wait)
{
    for (unsigned tries = 0;; tries++) {
        bool polls = pollable(r);
        s64 result = r->poll_first && polls ? -EAGAIN : attempt(r, wait && !polls);

        r->poll_first = false;
        if (result != -EAGAIN || r->no_retry || (wait && !polls))
            return result;
        if (polls && tries < TRIES_MAX) {
            r->events = uring_ops[r->sqe.opcode].events;
            result = uring_arm(r);
            if (result)
                return result;
            r->polled = true;
            continue;
        }
        r->no_poll = true;
        if (!wait) {
            int error = uring_pool(r);
            return error ? error : URING_PENDING;
        }
    }
}

bool uring_in_memory(const struct file *f)
{
    return f->ops->poll || !f->inode || is_ram_object(f->inode->object) || S_ISCHR(f->inode->mode);
}

static s64 begin(struct uring_request *r)
{
    const struct uring_op *op = &uring_ops[r->sqe.opcode];
    struct uring *ring = r->ring;

    r->started = true;
    if (unlikely(READ_ONCE(ring->closed)))
        return -ECANCELED;
    if (unlikely(r->task && uring_is_orphan(r)))
        return -EFAULT;
    if (op->flags & OP_FILE && !r->file) {
        r->file = r->sqe.flags & IOSQE_FIXED_FILE ? uring_file(ring, (u32)r->sqe.fd) : fd_get(r->sqe.fd);
        if (!r->file)
            return -EBADF;
    }
    if (r->next && r->next->sqe.opcode == IORING_OP_LINK_TIMEOUT)
        uring_limit_begin(r);
    bool slow = op->flags & OP_TRANSFER && !uring_in_memory(r->file);
    r->bounded = slow;
    slow = slow && !uring_is_direct(r);
    if (unlikely(slow || op->flags & OP_POOL || r->sqe.flags & IOSQE_ASYNC)) {
        int error = uring_pool(r);
        return error ? error : URING_PENDING;
    }
    /* A personality is not this thread's to take on. */
    if (unlikely(r->task && !uring_same_task(r->task))) {
        int error = uring_pool(r);
        return error ? error : URING_PENDING;
    }
    return try(r, false);
}

void uring_start(struct uring_request *r)
{
    while (r) {
        s64 result;

        if (unlikely(r->failed)) {
            r->sqe.flags &= ~IOSQE_IO_HARDLINK;
            result = r->result ? r->result : -ECANCELED;
        } else if (!r->started && !enter(r)) {
            return;
        } else {
            result = begin(r);
        }
        if (result == URING_PENDING)
            return;
        r = end(r, result);
    }
}

void uring_continue(struct uring_request *r, bool wait)
{
    s64 result;

    uring_disarm(r);
    if (!r->started) { /* was put off till now */
        result = r->cancelled ? -ECANCELED : begin(r);
    } else if (r->sqe.opcode == IORING_OP_LINK_TIMEOUT) {
        result = uring_limit_run(r);
    } else if ((r->cancelled || READ_ONCE(r->ring->closed)) && !r->direct) {
        result = -ECANCELED;
    } else {
        r->polled = true;
        result = try(r, wait);
    }
    if (result != URING_PENDING)
        uring_complete(r, result);
}

void uring_complete(struct uring_request *r, s64 result)
{
    uring_start(end(r, result));
}

/* ------------------------------------------------------------ submission */

int uring_start_for(struct uring *ring, const struct io_uring_sqe *sqe, struct file *f, const u64 extra[2])
{
    struct uring_request *r = create(ring);

    if (!r)
        return -ENOMEM;
    r->sqe = *sqe;
    r->cqe_extra[0] = extra[0];
    r->cqe_extra[1] = extra[1];
    file_get(f);
    r->file = f;
    int error = uring_ops[sqe->opcode].prepare(r);
    if (error)
        discard(r);
    else
        uring_start(r);
    return error;
}

/* A chain being put together. */
struct chain {
    struct uring_request *head, *last;
};

static int check_in_chain(struct uring_request *r, const struct chain *c)
{
    int error = check(r);

    if (!error && r->sqe.opcode == IORING_OP_LINK_TIMEOUT && (!c->head || c->last->sqe.opcode == IORING_OP_LINK_TIMEOUT))
        error = -EINVAL;
    return error;
}

static void append(struct chain *c, struct uring_request *r)
{
    if (c->head) {
        if (drains(r)) /* one in the middle stands for all */
            c->head->sqe.flags |= IOSQE_IO_DRAIN;
        if (r->failed)
            c->head->failed = true;
        c->last->next = r;
    } else {
        c->head = r;
    }
    c->last = r;
}

long uring_submit(struct uring *ring, u32 n)
{
    u32 available = __atomic_load_n(&ring->shared->sq_tail, __ATOMIC_ACQUIRE) - ring->sq_head;
    struct chain chain = {NULL, NULL};
    long done = 0, error = 0;

    n = MIN(n, MIN(available, ring->sq_entries));
    while ((u32)done < n) {
        u32 instant = chain.head ? 0 : uring_post_instant(ring, n - (u32)done);

        if (instant) {
            done += instant;
            continue;
        }
        struct uring_request *r = create(ring);
        if (!r) {
            error = -EAGAIN;
            break;
        }
        const struct io_uring_sqe *from = uring_entry(ring, ring->sq_head++);
        if (!from) { /* one that does not exist */
            ring->shared->sq_dropped++;
            discard(r);
            break;
        }
        r->sqe = *from;
        done++;
        r->result = check_in_chain(r, &chain);
        r->failed = r->result < 0;
        bool open = r->sqe.flags & LINK_FLAGS;
        bool stop = r->failed && !open && !(ring->flags & IORING_SETUP_SUBMIT_ALL);
        append(&chain, r);
        if (!open) {
            uring_start(chain.head);
            chain.head = NULL;
        }
        if (stop)
            break;
    }
    __atomic_store_n(&ring->shared->sq_head, ring->sq_head, __ATOMIC_RELEASE);
    uring_start(chain.head);
    return done ? done : error;
}
