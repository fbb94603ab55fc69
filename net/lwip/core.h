/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's side of lwIP: one lock over all of it, the interface, time. Only files of net/lwip/ include this; sockets
 * know net/network.h.
 */
#ifndef NET_LWIP_CORE_H
#define NET_LWIP_CORE_H

#include "kernel/lock.h"
#include "kernel/types.h"
#include "lwip/ip_addr.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "net/network.h"

/*
 * The core lock (LOCK_NETWORK): lwIP and the device are used under it alone. A spinlock, held for one operation or a batch of
 * frames; socket locks may be taken inside. Unlocking sends what was queued meanwhile.
 */
void core_lock(void);
void core_unlock(void);
/* For a program's data: it may wait, half a millisecond at most, for what the program sends next. */
void core_unlock_soon(void);
/* Has network_work() run soon. Atomic. */
void core_wake(void);

/* ------------------------------------------------------------ net/lwip/timers.c */

/* lwIP's periodic functions that are due. Core lock held. */
void timers_run(void);
/* Arms the kernel's timer for the next one, if there is a new need. Core lock held. */
void timers_update(void);
/* Is it needed for what a program's data may begin? Core lock held. */
bool timers_tcp_begins(void);

/* ------------------------------------------------------------ net/lwip/device.c */

extern struct netif device_netif;
extern bool device_present; /* constant after boot's first thread of the network */
/* Finds the first network device and makes it the interface. False: there is none. Sleeps. */
bool device_start(void);
/* Takes what arrived, DEVICE_BUDGET frames at most; how many. Core lock held. */
unsigned device_poll(void);
#define DEVICE_BUDGET 64
/* Has the device interrupt, once, from now on; false: there is something already. Core lock held. */
bool device_listen(void);
/* Would a poll find something? Lockless. */
bool device_pending(void);
/* Was the device not told of something? Lockless. */
bool device_untold(void);
/*
 * Sends what was queued. Telling the device costs an exit of the VM: unless now, it may be left for later, so that it is told of
 * several frames at once; then false. Core lock held.
 */
bool device_flush(bool now);
/* Does the device cut large segments of TCP over IPv6, or IPv4? */
bool device_segments(bool v6);
/* Frees p, memory of the heap that frames under way may still be read from, once they are sent. Core lock held. */
void device_free_later(void *p);
/* Do frames that arrived and nobody has read take up their share of memory? Who has some then gets no more. */
bool device_is_full(void);
/* Counters of frames and bytes. */
struct device_counters {
    u64 rx_frames, rx_bytes, rx_dropped, rx_multicast, tx_frames, tx_bytes, tx_dropped;
    u64 rx_octets[2], tx_octets[2]; /* of IPv4 and IPv6 in them */
};
extern struct device_counters device_counters; /* under the core lock */

/* ------------------------------------------------------------ net/lwip/checks.c */

/* Packets that may wait for neighbours' hardware addresses, of each IP version: a share of memory. Set at the start. */
extern u32 checks_waiting_max;

/* ------------------------------------------------------------ net/lwip/address.c */

/* Addresses as sockets have them (16 bytes, IPv4 mapped) and as lwIP has. */
void address_to_lwip(const u8 ip[16], ip_addr_t *out);
void address_from_lwip(const ip_addr_t *in, u8 ip[16]);
/* Does lwIP know a router of IPv6? Core lock held. */
bool address_has_router(void);

/* ------------------------------------------------------------ net/lwip/raw.c */

/* All bytes of p in one piece: its own memory, or *copy, which the caller frees (NULL: nothing to free). NULL: out of memory. */
const u8 *whole_of(const struct pbuf *p, u8 **copy);

/* ------------------------------------------------------------ net/lwip/config.c */

/* Gives the interface its addresses, as the kernel's parameters say. Core lock held. */
void config_start(void);
/* The IPv4 address is the program's business from now on. Core lock held. */
void config_forget_dhcp(void);
/* Waits for an IPv4 address until limit after the network's start; false: there is none. Sleeps. */
bool config_await_v4(nsec_t limit);
/* An address in n characters. 0 or -EINVAL. */
int config_parse_address(const char *from, size_t n, ip_addr_t *out);

#endif
