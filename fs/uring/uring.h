/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * io_uring, io_uring(7): rings, requests and who runs them. What a request does is told by a table that syscalls/ fills
 * (uring_ops): the bodies of the ordinary calls, run for a file that is lent to the thread (fs/file.h).
 *
 * The life of a request. It is made from an entry of the submission queue under uring.submitting and started when its
 * chain is complete and nothing before it is waited for. It is tried by the submitting thread without waiting (thread.no_wait).
 * What would have to wait and can be polled is ARMED: it waits in the file's poll queue (or for a timer) and becomes READY
 * by the waker; a thread that waits in io_uring_enter(2) for this ring tries it again, or else the runner. What has to wait
 * and cannot be polled is POOLED for a worker. Runner and workers are threads of the program's process that never enter
 * the program, as on Linux (worker.c).
 *
 * A request belongs to who set it RUNNING, under the ring's lock: that thread completes it, and nobody else touches it.
 */
#ifndef FS_URING_URING_H
#define FS_URING_URING_H

#include <linux/io_uring.h>
#include "fs/vfs.h"
#include "kernel/list.h"
#include "kernel/process.h"
#include "kernel/timer.h"

#define URING_ENTRIES_MAX 32768u
#define URING_FILES_MAX   (1u << 20)
#define URING_BUFFERS_MAX (1u << 14)
#define URING_BUFFER_BYTES (1ul << 30) /* of one registered buffer */
#define URING_REGISTERED  16           /* rings that a thread may register */
#define URING_UNBOUND_MAX 128          /* workers for what may wait for ever, unless the program says less */

/* A result that means: not done, somebody else has the request now. */
#define URING_PENDING (-4096)

struct uring_request;

enum uring_state { URING_ARMED, URING_READY, URING_POOLED, URING_RUNNING, URING_WAITING /* for earlier ones, IOSQE_IO_DRAIN */ };

/* The shared memory before the arrays of completions and of submission indices. */
struct uring_shared {
    u32 sq_head, sq_tail;
    u32 sq_mask, cq_mask;
    u32 sq_entries, cq_entries;
    u32 sq_dropped, sq_flags;
    u32 cq_head, cq_tail;
    u32 cq_flags, cq_overflow;
    u32 pad[4];
    struct io_uring_cqe cqes[];
};

/* As whom and with what requests are done that their thread does not do itself. Shared, never changes. */
struct uring_task {
    u32 refs;
    struct thread *thread;      /* reference; that submitted */
    struct fd_table *files;     /* reference */
    struct fs_context *fs;      /* reference */
    struct credentials cred;    /* with a reference on its groups */
};

/* A completion that found no room. */
struct uring_overflow {
    struct list link;
    struct io_uring_cqe cqe;
    u64 big[2];
};

struct uring_file_slot {
    struct file *file; /* reference; NULL: free */
    u64 tag;
};

struct uring_buffer {
    u64 address, length, tag;
};

struct uring_personality {
    struct list link;
    u32 id;
    struct credentials cred;
};

/* What IORING_REGISTER_RESTRICTIONS allows; bits. */
struct uring_restrictions {
    bool given, sqe_given, register_given;
    u64 register_ops, sqe_ops;
    u8 flags_allowed, flags_required;
};

/* Who has a ring without a file: requests are made by uring_start_for(), and he is told what becomes of them. */
struct uring_owner {
    /* r has ended. No lock is held. */
    void (*done)(struct uring_owner *o, const struct uring_request *r, s64 result);
    /* The ring is gone. Any context that may free memory. */
    void (*free)(struct uring_owner *o);
};

struct uring {
    struct uring_owner *owner;       /* NULL: the ring has a file and memory that the program sees */
    u32 refs;                        /* atomic: the file's, each request's */
    u32 flags;                       /* IORING_SETUP_* */
    u32 sq_entries, cq_entries;
    struct uring_shared *shared;     /* the program writes sq_tail, cq_head and what it likes */
    u32 *sq_array;
    char *sqes;
    struct memory_object *rings, *sqe_object; /* these as memory to map */
    struct file *file;               /* no reference: which one it is */
    struct thread *issuer;           /* reference; IORING_SETUP_SINGLE_ISSUER, once it is known */

