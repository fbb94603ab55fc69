/* SPDX-License-Identifier: BSD-2-Clause */
/* What the page cache calls and the host does not have: nothing sleeps, the program's memory is not touched, no threads. */
#include "fs/page_cache.h"
#include "fs/vfs.h"
#include "kernel/init.h"
#include "kernel/log.h"
#include "kernel/user.h"
#include "kernel/vm_exit.h"
#include "kernel/wait.h"

/* What kernel/main.c does with the functions declared by INIT_CALL. */
extern const struct init_call __start_init_calls[], __stop_init_calls[];
__attribute__((constructor)) static void run_init_calls(void)
{
    for (const struct init_call *c = __start_init_calls; c < __stop_init_calls; c++)
        c->fn();
}

bool wait_allowed(void)
{
    return true;
}

void wait_queue_init(struct wait_queue *q)
{
    list_init(&q->waiters);
}

void wait_wake_events(struct wait_queue *q, unsigned n, u32 events)
{
}

void waiter_init(struct waiter *w, bool exclusive)
{
}

void wait_add(struct wait_queue *q, struct waiter *w)
{
}

void wait_remove(struct wait_queue *q, struct waiter *w)
{
}

void wait_prepare(enum wait_mode mode)
{
}

/* Only a wait that has a deadline can end when there is one thread. */
int wait_sleep(nsec_t deadline)
{
    ASSERT(deadline != NSEC_NEVER);
    return -ETIMEDOUT;
}

void wait_finish(void)
{
}

struct thread *kernel_thread_create(const char *name, void (*fn)(void *arg), void *arg)
{
    return NULL;
}

void inode_touch_atime(struct file *f)
{
}

size_t platform_clear_user(void *to, size_t n)
{
    return n;
}

int copy_from_user(void *to, const void *from, size_t n)
{
    return -EFAULT;
}

void (*vm_exit_sync)(void);
