#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# disk.sh: disks of the VM (`aril run --disk`): what a program writes is in the image afterwards, and nothing else; limits,
# read-only disks, disks that fail, a host without room for a disk or a volume; what is said of files that are no disks. Prints ok/not ok/skip lines.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath "${B:-build}")
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
: "${ACCEL:=kvm tcg}"
status=0
${CC:-gcc} -static -O1 -pthread -o "$dir/disk" tests/run/disk.c || exit 1

result() { # NAME WANTED GOT
    if [ "$2" = "$3" ]; then
        echo "ok $1"
    else
        echo "not ok $1 - $(diff <(echo "$2") <(echo "$3") | head -n 6 | tr '\n' '|')"
        status=1
    fi
}

run() { timeout -k 5 100 "$build/aril" run --timeout 90 "$@" 2>&1 </dev/null; }

# refused NAME TEXT DISK: status 125, and TEXT is said.
refused() {
    local said
    said=$(run --disk "$3" true)
    [ $? = 125 ] || said="another status: $said"
    case $said in
    *"$2"*) echo "ok $1" ;;
    *) result "$1" "$2" "$said" ;;
    esac
}

head -c 1000 /dev/zero >"$dir/odd"
: >"$dir/empty"
refused missing "--disk $dir/none: No such file or directory" "$dir/none"
refused directory "Is a directory" "$dir"
refused directory-ro "a directory; -v shows it" "$dir:ro"
refused device "neither a file nor a block device" /dev/null
refused odd "multiple of 512 bytes, and this has 1000" "$dir/odd"
refused empty "and this has 0" "$dir/empty:ro"
refused nothing "--disk wants a disk image" ""

# written NAME SIZE OPTIONS... -- SEED THREADS HOW...
written() {
    local name=$1 image="$dir/a disk,1" options=()
    truncate -s 0 "$image"
    truncate -s "$2" "$image"
    shift 2
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    result "$name" "done as written" \
        "$(run "${options[@]}" --disk "$image" "$dir/disk" write /dev/vda "$@" | tr '\n' ' ')$("$dir/disk" check "$image" "$@")"
}

attributes='fd >= 0: 1
block 1, 254:0, size 0
ioctl(fd, BLKGETSIZE64, &bytes): 0
ioctl(fd, BLKGETSIZE, &sectors): 0
1049600 bytes, 2050 sectors
ioctl(fd, BLKSSZGET, &value): 0
sector of 512
ioctl(fd, BLKROGET, &value): 0
read-only 0
ioctl(fd, HDIO_GETGEO, &geometry): 0
ioctl(fd, HDIO_GETGEO, NULL): -1 EINVAL
ioctl(fd, BLKGETSIZE64, (void *)8): -1 EFAULT
ioctl(fd, BLKFLSBUF, 0): 0
ioctl(fd, 0x12ff, 0): -1 ENOTTY
lseek(fd, 0, SEEK_END) == (off_t)bytes: 1
lseek(fd, 1, SEEK_END): -1 EINVAL
lseek(fd, 0, SEEK_DATA): -1 EINVAL
read(fd, buffer, 100): 0
write(fd, buffer, 100): -1 ENOSPC
write(fd, buffer, 0): 0
pwrite(fd, buffer, 4096, (off_t)bytes - 100): 100
pread(fd, buffer, 4096, (off_t)bytes - 100): 100
ftruncate(fd, 0): -1 EINVAL
fsync(fd): 0
ioctl(fd, BLKDISCARD, range): 0
ioctl(fd, BLKZEROOUT, range): 0
ioctl(fd, BLKZEROOUT, range): -1 EINVAL
mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED: 0
other >= 0: 1
open(name, O_RDONLY | O_EXCL): -1 EBUSY
close(other): 0
open(name, O_RDONLY | O_EXCL) >= 0: 1'
read_only=$(sed -e 's/254:0/254:16/; s/read-only 0/read-only 1/' -e '/^write\|^pwrite/s/: .*/: -1 EPERM/' \
    -e '/BLKDISCARD\|BLKZEROOUT/s/: .*/: -1 EPERM/' -e '/^mmap/s/: 0/: 1/' <<<"$attributes")
