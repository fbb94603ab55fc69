/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer target: any bytes as a filter of seccomp(2), and of a socket, which has them for its packet too. One that the checker takes ends, looks at nothing but its data, and
 * comes to the same result whatever lay on the stack before: it reads no scratch word that it has not written.
 * sources: kernel/lib/bpf.c
 */
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include "kernel/lib/bpf.h"

static __attribute__((noinline)) void fill_stack(int value)
{
    volatile unsigned char stack[2048];
    for (size_t i = 0; i < sizeof(stack); i++)
        stack[i] = (unsigned char)value;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    size_t n = size / sizeof(struct sock_filter);
    struct sock_filter *program = malloc(n * sizeof(*program) + !n);
    u16 *scratch = malloc(n * sizeof(*scratch) + !n);
    u32 *data = calloc(1, sizeof(struct seccomp_data));

    memcpy(program, bytes, n * sizeof(*program));
    if (!bpf_check(program, n, sizeof(struct seccomp_data), scratch)) {
        fill_stack(0x55);
        u32 first = bpf_run(program, data, sizeof(struct seccomp_data), sizeof(struct seccomp_data));
        fill_stack(0xaa);
        if (bpf_run(program, data, sizeof(struct seccomp_data), sizeof(struct seccomp_data)) != first)
            __builtin_trap();
    }
    if (!bpf_check_packet(program, n, scratch)) {
        struct bpf_packet packet = {.head = bytes, .rest = bytes + size / 3, .head_length = (u32)(size / 3), .rest_length = (u32)(size - size / 3), .network = 14};
        fill_stack(0x55);
        u32 first = bpf_run_packet(program, &packet);
        fill_stack(0xaa);
        if (bpf_run_packet(program, &packet) != first)
            __builtin_trap();
    }
    free(program);
    free(scratch);
    free(data);
    return 0;
}
