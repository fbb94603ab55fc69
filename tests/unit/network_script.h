/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a story of the network and of a program in the VM: frames good and bad, whole TCP conversations, calls, time, memory that
 * ends. What must hold is checked: streams carry the bytes that were sent, frames are well-formed, and at the end nothing is left.
 */
#ifndef TESTS_UNIT_NETWORK_SCRIPT_H
#define TESTS_UNIT_NETWORK_SCRIPT_H

#include "kernel/types.h"

/* Plays a script from beginning to end; the network is as new before and afterwards. */
void network_script_play(const u8 *data, size_t n);

#endif
