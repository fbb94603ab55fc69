#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# structure.sh [ROOT]: checks what keeps the source tree in order; prints ok/not ok lines, status 1 on a failure.
# - includes point one way only between folders (docs/architecture.md);
# - machine-dependent #if only in platform/; SPDX line first; no file over 700 lines; no unfinished marks.
# Without ROOT it also checks that each rule can fail, on small trees that break it.
set -u
cd "$(dirname "$0")/.." || exit 1
root=${1:-.}
status=0

# What each folder may include, as prefixes. lwip/ and netif/ are headers of lwIP. platform/ may use the kernel's contract headers only: the ones named here.
rules='
platform platform/ kernel/types.h kernel/list.h kernel/lock.h kernel/log.h kernel/page.h kernel/params.h kernel/timer.h kernel/wait.h kernel/lib/
kernel kernel/ platform/platform.h
fs fs/ kernel/ platform/platform.h
net net/ fs/ kernel/ platform/platform.h lwip/ netif/
loader loader/ fs/ kernel/ platform/platform.h
syscalls syscalls/ loader/ net/ fs/ kernel/ platform/platform.h
tools tools/
'

result() # NAME FINDINGS
{
    if [ -z "$2" ]; then
        echo "ok structure.$1"
        return
    fi
    status=1
    echo "$2" | sed 's/^/# /'
    echo "not ok structure.$1 - $(echo "$2" | wc -l) findings, the first: $(echo "$2" | head -n 1)"
}

include_direction()
{
    echo "$rules" | while read -r folder allowed; do
        [ -n "$folder" ] && [ -d "$root/$folder" ] || continue
        find "$root/$folder" -name '*.[chS]' | sort | while read -r file; do
            sed -n 's/^[ \t]*#[ \t]*include[ \t]*"\([^"]*\)".*/\1/p' "$file" | while read -r header; do
                fits=
                for prefix in $allowed; do
                    case $header in "$prefix"*) fits=1 ;; esac
                done
                [ -n "$fits" ] || echo "$file includes \"$header\", which $folder/ may not"
            done
        done
    done
}

sources() # FOLDER...
{
    for folder; do
        [ -d "$root/$folder" ] && find "$root/$folder" \( -name '*.[chS]' -o -name '*.sh' -o -name '*.awk' -o -name '*.ld' \) ! -path '*/apps/jobs/*'
    done | sort
}

machine_independence()
{
    sources kernel fs net loader syscalls | xargs -r grep -nE '^[ \t]*#[ \t]*(if|ifdef|ifndef|elif).*(__x86_64__|__i386__|__aarch64__|__riscv)' /dev/null
}

spdx_first()
{
    sources platform kernel fs net loader syscalls tools tests | while read -r file; do
        head -n 2 "$file" | grep -q 'SPDX-License-Identifier: BSD-2-Clause' || echo "$file has no SPDX line"
    done
}

file_length()
{
    sources platform kernel fs net loader syscalls tools tests | while read -r file; do
        n=$(wc -l <"$file")
        [ "$n" -le 700 ] || echo "$file has $n lines"
    done
}

unfinished_marks()
{
    marks='\b(TO''DO|FIX''ME|XX''X|HA''CK)\b'
    sources platform kernel fs net loader syscalls tools tests | xargs -r grep -nE "$marks" /dev/null
}

checks='include_direction machine_independence spdx_first file_length unfinished_marks'
for check in $checks; do
    result "$check" "$($check)"
done
[ $# -eq 0 ] || exit $status

# Each rule on a tree that breaks just that rule.
broken=$(mktemp -d)
trap 'rm -rf "$broken"' EXIT
spdx='/* SPDX-License-Identifier: BSD-2-Clause */'
root=$broken
for check in $checks; do
    rm -rf "$broken/kernel"
    mkdir "$broken/kernel"
    case $check in
    include_direction) printf '%s\n#include "fs/vfs.h"\n' "$spdx" ;;
    machine_independence) printf '%s\n#ifdef __x86_64__\n#endif\n' "$spdx" ;;
    spdx_first) echo 'int x;' ;;
    file_length) echo "$spdx"; yes '' | head -n 700 ;;
    unfinished_marks) printf '%s\n/* %s: later */\n' "$spdx" TO''DO ;;
    esac >"$broken/kernel/broken.c"
    for each in $checks; do
        found=$($each)
        if [ "$each" = "$check" ] && [ -z "$found" ]; then
            result "$check.can_fail" "a broken tree passes"
        elif [ "$each" != "$check" ] && [ -n "$found" ]; then
            result "$each.only_its_own" "$found"
        fi
    done
    [ -n "$($check)" ] && result "$check.can_fail" ""
done
exit $status
