/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V IPC, sysvipc(7). The three kinds (shared memory, semaphores, message queues) have one table each, with what they
 * share here: identifiers, keys, permissions, waiting. A table's spinlock guards its objects wholly; an object is freed by who
 * removes it, so nobody keeps a pointer to one beyond the lock.
 */
#ifndef FS_IPC_IPC_H
#define FS_IPC_IPC_H

#include <linux/ipc.h>
#include "fs/generated.h"
#include "kernel/lib/radix.h"

/* Most objects that a kind may have: what an identifier has room for. */
#define IPC_COUNT_MAX 32768u

/* What every object starts with. */
struct ipc_object {
    s32 id;        /* sequence << 15 | place in the table */
    s32 key;       /* IPC_PRIVATE: not found by key */
    u32 uid, gid, cuid, cgid;
    u32 mode;      /* permissions, and what the kind adds (SHM_DEST, SHM_LOCKED) */
    u32 sequence;
    s64 changed;   /* seconds since 1970 */
};

/* What a call of the get family asks for. */
struct ipc_request {
    s32 key;
    u32 flags;     /* IPC_CREAT, IPC_EXCL, permissions, SHM_* */
    u64 size;      /* bytes, or semaphores */
};

struct ipc_table {
    struct spinlock lock;      /* everything but limit */
    struct mutex making;       /* from the search for a key until its object is in the table */
    struct radix_tree objects; /* place -> object */
    u32 used;
    s64 last;                  /* place given last; -1: none yet */
    u32 sequence;
    u64 limit;                 /* objects there may be */
    /* Makes an object and adds it with ipc_add(): identifier or negative errno. making held. */
    long (*make)(const struct ipc_request *r);
    /* May r be served by o, which its key names? 0 or -EINVAL. Locked. NULL: always. */
    int (*fits)(const struct ipc_object *o, const struct ipc_request *r);
};

#define IPC_TABLE(count, maker, check)                                                      \
    {                                                                                       \
        .lock = SPINLOCK_INIT(LOCK_IPC), .making = MUTEX_INIT(LOCK_FS), .last = -1,         \
        .limit = (count), .make = (maker), .fits = (check)                                  \
    }

extern struct ipc_table shm_table, sem_table, msg_table;

/* What /proc/sys/kernel sets, beside the tables' limits. Read without a lock. */
struct ipc_limits {
    u64 shm_max; /* bytes of a segment */
    u64 shm_all; /* pages of all segments */
    u64 sem_set; /* semaphores of a set */
    u64 sem_all; /* semaphores of all sets */
    u64 sem_operations; /* of one call */
    u64 msg_text;  /* bytes of a message */
    u64 msg_queue; /* bytes and messages of a new queue */
    struct {       /* POSIX message queues, mq_overview(7) */
        u64 queues, messages, size, default_messages, default_size;
    } mq;
};
extern struct ipc_limits ipc_limits;
/* Files of /proc/sys that show and set one such number, by name. */
int ipc_limit_show(struct text *t, const struct generated_ref *r);
int ipc_limit_store(const struct generated_ref *r, char *data, size_t n);
/* "sem": four of them. */
int sem_limits_show(struct text *t, const struct generated_ref *r);
int sem_limits_store(const struct generated_ref *r, char *data, size_t n);

/* shmget, semget, msgget(2): identifier or negative errno. Sleeps. */
long ipc_get(struct ipc_table *t, const struct ipc_request *r);
/* Gives o an identifier, with the caller as owner and creator: identifier, -ENOSPC or -ENOMEM. Takes the lock. */
long ipc_add(struct ipc_table *t, struct ipc_object *o, const struct ipc_request *r);
/* Takes o out of the table. Locked. */
void ipc_remove(struct ipc_table *t, struct ipc_object *o);
/* By identifier; ERR_PTR(-EINVAL). Locked. */
struct ipc_object *ipc_find(struct ipc_table *t, s32 id);
/* The highest place in use, 0 if there is none. Locked. */
long ipc_highest(struct ipc_table *t);
/* True if the caller has all of the permissions in mode (S_IRUGO, S_IWUGO, or as the get family asks). */
bool ipc_permits(const struct ipc_object *o, u32 mode);
/*
 * What command cmd of the ctl family is about: by place for stat and stat_any (SHM_STAT…), to be owned for IPC_SET and IPC_RMID.
 * ERR_PTR(-EINVAL) or -EPERM. Locked.
 */
struct ipc_object *ipc_find_for(struct ipc_table *t, s32 id, int cmd, int stat, int stat_any);
/* IPC_SET's part that is common: 0 or -EINVAL. Locked. */
int ipc_set(struct ipc_object *o, const struct ipc64_perm *p);
void ipc_stat(const struct ipc_object *o, struct ipc64_perm *p);
/* Seconds since 1970. */
s64 ipc_time(void);
/* The caller's process id; 0 in a kernel thread. */
s32 ipc_pid(void);
/* A file of /proc/sysvipc: a line for each object, by line(). */
void ipc_show(struct ipc_table *t, struct text *out, void (*line)(struct text *out, const struct ipc_object *o));
/* The owner's columns of such a line. */
void ipc_show_owner(struct text *out, const struct ipc_object *o);

/*
 * A thread that waits for something of an object, on its own stack. Who ends the wait takes it out of its list, sets result and
 * wakes it, all under the table's lock.
 */
#define IPC_WAITING 1
struct ipc_waiter {
    struct list link;
    int result;              /* IPC_WAITING, 0 or negative errno */
    s32 pid;
    struct wait_queue queue;
};
void ipc_waiter_init(struct ipc_waiter *w, struct list *waiters);
void ipc_wake(struct ipc_waiter *w, int result);
/*
 * Drops the lock until w is woken, and takes it again: its result, or -ETIMEDOUT or -EINTR with w out of its list. Never wait
 * for anything else while w is in a list. deadline as wait_sleep_until() has it.
 */
int ipc_wait(struct spinlock *lock, struct ipc_waiter *w, nsec_t deadline, bool realtime);

/* ------------------------------------------------------------ for other folders */

/* /proc/sysvipc. */
int shm_show(struct text *t, const struct generated_ref *r);
int sem_show(struct text *t, const struct generated_ref *r);
int msg_show(struct text *t, const struct generated_ref *r);

/* t, being made, shares the running thread's SEM_UNDO adjustments (CLONE_SYSVSEM). False: no memory. */
bool sem_undo_share(struct thread *t);
/* t ends, or has them no more: what the last that shares them would undo is undone. */
void sem_undo_release(struct thread *t);

#endif
