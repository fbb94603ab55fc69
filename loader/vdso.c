/* SPDX-License-Identifier: BSD-2-Clause */
/* No vDSO image is built in: programs make system calls for the time. */
#include "loader/vdso.h"

vaddr_t vdso_map(struct address_space *as)
{
    return 0;
}
