/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The threads that do what no thread of the program is there to do. They are threads of its process that never enter it, so
 * memory, limits and names are the program's; for a request they take on its submitter's descriptors, directories and
 * credentials. The runner tries what has become ready and never waits. Workers wait: there are as many as there is to do,
 * up to a limit for what ends by itself (files, disks) and one for what may take for ever; idle ones go after a while.
 */
#include <linux/sched.h>
#include "fs/uring/uring.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/signal.h"

#define IDLE_TIME (5 * NSEC_PER_SEC)

static struct {
    struct spinlock lock;      /* LOCK_RING_POOL, irq: what follows */
    struct thread *runner;     /* NULL: none */
    struct list rings;         /* with something ready, for the runner; each counted */
    struct list queue;         /* POOLED requests, oldest first */
    u32 workers, idle, waiting; /* waiting: on queue */
    u32 busy[2];               /* workers by IO_WQ_BOUND, IO_WQ_UNBOUND */
    struct wait_queue wait;    /* idle workers, exclusive */
} pool = {
    .lock = SPINLOCK_INIT(LOCK_RING_POOL),
    .rings = LIST_INIT(pool.rings),
    .queue = LIST_INIT(pool.queue),
    .wait = {SPINLOCK_INIT(LOCK_WAIT_QUEUE), LIST_INIT(pool.wait.waiters)},
};
static struct mutex creating = MUTEX_INIT(LOCK_FS);

/* ------------------------------------------------------------ acting for another */

#define CREDENTIAL_BYTES offsetof(struct credentials, securebits)

static bool same(const struct uring_task *t, const struct credentials *cred)
{
    const struct thread *me = current_thread();

    return t->files == me->files && t->fs == me->fs && t->cred.securebits == cred->securebits &&
           !memcmp(&t->cred, cred, CREDENTIAL_BYTES);
}

bool uring_same_task(const struct uring_task *t)
{
    return !t || same(t, &current_thread()->cred);
}

void uring_task_put(struct uring_task *t)
{
    if (__atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL))
        return;
    thread_put(t->thread);
    fd_table_put(t->files);
    fs_context_put(t->fs);
    group_list_put(t->cred.groups);
    kfree(t);
}

static void credentials_get(const struct credentials *c)
{
    if (c->groups)
        __atomic_add_fetch(&c->groups->refs, 1, __ATOMIC_RELAXED);
}

int uring_keep_task_as(struct uring_request *r, const struct credentials *cred)
{
    struct thread *me = current_thread();
    struct uring *ring = r->ring;
    struct uring_task *t, *last;

    spin_lock_irq(&ring->lock);
    t = ring->task;
    if (t && t->thread == me && same(t, cred)) {
        __atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
        r->task = t;
    }
    spin_unlock_irq(&ring->lock);
    if (r->task)
        return 0;
    t = uring_is_worker(me) || uring_thread_state() ? kzalloc(sizeof(*t)) : NULL;
    if (!t)
        return -ENOMEM;
    t->refs = 2; /* the ring's too */
    thread_get(t->thread = me);
    fd_table_get(t->files = me->files);
    fs_context_get(t->fs = me->fs);
    memcpy(&t->cred, cred, sizeof(*cred));
    credentials_get(cred);
    r->task = t;
    spin_lock_irq(&ring->lock);
    last = ring->task;
    ring->task = t;
    spin_unlock_irq(&ring->lock);
    if (last)
        uring_task_put(last);
    return 0;
}

int uring_keep_task(struct uring_request *r)
{
    return r->task ? 0 : uring_keep_task_as(r, &current_thread()->cred);
}

void uring_borrow(const struct uring_task *t)
{
    struct thread *me = current_thread();
    struct fd_table *files = me->files;
    struct fs_context *fs = me->fs;
    struct group_list *groups = me->cred.groups;

    if (uring_same_task(t))
        return;
    fd_table_get(t->files);
    fs_context_get(t->fs);
    credentials_get(&t->cred);
    spin_lock_irq(&me->process->lock);
    me->files = t->files;
    me->fs = t->fs;
    memcpy(&me->cred, &t->cred, sizeof(me->cred));
    spin_unlock_irq(&me->process->lock);
    fd_table_put(files);
    fs_context_put(fs);
    group_list_put(groups);
}

