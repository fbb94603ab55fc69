#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Builds the test kernel of platform/x86 and runs it: ring 3 on KVM where there is one, ring 0 and ring 3
# on TCG, with 1 and 2 CPUs ($CPUS). Prints ok/not ok/skip lines; status 1 on a failure.
cd "$(dirname "$0")/../.." || exit 1
b=${B:-build}
flags=$(sed -n '/^KFLAGS *=/,/[^\\]$/p' Makefile | sed '1s/^[^=]*=//; s/\\$//' | tr '\n' ' ' | sed 's/\$(WARN)//; s/-MMD -MP//')
mkdir -p "$b/test"
objects=
for f in platform/x86/*.c platform/x86/*.S platform/kvm/*.c kernel/lib/printf.c kernel/lib/string.c tests/platform/*.c tests/platform/*.S; do
    o=$b/test/$(echo "$f" | tr / _).o
    case $f in *.S) define=-D__ASSEMBLY__ ;; *) define= ;; esac
    # shellcheck disable=SC2086
    gcc $flags $define -c "$f" -o "$o" || exit 1
    objects="$objects $o"
done
link="ld -nostdlib -static -z noexecstack --no-warn-rwx-segments -z max-page-size=4096 -T platform/x86/kernel.ld --build-id=none"
# shellcheck disable=SC2086
$link -o "$b/test/kernel_x86.pass1" $objects || exit 1
nm -n "$b/test/kernel_x86.pass1" | awk -f platform/x86/symbols.awk > "$b/test/symbols.S"
gcc -c "$b/test/symbols.S" -o "$b/test/symbols.o" || exit 1
# shellcheck disable=SC2086
$link -o "$b/test/kernel_x86.elf" $objects "$b/test/symbols.o" || exit 1

failed=0
run() { # name, seconds, QEMU arguments
    name=$1 limit=$2
    shift 2
    out=$(timeout "$limit" qemu-system-x86_64 "$@" -nodefaults -no-user-config -display none -no-reboot \
        -serial stdio -kernel "$b/test/kernel_x86.elf" -device isa-debug-exit,iobase=0xf4,iosize=4 < /dev/null 2>&1)
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
    if [ ! -w /dev/kvm ]; then
        echo "skip platform.kvm.$cpus - /dev/kvm is not usable here"
    else
        run "kvm.$cpus" 60 -M microvm,acpi=off,pit=off,pic=off,rtc=off -accel kvm \
            -cpu host,-arch-capabilities -m 64 -smp "$cpus"
    fi
    run "tcg.ring0.$cpus" 90 -M microvm,acpi=off -accel tcg -cpu max -m 64 -smp "$cpus"
    run "tcg.ring3.$cpus" 90 -M microvm,acpi=off -accel tcg -cpu max -m 64 -smp "$cpus" -append ring=3
done
[ "$failed" = 0 ]
