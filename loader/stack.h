/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory that a new program finds at its stack pointer. Pure: the block is built in a kernel buffer. */
#ifndef LOADER_STACK_H
#define LOADER_STACK_H

#include <elf.h>
#include "kernel/types.h"

struct initial_stack {
    /* given */
    vaddr_t top;            /* the block ends here; page-aligned */
    char *const *argv, *const *envp;
    const char *path;       /* AT_EXECFN */
    const char *platform;   /* AT_PLATFORM */
    u8 random[16];          /* AT_RANDOM */
    u64 shift;              /* bytes left free between strings and tables, for ASLR; a multiple of 16 */
    const Elf64_auxv_t *aux; /* without AT_NULL; the values of AT_EXECFN, AT_PLATFORM and AT_RANDOM are filled in */
    size_t aux_count;
    size_t limit;           /* most bytes that path, arguments and environment may have */
    /* returned */
    char *block;            /* kmalloc'ed: contents of [sp, top) */
    const u64 *auxv;        /* the finished auxiliary vector, in block */
    vaddr_t sp;
    vaddr_t arg_start, arg_end, env_start, env_end;
};

/* 0, -E2BIG (more than limit) or -ENOMEM. */
int initial_stack_build(struct initial_stack *s);

#endif
