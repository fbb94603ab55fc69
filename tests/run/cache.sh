#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# cache.sh: threads read and change a file of the host that is larger than the VM's memory, by calls and through shared mappings: they see
# their own changes, the file ends up as on Linux, and memory never runs out.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
gcc -static -O1 -pthread -w -D_GNU_SOURCE -o "$work/reader" tests/run/cache_reader.c || { echo "not ok cache - the program does not build"; exit 1; }
mkdir "$work/volume"
/usr/bin/python3 -c 'import sys
sys.stdout.buffer.write(bytes((page * 7 + i) % 256 for page in range(256) for i in range(4096)))' >"$work/piece" ||
    { echo "not ok cache - no data to read"; exit 1; }
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do cat "$work/piece"; done >"$work/file"
cp "$work/file" "$work/linux"
"$work/reader" "$work/linux" 4 -w >"$work/expected" || { echo "not ok cache - the program fails on Linux"; exit 1; }

try() # NAME MEMORY OPTIONS...
{
    name=$1 memory=$2
    shift 2
    cp "$work/file" "$work/volume/file"
    timeout -k 5 160 "$B/aril" run --root none --timeout 150 --cpus 2 -m "$memory" -v "$work/volume:/volume" "$@" </dev/null >"$work/out" 2>"$work/err"
    status=$?
    if [ $status = 0 ] && cmp -s "$work/out" "$work/expected" && cmp "$work/volume/file" "$work/want" >"$work/difference"; then
        echo "ok cache.$name"
    else
        cat "$work/out" "$work/err" "$work/difference" 2>/dev/null | head -n 10 | sed 's/^/# /'
        echo "not ok cache.$name - status $status"
        failed=1
    fi
}

accels=tcg
tests/kvm.sh cache && accels='kvm tcg'
for accel in $accels; do
    cp "$work/linux" "$work/want"
    echo "done, $(sed 's/[^0-9]//g' "$work/expected") written" >"$work/expected"
    try "write.$accel" 20M --accel $accel "$work/reader" /volume/file 4 -w
    if [ -f "$B/debug/aril.elf" ]; then
        try "write.$accel.debug" 20M --kernel "$B/debug/aril.elf" --accel $accel "$work/reader" /volume/file 4 -w
    fi
done
cp "$work/file" "$work/want"
echo 'done, 0 written' >"$work/expected"
for accel in $accels; do
    try "read.$accel" 16M --accel $accel "$work/reader" /volume/file 6
done
exit $failed
