/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Priority-inheritance futexes. The word holds the owner's thread id and FUTEX_WAITERS while the kernel knows of
 * waiters. For a word with waiters there is one struct futex_pi: its owner and its waiters, most urgent first.
 * It is found through the waiters' bucket and dies with the last waiter. The owner runs at the priority of its
 * most urgent waiter, and so does whoever the owner itself waits for.
 *
 * Unlocking hands the word to the most urgent waiter, so the lock is never free while somebody waits.
 * Locks: the word's bucket, then the PI lock, which guards all owners, waiter lists and lent priorities.
 * Source: futex(2), "Priority-inheritance futexes"; errors as there.
 */
#include <linux/futex.h>
#include "kernel/futex_internal.h"
#include "kernel/heap.h"
#include "kernel/memory_object.h"
#include "kernel/run_queue.h"
#include "kernel/sched.h"
#include "kernel/user.h"

#define CHAIN_LIMIT 1024 /* owners to follow before a chain counts as a deadlock */

struct futex_pi {
    struct list owned;    /* in owner->pi_held */
    struct list waiters;  /* futex_waiter.pi_link by priority */
    struct thread *owner; /* NULL: it ended without handing over */
    struct futex_key key;
};

static struct spinlock pi_lock = SPINLOCK_INIT(LOCK_PI);

/* ---------------------------------------------------------------- owners and priorities; PI lock held */

static int wanted_priority(struct thread *t)
{
    struct futex_pi *pi;
    int most = 0;
    list_for_each(pi, &t->pi_held, owned) {
        struct futex_waiter *w = list_first(&pi->waiters, struct futex_waiter, pi_link);
        if (w)
            most = MAX(most, thread_priority(w->thread));
    }
    return most;
}

static void sort_in(struct futex_pi *pi, struct futex_waiter *w)
{
    struct futex_waiter *other;
    list_for_each(other, &pi->waiters, pi_link)
        if (thread_priority(other->thread) < thread_priority(w->thread))
            break;
    list_add_tail(&other->pi_link, &w->pi_link);
}

/* Brings the priority lent to t up to date, and of those it waits for. */
static void update_chain(struct thread *t)
{
    for (int i = 0; t && i < CHAIN_LIMIT; i++) {
        int priority = wanted_priority(t);
        if (t->lent_priority == priority)
            return;
        sched_lend_priority(t, priority);
        struct futex_waiter *w = t->pi_waiter;
        if (!w)
            return;
        list_remove(&w->pi_link);
        sort_in(w->pi, w);
        t = w->pi->owner;
    }
}

void futex_priority_changed(struct thread *t)
{
    spin_lock(&pi_lock);
    struct futex_waiter *w = t->pi_waiter;
    if (w) {
        list_remove(&w->pi_link);
        sort_in(w->pi, w);
        update_chain(w->pi->owner);
    }
    spin_unlock(&pi_lock);
}

static void set_owner(struct futex_pi *pi, struct thread *owner)
{
    struct thread *old = pi->owner;
    list_remove(&pi->owned);
    pi->owner = owner;
    if (owner)
        list_add_tail(&owner->pi_held, &pi->owned);
    update_chain(old);
    update_chain(owner);
}

/* Would t wait for itself by waiting for pi? */
static bool closes_circle(struct futex_pi *pi, struct thread *t)
{
    for (int i = 0; i < CHAIN_LIMIT; i++) {
        struct thread *owner = pi->owner;
        if (owner == t)
            return true;
        if (!owner || !owner->pi_waiter)
            return false;
        pi = owner->pi_waiter->pi;
    }
    return true;
}

static void add_waiter(struct futex_pi *pi, struct futex_waiter *w)
{
    w->pi = pi;
    w->thread->pi_waiter = w;
    sort_in(pi, w);
    update_chain(pi->owner);
}

/* w waits no more; the last one takes pi with it. */
static void drop_waiter(struct futex_pi *pi, struct futex_waiter *w)
{
    list_remove(&w->pi_link);
    w->thread->pi_waiter = NULL;
    if (list_empty(&pi->waiters)) {
        set_owner(pi, NULL);
        kfree(pi);
    } else {
        update_chain(pi->owner);
    }
}

