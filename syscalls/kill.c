/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that send signals: kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo, pidfd_send_signal. */
#include <linux/capability.h>
#include "fs/pidfd.h"
#include "syscalls/syscall.h"
#include "kernel/signal.h"
#include "kernel/lib/string.h"

long sys_kill(const struct syscall_args *a);
long sys_tkill(const struct syscall_args *a);
long sys_tgkill(const struct syscall_args *a);
long sys_rt_sigqueueinfo(const struct syscall_args *a);
long sys_rt_tgsigqueueinfo(const struct syscall_args *a);
long sys_pidfd_send_signal(const struct syscall_args *a);

/* Its own process, CAP_KILL, or a user id in common. */
static bool may_signal(const struct thread *to)
{
    const struct credentials *own = &current_thread()->cred, *cred = &to->cred;
    return to->process == current_process() || capable(CAP_KILL) || own->euid == cred->suid || own->euid == cred->uid || own->uid == cred->suid ||
           own->uid == cred->uid;
}

static int check(const struct thread *to, int signo)
{
    if (signo < 0 || signo > SIGNAL_COUNT)
        return -EINVAL;
    return may_signal(to) ? 0 : -EPERM;
}

static long kill_process(int pid, int signo, const siginfo_t *info)
{
    struct process *p = process_find(pid);
    if (!p)
        return -ESRCH;
    int error = check(p->leader, signo);
    if (!error && signo)
        error = signal_send_process(p, signo, info);
    process_put(p);
    return error;
}

/* The members of group. The caller's process is the only one there can be. */
static long kill_group(int group, int signo, const siginfo_t *info)
{
    struct process *self = current_process();
    return self->group_id == group ? kill_process(self->pid, signo, info) : -ESRCH;
}

long sys_kill(const struct syscall_args *a)
{
    int pid = ARG_INT(a, 0), signo = ARG_INT(a, 1);
    siginfo_t info;
    signal_info_user(&info, signo, SI_USER);
    if (pid > 0)
        return kill_process(pid, signo, &info);
    if (pid == 0)
        return kill_group(current_process()->group_id, signo, &info);
    if (pid == -1 || pid == INT32_MIN)
        return -ESRCH; /* all processes but the first and the caller: there are none */
    return kill_group(-pid, signo, &info);
}

/* tgid 0: any. */
static long kill_thread(int tgid, int tid, int signo, const siginfo_t *info)
{
    struct thread *t = thread_find(tid);
    if (!t)
        return -ESRCH;
    int error = -ESRCH;
    if (t->process && (!tgid || t->process->pid == tgid)) {
        error = check(t, signo);
        if (!error && signo)
            error = signal_send_thread(t, signo, info);
    }
    thread_put(t);
    return error;
}

long sys_tkill(const struct syscall_args *a)
{
    siginfo_t info;
    if (ARG_INT(a, 0) <= 0)
        return -EINVAL;
    signal_info_user(&info, ARG_INT(a, 1), SI_TKILL);
    return kill_thread(0, ARG_INT(a, 0), ARG_INT(a, 1), &info);
}

long sys_tgkill(const struct syscall_args *a)
{
    siginfo_t info;
    if (ARG_INT(a, 0) <= 0 || ARG_INT(a, 1) <= 0)
        return -EINVAL;
    signal_info_user(&info, ARG_INT(a, 2), SI_TKILL);
    return kill_thread(ARG_INT(a, 0), ARG_INT(a, 1), ARG_INT(a, 2), &info);
}

/* Only to itself may a thread send what looks like the kernel's or kill's. */
static int check_forgery(const siginfo_t *info, int tid)
{
    bool from_others = info->si_code >= 0 || info->si_code == SI_TKILL;
    return from_others && tid != current_thread()->tid ? -EPERM : 0;
}

/* The part of a siginfo that Linux keeps. */
#define SIGINFO_KERNEL_SIZE 48

static int read_siginfo(siginfo_t *info, const void *from, int signo)
{
    memset(info, 0, sizeof(*info));
    if (!user_range_ok(from, sizeof(*info)) || copy_from_user(info, from, SIGINFO_KERNEL_SIZE))
        return -EFAULT;
    info->si_signo = signo;
    return 0;
}

long sys_rt_sigqueueinfo(const struct syscall_args *a)
{
    siginfo_t info;
    int pid = ARG_INT(a, 0), signo = ARG_INT(a, 1);
    int error = read_siginfo(&info, ARG_PTR(a, 2), signo);
    if (!error)
        error = check_forgery(&info, pid);
    return error ? error : kill_process(pid, signo, &info);
}

long sys_rt_tgsigqueueinfo(const struct syscall_args *a)
{
    siginfo_t info;
    int tgid = ARG_INT(a, 0), tid = ARG_INT(a, 1), signo = ARG_INT(a, 2);
    int error = read_siginfo(&info, ARG_PTR(a, 3), signo);
    if (error)
        return error;
    if (tgid <= 0 || tid <= 0)
        return -EINVAL;
    error = check_forgery(&info, tid);
    return error ? error : kill_thread(tgid, tid, signo, &info);
}

/* pidfd_send_signal(2): whom it is for, if not whom the descriptor stands for. */
#define PIDFD_SIGNAL_THREAD        1u
#define PIDFD_SIGNAL_THREAD_GROUP  2u
#define PIDFD_SIGNAL_PROCESS_GROUP 4u

static long send_by_pidfd(const struct process *p, const struct thread *t, int signo, const siginfo_t *info, u32 flags)
{
    if (flags == PIDFD_SIGNAL_PROCESS_GROUP)
        return kill_group(p->group_id, signo, info);
    if (flags == PIDFD_SIGNAL_THREAD || (t && !flags))
        return kill_thread(p->pid, t ? t->tid : p->pid, signo, info);
    return kill_process(p->pid, signo, info);
}

static long signal_file(const struct file *f, int signo, const siginfo_t *user_info, u32 flags)
{
    struct thread *t = NULL;
    struct process *p = pidfd_process(f, &t);
    bool to_thread = flags == PIDFD_SIGNAL_THREAD || (t && !flags);
    siginfo_t info;
    long error;

    if (!p)
        p = proc_directory_process(f);
    if (!p)
        return -EBADF;
    if (!user_info) {
        signal_info_user(&info, signo, to_thread ? SI_TKILL : SI_USER);
        return send_by_pidfd(p, t, signo, &info, flags);
    }
    error = read_siginfo(&info, user_info, signo);
    if (error)
        return error;
    if (get_user(info.si_signo, &user_info->si_signo) || info.si_signo != signo)
        return -EINVAL;
    error = check_forgery(&info, t ? t->tid : p->pid);
    return error ? error : send_by_pidfd(p, t, signo, &info, flags);
}

long sys_pidfd_send_signal(const struct syscall_args *a)
{
    const u32 known = PIDFD_SIGNAL_THREAD | PIDFD_SIGNAL_THREAD_GROUP | PIDFD_SIGNAL_PROCESS_GROUP;
    u32 flags = ARG_U32(a, 3);
    struct file *f;
    long result;

    if (flags & ~known || flags & (flags - 1))
        return -EINVAL;
    f = fd_get(ARG_INT(a, 0));
    if (!f)
        return -EBADF;
    result = signal_file(f, ARG_INT(a, 1), ARG_PTR(a, 2), flags);
    file_put(f);
    return result;
}