    struct mutex submitting;         /* LOCK_RING: the submission queue, registrations, deferred */
    u32 sq_head;                     /* what was taken; submitting */
    bool disabled;                   /* IORING_SETUP_R_DISABLED, not enabled yet */
    bool skipped;                    /* an entry had IOSQE_CQE_SKIP_SUCCESS: no draining from then on */
    bool drained;                    /* an entry had IOSQE_IO_DRAIN: each request counts from its beginning on, from then on */
    struct uring_restrictions restrictions;
    struct list personalities;
    u32 last_personality;
    struct uring_task *task;         /* of the last submitter; reference */

    struct uring_request *spare;     /* memory for the next request; atomic exchange. NULL: none */

    struct spinlock lock;            /* LOCK_RING_STATE, irq: all that follows */
    struct list requests;            /* every request that is under way, by link, but for those yet in their first attempt */
    struct list ready;               /* READY, by queue_link */
    struct list deferred;            /* WAITING, by queue_link */
    u32 active;                      /* of requests, those not on deferred */
    u32 draining;                    /* of them, with IOSQE_IO_DRAIN */
    struct thread *sleeper;          /* waits in io_uring_enter and takes what becomes ready */
    bool lazy;                       /* without one what is ready stays so: nobody is told before he asks */
    u32 in_flight;                   /* transfers that disks are at (uring_direct()) */
    u32 watchers;                    /* threads that wait for requests to be gone; atomic */
    bool with_runner;                /* on the runner's list by runner_link */
    struct list runner_link;         /* pool lock */
    bool closed;                     /* the file is gone */
    u32 cq_tail;
    u32 completed;                   /* completions but for those of timeouts, which count them */
    u32 counted;                     /* timeouts that wait for a number of completions */
    struct list overflow;            /* struct uring_overflow, oldest first */
    struct wait_queue wait;          /* for completions: threads, poll */
    struct file *eventfd;            /* reference; IORING_REGISTER_EVENTFD */
    bool eventfd_async;
    struct list dead_link;           /* the reaper's list */
    struct list all_link;            /* every ring with a file; cancel.c */
    u64 serial;

    struct uring_file_slot *files;
    u32 file_count, alloc_first, alloc_end, alloc_hint;
    struct uring_buffer *buffers;
    u32 buffer_count;
    struct list groups;              /* provided buffers, struct uring_group */
    u32 pool_limit[2];               /* workers, IO_WQ_BOUND and IO_WQ_UNBOUND */
};

struct uring_request {
    /* Each set when it comes into use; all from next on is zero at first. */
    struct list link;                /* ring->requests */
    struct list queue_link;          /* ready, deferred, or the pool's */
    struct waiter waiter;
    struct timer timer;
    struct io_uring_buf buffer;      /* of its group, that it has chosen */
    struct io_uring_sqe sqe;
    struct uring *ring;              /* counted */

    struct uring_request *next;      /* the rest of its chain */
    struct uring_request *timeout;   /* the IORING_OP_LINK_TIMEOUT that limits it; cleared under the lock */
    struct uring_request *limits;    /* of such a one: what it limits */
    u8 state;                        /* enum uring_state; ring's lock */
    bool failed;                     /* its chain ends with it */
    bool skip_rest;                  /* and the rest tells nothing */
    bool no_fail;                    /* its error is as good as success */
    bool cancelled;                  /* asked for while it could not be taken */
    bool polled;                     /* has waited in a poll queue */
    bool no_poll;                    /* waits by itself, in a worker */
    bool no_retry;                   /* EAGAIN is a result */
    bool in_pool;                    /* on the pool's list; pool lock */
    bool timed;                      /* its clock runs */
    bool woken;                      /* something came while it was being armed; ring's lock */
    bool admitted, started;          /* counted in ring->active; was begun */
    bool bounded;                    /* sort of work */
    bool multishot;
    bool poll_first;                 /* wait for the file before the first attempt */
    s32 result;                      /* of a failed one that was not tried */
    u32 cqe_flags;
    u64 cqe_extra[2];                /* or what the ring's owner wants to know of it */
    struct file *file;               /* reference */
    struct uring_task *task;         /* reference, once another thread may run it */
    struct thread *worker;           /* that runs it and may wait; ring's lock */

