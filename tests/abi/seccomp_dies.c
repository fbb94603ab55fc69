/* SPDX-License-Identifier: BSD-2-Clause */
/* A filter kills the process: a handler for SIGSYS does not save it. */
#include <signal.h>
#include "seccomp.h"

#ifndef ACTION
#define ACTION SECCOMP_RET_KILL_PROCESS
#endif

static void handler(int signo)
{
    printf("handler of signal %d\n", signo);
    fflush(stdout);
}

int main(void)
{
    signal(SIGSYS, handler);
    prctl(PR_SET_DUMPABLE, 0);
    SHOW(rule(SYS_getppid, ACTION, 0));
    SHOW(syscall(SYS_getppid));
    return 3;
}
