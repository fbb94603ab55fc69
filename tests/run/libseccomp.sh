#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Filters made by libseccomp decide in the VM as they do on Linux.
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0
gcc -O1 -w -o "$work/filters" tests/run/libseccomp.c -lseccomp || exit 1
for kind in deny allow; do
    timeout -k 5 20 "$work/filters" $kind </dev/null >"$work/linux" 2>&1 || { echo "not ok libseccomp.$kind - fails on Linux"; status=1; continue; }
    for accel in tcg kvm; do
        [ $accel = tcg ] || tests/kvm.sh "libseccomp.$kind" || continue
        timeout -k 5 100 "$B/aril" run --accel $accel --timeout 90 "$work/filters" $kind </dev/null >"$work/vm" 2>"$work/err"
        rc=$?
        if cmp -s "$work/linux" "$work/vm" && [ $rc = 0 ]; then
            echo "ok libseccomp.$kind.$accel"
        else
            diff -U1 "$work/linux" "$work/vm" | sed 's/^/# /'
            sed 's/^/# /' "$work/err"
            echo "not ok libseccomp.$kind.$accel - status $rc"
            status=1
        fi
    done
done
exit $status
