/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * --strace: assembles the line of a call and sends it to the host. A thread's line is held back until its call returns; when
 * another thread has something to say meanwhile, what is there goes out as "<unfinished ...>" and the rest later as
 * "<... name resumed>", exactly as strace -f shows it. Who holds a line and the order of lines are under trace_lock.
 */
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/mman.h>
#include "kernel/address_space.h"
#include "kernel/heap.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/signal.h"
#include "kernel/vm_exit.h"
#include "syscalls/trace_print.h"

#define RESULT_COLUMN 40

/* A thread's tracing, from its first call to its end. */
struct trace_state {
    struct trace_line line; /* of the call in progress */
    const char *name;       /* of that call; NULL: none */
    bool unfinished;        /* its first part has gone out */
    int exit_code;
};

static struct mutex trace_lock = MUTEX_INIT(LOCK_FILE_POSITION);
static struct thread *holder; /* its line is begun and not yet out; under trace_lock */
static bool several;          /* lines show who: more than one thread has been seen */
static int only_tid;

static void emit(struct thread *t, const char *text)
{
    if (several)
        control_line("trace [pid %5d] %s", t->tid, text);
    else
        control_line("trace %s", text);
}

/* Lets the begun line of another thread go out unfinished. trace_lock held. */
static void put_aside(void)
{
    struct thread *t = holder;
    if (!t)
        return;
    struct trace_state *s = t->trace;
    trace_printf(&s->line, " <unfinished ...>");
    emit(t, s->line.text);
    s->line.length = 0;
    s->unfinished = true;
    holder = NULL;
}

static void end_of_thread(struct thread *t)
{
    char text[64], buf[16];
    struct trace_state *s = t->trace;
    struct process *p = t->process;
    int status = p->exiting ? p->exit_status : s->exit_code << 8;
    mutex_lock(&trace_lock);
    if (holder != t)
        put_aside();
    if (s->name) {
        /* It was told to end while it was in a call. */
        trace_printf(&s->line, s->unfinished ? " <unfinished ...>) = ?" : ") = ?");
        emit(t, s->line.text);
    }
    holder = NULL;
    if (status & 0x7f)
        snprintf(text, sizeof(text), "+++ killed by SIG%s%s +++", trace_signal_name(status & 0x7f, buf),
                 status & 0x80 ? " (core dumped)" : "");
    else
        snprintf(text, sizeof(text), "+++ exited with %d +++", status >> 8 & 0xff);
    emit(t, text);
    mutex_unlock(&trace_lock);
    t->trace = NULL;
    kfree(s);
}

static void delivered(int signo, const siginfo_t *info)
{
    struct thread *t = current_thread();
    struct trace_line *l = kmalloc(sizeof(*l));
    if (!l)
        return;
    l->length = 0;
    trace_printf(l, "--- ");
    trace_signal(l, signo);
    trace_printf(l, " ");
    trace_siginfo(l, info);
    trace_printf(l, " ---");
    mutex_lock(&trace_lock);
    put_aside();
    emit(t, l->text);
    mutex_unlock(&trace_lock);
    kfree(l);
}

/* The line of the execve that started the program, which no thread made. */
static void print_start(struct thread *t, struct trace_line *l)
{
    struct address_space *as = t->process->space;
    unsigned n = 0;
    char c;
    trace_printf(l, "execve(");
    trace_bytes(l, as->env_end, (u64)platform_strnlen_user((const char *)as->env_end, PATH_MAX)); /* AT_EXECFN lies there */
    trace_printf(l, ", [");
    for (vaddr_t at = as->arg_start; at < as->arg_end; n++) {
        ssize length = platform_strnlen_user((const char *)at, as->arg_end - at);
        if (length < 0)
            break;
        trace_printf(l, n ? ", " : "");
        if (n == TRACE_ARRAY_MAX) {
            trace_printf(l, "...");
            break;
        }
        trace_bytes(l, at, (u64)length);
        at += (u64)length + 1;
    }
    n = 0;
    for (vaddr_t at = as->env_start; at < as->env_end && !get_user(c, (const char *)at); at++)
        n += c == '\0';
    trace_printf(l, "], %#lx /* %u vars */) = 0", as->env_start, n);
}

static struct trace_state *state_of(struct thread *t)
{
    if (t->trace)
        return t->trace;
    struct trace_state *s = kzalloc(sizeof(*s));
    if (!s)
        return NULL; /* this call goes untraced */
    t->trace = s;
    mutex_lock(&trace_lock);
    if (!only_tid) {
        only_tid = t->tid;
        signal_trace = delivered;
        thread_exit_trace = end_of_thread;
        print_start(t, &s->line);
        emit(t, s->line.text);
        s->line.length = 0;
    } else if (t->tid != only_tid) {
        several = true;
    }
    mutex_unlock(&trace_lock);
    return s;
}

/* True if argument i is not there in this call. */
static bool absent(const struct trace_call *c, const struct syscall_entry *e, int i)
{
    if (e->arg_types[i] == TRACE_MODE_CREAT)
        return !(c->a->arg[i - 1] & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)));
    if (e->arg_types[i] == TRACE_CLONE_REST)
        return !trace_clone_has_rest(c->a->arg[0]);
    if (c->nr == __NR_mremap && i == 4)
        return !(c->a->arg[3] & (MREMAP_FIXED | MREMAP_DONTUNMAP));
    return e->arg_types[i] == TRACE_FCNTL_ARG && !trace_fcntl_has_argument((int)c->a->arg[1]);
}

static void print_plain(struct trace_call *c, enum trace_type type, int i)
{
    c->filled = trace_decoders[type].after;
    trace_decoders[type].decode(c, i);
    c->filled = false;
}

