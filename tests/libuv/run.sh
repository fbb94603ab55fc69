#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [-a ACCEL]... [-c CPUS] [TEST...]: libuv's own tests (Debian's source package; what Node's timers, files, sockets and threads
# rest on), on Linux and in the VM, on the host's files, one VM a test. Each that passes on a Linux where fork is refused
# (nofork.c) must pass in the VM. Tests that need a second process, or libuv's echo servers, do not pass there. Prints ok/not ok lines;
# status 1 on a failure. Outputs are kept in build/libuv-tests/out.
#
# exceptions.txt says, for each test that does not pass, why. Lines "TEST WHERE REASON", with WHERE vm (a listed test that passes is an
# error) or some (its result depends on time, chance or the host's network, and does not count).
set -u
here=$(cd "$(dirname "$0")" && pwd)
suite=libuv with_kvm="kvm tcg"
# shellcheck source=tests/suite.sh
. "$here/../suite.sh"
tests=$build/libuv-tests
"$here/build.sh" "$tests" >"$work/log" 2>&1 || { tail -n 5 "$work/log" | sed 's/^/# /'; echo "not ok libuv - the tests do not build"; exit 1; }
${CC:-gcc} -static -O1 -Wall -o "$tests/nofork" "$here/../nofork.c" || exit 1
cd "$tests" || exit 1
mkdir -p out
environment="UV_RUN_AS_ROOT=1 PATH=/usr/bin:/bin HOME=/root LANG=C"
# shellcheck disable=SC2046,SC2086
[ $# -gt 0 ] || set -- $(env $environment ./run-tests --list)

listed() { awk -v where="$1" '$2 == where { print $1 }' "$here/exceptions.txt"; }

listed some >"$work/some"
listed vm >"$work/vm"
for test; do
    grep -qxF "$test" "$work/some" && continue
    rm -f /tmp/uv-test-sock*
    # shellcheck disable=SC2086
    env -i $environment timeout -k 5 60 ./nofork ./run-tests "$test" "$test" </dev/null >"out/$test.linux" 2>&1 && echo "$test"
done >"$work/passed"

words() { tr '\n' ' ' | cut -c 1-600; }

for accel in $accels; do
    set --
    for e in $environment; do set -- "$@" -e "$e"; done
    while read -r test; do
        timeout -k 5 320 "$build/aril" run -m 1G --accel "$accel" --cpus "$cpus" --timeout 300 --clean-env "$@" ./run-tests "$test" "$test" \
            </dev/null >"out/$test.$accel" 2>&1 && echo "$test"
    done <"$work/passed" >"$work/here"
    lost=$(grep -vxFf "$work/here" "$work/passed" | grep -vxFf "$work/vm" | words)
    stale=$(grep -xFf "$work/here" "$work/vm" | words)
    if [ -z "$lost$stale" ] && [ -s "$work/here" ]; then
        echo "ok libuv.$accel - $(wc -l <"$work/here") tests pass, $(wc -l <"$work/passed") on Linux without fork"
    else
        status=1
        echo "not ok libuv.$accel - $(wc -l <"$work/here") tests pass, $(wc -l <"$work/passed") on Linux${lost:+; not here: $lost}${stale:+; listed but passes: $stale}"
    fi
done
exit $status
