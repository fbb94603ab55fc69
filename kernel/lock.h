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
    LOCK_RING = 1,      /* mutex: one io_uring's submissions and registrations */
    LOCK_FILE_POSITION, /* mutex: one open file's position */
    LOCK_RENAME,        /* mutex: directory topology (rename across directories) */
    LOCK_OVERLAY,       /* mutex: LOCK_INODE of an overlay, whose operations take those of its layers */
    LOCK_COPY_UP,       /* mutex: one object of an overlay being copied up or losing its name */
    LOCK_SINGLE,        /* mutex: a file system that has one instance is being made */
    LOCK_INODE,         /* mutex: one inode's data, size and directory entries */
    LOCK_FS,            /* mutex: one file system's or device's own state */
    LOCK_PATCH,         /* mutex: system-call sites become jumps one at a time */
    LOCK_ADDRESS_SPACE, /* mutex: one address space's region tree */
    LOCK_OBJECT,        /* mutex: one memory object's pages */
    LOCK_PAGE_CACHE,    /* spin: which objects have cached pages, which have dirty ones */
    LOCK_NINEP_OPEN,    /* mutex: one file of 9P is being opened at the server */
    LOCK_PROBE,         /* mutex: which devices were looked at, and have a driver */
    LOCK_NETWORK,       /* spin: lwIP and the network device */
    LOCK_SOCKET,        /* spin: one socket or loopback port table */
    LOCK_EPOLL,         /* spin: one epoll instance */
    LOCK_FD_TABLE,      /* spin: one descriptor table */
    LOCK_PIPE,          /* spin: one pipe, eventfd, timerfd ring state */
    LOCK_MOUNT,         /* spin: the mount tree */
    LOCK_FS_CONTEXT,    /* spin: one process's root and working directory */
    LOCK_DENTRY,        /* spin: one directory's names in memory */
    LOCK_DENTRY_CACHE,  /* spin: the list of names kept without users */
    LOCK_INODE_TABLE,   /* spin: a file system's inodes by identity */
    LOCK_FILE_LOCKS,    /* spin: all advisory file locks */
    LOCK_IPC,           /* spin: one kind's System V IPC objects, one POSIX message queue */
    LOCK_NOTIFY,        /* spin: all inotify watches and queues */
    LOCK_ASYNC,         /* spin: signals for I/O being sent, and to whom */
    LOCK_FUTEX,         /* spin: one futex hash bucket; two in address order */
    LOCK_PI,            /* spin: owners, waiters and priorities of PI futexes */
    LOCK_SOCKET_LIST,   /* spin: which sockets there are that have no port */
    LOCK_PAGE_TABLE,    /* spin: one address space's page tables */
    LOCK_PROCESS,       /* spin, irq: one process: thread list, signal dispositions, pending sets, timers */
    LOCK_THREAD_IDS,    /* spin, irq: the table of thread and process ids */
    LOCK_DEVICE,        /* spin, irq: one device's queues */
    LOCK_NINEP,         /* spin, irq: fids, tags and inodes of one 9P mount */
    LOCK_WAIT_QUEUE,    /* spin, irq: one wait queue's list */
    LOCK_RING_STATE,    /* spin, irq: one io_uring's requests and completions */
    LOCK_RING_POOL,     /* spin, irq: what io_uring's threads have to do */
    LOCK_RUN_QUEUE,     /* spin, irq: one CPU's run queue */
    LOCK_TIMER,         /* spin, irq: one CPU's timer tree */
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

/* Preemption due: switches threads unless interrupts are masked. Called by preempt_enable(). */
void preempt_check(void);

/* Keeps the running thread on this CPU; nests. Interrupts still run. Atomic. */
static inline void preempt_disable(void)
{
    percpu_preempt_inc();
}

/* Undoes one preempt_disable(); the last may switch threads if a switch is due. */
static inline void preempt_enable(void)
{
    if (percpu_preempt_dec() && unlikely(percpu_need_resched()))
        preempt_check();
}

/* The lock word alone: no preemption, no interrupt mask, no debug checks. For the scheduler. */
void spin_wait(struct spinlock *l);
static inline void spin_acquire(struct spinlock *l)
{
    if (unlikely(__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE)))
        spin_wait(l);
}
static inline bool spin_try_acquire(struct spinlock *l)
{
    return !READ_ONCE(l->locked) && !__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE);
}
static inline void spin_release(struct spinlock *l)
{
    __atomic_store_n(&l->locked, 0, __ATOMIC_RELEASE);
}

#ifdef ARIL_DEBUG
void spin_lock(struct spinlock *l);
void spin_unlock(struct spinlock *l);
void spin_lock_irq(struct spinlock *l);
void spin_unlock_irq(struct spinlock *l);
bool spin_trylock(struct spinlock *l);
void spin_lock_nested(struct spinlock *l);
void assert_may_sleep(void);
#else
/* Takes the lock with preemption disabled. For locks never taken in interrupt context. */
static inline void spin_lock(struct spinlock *l)
{
    preempt_disable();
    spin_acquire(l);
}

static inline void spin_unlock(struct spinlock *l)
{
    spin_release(l);
    preempt_enable();
}

/* Takes the lock with interrupts masked. For locks that interrupt handlers take too. */
static inline void spin_lock_irq(struct spinlock *l)
{
    irq_disable();
    spin_acquire(l);
}

/* May switch threads, as preempt_enable(). */
static inline void spin_unlock_irq(struct spinlock *l)
{
    spin_release(l);
    irq_enable();
    if (unlikely(percpu_need_resched()))
        preempt_check();
}

/* spin_lock if nobody holds it; true if taken. */
static inline bool spin_trylock(struct spinlock *l)
{
    preempt_disable();
    if (spin_try_acquire(l))
        return true;
    preempt_enable();
    return false;
}

/* spin_lock for a second lock of the same class, at a higher address. */
static inline void spin_lock_nested(struct spinlock *l)
{
    spin_lock(l);
}

/* Panics in debug builds if the caller may not sleep here. */
static inline void assert_may_sleep(void)
{
}
#endif

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

#endif
