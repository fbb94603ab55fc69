/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel stacks: KERNEL_STACK_SIZE mapped at the upper end of a slot of twice that, so that an
 * overflow meets an unmapped page. Freed stacks are kept mapped for reuse (mapping costs page-table
 * writes, and unmapping an interruption of every CPU).
 */
#include "kernel/lock.h"
#include "platform/x86/x86.h"

#define STACKS_BASE (STACK_AREA_BASE + (1ull << 38)) /* the lower half of the slot has per-CPU blocks */
#define STACK_SLOT_SIZE (2 * KERNEL_STACK_SIZE)

static struct spinlock stack_lock = SPINLOCK_INIT(LOCK_PAGE_TABLE);
static vaddr_t free_stacks; /* top of the first; the word below a top links to the next */
static vaddr_t next_stack = STACKS_BASE;

vaddr_t platform_stack_alloc(void)
{
    spin_lock(&stack_lock);
    vaddr_t top = free_stacks;
    if (top) {
        free_stacks = *(vaddr_t *)(top - sizeof(vaddr_t));
        spin_unlock(&stack_lock);
        return top;
    }
    vaddr_t bottom = next_stack + STACK_SLOT_SIZE - KERNEL_STACK_SIZE;
    for (vaddr_t va = bottom; va < bottom + KERNEL_STACK_SIZE; va += PAGE_SIZE) {
        paddr_t pa = kernel_table_page_alloc();
        if (!pa || map_kernel_page(va, pa, PTE_READ | PTE_WRITE) != 0) {
            /*
             * The slot is tried again by the next caller; pages already mapped are replaced
             * then.
             */
            if (pa)
                kernel_table_page_free(pa);
            while (va > bottom) {
                va -= PAGE_SIZE;
                kernel_table_page_free(unmap_kernel_page(va));
            }
            spin_unlock(&stack_lock);
            return 0;
        }
    }
    next_stack += STACK_SLOT_SIZE;
    spin_unlock(&stack_lock);
    return bottom + KERNEL_STACK_SIZE;
}

void platform_stack_free(vaddr_t top)
{
    spin_lock(&stack_lock);
    *(vaddr_t *)(top - sizeof(vaddr_t)) = free_stacks;
    free_stacks = top;
    spin_unlock(&stack_lock);
}
