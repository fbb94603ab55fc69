/* SPDX-License-Identifier: BSD-2-Clause */
/* signal_default N: sends itself signal N, whose default action is not to stop. Status 7 if it is still there then. */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY}; /* a core of no bytes is none */
    (void)argc;
    setrlimit(RLIMIT_CORE, &unlimited);
    syscall(SYS_kill, getpid(), atoi(argv[1]));
    return 7;
}
