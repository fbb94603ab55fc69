/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flags: -static-pie -fPIE
 * Where a position-independent program without an interpreter lies: among the mappings, its heap at two thirds of the address space.
 */
#include "abi.h"
#include <sys/auxv.h>
#include <sys/mman.h>

int main(void)
{
    uintptr_t here = (uintptr_t)main, heap = (uintptr_t)sbrk(0);
    char *mapping = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("the program: %lx, a mapping: %lx, the heap: %lx\n", here >> 44, (uintptr_t)mapping >> 44, heap >> 44);
    printf("the program is within 64 MiB of the mapping: %d\n", here - (uintptr_t)mapping < 64 << 20);
    printf("base %lu, headers in the program %d\n", getauxval(AT_BASE), here - getauxval(AT_PHDR) < 1 << 20);
    brk((void *)(heap + 4096));
    printf("brk moved: %d\n", (uintptr_t)sbrk(0) == heap + 4096);
    *(volatile char *)heap = 1;
    return 0;
}
