/* SPDX-License-Identifier: BSD-2-Clause */
/* The interfaces there are, for ioctl, netlink and /proc: lo, and eth0 if the machine has a network device. */
#ifndef NET_INTERFACE_H
#define NET_INTERFACE_H

#include "kernel/types.h"

/* <linux/if_arp.h> would bring the C library's headers in. */
#define ARPHRD_ETHER    1
#define ARPHRD_LOOPBACK 772

#define LOOPBACK_INDEX 1
#define OUTSIDE_INDEX  2     /* eth0 */
#define INTERFACES     2
#define LOOPBACK_MTU   65536
#define LOOPBACK_IPV4  0x0100007fu /* 127.0.0.1 in network order */

/* struct ifreq's and rtnetlink's flags. <linux/if.h> would bring the C library's headers in. */
#define INTERFACE_UP        0x1
#define INTERFACE_BROADCAST 0x2
#define INTERFACE_LOOPBACK  0x8
#define INTERFACE_RUNNING   0x40
#define INTERFACE_MULTICAST 0x1000
#define INTERFACE_LOWER_UP  0x10000

struct interface_address {
    u8 ip[16];      /* IPv4 mapped */
    u8 prefix;      /* bits, of the IP version */
    bool tentative; /* IPv6: not known to be the only one yet */
    bool permanent; /* not from a lease or an advertisement */
    /* of IPv4, as rtnetlink(7) has them */
    u8 scope;             /* RT_SCOPE_* */
    bool secondary;       /* not the first one in its network */
    bool broadcast;       /* its broadcast address is told */
    bool no_prefix_route; /* its network is not on the link */
    char label[16];       /* empty: the interface's name */
};
#define INTERFACE_ADDRESSES 25

struct interface {
    char name[16];
    int index;
    u16 type;       /* ARPHRD_* */
    u32 flags, mtu;
    u8 mac[6];
    bool running;   /* there is a link */
    bool up;
    u8 gateway[16], gateway6[16]; /* unspecified: none */
    bool router_advertised;       /* gateway6 is known from an advertisement */
    unsigned n_addresses;         /* of IPv4 first */
    struct interface_address addresses[INTERFACE_ADDRESSES];
    u64 rx_frames, rx_bytes, rx_dropped, rx_multicast, tx_frames, tx_bytes, tx_dropped;
};
/* The interface with this index; false: none. Sleeps while the network starts. */
bool interface_get(int index, struct interface *i);
/* The same by name. */
bool interface_find(const char *name, struct interface *i);
/* RFC 2863's ifOperStatus as Linux numbers it: 0 unknown, as lo always is, 2 down, 6 up. */
u8 interface_operstate(const struct interface *i);
/* Something about an interface is not as it was: whoever listens is told soon (net/netlink_route.c). Atomic. */
void interface_changed(void);

/* Changes by privileged programs. 0, or the errors of rtnetlink(7): what cannot be, as lo down, is -EOPNOTSUPP. Sleep. */
int interface_change(const struct interface *i, u32 flags, u32 mtu);
int interface_set_address(const struct interface *i, const struct interface_address *a, bool add);
int interface_set_gateway(const struct interface *i, const u8 *gateway, bool add, bool replace);
/* Is ip in the network of one of i's addresses? */
bool interface_is_on_link(const struct interface *i, const u8 ip[16]);

#endif
