/* SPDX-License-Identifier: BSD-2-Clause */
/* --strace: calls whose arguments depend on each other: clone, clone3, futex, prctl, arch_prctl, ioctl, execve. */
#include <asm/prctl.h>
#include <linux/futex.h>
#include <linux/personality.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include "kernel/lib/printf.h"
#include "syscalls/trace_print.h"

static u64 arg(struct trace_call *c, int i)
{
    return c->a->arg[i];
}

static void print_clone_flags(struct trace_line *l, u64 flags, u32 exit_signal)
{
    bool any = false;
    u64 rest = trace_flag_names(l, TRACE_FLAGS_CLONE, flags, &any);
    if (rest)
        trace_printf(l, any ? "|%#lx" : "%#lx", rest);
    any |= rest != 0;
    if (exit_signal) {
        trace_printf(l, any ? "|" : "");
        trace_signal(l, (int)exit_signal);
    } else if (!any) {
        trace_printf(l, "0");
    }
}

#define CLONE_REST_FLAGS                                                                           \
    (CLONE_PARENT_SETTID | CLONE_PIDFD | CLONE_SETTLS | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)

bool trace_clone_has_rest(u64 flags)
{
    return flags & CLONE_REST_FLAGS;
}

/* The kernel's order of arguments on x86-64 is flags, stack, parent_tid, child_tid, tls; strace's is its own. */
void trace_decode_CLONE(struct trace_call *c, int i)
{
    trace_printf(c->line, "child_stack=");
    trace_pointer(c->line, arg(c, 1));
    trace_printf(c->line, ", flags=");
    print_clone_flags(c->line, arg(c, 0) & ~0xfful, arg(c, 0) & 0xff);
}

void trace_decode_CLONE_REST(struct trace_call *c, int i)
{
    u64 flags = arg(c, 0);
    const char *comma = "";
    u32 tid;
    if (flags & (CLONE_PARENT_SETTID | CLONE_PIDFD)) {
        trace_printf(c->line, "parent_tid=");
        if (!c->failed && !get_user(tid, (u32 *)arg(c, 2)))
            trace_printf(c->line, "[%u]", tid);
        else
            trace_pointer(c->line, arg(c, 2));
        comma = ", ";
    }
    if (flags & CLONE_SETTLS) {
        trace_printf(c->line, "%stls=%#lx", comma, arg(c, 4));
        comma = ", ";
    }
    if (flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)) {
        trace_printf(c->line, "%schild_tidptr=", comma);
        trace_pointer(c->line, arg(c, 3));
    }
}

void trace_decode_CLONE3(struct trace_call *c, int i)
{
    struct clone_args a;
    struct trace_line *l = c->line;
    if (!arg(c, 0) || arg(c, 1) < CLONE_ARGS_SIZE_VER0 || copy_from_user(&a, (void *)arg(c, 0), CLONE_ARGS_SIZE_VER0)) {
        trace_pointer(l, arg(c, 0));
    } else {
        trace_printf(l, "{flags=");
        print_clone_flags(l, a.flags, 0);
        if (a.flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID))
            trace_printf(l, ", child_tid=%#lx", (u64)a.child_tid);
        if (a.flags & CLONE_PARENT_SETTID)
            trace_printf(l, ", parent_tid=%#lx", (u64)a.parent_tid);
        trace_printf(l, ", exit_signal=");
        if (a.exit_signal)
            trace_signal(l, (int)a.exit_signal);
        else
            trace_printf(l, "0");
        trace_printf(l, ", stack=");
        trace_pointer(l, a.stack);
        trace_printf(l, a.stack_size ? ", stack_size=%#lx" : ", stack_size=%lu", (u64)a.stack_size);
        if (a.flags & CLONE_SETTLS)
            trace_printf(l, ", tls=%#lx", (u64)a.tls);
        trace_printf(l, "}");
        u32 tid;
        if (!c->failed && (a.flags & CLONE_PARENT_SETTID) && !get_user(tid, (u32 *)a.parent_tid))
            trace_printf(l, " => {parent_tid=[%u]}", tid);
    }
    trace_printf(l, ", %lu", arg(c, 1));
}

static const struct trace_name futex_operations[] = {
    {FUTEX_WAIT, "FUTEX_WAIT"}, {FUTEX_WAKE, "FUTEX_WAKE"}, {FUTEX_FD, "FUTEX_FD"}, {FUTEX_REQUEUE, "FUTEX_REQUEUE"},
    {FUTEX_CMP_REQUEUE, "FUTEX_CMP_REQUEUE"}, {FUTEX_WAKE_OP, "FUTEX_WAKE_OP"}, {FUTEX_LOCK_PI, "FUTEX_LOCK_PI"},
    {FUTEX_UNLOCK_PI, "FUTEX_UNLOCK_PI"}, {FUTEX_TRYLOCK_PI, "FUTEX_TRYLOCK_PI"}, {FUTEX_WAIT_BITSET, "FUTEX_WAIT_BITSET"},
    {FUTEX_WAKE_BITSET, "FUTEX_WAKE_BITSET"}, {FUTEX_WAIT_REQUEUE_PI, "FUTEX_WAIT_REQUEUE_PI"},
    {FUTEX_CMP_REQUEUE_PI, "FUTEX_CMP_REQUEUE_PI"}, {FUTEX_LOCK_PI2, "FUTEX_LOCK_PI2"},
};

