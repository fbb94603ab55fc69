/* SPDX-License-Identifier: BSD-2-Clause */
/* Starts the drivers. Each touches its device only when it is first used, which keeps boot short. */
#include "platform/stream.h"

void platform_init_devices(void)
{
    stream_init();
    virtio_rng_init();
    virtio_ninep_init();
    virtio_block_init();
    virtio_net_init();
}
