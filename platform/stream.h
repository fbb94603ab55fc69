/* SPDX-License-Identifier: BSD-2-Clause */
/* How a driver offers one of the host's byte streams (enum stream of platform.h). */
#ifndef PLATFORM_STREAM_H
#define PLATFORM_STREAM_H

#include "platform/platform.h"

/* As the platform_stream_*() functions say, with the driver's own number for the stream. */
struct stream_ops {
    size_t (*write)(unsigned port, const void *data, size_t n);
    size_t (*read)(unsigned port, void *data, size_t n);
    bool (*readable)(unsigned port);
    bool (*writable)(unsigned port);
    bool (*drained)(unsigned port);
    void (*flush)(unsigned port);
};

/* Called from a driver's probe. */
void stream_register(enum stream s, const struct stream_ops *ops, unsigned port);

/* Probes, called once each when the first stream is asked for. */
void virtio_console_probe(void);
void uart_probe(void);

/* A driver's way to say that stream s became readable, writable or closed. Masked. */
void stream_event(enum stream s);

/* Prepare locks and wait queues; no device is touched. */
void stream_init(void);
void virtio_rng_init(void);
void virtio_ninep_init(void);
void virtio_block_init(void);
void virtio_net_init(void);

#endif
