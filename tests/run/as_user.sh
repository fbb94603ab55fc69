#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# aril run --user: the program is who it says, as setpriv makes it on Linux, on every kind of root and on volumes.
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0
gcc -static -O1 -w -o "$work/who" tests/run/as_user.c || exit 1
chmod 755 "$work"

report() # NAME TRUE? FILE
{
    if [ "$2" = 0 ]; then
        echo "ok as_user.$1"
    else
        sed 's/^/# /' "$3"
        echo "not ok as_user.$1"
        status=1
    fi
}

vm() { timeout -k 5 100 "$B/aril" run --timeout 90 "$@" </dev/null; }

# Wrong users: a line that says so, and status 125.
for user in '' : 1: :1 nosuchuser 0:nosuchgroup 4294967295 2147483648 -1 1x 1:1:1; do
    vm --user "$user" /bin/true >"$work/out" 2>&1
    [ $? = 125 ] && [ "$(grep -c '^aril: --user' "$work/out")" = 1 ]
    report "wrong.${user:-empty}" $? "$work/out"
done

# Who is meant, by this host's users and groups: id(1) knows.
read -r name uid gid <<<"$(getent passwd | awk -F: '$3 > 0 && $3 < 65534 && $4 > 0 { print $1, $3, $4; exit }')"
ids() { vm --accel tcg "$@" --root none "$work/who" /tmp 2>&1 | grep -E '^(uid|group) ' | sed 's/ fs .*//' | sort -u; }
expected() { echo "uid $1 $1 $1 gid $2 $2 $2"; shift; for g in "$@"; do echo "group $g"; done | sort -u; }
for case in "$name:$uid:$gid:$(id -G "$name")" "$uid:$uid:$gid:$(id -G "$name")" "$name=1234:$uid:1234:1234" "12345:12345:0:0" "0=7:0:7:7" \
    "$name=$(id -gn "$name"):$uid:$gid:$gid"; do
    IFS=: read -r who u g groups <<<"$case"
    expected "$u" "$g" $groups | sort >"$work/expected"
    ids --user "${who/=/:}" | sort >"$work/out"
    diff "$work/expected" "$work/out" >"$work/diff"
    report "names.${who/$name/user}" $? "$work/diff"
done

if [ "$(id -u)" != 0 ] || ! setpriv --reuid=1234 --regid=5678 --groups=5678 test -x "$work"; then
    echo "skip as_user.rights - takes root, and temporary files that others reach"
    exit $status
fi
fresh() { rm -rf "$work/tree"; mkdir "$work/tree"; chmod 777 "$work/tree"; }
fresh
(cd / && HOME=/home setpriv --reuid=1234 --regid=5678 --groups=5678 sh -c '"$0" "$1" 2>&1 | cat' "$work/who" "$work/tree" </dev/null) >"$work/linux"
stat -c '%n %u:%g %a' "$work/tree"/* | sed 's/.*tree.//' >"$work/linux.files"
for accel in tcg kvm; do
    for place in root volume; do
        fresh
        options=()
        [ $place = volume ] && options=(-v "$work/tree:$work/tree")
        [ $accel = tcg ] || tests/kvm.sh "as_user.$place" || continue
        vm --accel $accel -e HOME=/home -w / --user 1234:5678 "${options[@]}" "$work/who" "$work/tree" 2>&1 | cat >"$work/vm"
        diff -U1 "$work/linux" "$work/vm" >"$work/diff"
        report "$place.$accel" $? "$work/diff"
        stat -c '%n %u:%g %a' "$work/tree"/* 2>/dev/null | sed 's/.*tree.//' >"$work/vm.files"
        [ $place = root ] && ! [ -s "$work/vm.files" ] || diff -U1 "$work/linux.files" "$work/vm.files" >"$work/diff"
        report "$place.$accel.files" $? "$work/diff"
    done
done
exit $status
