#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# overlay.sh: the ABI tests about files, run on an overlay instead of a tmpfs: in the VM as on Linux.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
environment='env -i PATH=/usr/bin:/bin HOME=/ LANG=C TZ=UTC0'
gcc -static -O1 -o "$work/wrap" tests/run/overlay_wrap.c || { echo "not ok overlay - overlay_wrap.c does not build"; exit 1; }
if ! (cd / && "$work/wrap" /bin/true) 2>"$work/why"; then
    echo "skip overlay - no overlay on this Linux: $(head -n 1 "$work/why")"
    exit 0
fi
kernel=$B/aril.elf
[ -f "$B/debug/aril.elf" ] && kernel=$B/debug/aril.elf
accel=kvm
tests/kvm.sh overlay || accel=tcg
for name in dir_listing dir_positions fd_calls file_read_write file_rights file_threads file_xattrs lock_files mem_shared mount_calls path_only path_shapes path_torture rename_flags stat_fields unix_stream; do
    # shellcheck disable=SC2046
    gcc -static -O1 -w -pthread -D_GNU_SOURCE -o "$work/$name" "tests/abi/$name.c" \
        $(sed -n '1,12s,^[ /*]*flags: *\([^*]*\).*,\1,p' "tests/abi/$name.c") || { failed=1; echo "not ok overlay.$name - does not build"; continue; }
    (cd / && $environment timeout -k 5 60 "$work/wrap" "$work/$name" </dev/null >"$work/linux" 2>/dev/null)
    expected=$?
    $environment timeout -k 5 100 "$B/aril" run --kernel "$kernel" --root none --accel $accel --cpus 2 -m 512M --timeout 90 \
        --file "$work/$name:/test" "$work/wrap" /test </dev/null >"$work/vm" 2>"$work/err"
    rc=$?
    if [ $rc = $expected ] && cmp -s "$work/linux" "$work/vm"; then
        echo "ok overlay.$name"
    else
        { diff -U1 --label linux --label vm "$work/linux" "$work/vm" | head -n 20; head -n 5 "$work/err"; } | sed 's/^/# /'
        echo "not ok overlay.$name - status $rc, on Linux $expected"
        failed=1
    fi
done
exit $failed
