#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [-a ACCEL]... [-c CPUS]... [JOB...]: runs each job on Linux and in the VM and compares standard output and
# exit status; also with the committed `expected` where there is one. Prints ok/not ok/skip lines; status 1 on a failure.
#
# A job is a folder of jobs/: `cmd` (one command line), `rc`, `expected`, optionally `filter` (shell, over
# both outputs), `files` (shell that prints what else the VM needs, one path a line), and its input files.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${B:-$top/build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
accels= cpus= status=0
while getopts a:c: option; do
    case $option in
    a) accels="$accels $OPTARG" ;;
    c) cpus="$cpus $OPTARG" ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ -n "$accels" ] || { accels=tcg; [ -w /dev/kvm ] && accels="kvm tcg"; }
[ -n "$cpus" ] || cpus="1 2"

"$here/build.sh" "$build/apps" || { echo "not ok apps - the programs do not build"; exit 1; }

# linux DIR, vm DIR ACCEL CPUS: the command of the job in DIR, with only the environment below.
linux()
{
    (cd "$1" && env -i PATH=/usr/bin:/bin HOME="$1" LANG=C.UTF-8 TZ=UTC0 sh -c "exec $(cat cmd)" </dev/null)
}

vm()
{
    (
        cd "$1" || exit 125
        set --  -w "$1" --accel "$2" --cpus "$3"
        for f in *; do
            case $f in cmd | rc | expected | filter | files) ;; *) set -- "$@" --file "$f:$PWD/$f" ;; esac
        done
        [ -f files ] && for f in $(sh ./files); do set -- "$@" --file "$f:$f"; done
        command="'$build/aril' run -m 1G --timeout 120 --clean-env -e PATH=/usr/bin:/bin -e HOME='$PWD' -e LANG=C.UTF-8 -e TZ=UTC0"
        for f in "$@"; do command="$command '$f'"; done
        sh -c "exec $command $(cat cmd)" </dev/null
    )
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
    fresh() { rm -rf "$dir"; cp -r "$here/jobs/$1" "$dir"; [ -d "$build/apps/$1" ] && cp -r "$build/apps/$1/." "$dir/"; chmod -R u+w "$dir"; }
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
}

[ $# -gt 0 ] || set -- $(ls "$here/jobs")
for job; do
    one_job "$job"
done
exit $status
