/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The signal frame on the program's stack, byte for byte as Linux lays it out on x86-64: return address, ucontext, siginfo, and
 * above them, at a multiple of 64, the XSAVE area with its two magic words. Unwinders, Go, V8 and the JVM read and edit it.
 * The program may write anything there before it returns; only what a program may set by itself is taken back.
 */
#include <linux/signal.h>
#include <asm/processor-flags.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>
#include "kernel/signal_queue.h"
#include "kernel/user.h"
#include "kernel/lib/string.h"

struct rt_sigframe {
    u64 return_address; /* SA_RESTORER's function, which calls rt_sigreturn */
    struct ucontext uc;
    siginfo_t info;
};
_Static_assert(sizeof(struct rt_sigframe) == 440, "as Linux");

/* The part of the XSAVE area behind the 512 bytes of FXSAVE. */
struct xsave_header {
    u64 xstate_bv, xcomp_bv, reserved[6];
};

#define FXSAVE_SIZE 512u
#define FPX_SW_OFFSET 464u /* struct _fpx_sw_bytes, in FXSAVE's bytes that are software's */
#define XFEATURES_FPSSE 3u
#define XFEATURES_MXCSR 6u /* SSE and AVX: either brings MXCSR */
#define MXCSR_INITIAL 0x1f80u
#define MXCSR_RESERVED 0xffff0000u
#define RED_ZONE 128u

/* What programs see, whatever ring they run in. */
#define LINUX_USER_CS 0x33
#define LINUX_USER_SS 0x2b

#define USER_FLAGS                                                                                 \
    (X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF |               \
     X86_EFLAGS_TF | X86_EFLAGS_DF | X86_EFLAGS_OF | X86_EFLAGS_RF | X86_EFLAGS_AC)

static struct xsave_header *header_of(u8 *area)
{
    return (struct xsave_header *)(area + FXSAVE_SIZE);
}

/* Writes the running thread's FP state to the program at to. */
static int push_fp_state(u64 to)
{
    u32 size = platform_xsave_size(), magic2 = FP_XSTATE_MAGIC2;
    struct _fpx_sw_bytes sw = {0};
    if (!user_range_ok((void *)to, size + sizeof(magic2)) || platform_xsave_user((void *)to))
        return -EFAULT;
    if (size > FXSAVE_SIZE) {
        sw.magic1 = FP_XSTATE_MAGIC1;
        sw.extended_size = size + FP_XSTATE_MAGIC2_SIZE;
        sw.xfeatures = platform_xfeatures();
        sw.xstate_size = size;
        if (copy_to_user((void *)(to + size), &magic2, sizeof(magic2)))
            return -EFAULT;
    }
    return copy_to_user((void *)(to + FPX_SW_OFFSET), &sw, sizeof(sw));
}

static void fill_sigcontext(struct sigcontext *sc, const struct user_frame *f, u64 mask, u64 fp)
{
    const struct thread *t = current_thread();
    *sc = (struct sigcontext){
        .r8 = f->r8, .r9 = f->r9, .r10 = f->r10, .r11 = f->r11,
        .r12 = f->r12, .r13 = f->r13, .r14 = f->r14, .r15 = f->r15,
        .rdi = f->di, .rsi = f->si, .rbp = f->bp, .rbx = f->bx,
        .rdx = f->dx, .rax = f->ax, .rcx = f->cx, .rsp = f->sp, .rip = f->ip,
        .eflags = (f->flags & USER_FLAGS) | X86_EFLAGS_IF | X86_EFLAGS_FIXED,
        .cs = LINUX_USER_CS, .ss = LINUX_USER_SS,
        .err = t->trap_error, .trapno = t->trap_number, .oldmask = mask, .cr2 = t->trap_address,
        .fpstate = (void *)fp,
    };
}

int signal_frame_push(struct user_frame *f, int signo, const siginfo_t *info,
                      const struct signal_action *action, u64 mask)
{
    struct thread *t = current_thread();
    if (!(action->flags & SA_RESTORER))
        return -EFAULT;

    u64 sp = f->sp;
    bool on_altstack = !(t->altstack.flags & SS_AUTODISARM) && signal_on_altstack(t, sp);
    sp -= RED_ZONE;
    if ((action->flags & SA_ONSTACK) && signal_altstack_flags(t, sp) == 0) {
        sp = t->altstack.sp + t->altstack.size;
        on_altstack = true;
    }
    size_t xsave_size = platform_xsave_size();
    u64 fp = ALIGN_DOWN(sp - (xsave_size > FXSAVE_SIZE ? xsave_size + FP_XSTATE_MAGIC2_SIZE : xsave_size), 64ul);
    /* As after a call: the return address 8 below a multiple of 16. */
    sp = ALIGN_DOWN(fp - sizeof(struct rt_sigframe), 16ul) - 8;
    if (on_altstack && !signal_on_altstack(t, sp))
        return -EFAULT; /* would run out of the alternate stack into what lies below */

    struct rt_sigframe frame;
    size_t size = action->flags & SA_SIGINFO ? sizeof(frame) : offsetof(struct rt_sigframe, info);
    memset(&frame, 0, offsetof(struct rt_sigframe, info));
    frame.return_address = action->restorer;
    frame.uc.uc_flags = (xsave_size > FXSAVE_SIZE ? UC_FP_XSTATE : 0) | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
    frame.uc.uc_stack.ss_sp = (void *)t->altstack.sp;
    frame.uc.uc_stack.ss_size = t->altstack.size;
    frame.uc.uc_stack.ss_flags = (int)t->altstack.flags;
    memcpy(&frame.uc.uc_sigmask, &mask, sizeof(mask));
    fill_sigcontext(&frame.uc.uc_mcontext, f, mask, fp);
    frame.info = *info;
    int error = push_fp_state(fp);
    if (!error)
        error = copy_to_user((void *)sp, &frame, size);
    if (error)
        return error;
    platform_xsave_reset(&t->cpu); /* what a handler begins with */

    f->di = (u64)signo;
    f->si = sp + offsetof(struct rt_sigframe, info);
    f->dx = sp + offsetof(struct rt_sigframe, uc);
    f->ax = 0; /* no vector registers, for handlers declared with variable arguments */
    f->ip = action->handler;
    f->sp = sp;
    f->flags &= ~(u64)(X86_EFLAGS_DF | X86_EFLAGS_RF | X86_EFLAGS_TF);
    f->orig_ax = (u64)-1;
    t->cpu.full_return = true;
    return 0;
}

