/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The filters of threads and what they decide. Filters never change and are only ever put before those that are there, under
 * the process lock; a thread reads its own without one: what it saw stays, since the newer ones hold it.
 */
#include <asm/unistd.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include "kernel/seccomp.h"
#include "kernel/heap.h"
#include "kernel/lib/bpf.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/params.h"
#include "kernel/signal_queue.h"
#include "kernel/user.h"

/* Calls that a filter may be known to allow whatever their arguments. */
#define KNOWN_CALLS 512
/* Linux's bound on a chain: instructions of all filters, and four more for each. */
#define CHAIN_MAX ((1u << 18) / sizeof(struct sock_filter))
#define CHAIN_FILTER 4

struct seccomp_filter {
    u32 refs;
    u32 depth;                   /* filters from here on */
    u32 weight;                  /* of the chain from here on, as CHAIN_MAX counts */
    bool log;                    /* SECCOMP_FILTER_FLAG_LOG */
    u64 allowed[KNOWN_CALLS / 64]; /* calls that the chain allows without looking at more than their number */
    struct seccomp_filter *older; /* reference, or NULL */
    struct sock_filter program[];
};

static void filter_put(struct seccomp_filter *f)
{
    while (f && !__atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL)) {
        struct seccomp_filter *older = f->older;
        kfree(f);
        f = older;
    }
}

/* What the chain says of the call: the strongest of the filters' results, of equal ones the newest's. */
static u32 judge(const struct seccomp_filter *f, const struct seccomp_data *data, const struct seccomp_filter **by)
{
    u32 result = SECCOMP_RET_ALLOW;
    for (; f; f = f->older) {
        u32 one = bpf_run(f->program, (const u32 *)data, sizeof(*data), sizeof(*data));
        if ((s32)(one & SECCOMP_RET_ACTION_FULL) < (s32)(result & SECCOMP_RET_ACTION_FULL)) {
            result = one;
            *by = f;
        }
    }
    return result;
}

/* A program that comes to its result without a look at what is behind `arch` allows each such call, or none. */
static void note_allowed(struct seccomp_filter *f)
{
    for (u32 nr = 0; nr < KNOWN_CALLS; nr++) {
        struct seccomp_data data = {.nr = (int)nr, .arch = AUDIT_ARCH_X86_64};
        if (bpf_run(f->program, (const u32 *)&data, sizeof(data), offsetof(struct seccomp_data, instruction_pointer)) ==
            SECCOMP_RET_ALLOW)
            f->allowed[nr / 64] |= 1ull << nr % 64;
    }
}

static struct seccomp_filter *filter_create(const struct sock_filter *from, size_t count)
{
    struct seccomp_filter *f = kmalloc(sizeof(*f) + count * sizeof(*from));
    u16 *scratch = kmalloc(count * sizeof(*scratch));
    int error = -ENOMEM;
    if (f && scratch) {
        *f = (struct seccomp_filter){.refs = 1, .weight = (u32)count + CHAIN_FILTER};
        error = copy_from_user(f->program, from, count * sizeof(*from));
        if (!error)
            error = bpf_check(f->program, count, sizeof(struct seccomp_data), scratch);
    }
    kfree(scratch);
    if (error) {
        kfree(f);
        return ERR_PTR(error);
    }
    note_allowed(f);
    return f;
}

static bool leads_to(const struct seccomp_filter *f, const struct seccomp_filter *older)
{
    while (f && f != older)
        f = f->older;
    return f == older;
}

/* The id of a thread whose own filters are no part of me's, or 0. Lock held. */
static int other_ways(struct thread *me)
{
    struct thread *t;
    list_for_each(t, &me->process->threads, process_link)
        if (t != me && !t->exit_requested && t->seccomp_mode != SECCOMP_MODE_DISABLED &&
            !(t->seccomp_mode == SECCOMP_MODE_FILTER && leads_to(me->seccomp, t->seccomp)))
            return t->tid;
    return 0;
}

/* t's filters become those that begin with f; those it had are among them. Takes over a reference. Lock held. */
static void give(struct thread *t, struct seccomp_filter *f)
{
    struct seccomp_filter *old = t->seccomp;
    WRITE_ONCE(t->seccomp, f);
    t->seccomp_mode = SECCOMP_MODE_FILTER;
    WRITE_ONCE(t->slow_calls, true);
    filter_put(old); /* f's chain holds it */
}

/* Puts f before me's filters. Lock held. */
static long attach(struct thread *me, struct seccomp_filter *f, u32 flags)
{
    struct thread *t;
    if (me->seccomp_mode == SECCOMP_MODE_STRICT)
        return -EINVAL;
    if (me->seccomp) {
        f->weight += me->seccomp->weight;
        f->depth = me->seccomp->depth;
        for (u32 i = 0; i < ARRAY_SIZE(f->allowed); i++)
            f->allowed[i] &= me->seccomp->allowed[i];
    }
    f->depth++;
    if (f->weight > CHAIN_MAX)
        return -ENOMEM;
    if (flags & SECCOMP_FILTER_FLAG_TSYNC) {
        int tid = other_ways(me);
        if (tid)
            return flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH ? -ESRCH : tid;
    }
    if (me->seccomp)
        __atomic_add_fetch(&me->seccomp->refs, 1, __ATOMIC_RELAXED);
    f->older = me->seccomp;
    give(me, f);
    if (flags & SECCOMP_FILTER_FLAG_TSYNC)
        list_for_each(t, &me->process->threads, process_link)
            if (t != me && t->seccomp != f) {
                __atomic_add_fetch(&f->refs, 1, __ATOMIC_RELAXED);
                give(t, f);
                t->no_new_privs |= me->no_new_privs;
            }
    return 0;
}

