/* SPDX-License-Identifier: BSD-2-Clause */
/* Process descriptors, pidfd_open(2): a reference to a process, or to one thread of it, that polls readable when that has ended. */
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include "fs/pidfd.h"
#include "kernel/heap.h"

struct pidfd {
    struct process *process; /* reference */
    struct thread *thread;   /* reference; NULL: all of the process is meant */
};

static u32 pidfd_poll(struct file *f)
{
    struct pidfd *p = f->private;
    struct thread *t;

    if (!p->thread)
        return READ_ONCE(p->process->thread_count) ? 0 : EPOLLIN | EPOLLRDNORM;
    t = thread_find(p->thread->tid);
    if (t)
        thread_put(t);
    return t == p->thread ? 0 : EPOLLIN | EPOLLRDNORM | EPOLLHUP;
}

static struct wait_queue *pidfd_poll_queue(struct file *f)
{
    return &((struct pidfd *)f->private)->process->exited;
}

static void pidfd_release(struct file *f)
{
    struct pidfd *p = f->private;

    if (p->thread)
        thread_put(p->thread);
    process_put(p->process);
    kfree(p);
}

static const struct file_ops pidfd_ops = {
    .kind = "anon_inode:[pidfd]",
    .poll = pidfd_poll,
    .poll_queue = pidfd_poll_queue,
    .release = pidfd_release,
};

struct file *pidfd_create(int id, bool thread, u32 open_flags)
{
    struct thread *t = thread_find(id);
    struct pidfd *p;
    struct file *f;

    if (!t)
        return ERR_PTR(-ESRCH);
    if (!t->process || (!thread && t != t->process->leader)) {
        f = ERR_PTR(t->process ? -ENOENT : -ESRCH);
        thread_put(t);
        return f;
    }
    p = kzalloc(sizeof(*p));
    f = p ? file_create(&pidfd_ops, O_RDWR | open_flags, p) : NULL;
    if (!f) {
        kfree(p);
        thread_put(t);
        return ERR_PTR(-ENOMEM);
    }
    process_get(t->process);
    p->process = t->process;
    if (thread)
        p->thread = t;
    else
        thread_put(t);
    return f;
}

int pidfd_install(int pid)
{
    struct file *f = pidfd_create(pid, false, 0);
    if (IS_ERR(f))
        return (int)PTR_ERR(f);
    int fd = fd_install(f, 0, O_CLOEXEC);
    if (fd < 0)
        file_put(f);
    return fd;
}

struct process *pidfd_process(const struct file *f, struct thread **thread)
{
    const struct pidfd *p = f->private;

    if (f->ops != &pidfd_ops)
        return NULL;
    *thread = p->thread;
    return p->process;
}
