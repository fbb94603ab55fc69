/* SPDX-License-Identifier: BSD-2-Clause */
/* Random numbers: a ChaCha20 generator (RFC 8439 block function) seeded from RDSEED/RDRAND, virtio-rng and timing jitter. */
#ifndef KERNEL_RANDOM_H
#define KERNEL_RANDOM_H

#include "kernel/types.h"

void random_init(void);
/* Fills buf; always succeeds. Not for interrupt context. */
void random_bytes(void *buf, size_t n);
u64 random_u64(void);
/* Mixes n bytes in; credits no entropy. */
void random_mix(const void *buf, size_t n);

/* The block function of RFC 8439, section 2.3.2. */
void chacha20_block(const u32 key[8], u32 counter, const u32 nonce[3], u8 out[64]);

#endif
