/* SPDX-License-Identifier: BSD-2-Clause */
/* What the three kinds of System V IPC share: identifiers, keys, permissions, waiting. */
#include <linux/capability.h>
#include "fs/ipc/ipc.h"
#include "kernel/timer.h"

#define PLACE_BITS 15
#define SEQUENCE_MAX (INT32_MAX >> PLACE_BITS)
#define CYCLE_MIN 64u /* places that are gone through before one is used again */

s64 ipc_time(void)
{
    return (s64)(clock_realtime() / NSEC_PER_SEC);
}

s32 ipc_pid(void)
{
    return current_process() ? current_process()->pid : 0;
}

bool ipc_permits(const struct ipc_object *o, u32 mode)
{
    const struct credentials *c = &current_thread()->cred;
    u32 wanted = mode >> 6 | mode >> 3 | mode, granted = o->mode;

    if (c->euid == o->cuid || c->euid == o->uid)
        granted >>= 6;
    else if (in_group(o->cgid) || in_group(o->gid))
        granted >>= 3;
    return !(wanted & ~granted & 07) || capable(CAP_IPC_OWNER);
}

static bool owned(const struct ipc_object *o)
{
    u32 euid = current_thread()->cred.euid;

    return euid == o->cuid || euid == o->uid || capable(CAP_SYS_ADMIN);
}

/* ------------------------------------------------------------ tables */

static struct ipc_object *next_object(struct ipc_table *t, u64 *place)
{
    return (struct ipc_object *)radix_next(&t->objects, place);
}

static struct ipc_object *find_place(struct ipc_table *t, s32 place)
{
    struct ipc_object *o = (struct ipc_object *)radix_get(&t->objects, (u32)place & (IPC_COUNT_MAX - 1));

    return o ? o : ERR_PTR(-EINVAL);
}

struct ipc_object *ipc_find(struct ipc_table *t, s32 id)
{
    struct ipc_object *o = find_place(t, id);

    return !IS_ERR(o) && o->id == id ? o : ERR_PTR(-EINVAL);
}

struct ipc_object *ipc_find_for(struct ipc_table *t, s32 id, int cmd, int stat, int stat_any)
{
    struct ipc_object *o = cmd == stat || cmd == stat_any ? find_place(t, id) : ipc_find(t, id);

    return IS_ERR(o) || (cmd != IPC_SET && cmd != IPC_RMID) || owned(o) ? o : ERR_PTR(-EPERM);
}

long ipc_highest(struct ipc_table *t)
{
    u64 place = 0, highest = 0;

    for (; next_object(t, &place); place++)
        highest = place;
    return (long)highest;
}

static struct ipc_object *find_key(struct ipc_table *t, s32 key)
{
    struct ipc_object *o = NULL;

    for (u64 place = 0; key != IPC_PRIVATE && (o = next_object(t, &place)) && o->key != key;)
        place++;
    return o;
}

long ipc_get(struct ipc_table *t, const struct ipc_request *r)
{
    const u32 exclusive = IPC_CREAT | IPC_EXCL;
    long result = -ENOENT;

    mutex_lock(&t->making);
    spin_lock(&t->lock);
    struct ipc_object *o = find_key(t, r->key);
    if (o) {
        if ((r->flags & exclusive) == exclusive)
            result = -EEXIST;
        else
            result = t->fits ? t->fits(o, r) : 0;
        if (!result)
            result = ipc_permits(o, r->flags) ? o->id : -EACCES;
    }
    spin_unlock(&t->lock);
    if (!o && (r->key == IPC_PRIVATE || r->flags & IPC_CREAT))
        result = t->make(r);
    mutex_unlock(&t->making);
    return result;
}

/*
 * A free place. Numbers go up before they begin again, so that an identifier is not soon another object's; how far
 * depends on how many there are.
 */
static long free_place(struct ipc_table *t)
{
    u64 span = MIN(MAX((u64)t->used * 3 / 2, (u64)CYCLE_MIN), MIN(t->limit, (u64)IPC_COUNT_MAX));
    u64 place = radix_next_hole(&t->objects, (u64)(t->last + 1));

    if (place >= span)
        place = radix_next_hole(&t->objects, 0);
    return place < span ? (long)place : -ENOSPC;
}

