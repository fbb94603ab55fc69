#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# ninep.sh: trees of the host by 9p read as on Linux, change as on Linux, and show what the host changes meanwhile.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

for program in list write watch; do
    gcc -static -O1 -I. -o "$work/$program" "tests/run/ninep_$program.c" || { echo "not ok ninep - ninep_$program.c does not build"; exit 1; }
done

# QEMU with $work/tree as "t" and an empty folder as "w".
cat >"$work/qemu" <<END
#!/bin/sh
exec \${ARIL_QEMU:-qemu-system-x86_64} "\$@" \
    -fsdev local,id=t,path=$work/tree,security_model=none,readonly=on,multidevs=remap -device virtio-9p-device,fsdev=t,mount_tag=t \
    -fsdev local,id=w,path=$work/written,security_model=none,multidevs=remap -device virtio-9p-device,fsdev=w,mount_tag=w
END
chmod +x "$work/qemu"

vm() # ACCEL CPUS PROGRAM ARGS...
{
    accel=$1 cpus=$2
    shift 2
    timeout -k 5 100 "$B/aril" run --accel "$accel" --cpus "$cpus" --qemu "$work/qemu" --append loglevel=4 "$@"
}

verdict() # NAME WHAT-IF-NOT, after a diff
{
    if [ -s "$work/diff" ]; then
        sed 's/^/# /' "$work/diff" | head -n 20
        echo "not ok ninep.$1 - $2"
        failed=1
    else
        echo "ok ninep.$1"
    fi
}

make_tree()
(
    mkdir -p "$work/tree/dir/sub/deep/x/y/z" "$work/tree/many" && cd "$work/tree" || exit
    echo hello >file
    ln file hard
    ln -s file link
    ln -s dir/sub sublink
    ln -s loop loop
    ln -s /nonexistent/x dangling
    mkfifo fifo
    mknod character c 1 3 2>/dev/null && mknod block b 7 200 && mknod large c 300 70000
    head -c 3000001 /dev/urandom >big
    truncate -s 5000000 sparse
    : >empty
    head -c 4096 /dev/zero >page
    touch -d '1969-12-31 23:59:50.25 UTC' page
    chmod 4755 big
    chmod 0 empty
    for i in $(seq 300); do echo "content $i" >"many/a-file-with-a-name-$i"; done
    setfattr -n user.one -v value file 2>/dev/null
    setfattr -n user.d -v "$(head -c 1500 /dev/zero | tr '\0' x)" dir 2>/dev/null
    : >"$(head -c 255 /dev/zero | tr '\0' n)"
    mkdir -p "$(seq -s / 100000000000 100000000040)/leaf"
)

writing() # ACCEL CPUS OPTIONS
{
    rm -rf "$work/written"
    mkdir "$work/written"
    vm "$1" "$2" "$work/write" 9p w "$3" 2>&1 | tail -n +3 >"$work/out"
    (cd "$work/written" && contents) >"$work/tree.vm"
    # Special files only if the server can make them.
    if tail -n 1 "$work/out" | grep -qx 'no special files'; then
        sed -i '$d' "$work/out"
        sed '/^mknod("fifo"/,$d' "$work/linux.write" | diff - "$work/out" >"$work/diff"
        [ "$specials" ] || echo "skip ninep.special - this QEMU refuses to make special files"
        specials=said
    else
        diff "$work/linux.write" "$work/out" >"$work/diff"
    fi
    diff "$work/tree.linux" "$work/tree.vm" >>"$work/diff"
}

contents()
{
    find . ! -type p ! -type c ! -type s -printf '%p %m %U %G %n %l\n' | sort
    find . -type f | sort | xargs -d '\n' cksum
}

# The VM does a thing and must answer so.
tell() # COMMAND ANSWER
{
    echo "$1" >&8
    if ! read -r answer <&9 || [ "$answer" != "$2" ]; then
        echo "$1: '$answer', not '$2'" >>"$work/diff"
    fi
}

both_sides() # ACCEL
{
    : >"$work/diff"
    rm -rf "$work/written" "$work/to" "$work/from"
    mkdir -p "$work/written/d"
    cd "$work/written" || exit
    mkfifo "$work/to" "$work/from"
    (cd "$OLDPWD" && vm "$1" 2 "$work/watch" w cache=none <"$work/to" >"$work/from" 2>&1) &
    exec 8>"$work/to" 9<"$work/from"
    read -r answer <&9
    echo one >f
    tell "get f" one
    tell "open f" 0
    printf 'other' >f
    tell "get f" other
    tell "stat f" 5
    echo longer >>f
    tell "stat f" 12
    tell "size" 12
    tell "map" otherlon
    tell "list d" ""
    touch d/a d/b
    tell "list d" "a b"
    rm d/a
    tell "stat d/a" ENOENT
    touch d/a
    tell "stat d/a" 0
    mv d e
    tell "stat d/a" ENOENT
    tell "list e" "a b"
    tell "put g text of the VM" 14
    [ "$(cat g)" = "text of the VM" ] || echo "g is not on the host" >>"$work/diff"
    mv g f
    tell "get f" "text of the VM"
    tell "read" "otherlonger"
    tell "links" 0
    tell "append x" 1
    tell "sync" 0
    tell "close" 0
    tell "open f" 0
    rm f
    tell "get f" ENOENT
    tell "read" "text of the VM"
    tell "size" 14
    tell "close" 0
    tell "rm f" ENOENT
    mkdir f
    tell "get f" EISDIR
    rmdir f
    ln -s e/b f
    echo b >e/b
    tell "get f" b
    ln e/b e/c
    rm e/b
    tell "get e/b" ENOENT
    tell "get e/c" b
    exec 8>&- 9<&-
    wait
    cd "$OLDPWD" || exit
}

make_tree
"$work/list" "$work/tree" >"$work/linux.list"
mkdir "$work/written"
"$work/write" "$work/written" 2>&1 | tail -n +3 >"$work/linux.write"
(cd "$work/written" && contents) >"$work/tree.linux"
specials=

for accel in kvm tcg; do
    [ $accel = tcg ] || tests/kvm.sh ninep || continue
    vm $accel 2 "$work/list" 9p t ro,cache=loose 2>&1 | diff "$work/linux.list" - >"$work/diff"
    verdict "list.loose.$accel" "a tree reads otherwise than on Linux"
    vm $accel 1 "$work/list" 9p t ro,cache=loose again 2>&1 | diff "$work/linux.list" - >"$work/diff"
    verdict "list.again.$accel" "a tree reads otherwise the second time"
    vm $accel 4 "$work/list" 9p t trans=virtio,version=9p2000.L,msize=16384 2>&1 | diff "$work/linux.list" - >"$work/diff"
    verdict "list.none.$accel" "a tree reads otherwise than on Linux"
    writing $accel 2 cache=none
    verdict "write.none.$accel" "what a program does in a tree shows otherwise than on Linux"
    writing $accel 1 cache=loose
    verdict "write.loose.$accel" "what a program does in a tree shows otherwise than on Linux"
    both_sides $accel
    verdict "both_sides.$accel" "what the host changes is not seen"
done
exit $failed
