/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tries KVM by making a VM: a /dev/kvm that opens can still refuse that (no hardware support,
 * another hypervisor holds it, a container's filter).
 */
#include "tools/accelerator.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/message.h"

#define KVM_DEVICE "/dev/kvm"

/* NULL when KVM works, else why it does not. `*broken` tells a defect from an absence. */
static char *try_kvm(bool *broken)
{
    int kvm = open(KVM_DEVICE, O_RDWR | O_CLOEXEC);
    char *fault = NULL;
    int version, vm;

    if (kvm < 0) {
        *broken = errno != ENOENT;
        if (errno == EACCES)
            return duplicate("no permission for " KVM_DEVICE " (are you in the group kvm?)");
        return format_string("cannot open " KVM_DEVICE ": %s", strerror(errno));
    }
    version = ioctl(kvm, KVM_GET_API_VERSION, 0);
    if (version != KVM_API_VERSION) {
        fault = format_string(KVM_DEVICE " speaks version %d of its interface, not %d", version,
                              KVM_API_VERSION);
    } else {
        vm = ioctl(kvm, KVM_CREATE_VM, 0);
        if (vm < 0)
            fault = format_string(KVM_DEVICE " cannot make a VM: %s", strerror(errno));
        else
            close(vm);
    }
    close(kvm);
    *broken = fault != NULL;
    return fault;
}

struct accelerator_choice accelerator_choose(enum accelerator wanted)
{
    struct accelerator_choice choice = {0};

    if (wanted == ACCELERATOR_TCG || wanted == ACCELERATOR_TCG_SINGLE) {
        choice.reason = duplicate("asked for with --accel tcg");
        return choice;
    }
    choice.reason = try_kvm(&choice.broken);
    if (!choice.reason) {
        choice.kvm = true;
        choice.reason = duplicate(KVM_DEVICE " works");
    } else if (wanted == ACCELERATOR_KVM) {
        die(STATUS_FAILED, "KVM does not work here: %s; --accel tcg emulates instead",
            choice.reason);
    }
    return choice;
}
