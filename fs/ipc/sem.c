/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V semaphores. A call's operations happen all at once or not at all; who cannot go on waits in the set's list, oldest first, and
 * the thread whose change lets it go on does its operations for it. So what is in a list could not go on when it was last looked at.
 */
#include "fs/ipc/sem.h"
#include "kernel/heap.h"

struct semaphore {
    s32 value;
    s32 pid; /* who changed it last */
};

struct sem_set {
    struct ipc_object ipc;
    s64 operated;        /* seconds since 1970 */
    u32 count;
    struct list waiting; /* struct sem_wait */
    struct list undos;   /* struct sem_undo.set_link */
    struct semaphore sem[];
};

struct sem_wait {
    struct ipc_waiter waiter;
    const struct sembuf *ops, *blocking; /* blocking: the one that could not be done */
    u32 count;
    bool alters;
    struct sem_undo *undo;
};

/* What the end of the threads that share the list adds to the semaphores of one set (SEM_UNDO). Table's lock. */
struct sem_undo {
    struct list set_link, owner_link;
    struct sem_set *set;
    s16 adjust[];
};

struct sem_undo_list {
    u32 refs; /* threads; atomic */
    struct list undos;
};

static u32 semaphores; /* in all sets; table's lock */

static long make(const struct ipc_request *r);
static int fits(const struct ipc_object *o, const struct ipc_request *r);

struct ipc_table sem_table = IPC_TABLE(SEMMNI, make, fits);

static struct sem_set *set_of(const struct ipc_object *o)
{
    return container_of(o, struct sem_set, ipc);
}

/* ------------------------------------------------------------ semget */

static int fits(const struct ipc_object *o, const struct ipc_request *r)
{
    return r->size > set_of(o)->count ? -EINVAL : 0;
}

static long make(const struct ipc_request *r)
{
    u32 n = (u32)r->size;
    long id;

    if (!n)
        return -EINVAL;
    struct sem_set *s = kzalloc(sizeof(*s) + n * sizeof(s->sem[0]));
    if (!s)
        return -ENOMEM;
    s->count = n;
    list_init(&s->waiting);
    list_init(&s->undos);
    spin_lock(&sem_table.lock);
    bool room = semaphores + (u64)n <= ipc_limits.sem_all;
    if (room)
        semaphores += n;
    spin_unlock(&sem_table.lock);
    id = room ? ipc_add(&sem_table, &s->ipc, r) : -ENOSPC;
    if (id < 0) {
        spin_lock(&sem_table.lock);
        semaphores -= room ? n : 0;
        spin_unlock(&sem_table.lock);
        kfree(s);
    }
    return id;
}

/* ------------------------------------------------------------ operations; all under the table's lock */

#define BLOCKED 1

/* Takes the first n operations back. */
static void revert(struct sem_set *s, const struct sembuf *ops, u32 n, struct sem_undo *undo)
{
    while (n--) {
        s->sem[ops[n].sem_num].value -= ops[n].sem_op;
        if (ops[n].sem_flg & SEM_UNDO)
            undo->adjust[ops[n].sem_num] += ops[n].sem_op;
    }
}

/* Does all operations or none: 0, BLOCKED, -EAGAIN (IPC_NOWAIT), -ERANGE. */
static int perform(struct sem_set *s, struct sem_wait *w)
{
    int result = 0;
    u32 k;

    for (k = 0; k < w->count; k++) {
        const struct sembuf *op = &w->ops[k];
        struct semaphore *sem = &s->sem[op->sem_num];
        s32 value = sem->value + op->sem_op;

        if (value < 0 || (!op->sem_op && sem->value)) {
            w->blocking = op;
            result = op->sem_flg & IPC_NOWAIT ? -EAGAIN : BLOCKED;
            break;
        }
        if (value > SEMVMX) {
            result = -ERANGE;
            break;
        }
        if (op->sem_flg & SEM_UNDO) {
            s32 adjust = w->undo->adjust[op->sem_num] - op->sem_op;
            if (adjust < -SEMAEM - 1 || adjust > SEMAEM) {
                result = -ERANGE;
                break;
            }
            w->undo->adjust[op->sem_num] = (s16)adjust;
        }
        sem->value = value;
    }
    if (result) {
        revert(s, w->ops, k, w->undo);
        return result;
    }
    for (k = 0; k < w->count; k++)
        s->sem[w->ops[k].sem_num].pid = w->waiter.pid;
    s->operated = ipc_time();
    return 0;
}

