/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text on its way into a socket of ours that must not be waited for: what the socket does not take
 * at once is kept. Only the thread of the event loop uses it.
 */
#ifndef ARIL_OUTBOX_H
#define ARIL_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

struct outbox {
    int socket;
    char *bytes; /* malloc'ed; what the socket has not taken */
    size_t length;
};

/* Adds bytes and sends what goes. */
void outbox_add(struct outbox *outbox, const char *bytes, size_t count);

/*
 * Sends what goes; call it when poll() says POLLOUT. What a dead socket does not take is dropped.
 */
void outbox_flush(struct outbox *outbox);

#endif
