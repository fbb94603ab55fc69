#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The command started by a user who is not root: files that he may not read are refused where Linux refuses them.
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
user=65534 group=65534 other=54321
if [ "$(id -u)" != 0 ] || ! setpriv --reuid=$user --regid=$group --clear-groups true 2>/dev/null; then
    echo "skip user - takes root, to become another user"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
if ! setpriv --reuid=$user --regid=$group --clear-groups test -x "$work"; then
    echo "skip user - other users cannot reach temporary files here"
    exit 0
fi
status=0
# The command, too, must be where he can reach it.
cp "$B/aril" "$B/aril.elf" "$work" && chmod 755 "$work/aril" && chmod 644 "$work/aril.elf" || exit 1
gcc -static -O1 -w -D_GNU_SOURCE -o "$work/rights" tests/run/user_rights.c || exit 1

tree()
{
    rm -rf "$work/tree"
    mkdir "$work/tree"
    cd "$work/tree" || exit
    for file in secret writable readable by-group not-by-group mine not-by-me program; do echo text >$file; done
    chmod 600 secret && chmod 622 writable && chmod 644 readable
    chgrp $other by-group not-by-group && chmod 640 by-group && chmod 604 not-by-group
    chown $user mine not-by-me && chmod 600 mine && chmod 044 not-by-me
    chmod 711 program
    mkdir closed listed searched open
    echo x >closed/file && echo x >listed/file && echo x >searched/file
    chmod 700 closed && chmod 744 listed && chmod 711 searched && chmod 777 open
    cd "$OLDPWD" || exit
}

as_user()
{
    setpriv --reuid=$user --regid=$group --groups=$other "$@"
}

compare() # NAME PLACE ARG… -- OPTION…
{
    name=$1 place=$2
    shift 2
    arguments=()
    while [ "$1" != -- ]; do arguments+=("$1"); shift; done
    shift
    tree
    as_user "$work/rights" "$work/tree" "${arguments[@]}" >"$work/linux" 2>&1
    tree
    as_user timeout -k 2 100 "$work/aril" run --kernel "$work/aril.elf" --accel tcg --timeout 90 "$@" -w / "$work/rights" "$place" "${arguments[@]}" \
        >"$work/vm" 2>&1 </dev/null
    if diff -U1 "$work/linux" "$work/vm" >"$work/diff"; then
        echo "ok user.$name"
    else
        sed 's/^/# /' "$work/diff"
        echo "not ok user.$name - differs from Linux"
        status=1
    fi
}

compare root "$work/tree" -- --root /
compare directory / -- --root "$work/tree" --file "$work/rights:$work/rights"
compare volume /volume all -- -v "$work/tree:/volume"
exit $status
