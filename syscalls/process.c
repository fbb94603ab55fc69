/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls about ids of processes, process groups and sessions. Sources: credentials(7) and the calls' man pages. */
#include "fs/tty.h"
#include "syscalls/syscall.h"

long sys_getpid(const struct syscall_args *a);
long sys_getppid(const struct syscall_args *a);
long sys_getpgid(const struct syscall_args *a);
long sys_getpgrp(const struct syscall_args *a);
long sys_setpgid(const struct syscall_args *a);
long sys_getsid(const struct syscall_args *a);
long sys_setsid(const struct syscall_args *a);
long sys_personality(const struct syscall_args *a);

long sys_getpid(const struct syscall_args *a)
{
    return current_process()->pid;
}

long sys_getppid(const struct syscall_args *a)
{
    return current_process()->parent_pid;
}

/* The process of pid with a reference; 0 is the caller's. */
static struct process *find(int pid)
{
    if (pid)
        return process_find(pid);
    process_get(current_process());
    return current_process();
}

long sys_getpgid(const struct syscall_args *a)
{
    struct process *p = find(ARG_INT(a, 0));
    if (!p)
        return -ESRCH;
    long id = p->group_id;
    process_put(p);
    return id;
}

long sys_getpgrp(const struct syscall_args *a)
{
    return current_process()->group_id;
}

long sys_getsid(const struct syscall_args *a)
{
    struct process *p = find(ARG_INT(a, 0));
    if (!p)
        return -ESRCH;
    long id = p->session_id;
    process_put(p);
    return id;
}

/* True if some process of session is in group. */
static bool group_in_session(int group, int session)
{
    bool found = false;
    struct process *p = process_next(0);
    while (p && !found) {
        int pid = p->pid;
        found = p->group_id == group && p->session_id == session;
        process_put(p);
        p = found ? NULL : process_next(pid);
    }
    return found;
}

long sys_setpgid(const struct syscall_args *a)
{
    struct process *self = current_process(), *p;
    int pid = ARG_INT(a, 0) ? ARG_INT(a, 0) : self->pid;
    int group = ARG_INT(a, 1) ? ARG_INT(a, 1) : pid;
    long error = 0;
    if (group < 0)
        return -EINVAL;
    p = process_find(pid);
    if (!p)
        return -ESRCH;
    if (p != self && p->parent_pid != self->pid)
        error = -ESRCH;
    else if (p->session_id != self->session_id || p->session_id == p->pid)
        error = -EPERM; /* in another session, or the leader of its session */
    else if (group != pid && !group_in_session(group, self->session_id))
        error = -EPERM;
    else
        p->group_id = group;
    process_put(p);
    return error;
}

long sys_setsid(const struct syscall_args *a)
{
    struct process *self = current_process();
    if (self->group_id == self->pid)
        return -EPERM; /* a process group leader */
    self->session_id = self->group_id = self->pid;
    tty_leave_session();
    return self->session_id;
}

long sys_personality(const struct syscall_args *a)
{
    struct process *self = current_process();
    long old = (long)self->personality;
    if (ARG_U32(a, 0) != 0xffffffff)
        self->personality = ARG_U32(a, 0);
    return old;
}
