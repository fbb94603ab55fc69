/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spinlocks and mutexes, and the one list of the kernel's lock order.
 *
 * A lock of a class may be taken only while every lock held has a smaller class (outer locks
 * first). Debug builds (-DARIL_DEBUG) check this at every acquisition, and that nobody sleeps while
 * a spinlock is held. Two locks of one class may be held together only if taken in address order
 * with spin_lock_nested().
 */
#ifndef KERNEL_LOCK_H
#define KERNEL_LOCK_H

#include "kernel/types.h"
#include "platform/platform.h"

/* Outermost first. The comment names what the lock guards. */
enum lock_class {
    LOCK_FILE_POSITION = 1, /* mutex: one open file's position */
    LOCK_RENAME,        /* mutex: directory topology (rename across directories) */
    LOCK_INODE,         /* mutex: one inode's data, size and directory entries */
    LOCK_FS,            /* mutex: one file system's or device's own state */
    LOCK_ADDRESS_SPACE, /* mutex: one address space's region tree */
    LOCK_OBJECT,        /* mutex: one memory object's pages */
    LOCK_SOCKET,        /* spin: one socket or loopback port table */
    LOCK_EPOLL,         /* spin: one epoll instance */
    LOCK_FD_TABLE,      /* spin: one descriptor table */
    LOCK_PIPE,          /* spin: one pipe, eventfd, timerfd ring state */
    LOCK_MOUNT,         /* spin: the mount tree */
    LOCK_FS_CONTEXT,    /* spin: one process's root and working directory */
    LOCK_DENTRY,        /* spin: one directory's names in memory */
    LOCK_FILE_LOCKS,    /* spin: all advisory file locks */
    LOCK_FUTEX,         /* spin: one futex hash bucket */
    LOCK_PAGE_TABLE,    /* spin: one address space's page tables */
    LOCK_PROCESS,       /* spin, irq: one process: thread list, signal dispositions, pending sets, timers */
    LOCK_DEVICE,        /* spin, irq: one device's queues */
    LOCK_WAIT_QUEUE,    /* spin, irq: one wait queue's list */
    LOCK_TIMER,         /* spin, irq: one CPU's timer tree */
    LOCK_RUN_QUEUE,     /* spin, irq: one CPU's run queue */
    LOCK_HEAP,          /* spin, irq: the kernel heap's slabs */
    LOCK_PAGE,          /* spin, irq: the page allocator's free lists */
    LOCK_LOG,           /* spin, irq: the log ring and console */
    LOCK_CLASS_COUNT
};

struct spinlock {
    u32 locked;
#ifdef ARIL_DEBUG
    u8 lock_class;
    u32 owner_cpu;
#endif
};

#ifdef ARIL_DEBUG
#define SPINLOCK_INIT(cls) {.lock_class = (cls)}
#else
#define SPINLOCK_INIT(cls) {0}
#endif

void spin_init(struct spinlock *l, enum lock_class cls);
/* Takes the lock with preemption disabled. For locks never taken in interrupt context. */
void spin_lock(struct spinlock *l);
void spin_unlock(struct spinlock *l);
/* Takes the lock with interrupts masked. For locks that interrupt handlers take too. */
void spin_lock_irq(struct spinlock *l);
void spin_unlock_irq(struct spinlock *l);
bool spin_trylock(struct spinlock *l);
/* spin_lock for a second lock of the same class, at a higher address. */
void spin_lock_nested(struct spinlock *l);

void preempt_disable(void);
/* May switch threads if one is due. */
void preempt_enable(void);

struct thread;

struct mutex {
    struct thread *owner;
    struct spinlock lock; /* guards owner and waiters */
    struct mutex_waiter *first, *last;
#ifdef ARIL_DEBUG
    u8 lock_class;
#endif
};

#ifdef ARIL_DEBUG
#define MUTEX_INIT(cls) {.lock_class = (cls)}
#else
#define MUTEX_INIT(cls) {0}
#endif

void mutex_init(struct mutex *m, enum lock_class cls);
/* Sleeps until the mutex is ours. Not interruptible. */
void mutex_lock(struct mutex *m);
bool mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m);
bool mutex_held(const struct mutex *m);

/* Panics in debug builds if the caller may not sleep here. */
void assert_may_sleep(void);

#endif
