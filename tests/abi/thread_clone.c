/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/* clone(2) and clone3(2): flag checks, sizes, ids and TLS of a raw thread. */
#include "abi.h"
#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>

#define THREAD (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

static volatile uint32_t parent_tid, child_tid, done;
static volatile int child_saw;
static char stack[65536] __attribute__((aligned(64)));

static int child(void *arg)
{
    (void)arg;
    child_saw = (int)syscall(SYS_gettid);
    syscall(SYS_exit, 0);
    return 0;
}

static void wait_word(volatile uint32_t *w)
{
    uint32_t v;
    while ((v = *w))
        syscall(SYS_futex, w, FUTEX_WAIT, v, NULL, NULL, 0);
}

#define BADFLAGS(f) SHOW(syscall(SYS_clone, f, 0, 0, 0, 0))

static long clone3(struct clone_args *a, size_t size)
{
    return syscall(SYS_clone3, a, size);
}

int main(void)
{
    BADFLAGS(CLONE_THREAD);
    BADFLAGS(CLONE_THREAD | CLONE_VM);
    BADFLAGS(CLONE_THREAD | CLONE_SIGHAND);
    BADFLAGS(CLONE_SIGHAND);
    BADFLAGS(CLONE_SIGHAND | CLONE_THREAD | CLONE_FS);
    BADFLAGS(CLONE_NEWNS | CLONE_FS | SIGCHLD);
    BADFLAGS(CLONE_NEWUSER | CLONE_FS | SIGCHLD);
    BADFLAGS(THREAD | CLONE_NEWPID);
    BADFLAGS(THREAD | CLONE_NEWUSER);
    BADFLAGS(THREAD | CLONE_PIDFD | CLONE_PARENT_SETTID);
    BADFLAGS(THREAD | CLONE_PIDFD | CLONE_DETACHED);

    struct clone_args a = {0};
    SHOW(clone3(&a, 0));
    SHOW(clone3(&a, 63));
    SHOW(clone3(&a, 4097));
    SHOW(clone3(BAD, sizeof(a)));
    a = (struct clone_args){.flags = THREAD, .exit_signal = SIGCHLD};
    SHOW(clone3(&a, sizeof(a)));
    a = (struct clone_args){.flags = CLONE_PARENT, .exit_signal = SIGCHLD};
    SHOW(clone3(&a, sizeof(a)));
    a = (struct clone_args){.flags = THREAD | CLONE_DETACHED};
    SHOW(clone3(&a, sizeof(a)));
    a = (struct clone_args){.flags = THREAD | 1};
    SHOW(clone3(&a, sizeof(a)));
    a = (struct clone_args){.flags = 1ull << 40};
    SHOW(clone3(&a, sizeof(a)));
    a = (struct clone_args){.flags = THREAD, .stack = (uint64_t)stack};
    SHOW(clone3(&a, sizeof(a)));
    a = (struct clone_args){.flags = THREAD, .stack_size = 4096};
    SHOW(clone3(&a, sizeof(a)));
    a = (struct clone_args){.flags = THREAD, .stack = -4096ul, .stack_size = 4096};
    SHOW(clone3(&a, sizeof(a)));
    a = (struct clone_args){.exit_signal = 65};
    SHOW(clone3(&a, sizeof(a)));
    a = (struct clone_args){.exit_signal = 0x100};
    SHOW(clone3(&a, sizeof(a)));
    a = (struct clone_args){.flags = CLONE_SIGHAND | CLONE_VM | CLONE_CLEAR_SIGHAND};
    SHOW(clone3(&a, sizeof(a)));
    a = (struct clone_args){.flags = THREAD, .set_tid = 1};
    SHOW(clone3(&a, sizeof(a)));
    a = (struct clone_args){.flags = THREAD, .set_tid_size = 1};
    SHOW(clone3(&a, sizeof(a)));
    a = (struct clone_args){.flags = THREAD, .set_tid = 1, .set_tid_size = 33};
    SHOW(clone3(&a, sizeof(a)));
    struct { struct clone_args a; char more[40]; } big = {.a = {.flags = CLONE_THREAD}};
    SHOW(clone3(&big.a, sizeof(big)));
    big.more[39] = 1;
    SHOW(clone3(&big.a, sizeof(big)));

    for (int round = 0; round < 3; round++) {
        parent_tid = 0;
        child_tid = 77;
        int tid = clone(child, stack + sizeof(stack),
                        THREAD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID, NULL,
                        &parent_tid, NULL, &child_tid);
        wait_word(&child_tid);
        printf("thread: id %d parent %d gettid %d\n", tid > 0, (int)parent_tid == tid, child_saw == tid);
    }
    child_tid = 77;
    int tid = clone(child, stack + sizeof(stack), THREAD | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID, NULL,
                    BAD, NULL, &child_tid);
    wait_word(&child_tid);
    printf("bad parent_tid is ignored: %d\n", tid > 0);
    /* set_child_tid points nowhere: the thread lives all the same. */
    done = 1;
    child_saw = 0;
    tid = clone(child, stack + sizeof(stack), THREAD | CLONE_CHILD_SETTID, NULL, NULL, NULL, BAD);
    while (!child_saw)
        sleep_ms(1);
    sleep_ms(20);
    printf("bad child_tid is ignored: %d\n", child_saw == tid);
    SHOW(syscall(SYS_set_tid_address, BAD) == syscall(SYS_gettid));
    SHOW(getpid() == syscall(SYS_gettid));
    return 0;
}
