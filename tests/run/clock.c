/* SPDX-License-Identifier: BSD-2-Clause */
/* For each line of standard input the realtime and the monotonic clock, in ns. */
#include <stdio.h>
#include <time.h>

static long long now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

int main(void)
{
    char line[16];
    while (fgets(line, sizeof(line), stdin)) {
        printf("%lld %lld\n", now(CLOCK_REALTIME), now(CLOCK_MONOTONIC));
        fflush(stdout);
    }
    return 0;
}
