#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [-a ACCEL]... [-c CPUS] [MODULE...]: Python's own tests (Debian's libpython3.11-testsuite) on Linux and in the VM, on
# the host's files. Each case that passes on Linux where fork is refused (nofork.c) must pass in the VM. Prints ok/not ok
# lines; status 1 on a failure. Outputs are kept in build/python-tests/MODULE.*. MODULE: by default all of modules.txt.
#
# exceptions.txt says, for each case that does not, why. Lines "MODULE CASE WHERE REASON", with WHERE
#   vm    it ends otherwise in the VM
#   hang  it never ends on Linux without fork: not run
#   some  it depends on time or chance: its result does not count
# A case that is listed as vm and passes is an error.
set -u
here=$(cd "$(dirname "$0")" && pwd)
suite=python
# shellcheck source=tests/suite.sh
. "$here/../suite.sh"
tests=$build/python-tests
python=/usr/bin/python3.11
# shellcheck disable=SC2046
[ $# -gt 0 ] || set -- $(sed 's/#.*//' "$here/modules.txt")
[ -f /usr/lib/python3.11/test/test_os.py ] || { echo "not ok python - Python's tests are not installed: make deps"; exit 1; }
mkdir -p "$tests"
${CC:-gcc} -static -O1 -Wall -o "$work/nofork" "$here/../nofork.c" || exit 1

# A name with * stands for all such cases that ended on Linux.
listed() # MODULE WHERE
{
    awk -v module="$1" -v where="$2" '$1 == module && $3 == where { print $2 }' "$here/exceptions.txt" |
        while read -r name; do
            case $name in
            *\**) awk '{ print $2 }' "$tests/$1.linux" | grep -x "$(echo "$name" | sed 's/[.]/\\./g; s/[*]/.*/g')" ;;
            *) echo "$name" ;;
            esac
        done | LC_ALL=C sort -u
}

# passed FILE: the cases that passed and did nothing else.
passed()
{
    awk '$1 == "pass" { pass[$2] = 1 } $1 == "fail" { fail[$2] = 1 } END { for (c in pass) if (!(c in fail)) print c }' "$1" |
        LC_ALL=C sort | LC_ALL=C comm -23 - "$work/some"
}

words() { tr '\n' ' ' | cut -c 1-600; }

one_module()
{
    module=$1
    listed "$module" hang >"$work/hang"
    listed "$module" some >"$work/some"
    mkdir "$work/cwd"
    # shellcheck disable=SC2046
    (cd "$work/cwd" && env -i PATH=/usr/bin:/bin HOME=/root LANG=C.UTF-8 timeout -k 5 900 "$work/nofork" \
        $python "$here/cases.py" "$module" $(cat "$work/hang") </dev/null >"$tests/$module.linux" 2>"$tests/$module.linux.err")
    rm -rf "$work/cwd"
    listed "$module" vm >"$work/vm-listed"
    passed "$tests/$module.linux" >"$work/linux"
    for accel in $accels; do
        limit=900
        [ "$accel" = tcg ] && limit=3000
        # shellcheck disable=SC2046
        timeout -k 5 $((limit + 30)) "$build/aril" run -m 2G --cpus "$cpus" --accel "$accel" --timeout $limit -w /tmp/python-test --clean-env \
            -e PATH=/usr/bin:/bin -e HOME=/root -e LANG=C.UTF-8 \
            $python "$here/cases.py" "$module" $(cat "$work/hang") </dev/null >"$tests/$module.$accel" 2>"$tests/$module.$accel.err"
        vm_status=$?
        passed "$tests/$module.$accel" >"$work/vm"
        lost=$(LC_ALL=C comm -23 "$work/linux" "$work/vm" | LC_ALL=C comm -23 - "$work/vm-listed" | words)
        stale=$(LC_ALL=C comm -12 "$work/vm-listed" "$work/vm" | words)
        ended=
        [ "$(tail -n 1 "$tests/$module.linux")" != end ] || [ "$(tail -n 1 "$tests/$module.$accel")" = end ] || ended=" status $vm_status"
        if [ -z "$lost$stale$ended" ] && [ -s "$work/linux" ]; then
            echo "ok python.$module.$accel - $(wc -l <"$work/vm") cases pass, $(wc -l <"$work/linux") on Linux without fork"
        else
            status=1
            echo "not ok python.$module.$accel - $(wc -l <"$work/vm") cases pass, $(wc -l <"$work/linux") on Linux${ended:+; ended early:$ended}${lost:+; not here: $lost}${stale:+; listed but passes: $stale}"
        fi
    done
}

for module; do
    one_module "$module"
done
exit $status
