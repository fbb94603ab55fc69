/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V message queues. A message goes to the first receiver that waits for its kind, else into the queue; a sender that finds
 * no room waits with its message, which a receiver puts into the queue for it once it fits.
 */
#include <linux/capability.h>
#include "fs/ipc/msg.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"

struct msg_queue {
    struct ipc_object ipc;
    s64 send_time, receive_time; /* seconds since 1970 */
    u64 bytes, count, limit;     /* in messages; limit of both */
    s32 sender, receiver;        /* process ids of the last */
    struct list messages;        /* oldest first */
    struct list senders;         /* struct send_wait */
    struct list receivers;       /* struct receive_wait */
};

struct send_wait {
    struct ipc_waiter waiter;
    struct ipc_message *message;
};

enum msg_search { ANY, EQUAL, UNEQUAL, AT_MOST, AT_PLACE };

struct receive_wait {
    struct ipc_waiter waiter;
    enum msg_search search;
    s64 type;
    size_t size;
    bool cut; /* MSG_NOERROR */
    struct ipc_message *message;
};

static u32 total_messages; /* in all queues, as total_bytes; table's lock */
static u64 total_bytes;

static long make(const struct ipc_request *r);

struct ipc_table msg_table = IPC_TABLE(MSGMNI, make, NULL);

static struct msg_queue *queue_of(const struct ipc_object *o)
{
    return container_of(o, struct msg_queue, ipc);
}

static long make(const struct ipc_request *r)
{
    struct msg_queue *q = kzalloc(sizeof(*q));

    if (!q)
        return -ENOMEM;
    q->limit = ipc_limits.msg_queue;
    list_init(&q->messages);
    list_init(&q->senders);
    list_init(&q->receivers);
    long id = ipc_add(&msg_table, &q->ipc, r);
    if (id < 0)
        kfree(q);
    return id;
}

/* ------------------------------------------------------------ messages; all under the table's lock */

static bool has_room(const struct msg_queue *q, size_t size)
{
    return q->bytes + size <= q->limit && q->count + 1 <= q->limit;
}

static bool wants(const struct receive_wait *w, s64 type)
{
    switch (w->search) {
    case EQUAL:
        return type == w->type;
    case UNEQUAL:
        return type != w->type;
    case AT_MOST:
        return type <= w->type;
    default:
        return true;
    }
}

/* The message that w wants, or NULL. */
static struct ipc_message *find(const struct msg_queue *q, const struct receive_wait *w)
{
    struct ipc_message *m, *best = NULL;
    s64 place = 0;

    list_for_each(m, &q->messages, link) {
        if (w->search == AT_PLACE ? place++ != w->type : !wants(w, m->type))
            continue;
        if (w->search != AT_MOST)
            return m;
        if (!best || m->type < best->type)
            best = m;
    }
    return best;
}

static void account(struct msg_queue *q, const struct ipc_message *m, bool added)
{
    u64 sign = added ? 1 : -1ull;

    q->bytes += sign * m->size;
    q->count += sign;
    total_bytes += sign * m->size;
    total_messages += (u32)sign;
}

static void received(struct msg_queue *q, s32 pid)
{
    q->receiver = pid;
    q->receive_time = ipc_time();
}

/* A message arrives from process pid: to who waits for it, or into the queue. */
static void deliver(struct msg_queue *q, struct ipc_message *m, s32 pid)
{
    struct receive_wait *w, *next;

    q->sender = pid;
    q->send_time = ipc_time();
    list_for_each_safe(w, next, &q->receivers, waiter.link) {
        if (!wants(w, m->type))
            continue;
        if (m->size > w->size && !w->cut) {
            ipc_wake(&w->waiter, -E2BIG);
            continue;
        }
        w->message = m;
        received(q, w->waiter.pid);
        ipc_wake(&w->waiter, 0);
        return;
    }
    list_add_tail(&q->messages, &m->link);
    account(q, m, true);
}