    u32 events;                      /* EPOLL* that it waits for */
    u32 come;                        /* those that the file told of when it woke; a ring with an owner */
    struct wait_queue *queue;        /* where waiter is; NULL: nowhere */
    nsec_t deadline;                 /* on the clock of the timeout's flags; NSEC_NEVER: no timer */
    u32 target;                      /* of ring->completed; counted */
    bool counts;                     /* completions; in ring->counted */
    bool clock_realtime;             /* deadline is a time of day */
    bool relative;                   /* and not yet a time at all, but from the start on */
    bool armed_timer;

    struct block_direct *direct;     /* that a disk is at or has done */
    struct path_name *paths[2];      /* copies of what the entry points to */
    void *data, *vector;             /* the operation's own; freed with the request */
    s64 done;                        /* bytes, of a transfer in several parts */
    u32 taken;                       /* of from_ring: the group's count when it was taken */
    bool has_buffer, from_ring;
};

struct uring_op {
    /* Looks at the entry when it is submitted and copies what may go afterwards: 0 or negative errno. May be NULL. */
    int (*prepare)(struct uring_request *r);
    /* Does it, with r's file lent: the result, -EAGAIN if it would have to wait, or URING_PENDING. */
    s64 (*run)(struct uring_request *r);
    u32 flags;  /* OP_* */
    u32 events; /* EPOLL* to wait for after EAGAIN; 0: not by polling */
};

#define OP_FILE    1u   /* fd names a file, which may be a registered one */
#define OP_PATH    2u   /* addr is a path (or name), copied when it is submitted */
#define OP_PATH2   4u   /* off is one too */
#define OP_POOL    8u   /* always a worker's */
#define OP_BUFFER  16u  /* takes IOSQE_BUFFER_SELECT */
#define OP_IOPRIO  32u  /* ioprio means something */
#define OP_TRANSFER 64u /* of a regular file that is not in memory: a worker's */
/* Fields that must be 0. */
#define OP_NO_OFF  0x100u
#define OP_NO_ADDR 0x200u
#define OP_NO_LEN  0x400u
#define OP_NO_FLAGS 0x800u
#define OP_NO_BUF  0x1000u
#define OP_NO_INDEX 0x2000u
#define OP_INSTANT 0x4000u /* does nothing: its result is 0, whatever the entry says */
#define OP_UNSERVED 0x8000u /* EINVAL, and IORING_REGISTER_PROBE says so */

/* IORING_OP_LAST entries; set by syscalls/. */
extern const struct uring_op *uring_ops;

/* What the submission queue has at a position: NULL if the program named an entry that does not exist. */
static inline const struct io_uring_sqe *uring_entry(const struct uring *ring, u32 position)
{
    u32 index = READ_ONCE(ring->sq_array[position & (ring->sq_entries - 1)]);
    size_t size = sizeof(struct io_uring_sqe) << !!(ring->flags & IORING_SETUP_SQE128);

    return index < ring->sq_entries ? (const void *)(ring->sqes + index * size) : NULL;
}

/* ------------------------------------------------------------ ring.c */