/* Prints arguments from the i-th on; before the call it stops at the first that wants the result. Returns where it stopped. */
static int print_arguments(struct trace_call *c, const struct syscall_entry *e, int i)
{
    for (; i < e->arg_count; i++) {
        enum trace_type type = e->arg_types[i];
        bool is_get_lock = type == TRACE_FCNTL_ARG &&
                           ((int)c->a->arg[1] == F_GETLK || (int)c->a->arg[1] == F_OFD_GETLK);
        if (!c->done && type < TRACE_FLAGS_FIRST && (trace_decoders[type].after || is_get_lock))
            return i;
        if (absent(c, e, i))
            continue;
        if (i)
            trace_printf(c->line, ", ");
        if (type >= TRACE_ENUM_FIRST)
            trace_enum(c->line, type, c->a->arg[i]);
        else if (type >= TRACE_FLAGS_FIRST)
            trace_flags(c->line, type, type == TRACE_FLAGS_OPEN || type == TRACE_FLAGS_CLONE ? c->a->arg[i] : (u32)c->a->arg[i]);
        else
            print_plain(c, type, i);
    }
    return i;
}

/* How results are shown and what is said behind them. */
static void judge_result(struct trace_call *c)
{
    char name[16];
    if (c->failed)
        return;
    switch (c->nr) {
    case __NR_brk:
    case __NR_mmap:
    case __NR_mremap:
    case __NR_shmat:
        c->hex_result = true;
        break;
    case __NR_umask:
        c->octal_result = true;
        break;
    case __NR_fcntl:
        trace_fcntl_result(c);
        break;
    case __NR_rt_sigtimedwait:
        scnprintf(c->remark, sizeof(c->remark), "SIG%s", trace_signal_name((int)c->result, name));
        break;
    case __NR_poll:
    case __NR_ppoll:
        trace_poll_result(c);
        break;
    case __NR_select:
    case __NR_pselect6:
        trace_select_result(c);
        break;
    case __NR_personality:
        if (!(c->result & 0xff))
            scnprintf(c->remark, sizeof(c->remark), c->result ? "PER_LINUX|%#lx" : "PER_LINUX", c->result);
        c->hex_result = c->result != 0;
        break;
    }
}

static void print_result(struct trace_call *c)
{
    struct trace_line *l = c->line;
    const char *name = c->failed ? trace_error_name((int)-c->result) : NULL;
    trace_printf(l, ")");
    /* Behind "<... resumed>" the column counts from the start of the new line, as in strace. */
    trace_printf(l, "%*s= ", l->length < RESULT_COLUMN ? (int)(RESULT_COLUMN - l->length) : 1, "");
    judge_result(c);
    if (c->failed && -c->result >= ERESTARTSYS)
        trace_printf(l, "? %s (%s)", name ? name : "ERRNO", name ? trace_error_message((int)-c->result) : "?");
    else if (c->failed && name)
        trace_printf(l, "-1 %s (%s)", name, trace_error_message((int)-c->result));
    else if (c->failed)
        trace_printf(l, "-1 (errno %ld)", -c->result);
    else if (c->octal_result)
        trace_printf(l, "%03lo", (u64)c->result);
    else
        trace_printf(l, c->hex_result ? "%#lx" : "%ld", c->result);
    if (c->remark[0])
        trace_printf(l, " (%s)", c->remark);
}

static void print_unknown_call(struct trace_call *c)
{
    trace_printf(c->line, "syscall_%#x(", c->nr);
    for (int i = 0; i < 6; i++) {
        trace_printf(c->line, i ? ", " : "");
        trace_decode_HEX(c, i);
    }
}

static bool never_returns(u32 nr)
{
    return nr == __NR_exit || nr == __NR_exit_group;
}

/* The last line of a thread that ends by itself. */
static void print_exit(struct thread *t, struct trace_call *c)
{
    struct trace_state *s = t->trace;
    s->exit_code = (int)c->a->arg[0] & 0xff;
    trace_printf(&s->line, ")");
    trace_printf(&s->line, "%*s= ?", s->line.length < RESULT_COLUMN ? (int)(RESULT_COLUMN - s->line.length) : 1, "");
    mutex_lock(&trace_lock);
    put_aside();
    emit(t, s->line.text);
    mutex_unlock(&trace_lock);
    s->line.length = 0;
    s->name = NULL;
}

long trace_syscall(u32 nr, const struct syscall_args *a)
{
    static const struct syscall_entry unknown;
    struct thread *t = current_thread();
    struct trace_state *s = state_of(t);
    if (!s)
        return syscall_filtered(nr, a);
    const char *name = syscall_name(nr);
    const struct syscall_entry *e = name ? &syscall_table[nr] : &unknown;
    struct trace_call c = {.line = &s->line, .a = a, .nr = nr};
    s->line.length = 0;
    if (name)
        trace_printf(&s->line, "%s(", name);
    else
        print_unknown_call(&c);
    int next = print_arguments(&c, e, 0);
    if (never_returns(nr)) {
        print_exit(t, &c);
        return syscall_filtered(nr, a);
    }

    mutex_lock(&trace_lock);
    put_aside();
    holder = t;
    s->name = name ? name : "syscall";
    s->unfinished = false;
    mutex_unlock(&trace_lock);

    c.result = syscall_filtered(nr, a);
    c.done = true;
    c.failed = c.result < 0 && c.result >= -4095;

    mutex_lock(&trace_lock);
    if (holder != t)
        put_aside();
    holder = NULL;
    if (s->unfinished)
        trace_printf(&s->line, "<... %s resumed>", s->name);
    print_arguments(&c, e, next);
    print_result(&c);
    emit(t, s->line.text);
    s->name = NULL;
    mutex_unlock(&trace_lock);
    return c.result;
}
