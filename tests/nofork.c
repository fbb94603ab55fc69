/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nofork PROGRAM [ARGS...]: runs PROGRAM on a Linux where a process cannot make another one, which is what a program finds
 * in the VM: fork, vfork, clone3 and a clone that makes no thread answer ENOSYS (a seccomp filter). It also clears what a
 * caller may have left behind: ignored signals and the signal mask.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define REFUSE_IF(number) \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), \
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS)

static struct sock_filter filter[] = {
    LOAD(nr),
    REFUSE_IF(__NR_fork),
    REFUSE_IF(__NR_vfork),
    REFUSE_IF(__NR_clone3),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone, 0, 3),
    LOAD(args[0]),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

int main(int argc, char **argv)
{
    struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};
    sigset_t none;

    if (argc < 2) {
        fprintf(stderr, "usage: nofork PROGRAM [ARGS...]\n");
        return 125;
    }
    for (int signal_number = 1; signal_number < NSIG; signal_number++)
        signal(signal_number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
        perror("nofork: seccomp");
        return 125;
    }
    execv(argv[1], argv + 1);
    perror(argv[1]);
    return 126;
}
