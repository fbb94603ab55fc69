/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prctl(2) and arch_prctl(2). Operations that exist on Linux but change nothing a single process could see here are
 * refused as by a kernel built without them (EINVAL), never accepted silently.
 */
#include <asm/prctl.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/securebits.h>
#include "syscalls/seccomp.h"
#include "kernel/address_space.h"
#include "kernel/lib/string.h"
#include "kernel/patch.h"
#include "kernel/signal_types.h"

long sys_prctl(const struct syscall_args *a);
long sys_arch_prctl(const struct syscall_args *a);


static bool unused(const struct syscall_args *a, int from)
{
    for (int i = from; i < 5; i++)
        if (a->arg[i])
            return false;
    return true;
}

static bool valid_capability(u64 capability)
{
    return capability <= CAP_LAST_CAP;
}

static long set_name(struct thread *t, const char *from)
{
    char name[sizeof(t->name)];
    memset(name, 0, sizeof(name));
    ssize n = copy_string_from_user(name, from, sizeof(name));
    if (n == -EFAULT)
        return -EFAULT;
    name[sizeof(name) - 1] = '\0'; /* longer ones are cut */
    memcpy(t->name, name, sizeof(name));
    if (t == t->process->leader)
        memcpy(t->process->name, name, sizeof(name));
    return 0;
}

static long get_name(struct thread *t, void *to)
{
    char name[sizeof(t->name)];
    memset(name, 0, sizeof(name));
    strlcpy(name, t->name, sizeof(name));
    return copy_to_user(to, name, sizeof(name));
}

static long set_securebits(struct credentials *c, u64 bits)
{
    u32 locks = c->securebits & SECURE_ALL_LOCKS;
    if (((locks >> 1) & (c->securebits ^ bits)) || (locks & ~bits) || (bits & ~(u64)(SECURE_ALL_LOCKS | SECURE_ALL_BITS)) ||
        !capable(CAP_SETPCAP))
        return -EPERM;
    c->securebits = (u32)bits;
    return 0;
}

static long keep_capabilities(struct credentials *c, u64 keep)
{
    if (keep > 1)
        return -EINVAL;
    if (c->securebits & SECBIT_KEEP_CAPS_LOCKED)
        return -EPERM;
    c->securebits = keep ? c->securebits | SECBIT_KEEP_CAPS : c->securebits & ~SECBIT_KEEP_CAPS;
    return 0;
}

static long drop_bounding(struct credentials *c, u64 capability)
{
    if (!capable(CAP_SETPCAP))
        return -EPERM;
    if (!valid_capability(capability))
        return -EINVAL;
    c->cap_bounding &= ~(1ull << capability);
    return 0;
}

static long ambient(struct credentials *c, const struct syscall_args *a)
{
    u64 capability = ARG_U64(a, 2), bit = valid_capability(capability) ? 1ull << capability : 0;
    if (ARG_U64(a, 1) == PR_CAP_AMBIENT_CLEAR_ALL) {
        if (!unused(a, 2))
            return -EINVAL;
        c->cap_ambient = 0;
        return 0;
    }
    if (!bit || !unused(a, 3))
        return -EINVAL;
    switch (ARG_U64(a, 1)) {
    case PR_CAP_AMBIENT_IS_SET:
        return !!(c->cap_ambient & bit);
    case PR_CAP_AMBIENT_RAISE:
        if (!(c->cap_permitted & c->cap_inheritable & bit) || (c->securebits & SECBIT_NO_CAP_AMBIENT_RAISE))
            return -EPERM;
        c->cap_ambient |= bit;
        return 0;
    case PR_CAP_AMBIENT_LOWER:
        c->cap_ambient &= ~bit;
        return 0;
    }
    return -EINVAL;
}

static long change_or_tell(struct credentials *c, const struct syscall_args *a)
{
    u64 arg = ARG_U64(a, 1);
    switch (ARG_INT(a, 0)) {
    case PR_GET_KEEPCAPS:
        return !!(c->securebits & SECBIT_KEEP_CAPS);
    case PR_SET_KEEPCAPS:
        return keep_capabilities(c, arg);
    case PR_CAPBSET_READ:
        return valid_capability(arg) ? !!(c->cap_bounding & 1ull << arg) : -EINVAL;
    case PR_CAPBSET_DROP:
        return drop_bounding(c, arg);
    case PR_GET_SECUREBITS:
        return c->securebits;
    case PR_SET_SECUREBITS:
        return set_securebits(c, arg);
    case PR_CAP_AMBIENT:
        return ambient(c, a);
    }
    return -EINVAL;
}

