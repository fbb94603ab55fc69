/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer target: the network, by scripts of frames and calls (tests/unit/network_script.h).
 * make: it is linked by the Makefile, with all of net/ and lwIP
 */
#include <stddef.h>
#include <stdint.h>
#include "tests/unit/network_script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    network_script_play(data, size);
    return 0;
}
