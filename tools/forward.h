/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports of this host that lead into the VM: `-p [ADDR:]HOST:GUEST[/udp]`.
 */
#ifndef ARIL_FORWARD_H
#define ARIL_FORWARD_H

#include "tools/options.h"

/*
 * Options for QEMU's user network, ",hostfwd=..." for each request, malloc'ed; `guest` is the VM's address. Ends the command with
 * a message when a request is malformed or its port cannot be had here.
 */
char *forward_options(const struct strings *requests, const char *guest);

#endif