static void print_futex_operation(struct trace_line *l, u32 op)
{
    u32 command = op & FUTEX_CMD_MASK;
    for (unsigned k = 0; k < ARRAY_SIZE(futex_operations); k++)
        if (futex_operations[k].value == command) {
            trace_printf(l, "%s%s%s", futex_operations[k].name, op & FUTEX_PRIVATE_FLAG ? "_PRIVATE" : "",
                         op & FUTEX_CLOCK_REALTIME ? "|FUTEX_CLOCK_REALTIME" : "");
            return;
        }
    trace_printf(l, "%#x /* FUTEX_??? */", op);
}

static void print_futex_timeout(struct trace_call *c)
{
    trace_printf(c->line, ", ");
    trace_decode_TIMESPEC_IN(c, 3);
}

static void print_bitset(struct trace_line *l, u32 bits)
{
    if (bits == FUTEX_BITSET_MATCH_ANY)
        trace_printf(l, ", FUTEX_BITSET_MATCH_ANY");
    else
        trace_printf(l, bits ? ", %#x" : ", %u", bits);
}

void trace_decode_FUTEX(struct trace_call *c, int i)
{
    struct trace_line *l = c->line;
    u32 op = (u32)arg(c, 1), value = (u32)arg(c, 2);
    trace_pointer(l, arg(c, 0));
    trace_printf(l, ", ");
    print_futex_operation(l, op);
    switch (op & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
        trace_printf(l, ", %u", value);
        print_futex_timeout(c);
        break;
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
        print_futex_timeout(c);
        break;
    case FUTEX_WAKE:
        trace_printf(l, ", %u", value);
        break;
    case FUTEX_WAIT_BITSET:
        trace_printf(l, ", %u", value);
        print_futex_timeout(c);
        print_bitset(l, (u32)arg(c, 5));
        break;
    case FUTEX_WAKE_BITSET:
        trace_printf(l, ", %u", value);
        print_bitset(l, (u32)arg(c, 5));
        break;
    case FUTEX_WAIT_REQUEUE_PI:
        trace_printf(l, ", %u", value);
        print_futex_timeout(c);
        trace_printf(l, ", %#lx", arg(c, 4));
        break;
    case FUTEX_REQUEUE:
        trace_printf(l, ", %u, %u, %#lx", value, (u32)arg(c, 3), arg(c, 4));
        break;
    case FUTEX_CMP_REQUEUE:
    case FUTEX_CMP_REQUEUE_PI:
        trace_printf(l, ", %u, %u, %#lx, %u", value, (u32)arg(c, 3), arg(c, 4), (u32)arg(c, 5));
        break;
    case FUTEX_WAKE_OP:
        trace_printf(l, ", %u, %u, %#lx, %#x", value, (u32)arg(c, 3), arg(c, 4), (u32)arg(c, 5));
        break;
    case FUTEX_UNLOCK_PI:
    case FUTEX_TRYLOCK_PI:
        break;
    default:
        trace_printf(l, ", %u, %#lx, %#lx, %#x", value, arg(c, 3), arg(c, 4), (u32)arg(c, 5));
    }
}

static void print_tail(struct trace_call *c, int from, int to, bool hex)
{
    for (int k = from; k <= to; k++)
        trace_printf(c->line, hex && arg(c, k) ? ", %#lx" : ", %lu", arg(c, k));
}

