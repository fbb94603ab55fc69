/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tap interface of this host, as the VM's cable: `--net tap=NAME`.
 */
#ifndef ARIL_TAP_H
#define ARIL_TAP_H

/* Opens it for QEMU; its MTU goes to *mtu. Ends the command with a message when it cannot be had. */
int tap_open(const char *name, unsigned *mtu);

/* An Ethernet address that stays the VM's as long as its interface and this machine keep their names. */
void tap_make_address(const char *name, unsigned char address[6]);

#endif