static long capability_operation(const struct syscall_args *a)
{
    struct credentials c = current_thread()->cred;
    long result = change_or_tell(&c, a);
    if (!result)
        credentials_replace(&c);
    return result;
}

/* Attributes of the process that others (core dumps, exec, a parent) look at. */
static long process_operation(struct process *p, const struct syscall_args *a)
{
    u64 arg = ARG_U64(a, 1);
    switch (ARG_INT(a, 0)) {
    case PR_GET_DUMPABLE:
        return p->dumpable;
    case PR_SET_DUMPABLE:
        if (arg > 1)
            return -EINVAL;
        p->dumpable = (u32)arg;
        return 0;
    case PR_SET_CHILD_SUBREAPER:
        p->child_subreaper = !!arg;
        return 0;
    case PR_GET_CHILD_SUBREAPER:
        return copy_to_user(ARG_PTR(a, 1), &p->child_subreaper, sizeof(p->child_subreaper));
    case PR_SET_THP_DISABLE:
        if (!unused(a, 2))
            return -EINVAL;
        p->space->no_huge_pages = arg != 0;
        return 0;
    case PR_GET_THP_DISABLE:
        return unused(a, 1) ? p->space->no_huge_pages : -EINVAL;
    }
    return -EINVAL;
}

/*
 * Where /proc finds a process's arguments and environment; its other places are not for changing. As on Linux without checkpoints, and
 * in Linux's order of checks.
 */
static long set_mm(struct address_space *as, const struct syscall_args *a)
{
    u64 option = ARG_U64(a, 1), address = ARG_U64(a, 2), start, end;
    bool argument = option == PR_SET_MM_ARG_START || option == PR_SET_MM_ARG_END;
    long result = -EINVAL;

    if (ARG_U64(a, 4) || (ARG_U64(a, 3) && option != PR_SET_MM_AUXV && option != PR_SET_MM_MAP && option != PR_SET_MM_MAP_SIZE))
        return -EINVAL;
    if (!capable(CAP_SYS_RESOURCE))
        return -EPERM;
    if (address < USER_SPACE_START || address >= USER_SPACE_END ||
        (!argument && option != PR_SET_MM_ENV_START && option != PR_SET_MM_ENV_END))
        return -EINVAL;
    rwlock_write_lock(&as->lock);
    start = argument ? as->arg_start : as->env_start;
    end = argument ? as->arg_end : as->env_end;
    if (option == PR_SET_MM_ARG_START || option == PR_SET_MM_ENV_START)
        start = address;
    else
        end = address;
    if (start <= end)
        result = region_find(as, address) ? 0 : -EFAULT;
    if (!result && argument) {
        as->arg_start = start;
        as->arg_end = end;
    } else if (!result) {
        as->env_start = start;
        as->env_end = end;
    }
    rwlock_write_unlock(&as->lock);
    return result;
}

static long thread_operation(struct thread *t, const struct syscall_args *a)
{
    static const int tsc_enabled = PR_TSC_ENABLE;
    switch (ARG_INT(a, 0)) {
    case PR_SET_PDEATHSIG:
        if (ARG_U64(a, 1) > SIGNAL_COUNT)
            return -EINVAL;
        t->pdeathsig = ARG_INT(a, 1);
        return 0;
    case PR_GET_PDEATHSIG:
        return copy_to_user(ARG_PTR(a, 1), &t->pdeathsig, sizeof(t->pdeathsig));
    case PR_SET_NO_NEW_PRIVS:
        if (ARG_U64(a, 1) != 1 || !unused(a, 2))
            return -EINVAL;
        t->no_new_privs = true;
        return 0;
    case PR_GET_NO_NEW_PRIVS:
        return unused(a, 1) ? (long)t->no_new_privs : -EINVAL;
    case PR_SET_NAME:
        return set_name(t, ARG_PTR(a, 1));
    case PR_GET_NAME:
        return get_name(t, ARG_PTR(a, 1));
    case PR_GET_TIMERSLACK:
        return (long)t->timer_slack;
    case PR_SET_TIMERSLACK:
        t->timer_slack = (s64)ARG_U64(a, 1) > 0 ? ARG_U64(a, 1) : TIMER_SLACK_DEFAULT;
        return 0;
    case PR_GET_TID_ADDRESS:
        return copy_to_user(ARG_PTR(a, 1), &t->clear_child_tid, sizeof(t->clear_child_tid));
    case PR_GET_TSC:
        return copy_to_user(ARG_PTR(a, 1), &tsc_enabled, sizeof(tsc_enabled));
    case PR_SET_TSC:
        return ARG_U64(a, 1) == PR_TSC_ENABLE ? 0 : -EINVAL; /* it cannot be taken away here */
    }
    return -EINVAL;
}

