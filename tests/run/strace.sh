#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# strace.sh: the trace of `aril run --strace` reads as strace's on Linux, but for addresses and ids.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
gcc -static -O1 -w -D_GNU_SOURCE -o "$work/calls" tests/run/strace_calls.c || { echo "not ok strace - the program does not build"; exit 1; }

# From getppid on; addresses, own ids and what depends on the machine made alike.
plain() # FILE PID
{
    sed -n '/^getppid/,$p' "$1" | sed -E -e '/^getppid/d' -e "s/\b$2\b/PID/g" -e '/^kernel: /d' -e 's/\) += /) = /' \
        -e 's/0x[0-9a-f]{6,}/ADDR/g' -e 's/ \(core dumped\)//'
}

sh -c 'ulimit -c 0; cd / && strace -o "$0" "$1"; true' "$work/linux.trace" "$work/calls" >/dev/null 2>&1
pid=$(sed -n 's/^gettid() *= //p' "$work/linux.trace" | head -n 1)
plain "$work/linux.trace" "$pid" >"$work/linux"
[ "$(wc -l <"$work/linux")" -gt 100 ] || { echo "not ok strace - strace itself does not run here"; exit 1; }

failed=0
for accel in kvm tcg; do
    [ $accel = tcg ] || tests/kvm.sh strace || continue
    timeout -k 5 90 "$B/aril" run --accel $accel --cpus 2 --strace "$work/calls" </dev/null >/dev/null 2>"$work/vm.trace"
    plain "$work/vm.trace" 2 >"$work/vm.$accel"
    if sed "s/\b2\b/PID/g" "$work/linux" >"$work/a" && sed "s/\b2\b/PID/g" "$work/vm.$accel" >"$work/b" && diff -U0 "$work/a" "$work/b" >"$work/diff"; then
        echo "ok strace.$accel"
    else
        sed 's/^/# /' "$work/diff"
        echo "not ok strace.$accel - the traces differ"
        failed=1
    fi
done
exit $failed
