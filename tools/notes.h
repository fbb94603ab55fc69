/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines that the command adds to standard error while the program runs: kernel messages and system
 * calls. They go through a pump, so that a reader of standard error who is slow does not hold up
 * the event loop, which alone uses this.
 */
#ifndef ARIL_NOTES_H
#define ARIL_NOTES_H

#include <stdbool.h>

#include "tools/outbox.h"
#include "tools/pump.h"

struct notes {
    int wakeup;           /* eventfd for the pump, set by the owner */
    struct outbox outbox; /* what waits for room */
    struct pump pump;     /* started by the first line */
};

/* Adds the line `prefix``line`. */
void notes_add(struct notes *notes, const char *prefix, const char *line);

/* True when so much waits that the VM must wait, too. */
bool notes_full(const struct notes *notes);

/* No more lines will come: true once the last one is written. */
bool notes_finish(struct notes *notes);

#endif
