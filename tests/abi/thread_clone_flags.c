/* SPDX-License-Identifier: BSD-2-Clause */
/* clone(2) of threads: flags that change when the maker goes on, flags without effect, requested ids, cgroups, the order of errors. */
#include "abi.h"
#include <linux/futex.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#define THREAD (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

static volatile uint32_t child_tid;
static volatile int done, hits;
static char stack[2][65536] __attribute__((aligned(64)));

static long clone3(struct clone_args *a, size_t size)
{
    return syscall(SYS_clone3, a, size);
}

static void wait_child(void)
{
    for (uint32_t v; (v = child_tid);)
        syscall(SYS_futex, &child_tid, FUTEX_WAIT, v, NULL, NULL, 0);
}

static int slow(void *arg)
{
    struct timespec t = {0, 60000000};
    (void)arg;
    syscall(SYS_nanosleep, &t, NULL);
    done = 1;
    syscall(SYS_exit, 0);
    return 0;
}

static int empty(void *arg)
{
    (void)arg;
    syscall(SYS_exit, 0);
    return 0;
}

static void handler(int signo)
{
    (void)signo;
    hits++;
}

static void *signals_main(void *arg)
{
    (void)arg;
    sleep_ms(20);
    syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1);
    return NULL;
}

static void plain(const char *what, int flags)
{
    child_tid = 1;
    int tid = clone(empty, stack[0] + sizeof(stack[0]), THREAD | CLONE_CHILD_CLEARTID | flags, NULL, NULL, NULL, &child_tid);
    printf("%s: %s\n", what, tid > 0 ? "a thread" : strerrorname_np(errno));
    if (tid > 0)
        wait_child();
    fflush(stdout);
}

int main(void)
{
    puts("-- CLONE_VFORK");
    child_tid = 1;
    int tid = clone(slow, stack[0] + sizeof(stack[0]), THREAD | CLONE_VFORK | CLONE_CHILD_CLEARTID, NULL, NULL, NULL, &child_tid);
    printf("made %d, it had ended %d, id cleared %d\n", tid > 0, done, !child_tid);
    /* A signal does not end the wait. */
    pthread_t t;
    struct sigaction sa = {.sa_handler = handler};
    sigaction(SIGUSR1, &sa, NULL);
    pthread_create(&t, NULL, signals_main, NULL);
    done = 0;
    tid = clone(slow, stack[0] + sizeof(stack[0]), THREAD | CLONE_VFORK, NULL);
    printf("made %d, it had ended %d, handler ran %d\n", tid > 0, done, hits);
    pthread_join(t, NULL);

    puts("-- without effect");
    plain("PTRACE", CLONE_PTRACE);
    plain("UNTRACED", CLONE_UNTRACED);
    plain("DETACHED", CLONE_DETACHED);
    plain("IO", CLONE_IO);
    plain("PARENT", CLONE_PARENT);
    plain("exit signal", SIGUSR1);
    plain("exit signal that is none", 127);
    plain("SYSVSEM off", 0);

    puts("-- requested ids");
    int ids[33];
    for (int i = 0; i < 33; i++)
        ids[i] = 30000 + i;
    struct clone_args a = {.flags = THREAD, .set_tid = (uint64_t)ids, .set_tid_size = 33};
    SHOW(clone3(&a, sizeof(a)));
    a.set_tid = 0x10, a.set_tid_size = 1, a.flags = THREAD | CLONE_DETACHED; /* read before the flags are checked */
    SHOW(clone3(&a, sizeof(a)));
    a.set_tid = (uint64_t)ids, a.set_tid_size = 1;
    SHOW(clone3(&a, sizeof(a)));
    a.flags = THREAD;
    for (int k = 0; k < 3; k++) {
        ids[0] = k == 0 ? 0 : k == 1 ? -5 : 1 << 30;
        SHOW(clone3(&a, sizeof(a)));
    }
    ids[0] = getpid();
    SHOW(clone3(&a, sizeof(a)));

    puts("-- cgroup");
    a = (struct clone_args){.flags = THREAD | CLONE_INTO_CGROUP, .cgroup = 999};
    SHOW(clone3(&a, sizeof(a)));
    a.cgroup = 1ull << 31;
    SHOW(clone3(&a, sizeof(a)));
    a.cgroup = 0;
    SHOW(clone3(&a, CLONE_ARGS_SIZE_VER1));

    puts("-- order of errors");
    SHOW(syscall(SYS_clone, THREAD | CLONE_SETTLS, stack[1] + sizeof(stack[1]), NULL, NULL, 1ul << 63));
    SHOW(syscall(SYS_clone, (THREAD | CLONE_SETTLS | CLONE_NEWNS), stack[1] + sizeof(stack[1]), NULL, NULL, 1ul << 63));
    a = (struct clone_args){.flags = THREAD | CLONE_SETTLS | CLONE_INTO_CGROUP, .tls = 1ull << 63, .cgroup = 999};
    SHOW(clone3(&a, sizeof(a)));
    a = (struct clone_args){.flags = THREAD | CLONE_PIDFD | CLONE_PARENT_SETTID, .pidfd = (uint64_t)ids, .parent_tid = (uint64_t)ids};
    SHOW(clone3(&a, sizeof(a)));
    a = (struct clone_args){.flags = CLONE_THREAD | CLONE_VM, .exit_signal = SIGCHLD};
    SHOW(clone3(&a, sizeof(a)));
    a = (struct clone_args){.flags = THREAD, .exit_signal = 0x100, .set_tid = 0x10, .set_tid_size = 1};
    SHOW(clone3(&a, sizeof(a)));
    return 0;
}