/* There is more room: senders go on whose messages fit, oldest first. */
static void admit(struct msg_queue *q)
{
    struct send_wait *w, *next;

    list_for_each_safe(w, next, &q->senders, waiter.link) {
        if (!has_room(q, w->message->size))
            continue;
        deliver(q, w->message, w->waiter.pid);
        ipc_wake(&w->waiter, 0);
    }
}

static void wake_all(struct list *waiters, int result)
{
    struct ipc_waiter *w;

    while ((w = list_first(waiters, struct ipc_waiter, link)))
        ipc_wake(w, result);
}

/* ------------------------------------------------------------ msgsnd, msgrcv */

/* Sends m or waits to be told that it was. -EAGAIN with *again: to be tried anew. Locked. */
static long send_or_wait(s32 id, struct send_wait *w, u32 flags, bool *again)
{
    struct ipc_object *o = ipc_find(&msg_table, id);
    struct msg_queue *q = queue_of(o);

    if (IS_ERR(o))
        return PTR_ERR(o);
    if (!ipc_permits(o, 0222))
        return -EACCES;
    if (has_room(q, w->message->size)) {
        deliver(q, w->message, ipc_pid());
        return 0;
    }
    if (flags & IPC_NOWAIT)
        return -EAGAIN;
    ipc_waiter_init(&w->waiter, &q->senders);
    long result = ipc_wait(&msg_table.lock, &w->waiter, NSEC_NEVER, false);
    *again = result == -EAGAIN;
    return result;
}

long msg_send(s32 id, struct ipc_message *m, u32 flags)
{
    struct send_wait w = {.message = m};
    bool again;
    long result;

    spin_lock(&msg_table.lock);
    do {
        again = false;
        result = send_or_wait(id, &w, flags, &again);
    } while (again);
    spin_unlock(&msg_table.lock);
    return result == -EINTR ? -ERESTARTNOHAND : result;
}

/* What w asks for of q: 0 with w->message, negative errno, or IPC_WAITING. */
static long receive(struct msg_queue *q, struct receive_wait *w, u32 flags, struct ipc_message *copy)
{
    if (!ipc_permits(&q->ipc, 0444))
        return -EACCES;
    struct ipc_message *m = find(q, w);
    if (!m)
        return flags & IPC_NOWAIT ? -ENOMSG : IPC_WAITING;
    if (m->size > w->size && !w->cut)
        return -E2BIG;
    if (copy) {
        if (m->size > w->size)
            return -EINVAL;
        copy->type = m->type;
        copy->size = m->size;
        memcpy(copy->text, m->text, m->size);
        w->message = copy;
        return 0;
    }
    list_remove(&m->link);
    account(q, m, false);
    received(q, ipc_pid());
    w->message = m;
    admit(q);
    return 0;
}

static struct ipc_message *receive_or_wait(s32 id, struct receive_wait *w, u32 flags, struct ipc_message *copy)
{
    long result;

    spin_lock(&msg_table.lock);
    do {
        struct ipc_object *o = ipc_find(&msg_table, id);

        result = IS_ERR(o) ? PTR_ERR(o) : receive(queue_of(o), w, flags, copy);
        if (result == IPC_WAITING) {
            ipc_waiter_init(&w->waiter, &queue_of(o)->receivers);
            w->waiter.pid = current_thread()->tid; /* which Linux shows as msg_lrpid of one that waited */
            result = ipc_wait(&msg_table.lock, &w->waiter, NSEC_NEVER, false);
        }
    } while (result == -EAGAIN); /* IPC_SET may have changed what is permitted */
    spin_unlock(&msg_table.lock);
    return result ? ERR_PTR(result == -EINTR ? -ERESTARTNOHAND : result) : w->message;
}

struct ipc_message *msg_receive(s32 id, size_t size, s64 type, u32 flags)
{
    struct receive_wait w = {.type = type, .size = size, .cut = flags & MSG_NOERROR};
    struct ipc_message *copy = NULL, *m;

