/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which accelerator runs the VM: the host's KVM, or QEMU's emulation (TCG).
 */
#ifndef ARIL_ACCELERATOR_H
#define ARIL_ACCELERATOR_H

#include <stdbool.h>

#include "tools/options.h"

struct accelerator_choice {
    bool kvm;     /* KVM, else TCG */
    bool broken;  /* /dev/kvm is there and does not work */
    char *reason; /* why, in words that follow "KVM: " or "TCG: " */
};

/*
 * Chooses by what `wanted` asks for and by trying /dev/kvm: it is opened, and a VM made and
 * dropped. Ends the command with a message when KVM is asked for and does not work.
 */
struct accelerator_choice accelerator_choose(enum accelerator wanted);

#endif
