/* SPDX-License-Identifier: BSD-2-Clause */
/* The loopback interface's figures, for ioctl and netlink. */
#ifndef NET_INTERFACE_H
#define NET_INTERFACE_H

#define LOOPBACK_INDEX 1
#define LOOPBACK_MTU   65536
#define LOOPBACK_IPV4  0x0100007fu /* 127.0.0.1 in network order */

#endif
