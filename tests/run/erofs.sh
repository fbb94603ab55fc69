#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# erofs.sh: a tree of every kind of file, in images of every kind, looks in the VM as it does on Linux: mounted from a file, and in place
# as the VM's root, and on a disk; and as erofs-utils themselves extract it. Mangled images end in errors, not in the VM's end.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
list=$work/root/list
tree=$work/root/tree
failed=0
mkdir -p "$tree/deep/a/b/c/d/e/f/g/h" "$tree/large"
gcc -static -O1 -w -D_GNU_SOURCE -o "$list" tests/run/tree_listing.c || { echo "not ok erofs - the program does not build"; exit 1; }

# Under 8 MiB in all: larger images are a disk of the VM, not a part of its boot archive.
cp -r fs "$tree/source"
cp "$list" "$tree/program"
echo deep >"$tree/deep/a/b/c/d/e/f/g/h/file"
for i in $(seq 1000); do echo "$i" >"$tree/large/$i-a-name-that-takes-some-room"; done
seq 100000 >"$tree/numbers"
head -c 1000001 /dev/urandom >"$tree/random"
head -c 1000000 /dev/zero >"$tree/zeros"
truncate -s 1M "$tree/hole"
echo end >>"$tree/hole"
: >"$tree/empty"
for size in 1 4095 4096 4097 8191 65536; do head -c $size "$tree/numbers" >"$tree/size-$size"; done
ln "$tree/numbers" "$tree/second-name"
ln -s target "$tree/link"
ln -s "$(printf 'x%.0s' $(seq 3000))" "$tree/long-link"
mkfifo "$tree/fifo"
[ "$(id -u)" = 0 ] && mknod "$tree/device" c 300 70000
"$list" -a "$tree/size-1" || echo "# this file system has no attributes"
chmod 4751 "$tree/size-4095"
"$list" "$tree" >"$work/linux"

check() # NAME STATUS
{
    if [ "$2" = 0 ] && cmp -s "$work/linux" "$work/vm"; then
        echo "ok erofs.$1"
    else
        head -n 5 "$work/err" | sed 's/^/# /'
        diff "$work/linux" "$work/vm" | head -n 10 | sed 's/^/# /'
        echo "not ok erofs.$1 - the trees differ, or the status is not 0 but $2"
        failed=1
    fi
}

# What fsck.erofs takes out of the image is another reader's opinion of it. It makes copies of hard links, no attributes, and changes
# owners after modes, which takes the set-user-ID bit away; all else is as in the image. Only root can make devices and owners.
extracted= # the kinds that were compared
plainly() # LISTING
{
    sed 's/ links [0-9]*//; s/ user\..*//; s/: 104751/: 100751/' "$1"
}

check_extracted() # KIND.MODE, after a check of the same
{
    [ "$(id -u)" = 0 ] && command -v fsck.erofs >/dev/null || return 0
    case " $extracted " in *" $name "*) ;; *)
        rm -rf "$work/extract" "$work/extracted"
        fsck.erofs --extract="$work/extract" "$work/$name.img" >"$work/err" 2>&1 && "$list" "$work/extract/tree" >"$work/extracted"
        extracted="$extracted $name"
        ;;
    esac
    plainly "$work/vm" >"$work/vm.plain"
    if [ -s "$work/extracted" ] && plainly "$work/extracted" | diff - "$work/vm.plain" >"$work/diff"; then
        echo "ok erofs.extracted.$1"
    else
        head -n 10 "$work/diff" "$work/err" | sed 's/^/# /'
        echo "not ok erofs.extracted.$1 - the VM reads otherwise than fsck.erofs extracts"
        failed=1
    fi
}

