/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plain futexes: wait, wake, wake-op, requeue, waiting on several. The program's word is compared under
 * the bucket's lock, which every waker takes after it changed the word: a waiter is queued only if the
 * word still has the value it came with, so no wake-up is lost and none goes to a waiter with a stale value.
 * Source: futex(2), futex_waitv in <linux/futex.h>.
 */
#include <linux/futex.h>
#include "kernel/futex_internal.h"
#include "kernel/heap.h"
#include "kernel/memory_object.h"
#include "kernel/sched.h"
#include "kernel/user.h"

/* ---------------------------------------------------------------- waiting */

/* Queues w if the word has value: 0, -EAGAIN, or -EFAULT (page to be brought in). */
static int queue_if_equal(struct futex_waiter *w, u32 *uaddr, u32 value)
{
    struct futex_bucket *bucket = futex_bucket_of(&w->key);
    u32 seen;
    spin_lock(&bucket->lock);
    int error = platform_load_user_u32(&seen, uaddr);
    if (!error && seen != value)
        error = -EAGAIN;
    if (!error)
        futex_enqueue(bucket, w);
    spin_unlock(&bucket->lock);
    return error;
}

/* The same, bringing the page in when needed: 0, -EAGAIN, -EFAULT. */
int futex_queue_waiter(struct futex_waiter *w, u32 *uaddr, u32 value)
{
    int error;
    while ((error = queue_if_equal(w, uaddr, value)) == -EFAULT)
        if (futex_fault_in(uaddr, false))
            return -EFAULT;
    return error;
}

/* Sleeps till w is woken (0), or -ETIMEDOUT, -ERESTARTSYS; w is out of its bucket then. */
static int sleep_on(struct futex_waiter *w, nsec_t deadline, bool realtime)
{
    int error = 0;
    for (;;) {
        wait_prepare(WAIT_INTERRUPTIBLE);
        if (__atomic_load_n(&w->woken, __ATOMIC_ACQUIRE))
            error = 0;
        else if (!error) {
            error = wait_sleep_until(deadline, realtime);
            continue;
        }
        break;
    }
    wait_finish();
    if (error && !futex_unqueue(w))
        error = 0;
    return error;
}

long futex_wait(u32 *uaddr, bool shared, u32 value, u32 bitset, nsec_t deadline, bool realtime)
{
    struct futex_waiter w;
    struct futex_key key;
    struct memory_object *object;
    if (!bitset)
        return -EINVAL;
    int error = futex_key_get(uaddr, shared, &key, &object);
    if (error)
        return error;
    futex_waiter_init(&w, &key);
    w.bitset = bitset;
    error = futex_queue_waiter(&w, uaddr, value);
    if (!error)
        error = sleep_on(&w, deadline, realtime);
    if (object)
        memory_object_put(object);
    return error;
}

/* Takes all of w[0..n) out; the index of the first that was woken, or -1. */
static int unqueue_all(struct futex_waiter *w, unsigned n)
{
    int woken = -1;
    for (unsigned i = 0; i < n; i++)
        if (!futex_unqueue(&w[i]) && woken < 0)
            woken = (int)i;
    return woken;
}

static bool any_woken(struct futex_waiter *w, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (__atomic_load_n(&w[i].woken, __ATOMIC_ACQUIRE))
            return true;
    return false;
}

static int wait_multiple(struct futex_waiter *w, const struct futex_waitv *v, unsigned n,
                         nsec_t deadline, bool realtime)
{
    int error = 0, woken;
again:
    for (unsigned i = 0; i < n; i++) {
        u32 *uaddr = (u32 *)v[i].uaddr;
        error = queue_if_equal(&w[i], uaddr, (u32)v[i].val);
        if (!error)
            continue;
        woken = unqueue_all(w, i);
        if (woken >= 0)
            return woken;
        if (error == -EFAULT && !futex_fault_in(uaddr, false))
            goto again;
        return error;
    }
    for (;;) {
        wait_prepare(WAIT_INTERRUPTIBLE);
        if (error || any_woken(w, n))
            break;
        error = wait_sleep_until(deadline, realtime);
    }
    wait_finish();
    woken = unqueue_all(w, n);
    return woken >= 0 ? woken : error;
}

long futex_wait_multiple(const struct futex_waitv *v, unsigned n, nsec_t deadline, bool realtime)
{
    struct futex_waiter *w = kmalloc(n * sizeof(*w));
    if (!w)
        return -ENOMEM;
    long result = 0;
    unsigned ready = 0;
    for (; ready < n && !result; ready++) {
        struct futex_key key;
        struct memory_object *object = NULL;
        result = futex_key_get((u32 *)v[ready].uaddr, !(v[ready].flags & FUTEX_PRIVATE_FLAG), &key, &object);
        futex_waiter_init(&w[ready], &key);
        w[ready].object = object;
    }
    if (!result)
        result = wait_multiple(w, v, n, deadline, realtime);
    for (unsigned i = 0; i < ready; i++)
        if (w[i].object)
            memory_object_put(w[i].object);
    kfree(w);
    return result;
}

/* ---------------------------------------------------------------- waking */

/* Wakes waiters of key in a locked bucket till count (at least one, as Linux does); how many, or -EINVAL (PI waiters). */
static long wake_in(struct futex_bucket *bucket, const struct futex_key *key, int count, u32 bitset,
                    struct wake_batch *batch)
{
    long woken = 0;
    struct futex_waiter *w, *next;
    list_for_each_safe(w, next, &bucket->waiters, link) {
        if (!futex_same_key(&w->key, key))
            continue;
        if (w->pi || w->requeue_pi)
            return -EINVAL;
        if (!(w->bitset & bitset))
            continue;
        futex_wake_waiter(w, batch);
        if (++woken >= count)
            break;
    }
    return woken;
}