alignment='pread(fd, buffer, 512, 512): 512
pread(fd, buffer, 500, 512): -1 EINVAL
pread(fd, buffer, 512, 500): -1 EINVAL
pread(fd, buffer + 1, 512, 512): -1 EINVAL
pread(fd, buffer + 512, 512, 512): 512
pread(fd, buffer, 0, 1): 0
pread(fd, buffer, 4096, (off_t)bytes - 512): 512
pread(fd, buffer, 4096, (off_t)bytes): 0
pread(fd, (void *)4096, 4096, 0): -1 EFAULT
pwrite(fd, (void *)4096, 4096, 0): -1 EFAULT
pwrite(fd, buffer, 4096, (off_t)bytes - 512): 512
pwrite(fd, buffer, 4096, (off_t)bytes): -1 ENOSPC
pwrite(fd, buffer, 100, 0): -1 EINVAL
preadv(fd, two, 2, 0): 1536
preadv(fd, two, 2, 0): -1 EINVAL
pwrite(cached, "cached", 6, 70000): 6
pread(fd, buffer, 1 << 20, 0) > 70000 && !memcmp(buffer + 70000, "cached", 6): 1
pwrite(fd, buffer, 8192, 69632): 8192
pread(cached, &byte, 1, 70000) == 1 && byte == '\''d'\'': 1
fcntl(fd, F_SETFL, 0): 0
pread(fd, buffer, 500, 501): 500'
errors='pread(fd, buffer, 512, 64 << 10): -1 EIO
pread(fd, buffer, 512, 0): 512
pwrite(fd, buffer, 4096, 128 << 10): 4096
fsync(fd): -1 EIO
fsync(fd): 0
pwrite(fd, buffer, 4096, 256 << 10): 4096
fsync(fd): 0
pread(fd, buffer, 512, 64 << 10): -1 EIO
mapped != MAP_FAILED: 1
SIGBUS
((volatile unsigned char *)mapped)[256 << 10] == '\''x'\'': 1
ioctl(fd, BLKZEROOUT, range): 0
pread(fd, buffer, 4096, 256 << 10) == 4096 && buffer[1023] == '\''x'\'' && !buffer[1024] && !buffer[3071] && buffer[3072] == '\''x'\'': 1
ioctl(fd, BLKZEROOUT, range): -1 EINVAL'
# A disk that fails, by QEMU's blkdebug.
for event in read_aio:128 write_aio:256; do
    printf '[inject-error]\nevent = "%s"\nerrno = "5"\nsector = "%s"\n\n' "${event%:*}" "${event#*:}"
done >"$dir/blkdebug"
cat >"$dir/qemu" <<END
#!/bin/bash
for word; do
    case \$word in file=*id=disk0*) word="file=blkdebug:$dir/blkdebug:\${word#file=}" ;; esac
    words+=("\$word")
done
exec "${ARIL_QEMU:-qemu-system-x86_64}" "\${words[@]}" -global virtio-blk-device.write-zeroes=off
END
chmod 755 "$dir/qemu"

full='some: kept
too much: no room
what is there: kept
too much again: no room
direct: no room'
own_mounts=
for options in -m -rm; do
    [ "$own_mounts" ] || ! unshare $options mount -t tmpfs none "$dir" 2>/dev/null || own_mounts=$options
done

# Runs a command where $dir/small has 1 MiB of room.
# shellcheck disable=SC2016
in_small() { mkdir -p "$dir/small"; unshare "$own_mounts" sh -c 'mount -t tmpfs -o size=1m none "$0/small" && mkdir "$0/small/volume" && truncate -s 4M "$0/small/disk" && exec "$@"' "$dir" "$@" 2>&1 </dev/null; }