accels=tcg
tests/kvm.sh erofs && accels='kvm tcg'
for kind in plain: chunks:--chunksize=8192 lz4:-zlz4 full:-zlz4,-Elegacy-compress big:-zlz4hc,-C65536 tails:-zlz4,-Eztailpacking fragments:-zlz4,-Efragments dedupe:-zlz4,-Ededupe; do
    name=${kind%%:*}
    options=$(echo "${kind#*:}" | tr , ' ')
    # shellcheck disable=SC2086
    mkfs.erofs --quiet $options "$work/$name.img" "$work/root" >"$work/err" 2>&1 || { echo "not ok erofs.$name - mkfs.erofs fails"; failed=1; continue; }
    # In turn, so that each kind is read in one mode from a file and in the other in place.
    for accel in $accels; do
        case $name.$accel in
        plain.* | big.* | lz4.kvm | full.kvm | tails.kvm | chunks.kvm | fragments.* | dedupe.kvm)
            timeout -k 5 120 "$B/aril" run --root none --accel $accel --cpus 2 -m 300M --file "$work/$name.img:/image" "$list" -m /image /mnt \
                </dev/null 2>"$work/err" | sed -n 's|^/tree/|/|p; $p' >"$work/vm"
            # The image's own root has the program and the tree's folder besides.
            sed -i "\$s/.*/$(tail -n 1 "$work/linux")/" "$work/vm"
            check "$name.file.$accel" 0
            check_extracted "$name.file.$accel"
            ;;
        esac
        case $name.$accel in
        plain.* | big.* | lz4.tcg | full.tcg | tails.tcg | chunks.tcg | dedupe.tcg)
            timeout -k 5 120 "$B/aril" run --accel $accel --cpus 2 -m 300M -w / --root "$work/$name.img" /list /tree </dev/null >"$work/vm" 2>"$work/err"
            check "$name.root.$accel" $?
            check_extracted "$name.root.$accel"
            ;;
        esac
        case $name.$accel in
        plain.kvm | lz4.tcg | fragments.kvm)
            timeout -k 5 120 "$B/aril" run --root none --accel $accel --cpus 2 -m 300M --disk "$work/$name.img:ro" "$list" -m /dev/vda /mnt \
                </dev/null 2>"$work/err" | sed -n 's|^/tree/|/|p; $p' >"$work/vm"
            sed -i "\$s/.*/$(tail -n 1 "$work/linux")/" "$work/vm"
            check "$name.disk.$accel" 0
            check_extracted "$name.disk.$accel"
            ;;
        esac
    done
done

# Bytes changed here and there, most of them where the metadata is.
mangle() # IMAGE SEED
{
    cp "$1" "$work/mangled"
    awk -v seed="$2" -v size="$(stat -c %s "$1")" 'BEGIN { srand(seed); for (i = 0; i < 60; i++)
        printf "%d %d\n", 1100 + int(rand() * (i % 3 ? 30000 : size - 1100)), int(rand() * 256) }' | while read -r at byte; do
        # shellcheck disable=SC2059
        printf "\\$(printf %03o "$byte")" | dd of="$work/mangled" bs=1 seek="$at" conv=notrunc 2>/dev/null
    done
}

kernel=$B/aril.elf
[ -f "$B/debug/aril.elf" ] && kernel=$B/debug/aril.elf
rm -f "$tree/random" "$tree/zeros" "$tree/hole" # a damaged size makes enough work
for kind in plain: big:-zlz4hc,-C16384 full:-zlz4,-Elegacy-compress; do
    name=${kind%%:*}
    # shellcheck disable=SC2046
    mkfs.erofs --quiet $(echo "${kind#*:}" | tr , ' ') "$work/small.img" "$tree" >/dev/null 2>&1
    for seed in 1 2 3; do
        mangle "$work/small.img" $seed
        timeout -k 5 60 "$B/aril" run --root none --kernel "$kernel" --accel "${accels%% *}" -m 300M --timeout 40 --file "$work/mangled:/image" "$list" -m /image /mnt \
            </dev/null >"$work/vm" 2>"$work/err"
        status=$?
        if [ $status -le 1 ] && tail -n 1 "$work/vm" | grep -qE '^([0-9]+ files|mount: error)'; then
            echo "ok erofs.mangled.$name.$seed"
        else
            tail -n 5 "$work/err" | sed 's/^/# /'
            echo "not ok erofs.mangled.$name.$seed - status $status"
            failed=1
        fi
    done
done
exit $failed
