/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine for the memory code on the host: RAM at the direct map, the real page allocator and page tables, one CPU with
 * a TLB that forgets only what it is told to forget, and locks that notice when they are taken twice.
 */
#ifndef TESTS_UNIT_MEMORY_HOST_H
#define TESTS_UNIT_MEMORY_HOST_H

#include "kernel/address_space.h"

#define HOST_RAM (256ul << 20)

/* The running process's soft limit (RLIMIT_*); all are infinite at first, the stack's is 8 MiB. */
void host_limit(unsigned which, u64 value);
/* > 0: so many kmalloc calls succeed, then one fails. 0: none fails. */
extern unsigned long host_kmalloc_budget;
extern unsigned long host_kmalloc_count; /* blocks handed out now */

/* Once; later calls do nothing. */
void host_machine(void);
/* Free pages, those in caches included. */
u64 host_free_pages(void);
/* The program's access to one byte of the running space: true, or false with *signo and *code. Through the TLB. */
bool host_access(struct address_space *as, vaddr_t va, enum fault_access access, u8 **byte, int *signo, int *code);
void host_tlb_clear(void);

#endif
