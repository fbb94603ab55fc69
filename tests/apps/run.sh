#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [-a ACCEL]... [-c CPUS]... [-i] [JOB...]: runs each job on Linux and in the VM and compares standard output and
# exit status; also with the committed `expected` where there is one. Prints ok/not ok/skip lines; status 1 on a failure.
# Jobs with a file `image`, and all with -i or TEST_FULL=1, also run from an image that `aril build --record` makes of a run.
#
# A job is a folder of jobs/: `cmd` (one command line), `rc`, `expected` (where it does not depend on versions), its input
# files, and optionally `rewrites-code` (below), `filter` (shell, over both outputs: an image lists directories in another order than a disk, say), `setup` (shell, run in the copy before), `stdin`, `env` (NAME=VALUE lines).
# The VM sees this host's files; with `alone` the program and its input files alone (and those that the shell text
# `files` prints, one path a line).
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${B:-$top/build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
accels= cpus= status=0 images=${TEST_FULL:-}
while getopts a:c:i option; do
    case $option in
    a) accels="$accels $OPTARG" ;;
    c) cpus="$cpus $OPTARG" ;;
    i) images=1 ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ -n "$accels" ] || { accels=tcg; "$top/tests/kvm.sh" apps && accels="kvm tcg"; }
[ -n "$cpus" ] || cpus="1 2"

"$here/build.sh" "$build/apps" || { echo "not ok apps - the programs do not build"; exit 1; }

# What changes code that another CPU may be at, in a job with `rewrites-code`, wants its CPUs emulated in turn before QEMU 8.1 (docs/aril-run.md).
turns=$("${ARIL_QEMU:-qemu-system-x86_64}" --version 2>/dev/null | awk '/version/ {split($4, v, "."); if (v[1] < 8 || v[1] == 8 && v[2] < 1) print ",thread=single"}')

# linux DIR, vm DIR ACCEL CPUS [IMAGE], build_image DIR IMAGE: the command of the job in DIR, with only the environment below.
environment()
{
    printf "PATH=/usr/bin:/bin\nHOME=%s\nLANG=C.UTF-8\nTZ=UTC0\n" "$1"
    [ -f "$1/env" ] && cat "$1/env"
}

linux()
{
    (
        cd "$1" || exit 125
        words=$(environment "$1" | sed "s/.*/'&'/" | tr '\n' ' ')
        sh -c "exec env -i $words $(cat cmd)" <"$(input "$1")"
    )
}

vm()
{
    (
        cd "$1" || exit 125
        input=$(input "$1")
        words=$(environment "$1" | sed "s/.*/-e '&'/" | tr '\n' ' ')
        limit=120
        [ "$2" = tcg ] && limit=280
        image=${4:-}
        accel=$2
        if [ "$2" = tcg ] && [ -f rewrites-code ]; then accel=tcg$turns; fi
        set -- --accel "$accel" --cpus "$3" --timeout $limit
        if [ -n "$image" ]; then
            set -- "$@" --root "$image" -w "$PWD"
        elif [ -f alone ]; then
            set -- "$@" --root none -w "$PWD"
            for f in *; do
                case $f in cmd | rc | expected | filter | files | alone | image | rewrites-code) ;; *) set -- "$@" --file "$f:$PWD/$f" ;; esac
            done
            [ -f files ] && for f in $(sh ./files); do set -- "$@" --file "$f:$f"; done
        fi
        command="'$build/aril' run -m 1G --clean-env $words"
        for f in "$@"; do command="$command '$f'"; done
        sh -c "exec $command $(cat cmd)" <"$input"
    )
}

# The recorded run's output is the program's own.
build_image()
{
    (
        cd "$1" || exit 125
        words=$(environment "$1" | sed "s/.*/-e '&'/" | tr '\n' ' ')
        export TMPDIR="$work"
        sh -c "exec '$build/aril' build -o '$2' --no-cache --record --any-status --timeout 280 -m 1G --clean-env $words $(sed 's/ / -- /' cmd)" <"$(input "$1")"
    )
}

input()
{
    if [ -f "$1/stdin" ]; then echo "$1/stdin"; else echo /dev/null; fi
}

compare() # NAME EXPECTED-OUTPUT EXPECTED-STATUS OUTPUT STATUS ERRORS
{
    if cmp -s "$2" "$4" && [ "$3" = "$5" ]; then
        echo "ok $1"
        return
    fi
    status=1
    echo "not ok $1 - status $5, expected $3; $(diff "$2" "$4" | head -n 3 | tr '\n' ' '); $(tail -n 3 "$6" | tr '\n' ' ')"
}

one_job() # JOB
{
    dir=$work/$1
    if [ -f "$build/apps/$1/skip" ]; then
        echo "skip $1 - $(cat "$build/apps/$1/skip")"
        return
    fi
    program=$(sed "s/[ ].*//" "$here/jobs/$1/cmd")
    case $program in
    /*)
        [ -x "$program" ] || { echo "skip $1 - no $program here"; return; }
        ;;
    esac
    fresh() { rm -rf "$dir"; cp -r "$here/jobs/$1" "$dir"; [ -d "$build/apps/$1" ] && cp -r "$build/apps/$1/." "$dir/"; chmod -R u+w "$dir"; [ ! -f "$dir/setup" ] || (cd "$dir" && sh ./setup); }
    filter=cat
    [ -f "$here/jobs/$1/filter" ] && filter=$(cat "$here/jobs/$1/filter")
    fresh "$1"
    linux "$dir" >"$work/raw" 2>"$work/errors"
    linux_status=$?
    sh -c "$filter" <"$work/raw" >"$work/linux"
    [ -f "$here/jobs/$1/expected" ] &&
        compare "$1 linux" "$here/jobs/$1/expected" "$(cat "$here/jobs/$1/rc")" "$work/linux" $linux_status "$work/errors"
    for accel in $accels; do
        for n in $cpus; do
            fresh "$1"
            vm "$dir" "$accel" "$n" >"$work/raw" 2>"$work/errors"
            vm_status=$?
            sh -c "$filter" <"$work/raw" >"$work/vm"
            compare "$1 $accel $n" "$work/linux" $linux_status "$work/vm" $vm_status "$work/errors"
        done
    done
    if [ -n "$images" ] || [ -f "$here/jobs/$1/image" ]; then from_image "$1"; fi
}

from_image() # JOB
{
    fresh "$1"
    if ! build_image "$dir" "$work/image" >"$work/raw" 2>"$work/errors"; then
        status=1
        echo "not ok $1 build - $(tail -n 3 "$work/errors" | tr '\n' ' ')"
        return
    fi
    sh -c "$filter" <"$work/raw" >"$work/vm"
    compare "$1 build" "$work/linux" $linux_status "$work/vm" $linux_status "$work/errors"
    for accel in $accels; do
        for n in $cpus; do
            vm "$dir" "$accel" "$n" "$work/image" >"$work/raw" 2>"$work/errors"
            vm_status=$?
            sh -c "$filter" <"$work/raw" >"$work/vm"
            compare "$1 image $accel $n" "$work/linux" $linux_status "$work/vm" $vm_status "$work/errors"
        done
    done
    rm -f "$work/image"
}

[ $# -gt 0 ] || set -- $(ls "$here/jobs")
for job; do
    one_job "$job"
done
exit $status
