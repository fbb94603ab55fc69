/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network under frames of every kind and conversations that go wrong: net/, net/lwip/ and lwIP on the host, under sanitizers, with the
 * same random scripts each time (network_script.h). The Makefile says what it is linked with. With an argument: that many scripts, from a seed of their own.
 */
#include <stdio.h>
#include <stdlib.h>
#include "tests/unit/network_script.h"

#define SCRIPTS 400

static u64 state;

static u8 random_byte(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (u8)(state * 0x2545f4914f6cdd1dull >> 56);
}

static void play(u64 seed)
{
    static u8 script[2000];
    state = (seed + 1) * 0x9e3779b97f4a7c15ull;
    size_t n = 20u + random_byte() * 7u;
    for (size_t i = 0; i < n; i++)
        script[i] = random_byte();
    network_script_play(script, n);
}

int main(int argc, char **argv)
{
    unsigned long first = argc > 2 ? strtoul(argv[2], NULL, 10) : 0, n = argc > 1 ? strtoul(argv[1], NULL, 10) : SCRIPTS;
    setvbuf(stdout, NULL, _IONBF, 0);
    for (unsigned long i = first; i < first + n; i++) {
        if (getenv("VERBOSE"))
            printf("# script %lu\n", i);
        play(i);
    }
    printf("ok scripts - %lu\n", n);
    return 0;
}
