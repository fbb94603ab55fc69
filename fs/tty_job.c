/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals of sessions (credentials(7), ioctl_tty(2)): which terminal controls a process, its foreground
 * process group, and signals to it.
 *
 * process.terminal is changed under the process's lock, tty.session and foreground_group under the terminal's. Nobody but
 * the process itself could continue it after a stop, so its groups count as orphaned: what would stop it does not.
 */
#include <asm/ioctls.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <linux/capability.h>
#include "fs/tty.h"
#include "fs/vfs.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include "kernel/signal_queue.h"
#include "kernel/user.h"

struct tty *tty_of_process(void)
{
    struct process *p = current_process();
    struct tty *t;

    spin_lock_irq(&p->lock);
    t = p->terminal;
    if (t)
        tty_get(t);
    spin_unlock_irq(&p->lock);
    return t;
}

void tty_describe(struct process *p, int *device, int *group)
{
    spin_lock_irq(&p->lock);
    *device = p->terminal ? (int)p->terminal->device : 0;
    *group = p->terminal ? p->terminal->foreground_group : -1;
    spin_unlock_irq(&p->lock);
}

static bool controls_us(const struct tty *t)
{
    return READ_ONCE(current_process()->terminal) == t;
}

static bool leads_session(void)
{
    return current_process()->session_id == current_process()->pid;
}

int tty_check_job(struct tty *t, int signo)
{
    struct process *p = current_process();
    bool deaf = signal_is_ignored(p, signo) || current_thread()->blocked & SIGNAL_BIT(signo);

    if (!controls_us(t) || !t->foreground_group || t->foreground_group == p->group_id)
        return 0;
    return deaf && signo != SIGTTIN ? 0 : -EIO;
}

/* Takes t from p, if p has it. */
static bool take_away(struct process *p, struct tty *t)
{
    bool had;

    spin_lock_irq(&p->lock);
    had = p->terminal == t;
    if (had)
        p->terminal = NULL;
    spin_unlock_irq(&p->lock);
    if (had)
        tty_put(t);
    return had;
}

static void send(struct process *p, int signo)
{
    siginfo_t info = {.si_signo = signo, .si_code = SI_KERNEL};

    signal_send_process(p, signo, &info);
}

/* Every process of t's session loses t; with signals, its leader hears of it. */
static void clear_session(struct tty *t, bool tell_leader)
{
    struct process *p = process_next(0);

    while (p) {
        int pid = p->pid;

        if (take_away(p, t) && tell_leader && p->session_id == p->pid) {
            send(p, SIGHUP);
            send(p, SIGCONT);
        }
        process_put(p);
        p = process_next(pid);
    }
    t->session = t->foreground_group = 0;
}

bool tty_take_session(struct tty *t, bool steal)
{
    struct process *p = current_process();
    bool taken = false;

    if (t->session && !steal)
        return false;
    if (t->session)
        clear_session(t, false);
    spin_lock_irq(&p->lock);
    if (!p->terminal && leads_session()) {
        tty_get(t);
        p->terminal = t;
        t->session = p->session_id;
        t->foreground_group = p->group_id;
        taken = true;
    }
    spin_unlock_irq(&p->lock);
    return taken;
}

void tty_leave_session(void)
{
    struct tty *t = tty_of_process();

    if (!t)
        return;
    take_away(current_process(), t);
    tty_put(t);
}

void tty_end_session(struct tty *t, bool to_leader)
{
    mutex_lock(&t->lock);
    if (!to_leader) {
        tty_signal(t, SIGHUP);
        tty_signal(t, SIGCONT);
    }
    clear_session(t, to_leader);
    mutex_unlock(&t->lock);
}

void tty_signal(struct tty *t, int signo)
{
    struct process *p = t->foreground_group ? process_find(t->foreground_group) : NULL;

    if (!p)
        return;
    /* Nobody could continue it. */
    if (signo != SIGTSTP || signal_action_of(p, signo)->handler != HANDLER_DEFAULT)
        send(p, signo);
    process_put(p);
}

/* ------------------------------------------------------------ ioctl_tty(2) */

static long set_controlling(struct tty *t, struct file *f, unsigned long arg)
{
    bool may_steal = arg == 1 && fs_capable(CAP_SYS_ADMIN);
    long error = 0;

    mutex_lock(&t->lock);
    if (leads_session() && t->session == current_process()->session_id)
        ; /* it is already */
    else if (!(f->mode & FILE_READ) && !fs_capable(CAP_SYS_ADMIN))
        error = -EPERM;
    else
        error = tty_take_session(t, may_steal) ? 0 : -EPERM;
    mutex_unlock(&t->lock);
    return error;
}

static long give_up(struct tty *t)
{
    if (!controls_us(t))
        return -ENOTTY;
    if (leads_session())
        tty_end_session(t, false);
    else
        tty_leave_session();
    return 0;
}

static long set_foreground_group(struct tty *t, unsigned long arg)
{
    int group, error = tty_check_job(t, SIGTTOU);
    struct process *p;

    if (error)
        return error == -EIO ? -ENOTTY : error;
    if (get_user(group, (int *)arg))
        return -EFAULT;
    if (group < 0)
        return -EINVAL;
    if (!controls_us(t) || t->session != current_process()->session_id)
        return -ENOTTY;
    p = process_find(group);
    if (!p)
        return -ESRCH;
    error = p->session_id == t->session ? 0 : -EPERM;
    process_put(p);
    if (!error)
        WRITE_ONCE(t->foreground_group, group);
    return error;
}

long tty_job_ioctl(struct tty *t, struct file *f, bool master, unsigned cmd, unsigned long arg)
{
    switch (cmd) {
    case TIOCSCTTY:
        return set_controlling(t, f, arg);
    case TIOCNOTTY:
        return master ? -ENOTTY : give_up(t);
    case TIOCGPGRP:
        return !master && !controls_us(t) ? -ENOTTY : put_user(t->foreground_group, (int *)arg);
    case TIOCSPGRP:
        return set_foreground_group(t, arg);
    case TIOCGSID:
        if ((!master && !controls_us(t)) || !t->session)
            return -ENOTTY;
        return put_user(t->session, (int *)arg);
    }
    return -ENOTTY;
}
