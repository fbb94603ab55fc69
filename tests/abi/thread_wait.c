/* SPDX-License-Identifier: BSD-2-Clause */
/* wait4(2) and waitid(2) of a process without children. */
#include "abi.h"
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>

#define W4(...) SHOW(syscall(SYS_wait4, __VA_ARGS__))
#define WID(...) SHOW(syscall(SYS_waitid, __VA_ARGS__))

int main(void)
{
    siginfo_t info;
    W4(-1, 0, 0, 0);
    W4(0, 0, WNOHANG, 0);
    W4(12345, 0, WNOHANG | WUNTRACED | WCONTINUED, 0);
    W4(-1, BAD, 0, BAD);
    W4(INT_MIN, 0, 0, 0);
    W4(-1, 0, 0x1000, 0);
    W4(-1, 0, WEXITED, 0);
    memset(&info, 0x55, sizeof(info));
    WID(P_ALL, 0, &info, WEXITED, 0);
    printf("signo %d code %d pid %d\n", info.si_signo, info.si_code, info.si_pid);
    WID(P_ALL, 0, 0, WEXITED | WNOHANG, 0);
    WID(P_ALL, 0, 0, WNOHANG, 0);
    WID(P_ALL, 0, 0, WEXITED | 0x100, 0);
    WID(P_PID, 0, 0, WEXITED, 0);
    WID(P_PID, -1, 0, WEXITED, 0);
    WID(P_PID, 12345, 0, WSTOPPED, 0);
    WID(P_PGID, 0, 0, WCONTINUED, 0);
    WID(P_PGID, -1, 0, WEXITED, 0);
    WID(P_PIDFD, -1, 0, WEXITED, 0);
    WID(P_PIDFD, 999, 0, WEXITED, 0);
    WID(9, 0, 0, WEXITED, 0);
    WID(P_ALL, 0, BAD, WEXITED, 0);
    return 0;
}
