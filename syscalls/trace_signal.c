/* SPDX-License-Identifier: BSD-2-Clause */
/* --strace: structures of the signal calls. */
#include <linux/signal.h>
#include "syscalls/trace_print.h"

static u64 arg(struct trace_call *c, int i)
{
    return c->a->arg[i];
}

static void print_flag_word(struct trace_line *l, enum trace_type type, u64 value)
{
    trace_flags(l, type, value);
}

static void print_sigaction(struct trace_call *c, int i)
{
    struct signal_action s;
    if (!trace_fetch(c, arg(c, i), &s, sizeof(s)))
        return;
    trace_printf(c->line, "{sa_handler=");
    if (s.handler == (u64)SIG_DFL)
        trace_printf(c->line, "SIG_DFL");
    else if (s.handler == (u64)SIG_IGN)
        trace_printf(c->line, "SIG_IGN");
    else
        trace_pointer(c->line, s.handler);
    trace_printf(c->line, ", sa_mask=");
    trace_sigset(c->line, s.mask);
    trace_printf(c->line, ", sa_flags=");
    print_flag_word(c->line, TRACE_FLAGS_SIGACTION, s.flags);
    if (s.flags & SA_RESTORER)
        trace_printf(c->line, ", sa_restorer=%#lx", s.restorer);
    trace_printf(c->line, "}");
}

void trace_decode_SIGACTION_IN(struct trace_call *c, int i)
{
    print_sigaction(c, i);
}

void trace_decode_SIGACTION_OUT(struct trace_call *c, int i)
{
    print_sigaction(c, i);
}

static void print_sigset(struct trace_call *c, int i)
{
    u64 set;
    if (trace_fetch(c, arg(c, i), &set, sizeof(set)))
        trace_sigset(c->line, set);
}

void trace_decode_SIGSET_IN(struct trace_call *c, int i)
{
    print_sigset(c, i);
}

void trace_decode_SIGSET_OUT(struct trace_call *c, int i)
{
    print_sigset(c, i);
}

/* pselect6's last argument: a pointer to the set and its size. */
void trace_decode_SIGSET_PACK(struct trace_call *c, int i)
{
    u64 pack[2], set;
    if (!trace_fetch(c, arg(c, i), pack, sizeof(pack)))
        return;
    trace_printf(c->line, "{sigmask=");
    if (pack[0] && !get_user(set, (void *)pack[0]))
        trace_sigset(c->line, set);
    else
        trace_pointer(c->line, pack[0]);
    trace_printf(c->line, ", sigsetsize=%lu}", pack[1]);
}

static const struct code_name {
    int signo, code; /* signo 0: of any signal */
    const char *name;
} codes[] = {
    {0, SI_USER, "SI_USER"}, {0, SI_KERNEL, "SI_KERNEL"}, {0, SI_QUEUE, "SI_QUEUE"}, {0, SI_TIMER, "SI_TIMER"},
    {0, SI_MESGQ, "SI_MESGQ"}, {0, SI_ASYNCIO, "SI_ASYNCIO"}, {0, SI_SIGIO, "SI_SIGIO"}, {0, SI_TKILL, "SI_TKILL"},
    {SIGILL, ILL_ILLOPC, "ILL_ILLOPC"}, {SIGILL, ILL_ILLOPN, "ILL_ILLOPN"}, {SIGILL, ILL_PRVOPC, "ILL_PRVOPC"},
    {SIGFPE, FPE_INTDIV, "FPE_INTDIV"}, {SIGFPE, FPE_INTOVF, "FPE_INTOVF"}, {SIGFPE, FPE_FLTDIV, "FPE_FLTDIV"},
    {SIGFPE, FPE_FLTOVF, "FPE_FLTOVF"}, {SIGFPE, FPE_FLTUND, "FPE_FLTUND"}, {SIGFPE, FPE_FLTRES, "FPE_FLTRES"},
    {SIGFPE, FPE_FLTINV, "FPE_FLTINV"},
    {SIGSEGV, SEGV_MAPERR, "SEGV_MAPERR"}, {SIGSEGV, SEGV_ACCERR, "SEGV_ACCERR"},
    {SIGBUS, BUS_ADRALN, "BUS_ADRALN"}, {SIGBUS, BUS_ADRERR, "BUS_ADRERR"}, {SIGBUS, BUS_OBJERR, "BUS_OBJERR"},
    {SIGTRAP, TRAP_BRKPT, "TRAP_BRKPT"}, {SIGTRAP, TRAP_TRACE, "TRAP_TRACE"},
};

