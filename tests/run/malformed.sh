#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Malformed programs run in a VM: each ends with status 126 (127 where a file is missing) and a message that names the
# file and the fault. The files come from tests/unit/malformed.h; the whole set is also checked on the host, by tests/unit/test_elf_check.c.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${B:-build}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
status=0
accel=tcg
tests/kvm.sh malformed && accel=auto

gcc -I. -o "$dir/write" tests/unit/write_malformed.c || { echo "not ok malformed - the writer does not build"; exit 1; }
mkdir "$dir/files"
"$dir/write" "$dir/files" >"$dir/list"

# run FILE: standard error in $dir/err, returns the status
run()
{
    timeout -k 2 60 "$build/aril" run --root none --accel $accel --timeout 50 "$dir/files/$1" >"$dir/out" 2>"$dir/err" </dev/null
}

run well_formed
got=$?
if [ $got = 0 ]; then
    echo "ok malformed.well_formed"
else
    echo "not ok malformed.well_formed - status $got: $(head -c 300 "$dir/err" | tr '\n' ' ')"
    status=1
fi
tab=$(printf '\t')
# expect NAME STATUS SENTENCE
expect()
{
    run "$1"
    got=$?
    if [ $got != "$2" ]; then
        why="status $got, not $2"
    elif ! grep -qF "$dir/files/$1" "$dir/err"; then
        why="the message does not name the file"
    elif ! grep -qF -e "$3" "$dir/err"; then
        why="the message does not say '$3'"
    else
        echo "ok malformed.$1"
        return
    fi
    echo "not ok malformed.$1 - $why: $(head -c 300 "$dir/err" | tr '\n' ' ')"
    status=1
}
expect huge_bss 126 "KiB of memory"
expect no_interpreter 127 "its interpreter /lib/ld.so is not there"
while IFS=$tab read -r name sentence; do
    expect "$name" 126 "$sentence"
done <"$dir/list"
exit $status
