#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# programs.sh [-a ACCEL]... [-c CPUS] [WORD]: the programs that Go's tests start as children (exceptions.txt), each as the
# program of a VM. Status and messages must be those on Linux; stacks are left out, their order and addresses are chance.
# WORD limits it to lines of programs.txt that contain it. Prints ok/not ok lines; status 1 on a failure.
#
# programs.txt: PROGRAM, then arguments and NAME=VALUE for its environment, in any order. A program whose exception in
# exceptions.txt ("programs ARGUMENTS vm REASON") is listed must differ.
set -u
here=$(cd "$(dirname "$0")" && pwd)
suite=go.programs
# shellcheck source=tests/suite.sh
. "$here/../suite.sh"
tests=$build/go-tests

"$here/build.sh" "$tests" || { echo "not ok go.programs - they do not build, see $tests/*.log"; exit 1; }
cd "$tests/goroot" || exit 1

# What is left of a program's output: messages up to the first stack, without addresses, times and random names.
messages() # FILE: .out and .err
{
    for stream in out err; do
        echo "$stream:"
        sed '/^=== /d; /^goroutine \|^runtime stack/,$d; s/0x[0-9a-f]*/ADDRESS/g; s/([0-9.]*s)/(TIME)/; s/ g [0-9]*:/ g N:/; s,^\(/tmp/[a-z]*\)[0-9]*$,\1N,' "$1.$stream"
    done
}

# run_one PROGRAM WORDS...: on Linux, then in each VM.
run_one()
{
    line="$*"
    program=$tests/$1
    shift
    arguments= environment="PATH=/bin HOME=/ LANG=C"
    for word; do
        case $word in
        -*) arguments="$arguments $word" ;;
        [A-Z]*=*) environment="$environment $word" ;;
        *) arguments="$arguments $word" ;;
        esac
    done
    # shellcheck disable=SC2086,SC2016
    env -i $environment timeout -k 5 60 sh -c 'exec "$@" >"$0.out" 2>"$0.err"' "$work/linux" "$program" $arguments </dev/null 2>/dev/null
    linux_status=$?
    messages "$work/linux" >"$work/expected"
    for accel in $accels; do
        set --
        for word in $environment; do set -- "$@" -e "$word"; done
        # shellcheck disable=SC2086
        timeout -k 5 310 "$build/aril" run --root none -m 4G --cpus "$cpus" --accel "$accel" --timeout 300 --clean-env "$@" \
            --file /etc/hosts:/etc/hosts "$program" $arguments </dev/null >"$work/vm.out" 2>"$work/vm.err"
        vm_status=$?
        messages "$work/vm" >"$work/result"
        listed=$(awk -v name="${arguments# }" '$1 == "programs" && $2 == name' "$here/exceptions.txt")
        if [ $linux_status = $vm_status ] && cmp -s "$work/expected" "$work/result"; then
            [ -z "$listed" ] && { echo "$accel" >>"$work/same"; continue; }
            echo "not ok go.programs.$accel - $line: listed, but ends as on Linux"
        elif [ -n "$listed" ]; then
            echo "$accel" >>"$work/listed"
            continue
        else
            echo "not ok go.programs.$accel - $line: status $vm_status, on Linux $linux_status;" \
                "$(diff -a "$work/expected" "$work/result" | head -n 4 | tr '\n' ' ')"
        fi
        status=1
    done
}

: >"$work/same"
: >"$work/listed"
grep -v '^#' "$here/programs.txt" | grep -e "${1:-.}" >"$work/lines"
while read -r line <&3; do
    # shellcheck disable=SC2086
    run_one $line
done 3<"$work/lines"
for accel in $accels; do
    same=$(grep -c "$accel" "$work/same") listed=$(grep -c "$accel" "$work/listed")
    [ $((same + listed)) = "$(wc -l <"$work/lines")" ] && [ "$same" -gt 0 ] &&
        echo "ok go.programs.$accel - $same programs end as on Linux, $listed listed"
done
exit $status
