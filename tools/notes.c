/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines for standard error.
 */
#include "tools/notes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/message.h"

#define FULL 262144

static void start(struct notes *notes)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        die(STATUS_FAILED, "cannot make a socket: %s", strerror(errno));
    notes->outbox.socket = pair[0];
    notes->pump = (struct pump){
        .from = pair[1], .to = STDERR_FILENO, .wakeup = notes->wakeup, .discard = true};
    pump_start(&notes->pump);
}

void notes_add(struct notes *notes, const char *prefix, const char *line)
{
    char *text;

    if (!notes->pump.started)
        start(notes);
    text = format_string("%s%s%s", prefix, line, message_newline());
    outbox_add(&notes->outbox, text, strlen(text));
    free(text);
}

bool notes_full(const struct notes *notes)
{
    return notes->outbox.length >= FULL;
}

bool notes_finish(struct notes *notes)
{
    if (notes->pump.started && notes->outbox.length == 0)
        shutdown(notes->outbox.socket, SHUT_WR);
    return pump_done(&notes->pump);
}