    if (flags & MSG_COPY) {
        w.search = AT_PLACE;
        w.size = MIN(size, ipc_limits.msg_text);
        copy = kmalloc(sizeof(*copy) + w.size);
        if (!copy)
            return ERR_PTR(-ENOMEM);
    } else if (type < 0) {
        w.search = AT_MOST;
        w.type = type == INT64_MIN ? INT64_MAX : -type;
    } else if (type) {
        w.search = flags & MSG_EXCEPT ? UNEQUAL : EQUAL;
    }
    m = receive_or_wait(id, &w, flags, copy);
    if (IS_ERR(m))
        kfree(copy);
    return m;
}

/* ------------------------------------------------------------ msgctl */

static void remove(struct msg_queue *q)
{
    struct ipc_message *m;

    wake_all(&q->receivers, -EIDRM);
    wake_all(&q->senders, -EIDRM);
    while ((m = list_first(&q->messages, struct ipc_message, link))) {
        list_remove(&m->link);
        account(q, m, false);
        kfree(m);
    }
    ipc_remove(&msg_table, &q->ipc);
    kfree(q);
}

static long set(struct msg_queue *q, const struct msqid64_ds *d)
{
    struct send_wait *w, *next;

    if (d->msg_qbytes > ipc_limits.msg_queue && !capable(CAP_SYS_RESOURCE))
        return -EPERM;
    long error = ipc_set(&q->ipc, &d->msg_perm);
    if (error)
        return error;
    q->limit = d->msg_qbytes;
    /* Those who can go on look again: what is permitted may have changed. */
    wake_all(&q->receivers, -EAGAIN);
    list_for_each_safe(w, next, &q->senders, waiter.link) {
        if (has_room(q, w->message->size))
            ipc_wake(&w->waiter, -EAGAIN);
    }
    return 0;
}

static long control(struct msg_queue *q, int cmd, struct msqid64_ds *d)
{
    switch (cmd) {
    case IPC_SET:
        return set(q, d);
    case IPC_RMID:
        remove(q);
        return 0;
    case IPC_STAT:
    case MSG_STAT:
        if (!ipc_permits(&q->ipc, 0444))
            return -EACCES;
        /* fall through */
    default:
        *d = (struct msqid64_ds){
            .msg_stime = q->send_time,
            .msg_rtime = q->receive_time,
            .msg_ctime = q->ipc.changed,
            .msg_cbytes = q->bytes,
            .msg_qnum = q->count,
            .msg_qbytes = q->limit,
            .msg_lspid = q->sender,
            .msg_lrpid = q->receiver,
        };
        ipc_stat(&q->ipc, &d->msg_perm);
        return cmd == IPC_STAT ? 0 : q->ipc.id;
    }
}

long msg_control(s32 id, int cmd, struct msqid64_ds *d)
{
    spin_lock(&msg_table.lock);
    struct ipc_object *o = ipc_find_for(&msg_table, id, cmd, MSG_STAT, MSG_STAT_ANY);
    long result = IS_ERR(o) ? PTR_ERR(o) : control(queue_of(o), cmd, d);
    spin_unlock(&msg_table.lock);
    return result;
}

long msg_count(u32 *queues, u32 *messages, u64 *bytes)
{
    spin_lock(&msg_table.lock);
    *queues = msg_table.used;
    *messages = total_messages;
    *bytes = total_bytes;
    long highest = ipc_highest(&msg_table);
    spin_unlock(&msg_table.lock);
    return highest;
}

static void line(struct text *t, const struct ipc_object *o)
{
    const struct msg_queue *q = queue_of(o);

    text_printf(t, " %10llu %10llu %5u %5u ", (unsigned long long)q->bytes, (unsigned long long)q->count, q->sender, q->receiver);
    ipc_show_owner(t, o);
    text_printf(t, "%10lld %10lld %10lld\n", (long long)q->send_time, (long long)q->receive_time, (long long)o->changed);
}

int msg_show(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime\n");
    ipc_show(&msg_table, t, line);
    return 0;
}