long futex_wake(u32 *uaddr, bool shared, int count, u32 bitset)
{
    struct wake_batch batch;
    struct futex_key key;
    if (!bitset)
        return -EINVAL;
    int error = futex_key_only(uaddr, shared, &key, NULL);
    if (error)
        return error;
    struct futex_bucket *bucket = futex_bucket_of(&key);
    wake_batch_begin(&batch);
    spin_lock(&bucket->lock);
    long woken = wake_in(bucket, &key, count, bitset, &batch);
    spin_unlock(&bucket->lock);
    wake_batch_flush(&batch);
    return woken;
}

/* FUTEX_WAKE_OP's change of the word and comparison: 1 or 0 (compare), -EFAULT, -ENOSYS (unknown operation). */
static int atomic_op(u32 *uaddr, u32 encoded)
{
    u32 op = (encoded >> 28) & 7, cmp = (encoded >> 24) & 15;
    int arg = (int)(encoded << 8) >> 20, cmp_arg = (int)(encoded << 20) >> 20;
    u32 old, new, seen;
    if (encoded & ((u32)FUTEX_OP_OPARG_SHIFT << 28))
        arg = (int)(1u << (arg & 31));
    if (op > FUTEX_OP_XOR)
        return -ENOSYS;
    for (;;) {
        if (platform_load_user_u32(&old, uaddr))
            return -EFAULT;
        new = op == FUTEX_OP_SET   ? (u32)arg
              : op == FUTEX_OP_ADD ? old + (u32)arg
              : op == FUTEX_OP_OR  ? old | (u32)arg
              : op == FUTEX_OP_ANDN ? old & ~(u32)arg
                                    : old ^ (u32)arg;
        if (platform_cmpxchg_user_u32(uaddr, old, new, &seen))
            return -EFAULT;
        if (seen == old)
            break;
    }
    switch (cmp) {
    case FUTEX_OP_CMP_EQ: return (int)old == cmp_arg;
    case FUTEX_OP_CMP_NE: return (int)old != cmp_arg;
    case FUTEX_OP_CMP_LT: return (int)old < cmp_arg;
    case FUTEX_OP_CMP_LE: return (int)old <= cmp_arg;
    case FUTEX_OP_CMP_GT: return (int)old > cmp_arg;
    case FUTEX_OP_CMP_GE: return (int)old >= cmp_arg;
    default: return -ENOSYS;
    }
}

long futex_wake_op(u32 *uaddr, u32 *uaddr2, bool shared, int wake, int wake2, u32 op)
{
    struct wake_batch batch;
    struct futex_key key, key2;
    int error = futex_key_get(uaddr, shared, &key, NULL);
    if (!error)
        error = futex_key_get(uaddr2, shared, &key2, NULL);
    if (error)
        return error;
    struct futex_bucket *bucket = futex_bucket_of(&key), *bucket2 = futex_bucket_of(&key2);
    long result;
    for (;;) {
        wake_batch_begin(&batch);
        futex_lock_two(bucket, bucket2);
        int equal = atomic_op(uaddr2, op);
        if (equal >= 0) {
            result = wake_in(bucket, &key, wake, ~0u, &batch);
            if (result >= 0 && equal) {
                long more = wake_in(bucket2, &key2, wake2, ~0u, &batch);
                result = more < 0 ? more : result + more;
            }
        } else {
            result = equal;
        }
        futex_unlock_two(bucket, bucket2);
        wake_batch_flush(&batch);
        if (result != -EFAULT)
            return result;
        if (futex_fault_in(uaddr2, true))
            return -EFAULT;
    }
}

long futex_requeue(u32 *uaddr, u32 *uaddr2, bool shared, int wake, int requeue, const u32 *compare)
{
    struct wake_batch batch;
    struct futex_key key, key2;
    struct memory_object *object2;
    if (wake < 0 || requeue < 0)
        return -EINVAL;
    int error = futex_key_get(uaddr, shared, &key, NULL);
    if (!error)
        error = futex_key_only(uaddr2, shared, &key2, &object2);
    if (error)
        return error;
    struct futex_bucket *from = futex_bucket_of(&key), *to = futex_bucket_of(&key2);
    long done = 0;
    u32 value;
again:
    wake_batch_begin(&batch);
    futex_lock_two(from, to);
    if (compare && (error = platform_load_user_u32(&value, uaddr))) {
        futex_unlock_two(from, to);
        wake_batch_flush(&batch);
        if (!(error = futex_fault_in(uaddr, false)))
            goto again;
        goto out;
    }
    if (compare && value != *compare) {
        error = -EAGAIN;
    } else {
        struct futex_waiter *w, *next;
        list_for_each_safe(w, next, &from->waiters, link) {
            if (done - wake >= requeue)
                break;
            if (!futex_same_key(&w->key, &key))
                continue;
            if (w->pi || w->requeue_pi) {
                error = -EINVAL;
                break;
            }
            if (++done <= wake) {
                futex_wake_waiter(w, &batch);
                continue;
            }
            if (futex_same_key(&key, &key2))
                continue; /* already where it is to go */
            list_remove(&w->link);
            w->key = key2;
            futex_enqueue(to, w);
        }
    }
    futex_unlock_two(from, to);
    wake_batch_flush(&batch);
out:
    if (object2)
        memory_object_put(object2);
    return error ? error : done;
}
