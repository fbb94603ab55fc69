/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/* membarrier(2): commands, registration, errors, and the ordering it promises between two threads. */
#include "abi.h"
#include <linux/membarrier.h>
#include <pthread.h>

#define MB(...) SHOW(syscall(SYS_membarrier, __VA_ARGS__))

static volatile int x, y, stop;
static int both_zero;

/* Dekker with the barrier on one side only: the other side has just a compiler barrier. */
static volatile int turn, seen_x;

static void *fast_side(void *arg)
{
    for (int i = 1; !stop; i++) {
        while (turn != i && !stop)
            ;
        y = i;
        __asm__ volatile("" ::: "memory");
        seen_x = x;
        __asm__ volatile("" ::: "memory");
        turn = -i;
    }
    return arg;
}

int main(void)
{
    long query = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    printf("known commands %d\n", (query & 0x1ff) == 0x1ff);
    MB(MEMBARRIER_CMD_QUERY, 1, 0);
    MB(MEMBARRIER_CMD_GLOBAL, 0, 0);
    MB(MEMBARRIER_CMD_GLOBAL, 1, 0);
    MB(MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
    MB(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0);
    MB(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    MB(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
    MB(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0);
    MB(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
    MB(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    MB(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 1, 0);
    MB(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
    MB(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
    MB(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
    MB(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0, 0);
    MB(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0);
    MB(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, MEMBARRIER_CMD_FLAG_CPU, 0);
    MB(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 2, 0);
    MB(1 << 20, 0, 0);
    MB(-1, 0, 0);

    pthread_t t;
    pthread_create(&t, NULL, fast_side, NULL);
    for (int i = 1; i <= 300; i++) {
        turn = i;
        x = i;
        syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
        int seen_y = y;
        for (int spins = 0; turn != -i; spins++)
            if (spins > 1000)
                sleep_ms(0);
        both_zero += seen_y != i && seen_x != i;
    }
    stop = 1;
    pthread_join(t, NULL);
    printf("both missed the other %d\n", both_zero);
    return 0;
}