static void print_code(struct trace_line *l, int signo, int code)
{
    for (unsigned k = 0; k < ARRAY_SIZE(codes); k++)
        if (codes[k].code == code && (!codes[k].signo || codes[k].signo == signo)) {
            trace_printf(l, "%s", codes[k].name);
            return;
        }
    trace_printf(l, "%d", code);
}

void trace_siginfo(struct trace_line *l, const siginfo_t *info)
{
    int signo = info->si_signo, code = info->si_code;
    bool fault = signo == SIGSEGV || signo == SIGBUS || signo == SIGILL || signo == SIGFPE || signo == SIGTRAP;
    trace_printf(l, "{si_signo=");
    trace_signal(l, signo);
    trace_printf(l, ", si_code=");
    print_code(l, signo, code);
    if (code == SI_TIMER) {
        trace_printf(l, ", si_timerid=%#x, si_overrun=%d", info->si_tid, info->si_overrun);
        trace_printf(l, ", si_int=%d, si_ptr=%#lx", info->si_int, (u64)info->si_ptr);
    } else if (code <= 0) {
        trace_printf(l, ", si_pid=%d, si_uid=%u", info->si_pid, info->si_uid);
        if (info->si_ptr)
            trace_printf(l, ", si_int=%d, si_ptr=%#lx", info->si_int, (u64)info->si_ptr);
    } else if (fault && code != SI_KERNEL) {
        trace_printf(l, ", si_addr=");
        trace_pointer(l, (u64)info->si_addr);
    } else if (fault) {
        trace_printf(l, ", si_addr=NULL");
    }
    trace_printf(l, "}");
}

static void print_siginfo(struct trace_call *c, int i)
{
    siginfo_t info;
    if (trace_fetch(c, arg(c, i), &info, sizeof(info)))
        trace_siginfo(c->line, &info);
}

void trace_decode_SIGINFO_IN(struct trace_call *c, int i)
{
    print_siginfo(c, i);
}

void trace_decode_SIGINFO_OUT(struct trace_call *c, int i)
{
    print_siginfo(c, i);
}

static void print_stack(struct trace_call *c, int i)
{
    stack_t s;
    if (!trace_fetch(c, arg(c, i), &s, sizeof(s)))
        return;
    trace_printf(c->line, "{ss_sp=");
    trace_pointer(c->line, (u64)s.ss_sp);
    trace_printf(c->line, ", ss_flags=");
    trace_flags(c->line, TRACE_FLAGS_SIGALTSTACK, (u32)s.ss_flags);
    trace_printf(c->line, ", ss_size=%lu}", s.ss_size);
}

void trace_decode_STACK_IN(struct trace_call *c, int i)
{
    print_stack(c, i);
}

void trace_decode_STACK_OUT(struct trace_call *c, int i)
{
    print_stack(c, i);
}

void trace_decode_SIGEVENT_IN(struct trace_call *c, int i)
{
    struct sigevent e;
    if (!trace_fetch(c, arg(c, i), &e, sizeof(e)))
        return;
    trace_printf(c->line, "{");
    if (e.sigev_value.sival_ptr)
        trace_printf(c->line, "sigev_value={sival_int=%d, sival_ptr=%#lx}, ", e.sigev_value.sival_int,
                     (u64)e.sigev_value.sival_ptr);
    trace_printf(c->line, "sigev_signo=");
    if (e.sigev_notify == SIGEV_NONE)
        trace_printf(c->line, "%d", e.sigev_signo);
    else
        trace_signal(c->line, e.sigev_signo);
    trace_printf(c->line, ", sigev_notify=");
    trace_enum(c->line, TRACE_ENUM_SIGEV, (u32)e.sigev_notify);
    if (e.sigev_notify == SIGEV_THREAD_ID)
        trace_printf(c->line, ", sigev_notify_thread_id=%d", e._sigev_un._tid);
    trace_printf(c->line, "}");
}

/* rt_sigreturn has no arguments; what it does is in the frame, of which the mask is shown. */
#define FRAME_MASK_OFFSET 296 /* of uc_sigmask, from where sp points after the handler returned */

void trace_decode_SIGRETURN(struct trace_call *c, int i)
{
    u64 mask;
    trace_printf(c->line, "{mask=");
    if (!get_user(mask, (u64 *)(c->a->frame->sp + FRAME_MASK_OFFSET)))
        trace_sigset(c->line, mask);
    trace_printf(c->line, "}");
}
