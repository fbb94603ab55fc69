#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Interactive programs under `aril run` at a terminal: terminal.py types and reads at a pseudo-terminal of this host. Prints ok/not ok lines.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath "${B:-build}")
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
${CC:-gcc} -static -O1 -o "$dir/leaves_raw" tests/run/leaves_raw.c || exit 1
accels=tcg
tests/kvm.sh terminal && accels="kvm tcg"
status=0
for accel in $accels; do
    env -i PATH=/usr/bin:/bin HOME="$dir" TERM=xterm LANG=C.UTF-8 TZ=UTC0 \
        /usr/bin/python3 tests/run/terminal.py "$build/aril" "$accel" "$dir/leaves_raw" || status=1
done
exit $status
