#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# root.sh: where the files of `aril run` come from: this host's, --root, -v and --file together, and what is said when one of
# them is wrong. Prints "ok NAME", "not ok NAME - why" or "skip NAME - why"; status 1 if one failed.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath "${B:-build}")
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0 suffix=
busybox=$(command -v busybox)
: "${ACCEL:=kvm tcg}"

pass() { echo "ok $1$suffix"; }
fail() {
    echo "not ok $1$suffix - $2"
    failed=1
}

# refused NAME STATUS TEXT OPTIONS...: `aril run OPTIONS` ends with STATUS and says TEXT.
refused() {
    local name=$1 status=$2 text=$3 got
    shift 3
    timeout -k 5 90 "$build/aril" run "$@" >"$dir/out" 2>"$dir/err" </dev/null
    got=$?
    if [ $got != "$status" ]; then
        fail "$name" "status $got, not $status: $(head -c 300 "$dir/err" | tr '\n' '|')"
    elif ! grep -qF -- "$text" "$dir/err"; then
        fail "$name" "no '$text' in: $(head -c 300 "$dir/err" | tr '\n' '|')"
    else
        pass "$name"
    fi
}

# prints NAME TEXT OPTIONS...: `aril run OPTIONS` ends with 0 and prints TEXT.
prints() {
    local name=$1 text=$2 got status
    shift 2
    got=$(cd "$dir/here" && timeout -k 5 90 "$build/aril" run --accel "$accelerator" "$@" 2>"$dir/err" </dev/null)
    status=$?
    if [ "$got" = "$text" ] && [ $status = 0 ]; then
        pass "$name"
    else
        fail "$name" "status $status, '$got' and not '$text'; $(head -c 300 "$dir/err" | tr '\n' '|')"
    fi
}

mkdir -p "$dir/here" "$dir/tree/bin" "$dir/tree/data" "$dir/vol:ume,1"
echo plain >"$dir/file"
echo host >"$dir/here/text"
truncate -s 200M "$dir/here/sparse"
chmod 1777 "$dir/tree/data"
ln -s data "$dir/tree/link"
echo inside >"$dir/tree/data/text"
cp "$busybox" "$dir/tree/bin/busybox"
ln -s busybox "$dir/tree/bin/sh"
echo shared >"$dir/vol:ume,1/text"
printf '#!/bin/sh\necho "$0 $*"\n' >"$dir/here/script"
chmod 755 "$dir/here/script"

if command -v mkfs.erofs >/dev/null; then
    touch -d 2020-01-01 "$dir/tree/data"
    mkfs.erofs "$dir/plain.erofs" "$dir/tree" >/dev/null 2>&1
    mkfs.erofs -zlz4 "$dir/lz4.erofs" "$dir/tree" >/dev/null 2>&1
    # Too large for the VM's memory: a disk.
    cp -a "$dir/tree" "$dir/huge"
    { head -c 9000000 /dev/urandom; yes "some text" | head -c 4000000; } >"$dir/huge/data/much"
    mkfs.erofs "$dir/disk.erofs" "$dir/huge" >/dev/null 2>&1
    mkfs.erofs -zlz4 "$dir/disk-lz4.erofs" "$dir/huge" >/dev/null 2>&1
fi

truncate -s 80M "$dir/zeros"
gcc -x c -o "$dir/large" - <<'END' || fail large "does not build"
#include <stdio.h>
#include <string.h>
static char large[40 << 20];
int main(void) { return memset(large, 1, sizeof(large)) && puts("40 MiB") < 0; }
END

# ------------------------------------------------------------------ what is refused before a VM starts