/* True if w's operations, just done, may let go one that could not before them: a value rose, or became zero. */
static bool may_release(const struct sem_set *s, const struct sem_wait *w)
{
    for (u32 k = 0; k < w->count; k++)
        if (w->ops[k].sem_op > 0 || (w->ops[k].sem_op && !s->sem[w->ops[k].sem_num].value))
            return true;
    return false;
}

/* Lets those of the kind go on that can, oldest first; true, at once, if one of them may have released others. */
static bool let_go(struct sem_set *s, bool alters)
{
    struct sem_wait *w, *next;

    list_for_each_safe(w, next, &s->waiting, waiter.link) {
        if (w->alters != alters)
            continue;
        int result = perform(s, w);
        if (result == BLOCKED)
            continue;
        bool others = !result && may_release(s, w);
        ipc_wake(&w->waiter, result);
        if (others)
            return true;
    }
    return false;
}

/* Values changed: lets go who can, those that wait for zero first, before values change again. */
static void update(struct sem_set *s)
{
    do
        let_go(s, false);
    while (let_go(s, true));
}

/* The running thread's list, made if need be; without the lock. NULL: no memory. */
static struct sem_undo_list *undo_list(void)
{
    struct thread *me = current_thread();

    if (!me->sem_undos) {
        me->sem_undos = kzalloc(sizeof(*me->sem_undos));
        if (!me->sem_undos)
            return NULL;
        me->sem_undos->refs = 1;
        list_init(&me->sem_undos->undos);
    }
    return me->sem_undos;
}

/* The adjustments of the running thread for s, made if need be. NULL: no memory. */
static struct sem_undo *undo_for(struct sem_set *s, struct sem_undo_list *owner)
{
    struct sem_undo *u;

    list_for_each(u, &owner->undos, owner_link)
        if (u->set == s)
            return u;
    u = kzalloc(sizeof(*u) + s->count * sizeof(u->adjust[0]));
    if (!u)
        return NULL;
    u->set = s;
    list_add_tail(&s->undos, &u->set_link);
    list_add_tail(&owner->undos, &u->owner_link);
    return u;
}

static void undo_free(struct sem_undo *u)
{
    list_remove(&u->set_link);
    list_remove(&u->owner_link);
    kfree(u);
}

/* What a set must be for w's operations, and its undo entry if undos: 0 or negative errno. */
static long prepare(struct sem_set *s, struct sem_wait *w, u32 highest, struct sem_undo_list *undos)
{
    if (highest >= s->count)
        return -EFBIG;
    if (!ipc_permits(&s->ipc, w->alters ? 0222 : 0444))
        return -EACCES;
    if (undos && !(w->undo = undo_for(s, undos)))
        return -ENOMEM;
    return 0;
}

