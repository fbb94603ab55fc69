/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping reader/writer lock, first come first served: a waiting writer holds later readers back, so neither
 * side starves. Not recursive in either mode. Its class in the lock order is that of a mutex in the same place.
 */
#ifndef KERNEL_RWLOCK_H
#define KERNEL_RWLOCK_H

#include "kernel/lock.h"

struct rwlock {
    u32 state;            /* atomic: readers, or RWLOCK_WRITER; plus RWLOCK_WAITERS */
    struct spinlock lock; /* the waiting list */
    struct rwlock_waiter *first, *last;
};

void rwlock_init(struct rwlock *l);
/* Not interruptible; may sleep. */
void rwlock_read_lock(struct rwlock *l);
void rwlock_read_unlock(struct rwlock *l);
void rwlock_write_lock(struct rwlock *l);
void rwlock_write_unlock(struct rwlock *l);

#endif