long seccomp_add_filter(const struct sock_filter *from, size_t count, u32 flags)
{
    struct thread *me = current_thread();
    if (!count || count > BPF_MAXINSNS)
        return -EINVAL;
    if (!me->no_new_privs && !capable(CAP_SYS_ADMIN))
        return -EACCES;
    struct seccomp_filter *f = filter_create(from, count);
    if (IS_ERR(f))
        return PTR_ERR(f);
    f->log = flags & SECCOMP_FILTER_FLAG_LOG;
    spin_lock_irq(&me->process->lock);
    long result = attach(me, f, flags);
    spin_unlock_irq(&me->process->lock);
    if (result)
        kfree(f);
    return result;
}

int seccomp_set_strict(void)
{
    struct thread *me = current_thread();
    int error = 0;
    spin_lock_irq(&me->process->lock);
    if (me->seccomp_mode == SECCOMP_MODE_FILTER)
        error = -EINVAL;
    else
        me->seccomp_mode = SECCOMP_MODE_STRICT;
    me->slow_calls = true;
    spin_unlock_irq(&me->process->lock);
    return error;
}

void seccomp_inherit(struct thread *t, struct thread *me)
{
    spin_lock_irq(&me->process->lock);
    struct seccomp_filter *old = t->seccomp; /* t is listed, so another thread's TSYNC may have found it */
    t->seccomp_mode = me->seccomp_mode;
    t->seccomp = me->seccomp;
    if (t->seccomp)
        __atomic_add_fetch(&t->seccomp->refs, 1, __ATOMIC_RELAXED);
    t->no_new_privs = me->no_new_privs;
    t->slow_calls = me->slow_calls;
    spin_unlock_irq(&me->process->lock);
    filter_put(old);
}

void seccomp_release(struct thread *t)
{
    filter_put(t->seccomp);
    t->seccomp = NULL;
}

u32 seccomp_filter_count(const struct thread *t)
{
    const struct seccomp_filter *f = READ_ONCE(t->seccomp);
    return f ? f->depth : 0;
}

static void log_judgement(u32 nr, int signo, const struct syscall_args *a, u32 action)
{
    const struct thread *t = current_thread();
    log_info("%s[%d]: seccomp: call %u at %016lx, signal %d, action %#x", t->name, t->tid, nr, a->frame->ip, signo, action);
}

static siginfo_t signal_info(u32 nr, const struct syscall_args *a, u32 reason)
{
    siginfo_t info;
    memset(&info, 0, sizeof(info));
    info.si_signo = SIGSYS;
    info.si_code = SYS_SECCOMP;
    info.si_errno = (int)reason;
    info.si_call_addr = (void *)a->frame->ip;
    info.si_arch = AUDIT_ARCH_X86_64;
    info.si_syscall = (int)nr;
    return info;
}

/* The end of the thread, or of all if it is the only one. */
static __attribute__((noreturn)) void kill_by(u32 nr, const struct syscall_args *a, u32 result)
{
    struct thread *me = current_thread();
    siginfo_t info = signal_info(nr, a, result & SECCOMP_RET_DATA);
    log_judgement(nr, SIGSYS, a, result & SECCOMP_RET_ACTION_FULL);
    if ((result & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_KILL_THREAD && READ_ONCE(me->process->thread_count) > 1)
        thread_exit(SIGSYS);
    a->frame->ax = a->frame->orig_ax;
    signal_die(a->frame, SIGSYS, &info);
}

static void allows_strictly(u32 nr, const struct syscall_args *a)
{
    if (nr == __NR_read || nr == __NR_write || nr == __NR_exit || nr == __NR_rt_sigreturn)
        return;
    log_judgement(nr, SIGKILL, a, SECCOMP_RET_KILL_THREAD);
    thread_exit(SIGKILL);
}

bool seccomp_allows(u32 nr, const struct syscall_args *a, long *result)
{
    const struct seccomp_filter *f = READ_ONCE(current_thread()->seccomp), *by = NULL;
    if (!f) {
        if (current_thread()->seccomp_mode == SECCOMP_MODE_STRICT)
            allows_strictly(nr, a);
        return true;
    }
    if (nr < KNOWN_CALLS && (f->allowed[nr / 64] & 1ull << nr % 64))
        return true;
    struct seccomp_data data = {.nr = (int)nr, .arch = AUDIT_ARCH_X86_64, .instruction_pointer = a->frame->ip};
    memcpy(data.args, a->arg, sizeof(data.args));
    u32 judgement = judge(f, &data, &by), number = judgement & SECCOMP_RET_DATA;
    siginfo_t info;
    switch (judgement & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
        return true;
    case SECCOMP_RET_LOG:
        log_judgement(nr, 0, a, SECCOMP_RET_LOG);
        return true;
    case SECCOMP_RET_ERRNO:
        *result = -(long)MIN(number, 4095u);
        break;
    case SECCOMP_RET_TRAP:
        info = signal_info(nr, a, number);
        a->frame->ax = a->frame->orig_ax;
        *result = (long)a->frame->orig_ax;
        signal_force(SIGSYS, &info);
        break;
    case SECCOMP_RET_TRACE:      /* nobody traces */
    case SECCOMP_RET_USER_NOTIF: /* nobody listens */
        *result = -ENOSYS;
        break;
    default:
        kill_by(nr, a, judgement);
    }
    if (by->log)
        log_judgement(nr, 0, a, judgement & SECCOMP_RET_ACTION_FULL);
    return false;
}
