/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Outboxes.
 */
#include "tools/outbox.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "tools/message.h"

void outbox_add(struct outbox *outbox, const char *bytes, size_t count)
{
    if (count == 0)
        return;
    outbox->bytes = reallocate(outbox->bytes, outbox->length + count);
    memcpy(outbox->bytes + outbox->length, bytes, count);
    outbox->length += count;
    outbox_flush(outbox);
}

void outbox_flush(struct outbox *outbox)
{
    size_t sent = 0;

    while (sent < outbox->length) {
        ssize_t n = send(outbox->socket, outbox->bytes + sent, outbox->length - sent,
                         MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            sent = outbox->length;
        if (n < 0)
            break;
        sent += (size_t)n;
    }
    if (sent == 0)
        return;
    outbox->length -= sent;
    memmove(outbox->bytes, outbox->bytes + sent, outbox->length);
}