refused root-missing 125 "--root $dir/missing: No such file or directory" --root "$dir/missing" true
refused root-device 125 "neither a directory nor an image file" --root /dev/null true
refused root-text 125 "no EROFS image: it has only 6 bytes" --root "$dir/file" true
head -c 100000 "$busybox" >"$dir/elf"
refused root-elf 125 "it looks like an ELF file" --root "$dir/elf" true
head -c 10000 /dev/zero >"$dir/zero"
refused root-zero 125 "its magic number is another" --root "$dir/zero" true
(cd "$dir" && tar cf tree.tar file)
refused root-tar 125 "it looks like a tar archive" --root "$dir/tree.tar" true
# A superblock that says it has 1000 blocks of 4096 bytes.
{ head -c 1024 /dev/zero; printf '\342\341\365\340\0\0\0\0\0\0\0\0\014'; head -c 23 /dev/zero; printf '\350\003\0\0'; head -c 5000 /dev/zero; } >"$dir/cut"
refused root-truncated 125 "the image is truncated: it says 4096000 bytes and has 6064" --root "$dir/cut" true
refused root-empty 125 "--root wants a directory" --root "" true
refused volume-form 125 "-v wants HOST:GUEST" -v "$dir" true
refused volume-relative 125 "must be an absolute path" -v "$dir:data" true
refused volume-root 125 "a volume cannot be the VM's root" -v "$dir:/" true
refused volume-missing 125 "$dir/missing: No such file or directory" -v "$dir/missing:/data" true
refused volume-file 125 "only directories can be volumes; --file" -v "$dir/file:/data" true
refused missing-in-path 127 "no-such-command: command not found" no-such-command

# ------------------------------------------------------------------ in the VM

for accelerator in $ACCEL; do
    suffix=.$accelerator
    if [ "$accelerator" = kvm ] && ! "$build/aril" run --root none --accel kvm --timeout 30 "$busybox" true >/dev/null 2>&1; then
        echo "skip root$suffix - KVM does not work here"
        continue
    fi
    prints host-command "$(ls -lA --full-time /etc/apt /usr/lib/python3)" ls -lA --full-time /etc/apt /usr/lib/python3
    prints host-root "$(stat -c '%A %U %G %y' /)" stat -c '%A %U %G %y' /
    prints host-relative host cat text
    prints host-script "./script a b" ./script a b
    prints host-shell "$dir/here" sh -c pwd
    prints host-workdir /usr/share -w /usr/share sh -c pwd
    prints new-workdir "$dir/here/a/b" -w a/b sh -c pwd
    prints host-stays "changed" sh -c 'echo changed >text; while read -r x; do echo $x; done <text'
    [ "$(cat "$dir/here/text")" = host ] && pass host-unchanged || fail host-unchanged "the VM has written to the host"
    prints host-sparse-file 209715201 -m 96M sh -c 'printf x >>sparse; exec stat -c "%s" sparse'
    prints host-tmp-mode 1777 stat -c %a /tmp
    prints file-over-host plain --file "$dir/file:$dir/here/text" cat text
    # The name of the VM is added where it is missing, as a whole word that is no remark.
    mkdir -p "$dir/named/etc" "$dir/named/bin"
    cp "$busybox" "$dir/named/bin"
    printf '127.0.0.1 localhost xhost # host\n#127.0.0.1 host' >"$dir/named/etc/hosts"
    chmod 640 "$dir/named/etc/hosts"
    prints hosts-named "127.0.0.1 localhost xhost # host
#127.0.0.1 host
127.0.1.1	host" --root "$dir/named" --hostname host -w / /bin/busybox cat /etc/hosts
    prints hosts-mode 640 --root "$dir/named" --hostname host -w / /bin/busybox stat -c %a /etc/hosts
    prints hosts-stays "127.0.0.1 localhost xhost # host
#127.0.0.1 host" --root "$dir/named" --hostname XHOST -w / /bin/busybox cat /etc/hosts
    prints hosts-given plain --root "$dir/named" --file "$dir/file:/etc/hosts" -w / /bin/busybox cat /etc/hosts
    prints file-beside-host "plain" --file "$dir/file:/tmp/aril-test-file" cat /tmp/aril-test-file
    prints file-leaves-directory "$(stat -c '%a %U %.19y' /var/tmp)" --file "$dir/file:/var/tmp/aril-test-file" stat -c '%a %U %.19y' /var/tmp
    prints file-below-link "plain" --file "$dir/file:/bin/aril-test-file" cat /usr/bin/aril-test-file
    refused host-not-executable 126 "$dir/file: permission denied" "$dir/file"
    prints none-is-alone "bin
