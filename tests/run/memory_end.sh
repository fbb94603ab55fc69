#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A program that uses up the memory of a small machine, in many ways: it is told so by a call, or the VM ends with a message
# that has the figures and status 137. Never a hang, never a failure of the kernel. Prints ok/not ok lines.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath "${B:-build}")
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
${CC:-gcc} -static -O1 -pthread -o "$dir/memory_end" tests/run/memory_end.c || exit 1
status=0

# one ACCEL CPUS WAY...
one() {
    local accel=$1 cpus=$2 way
    shift 2
    for way in "$@"; do
        timeout -k 5 100 "$build/aril" run --accel "$accel" --cpus "$cpus" -m 24M --timeout 90 "$dir/memory_end" "$way" \
            >"$dir/out" 2>&1 </dev/null
        case $? in
        137)
            if grep -qE 'out of memory.*[0-9]+ [KM]iB' "$dir/out"; then
                echo "ok $way.$accel.$cpus"
                continue
            fi
            ;;
        3)
            if grep -qE ': E(NOMEM|NOSPC|AGAIN|MFILE|NOBUFS)$' "$dir/out"; then
                echo "ok $way.$accel.$cpus"
                continue
            fi
            ;;
        esac
        echo "not ok $way.$accel.$cpus - $(tail -n 3 "$dir/out" | tr '\n' '|')"
        status=1
    done
}

ways="touch pages populate lock heap sparse regions kernel-copies file memfd shared names pipes terminals sockets epolls threads timers signals"
# shellcheck disable=SC2086
if tests/kvm.sh memory_end; then
    one kvm 2 $ways
    one tcg 1 touch sparse file threads
else
    one tcg 2 $ways
fi
exit $status