/* Makes the most urgent waiter the owner and wakes it. Its bucket and the PI lock held. */
static void hand_over(struct futex_pi *pi, struct futex_waiter *next, bool died, struct wake_batch *batch)
{
    list_remove(&next->pi_link);
    next->thread->pi_waiter = NULL;
    next->owner_died = died;
    if (list_empty(&pi->waiters)) {
        set_owner(pi, NULL);
        kfree(pi);
    } else {
        set_owner(pi, next->thread);
    }
    futex_wake_waiter(next, batch);
}

static struct futex_waiter *find_waiter(struct futex_bucket *bucket, const struct futex_key *key)
{
    struct futex_waiter *w;
    list_for_each(w, &bucket->waiters, link)
        if (futex_same_key(&w->key, key))
            return w;
    return NULL;
}

/* ---------------------------------------------------------------- taking; the word's bucket held */

enum { TAKEN = 1, MUST_WAIT = 2 }; /* results of try_take() beside negative errno */

/* The word names a thread that cannot be found or is ending: what the caller gets. */
static int no_owner(struct thread *owner, u32 *uaddr, u32 value)
{
    u32 now;
    if (owner && READ_ONCE(owner->futex_exit) == FUTEX_EXITING)
        return -EBUSY; /* it is about to mark its locks: look again later */
    if (platform_load_user_u32(&now, uaddr))
        return -EFAULT;
    return now != value ? -EAGAIN : -ESRCH;
}

/*
 * Takes the word for t: TAKEN; MUST_WAIT with *found the futex_pi to wait for (made with spare, then set to NULL, if there
 * was none); -EAGAIN the word changed, -EFAULT, -EBUSY as no_owner(), or the call's final errno.
 */
static int try_take(u32 *uaddr, const struct futex_key *key, struct futex_bucket *bucket, struct thread *t,
                    bool set_waiters, struct futex_pi **spare, struct futex_pi **found)
{
    u32 value, seen;
    if (platform_load_user_u32(&value, uaddr))
        return -EFAULT;
    u32 tid = value & FUTEX_TID_MASK;
    if (tid == (u32)t->tid)
        return -EDEADLK;
    struct futex_waiter *w = find_waiter(bucket, key);
    if (w) {
        if (!w->pi)
            return -EINVAL; /* somebody waits there without PI */
        struct thread *owner = w->pi->owner;
        bool dying = (value & FUTEX_OWNER_DIED) && !tid;
        if (!dying && tid && owner && tid != (u32)owner->tid)
            return -EINVAL; /* the program changed the word behind our back */
        *found = w->pi;
        return MUST_WAIT;
    }
    if (!tid) {
        u32 mine = (value & FUTEX_OWNER_DIED) | (u32)t->tid | (set_waiters ? FUTEX_WAITERS : 0);
        if (platform_cmpxchg_user_u32(uaddr, value, mine, &seen))
            return -EFAULT;
        return seen == value ? TAKEN : -EAGAIN;
    }
    struct thread *owner = thread_find((int)tid);
    if (!owner)
        return no_owner(NULL, uaddr, value);
    int result = MUST_WAIT;
    if (platform_cmpxchg_user_u32(uaddr, value, value | FUTEX_WAITERS, &seen)) {
        result = -EFAULT;
    } else if (seen != value) {
        result = -EAGAIN;
    } else {
        spin_lock(&pi_lock);
        if (READ_ONCE(owner->futex_exit) != FUTEX_ALIVE) {
            result = no_owner(owner, uaddr, value | FUTEX_WAITERS);
        } else {
            struct futex_pi *pi = *spare;
            *spare = NULL;
            *pi = (struct futex_pi){.key = *key};
            list_init(&pi->waiters);
            list_init(&pi->owned);
            set_owner(pi, owner);
            *found = pi;
        }
        spin_unlock(&pi_lock);
    }
    thread_put(owner);
    return result;
}

/* After -EAGAIN, -EBUSY or -EFAULT, without locks: 0 to try again, or the errno. */
static int before_retry(int why, u32 *uaddr)
{
    if (why == -EFAULT)
        return futex_fault_in(uaddr, true);
    sched_yield_to_others(true);
    return why == -EBUSY && current_thread()->exit_requested ? -ERESTARTNOINTR : 0;
}

