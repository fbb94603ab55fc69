/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pump threads. They are never joined: one that is blocked in a read of the terminal ends with
 * the process.
 */
#include "tools/pump.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "tools/message.h"

/* What a virtio-serial buffer and a pipe hold; larger chunks gain nothing. */
#define CHUNK 65536

static void wake(const struct pump *pump)
{
    uint64_t one = 1;
    ssize_t ignored = write(pump->wakeup, &one, sizeof(one));

    (void)ignored;
}

/* After an error of read or write: true to try again. The descriptor may be O_NONBLOCK by its
 * other users' choice. */
static bool retry(int fd, short events)
{
    struct pollfd entry = {.fd = fd, .events = events};

    if (errno == EINTR)
        return true;
    if (errno != EAGAIN)
        return false;
    poll(&entry, 1, -1);
    return true;
}

static void pass_on(struct pump *pump, const char *bytes, size_t count)
{
    while (count > 0 && !atomic_load(&pump->sink_error)) {
        ssize_t n = write(pump->to, bytes, count);

        if (n < 0) {
            if (retry(pump->to, POLLOUT))
                continue;
            atomic_store(&pump->sink_error, errno);
            wake(pump);
            return;
        }
        bytes += n;
        count -= (size_t)n;
        atomic_fetch_add(&pump->bytes, (unsigned long long)n);
    }
}

static void *run(void *argument)
{
    struct pump *pump = argument;
    char chunk[CHUNK];

    for (;;) {
        ssize_t n = read(pump->from, chunk, sizeof(chunk));

        if (n < 0 && retry(pump->from, POLLIN))
            continue;
        if (n < 0)
            atomic_store(&pump->source_error, errno);
        if (n <= 0)
            break;
        if (pump->watcher)
            pump->watcher(pump->context, chunk, (size_t)n);
        pass_on(pump, chunk, (size_t)n);
        if (atomic_load(&pump->sink_error) && !pump->discard)
            break;
    }
    atomic_store(&pump->ended, true);
    wake(pump);
    return NULL;
}

void pump_start(struct pump *pump)
{
    pthread_attr_t attributes;
    pthread_t thread;
    int error;

    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 2 * CHUNK + 65536);
    error = pthread_create(&thread, &attributes, run, pump);
    pthread_attr_destroy(&attributes);
    if (error)
        die(STATUS_FAILED, "cannot start a thread: %s", strerror(error));
    pump->started = true;
}

bool pump_done(const struct pump *pump)
{
    return !pump->started || atomic_load(&pump->ended);
}