bool uring_is_worker(const struct thread *t)
{
    return t->helper || !t->process;
}

/* ------------------------------------------------------------ threads */

/* runner: it becomes that. */
static int create_thread(void (*entry)(void *), const char *kind, bool runner)
{
    struct thread *me = current_thread(), *t = thread_create_entry(me->process, entry, NULL);

    if (IS_ERR(t))
        return (int)PTR_ERR(t);
    signal_thread_init(t, NULL, 0);
    t->blocked = ~0ull;
    t->altstack.flags = 2; /* SS_DISABLE */
    t->no_new_privs = me->no_new_privs;
    t->nice = me->nice;
    thread_credentials(me, &t->cred);
    strlcpy(t->name, kind, sizeof(t->name));
    int error = thread_share_files(t, CLONE_FILES | CLONE_FS);
    if (error) {
        thread_exit_files(t);
        thread_discard(t);
        return error;
    }
    spin_lock_irq(&me->process->lock);
    t->helper = true;
    me->process->helpers++;
    spin_unlock_irq(&me->process->lock);
    spin_lock_irq(&pool.lock); /* nobody wakes a thread that has not started */
    if (runner)
        pool.runner = t;
    thread_start(t);
    spin_unlock_irq(&pool.lock);
    return 0;
}

/* ------------------------------------------------------------ the runner */

void uring_give_runner(struct uring *ring)
{
    if (ring->with_runner)
        return;
    spin_lock_irq(&pool.lock);
    if (pool.runner) {
        ring->with_runner = true;
        __atomic_add_fetch(&ring->refs, 1, __ATOMIC_RELAXED);
        list_add_tail(&pool.rings, &ring->runner_link);
        thread_wake(pool.runner);
    }
    spin_unlock_irq(&pool.lock);
}

static struct uring *next_ring(void)
{
    spin_lock_irq(&pool.lock);
    struct uring *ring = list_first(&pool.rings, struct uring, runner_link);
    if (ring)
        list_remove(&ring->runner_link);
    spin_unlock_irq(&pool.lock);
    return ring;
}

static void serve(struct uring *ring)
{
    spin_lock_irq(&ring->lock);
    ring->with_runner = false; /* what becomes ready from here on gives it to us again */
    spin_unlock_irq(&ring->lock);
    uring_run_ready(ring);
    uring_put(ring);
}

static void run(void *arg)
{
    struct thread *me = current_thread();
    struct uring *ring;

    while (!READ_ONCE(me->exit_requested)) {
        wait_prepare(WAIT_KILLABLE);
        ring = next_ring();
        if (!ring)
            wait_sleep(NSEC_NEVER);
        wait_finish();
        if (ring)
            serve(ring);
    }
    spin_lock_irq(&pool.lock);
    pool.runner = NULL;
    spin_unlock_irq(&pool.lock);
    while ((ring = next_ring())) {
        spin_lock_irq(&ring->lock);
        ring->with_runner = false;
        spin_unlock_irq(&ring->lock);
        uring_put(ring);
    }
    thread_exit(0);
}

int uring_start_runner(void)
{
    int error = 0;

    if (likely(READ_ONCE(pool.runner) != NULL) || !current_process())
        return 0;
    mutex_lock(&creating);
    if (!pool.runner)
        error = create_thread(run, "iou-run", true);
    mutex_unlock(&creating);
    return error;
}

/* ------------------------------------------------------------ workers */

static u32 class_of(const struct uring_request *r)
{
    return r->bounded ? IO_WQ_BOUND : IO_WQ_UNBOUND;
}

/* The oldest request whose sort has room for one more. Pool lock held. */
static struct uring_request *find_work(void)
{
    struct uring_request *r;

