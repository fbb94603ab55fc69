/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pump copies bytes from one descriptor to another in a thread of its own, until the source
 * ends. Reads and writes block, so O_NONBLOCK is never set: a descriptor of ours may share its
 * flags with other processes. A slow reader thus holds the source back and nothing else.
 */
#ifndef ARIL_PUMP_H
#define ARIL_PUMP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Sees each chunk before it is passed on; runs in the pump's thread. */
typedef void pump_watcher(void *context, const char *bytes, size_t count);

struct pump {
    int from, to;
    int wakeup;              /* eventfd to add 1 to when `ended` or `sink_error` changes */
    pump_watcher *watcher;   /* may be NULL */
    void *context;           /* for the watcher */
    bool discard;            /* after a failed write: go on reading and discard; else end */
    atomic_ullong bytes;     /* bytes taken from the source and passed on */
    atomic_int source_error; /* errno of the read that ended it; 0: end of file */
    atomic_int sink_error;   /* errno of the write that failed */
    atomic_bool ended;       /* the thread has passed on the last byte */
    bool started;
};

/*
 * Starts the thread. `from`, `to`, `wakeup` and the watcher are set by the caller, the rest is
 * zero. Ends the command with a message if there can be no thread.
 */
void pump_start(struct pump *pump);

/* True when there is nothing more to come: never started, or ended. */
bool pump_done(const struct pump *pump);

#endif
