/* SPDX-License-Identifier: BSD-2-Clause */
/* Futex keys, the hash of buckets, and the queueing that all futex operations are made of. */
#include <linux/mman.h>
#include "kernel/address_space.h"
#include "kernel/futex_internal.h"
#include "kernel/memory_object.h"
#include "kernel/run_queue.h"
#include "kernel/user.h"

#define BUCKETS 256

/* Low bits of futex_key.space. A wait without FUTEX_PRIVATE_FLAG is not met by a wake with it, as on Linux. */
#define KEY_OBJECT      1u
#define KEY_SHARED_CALL 2u

static struct futex_bucket buckets[BUCKETS];

void futex_init(void)
{
    for (int i = 0; i < BUCKETS; i++) {
        spin_init(&buckets[i].lock, LOCK_FUTEX);
        list_init(&buckets[i].waiters);
    }
}

/* Key of a word that may lie in a shared mapping. */
static int shared_key(struct address_space *as, vaddr_t address, struct futex_key *key,
                      struct memory_object **object)
{
    u32 value;
    if (get_user(value, (u32 *)address)) /* the page must be there, as Linux looks it up */
        return -EFAULT;
    int error = 0;
    rwlock_read_lock(&as->lock);
    struct region *r = region_find(as, address);
    if (!r || r->start > address) {
        error = -EFAULT;
    } else if (r->object && ((r->flags & REGION_SHARED) || !(r->prot & PROT_WRITE))) {
        *key = (struct futex_key){(u64)r->object | KEY_OBJECT, r->offset + (address - r->start)};
        if (object) {
            memory_object_get(r->object);
            *object = r->object;
        }
    } else if (!(r->prot & PROT_WRITE)) {
        error = -EFAULT; /* private memory that cannot change is no place for a futex */
    } else {
        *key = (struct futex_key){(u64)as | KEY_SHARED_CALL, address};
    }
    rwlock_read_unlock(&as->lock);
    return error;
}

int futex_key_get(u32 *uaddr, bool shared, struct futex_key *key, struct memory_object **object)
{
    struct address_space *as = current_thread()->space;
    if (object)
        *object = NULL;
    if ((u64)uaddr % sizeof(u32))
        return -EINVAL;
    if (!user_range_ok(uaddr, sizeof(u32)))
        return -EFAULT;
    *key = (struct futex_key){(u64)as, (u64)uaddr};
    return shared ? shared_key(as, (vaddr_t)uaddr, key, object) : 0;
}

int futex_key_only(u32 *uaddr, bool shared, struct futex_key *key, struct memory_object **object)
{
    if (shared || (u64)uaddr % sizeof(u32) || (u64)uaddr >= USER_SPACE_END)
        return futex_key_get(uaddr, shared, key, object);
    *key = (struct futex_key){(u64)current_thread()->space, (u64)uaddr};
    if (object)
        *object = NULL;
    return 0;
}

struct futex_bucket *futex_bucket_of(const struct futex_key *key)
{
    /* Multiplicative hashing (Knuth 6.4): the top bits depend on all. */
    u64 h = (key->space >> 6) * 0x9e3779b97f4a7c15ull + (key->offset >> 2);
    return &buckets[(h * 0x9e3779b97f4a7c15ull) >> 56];
}

void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    spin_lock(a < b ? &a->lock : &b->lock);
    if (a != b)
        spin_lock_nested(a < b ? &b->lock : &a->lock);
}

void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    spin_unlock(&a->lock);
    if (a != b)
        spin_unlock(&b->lock);
}

int futex_fault_in(u32 *uaddr, bool write)
{
    u32 value, seen;
    if (get_user(value, uaddr))
        return -EFAULT;
    return write ? platform_cmpxchg_user_u32(uaddr, value, value, &seen) : 0;
}

void futex_waiter_init(struct futex_waiter *w, const struct futex_key *key)
{
    *w = (struct futex_waiter){.key = *key, .thread = current_thread(), .bitset = ~0u};
    list_init(&w->link);
    list_init(&w->pi_link);
}

void futex_enqueue(struct futex_bucket *bucket, struct futex_waiter *w)
{
    int priority = thread_priority(w->thread);
    w->bucket = bucket;
    if (likely(!priority)) {
        list_add_tail(&bucket->waiters, &w->link);
        return;
    }
    struct futex_waiter *other;
    list_for_each(other, &bucket->waiters, link)
        if (thread_priority(other->thread) < priority)
            break;
    list_add_tail(&other->link, &w->link);
}

bool futex_unqueue(struct futex_waiter *w)
{
    for (;;) {
        if (__atomic_load_n(&w->woken, __ATOMIC_ACQUIRE))
            return false;
        struct futex_bucket *bucket = READ_ONCE(w->bucket);
        spin_lock(&bucket->lock);
        bool here = w->bucket == bucket, waits = !w->woken;
        if (here && waits)
            list_remove(&w->link);
        spin_unlock(&bucket->lock);
        if (here)
            return waits;
    }
}

void futex_wake_waiter(struct futex_waiter *w, struct wake_batch *batch)
{
    struct thread *t = w->thread;
    list_remove(&w->link);
    if (batch->n < ARRAY_SIZE(batch->threads)) {
        thread_get(t);
        batch->threads[batch->n++] = t;
        __atomic_store_n(&w->woken, true, __ATOMIC_RELEASE);
    } else {
        thread_get(t);
        __atomic_store_n(&w->woken, true, __ATOMIC_RELEASE);
        thread_wake(t);
        thread_put(t);
    }
}

void wake_batch_begin(struct wake_batch *batch)
{
    batch->n = 0;
    preempt_disable();
}

void wake_batch_flush(struct wake_batch *batch)
{
    for (unsigned i = 0; i < batch->n; i++) {
        thread_wake(batch->threads[i]);
        thread_put(batch->threads[i]);
    }
    preempt_enable();
}
