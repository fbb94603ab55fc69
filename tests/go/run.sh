#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [-a ACCEL]... [-c CPUS] [PACKAGE...]: Go's own tests (Debian's source package, built static) on Linux and in the
# VM. Each test, subtest and example must end in the VM as it does on Linux where fork is refused (nofork.c): PASS, FAIL or
# SKIP. Prints ok/not ok/skip lines; status 1 on a failure. Outputs are kept in build/go-tests/PACKAGE.*.out.
#
# With one CPU where Linux has several, tests that need two skip themselves: that is a difference.
#
# The package "programs" is programs.sh: what the tests would start as children.
#
# exceptions.txt says, for each test that does not pass, why. Lines "PACKAGE TEST WHERE REASON", with WHERE
#   both  it fails on this Linux without fork, and in the VM
#   vm    it ends otherwise in the VM
#   crash it ends the whole run on this Linux without fork: not run
# A failure that is not listed, and a listed test that passes, is an error.
set -u
here=$(cd "$(dirname "$0")" && pwd)
suite=go
# shellcheck source=tests/suite.sh
. "$here/../suite.sh"
tests=$build/go-tests
goroot=$tests/goroot
# shellcheck disable=SC2046
[ $# -gt 0 ] || set -- $(cat "$here/packages.txt") programs

environment="PATH=$goroot/bin:/usr/bin HOME=/ LANG=C TMPDIR=/tmp GOROOT=$goroot"

# results FILE: one line for each test that ended, "NAME PASS|FAIL|SKIP", sorted.
results()
{
    grep -aoE -e '--- (PASS|FAIL|SKIP): [^ ]+' "$1" | awk '{ sub(":", "", $2); print $3, $2 }' | LC_ALL=C sort
}

listed() # PACKAGE WHERE
{
    awk -v package="$1" -v where="$2" '$1 == package && $3 == where { print $2 }' "$here/exceptions.txt" | LC_ALL=C sort -u
}

# Names without subtests, each once.
tops() { sed 's/[ /].*//' | LC_ALL=C sort -u; }

words() { tr '\n' ' ' | cut -c 1-600; }

# without_subtests LIST FILE: results but for the subtests of listed tests: some do not wait for theirs to report.
without_subtests()
{
    awk 'FILENAME == ARGV[1] { listed[$1]; next } { top = $1; sub("/.*", "", top) } $1 == top || !(top in listed)' "$1" "$2"
}

# compare LABEL PACKAGE: $work/linux against $work/vm, by the list.
compare()
{
    listed "$2" both >"$work/both"
    listed "$2" vm >"$work/differing"
    grep ' FAIL$' "$work/linux" | tops >"$work/failed"
    without_subtests "$work/both" "$work/linux" >"$work/linux.cut"
    without_subtests "$work/both" "$work/vm" >"$work/vm.cut"
    LC_ALL=C comm -3 "$work/linux.cut" "$work/vm.cut" | tr -d '\t' | tops >"$work/different"
    new=$(LC_ALL=C comm -13 "$work/differing" "$work/different" | words)
    stale=$( (LC_ALL=C comm -23 "$work/differing" "$work/different"; LC_ALL=C comm -23 "$work/both" "$work/failed") | words)
    unlisted=$(LC_ALL=C comm -13 "$work/both" "$work/failed" | words)
    # 0 and 1 are a run to the end; a panic or a time-out (2) ends before.
    ended=
    [ $linux_status -le 1 ] && [ $vm_status = $linux_status ] || ended="status $vm_status, on Linux $linux_status"
    if [ -z "$ended$new$stale$unlisted" ] && [ -s "$work/linux" ]; then
        echo "ok $1 - $(wc -l <"$work/vm") tests: $(grep -c ' PASS$' "$work/vm") passed, $(grep -c ' SKIP$' "$work/vm") skipped;" \
            "listed: $(wc -l <"$work/both") fail on both, $(wc -l <"$work/differing") only here"
        return
    fi
    status=1
    echo "not ok $1 - $(wc -l <"$work/linux") ended on Linux, $(wc -l <"$work/vm") in the VM${ended:+; $ended}${new:+; other result: $new}${unlisted:+; fails on Linux: $unlisted}${stale:+; listed but passes: $stale}"
}

one_package() # PACKAGE
{
    name=$(echo "$1" | tr / -)
    program=$tests/$name.test
    cd "$goroot/src/$1" || exit 1
    # Go's way to leave tests out is to name all others.
    listed "$1" crash >"$work/crash"
    others=
    [ -s "$work/crash" ] && others="-test.run=^($("$program" -test.list . | grep -vxFf "$work/crash" | tr '\n' '|')none)\$"
    # shellcheck disable=SC2086
    env -i $environment timeout -k 5 300 "$tests/nofork" "$program" -test.short -test.v -test.timeout=280s $others \
        </dev/null >"$tests/$name.linux.out" 2>"$tests/$name.linux.err"
    linux_status=$?
    results "$tests/$name.linux.out" >"$work/linux"
    for accel in $accels; do
        limit=280
        [ "$accel" = tcg ] && limit=1500
        set --
        for e in $environment; do set -- "$@" -e "$e"; done
        timeout -k 5 $((limit + 30)) "$build/aril" run -m 4G --cpus "$cpus" --accel "$accel" --timeout $((limit + 20)) --clean-env "$@" \
            "$program" -test.short -test.v -test.timeout=${limit}s $others \
            </dev/null >"$tests/$name.$accel.out" 2>"$tests/$name.$accel.err"
        vm_status=$?
        results "$tests/$name.$accel.out" >"$work/vm"
        compare "go.$name.$accel" "$package"
    done
}

"$here/build.sh" "$tests" || { echo "not ok go - what the tests need does not build, see $tests/*.log"; exit 1; }
for package; do
    if [ "$package" = programs ]; then
        # shellcheck disable=SC2086
        "$here/programs.sh" $(printf -- '-a %s ' $accels) -c "$cpus" || status=1
    else
        one_package "$package"
    fi
done
exit $status