struct uring *uring_of(const struct file *f); /* NULL: another file */
/* io_uring_setup(2) after its checks, with the numbers of entries in p: a file; the rest of p is filled. ERR_PTR(-ENOMEM). */
struct file *uring_create(struct io_uring_params *p);
void uring_put(struct uring *ring);
/* Are there so many, once what can be done at once is? */
bool uring_has(struct uring *ring, u32 least);
/* io_uring_enter(2), IORING_ENTER_GETEVENTS: 0, -EINTR, -ETIME. */
int uring_wait(struct uring *ring, u32 least, nsec_t deadline);
/* The running thread, which is about to sleep, takes what becomes ready: it is woken for it. False: another does. */
bool uring_sleep_begin(struct uring *ring);
void uring_sleep_end(struct uring *ring);
/* A ring without a file; NULL: out of memory. */
struct uring *uring_create_for(struct uring_owner *owner);
/* Nobody makes requests any more: what is under way ends, then the ring goes. Atomic. */
void uring_close(struct uring *ring);

/* ------------------------------------------------------------ completion.c */

/* Adds a completion; extra: the second half of a big one, or NULL. Lock not held. */
void uring_post(struct uring *ring, u64 user_data, s32 res, u32 flags, const u64 *extra, u32 how);
#define POST_ASYNC   1u /* by a worker */
#define POST_TIMEOUT 2u /* of a timeout: others do not count it */
/* Completes up to n entries at the head of the submission queue that are OP_INSTANT and bound to nothing: how many. submitting held. */
u32 uring_post_instant(struct uring *ring, u32 n);
/* Moves completions that found no room into the queue as far as there is any. */
void uring_flush_overflow(struct uring *ring);

/* Completions that wait for the program, and not. */
static inline u32 uring_completions(const struct uring *ring)
{
    return MIN(READ_ONCE(ring->cq_tail) - READ_ONCE(ring->shared->cq_head), ring->cq_entries);
}

static inline struct io_uring_cqe *uring_cqe(struct uring *ring, u32 position)
{
    u32 index = position & (ring->cq_entries - 1);

    return &ring->shared->cqes[ring->flags & IORING_SETUP_CQE32 ? index * 2 : index];
}

/* ------------------------------------------------------------ request.c */

/* Takes up to n entries: how many, or negative errno if none. submitting held. */
long uring_submit(struct uring *ring, u32 n);
/*
 * A request of a ring with an owner, on f: it begins now, in the running thread. 0, or why it cannot; the owner hears of it only
 * after 0.
 */
int uring_start_for(struct uring *ring, const struct io_uring_sqe *sqe, struct file *f, const u64 extra[2]);
/* Reading and writing f needs nothing from outside. */
bool uring_in_memory(const struct file *f);
/* Starts what belongs to r's chain; r is RUNNING or new. In the thread that submitted, or as uring_borrow() makes it. */
void uring_start(struct uring_request *r);
/* Goes on with one that was ARMED, POOLED or cancelled, and is RUNNING now. wait: a worker. */
void uring_continue(struct uring_request *r, bool wait);
/* The end of r, which is RUNNING: tells its result and starts what comes after it. */
void uring_complete(struct uring_request *r, s64 result);
/*
 * r, which is RUNNING, will not end in its first attempt: from here on others find it, and drains wait for it. Before it is anybody
 * else's; harmless later.
 */
void uring_enter(struct uring_request *r);
/* Copies the path at user, for r to name. 0 or negative errno. */
int uring_copy_path(struct uring_request *r, unsigned i, u64 user);
/* Keeps of the running thread what r will need when another runs it. 0 or -ENOMEM. */
int uring_keep_task(struct uring_request *r);
/* The same with other credentials, of which r gets a reference on their groups. */
int uring_keep_task_as(struct uring_request *r, const struct credentials *cred);
void uring_task_put(struct uring_task *t);

/* ------------------------------------------------------------ arm.c: waiting for files and timers */

