#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [TARGET...]: builds and runs the libFuzzer targets, FUZZ_SECONDS (60) each. Prints ok/not ok/skip lines.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${B:-build}/fuzz
seconds=${FUZZ_SECONDS:-60}
status=0
mkdir -p "$build"
if ! command -v clang >/dev/null; then
    echo "skip fuzz - clang is not installed"
    exit 0
fi
[ $# -gt 0 ] || set -- $(ls tests/fuzz/fuzz_*.c | sed 's|.*/fuzz_||; s|\.c$||')
for target; do
    source=tests/fuzz/fuzz_$target.c
    sources=$(sed -n 's/.*sources: *\([^*]*\).*/\1/p' "$source")
    # shellcheck disable=SC2086
    if grep -q '^ \* make:' "$source"; then
        make -s B="$build/$target-objects" HOST_CC=clang HOST_SANITIZERS=fuzzer-no-link,address,undefined \
            "$build/$target-objects/fuzz/$target" >"$build/$target.log" 2>&1 &&
            cp "$build/$target-objects/fuzz/$target" "$build/$target"
    else
        clang -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Itests/unit/include -I. \
            -o "$build/$target" "$source" $sources 2>"$build/$target.log"
    fi || {
        sed 's/^/# /' "$build/$target.log"
        echo "not ok fuzz.$target - does not build"
        status=1
        continue
    }
    corpus=$build/$target.corpus
    mkdir -p "$corpus"
    if grep -q 'seeds: malformed' "$source"; then
        gcc -I. -o "$build/write_malformed" tests/unit/write_malformed.c && "$build/write_malformed" "$corpus" >/dev/null
    fi
    length=16384
    if [ -x "tests/fuzz/seeds_$target.sh" ]; then
        "tests/fuzz/seeds_$target.sh" "$corpus"
        length=65536
    fi
    if "$build/$target" -max_total_time="$seconds" -max_len=$length -timeout=5 -print_final_stats=1 \
        -artifact_prefix="$build/$target-" "$corpus" >"$build/$target.log" 2>&1; then
        echo "ok fuzz.$target"
        sed -n 's/^stat::number_of_executed_units: */# inputs tried: /p' "$build/$target.log"
    else
        tail -n 30 "$build/$target.log" | sed 's/^/# /'
        echo "not ok fuzz.$target - see $build/$target.log"
        status=1
    fi
done
exit $status
