#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# many_names.sh: a small VM looks at more files than it can remember.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
gcc -static -O1 -pthread -o "$work/program" tests/run/many_names.c || { echo "not ok many_names - does not build"; exit 1; }

check() # KERNEL ACCEL CPUS
{
    timeout -k 5 110 "$B/aril" run --kernel "$1" --root none --accel "$2" --cpus "$3" -m 128M --timeout 100 "$work/program" \
        </dev/null >"$work/out" 2>"$work/err"
    rc=$?
    if [ $rc = 0 ] && [ "$(cat "$work/out")" = "0 failures, memory given back" ]; then
        echo "ok many_names.$2.$3"
    else
        head -n 12 "$work/out" "$work/err" | sed 's/^/# /'
        echo "not ok many_names.$2.$3 - status $rc"
        failed=1
    fi
}

kernel=$B/aril.elf
[ -f "$B/debug/aril.elf" ] && kernel=$B/debug/aril.elf
if tests/kvm.sh many_names; then
    check "$kernel" kvm 2
    check "$kernel" kvm 4
fi
check "$kernel" tcg 2
exit $failed
