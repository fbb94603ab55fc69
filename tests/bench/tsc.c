// SPDX-License-Identifier: BSD-2-Clause
/* Prints the frequency of this machine's time stamp counter in kHz: a Linux guest that finds the host busy cannot measure it. */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

/* The two clocks at one moment: of many tries the one in which least time passed. */
static uint64_t both(uint64_t *tsc)
{
    uint64_t least = UINT64_MAX, at = 0;

    for (int i = 0; i < 1000; i++) {
        struct timespec t;
        uint64_t before = __rdtsc();

        clock_gettime(CLOCK_MONOTONIC_RAW, &t);
        uint64_t taken = __rdtsc() - before;
        if (taken < least) {
            least = taken;
            *tsc = before + taken / 2;
            at = t.tv_sec * 1000000000ull + t.tv_nsec;
        }
    }
    return at;
}

int main(void)
{
    uint64_t tsc, later_tsc, ns = both(&tsc), later;

    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    later = both(&later_tsc);
    printf("%.0f\n", (double)(later_tsc - tsc) / (double)(later - ns) * 1e6);
    return 0;
}
