#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Builds the test kernel of platform/x86 and runs it: ring 3 on KVM where there is one, ring 0 and ring 3
# on TCG, with 1 and 2 CPUs ($CPUS). Prints ok/not ok/skip lines; status 1 on a failure.
cd "$(dirname "$0")/../.." || exit 1
b=${B:-build}
make -s B="$b" "$b/kernel_x86.elf" "$b/kernel_net.elf" > /dev/null || exit 1

failed=0
run() { # name, seconds, QEMU arguments
    name=$1 limit=$2
    shift 2
    out=$(timeout -k 5 "$limit" qemu-system-x86_64 "$@" -nodefaults -no-user-config -display none -no-reboot \
        -serial stdio -kernel "$b/kernel_x86.elf" -device isa-debug-exit,iobase=0xf4,iosize=4 < /dev/null 2>&1)
    if [ "$(echo "$out" | tail -n 1 | tr -d '\r')" = SUCCESS ]; then
        echo "ok platform.$name"
    else
        failed=1
        echo "$out" | tail -n 40 | sed 's/^/# /'
        echo "not ok platform.$name - the last line is not SUCCESS"
    fi
    [ -n "${VERBOSE:-}" ] && echo "$out" | sed 's/^/# /'
}
for cpus in ${CPUS:-1 2}; do
    if tests/kvm.sh "platform.$cpus"; then
        run "kvm.$cpus" 60 -M microvm,acpi=off,pit=off,pic=off,rtc=off -accel kvm \
            -cpu host,-arch-capabilities -m $((cpus * 1024 - 960)) -smp "$cpus"
    fi
    run "tcg.ring0.$cpus" 90 -M microvm,acpi=off -accel tcg -cpu max -m 64 -smp "$cpus"
    run "tcg.ring3.$cpus" 90 -M microvm,acpi=off -accel tcg -cpu max -m 64 -smp "$cpus" -append ring=3
done

# The network driver, with frames from outside.
frames() { # name, QEMU arguments
    name=$1
    shift
    timeout -k 5 200 python3 tests/platform/net/frames.py "platform.net.$name" qemu-system-x86_64 "$@" -nodefaults -no-user-config \
        -display none -no-reboot -serial stdio -kernel "$b/kernel_net.elf" -device isa-debug-exit,iobase=0xf4,iosize=4 \
        -global virtio-mmio.force-legacy=false || failed=1
}
for cpus in ${CPUS:-1 2}; do
    if tests/kvm.sh "platform.net.$cpus"; then
        frames "kvm.$cpus" -M microvm,acpi=off,pit=off,pic=off,rtc=off -accel kvm -cpu host,-arch-capabilities -m 64 -smp "$cpus"
    fi
    frames "tcg.$cpus" -M microvm,acpi=off,pic=off -accel tcg -cpu max -m 64 -smp "$cpus"
done
# Little memory: few buffers, and none for large frames.
frames tcg.small -M microvm,acpi=off,pic=off -accel tcg -cpu max -m 6 -smp 1

# A machine with ACPI tables and memory on both sides of the first GiB.
run "tcg.q35" 120 -M q35 -accel tcg -cpu max -m 3072 -smp 2
[ "$failed" = 0 ]
