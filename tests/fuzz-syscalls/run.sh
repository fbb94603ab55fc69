#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [FAMILY...]: the same random sequences of system calls on Linux and in the VM, for FUZZ_SECONDS (60) each
# family; results and errors must be the same. The first difference is made as short as it goes and printed. Prints ok/not ok/skip lines.
# run.sh --chaos [FAMILY...]: sequences of all families at once in threads of one program, which must come to its end in the VM.
#
#   ROUNDS=N    so many rounds of 100 sequences for each family, instead of a time
#   SEED=N      where to begin (by default somewhere new each time); a sequence's seed is printed with its difference
#   ACCEL, CPUS, KERNEL   of the VM: kvm if there is one, 2, build/aril.elf
#   KEEP=1      do not stop at the first difference, list the first lines that differ of all of them
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
steps=100 # of a sequence
count=100 # sequences at a time
accel=${ACCEL:-}
[ -n "$accel" ] || { accel=tcg; tests/kvm.sh fuzz-syscalls && accel=kvm; }
kernel=${KERNEL:-$B/aril.elf}
work=$(mktemp -d)
trap 'rm -rf "$work"; rmdir "/dev/shm/sequences.$$" 2>/dev/null' EXIT
program=$work/sequences
gcc -static -O1 -g -Wall -D_GNU_SOURCE -o "$program" tests/fuzz-syscalls/*.c || { echo "not ok fuzz-syscalls - does not build"; exit 1; }

# Networks, IPC objects and processes of its own, so that nothing that is here meets a sequence, and as in the VM the program is process 2.
apart="unshare -nimupf --kill-child"
[ "$(id -u)" = 0 ] || apart="unshare -rnimupf --kill-child"
$apart true 2>/dev/null || { echo "skip fuzz-syscalls - no namespaces to be had"; exit 0; }

# Both systems, the same arguments. Status 0: no difference. The outputs are pipes, so that limits do not reach them.
compare() # FAMILY SEED COUNT [STEP...]
{
    arguments="$1 $2 $3 $steps"
    shift 3
    # shellcheck disable=SC2086
    env -i timeout -k 5 100 $apart sh -c '"$@"; exit $?' sh "$program" $arguments "/dev/shm/sequences.$$" "$@" </dev/null 2>&1 | cat >"$work/linux"
    # shellcheck disable=SC2086
    timeout -k 5 130 "$B/aril" run --root none --kernel "$kernel" --clean-env -m 512M --accel "$accel" --cpus "${CPUS:-2}" --timeout 120 \
        "$program" $arguments "/dev/shm/sequences.$$" "$@" </dev/null 2>&1 | cat >"$work/vm"
    [ -s "$work/linux" ] && cmp -s "$work/linux" "$work/vm"
}

# The seed of the first sequence that differs.
first_seed()
{
    awk 'NR == FNR { line[FNR] = $0; next } $1 == "sequence" { seed = $2 } $0 != line[FNR] { exit } END { print seed }' "$work/vm" "$work/linux"
}

# Leaves out what the difference can do without: first what comes after it, then pieces, halving their size.
shrink() # FAMILY SEED
{
    kept=$(awk 'NR == FNR { line[FNR] = $0; next } $1 ~ /^[0-9]+$/ { print $1 } $0 != line[FNR] { exit }' "$work/vm" "$work/linux" | tr '\n' ' ')
    # shellcheck disable=SC2086
    compare "$1" "$2" 1 $kept && kept=$(seq -s ' ' 0 $((steps - 1)))
    piece=$(($(echo "$kept" | wc -w) / 2))
    while [ $piece -ge 1 ]; do
        at=0
        while [ $at -lt "$(echo "$kept" | wc -w)" ]; do
            try=$(echo "$kept" | tr ' ' '\n' | grep . | sed "$((at + 1)),$((at + piece))d" | tr '\n' ' ')
            # shellcheck disable=SC2086
            if [ -n "${try% }" ] && ! compare "$1" "$2" 1 $try; then kept=$try; else at=$((at + piece)); fi
        done
        piece=$((piece / 2))
    done
    # shellcheck disable=SC2086
    compare "$1" "$2" 1 $kept
    diff -U100 --label linux --label vm "$work/linux" "$work/vm" | sed 's/^/# /'
    echo "# by hand: sequences $1 $2 1 $steps DIRECTORY $kept"
}

# The first line that differs of each sequence, on Linux and in the VM.
list_differences()
{
    awk 'NR == FNR { if ($1 == "sequence") s = $2; line[s, n[s]++] = $0; next }
         $1 == "sequence" { s = $2; i = 0 }
         { if (!(s in done) && $0 != line[s, i]) { done[s] = 1; print "# " s "\n#   " line[s, i] "\n#   " $0 } i++ }' "$work/linux" "$work/vm"
}

if [ "${1:-}" = --chaos ]; then
    shift
    seed=${SEED:-$(date +%s)}
    seconds=${FUZZ_SECONDS:-60}
    timeout -k 5 $((seconds + 90)) "$B/aril" run --root none --kernel "$kernel" --clean-env -m 512M --accel "$accel" --cpus "${CPUS:-2}" --timeout $((seconds + 80)) \
        "$program" --chaos "$seed" "$seconds" "${THREADS:-4}" /dev/shm/sequences "$@" </dev/null >"$work/vm" 2>&1
    rc=$?
    sed 's/^/# /' "$work/vm"
    if [ $rc = 0 ] && grep -q '^sequences: ' "$work/vm"; then
        echo "ok fuzz-syscalls.chaos"
    else
        echo "not ok fuzz-syscalls.chaos - status $rc, seed $seed"
        exit 1
    fi
    exit 0
fi

status=0
[ $# -gt 0 ] || set -- data paths events memory ipc process args inet
for family; do
    seed=${SEED:-$(($(date +%s) % 1000000 * 1000))}
    first=$seed
    until=$(($(date +%s) + ${FUZZ_SECONDS:-60}))
    rounds=${ROUNDS:-}
    differs=
    while if [ -n "$rounds" ]; then [ "$rounds" -gt 0 ]; else [ "$(date +%s)" -lt $until ]; fi; do
        rounds=${rounds:+$((rounds - 1))}
        if ! compare "$family" "$seed" $count; then
            differs=1
            if [ -n "${KEEP:-}" ]; then
                list_differences
            else
                bad=$(first_seed)
                compare "$family" "$bad" 1 && echo "# sequence $bad differs only after those before it, from $seed on"
                shrink "$family" "$bad"
                break
            fi
        fi
        seed=$((seed + count))
    done
    if [ -n "$differs" ]; then
        echo "not ok fuzz-syscalls.$family - differs from Linux"
        status=1
    else
        echo "ok fuzz-syscalls.$family"
        echo "# sequences $first to $((seed - 1)) of $steps calls"
    fi
done
exit $status
