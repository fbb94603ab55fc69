#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [PROGRAM...]: the stress programs in the VM, in both modes on 1, 2, 4 and 8 CPUs, with a new seed each time (printed;
# STRESS_SEED=N repeats one). STRESS_SECONDS is how long all of it takes (default 3600); STRESS_ACCELS and STRESS_CPUS limit
# it further, as in STRESS_ACCELS=kvm STRESS_CPUS='2 4'. Prints ok/not ok lines.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${B:-$top/build}
[ $# -gt 0 ] || set -- threads signals memory mixed
accels=${STRESS_ACCELS:-kvm tcg}
"$top/tests/kvm.sh" stress || accels=tcg
cpu_counts=${STRESS_CPUS:-1 2 4 8}
status=0
mkdir -p "$build/stress"
for program in "$@"; do
    ${CC:-gcc} -static -O1 -g -Wall -pthread -o "$build/stress/$program" "$here/$program.c" || exit 1
done
runs=0
for accel in $accels; do
    for cpus in $cpu_counts; do
        runs=$((runs + $#))
    done
done
seconds=$((${STRESS_SECONDS:-3600} / runs))
[ "$seconds" -ge 4 ] || seconds=4
for accel in $accels; do
    for cpus in $cpu_counts; do
        for program in "$@"; do
            seed=${STRESS_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
            name=stress.$program.$accel.$cpus
            # Whoever hangs is told from whoever is slow by far: the programs end on time by themselves.
            out=$(timeout -k 5 $((seconds * 3 + 120)) "$build/aril" run --root none --accel "$accel" --cpus "$cpus" -m 512M \
                --timeout $((seconds * 3 + 90)) "$build/stress/$program" "$seconds" "$seed" 2>&1 </dev/null)
            rc=$?
            if [ $rc -eq 0 ] && [ "$out" = "stress: ok" ]; then
                echo "ok $name"
                echo "# $name: seed $seed, $seconds s"
            else
                echo "not ok $name - seed $seed, $seconds s, status $rc: $(echo "$out" | tail -n 3 | tr '\n' ' ')"
                status=1
            fi
        done
    done
done
exit $status
