#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# patches.sh: hot system-call sites are patched, in both forms, and /proc/aril/patches counts what was done. (That the program
# cannot tell is the ABI tests' business: syscall_sites, syscall_holes.)
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
gcc -static -O1 -g -pthread -mno-red-zone -w -D_GNU_SOURCE -o "$work/holes" tests/abi/syscall_holes.c &&
    gcc -static -O2 -w -D_GNU_SOURCE -o "$work/calls" tests/run/patch_calls.c || { echo "not ok patches - a program does not build"; exit 1; }

failed=0
vm() # ACCEL CPUS APPEND PROGRAM ARGS...: its output in $work/out
{
    accel=$1 cpus=$2 append=$3
    shift 3
    timeout -k 5 120 "$B/aril" run --accel "$accel" --cpus "$cpus" --append "$append" "$@" </dev/null >"$work/out" 2>"$work/log"
}

expect() # LABEL CONDITION: an awk condition on n["name of a count"]
{
    if awk "NF == 2 {n[\$1] = \$2} END {exit !($2)}" "$work/out"; then
        echo "ok $1"
    else
        grep '^[a-z_]* [0-9]*$' "$work/out" | sed 's/^/# /'
        echo "not ok $1 - not: $2"
        failed=1
    fi
}

for accel in kvm tcg; do
    [ $accel = tcg ] || tests/kvm.sh patches || continue
    # 300,000 calls: getppid by a mov, read and write of the C library and syscall(2) by holes.
    vm $accel 1 loglevel=4 "$work/calls"
    expect "patches.$accel" 'n["patched_mov"] >= 1 && n["patched_hole"] >= 2 && n["trapped"] < 500 && n["calls"] > 300000'
    vm $accel 1 nopatch "$work/calls"
    expect "patches.$accel.nopatch" 'n["patched_mov"] + n["patched_hole"] == 0 && n["calls"] > 300000 && n["trapped"] == n["calls"]'
    vm $accel 2 loglevel=6 "$work/holes" /proc/aril/patches
    expect "patches.$accel.holes" 'n["patched_mov"] > 8 && n["patched_hole"] > 1900 && n["undone"] > 1900 && n["unmapped"] >= 2 && n["refused_no_hole"] > 4 && n["refused_mapping"] >= 1'
    if grep -q 'system-call sites: [0-9]* patched by mov, [0-9]* by hole' "$work/log"; then
        echo "ok patches.$accel.log"
    else
        echo "not ok patches.$accel.log - no line at the end"
        failed=1
    fi
done
exit $failed