void trace_decode_PRCTL(struct trace_call *c, int i)
{
    struct trace_line *l = c->line;
    trace_enum(l, TRACE_ENUM_PRCTL, (u32)arg(c, 0));
    switch ((int)arg(c, 0)) {
    case PR_SET_NAME:
        trace_printf(l, ", ");
        trace_string(l, arg(c, 1));
        break;
    case PR_GET_NAME:
        trace_printf(l, ", ");
        trace_decode_STR_OUT(c, 1);
        break;
    case PR_SET_PDEATHSIG:
        trace_printf(l, ", ");
        trace_signal(l, (int)arg(c, 1));
        break;
    case PR_GET_PDEATHSIG:
    case PR_GET_CHILD_SUBREAPER:
    case PR_GET_TSC:
        trace_printf(l, ", ");
        trace_decode_INT_OUT(c, 1);
        break;
    case PR_GET_TID_ADDRESS:
        trace_printf(l, ", ");
        trace_decode_PTR_OUT(c, 1);
        break;
    case PR_CAPBSET_READ:
    case PR_CAPBSET_DROP:
        trace_printf(l, ", ");
        trace_enum(l, TRACE_ENUM_CAPABILITY, arg(c, 1));
        break;
    case PR_GET_DUMPABLE:
        if (!c->failed)
            scnprintf(c->remark, sizeof(c->remark), c->result ? "SUID_DUMP_USER" : "SUID_DUMP_DISABLE");
        break;
    case PR_SET_DUMPABLE:
        trace_printf(l, arg(c, 1) == 1 ? ", SUID_DUMP_USER" : arg(c, 1) ? ", %#lx" : ", SUID_DUMP_DISABLE", arg(c, 1));
        break;
    case PR_GET_KEEPCAPS:
    case PR_GET_SECUREBITS:
    case PR_GET_TIMERSLACK:
    case PR_GET_SECCOMP:
    case PR_TASK_PERF_EVENTS_DISABLE:
    case PR_TASK_PERF_EVENTS_ENABLE:
        break;
    case PR_SET_KEEPCAPS:
    case PR_SET_CHILD_SUBREAPER:
    case PR_SET_TIMERSLACK:
        print_tail(c, 1, 1, false);
        break;
    case PR_SET_NO_NEW_PRIVS:
    case PR_SET_THP_DISABLE:
        print_tail(c, 1, 4, false);
        break;
    case PR_GET_NO_NEW_PRIVS:
    case PR_GET_THP_DISABLE:
        print_tail(c, 1, 4, false);
        break;
    case PR_SET_VMA:
        trace_printf(l, arg(c, 1) ? ", %#lx" : ", PR_SET_VMA_ANON_NAME", arg(c, 1));
        trace_printf(l, ", ");
        trace_pointer(l, arg(c, 2));
        trace_printf(l, ", %lu, ", arg(c, 3));
        trace_string(l, arg(c, 4));
        break;
    default:
        for (int k = 1; k <= 4; k++)
            trace_printf(l, arg(c, k) ? ", %#lx" : ", %lu", arg(c, k));
    }
}

void trace_decode_ARCH_PRCTL(struct trace_call *c, int i)
{
    trace_enum(c->line, TRACE_ENUM_ARCH_PRCTL, (u32)arg(c, 0));
    switch ((int)arg(c, 0)) {
    case ARCH_GET_FS:
    case ARCH_GET_GS:
        trace_printf(c->line, ", ");
        trace_decode_PTR_OUT(c, 1);
        break;
    case ARCH_GET_CPUID:
        break;
    case ARCH_SET_FS:
    case ARCH_SET_GS:
        trace_printf(c->line, ", ");
        trace_pointer(c->line, arg(c, 1));
        break;
    default:
        print_tail(c, 1, 1, true);
    }
}

void trace_decode_IOCTL_REQUEST(struct trace_call *c, int i)
{
    const struct trace_set *set = trace_set_of(TRACE_ENUM_IOCTL);
    u32 request = (u32)arg(c, i);
    for (unsigned k = 0; k < set->count; k++)
        if ((u32)set->names[k].value == request) {
            trace_printf(c->line, "%s", set->names[k].name);
            return;
        }
    trace_printf(c->line, "_IOC(%s%s, %#x, %#x, %#x)", request >> 30 & 2 ? "_IOC_READ" : request >> 30 & 1 ? "" : "_IOC_NONE",
                 request >> 30 == 3 ? "|_IOC_WRITE" : request >> 30 == 1 ? "_IOC_WRITE" : "", request >> 8 & 0xff,
                 request & 0xff, request >> 16 & 0x3fff);
}

void trace_decode_PERSONALITY(struct trace_call *c, int i)
{
    u32 persona = (u32)arg(c, i);
    if (persona == 0xffffffff)
        trace_printf(c->line, "0xffffffff");
    else if ((persona & PER_MASK) == PER_LINUX)
        trace_printf(c->line, persona ? "PER_LINUX|%#x" : "PER_LINUX", persona);
    else
        trace_printf(c->line, "%#x", persona);
}

void trace_decode_RESTART(struct trace_call *c, int i)
{
    trace_printf(c->line, "<... resuming interrupted system call ...>");
}

void trace_decode_STRVEC(struct trace_call *c, int i)
{
    u64 *vector = (u64 *)arg(c, i), string;
    if (!vector || get_user(string, vector)) {
        trace_pointer(c->line, arg(c, i));
        return;
    }
    trace_printf(c->line, "[");
    for (int k = 0; !get_user(string, vector + k) && string; k++) {
        trace_printf(c->line, k ? ", " : "");
        if (k == TRACE_ARRAY_MAX) {
            trace_printf(c->line, "...");
            break;
        }
        trace_string(c->line, string);
    }
    trace_printf(c->line, "]");
}

void trace_decode_ENVP(struct trace_call *c, int i)
{
    u64 *vector = (u64 *)arg(c, i), string;
    unsigned n = 0;
    trace_pointer(c->line, arg(c, i));
    if (!vector)
        return;
    while (!get_user(string, vector + n) && string)
        n++;
    trace_printf(c->line, n == 1 ? " /* %u var */" : " /* %u vars */", n);
}