/*
 * Reads the FP state at from into area. Without valid magic words only the FXSAVE part counts, everything else
 * gets its initial state, as Linux does it for programs that know no more.
 */
static int read_fp_state(u8 *area, u64 from)
{
    size_t size = platform_xsave_size();
    if (copy_from_user(area, (void *)from, FXSAVE_SIZE))
        return -EFAULT;
    struct _fpx_sw_bytes sw;
    memcpy(&sw, area + FPX_SW_OFFSET, sizeof(sw));
    u32 *mxcsr = (u32 *)(area + offsetof(struct _fpstate_64, mxcsr));
    if (*mxcsr & MXCSR_RESERVED) /* TCG would load it */
        return -EINVAL;
    if (size == FXSAVE_SIZE)
        return from & 15 ? -EFAULT : 0;

    u32 magic2 = 0;
    bool extended = sw.magic1 == FP_XSTATE_MAGIC1 && sw.xstate_size >= FXSAVE_SIZE + sizeof(struct xsave_header) &&
                    sw.xstate_size <= size && sw.xstate_size <= sw.extended_size;
    if (extended && get_user(magic2, (u32 *)(from + sw.xstate_size)))
        return -EFAULT;
    if (magic2 != FP_XSTATE_MAGIC2) {
        memset(area + FXSAVE_SIZE, 0, size - FXSAVE_SIZE);
        header_of(area)->xstate_bv = XFEATURES_FPSSE;
        return from & 15 ? -EFAULT : 0;
    }
    memset(area + sw.xstate_size, 0, size - sw.xstate_size);
    if ((from & 63) || copy_from_user(area + FXSAVE_SIZE, (void *)(from + FXSAVE_SIZE), sw.xstate_size - FXSAVE_SIZE))
        return -EFAULT;
    if (header_of(area)->xstate_bv & ~platform_xfeatures())
        return -EINVAL;
    header_of(area)->xstate_bv &= sw.xfeatures;
    if (!(sw.xfeatures & XFEATURES_MXCSR))
        *mxcsr = MXCSR_INITIAL;
    return 0;
}

static int pop_fp_state(u64 from)
{
    struct thread *t = current_thread();
    t->cpu.xsave_dirty = true; /* a switch meanwhile leaves the area as it is */
    int error = from ? read_fp_state(t->cpu.xsave, from) : 0;
    if (from && !error)
        return platform_xrstor_current(&t->cpu);
    platform_xsave_reset(&t->cpu);
    return error;
}

int signal_frame_pop(struct user_frame *f, u64 *mask)
{
    struct ucontext uc;
    /* rt_sigreturn was called by the restorer: the return address has been popped. */
    u64 sp = f->sp - sizeof(u64);
    if (copy_from_user(&uc, (void *)(sp + offsetof(struct rt_sigframe, uc)), sizeof(uc)))
        return -EFAULT;
    const struct sigcontext *sc = &uc.uc_mcontext;
    /* Another segment cannot be returned to, be it 32-bit code; Linux forgives a wrong privilege level. */
    if ((sc->cs | 3) != LINUX_USER_CS)
        return -EINVAL;
    memcpy(mask, &uc.uc_sigmask, sizeof(*mask));
    f->r8 = sc->r8, f->r9 = sc->r9, f->r10 = sc->r10, f->r11 = sc->r11;
    f->r12 = sc->r12, f->r13 = sc->r13, f->r14 = sc->r14, f->r15 = sc->r15;
    f->di = sc->rdi, f->si = sc->rsi, f->bp = sc->rbp, f->bx = sc->rbx;
    f->dx = sc->rdx, f->ax = sc->rax, f->cx = sc->rcx, f->sp = sc->rsp, f->ip = sc->rip;
    f->flags = (f->flags & ~(u64)USER_FLAGS) | (sc->eflags & USER_FLAGS);
    int error = pop_fp_state((u64)sc->fpstate);
    if (error)
        return error;
    signal_altstack(&uc.uc_stack, NULL, f->sp); /* refused while the program is on that stack; Linux ignores it too */
    return 0;
}
