/* SPDX-License-Identifier: BSD-2-Clause */
/* A trap whose signal is blocked kills the process. */
#include <signal.h>
#include "seccomp.h"

int main(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGSYS);
    sigprocmask(SIG_BLOCK, &set, NULL);
    prctl(PR_SET_DUMPABLE, 0);
    SHOW(rule(SYS_getppid, SECCOMP_RET_TRAP, 0));
    SHOW(syscall(SYS_getppid));
    return 3;
}
