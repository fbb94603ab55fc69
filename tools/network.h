/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VM's network: `--net`, `-p`, `--ip`, `--dns`, checked.
 */
#ifndef ARIL_NETWORK_H
#define ARIL_NETWORK_H

#include <stdio.h>

#include "tools/options.h"

enum network_kind { NETWORK_NONE, NETWORK_USER, NETWORK_TAP };

struct network {
    enum network_kind kind;
    char *netdev;            /* QEMU's -netdev */
    char *device;            /* QEMU's -device */
    int tap;                 /* NETWORK_TAP: the open interface, for QEMU; else -1 */
    struct strings addresses; /* words for the kernel, net.ip= */
    char *servers;            /* what follows net.dns=, or NULL */
};

/*
 * Checks what the options ask for, and whether it can be had here: ports that are free, an interface that may be opened. Ends the
 * command with a message when not.
 */
void network_open(struct network *network, const struct run_options *options);
void network_close(struct network *network);

/* Words for the kernel, each with a blank before it. */
void network_print_parameters(const struct network *network, FILE *stream);

/* Adds QEMU's options. */
void network_add_device(const struct network *network, struct strings *command);

#endif