/* Waits for r->events of its file: URING_PENDING, or 0 when they are there; -ECANCELED, -ENOMEM, -EAGAIN. r is RUNNING. */
s64 uring_arm(struct uring_request *r);
/* The same in two steps: r is in the queue, and nothing that comes is lost; then, unless it has come, r is anybody's. */
int uring_arm_begin(struct uring_request *r);
s64 uring_arm_finish(struct uring_request *r, bool come);
/*
 * A direct transfer of a lazy ring is left to the disk: URING_PENDING; or what came of it, if r had begun it before. -EAGAIN: it
 * is not that way, and a worker has to do it. io: the memory.
 */
s64 uring_direct(struct uring_request *r, struct io *io, u64 at, bool write);
/* Is it a file for that? */
bool uring_is_direct(const struct uring_request *r);
/* Waits for the disks, and ends what they were at. */
void uring_settle(struct uring *ring);
/* Undoes it. r RUNNING; no lock held. */
void uring_disarm(struct uring_request *r);
/* Makes r, which is RUNNING, wait for its timer: URING_PENDING. */
s64 uring_arm_timer(struct uring_request *r);
/* What r waits for has come: somebody runs it. Atomic. */
void uring_wake(struct uring_request *r);
/* The same with the lock held: the caller calls uring_kick(), which wants it too. */
void uring_make_ready(struct uring_request *r);
void uring_kick(struct uring *ring);
/* Runs what is ready and this thread may run. */
void uring_run_ready(struct uring *ring);

/* ------------------------------------------------------------ worker.c */

/* There is a runner. 0 or -ENOMEM, -EAGAIN. */
int uring_start_runner(void);
/* Has the runner look at ring. Lock held. */
void uring_give_runner(struct uring *ring);
/* Hands r, RUNNING, to a worker. 0 or negative errno. */
int uring_pool(struct uring_request *r);
/* Takes r, POOLED, back: false if a worker has it already. Ring's lock held. */
bool uring_unpool(struct uring_request *r);
/* Would what the running thread does be the same as if t's did it? NULL: whoever does it. */
bool uring_same_task(const struct uring_task *t);
/* A thread of io_uring's own acts for t from now on. */
void uring_borrow(const struct uring_task *t);
/* Is this a thread of io_uring's own? */
bool uring_is_worker(const struct thread *t);

/* ------------------------------------------------------------ timeout.c */

int uring_timeout_prepare(struct uring_request *r);
s64 uring_timeout_run(struct uring_request *r);
int uring_timeout_remove_prepare(struct uring_request *r);
s64 uring_timeout_remove_run(struct uring_request *r);
/* Timeouts that wait for as many completions as there are now. Lock held; true: uring_kick(). */
bool uring_count_timeouts(struct uring *ring);
/* r begins and the next in its chain limits its time: that one leaves the chain. */
void uring_limit_begin(struct uring_request *r);
/* r does not end at once: the clock of its limit runs. */
void uring_limit_start(struct uring_request *r);
/* The timeout that limits r, now done or cancelled, has ended: tells. */
void uring_limit_end(struct uring_request *r);
/* A limit's time is over. */
s64 uring_limit_run(struct uring_request *r);

/* ------------------------------------------------------------ poll.c */

int uring_poll_prepare(struct uring_request *r);
s64 uring_poll_run(struct uring_request *r);
int uring_poll_remove_prepare(struct uring_request *r);
s64 uring_poll_remove_run(struct uring_request *r);

/* ------------------------------------------------------------ cancel.c */

/* What is looked for: IORING_ASYNC_CANCEL_*. */
struct uring_match {
    u32 flags;
    u64 user_data;
    const struct file *file;
    u8 opcode;
    const struct uring_request *not;
    const struct thread *thread; /* only this one's; NULL: any */
    bool in_pool;                /* only what workers have or will get */
};

