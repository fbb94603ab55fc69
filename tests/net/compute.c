/* SPDX-License-Identifier: BSD-2-Clause */
/* Computes and writes four times a second how often it has gone round so far. */
#include <stdio.h>
#include <time.h>

int main(void)
{
    struct timespec now, last = {0};
    volatile unsigned x = 0;

    for (unsigned long rounds = 0;; rounds++) {
        for (int i = 0; i < 2000; i++)
            x = x * 5 + 1;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if ((now.tv_sec - last.tv_sec) * 1000 + (now.tv_nsec - last.tv_nsec) / 1000000 >= 250) {
            printf("%lu\n", rounds);
            fflush(stdout);
            last = now;
        }
    }
}
