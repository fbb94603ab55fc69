/* SPDX-License-Identifier: BSD-2-Clause */
/* Lazy patching of hot system-call sites, see patch.c. */
#ifndef LOADER_PATCH_H
#define LOADER_PATCH_H

#include "kernel/types.h"

struct address_space;

/* The running thread made system call nr by a `syscall` that returns to ip. Patches the site when it is hot. Sleeps. */
void patch_consider(vaddr_t ip, u32 nr);

#endif