long ipc_add(struct ipc_table *t, struct ipc_object *o, const struct ipc_request *r)
{
    const struct credentials *c = &current_thread()->cred;

    o->key = r->key;
    o->mode = r->flags & 0777;
    o->uid = o->cuid = c->euid;
    o->gid = o->cgid = c->egid;
    o->changed = ipc_time();
    spin_lock(&t->lock);
    long place = t->used < t->limit ? free_place(t) : -ENOSPC;
    if (place >= 0 && radix_set(&t->objects, (u64)place, (u64)o))
        place = -ENOMEM;
    if (place >= 0) {
        t->used++;
        if (place <= t->last)
            t->sequence = t->sequence < SEQUENCE_MAX ? t->sequence + 1 : 0;
        t->last = place;
        o->sequence = t->sequence;
        place = o->id = (s32)(t->sequence << PLACE_BITS | (u32)place);
    }
    spin_unlock(&t->lock);
    return place;
}

void ipc_remove(struct ipc_table *t, struct ipc_object *o)
{
    radix_set(&t->objects, (u32)o->id & (IPC_COUNT_MAX - 1), 0);
    t->used--;
}

int ipc_set(struct ipc_object *o, const struct ipc64_perm *p)
{
    if (p->uid == UINT32_MAX || p->gid == UINT32_MAX)
        return -EINVAL;
    o->uid = p->uid;
    o->gid = p->gid;
    o->mode = (o->mode & ~0777u) | (p->mode & 0777);
    o->changed = ipc_time();
    return 0;
}

void ipc_stat(const struct ipc_object *o, struct ipc64_perm *p)
{
    *p = (struct ipc64_perm){
        .key = o->key,
        .uid = o->uid,
        .gid = o->gid,
        .cuid = o->cuid,
        .cgid = o->cgid,
        .mode = o->mode,
        .seq = (unsigned short)o->sequence,
    };
}

/* ------------------------------------------------------------ /proc/sysvipc */

void ipc_show(struct ipc_table *t, struct text *out, void (*line)(struct text *out, const struct ipc_object *o))
{
    struct ipc_object *o;

    spin_lock(&t->lock);
    for (u64 place = 0; (o = next_object(t, &place)); place++) {
        text_printf(out, "%10d %10d  %4o ", o->key, o->id, o->mode);
        line(out, o);
    }
    spin_unlock(&t->lock);
}

void ipc_show_owner(struct text *out, const struct ipc_object *o)
{
    text_printf(out, "%5u %5u %5u %5u ", o->uid, o->gid, o->cuid, o->cgid);
}

/* ------------------------------------------------------------ waiting */

void ipc_waiter_init(struct ipc_waiter *w, struct list *waiters)
{
    w->result = IPC_WAITING;
    w->pid = ipc_pid();
    wait_queue_init(&w->queue);
    list_add_tail(waiters, &w->link);
}

void ipc_wake(struct ipc_waiter *w, int result)
{
    list_remove(&w->link);
    WRITE_ONCE(w->result, result);
    wait_wake_all(&w->queue);
}

int ipc_wait(struct spinlock *lock, struct ipc_waiter *w, nsec_t deadline, bool realtime)
{
    struct waiter me;
    int error = 0;

    spin_unlock(lock);
    waiter_init(&me, false);
    wait_add(&w->queue, &me);
    for (;;) {
        wait_prepare(WAIT_INTERRUPTIBLE);
        if (error || READ_ONCE(w->result) != IPC_WAITING)
            break;
        error = wait_sleep_until(deadline, realtime);
    }
    wait_finish();
    wait_remove(&w->queue, &me);
    /* Who set the result may be waking us still; it does so under the lock, and w must last till then. */
    spin_lock(lock);
    if (w->result != IPC_WAITING)
        return w->result;
    list_remove(&w->link);
    return error == -ETIMEDOUT ? -ETIMEDOUT : -EINTR;
}
