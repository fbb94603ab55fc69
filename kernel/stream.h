/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting on the host's byte streams (enum stream of platform.h), for the files over them and for the
 * control channel.
 */
#ifndef KERNEL_STREAM_H
#define KERNEL_STREAM_H

#include "kernel/wait.h"

/* Woken when the stream may have become readable, writable or closed. */
extern struct wait_queue stream_events[STREAM_COUNT];

/* Once, after the scheduler works and platform_init_devices() ran; streams may be used from then on. */
void stream_events_init(void);
bool streams_ready(void);
/* Writes all n bytes, sleeping for room. Not interruptible. */
void stream_write_all(enum stream s, const void *data, size_t n);
/* Sleeps until the host has all that was written. 0, or -ERESTARTSYS for a signal. */
int stream_drain(enum stream s);

#endif
