/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signalfd(2): reads pending signals of the reading thread and its process. It holds no signals itself, so
 * who reads or polls decides whose signals are seen, as on Linux.
 */
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/signalfd.h>
#include "fs/event.h"
#include "fs/generated.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/signal.h"

struct signalfd {
    u64 mask; /* bit signo-1; replaced as a whole */
};

/* Fields of siginfo_t differ by the kind of signal; what does not apply stays zero. */
static void describe(struct signalfd_siginfo *out, const siginfo_t *info)
{
    memset(out, 0, sizeof(*out));
    out->ssi_signo = (u32)info->si_signo;
    out->ssi_errno = info->si_errno;
    out->ssi_code = info->si_code;
    if (info->si_code == SI_TIMER) {
        out->ssi_tid = (u32)info->si_tid;
        out->ssi_overrun = (u32)info->si_overrun;
        out->ssi_ptr = (u64)info->si_ptr;
        out->ssi_int = info->si_int;
    } else if (info->si_code == SI_QUEUE || info->si_code == SI_MESGQ || info->si_code == SI_ASYNCIO) {
        out->ssi_pid = (u32)info->si_pid;
        out->ssi_uid = info->si_uid;
        out->ssi_ptr = (u64)info->si_ptr;
        out->ssi_int = info->si_int;
    } else if (info->si_code <= 0 || info->si_code == SI_KERNEL) {
        out->ssi_pid = (u32)info->si_pid;
        out->ssi_uid = info->si_uid;
    } else if (info->si_signo == SIGCHLD) {
        out->ssi_pid = (u32)info->si_pid;
        out->ssi_uid = info->si_uid;
        out->ssi_status = info->si_status;
        out->ssi_utime = (u64)info->si_utime;
        out->ssi_stime = (u64)info->si_stime;
    } else if (info->si_signo == SIGSEGV || info->si_signo == SIGBUS || info->si_signo == SIGFPE ||
               info->si_signo == SIGILL || info->si_signo == SIGTRAP) {
        out->ssi_addr = (u64)info->si_addr;
        if (info->si_signo == SIGBUS)
            out->ssi_addr_lsb = (u16)info->si_addr_lsb;
    } else if (info->si_code <= NSIGPOLL) { /* whatever signal F_SETSIG asked for */
        out->ssi_band = (u32)info->si_band;
        out->ssi_fd = info->si_fd;
    }
}

static ssize signalfd_read(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct signalfd *s = f->private;
    struct thread *me = current_thread();
    bool block = !(f->flags & O_NONBLOCK) && !(rwf & RWF_NOWAIT);
    ssize done = 0;
    if (io->left < sizeof(struct signalfd_siginfo))
        return -EINVAL;
    while (io->left >= sizeof(struct signalfd_siginfo)) {
        siginfo_t info;
        int signo = signal_dequeue(me, s->mask, &info);
        if (!signo) {
            if (done || !block)
                break;
            int error = wait_event(&me->process->signal_wait,
                                   (signo = signal_dequeue(me, s->mask, &info)) != 0, NSEC_NEVER,
                                   WAIT_INTERRUPTIBLE);
            if (error)
                return error;
        }
        struct signalfd_siginfo out;
        describe(&out, &info);
        if (io_copy_to(io, &out, sizeof(out)) != sizeof(out))
            return done ? done : -EFAULT;
        done += sizeof(out);
    }
    return done ? done : -EAGAIN;
}

static u32 signalfd_poll(struct file *f)
{
    struct signalfd *s = f->private;
    return signal_pending_set(current_thread()) & s->mask ? EPOLLIN : 0;
}

static struct wait_queue *signalfd_poll_queue(struct file *f)
{
    return &current_process()->signal_wait;
}

static void signalfd_release(struct file *f)
{
    kfree(f->private);
}

static void signalfd_fdinfo(struct file *f, struct text *t)
{
    const struct signalfd *s = f->private;
    text_printf(t, "sigmask:\t%016llx\n", (unsigned long long)READ_ONCE(s->mask));
}

static const struct file_ops signalfd_ops = {
    .kind = "anon_inode:[signalfd]",
    .read = signalfd_read,
    .seek = event_seek,
    .poll = signalfd_poll,
    .poll_queue = signalfd_poll_queue,
    .fdinfo = signalfd_fdinfo,
    .release = signalfd_release,
};

static u64 without_unblockable(u64 mask)
{
    return mask & ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
}

struct file *signalfd_file_create(u64 mask, u32 open_flags)
{
    struct signalfd *s = kzalloc(sizeof(*s));
    if (!s)
        return ERR_PTR(-ENOMEM);
    s->mask = without_unblockable(mask);
    struct file *f = file_create(&signalfd_ops, O_RDWR | open_flags, s);
    if (!f) {
        kfree(s);
        return ERR_PTR(-ENOMEM);
    }
    return f;
}

bool file_is_signalfd(const struct file *f)
{
    return f->ops == &signalfd_ops;
}

void signalfd_set_mask(struct file *f, u64 mask)
{
    struct signalfd *s = f->private;
    WRITE_ONCE(s->mask, without_unblockable(mask));
    wait_wake_events(&current_process()->signal_wait, ~0u, EPOLLIN);
}