/* Writes the word of a lock that its owner left by ending, for the new owner. */
static int write_word(u32 *uaddr, u32 word)
{
    u32 old, seen;
    for (;;) {
        if (platform_load_user_u32(&old, uaddr) || platform_cmpxchg_user_u32(uaddr, old, word, &seen))
            return -EFAULT;
        if (seen == old)
            return 0;
    }
}


/* Sleeps in the queue of a PI futex. 0: the lock is ours. */
static int wait_for_lock(struct futex_waiter *w, nsec_t deadline, bool realtime)
{
    int error = 0;
    for (;;) {
        wait_prepare(WAIT_INTERRUPTIBLE);
        if (__atomic_load_n(&w->woken, __ATOMIC_ACQUIRE) || error)
            break;
        error = wait_sleep_until(deadline, realtime);
    }
    wait_finish();
    return error;
}

/* Ends w's wait with error unless it was given the lock: both decided under the bucket's lock. */
static int finish_wait(struct futex_waiter *w, int error)
{
    for (;;) {
        if (__atomic_load_n(&w->woken, __ATOMIC_ACQUIRE))
            return 0;
        struct futex_bucket *bucket = READ_ONCE(w->bucket);
        spin_lock(&bucket->lock);
        if (w->bucket != bucket) {
            spin_unlock(&bucket->lock);
            continue;
        }
        bool waits = !w->woken;
        if (waits) {
            list_remove(&w->link);
            spin_lock(&pi_lock);
            if (w->pi)
                drop_waiter(w->pi, w);
            spin_unlock(&pi_lock);
        }
        spin_unlock(&bucket->lock);
        return waits ? error : 0;
    }
}

static struct futex_pi *pi_alloc(void)
{
    return kmalloc(sizeof(struct futex_pi));
}

long futex_lock_pi(u32 *uaddr, bool shared, nsec_t deadline, bool realtime, bool try)
{
    struct thread *me = current_thread();
    struct futex_key key;
    struct memory_object *object;
    struct futex_pi *spare = pi_alloc(), *pi = NULL;
    struct futex_waiter w;
    if (!spare)
        return -ENOMEM;
    int result = futex_key_get(uaddr, shared, &key, &object);
    if (result)
        goto out;
    struct futex_bucket *bucket = futex_bucket_of(&key);
    for (;;) {
        spin_lock(&bucket->lock);
        result = try_take(uaddr, &key, bucket, me, false, &spare, &pi);
        if (result == -EAGAIN || result == -EBUSY || result == -EFAULT) {
            spin_unlock(&bucket->lock);
            if ((result = before_retry(result, uaddr)))
                break;
            continue;
        }
        if (result == MUST_WAIT) {
            spin_lock(&pi_lock);
            if (try)
                result = -EWOULDBLOCK;
            else if (closes_circle(pi, me))
                result = -EDEADLK;
            if (result == MUST_WAIT) {
                futex_waiter_init(&w, &key);
                w.uaddr = uaddr;
                add_waiter(pi, &w);
                futex_enqueue(bucket, &w);
            } else if (list_empty(&pi->waiters)) { /* made for us, in vain */
                set_owner(pi, NULL);
                kfree(pi);
            }
            spin_unlock(&pi_lock);
        }
        spin_unlock(&bucket->lock);
        break;
    }
    if (result == MUST_WAIT)
        result = finish_wait(&w, wait_for_lock(&w, deadline, realtime));
    if (result == -ERESTARTSYS)
        result = -ERESTARTNOINTR;
    if (object)
        memory_object_put(object);
out:
    kfree(spare);
    return result == TAKEN ? 0 : result;
}

