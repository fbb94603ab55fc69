/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's network (net/, net/lwip/ and lwIP itself) on the host, for tests/unit/test_network.c and tests/fuzz/fuzz_network.c: over a
 * device, a clock and an allocator that the test moves. One thread; what waits is told at once that a signal came.
 */
#ifndef TESTS_UNIT_NETWORK_HOST_H
#define TESTS_UNIT_NETWORK_HOST_H

#include "kernel/types.h"

#define HOST_ADDRESS4   {10, 0, 0, 2}               /* the VM's, /24 */
#define HOST_ADDRESS6   {0xfd, [15] = 2}            /* /64 */
#define HOST_ROUTER4    {10, 0, 0, 1}
#define HOST_MAC        {2, 0, 0, 0, 0, 2}
#define HOST_MTU        1500

/* A frame that the VM has sent, whole; the device has read it. Called by what moves time or frames. */
extern void (*host_sent)(const u8 *frame, size_t n);

/* Boots the network. Once. */
void host_network_start(void);
/* A frame of n bytes arrives, in buffers of at most piece bytes (0: one); good: the device says that its checksums are. */
void host_network_frame(const u8 *frame, size_t n, size_t piece, bool good);
/* Does what is to be done now. */
void host_network_work(void);
/* Time passes, and timers run. */
void host_network_pass(nsec_t time);
/* While it holds, the device reads nothing of what it is given to send. */
void host_network_hold(bool hold);
/* The cable. */
void host_network_link(bool up);
/* Takes the interface down, which forgets all that it has learnt, and up again with its fixed addresses. */
void host_network_restart(void);
/* The VM's IPv4 address is one of two, and not lwIP's; a route leads the peer's way. Or no longer. */
void host_network_further(bool on);
/* The n-th allocation from now on fails, and all after it until 0 says that there is memory again. */
void host_memory_end(unsigned n);
/* The share of memory that is free, in percent. */
void host_memory_free(unsigned percent);
/* Blocks allocated and not freed, received buffers among them. */
size_t host_memory_blocks(void);
/* Prints them. */
void host_memory_show(void);
/* The seed of what the kernel takes for random. */
void host_random_seed(u64 seed);

#endif
