/* SPDX-License-Identifier: BSD-2-Clause */
/* The vDSO: a small shared library of the kernel's that answers time calls without entering it. vdso(7). */
#ifndef LOADER_VDSO_H
#define LOADER_VDSO_H

#include "kernel/types.h"

struct address_space;

/* Maps it into as. Its address for AT_SYSINFO_EHDR, or 0 when there is none. */
vaddr_t vdso_map(struct address_space *as);

#endif
