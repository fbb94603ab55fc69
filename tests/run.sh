#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [--full] [PATTERN...]: runs the tests and prints one line for each: "ok NAME", "not ok NAME - why" or
# "skip NAME - reason"; then "N passed, N failed, N skipped". Status 1 if one failed. At most two run at a time.
#
#   unit       build/unit/*: kernel and tool sources on the host, under sanitizers
#   structure  tests/structure.sh: order of the source tree
#   abi        tests/abi/*.c: small programs; output and status in the VM must be those on Linux. In a program's first
#              lines "flags: -lm" adds to its compilation, "accel: kvm" limits it, and "cpus: 4" says that it is about what
#              CPUs do side by side, each on a line of its own. 1 and 2 CPUs for all, 4 for those and with --full for all.
#   platform   tests/platform: a test kernel for the platform layer alone
#   net        tests/net: servers in the VM and clients outside, bad cables, hostile clients; needs root
#   run        tests/run/*.sh: the command and the VM from outside
#   apps       tests/apps: real programs
#   python     tests/python: Python's own tests of what an operating system does (most only with --full)
#   go         tests/go (with --full): Go's own tests of its runtime
#   libuv      tests/libuv (with --full): libuv's own tests
#   fuzz       tests/fuzz (with --full)
#   fuzz-syscalls  tests/fuzz-syscalls: random sequences of calls, on Linux and in the VM: the same few each time, with --full new ones
#   stress     tests/stress (with --full): threads, futexes, signals and mappings at random, for STRESS_SECONDS (3600)
#
# A PATTERN (shell pattern, matched against "suite.name") limits what runs: tests/run.sh 'abi.futex*' structure.
set -u
cd "$(dirname "$0")/.." || exit 1
top=$PWD
export B="${B:-$top/build}"
case $B in /*) ;; *) B=$top/$B ;; esac
case ${1:-} in
--case) ;;
--full) full=1; export TEST_FULL=1; shift ;;
esac

# ------------------------------------------------------------------ one case, run as `run.sh --case SUITE NAME …`

# Lines of a script that reports for itself; a script that ends badly without saying why is a failure too.
adopt() # NAME STATUS OUTPUT-FILE
{
    grep -E '^(ok|not ok|skip) ' "$3" | sed "s/^\(ok\|not ok\|skip\) \(\($1\)[.]\)\?/\1 $1./"
    if [ "$2" -ne 0 ] && ! grep -q '^not ok ' "$3"; then
        tail -n 25 "$3" | sed 's/^/# /'
        echo "not ok $1 - ended with status $2"
    elif ! grep -qE '^(ok|not ok|skip) ' "$3"; then
        echo "not ok $1 - reported nothing"
    elif [ "$2" -ne 0 ]; then
        grep '^#' "$3" | head -n 40
    fi
}

case_unit() # NAME
{
    timeout -k 5 120 "$B/unit/$1" >"$work/out" 2>&1
    adopt "unit.${1#test_}" $? "$work/out"
}

case_script() # SUITE.NAME SCRIPT ARGS...
{
    name=$1
    shift
    timeout -k 5 "$limit" "$@" >"$work/out" 2>&1
    adopt "$name" $? "$work/out"
}

# What a test sees must not depend on who runs it.
abi_environment="nice -n -$(nice) env -i PATH=/usr/bin:/bin HOME=/ LANG=C TZ=UTC0" # at nice 0, as in the VM

case_abi() # NAME ACCEL CPUS [debug]
{
    program=$B/abi/$1
    label=abi.$1.$2${3:+.$3}${4:+.$4}
    kernel=$B/${4:+$4/}aril.elf
    if [ ! -x "$program" ]; then
        echo "not ok $label - does not build, see $B/abi/$1.log"
        return
    fi
    if [ ! -f "$program.expected" ]; then
        mkdir "$work/home"
        (cd "$work/home" && $abi_environment timeout -k 5 60 "$program" </dev/null >"$work/linux" 2>"$program.err"; echo $? >"$work/rc")
        mv "$work/rc" "$program.rc"
        mv "$work/linux" "$program.expected"
    fi
    if [ "$2" = linux ]; then
        # The reference itself: a test that hangs or cannot start here proves nothing.
        rc=$(cat "$program.rc")
        if [ "$rc" -ge 124 ] && [ "$rc" -le 127 ]; then
            tail -n 5 "$program.err" | sed 's/^/# /'
            echo "not ok $label - status $rc on Linux"
        else
            echo "ok $label"
        fi
        return
    fi
    seconds=120
    [ "$2" = kvm ] && seconds=60
    timeout -k 2 -s KILL $((seconds + 10)) "$B/aril" run --root none --net none --kernel "$kernel" --clean-env -e PATH=/usr/bin:/bin -e HOME=/ -e LANG=C -e TZ=UTC0 \
        -m 512M --accel "$2" --cpus "$3" --timeout "$seconds" "$program" </dev/null >"$work/out" 2>"$work/err"
    rc=$?
    if cmp -s "$program.expected" "$work/out" && [ $rc = "$(cat "$program.rc")" ]; then
        echo "ok $label"
        return
    fi
    {
        diff -U1 --label linux --label vm "$program.expected" "$work/out" | head -n 30
        head -n 15 "$work/err"
    } | sed 's/^/# /'
    echo "not ok $label - status $rc, on Linux $(cat "$program.rc")$(cmp -s "$program.expected" "$work/out" || echo ', output differs')"
}

if [ "${1:-}" = --case ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    suite=$2
    shift 2
    limit=600
    # Looking for names takes its time where name servers say nothing.
    [ "$suite.${1:-}" = script.net ] && limit=1200
    # All modules of Python take an hour where QEMU emulates the CPU.
    case ${TEST_FULL:+$suite.${1:-}} in script.python | script.go | script.libuv) limit=10800 ;; esac
    # The stress suite takes an hour in all, and four times that on a machine that is busy with something else.
    [ "$suite.${1:-}" = script.stress ] && limit=$((4 * ${STRESS_SECONDS:-3600} + 1200))
    # One write, so that the lines of two cases never mix.
    result=$(case_"$suite" "$@")
    printf '%s\n' "$result" | tee -a "$B/test-results"
    exit 0
fi

# ------------------------------------------------------------------ the list of cases

mkdir -p "$B/abi"
: >"$B/test-results"
cases=$B/test-cases
: >"$cases"

selected() # LABEL
{
    [ -n "$patterns" ] || return 0
    for pattern in $patterns; do
        # shellcheck disable=SC2254
        case $1 in $pattern | $pattern.*) return 0 ;; esac
    done
    return 1
}

add() # LABEL SUITE ARGS...
{
    selected "$1" || return 0
    shift
    echo "$*" >>"$cases"
}

skip() # LABEL REASON
{
    selected "$1" || return 0
    echo "skip $1 - $2" | tee -a "$B/test-results"
}

set -f
patterns="$*"
set +f

# Can a VM be made with KVM here? Empty, or why not.
kvm_problem=$(tests/kvm.sh)
export KVM_PROBLEM="$kvm_problem"

for program in "$B"/unit/test_*; do
    [ -x "$program" ] && add "unit.$(basename "$program" | sed 's/^test_//')" unit "$(basename "$program")"
done
add structure script structure tests/structure.sh
add platform script platform tests/platform/run.sh
add net script net tests/net/run.sh

for source in tests/abi/*.c; do
    [ -f "$source" ] || continue
    name=$(basename "$source" .c)
    wanted=
    for variant in linux kvm.1 kvm.2 kvm.4 tcg.1 tcg.2 tcg.4; do
        selected "abi.$name.$variant" && wanted=1
    done
    [ -n "$wanted" ] || continue
    if [ ! -x "$B/abi/$name" ] || [ -n "$(find tests/abi -maxdepth 1 \( -name "$name.c" -o -name '*.h' \) -newer "$B/abi/$name")" ]; then
        rm -f "$B/abi/$name" "$B/abi/$name.expected"
        link=-static
        if sed 12q "$source" | grep -q 'flags:.*-static-pie'; then link=; fi
        # shellcheck disable=SC2046,SC2086
        gcc $link -O1 -g -pthread -Wall -D_GNU_SOURCE -o "$B/abi/$name" "$source" \
            $(sed -n '1,12s,^[ /*]*flags: *\([^*]*\).*,\1,p' "$source") 2>"$B/abi/$name.log"
    fi
    rm -f "$B/abi/$name.expected"
    add "abi.$name.linux" abi "$name" linux
done
for source in tests/abi/*.c; do
    [ -f "$source" ] || continue
    name=$(basename "$source" .c)
    only=$(sed -n '1,12s,^[ /*]*accel: *\([a-z]*\).*,\1,p' "$source")
    many=$(sed -n '1,12s,^[ /*]*cpus: *\([0-9]*\).*,\1,p' "$source")
    for accel in kvm tcg; do
        for cpus in 1 2 ${full:+4} $([ -n "${full:-}" ] || echo "$many"); do
            if [ $accel = kvm ] && [ -n "$kvm_problem" ]; then
                skip "abi.$name.kvm.$cpus" "$kvm_problem"
            elif [ $accel != "${only:-$accel}" ]; then
                skip "abi.$name.$accel.$cpus" "for $only only, its first lines say why"
            else
                add "abi.$name.$accel.$cpus" abi "$name" $accel $cpus
            fi
        done
    done
    # The kernel that checks lock order, sleeping while atomic, stack depth and freed memory.
    accel=kvm
    [ -n "$kvm_problem" ] && accel=${only:-tcg}
    if [ ! -f "$B/debug/aril.elf" ]; then
        skip "abi.$name.$accel.2.debug" "the checking kernel is not built: make debug"
    elif [ $accel = kvm ] && [ -n "$kvm_problem" ]; then
        skip "abi.$name.$accel.2.debug" "$kvm_problem"
    else
        add "abi.$name.$accel.2.debug" abi "$name" $accel 2 debug
    fi
done

for script in tests/run/*.sh; do
    [ -f "$script" ] && add "run.$(basename "$script" .sh)" script "run.$(basename "$script" .sh)" "$script"
done

if [ -x tests/apps/run.sh ]; then
    for job in tests/apps/jobs/*/; do
        job=$(basename "$job")
        for accel in kvm tcg; do
            if [ $accel = kvm ] && [ -n "$kvm_problem" ]; then
                skip "apps.$job.kvm" "$kvm_problem"
            else
                add "apps.$job.$accel" script apps tests/apps/run.sh -a $accel "$job"
            fi
        done
    done