/* How many were cancelled with _ALL or _ANY; else 0, -ENOENT or -EALREADY. */
s64 uring_cancel(struct uring *ring, const struct uring_match *m);
/* Takes r, whatever it waits for: 0 (it is RUNNING, the caller completes it), or -EALREADY. Lock held. */
int uring_claim(struct uring_request *r);
/* Waits until no request matches. -ETIMEDOUT, -ERESTARTSYS. */
int uring_wait_gone(struct uring *ring, const struct uring_match *m, nsec_t deadline, enum wait_mode mode);
int uring_cancel_prepare(struct uring_request *r);
s64 uring_cancel_run(struct uring_request *r);
/* Every ring with a file is in a list, so that requests of a thread that ends are found. */
void uring_list_add(struct uring *ring);
void uring_list_remove(struct uring *ring);
/* What a thread has of io_uring. */
struct uring_thread {
    struct file *registered[URING_REGISTERED]; /* IORING_REGISTER_RING_FDS; references */
};
/* The running thread's, made at need; NULL: out of memory. */
struct uring_thread *uring_thread_state(void);
/*
 * The running thread executes a program (all): so end its requests. Or it ends itself: those of them end that are for workers. The
 * others wait on, as on Linux: ones that the thread would have to go on with get -ECANCELED when what they wait for comes, ones
 * yet to begin -EFAULT.
 */
void uring_thread_exit(bool all);
/* Is r's thread gone? */
bool uring_is_orphan(const struct uring_request *r);
/* IORING_REGISTER_SYNC_CANCEL: 0, a number, or negative errno. submitting held, let go while it waits. */
int uring_cancel_sync(struct uring *ring, const struct io_uring_sync_cancel_reg *reg, nsec_t deadline);
/* A request with this user_data and operation that is ARMED becomes the caller's; NULL and -ENOENT or -EALREADY. */
struct uring_request *uring_find_armed(struct uring *ring, u64 user_data, u8 opcode, int *error);

/* ------------------------------------------------------------ files.c, buffers.c: what is registered */

/* The file in slot index with a reference; NULL: none. */
struct file *uring_file(struct uring *ring, u32 index);
/* Puts f (whose reference it takes, whatever comes) into slot index - 1, or any for IORING_FILE_INDEX_ALLOC: 0, or the slot. */
s64 uring_file_install(struct uring *ring, struct file *f, u32 index);
int uring_file_remove(struct uring *ring, u32 slot);
long uring_files_register(struct uring *ring, const s32 *user_fds, const u64 *user_tags, u32 n, bool sparse);
long uring_files_unregister(struct uring *ring);
long uring_files_update(struct uring *ring, u32 first, const s32 *user_fds, const u64 *user_tags, u32 n);
long uring_files_range(struct uring *ring, u32 first, u32 n);
void uring_files_drop(struct uring *ring);

long uring_buffers_register(struct uring *ring, const struct iovec *user, const u64 *user_tags, u32 n, bool sparse);
long uring_buffers_unregister(struct uring *ring);
long uring_buffers_update(struct uring *ring, u32 first, const struct iovec *user, const u64 *user_tags, u32 n);
/* Does [address, address + n) lie in buffer index? 0 or -EFAULT. */
int uring_buffer_check(struct uring *ring, u32 index, u64 address, u64 n);
long uring_group_register_ring(struct uring *ring, const struct io_uring_buf_reg *reg);
long uring_group_unregister_ring(struct uring *ring, u32 id);
s64 uring_group_provide(struct uring_request *r);
s64 uring_group_remove(struct uring_request *r);
/* Takes a buffer of r's group, unless r has one: its address, and *n cut to its length (0: all of it). 0, -ENOBUFS, -EFAULT. */
int uring_buffer_select(struct uring_request *r, u64 *address, u32 *n);
/* r used the buffer it has. Sets the completion's flags. */
void uring_buffer_used(struct uring_request *r);
/* r had no use for its buffer yet: gives it back, or keeps it for the next attempt, if others have taken some since. */
void uring_buffer_recycle(struct uring_request *r);
void uring_buffers_drop(struct uring *ring);

#endif