long sem_operate(s32 id, const struct sembuf *ops, u32 n, nsec_t deadline)
{
    struct sem_wait w = {.ops = ops, .count = n, .waiter.pid = ipc_pid()};
    struct sem_undo_list *undos = NULL;
    bool undoes = false;
    u32 highest = 0;

    for (u32 k = 0; k < n; k++) {
        highest = MAX(highest, ops[k].sem_num);
        undoes |= (ops[k].sem_flg & SEM_UNDO) != 0;
        w.alters |= ops[k].sem_op != 0;
    }
    if (undoes && !(undos = undo_list()))
        return -ENOMEM;
    spin_lock(&sem_table.lock);
    struct ipc_object *o = ipc_find(&sem_table, id);
    long result = IS_ERR(o) ? PTR_ERR(o) : prepare(set_of(o), &w, highest, undos);
    if (!result) {
        struct sem_set *s = set_of(o);

        result = perform(s, &w);
        if (!result && w.alters)
            update(s);
        if (result == BLOCKED) {
            ipc_waiter_init(&w.waiter, &s->waiting);
            result = ipc_wait(&sem_table.lock, &w.waiter, deadline, false);
        }
    }
    spin_unlock(&sem_table.lock);
    return result == -ETIMEDOUT ? -EAGAIN : result;
}

/* ------------------------------------------------------------ SEM_UNDO at the end of threads */

bool sem_undo_share(struct thread *t)
{
    struct sem_undo_list *list = undo_list();

    if (list)
        __atomic_add_fetch(&list->refs, 1, __ATOMIC_RELAXED);
    t->sem_undos = list;
    return list;
}

static void apply(struct sem_undo *u)
{
    struct sem_set *s = u->set;

    for (u32 k = 0; k < s->count; k++) {
        if (!u->adjust[k])
            continue;
        s->sem[k].value = MIN(MAX(s->sem[k].value + u->adjust[k], 0), SEMVMX);
        s->sem[k].pid = ipc_pid();
    }
    s->operated = ipc_time();
    undo_free(u);
    update(s);
}

void sem_undo_release(struct thread *t)
{
    struct sem_undo_list *list = t->sem_undos;
    struct sem_undo *u;

    t->sem_undos = NULL;
    if (!list || __atomic_sub_fetch(&list->refs, 1, __ATOMIC_ACQ_REL))
        return;
    spin_lock(&sem_table.lock);
    while ((u = list_first(&list->undos, struct sem_undo, owner_link)))
        apply(u);
    spin_unlock(&sem_table.lock);
    kfree(list);
}

/* ------------------------------------------------------------ semctl */

static void remove(struct sem_set *s)
{
    struct sem_wait *w;
    struct sem_undo *u;

    while ((w = list_first(&s->waiting, struct sem_wait, waiter.link)))
        ipc_wake(&w->waiter, -EIDRM);
    while ((u = list_first(&s->undos, struct sem_undo, set_link)))
        undo_free(u);
    ipc_remove(&sem_table, &s->ipc);
    semaphores -= s->count;
    kfree(s);
}

static long control(struct sem_set *s, int cmd, struct semid64_ds *d)
{
    switch (cmd) {
    case IPC_SET:
        return ipc_set(&s->ipc, &d->sem_perm);
    case IPC_RMID:
        remove(s);
        return 0;
    case IPC_STAT:
    case SEM_STAT:
        if (!ipc_permits(&s->ipc, 0444))
            return -EACCES;
        /* fall through */
    default:
        *d = (struct semid64_ds){
            .sem_otime = s->operated,
            .sem_ctime = s->ipc.changed,
            .sem_nsems = s->count,
        };
        ipc_stat(&s->ipc, &d->sem_perm);
        return cmd == IPC_STAT ? 0 : s->ipc.id;
    }
}

long sem_control(s32 id, int cmd, struct semid64_ds *d)
{
    spin_lock(&sem_table.lock);
    struct ipc_object *o = ipc_find_for(&sem_table, id, cmd, SEM_STAT, SEM_STAT_ANY);
    long result = IS_ERR(o) ? PTR_ERR(o) : control(set_of(o), cmd, d);
    spin_unlock(&sem_table.lock);
    return result;
}

/* How many wait for a semaphore to grow, or to become zero. */
static long count_waiting(const struct sem_set *s, s32 number, bool zero)
{
    struct sem_wait *w;
    long n = 0;

    list_for_each(w, &s->waiting, waiter.link)
        n += w->blocking->sem_num == number && (zero ? w->blocking->sem_op == 0 : w->blocking->sem_op < 0);
    return n;
}

