/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys that end a VM on a terminal, where every other key is the program's: Ctrl-] three times
 * within a second, as with systemd-nspawn.
 */
#ifndef ARIL_ESCAPE_H
#define ARIL_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct escape {
    uint64_t times[2]; /* of the last two Ctrl-] in a row, nanoseconds; 0: none */
};

/* Looks at typed bytes, which arrived at `now` (nanoseconds, not 0). True when they end the VM. */
bool escape_typed(struct escape *escape, const char *bytes, size_t count, uint64_t now);

#endif
