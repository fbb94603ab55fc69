/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the platform brings page faults: those of the program become memory or a signal, those of the kernel's
 * copy routines memory or -EFAULT. When memory has run out the program is killed, with the figures that show why.
 */
#include <asm/signal.h>
#include "kernel/fault.h"
#include "kernel/log.h"
#include "kernel/process.h"
#include "kernel/signal.h"

#define TRAP_PAGE_FAULT 14u
/* Bits of the CPU's error code, which signal frames show. Source: Intel SDM vol. 3, 4.7. */
#define ERROR_PRESENT   1u
#define ERROR_WRITE     2u
#define ERROR_USER      4u
#define ERROR_EXEC      16u

void out_of_memory(struct address_space *as)
{
    struct process *p = current_process();
    static bool told;
    if (!__atomic_exchange_n(&told, true, __ATOMIC_RELAXED)) {
        struct page_stats s;
        page_stats(&s);
        u64 resident = __atomic_load_n(&as->resident_pages, __ATOMIC_RELAXED);
        const unsigned kib = PAGE_SIZE / 1024;
        log_err("out of memory: %llu KiB in all, %llu KiB free; %s (pid %d) holds %llu KiB of %llu KiB mapped: killed",
                (unsigned long long)(s.total * kib), (unsigned long long)(s.free * kib), p->name, p->pid,
                (unsigned long long)(resident * kib), (unsigned long long)(as->total_pages * kib));
    }
    process_kill(p, SIGKILL);
}

bool kernel_page_fault(vaddr_t address, enum fault_access access, bool present, bool from_user)
{
    struct thread *t = current_thread();
    struct address_space *as = t->space;
    int signo = SIGSEGV, code = SEGV_MAPERR;
    u64 major = t->major_faults;

    if (!as || (!from_user && this_cpu()->preempt_disable_depth))
        return false; /* a spinlock is held: the copy fails, and its caller tries again without */
    bool ours = address >= USER_SPACE_START && address < USER_SPACE_END &&
                (address < KERNEL_SPACE_START || address >= KERNEL_SPACE_END);
    int error = ours ? address_space_fault(as, address, access, &signo, &code) : -EFAULT;
    if (!error) {
        t->minor_faults += t->major_faults == major;
        return true;
    }
    if (error == -ENOMEM) {
        out_of_memory(as);
        return from_user;
    }
    if (!from_user)
        return false;
    kernel_user_exception(signo, code, address, TRAP_PAGE_FAULT,
                          ERROR_USER | (present ? ERROR_PRESENT : 0) |
                              (access == FAULT_WRITE ? ERROR_WRITE : 0) |
                              (access == FAULT_EXEC ? ERROR_EXEC : 0));
    return true;
}
