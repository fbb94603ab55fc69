/* SPDX-License-Identifier: BSD-2-Clause */
/* Strict mode: exit_group is not among the calls that are left. */
#include "seccomp.h"

int main(void)
{
    SHOW(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
    syscall(SYS_exit_group, 5);
    return 3;
}
