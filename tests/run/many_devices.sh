#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# many_devices.sh: more devices than one I/O APIC of QEMU's microvm has lines for: each disk and volume is the one that was asked for,
# as many as the machine can have, and what is said of one more. Prints ok/not ok/skip lines.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath "${B:-build}")
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
: "${ACCEL:=kvm tcg}"
status=0
${CC:-gcc} -static -O1 -o "$dir/many" tests/run/many_devices.c || exit 1

result() { # NAME WANTED GOT
    if [ "$2" = "$3" ]; then
        echo "ok $1"
    else
        echo "not ok $1 - $(diff <(echo "$2") <(echo "$3") | head -n 6 | tr '\n' '|')"
        status=1
    fi
}

run() { timeout -k 5 100 "$build/aril" run --timeout 90 "$@" 2>&1 </dev/null; }

# some NAME DISKS VOLUMES OPTIONS...: the program reads of all of them what they were given.
some() {
    local name=$1 disks=$2 volumes=$3 options=() files=() wanted=() letters=abcdefghijklmnop i
    shift 3
    for ((i = 0; i < disks; i++)); do
        echo "disk $i" >"$dir/disk$i"
        truncate -s 4096 "$dir/disk$i"
        options+=(--disk "$dir/disk$i")
        files+=("/dev/vd${letters:i:1}")
        wanted+=("disk $i")
    done
    for ((i = 0; i < volumes; i++)); do
        mkdir -p "$dir/volume$i"
        echo "volume $i" >"$dir/volume$i/file"
        options+=(-v "$dir/volume$i:/v/$i:ro")
        files+=("/v/$i/file")
        wanted+=("volume $i")
    done
    said=$(run "$@" "${options[@]}" "$dir/many" "${files[@]}")
    result "$name" "${said_instead:-$(printf '%s\n' "${wanted[@]}")}" "$said"
}

for accel in $ACCEL; do
    if [ "$accel" = kvm ] && ! tests/kvm.sh many_devices.kvm; then
        continue
    fi
    some "six.$accel" 3 3 --accel "$accel" --root none
    some "seven.$accel" 4 3 --accel "$accel" --root none
    some "network.$accel" 4 8 --accel "$accel" --cpus 2 --root none
    some "all.$accel" 11 6 --accel "$accel" --cpus 2 --net none --root none
done
said_instead="aril: a VM can have 17 disks, volumes, networks and root directories, and these are 18"
some too-many 11 7 --net none --root none
exit $status
