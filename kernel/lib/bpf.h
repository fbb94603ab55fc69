/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Classic BPF as seccomp(2) uses it: programs over a few 32-bit words of data, which always end. Pure functions of their
 * arguments, tested and fuzzed on the host. The language: networking/filter.rst of Linux's documentation.
 */
#ifndef KERNEL_LIB_BPF_H
#define KERNEL_LIB_BPF_H

#include <linux/filter.h>
#include "kernel/types.h"

/*
 * 0 if bpf_run() may run the program on size bytes of data: known instructions, jumps forward and inside, loads of whole
 * words inside, no scratch word read that was not written on every way there, a return at the end. Else -EINVAL.
 * scratch: room for as many entries as there are instructions.
 */
int bpf_check(const struct sock_filter *program, size_t length, size_t size, u16 *scratch);
/*
 * The program's result for the data. Of a program that was checked with size bytes only the first `readable` may be looked
 * at: one that wants more ends with 0, as one that divides by zero.
 */
u32 bpf_run(const struct sock_filter *program, const u32 *data, size_t size, size_t readable);

#endif
