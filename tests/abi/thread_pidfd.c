/* SPDX-License-Identifier: BSD-2-Clause */
/* clone(2) of a thread with CLONE_PIDFD, as Linux has it since 6.9. */
#include "abi.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define THREAD (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID)
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static char stack[65536] __attribute__((aligned(64)));
static volatile int go;
static volatile uint32_t alive, saw;
static int fd, tid;

static int child(void *arg)
{
    (void)arg;
    saw = syscall(SYS_fcntl, fd, F_GETFD) == FD_CLOEXEC; /* it was there before the thread ran */
    while (!go)
        syscall(SYS_futex, &go, FUTEX_WAIT, 0, NULL, NULL, 0);
    syscall(SYS_exit, 0);
    return 0;
}

static void events(const char *when)
{
    struct pollfd p = {fd, POLLIN | POLLHUP | POLLRDNORM, 0};
    int n = poll(&p, 1, alive ? 0 : 5000);
    printf("%s: poll %d events %#x\n", when, n, p.revents);
}

int main(void)
{
    struct rlimit limit;
    char path[64], text[512] = "";
    int id = 0, next;
    alive = 1;
    tid = clone(child, stack + sizeof(stack), THREAD | CLONE_PIDFD, NULL, &fd, NULL, &alive);
    printf("made %d, descriptor %d, close-on-exec %d\n", tid > 0, fd > 2, fcntl(fd, F_GETFD));
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    int in = open(path, O_RDONLY);
    if (read(in, text, sizeof(text) - 1) < 0)
        return 1;
    close(in);
    char *at = strstr(text, "Pid:");
    printf("it names the thread: %d\n", at && sscanf(at, "Pid: %d", &id) == 1 && id == tid);
    printf("flags %#x\n", fcntl(fd, F_GETFL));
    events("running");
    SHOW(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
    SHOW(syscall(SYS_waitid, P_PIDFD, fd, NULL, WEXITED | WNOHANG, NULL));
    go = 1;
    syscall(SYS_futex, &go, FUTEX_WAKE, 1, NULL, NULL, 0);
    for (uint32_t v; (v = alive);)
        syscall(SYS_futex, &alive, FUTEX_WAIT, v, NULL, NULL, 0);
    events("ended");
    printf("the thread saw it: %u\n", saw);
    for (int k = 0; k < 500 && !syscall(SYS_tgkill, getpid(), tid, 0); k++)
        sleep_ms(2);
    SHOW(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
    close(fd);

    next = open("/dev/null", O_RDONLY);
    struct clone_args a = {.flags = THREAD | CLONE_PIDFD, .pidfd = 0x10, .stack = (uint64_t)stack, .stack_size = sizeof(stack),
                           .child_tid = (uint64_t)&alive};
    SHOW(syscall(SYS_clone3, &a, sizeof(a)));
    printf("nothing left behind: %d\n", open("/dev/null", O_RDONLY) == next + 1);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = (rlim_t)next;
    setrlimit(RLIMIT_NOFILE, &limit);
    a.pidfd = (uint64_t)&fd;
    SHOW(syscall(SYS_clone3, &a, sizeof(a)));
    a.flags |= CLONE_DETACHED;
    SHOW(syscall(SYS_clone3, &a, sizeof(a)));
    return 0;
}