long futex_unlock_pi(u32 *uaddr, bool shared)
{
    struct thread *me = current_thread();
    struct wake_batch batch;
    struct futex_key key;
    u32 value, seen;
    if (!user_range_ok(uaddr, sizeof(*uaddr)) || get_user(value, uaddr))
        return -EFAULT;
    if ((value & FUTEX_TID_MASK) != (u32)me->tid)
        return -EPERM;
    int result = futex_key_get(uaddr, shared, &key, NULL);
    if (result)
        return result;
    struct futex_bucket *bucket = futex_bucket_of(&key);
    for (;;) {
        wake_batch_begin(&batch);
        spin_lock(&bucket->lock);
        result = platform_load_user_u32(&value, uaddr);
        if (!result && (value & FUTEX_TID_MASK) != (u32)me->tid)
            result = -EPERM;
        struct futex_waiter *w = find_waiter(bucket, &key);
        if (!result && w && (!w->pi || w->pi->owner != me))
            result = -EINVAL;
        if (!result) {
            u32 word = 0;
            spin_lock(&pi_lock);
            struct futex_waiter *next = w ? list_first(&w->pi->waiters, struct futex_waiter, pi_link) : NULL;
            if (next)
                word = FUTEX_WAITERS | (u32)next->thread->tid;
            result = platform_cmpxchg_user_u32(uaddr, value, word, &seen);
            if (!result && seen != value)
                result = -EAGAIN;
            if (!result && next)
                hand_over(next->pi, next, false, &batch);
            spin_unlock(&pi_lock);
        }
        spin_unlock(&bucket->lock);
        wake_batch_flush(&batch);
        if (result != -EAGAIN && result != -EFAULT)
            return result;
        if ((result = before_retry(result, uaddr)))
            return result;
    }
}

/* ---------------------------------------------------------------- requeue to a PI futex */

long futex_wait_requeue_pi(u32 *uaddr, u32 *uaddr2, bool shared, u32 value, nsec_t deadline, bool realtime)
{
    struct futex_key key, key2;
    struct memory_object *object, *object2 = NULL;
    struct futex_waiter w;
    if (uaddr == uaddr2)
        return -EINVAL;
    int error = futex_key_get(uaddr, shared, &key, &object);
    if (error)
        return error;
    error = futex_key_get(uaddr2, shared, &key2, &object2);
    if (!error && futex_same_key(&key, &key2))
        error = -EINVAL;
    if (!error) {
        futex_waiter_init(&w, &key);
        w.requeue_pi = true;
        w.requeue_key = key2;
        w.uaddr = uaddr2;
        error = futex_queue_waiter(&w, uaddr, value);
    }
    if (!error) {
        error = wait_for_lock(&w, deadline, realtime);
        /* A signal before the requeue restarts the call; after it, the word has changed and the caller must look. */
        bool requeued = w.pi != NULL;
        error = finish_wait(&w, error);
        if (error == -ERESTARTSYS)
            error = requeued ? -EWOULDBLOCK : -ERESTARTNOINTR;
    }
    if (object)
        memory_object_put(object);
    if (object2)
        memory_object_put(object2);
    return error;
}

/* One round of FUTEX_CMP_REQUEUE_PI with both buckets locked: waiters woken or moved, or errno. */
static long requeue_round(u32 *uaddr, u32 *uaddr2, const struct futex_key *key, const struct futex_key *key2,
                          int requeue, u32 compare, struct futex_pi **spare, struct wake_batch *batch)
{
    struct futex_bucket *from = futex_bucket_of(key), *to = futex_bucket_of(key2);
    struct futex_pi *pi = NULL;
    u32 value;
    long done = 0;
    if (platform_load_user_u32(&value, uaddr))
        return -EFAULT;
    if (value != compare)
        return -EAGAIN;
    struct futex_waiter *w = find_waiter(from, key), *next;
    if (!w)
        return 0;
    if (!w->requeue_pi || !futex_same_key(&w->requeue_key, key2))
        return -EINVAL;
    int result = try_take(uaddr2, key2, to, w->thread, requeue > 0, spare, &pi);
    if (result < 0)
        return result == -EAGAIN ? -EBUSY : result; /* EAGAIN is the caller's, for the comparison */
    if (result == TAKEN) {
        futex_wake_waiter(w, batch);
        done = 1;
        w = find_waiter(from, key);
        if (!w || requeue <= 0)
            return done;
        /* The new owner is known: the rest waits for it. */
        result = try_take(uaddr2, key2, to, w->thread, false, spare, &pi);
        if (result != MUST_WAIT)
            return done;
    }
    spin_lock(&pi_lock);
    long error = 0;
    list_for_each_safe(w, next, &from->waiters, link) {
        if (done > requeue)
            break;
        if (!futex_same_key(&w->key, key))
            continue;
        if (!w->requeue_pi || !futex_same_key(&w->requeue_key, key2)) {
            error = -EINVAL;
            break;
        }
        if (closes_circle(pi, w->thread)) {
            error = -EDEADLK;
            break;
        }
        list_remove(&w->link);
        w->key = *key2;
        w->requeue_pi = false;
        add_waiter(pi, w);
        futex_enqueue(to, w);
        done++;
    }
    if (list_empty(&pi->waiters)) {
        set_owner(pi, NULL);
        kfree(pi);
    }
    spin_unlock(&pi_lock);
    return done ? done : error;
}

