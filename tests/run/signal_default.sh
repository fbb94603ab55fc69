#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The default action of every signal that does not stop: status and core flag as `aril run --verbose` tells them, against what
# signal(7) has. Prints ok/not ok lines.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath "${B:-build}")
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
${CC:-gcc} -static -O1 -o "$dir/signal_default" tests/run/signal_default.c || exit 1
accel=tcg
tests/kvm.sh signal_default && accel=kvm
status=0
for n in $(seq 1 64); do
    case $n in
    19 | 20 | 21 | 22) continue ;; # stop
    17 | 18 | 23 | 28) wanted=7 core=no ;; # CHLD, CONT, URG, WINCH
    3 | 4 | 5 | 6 | 7 | 8 | 11 | 24 | 25 | 31) wanted=$((128 + n)) core=yes ;;
    *) wanted=$((128 + n)) core=no ;;
    esac
    timeout -k 5 60 "$build/aril" run --accel $accel --verbose --timeout 50 "$dir/signal_default" $n >"$dir/out" 2>&1 </dev/null
    got=$?
    dumped=no
    grep -q 'core dump' "$dir/out" && dumped=yes
    if [ $got != $wanted ] || [ $dumped != $core ]; then
        echo "not ok signal.$n - status $got, not $wanted; core $dumped, not $core"
        status=1
    fi
done
[ $status = 0 ] && echo "ok signals"
exit $status