for accel in $ACCEL; do
    [ "$accel" = tcg ] || tests/kvm.sh disk || continue
    written "write.$accel.1" 5M --accel "$accel" -- 1 1 reads
    written "write.$accel.4" 3584K --accel "$accel" --cpus 4 -- 2 8 reads
    written "small-memory.$accel" 40M --accel "$accel" -m 16M --cpus 2 -- 3 6 reads
    written "map.$accel.2" 2M --accel "$accel" --cpus 2 -- 4 3 map reads
    written "direct.$accel.1" 3M --accel "$accel" -- 6 1 direct reads
    written "direct.$accel.4" 3M --accel "$accel" --cpus 4 -- 7 12 direct reads
    written "queue.$accel.1" 3M --accel "$accel" -- 10 1 direct queue
    written "queue.$accel.4" 3M --accel "$accel" --cpus 4 -- 11 4 direct queue
    written "fsync.$accel" 3M --accel "$accel" -- 8 2 fsync
    written "odd-end.$accel" 1048064 --accel "$accel" -- 5 2 reads
    truncate -s 0 "$dir/one" "$dir/two"
    truncate -s 1049600 "$dir/one" "$dir/two"
    result "attributes.$accel" "$attributes" "$(run --accel "$accel" --disk "$dir/one" --disk "$dir/two:ro" "$dir/disk" attributes /dev/vda)"
    result "read-only.$accel" "$read_only" "$(run --accel "$accel" --disk "$dir/one" --disk "$dir/two:ro" "$dir/disk" attributes /dev/vdb)"
    result "alignment.$accel" "$alignment" "$(run --accel "$accel" --disk "$dir/one" "$dir/disk" alignment /dev/vda)"
    # Two partitions and a chain with one, as an MBR has them: 2048+100, 4096+1000, 5120+1024 with 5130+900.
    truncate -s 0 "$dir/parts"
    truncate -s 4M "$dir/parts"
    {
        printf '\0\0\0\0\203\0\0\0\0\010\0\0\144\0\0\0'
        printf '\0\0\0\0\203\0\0\0\0\020\0\0\350\003\0\0'
        printf '\0\0\0\0\005\0\0\0\0\024\0\0\0\004\0\0'
    } | dd of="$dir/parts" bs=1 seek=446 conv=notrunc status=none
    for at in 510 $((5120 * 512 + 510)); do
        printf '\125\252' | dd of="$dir/parts" bs=1 seek="$at" conv=notrunc status=none
    done
    printf '\0\0\0\0\203\0\0\0\012\0\0\0\204\003\0\0' | dd of="$dir/parts" bs=1 seek=$((5120 * 512 + 446)) conv=notrunc status=none
    result "partitions.$accel" 'major minor  #blocks  name

 254        0       4096 vda
 254        1         50 vda1
 254        2        500 vda2
 254        3          1 vda3
 254        5        450 vda5' "$(run --accel "$accel" --disk "$dir/parts" cat /proc/partitions)"
    result "sys.$accel" '8192 0 512 254:5 900 5130 5' "$(run --accel "$accel" --disk "$dir/parts" busybox sh -c 'cd /sys/block/vda
        read -r size <size; read -r ro <ro; read -r block <queue/logical_block_size; cd /sys/class/block/vda5
        read -r dev <dev; read -r count <size; read -r start <start; read -r n </sys/block/vda/vda5/partition
        echo $size $ro $block $dev $count $start $n')"
    cp "$dir/parts" "$dir/before"
    result "partition-write.$accel" done "$(run --accel "$accel" --disk "$dir/parts" "$dir/disk" write /dev/vda5 9 2 reads)"
    dd if="$dir/parts" of="$dir/part" skip=5130 count=900 status=none
    result "partition-data.$accel" "as written" "$("$dir/disk" check "$dir/part" 9 2)"
    dd if=/dev/zero of="$dir/parts" seek=5130 count=900 conv=notrunc status=none
    result "partition-bounds.$accel" "" "$(cmp "$dir/before" "$dir/parts" 2>&1)"
    if [ "$own_mounts" ]; then
        result "full-disk.$accel" "$full" "$(in_small timeout -k 5 100 "$build/aril" run --timeout 90 --accel "$accel" --disk "$dir/small/disk" "$dir/disk" full /dev/vda)"
        result "full-volume.$accel" "$full" "$(in_small timeout -k 5 100 "$build/aril" run --timeout 90 --accel "$accel" -v "$dir/small/volume:/v" "$dir/disk" full /v/file)"
    else
        echo "skip full.$accel - no mount namespace"
    fi
    result "errors.$accel" "$errors" "$(run --accel "$accel" --qemu "$dir/qemu" --disk "$dir/one" "$dir/disk" errors /dev/vda)"
done
exit $status
