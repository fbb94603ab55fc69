/* SPDX-License-Identifier: BSD-2-Clause */
/* See stream.h. Drivers report by kernel_stream_event(); whoever waits looks at the stream again. */
#include "kernel/stream.h"

struct wait_queue stream_events[STREAM_COUNT];
static bool ready;

void stream_events_init(void)
{
    for (unsigned i = 0; i < STREAM_COUNT; i++)
        wait_queue_init(&stream_events[i]);
    ready = true;
}

bool streams_ready(void)
{
    return ready;
}

void kernel_stream_event(enum stream s)
{
    wait_wake_all(&stream_events[s]);
}

void stream_write_all(enum stream s, const void *data, size_t n)
{
    const char *p = data;

    while (n) {
        size_t done = platform_stream_write(s, p, n);

        p += done;
        n -= done;
        if (n)
            wait_event(&stream_events[s], platform_stream_writable(s), NSEC_NEVER,
                       WAIT_UNINTERRUPTIBLE);
    }
}

int stream_drain(enum stream s)
{
    return wait_event(&stream_events[s], platform_stream_drained(s), NSEC_NEVER, WAIT_INTERRUPTIBLE);
}
