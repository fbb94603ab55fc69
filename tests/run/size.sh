#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# size.sh: the kernel's file is no larger than it need be: each start of a VM reads all of it. The bound is just above what it is
# (docs/architecture.md says of what it consists): who adds more than that says so by raising it.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
MOST=890000

bytes=$(wc -c <"$B/aril.elf") || exit 1
if [ "$bytes" -le "${1:-$MOST}" ]; then
    echo "ok run.size ($bytes bytes)"
else
    size -A "$B/aril.debug" | awk '$1 ~ /^\.(text|data|boot)/ {print "# " $1 " " $2}'
    for folder in "$B"/k/* "$B/lwip-obj"; do
        [ -d "$folder" ] && find "$folder" -name '*.o' -exec size {} + | awk -v f="${folder##*/}" '$1 + 0 {n += $1 + $2} END {print "# " f " " n}'
    done
    echo "not ok run.size - aril.elf has $bytes bytes, the bound is ${1:-$MOST}"
    exit 1
fi
# The test can fail.
[ $# -gt 0 ] || ! "$0" $((bytes - 1)) >/dev/null || { echo "not ok run.size.can_fail - a smaller bound holds too"; exit 1; }