    list_for_each(r, &pool.queue, queue_link)
        if (pool.busy[class_of(r)] < r->ring->pool_limit[class_of(r)])
            return r;
    return NULL;
}

static bool has_work(void)
{
    spin_lock_irq(&pool.lock);
    bool found = find_work();
    spin_unlock_irq(&pool.lock);
    return found;
}

static struct uring_request *take_work(void)
{
    spin_lock_irq(&pool.lock);
    struct uring_request *r = find_work();
    if (r) {
        list_remove(&r->queue_link);
        r->in_pool = false;
        pool.waiting--;
        pool.busy[class_of(r)]++;
    }
    spin_unlock_irq(&pool.lock);
    return r;
}

static void do_work(struct uring_request *r)
{
    struct thread *me = current_thread();
    struct uring *ring = r->ring;
    u32 class = class_of(r);

    WRITE_ONCE(me->signal_work, false); /* an earlier request's cancellation */
    spin_lock_irq(&ring->lock);
    r->state = URING_RUNNING;
    r->worker = me;
    bool cancelled = r->cancelled;
    spin_unlock_irq(&ring->lock);
    uring_borrow(r->task);
    if (cancelled)
        uring_complete(r, -ECANCELED);
    else
        uring_continue(r, true);
    spin_lock_irq(&pool.lock);
    pool.busy[class]--;
    spin_unlock_irq(&pool.lock);
}

/* False: the worker has been idle for long, or must end. */
static bool wait_for_work(void)
{
    spin_lock_irq(&pool.lock);
    pool.idle++;
    spin_unlock_irq(&pool.lock);
    int error = wait_event_exclusive_if(&pool.wait, has_work(), platform_clock() + IDLE_TIME, WAIT_KILLABLE, true);
    spin_lock_irq(&pool.lock);
    pool.idle--;
    spin_unlock_irq(&pool.lock);
    return !error && !READ_ONCE(current_thread()->exit_requested);
}

static void work(void *arg)
{
    struct uring_request *r;
    bool more = true;

    while (more) {
        r = take_work();
        if (r)
            do_work(r);
        else
            more = wait_for_work();
    }
    spin_lock_irq(&pool.lock);
    pool.workers--;
    spin_unlock_irq(&pool.lock);
    if (has_work()) /* came while this one was leaving */
        wait_wake_one(&pool.wait);
    thread_exit(0);
}

int uring_pool(struct uring_request *r)
{
    struct uring *ring = r->ring;
    int error = uring_keep_task(r);

    if (error)
        return error;
    uring_enter(r);
    if (r->timeout)
        uring_limit_start(r);
    spin_lock_irq(&ring->lock);
    r->state = URING_POOLED;
    r->in_pool = true;
    spin_lock_irq(&pool.lock);
    bool wants = ++pool.waiting > pool.idle && pool.busy[class_of(r)] < ring->pool_limit[class_of(r)];
    pool.workers += wants;
    list_add_tail(&pool.queue, &r->queue_link);
    spin_unlock_irq(&pool.lock);
    spin_unlock_irq(&ring->lock);
    /* r may be done by now. */
    if (!wants) {
        wait_wake_one(&pool.wait);
        return 0;
    }
    error = create_thread(work, "iou-wrk", false);
    if (!error)
        return 0;
    spin_lock_irq(&pool.lock);
    bool others = --pool.workers > 0;
    spin_unlock_irq(&pool.lock);
    if (others)
        return 0;
    spin_lock_irq(&ring->lock);
    bool mine = r->in_pool && uring_unpool(r); /* with no worker nobody else has taken it */
    spin_unlock_irq(&ring->lock);
    return mine ? error : 0;
}

bool uring_unpool(struct uring_request *r)
{
    spin_lock_irq(&pool.lock);
    bool there = r->in_pool;
    if (there) {
        list_remove(&r->queue_link);
        pool.waiting--;
    }
    r->in_pool = false;
    spin_unlock_irq(&pool.lock);
    if (there)
        r->state = URING_RUNNING;
    return there;
}