dev
proc
sys
tmp" --root none --net none -w / --file "$dir/file:/bin/x" --file "$busybox:/bin/busybox" /bin/busybox sh -c 'cd /; for f in *; do case $f in usr) ;; *) echo $f; esac; done'
    prints none-names-servers "nameserver 10.0.2.3" --root none --file "$busybox:/bin/busybox" /bin/busybox cat /etc/resolv.conf
    prints none-has-tmp "1777" --root none --file "$dir/file:/tmp/x" "$busybox" stat -c %a /tmp
    prints directory-root "bin
data
dev
link
proc
sys" --net none --root "$dir/tree" busybox ls /
    prints directory-file "inside" --root "$dir/tree" /bin/busybox cat link/text
    prints directory-own-mode "1777" --root "$dir/tree" --file "$dir/file:/link/new" busybox stat -c %a /data
    refused directory-without 127 "python3: command not found" --root "$dir/tree" --accel "$accelerator" python3
    refused directory-missing-path 127 "/bin/python3: no such file" --root "$dir/tree" --accel "$accelerator" /bin/python3
    prints volume shared -v "$dir/vol:ume,1:/some/where" --root "$dir/tree" busybox cat /some/where/text
    prints volume-write new -v "$dir/vol:ume,1:/v" --root "$dir/tree" busybox sh -c 'echo new >/v/new; read -r x </v/new; echo $x'
    [ "$(cat "$dir/vol:ume,1/new" 2>/dev/null)" = new ] && pass volume-written || fail volume-written "not on the host"
    rm -f "$dir/vol:ume,1/new"
    prints volume-read-only shared -v "$dir/vol:ume,1:/v:ro" --root "$dir/tree" busybox cat /v/text
    refused volume-refuses-writes 1 "Read-only file system" -v "$dir/vol:ume,1:/v:ro" --accel "$accelerator" --root "$dir/tree" busybox touch /v/text
    prints two-volumes "inside
shared" -v "$dir/vol:ume,1:/v" -v "$dir/tree/data:/v/below" cat /v/below/text /v/text
    for image in plain lz4; do
        [ -f "$dir/$image.erofs" ] || { echo "skip image-$image$suffix - no mkfs.erofs"; continue; }
        prints image-$image inside --root "$dir/$image.erofs" busybox cat link/text
        prints image-$image-shell "/" --root "$dir/$image.erofs" sh -c pwd
        prints image-$image-file "plain" --root "$dir/$image.erofs" --file "$dir/file:/link/new" busybox cat /data/new
        prints image-$image-attributes "1777 2020-01-01" --root "$dir/$image.erofs" --file "$dir/file:/link/new" busybox stat -c '%a %.10y' /data
        prints image-$image-volume shared --root "$dir/$image.erofs" -v "$dir/vol:ume,1:/new/place" busybox cat /new/place/text
    done
    for image in disk disk-lz4; do
        [ -f "$dir/$image.erofs" ] || continue
        prints image-$image inside --root "$dir/$image.erofs" busybox cat link/text
        prints image-$image-sum "$(md5sum <"$dir/huge/data/much")" --root "$dir/$image.erofs" -m 32M busybox sh -c 'exec busybox md5sum <data/much'
        prints image-$image-vdb "$(stat -c %s "$dir/disk.erofs")" --root "$dir/$image.erofs" --disk "$dir/disk.erofs:ro" busybox blockdev --getsize64 /dev/vdb
    done
    # What files have in memory gives way to a program that needs it.
    prints exec-beside-full-cache "40 MiB" -m 72M perl -e 'open F, "<", $ARGV[0]; 1 while read F, $b, 1 << 20; exec $ARGV[1]' \
        "$dir/zeros" "$dir/large"
    refused root-without-device 125 "the VM has no 9p device with mount tag 'other'" --accel "$accelerator" --append root=9p:other "$busybox" true
    refused root-unknown 125 "root=nfs:x: a root is 9p:TAG" --accel "$accelerator" --append root=nfs:x "$busybox" true
done
exit $failed
