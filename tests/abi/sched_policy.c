/* SPDX-License-Identifier: BSD-2-Clause */
/* sched_setscheduler(2), sched_setparam(2), sched_setattr(2) and what reads them back; setpriority(2), ioprio_set(2). */
#include "abi.h"
#define sched_param kernel_sched_param /* both headers declare it */
#include <linux/sched.h>
#include <linux/sched/types.h>
#undef sched_param
#include <sys/resource.h>

#ifndef SCHED_RESET_ON_FORK
#define SCHED_RESET_ON_FORK 0x40000000
#endif

#define SET(policy, prio)                                                              \
    do {                                                                               \
        int p_ = prio;                                                          \
        CALL("setscheduler " #policy " " #prio, syscall(SYS_sched_setscheduler, 0, policy, &p_)); \
        show();                                                                        \
    } while (0)

static void show(void)
{
    int p = -1;
    long policy = syscall(SYS_sched_getscheduler, 0);
    syscall(SYS_sched_getparam, 0, &p);
    printf("  policy %#lx priority %d nice %d\n", policy, p, getpriority(PRIO_PROCESS, 0));
}

#define ATTR(...)                                                                      \
    do {                                                                               \
        struct sched_attr at = {.size = sizeof(at), __VA_ARGS__};                      \
        CALL("setattr " #__VA_ARGS__, syscall(SYS_sched_setattr, 0, &at, 0));          \
        show();                                                                        \
    } while (0)

int main(void)
{
    int p = 5;
    struct timespec ts;
    struct { struct sched_attr a; char more[64]; } big;
    for (int i = -1; i < 7; i++) {
        printf("policy %d: ", i);
        SHOW(syscall(SYS_sched_get_priority_min, i));
        SHOW(syscall(SYS_sched_get_priority_max, i));
    }
    show();
    SET(SCHED_NORMAL, 0);
    SET(SCHED_NORMAL, 1);
    SET(SCHED_BATCH, 0);
    SET(SCHED_IDLE, 0);
    SET(SCHED_NORMAL, 0);
    SET(SCHED_FIFO, 0);
    SET(SCHED_FIFO, 1);
    SET(SCHED_FIFO, 99);
    SET(SCHED_FIFO, 100);
    SET(SCHED_RR, 10);
    SHOW(syscall(SYS_sched_rr_get_interval, 0, &ts));
    printf("rr %ld %ld\n", (long)ts.tv_sec, ts.tv_nsec);
    SHOW(syscall(SYS_sched_setparam, 0, &p));
    show();
    p = 0;
    SHOW(syscall(SYS_sched_setparam, 0, &p));
    SET(SCHED_FIFO, 3);
    SHOW(syscall(SYS_sched_rr_get_interval, 0, &ts));
    printf("fifo %ld %ld\n", (long)ts.tv_sec, ts.tv_nsec);
    SET(SCHED_FIFO | SCHED_RESET_ON_FORK, 3);
    SET(SCHED_NORMAL, 0);
    SHOW(syscall(SYS_sched_setparam, 0, &p));
    p = 1;
    SHOW(syscall(SYS_sched_setparam, 0, &p));
    SET(4, 0);
    SET(7, 0);
    SET(-1, 0);
    SHOW(syscall(SYS_sched_setscheduler, -1, 0, &p));
    SHOW(syscall(SYS_sched_setscheduler, 0, 0, 0));
    SHOW(syscall(SYS_sched_setscheduler, 0, 0, BAD));
    p = 0;
    SHOW(syscall(SYS_sched_setscheduler, 3999999, 0, &p));
    SHOW(syscall(SYS_sched_getscheduler, -1));
    SHOW(syscall(SYS_sched_getscheduler, 3999999));
    SHOW(syscall(SYS_sched_getparam, 0, 0));
    SHOW(syscall(SYS_sched_getparam, -1, &p));
    SHOW(syscall(SYS_sched_getparam, 0, BAD));
    SHOW(syscall(SYS_sched_getparam, 3999999, &p));
    SHOW(syscall(SYS_sched_setparam, 0, 0));
    SHOW(syscall(SYS_sched_setparam, 0, BAD));
    SHOW(syscall(SYS_sched_setparam, 3999999, &p));
    SHOW(syscall(SYS_sched_rr_get_interval, -1, &ts));
    SHOW(syscall(SYS_sched_rr_get_interval, 3999999, &ts));
    SHOW(syscall(SYS_sched_rr_get_interval, 0, BAD));

    ATTR(.sched_policy = SCHED_NORMAL, .sched_nice = 5);
    ATTR(.sched_policy = SCHED_BATCH, .sched_nice = -3);
    ATTR(.sched_policy = SCHED_BATCH, .sched_nice = -100);
    ATTR(.sched_policy = SCHED_FIFO, .sched_priority = 7);
    ATTR(.sched_policy = SCHED_RR, .sched_priority = 0);
    ATTR(.sched_policy = SCHED_RR, .sched_priority = 8, .sched_flags = SCHED_FLAG_RESET_ON_FORK);
    ATTR(.sched_flags = SCHED_FLAG_KEEP_POLICY, .sched_priority = 9);
    ATTR(.sched_flags = SCHED_FLAG_KEEP_PARAMS, .sched_policy = SCHED_FIFO);
    ATTR(.sched_flags = 0x1000);
    ATTR(.sched_policy = SCHED_NORMAL);
    ATTR(.sched_policy = 77);
    ATTR(.sched_policy = -1);
    struct sched_attr a = {.size = sizeof(a)};
    SHOW(syscall(SYS_sched_setattr, 0, &a, 1));
    SHOW(syscall(SYS_sched_setattr, -1, &a, 0));
    SHOW(syscall(SYS_sched_setattr, 3999999, &a, 0));
    SHOW(syscall(SYS_sched_setattr, 0, 0, 0));
    SHOW(syscall(SYS_sched_setattr, 0, BAD, 0));
    a.size = 0;
    SHOW(syscall(SYS_sched_setattr, 0, &a, 0));
    a.size = 47;
    SHOW(syscall(SYS_sched_setattr, 0, &a, 0));
    printf("size %u\n", a.size);
    memset(&big, 0, sizeof(big));
    big.a.size = sizeof(big);
    SHOW(syscall(SYS_sched_setattr, 0, &big, 0));
    big.more[63] = 1;
    SHOW(syscall(SYS_sched_setattr, 0, &big, 0));
    printf("size %u\n", big.a.size);
    SHOW(syscall(SYS_sched_getattr, 0, &a, 47, 0));
    SHOW(syscall(SYS_sched_getattr, 0, &a, 48, 0));
    printf("size %u policy %u nice %d priority %u\n", a.size, a.sched_policy, a.sched_nice, a.sched_priority);
    SHOW(syscall(SYS_sched_getattr, 0, &big, sizeof(big), 0));
    printf("size %u\n", big.a.size);
    SHOW(syscall(SYS_sched_getattr, 0, &big, 4097, 0));
    SHOW(syscall(SYS_sched_getattr, 0, &a, 48, 1));
    SHOW(syscall(SYS_sched_getattr, 0, 0, 48, 0));
    SHOW(syscall(SYS_sched_getattr, 0, BAD, 48, 0));
    SHOW(syscall(SYS_sched_getattr, -1, &a, 48, 0));
    SHOW(syscall(SYS_sched_getattr, 3999999, &a, 48, 0));

    SHOW(syscall(SYS_getpriority, PRIO_PROCESS, 0));
    SHOW(syscall(SYS_setpriority, PRIO_PROCESS, 0, 10));
    SHOW(syscall(SYS_getpriority, PRIO_PROCESS, getpid()));
    SHOW(syscall(SYS_setpriority, PRIO_PROCESS, 0, 100));
    SHOW(syscall(SYS_getpriority, PRIO_PROCESS, 0));
    SHOW(syscall(SYS_setpriority, PRIO_PROCESS, 0, -100));
    SHOW(syscall(SYS_getpriority, PRIO_PROCESS, 0));
    SHOW(syscall(SYS_setpriority, PRIO_PROCESS, 3999999, 0));
    SHOW(syscall(SYS_getpriority, PRIO_PROCESS, 3999999));
    SHOW(syscall(SYS_setpriority, -1, 0, 0));
    SHOW(syscall(SYS_setpriority, 3, 0, 0));
    SHOW(syscall(SYS_getpriority, 3, 0));
    SHOW(syscall(SYS_setpriority, PRIO_PROCESS, 0, 0));
    SHOW(nice(3));
    SHOW(nice(-3));

    SHOW(syscall(SYS_ioprio_get, 1, 0));
    SHOW(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 5));
    SHOW(syscall(SYS_ioprio_get, 1, 0));
    SHOW(syscall(SYS_ioprio_set, 1, 0, 3 << 13));
    SHOW(syscall(SYS_ioprio_get, 1, 0));
    SHOW(syscall(SYS_ioprio_set, 1, 0, 1 << 13 | 2));
    SHOW(syscall(SYS_ioprio_get, 1, 0));
    SHOW(syscall(SYS_ioprio_set, 1, 0, 1));
    SHOW(syscall(SYS_ioprio_set, 1, 0, 0));
    SHOW(syscall(SYS_ioprio_get, 1, 0));
    SHOW(syscall(SYS_ioprio_set, 1, 0, 4 << 13));
    SHOW(syscall(SYS_ioprio_set, 1, 0, 7 << 13));
    SHOW(syscall(SYS_ioprio_set, 0, 0, 2 << 13));
    SHOW(syscall(SYS_ioprio_set, 4, 0, 2 << 13));
    SHOW(syscall(SYS_ioprio_set, 1, 3999999, 2 << 13));
    SHOW(syscall(SYS_ioprio_get, 4, 0));
    SHOW(syscall(SYS_ioprio_get, 1, 3999999));
    return 0;
}