long futex_cmp_requeue_pi(u32 *uaddr, u32 *uaddr2, bool shared, int wake, int requeue, u32 compare)
{
    struct wake_batch batch;
    struct futex_key key, key2;
    struct memory_object *object2 = NULL;
    if (wake < 0 || requeue < 0 || wake != 1 || uaddr == uaddr2)
        return -EINVAL;
    long result = futex_key_get(uaddr, shared, &key, NULL);
    if (!result)
        result = futex_key_get(uaddr2, shared, &key2, &object2);
    if (!result && futex_same_key(&key, &key2))
        result = -EINVAL;
    while (!result) {
        struct futex_bucket *from = futex_bucket_of(&key), *to = futex_bucket_of(&key2);
        struct futex_pi *spare = pi_alloc();
        if (!spare) {
            result = -ENOMEM;
            break;
        }
        wake_batch_begin(&batch);
        futex_lock_two(from, to);
        result = requeue_round(uaddr, uaddr2, &key, &key2, requeue, compare, &spare, &batch);
        futex_unlock_two(from, to);
        wake_batch_flush(&batch);
        kfree(spare);
        if (result == -EFAULT && !(result = futex_fault_in(uaddr, false)))
            result = before_retry(-EFAULT, uaddr2);
        else if (result == -EBUSY)
            result = before_retry(-EBUSY, uaddr2);
        else
            break;
    }
    if (object2)
        memory_object_put(object2);
    return result;
}

/* ---------------------------------------------------------------- the owner ends */

void futex_pi_exit(struct thread *t)
{
    struct wake_batch batch;
    for (;;) {
        spin_lock(&pi_lock);
        struct futex_pi *pi = list_first(&t->pi_held, struct futex_pi, owned);
        if (!pi) {
            spin_unlock(&pi_lock);
            return;
        }
        struct futex_key key = pi->key;
        spin_unlock(&pi_lock);

        /* The bucket comes before the PI lock: take both anew, then see whether t still owns it. */
        struct futex_bucket *bucket = futex_bucket_of(&key);
        u32 *uaddr = NULL;
        int error = 0;
        wake_batch_begin(&batch);
        spin_lock(&bucket->lock);
        spin_lock(&pi_lock);
        struct futex_waiter *any = find_waiter(bucket, &key);
        if (any && any->pi && any->pi->owner == t) {
            pi = any->pi;
            struct futex_waiter *next = list_first(&pi->waiters, struct futex_waiter, pi_link);
            uaddr = next->uaddr;
            error = write_word(uaddr, FUTEX_WAITERS | FUTEX_OWNER_DIED | (u32)next->thread->tid);
            if (!error)
                hand_over(pi, next, true, &batch);
        }
        spin_unlock(&pi_lock);
        spin_unlock(&bucket->lock);
        wake_batch_flush(&batch);
        if (error && futex_fault_in(uaddr, true)) {
            /* The word is gone: its waiters stay until they give up. */
            spin_lock(&pi_lock);
            pi = list_first(&t->pi_held, struct futex_pi, owned);
            if (pi && futex_same_key(&pi->key, &key)) {
                list_remove(&pi->owned);
                pi->owner = NULL;
            }
            spin_unlock(&pi_lock);
        }
    }
}
