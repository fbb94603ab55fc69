/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Classic BPF: programs that always end, over a few 32-bit words of data for seccomp(2), over packets for sockets (socket(7),
 * SO_ATTACH_FILTER). Pure functions of their arguments, tested and fuzzed on the host. The language: networking/filter.rst of
 * Linux's documentation.
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

/* What a program over packets sees: a head and what follows it as one, and facts that are not in there (SKF_AD_*). */
struct bpf_packet {
    const u8 *head, *rest;
    u32 head_length, rest_length; /* bytes */
    u32 network;                  /* where IP's header begins, for SKF_NET_OFF */
    u16 protocol, hardware;       /* ETH_P_*, ARPHRD_* */
    u8 type;                      /* PACKET_* */
    u8 interface;                 /* index */
    u32 cpu, random;
};
/* As the other two: loads of any size at any offset, which end the program with 0 if they are outside; SKF_*_OFF; BPF_MOD. */
int bpf_check_packet(const struct sock_filter *program, size_t length, u16 *scratch);
u32 bpf_run_packet(const struct sock_filter *program, const struct bpf_packet *p);

#endif
