/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traps and interrupts in C, after entry.S moved the frame to a kernel stack. Interrupt handlers
 * run masked by the software flag: interrupts that arrive meanwhile are recorded in
 * percpu.irq_pending, a bit for each vector, and handled before anything else runs. Called by
 * entry.S only.
 */
#include <asm/signal.h>
#include <asm-generic/siginfo.h>
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "platform/x86/x86.h"

#define FLAG_INTERRUPT 0x200
/* What a program may have in RFLAGS: arithmetic, TF, DF, RF, AC, ID. */
#define FLAGS_USER 0x250dd5

extern char exit_restart[];

bool x86_trap(struct trap *t);
void x86_syscall(struct user_frame *frame);
unsigned x86_exit_to_user(struct user_frame *frame);
void x86_fatal(struct user_frame *regs, struct percpu *cpu);

/* ---------------------------------------------------------------- interrupts */

/* When all vectors are taken, further lines share them: their handlers are asked in turn. */
static struct irq_action {
    irq_handler_t handler;
    void *arg;
    struct irq_action *next;
} irq_actions[VECTOR_COUNT], irq_shared[16];

int irq_vector_alloc(irq_handler_t handler, void *arg)
{
    for (unsigned i = VECTOR_DEVICE - VECTOR_FIRST; i < VECTOR_COUNT; i++) {
        irq_handler_t none = NULL;
        if (!__atomic_compare_exchange_n(&irq_actions[i].handler, &none, handler, false,
                                         __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            continue;
        irq_actions[i].arg = arg;
        return VECTOR_FIRST + i;
    }
    static unsigned shared; /* atomic */
    unsigned n = __atomic_fetch_add(&shared, 1, __ATOMIC_RELAXED);
    if (n >= ARRAY_SIZE(irq_shared))
        return -ENOSPC;
    unsigned vector = VECTOR_DEVICE - VECTOR_FIRST + n % (VECTOR_FIRST + VECTOR_COUNT - VECTOR_DEVICE);
    struct irq_action *first = &irq_actions[vector];
    irq_shared[n] = (struct irq_action){handler, arg, first->next};
    while (!__atomic_compare_exchange_n(&first->next, &irq_shared[n].next, &irq_shared[n], false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED))
        ;
    return VECTOR_FIRST + vector;
}

/* Masked. */
static void handle_interrupt(unsigned vector)
{
    struct percpu *cpu = this_cpu();
    bool nested = cpu->in_interrupt;
    cpu->in_interrupt = true;
    cpu->counters[COUNT_INTERRUPTS]++;
    switch (vector) {
    case VECTOR_TIMER:
        apic_timer_interrupt();
        break;
    case VECTOR_RESCHEDULE:
        cpu->counters[COUNT_IPIS]++;
        kernel_ipi_reschedule();
        break;
    case VECTOR_CALL:
        cpu->counters[COUNT_IPIS]++;
        smp_call_interrupt();
        break;
    case VECTOR_STOP:
        for (;;)
            platform_wait_for_interrupt();
    default: {
        struct irq_action *a = &irq_actions[vector - VECTOR_FIRST];
        for (; a && a->handler; a = READ_ONCE(a->next))
            a->handler(a->arg);
    }
    }
    cpu->in_interrupt = nested;
    apic_eoi();
}

/*
 * Handles vectors (bits) and all that are recorded meanwhile, then lets a preemption happen.
 * Depth 1.
 */
static void handle_pending(u32 vectors, bool may_preempt)
{
    struct percpu *cpu = this_cpu();
    for (;;) {
        vectors |= __atomic_exchange_n(&cpu->irq_pending, 0, __ATOMIC_RELAXED);
        if (!vectors)
            break;
        for (; vectors; vectors &= vectors - 1)
            handle_interrupt(VECTOR_FIRST + __builtin_ctz(vectors));
    }
    if (may_preempt && !cpu->in_interrupt)
        kernel_preempt();
}

/*
 * Unmasks at depth 1, after handling what was recorded meanwhile. kernel_preempt() may return on
 * another CPU, so the CPU is looked up anew each time. Should an interrupt be recorded between the
 * look and the write of the depth, and then another one preempt this thread: that one's handler
 * has served the first, see interrupt().
 */
static void unmask_and_replay(void)
{
    for (;;) {
        struct percpu *cpu = this_cpu();
        if (unlikely(READ_ONCE(cpu->irq_pending))) {
            handle_pending(0, true);
            continue;
        }
        WRITE_ONCE(cpu->irq_disable_depth, 0);
        barrier();
        if (likely(!READ_ONCE(this_cpu()->irq_pending)))
            return;
        irq_disable();
    }
}

void platform_irq_replay(void)
{
    irq_disable();
    this_cpu()->interrupted_user = false;
    if (this_cpu()->irq_disable_depth == 1)
        unmask_and_replay();
    else
        irq_enable();
}

static void interrupt(unsigned vector, bool from_user)
{
    irq_disable();
    this_cpu()->interrupted_user = from_user;
    handle_pending(1u << (vector - VECTOR_FIRST), !from_user);
    unmask_and_replay();
}

/* ---------------------------------------------------------------- exceptions */

struct exception_entry {
    vaddr_t ip, fixup;
};

static vaddr_t find_fixup(vaddr_t ip)
{
    extern const struct exception_entry exception_table_start[], exception_table_end[];
    for (const struct exception_entry *e = exception_table_start; e < exception_table_end; e++)
        if (e->ip == ip)
            return e->fixup;
    return 0;
}

static const char *const trap_names[] = {
    "divide error", "debug", "NMI", "breakpoint", "overflow", "bound range", "invalid opcode",
    "device not available", "double fault", "coprocessor overrun", "invalid TSS",
    "segment not present", "stack segment", "general protection", "page fault", "reserved",
    "x87 error", "alignment check", "machine check", "SIMD error", "virtualization",
    "control protection"};

static const char *trap_name(u64 vector)
{
    return vector < ARRAY_SIZE(trap_names) ? trap_names[vector] : "unknown trap";
}

/* si_code of a floating-point error: the first exception flagged and not masked. */
static int float_code(unsigned flags)
{
    if (flags & 0x01)
        return FPE_FLTINV;
    if (flags & 0x04)
        return FPE_FLTDIV;
    if (flags & 0x08)
        return FPE_FLTOVF;
    if (flags & 0x12)
        return FPE_FLTUND;
    if (flags & 0x20)
        return FPE_FLTRES;
    return FPE_FLTUNK;
}

static void user_exception(struct trap *t)
{
    unsigned n = t->vector;
    vaddr_t ip = t->regs.ip;
    u32 mxcsr;
    u16 status, control;

    switch (n) {
    case 0:
        return kernel_user_exception(SIGFPE, FPE_INTDIV, ip, n, t->error);
    case 1:
        return kernel_user_exception(SIGTRAP, TRAP_TRACE, ip, n, t->error);
    case 3:
        return kernel_user_exception(SIGTRAP, SI_KERNEL, 0, n, t->error);
    case 6:
        return kernel_user_exception(SIGILL, ILL_ILLOPN, ip, n, t->error);
    case 11:
        /*
         * `int n` of a vector without a gate is a protection fault where Linux has gates for
         * all.
         */
        if (t->error & 2)
            return kernel_user_exception(SIGSEGV, SI_KERNEL, 0, 13, t->error);
        return kernel_user_exception(SIGBUS, SI_KERNEL, 0, n, t->error);
    case 12:
        return kernel_user_exception(SIGBUS, SI_KERNEL, 0, n, t->error);
    case 16:
        __asm__ volatile("fnstsw %0" : "=m"(status));
        __asm__ volatile("fnstcw %0" : "=m"(control));
        return kernel_user_exception(SIGFPE, float_code(status & ~control & 0x3f), ip, n, t->error);
    case 17:
        return kernel_user_exception(SIGBUS, BUS_ADRALN, 0, n, t->error);
    case 19:
        __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
        return kernel_user_exception(SIGFPE, float_code(mxcsr & ~(mxcsr >> 7) & 0x3f), ip, n,
                                     t->error);
    default:
        return kernel_user_exception(SIGSEGV, SI_KERNEL, 0, n, t->error);
    }
}

static void page_fault(struct trap *t, bool from_user)
{
    enum fault_access access = t->error & 16  ? FAULT_EXEC
                               : t->error & 2 ? FAULT_WRITE
                                              : FAULT_READ;
    bool present = t->error & 1;
    this_cpu()->counters[COUNT_FAULTS]++;
    if (from_user) {
        kernel_page_fault(t->cr2, access, present, true);
        return;
    }
    vaddr_t fixup = find_fixup(t->regs.ip);
    if (!fixup)
        panic_at(&t->regs, "page fault in the kernel: %s of %#llx%s",
                 access == FAULT_EXEC ? "execution" : access == FAULT_WRITE ? "write" : "read",
                 (unsigned long long)t->cr2, present ? ", not permitted" : "");
    /* Only code that may sleep resolves faults; others asked for a copy that just fails. */
    if (!is_kernel_address(t->cr2) && !irq_disabled() && !this_cpu()->preempt_disable_depth &&
        kernel_page_fault(t->cr2, access, present, false))
        return;
    t->regs.ip = fixup;
}

/* Returns true if the way back is to the program. */
bool x86_trap(struct trap *t)
{
    bool from_user = !is_kernel_address(t->regs.sp);
    struct percpu *cpu = this_cpu();
    vaddr_t offset = (vaddr_t)t - (vaddr_t)cpu;
    if (unlikely(offset > CPU_IST3_TOP && offset < CPU_IST4_TOP)) {
        cpu->irq_disable_depth = 1;
        panic_at(&t->regs, "kernel stack overflow (%s)", trap_name(t->vector));
    }
    if (from_user && current_cpu_state()) {
        current_cpu_state()->full_return = true;
        t->regs.ip = kernel_program_ip(t->regs.ip);
    }
    if (t->vector >= VECTOR_FIRST) {
        interrupt(t->vector, from_user);
        return from_user;
    }
    /* An interrupt may have been recorded while the frame was moved here. */
    if (cpu->irq_disable_depth == 0 && cpu->irq_pending)
        platform_irq_replay();

    if (from_user) {
        if (t->vector == 14)
            page_fault(t, true);
        else
            user_exception(t);
        return true;
    }
    if (t->vector == 14) {
        page_fault(t, false);
        return false;
    }
    if (t->regs.ip == (vaddr_t)exit_restart) {
        /* The program's own frame could not be loaded: an address that is not canonical. */
        kernel_user_exception(SIGSEGV, SI_KERNEL, 0, t->vector, t->error);
        return false;
    }
    vaddr_t fixup = find_fixup(t->regs.ip);
    if (!fixup)
        panic_at(&t->regs, "%s in the kernel, error %#llx", trap_name(t->vector),
                 (unsigned long long)t->error);
    t->regs.ip = fixup;
    return false;
}

/* NMI, double fault, machine check; on their own stacks, GS may be the program's. */
void x86_fatal(struct user_frame *regs, struct percpu *cpu)
{
    /* Here the words above di are: vector, error, then ip... */
    struct {
        u64 regs[15], vector, error, ip, cs, flags, sp, ss;
    } *f = (void *)regs;
    if (f->vector == 2)
        return;
    if (cpu_features.fsgsbase)
        __asm__ volatile("wrgsbase %0" : : "r"(cpu));
    cpu->irq_disable_depth = 1;
    struct user_frame copy;
    memcpy(&copy, f->regs, sizeof(f->regs));
    copy.orig_ax = -1;
    copy.ip = f->ip;
    copy.cs = f->cs;
    copy.flags = f->flags;
    copy.sp = f->sp;
    copy.ss = f->ss;
    panic_at(&copy, "%s, error %#llx", trap_name(f->vector), (unsigned long long)f->error);
}

/* ---------------------------------------------------------------- system calls and the way back */

void x86_syscall(struct user_frame *frame)
{
    struct syscall_args args = {
        .arg = {frame->di, frame->si, frame->dx, frame->r10, frame->r8, frame->r9},
        .frame = frame,
    };

    current_cpu_state()->full_return = false;
    kernel_syscall_site(frame);
    kernel_syscall(&args);
}

/* Masked once. Returns EXIT_* bits. The frame is not changed after the last look for work. */
unsigned x86_exit_to_user(struct user_frame *frame)
{
    while (this_cpu()->need_resched || kernel_has_work()) {
        unmask_and_replay();
        kernel_return_to_user(frame);
        irq_disable();
    }
    struct thread_cpu *thread = current_cpu_state();
    frame->flags = (frame->flags & FLAGS_USER) | FLAG_INTERRUPT | 2;
    unsigned exit = 0;
    if (thread->full_return ||
        (frame->flags & FLAGS_UNCOMMON))
        exit = EXIT_FULL;
    if (unlikely(thread->gs_base))
        exit |= EXIT_FULL | (cpu_features.fsgsbase ? EXIT_GS : EXIT_GS_MSR);
    return exit;
}
