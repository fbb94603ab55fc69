#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# kvm.sh [NAME]: can a VM be made with KVM here? Status 0; or 1 and why not, with a NAME as the line of a test that is left
# out, "skip NAME.kvm - WHY". That /dev/kvm may be opened says little: KVM_CREATE_VM is tried, once for all tests of a run
# (KVM_PROBLEM).
if [ -z "${KVM_PROBLEM+known}" ]; then
    KVM_PROBLEM=$(python3 - <<'PROBE' 2>&1
import fcntl, os
try:
    fd = os.open('/dev/kvm', os.O_RDWR)
    fcntl.ioctl(fd, 0xAE01, 0)  # KVM_CREATE_VM
except OSError as e:
    print('/dev/kvm is not usable here: ' + e.strerror)
PROBE
    )
fi
[ -n "$KVM_PROBLEM" ] || exit 0
echo "${1:+skip $1.kvm - }$KVM_PROBLEM"
exit 1
