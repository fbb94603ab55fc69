/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/* futex_waitv: waiting on several words. */
#include "abi.h"
#include <linux/futex.h>
#include <pthread.h>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

struct waitv { uint64_t val, uaddr; uint32_t flags, reserved; };

static uint32_t words[130];
static struct waitv v[130];

static void *waker(void *arg)
{
    sleep_ms(50);
    return (void *)syscall(SYS_futex, arg, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
}

#define WAIT(...) SHOW(syscall(SYS_futex_waitv, __VA_ARGS__))

int main(void)
{
    struct timespec past = {1, 0}, bad = {0, -1};
    pthread_t t;
    void *woken;
    for (int i = 0; i < 130; i++)
        v[i] = (struct waitv){0, (uint64_t)&words[i], 2 | FUTEX_PRIVATE_FLAG, 0};
    WAIT(v, 0, 0, 0, 0);
    WAIT(v, 129, 0, 0, 0);
    WAIT(0, 1, 0, 0, 0);
    WAIT(BAD, 1, 0, 0, 0);
    WAIT(v, 1, 1, 0, 0);
    WAIT(v, 1, 0, &past, CLOCK_MONOTONIC);
    WAIT(v, 128, 0, &past, CLOCK_REALTIME);
    WAIT(v, 1, 0, &past, CLOCK_BOOTTIME);
    WAIT(v, 1, 0, &bad, CLOCK_MONOTONIC);
    WAIT(v, 1, 0, BAD, CLOCK_MONOTONIC);
    v[1].val = 1;
    WAIT(v, 2, 0, &past, CLOCK_MONOTONIC);
    v[1].val = 1ull << 32;
    WAIT(v, 2, 0, &past, CLOCK_MONOTONIC);
    v[1].val = 0;
    v[1].reserved = 1;
    WAIT(v, 2, 0, &past, CLOCK_MONOTONIC);
    v[1].reserved = 0;
    v[1].flags = FUTEX_PRIVATE_FLAG;
    WAIT(v, 2, 0, &past, CLOCK_MONOTONIC);
    v[1].flags = 2 | 0x40;
    WAIT(v, 2, 0, &past, CLOCK_MONOTONIC);
    v[1].flags = 2;
    WAIT(v, 2, 0, &past, CLOCK_MONOTONIC);
    v[1].uaddr += 1;
    WAIT(v, 2, 0, &past, CLOCK_MONOTONIC);
    v[1].uaddr = 16;
    WAIT(v, 2, 0, &past, CLOCK_MONOTONIC);
    v[1].uaddr = (uint64_t)&words[1];
    for (int i = 0; i < 100; i += 33) {
        pthread_create(&t, NULL, waker, &words[i]);
        WAIT(v, 100, 0, 0, 0);
        pthread_join(t, &woken);
        printf("wake: %ld\n", (long)woken);
    }
    return 0;
}
