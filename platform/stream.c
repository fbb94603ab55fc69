/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's byte streams: which driver serves which. Drivers are probed when the first stream is
 * asked for, so that a program starts before its output device does. A machine without a port for
 * standard error merges it into standard output, as a terminal would.
 */
#include "kernel/lock.h"
#include "platform/stream.h"

static struct {
    const struct stream_ops *ops;
    unsigned port;
} streams[STREAM_COUNT];

static struct mutex probe_lock; /* LOCK_FS: the probe and the table until probed is set */
static bool probed;

void stream_init(void)
{
    mutex_init(&probe_lock, LOCK_FS);
}

void stream_register(enum stream s, const struct stream_ops *ops, unsigned port)
{
    streams[s].ops = ops;
    streams[s].port = port;
}

void stream_event(enum stream s)
{
    kernel_stream_event(s);
    if (s == STREAM_STDIO && streams[STREAM_STDERR].ops == streams[STREAM_STDIO].ops &&
        streams[STREAM_STDERR].port == streams[STREAM_STDIO].port)
        kernel_stream_event(STREAM_STDERR); /* merged, see above */
}

static void probe_drivers(void)
{
    mutex_lock(&probe_lock);
    if (!probed) {
        virtio_console_probe();
        uart_probe();
        if (!streams[STREAM_STDERR].ops)
            streams[STREAM_STDERR] = streams[STREAM_STDIO];
        __atomic_store_n(&probed, true, __ATOMIC_RELEASE);
    }
    mutex_unlock(&probe_lock);
}

bool platform_stream_present(enum stream s)
{
    if (!__atomic_load_n(&probed, __ATOMIC_ACQUIRE))
        probe_drivers();
    return streams[s].ops != NULL;
}

size_t platform_stream_write(enum stream s, const void *data, size_t n)
{
    return platform_stream_present(s) ? streams[s].ops->write(streams[s].port, data, n) : n;
}

size_t platform_stream_read(enum stream s, void *data, size_t n)
{
    return platform_stream_present(s) ? streams[s].ops->read(streams[s].port, data, n) : 0;
}

bool platform_stream_readable(enum stream s)
{
    return platform_stream_present(s) && streams[s].ops->readable(streams[s].port);
}

bool platform_stream_writable(enum stream s)
{
    return !platform_stream_present(s) || streams[s].ops->writable(streams[s].port);
}

bool platform_stream_drained(enum stream s)
{
    return !platform_stream_present(s) || streams[s].ops->drained(streams[s].port);
}

void platform_stream_flush(enum stream s)
{
    if (probed && streams[s].ops)
        streams[s].ops->flush(streams[s].port);
}
