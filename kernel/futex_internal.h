/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the futex files share. A waiter sits in the hash bucket of its key; the bucket's lock guards its
 * links and its fate. A waker first takes a waiter out of the bucket, then sets woken, and touches it no
 * more: from then on the waiter may return and its stack frame be gone.
 */
#ifndef KERNEL_FUTEX_INTERNAL_H
#define KERNEL_FUTEX_INTERNAL_H

#include "kernel/futex.h"

struct memory_object;

/*
 * Names a futex word: an address of one address space, or an offset in a memory object when the word lies in a
 * shared mapping, so that different mappings of it meet.
 */
struct futex_key {
    u64 space;  /* address space or memory object; which one is in the low bits */
    u64 offset; /* address or byte offset */
};

struct futex_bucket {
    struct spinlock lock; /* LOCK_FUTEX */
    struct list waiters;  /* real-time threads first by priority, the others in order of arrival */
};

struct futex_waiter {
    struct list link;
    struct futex_bucket *bucket; /* where it is queued; changes under both buckets' locks */
    struct futex_key key;
    struct memory_object *object; /* reference that keeps the key meaningful, or NULL */
    struct thread *thread;
    u32 bitset;
    bool woken;                  /* out of the bucket: the wait has ended with success */
    /* PI only, under the PI lock */
    struct futex_pi *pi;         /* the PI futex it waits for */
    struct list pi_link;         /* futex_pi.waiters */
    u32 *uaddr;                  /* of the PI futex, in its own address space */
    bool owner_died;             /* it was given the lock by an owner that ended */
    bool requeue_pi;             /* waits in FUTEX_WAIT_REQUEUE_PI for a requeue to requeue_key */
    struct futex_key requeue_key;
};

/*
 * Threads to wake after the bucket's lock was dropped: a wake-up may cost an inter-processor interrupt. Preemption is off
 * from begin to flush: a waker that was switched away between the two would keep more urgent threads waiting.
 */
struct wake_batch {
    struct thread *threads[16];
    unsigned n;
};

static inline bool futex_same_key(const struct futex_key *a, const struct futex_key *b)
{
    return a->space == b->space && a->offset == b->offset;
}

/*
 * Finds the key of the word at uaddr: -EINVAL (not aligned), -EFAULT. With object, a reference to the memory object
 * is taken and stored there (NULL if the key has none). May sleep.
 */
int futex_key_get(u32 *uaddr, bool shared, struct futex_key *key, struct memory_object **object);
/*
 * The same for callers that never look at the word: a private key exists for any address of a program on Linux, so the
 * kernel's own addresses must not be told from unmapped ones.
 */
int futex_key_only(u32 *uaddr, bool shared, struct futex_key *key, struct memory_object **object);
struct futex_bucket *futex_bucket_of(const struct futex_key *key);
void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b);
void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b);
/* Brings the page of uaddr in (for writing), outside of locks. 0 or -EFAULT. */
int futex_fault_in(u32 *uaddr, bool write);
/* Prepares w to wait on key for the running thread. */
void futex_waiter_init(struct futex_waiter *w, const struct futex_key *key);
/* Queues w in bucket, which is locked. */
void futex_enqueue(struct futex_bucket *bucket, struct futex_waiter *w);
/* Takes w out if it still waits: true. False: it was woken. */
bool futex_unqueue(struct futex_waiter *w);
/* Takes w out of its locked bucket, marks it woken and adds its thread to batch. */
void futex_wake_waiter(struct futex_waiter *w, struct wake_batch *batch);
void wake_batch_begin(struct wake_batch *batch);
void wake_batch_flush(struct wake_batch *batch);
/* Queues w if the word has value: 0, -EAGAIN (it has not), -EFAULT. May sleep. */
int futex_queue_waiter(struct futex_waiter *w, u32 *uaddr, u32 value);
/* PI: gives up everything that the ending thread owns. */
void futex_pi_exit(struct thread *t);

enum futex_exit_state { FUTEX_ALIVE, FUTEX_EXITING, FUTEX_DEAD };

#endif
