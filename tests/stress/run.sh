#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh: the stress programs in the VM, in both modes on 1, 2 and 4 CPUs, with a new seed each time (printed; STRESS_SEED=N
# repeats one). STRESS_SECONDS is how long each run takes (default 20). Prints ok/not ok lines.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${B:-$top/build}
seconds=${STRESS_SECONDS:-20}
seed=${STRESS_SEED:-$(date +%s)}
status=0
mkdir -p "$build/stress"
accels=tcg
[ -w /dev/kvm ] && accels="kvm tcg"
for program in threads signals; do
    ${CC:-gcc} -static -O1 -pthread -o "$build/stress/$program" "$here/$program.c" || exit 1
    for accel in $accels; do
        for cpus in 1 2 4; do
            out=$(timeout -k 5 $((seconds * 4 + 60)) "$build/aril" run --accel "$accel" --cpus "$cpus" \
                --timeout $((seconds * 4 + 30)) "$build/stress/$program" "$seconds" "$seed" 2>&1 </dev/null)
            if [ $? -eq 0 ] && [ "$out" = "stress: ok" ]; then
                echo "ok stress.$program.$accel.$cpus"
            else
                echo "not ok stress.$program.$accel.$cpus - seed $seed: $(echo "$out" | tail -n 3 | tr '\n' ' ')"
                status=1
            fi
        done
    done
done
exit $status