long sys_prctl(const struct syscall_args *a)
{
    struct thread *t = current_thread();
    switch (ARG_INT(a, 0)) {
    case PR_SET_PDEATHSIG:
    case PR_GET_PDEATHSIG:
    case PR_SET_NO_NEW_PRIVS:
    case PR_GET_NO_NEW_PRIVS:
    case PR_SET_NAME:
    case PR_GET_NAME:
    case PR_GET_TIMERSLACK:
    case PR_SET_TIMERSLACK:
    case PR_GET_TID_ADDRESS:
    case PR_GET_TSC:
    case PR_SET_TSC:
        return thread_operation(t, a);
    case PR_GET_KEEPCAPS:
    case PR_SET_KEEPCAPS:
    case PR_CAPBSET_READ:
    case PR_CAPBSET_DROP:
    case PR_GET_SECUREBITS:
    case PR_SET_SECUREBITS:
    case PR_CAP_AMBIENT:
        return capability_operation(a);
    case PR_GET_SECCOMP:
        return t->seccomp_mode;
    case PR_SET_SECCOMP:
        return seccomp_set_mode(ARG_U64(a, 1), ARG_PTR(a, 2));
    case PR_SET_MM:
        return set_mm(t->process->space, a);
    case PR_GET_TIMING:
        return PR_TIMING_STATISTICAL;
    case PR_SET_TIMING:
        return ARG_U64(a, 1) == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
    case PR_GET_SPECULATION_CTRL:
    case PR_SET_SPECULATION_CTRL:
        return -ENODEV;
    }
    return process_operation(t->process, a);
}

/* Operations of newer kernels than our headers may know. */
#ifndef ARCH_GET_XCOMP_SUPP
#define ARCH_GET_XCOMP_SUPP       0x1021
#define ARCH_GET_XCOMP_PERM       0x1022
#define ARCH_REQ_XCOMP_PERM       0x1023
#define ARCH_GET_XCOMP_GUEST_PERM 0x1024
#define ARCH_REQ_XCOMP_GUEST_PERM 0x1025
#endif
#define XFEATURES_KNOWN 20 /* state components that Linux 6.18 has names for */

long sys_arch_prctl(const struct syscall_args *a)
{
    struct thread *t = current_thread();
    u64 arg = ARG_U64(a, 1), value;
    switch (ARG_INT(a, 0)) {
    case ARCH_SET_FS:
        if (arg >= USER_SPACE_END)
            return -EPERM;
        platform_set_fs_base(&t->cpu, arg);
        return 0;
    case ARCH_SET_GS:
        if (arg >= USER_SPACE_END)
            return -EPERM;
        if (arg)
            patch_ops->disable(t->space); /* trampolines find the kernel by GS */
        platform_set_gs_base(&t->cpu, arg);
        return 0;
    case ARCH_GET_FS:
        value = platform_get_fs_base(&t->cpu);
        return copy_to_user((void *)arg, &value, sizeof(value));
    case ARCH_GET_GS:
        value = platform_get_gs_base(&t->cpu);
        return copy_to_user((void *)arg, &value, sizeof(value));
    case ARCH_REQ_XCOMP_PERM:
    case ARCH_REQ_XCOMP_GUEST_PERM:
        return arg < XFEATURES_KNOWN ? -EOPNOTSUPP : -EINVAL; /* none that is only given on request, such as AMX tiles */
    case ARCH_GET_CPUID:
        return 1; /* the instruction works */
    case ARCH_SET_CPUID:
        return -ENODEV; /* and cannot be made to fault */
    case ARCH_GET_XCOMP_SUPP:
    case ARCH_GET_XCOMP_PERM:
    case ARCH_GET_XCOMP_GUEST_PERM:
        value = platform_xfeatures();
        return copy_to_user((void *)arg, &value, sizeof(value));
    }
    return -EINVAL;
}
