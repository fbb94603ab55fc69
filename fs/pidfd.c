/* SPDX-License-Identifier: BSD-2-Clause */
/* Process descriptors, pidfd_open(2): a reference to a process, or to one thread of it, that polls readable when that has ended. */
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include "fs/generated.h"
#include "fs/pidfd.h"
#include "kernel/heap.h"
#include "kernel/init.h"
#include "kernel/user.h"

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

static void pidfd_fdinfo(struct file *f, struct text *t)
{
    const struct pidfd *p = f->private;
    int id = p->thread ? p->thread->tid : p->process->pid;

    text_printf(t, "Pid:\t%d\nNSpid:\t%d\n", id, id);
}

static const struct file_ops pidfd_ops = {
    .kind = "anon_inode:[pidfd]",
    .poll = pidfd_poll,
    .poll_queue = pidfd_poll_queue,
    .fdinfo = pidfd_fdinfo,
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
    if (thread) {
        p->thread = t;
        f->flags |= O_EXCL; /* PIDFD_THREAD, for F_GETFL */
    } else {
        thread_put(t);
    }
    return f;
}

static int install(struct file *f)
{
    if (IS_ERR(f))
        return (int)PTR_ERR(f);
    int fd = fd_install(f, 0, O_CLOEXEC);
    if (fd < 0)
        file_put(f);
    return fd;
}

int pidfd_install(int pid)
{
    return install(pidfd_create(pid, false, 0));
}

static int install_thread(struct thread *t, int *to)
{
    int fd = install(pidfd_create(t->tid, true, 0));
    if (fd < 0)
        return fd;
    int error = put_user(fd, to);
    if (error)
        fd_close(fd);
    return error;
}

static void pidfd_init(void)
{
    thread_pidfd = install_thread;
}
INIT_CALL(INIT_FILES, pidfd_init);

struct process *pidfd_process(const struct file *f, struct thread **thread)
{
    const struct pidfd *p = f->private;

    if (f->ops != &pidfd_ops)
        return NULL;
    *thread = p->thread;
    return p->process;
}