fi
# Python's tests that say much in a short time; all with --full.
for accel in kvm tcg; do
    if [ $accel = kvm ] && [ -n "$kvm_problem" ]; then
        skip "python.$accel" "$kvm_problem"
    else
        # shellcheck disable=SC2046
        add "python.$accel" script "python" tests/python/run.sh -a $accel \
            $([ -n "${full:-}" ] || echo test_posix test_fileio test_fcntl test_epoll test_poll test_select test_mmap test_glob test_stat)
    fi
done
[ -n "${full:-}" ] && add go script go tests/go/run.sh
[ -n "${full:-}" ] && add libuv script libuv tests/libuv/run.sh
[ -n "${full:-}" ] && add fuzz script fuzz tests/fuzz/run.sh
for family in data paths events memory ipc process args inet --chaos; do
    # shellcheck disable=SC2046
    add "fuzz-syscalls.${family#--}" script fuzz-syscalls env $([ -n "${full:-}" ] || echo SEED=1 ROUNDS=2 FUZZ_SECONDS=5) tests/fuzz-syscalls/run.sh "$family"
done
[ -n "${full:-}" ] && add stress script stress tests/stress/run.sh

# ------------------------------------------------------------------ run

# The programs of the acceptance jobs are built once, not by two jobs at a time.
grep -q '^script apps' "$cases" && tests/apps/build.sh "$B/apps" >"$B/apps.log" 2>&1

xargs -r -P 2 -L 1 tests/run.sh --case <"$cases"

passed=$(grep -c '^ok ' "$B/test-results")
failed=$(grep -c '^not ok ' "$B/test-results")
skipped=$(grep -c '^skip ' "$B/test-results")
if [ $((passed + failed + skipped)) -eq 0 ]; then
    echo "not ok no test matches: $patterns" | tee -a "$B/test-results"
    failed=1
fi
if [ "$failed" -gt 0 ]; then
    echo "--- failed:"
    grep '^not ok ' "$B/test-results"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