long sem_get(s32 id, s32 number, int cmd)
{
    long result;

    spin_lock(&sem_table.lock);
    struct ipc_object *o = ipc_find(&sem_table, id);
    struct sem_set *s = set_of(o);
    if (IS_ERR(o))
        result = PTR_ERR(o);
    else if (!ipc_permits(o, 0444))
        result = -EACCES;
    else if (number < 0 || (u32)number >= s->count)
        result = -EINVAL;
    else if (cmd == GETVAL || cmd == GETPID)
        result = cmd == GETVAL ? s->sem[number].value : s->sem[number].pid;
    else
        result = count_waiting(s, number, cmd == GETZCNT);
    spin_unlock(&sem_table.lock);
    return result;
}

/* A value is set: what was to be undone of it is not any more. */
static void set_value(struct sem_set *s, u32 number, s32 value)
{
    struct sem_undo *u;

    list_for_each(u, &s->undos, set_link)
        u->adjust[number] = 0;
    s->sem[number].value = value;
    s->sem[number].pid = ipc_pid();
    s->ipc.changed = ipc_time();
}

long sem_set(s32 id, s32 number, s32 value)
{
    long result = 0;

    if (value < 0 || value > SEMVMX)
        return -ERANGE;
    spin_lock(&sem_table.lock);
    struct ipc_object *o = ipc_find(&sem_table, id);
    struct sem_set *s = set_of(o);
    if (IS_ERR(o)) {
        result = PTR_ERR(o);
    } else if (number < 0 || (u32)number >= s->count) {
        result = -EINVAL;
    } else if (!ipc_permits(o, 0222)) {
        result = -EACCES;
    } else {
        set_value(s, (u32)number, value);
        update(s);
    }
    spin_unlock(&sem_table.lock);
    return result;
}

/* The set of GETALL and SETALL, which has as many semaphores as *count says; NULL otherwise, with *result. */
static struct sem_set *find_all(s32 id, u32 mode, u32 *count, long *result)
{
    struct ipc_object *o = ipc_find(&sem_table, id);
    u32 expected = *count;

    *result = 0;
    if (IS_ERR(o))
        *result = *count ? -EIDRM : PTR_ERR(o);
    else if (!ipc_permits(o, mode))
        *result = -EACCES;
    else
        *count = set_of(o)->count;
    return *result || *count != expected ? NULL : set_of(o);
}

long sem_get_all(s32 id, u16 *values, u32 *count)
{
    long result;

    spin_lock(&sem_table.lock);
    struct sem_set *s = find_all(id, 0444, count, &result);
    for (u32 k = 0; s && k < s->count; k++)
        values[k] = (u16)s->sem[k].value;
    spin_unlock(&sem_table.lock);
    return result;
}

long sem_set_all(s32 id, const u16 *values, u32 *count)
{
    long result;

    spin_lock(&sem_table.lock);
    struct sem_set *s = find_all(id, 0222, count, &result);
    for (u32 k = 0; s && k < s->count && !result; k++)
        result = values[k] > SEMVMX ? -ERANGE : 0;
    if (s && !result) {
        for (u32 k = 0; k < s->count; k++)
            set_value(s, k, values[k]);
        update(s);
    }
    spin_unlock(&sem_table.lock);
    return result;
}

long sem_count(u32 *sets, u32 *count)
{
    spin_lock(&sem_table.lock);
    *sets = sem_table.used;
    *count = semaphores;
    long highest = ipc_highest(&sem_table);
    spin_unlock(&sem_table.lock);
    return highest;
}

static void line(struct text *t, const struct ipc_object *o)
{
    text_printf(t, "%10u ", set_of(o)->count);
    ipc_show_owner(t, o);
    text_printf(t, "%10lld %10lld\n", (long long)set_of(o)->operated, (long long)o->changed);
}

int sem_show(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
    ipc_show(&sem_table, t, line);
    return 0;
}
