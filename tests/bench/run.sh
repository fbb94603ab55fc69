#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [RUNS]: one table of ratios: Aril against a Linux guest under the same QEMU (Debian's cloud kernel on TCG,
# the program alone as init) and against Linux on this machine. All in one run, sides in turn, medians of RUNS (5).
set -eu
runs=${1:-5}
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${B:-$top/build}
work=$build/bench
mkdir -p "$work"
cd "$work"

# ------------------------------------------------------------------ what is compared

gcc -O2 -static -pthread -o micro "$here/micro.c"
gcc -O2 -o firstbyte "$here/firstbyte.c"
"$top/tests/apps/build.sh" "$build/apps"
hello=$build/apps/hello-glibc-static/hello

# The newest cloud kernel of Debian, unpacked here and not installed.
if ! ls linux/boot/vmlinuz-* >/dev/null 2>&1; then
    package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends:/ {print $2; exit}')
    [ -n "$package" ] || { apt-get update -q >/dev/null; package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends:/ {print $2; exit}'); }
    apt-get download -q "$package" >/dev/null 2>&1
    dpkg-deb -x "$package"_*.deb linux
    rm -f "$package"_*.deb
fi
vmlinuz=$(ls "$work"/linux/boot/vmlinuz-* | tail -n 1)

initramfs() { rm -rf init.d && mkdir init.d && cp "$2" init.d/init && (cd init.d && echo init | cpio -o -H newc 2>/dev/null) | gzip -1 >"$1.img"; }
initramfs hello "$hello"
initramfs micro micro

linux_guest() # IMAGE MEMORY
{
    timeout 120 qemu-system-x86_64 -M microvm,acpi=off,auto-kernel-cmdline=off -accel tcg -cpu max -m "$2" -nodefaults \
        -no-user-config -display none -no-reboot -serial stdio -kernel "$vmlinuz" -initrd "$1.img" \
        -append "console=ttyS0 quiet loglevel=0 panic=-1 reboot=t" </dev/null
}

aril() { accel=$1; shift; "$build/aril" run --accel "$accel" --timeout 120 "$@" </dev/null; }

accels=tcg
if [ -w /dev/kvm ] && aril kvm "$hello" >/dev/null 2>&1; then accels="kvm tcg"; else echo "no usable /dev/kvm: KVM columns are left out"; fi

median() { sort -n | awk '{v[NR] = $1} END {if (NR) printf "%.4g", v[int((NR + 1) / 2)]}'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {if (a > 0 && b > 0) printf "%.2f", a / b; else printf "-"}'; }

# ------------------------------------------------------------------ start-up

rm -f start.*
i=0
while [ $i -lt "$runs" ]; do
    for a in $accels; do ./firstbyte hello "$build/aril" run --accel "$a" -m 64M "$hello" >>"start.$a" </dev/null; done
    ./firstbyte hello qemu-system-x86_64 -M microvm,acpi=off,auto-kernel-cmdline=off -accel tcg -cpu max -m 256 -nodefaults \
        -no-user-config -display none -no-reboot -serial stdio -kernel "$vmlinuz" -initrd hello.img \
        -append "console=ttyS0 quiet loglevel=0 panic=-1 reboot=t" >>start.linux </dev/null
    i=$((i + 1))
done
guest=$(median <start.linux)
echo
echo "| start of a static hello | ms (this run) | Linux guest / Aril |"
echo "|---|---|---|"
echo "| Linux guest (TCG), QEMU start to first byte | $guest | 1 |"
for a in $accels; do m=$(median <"start.$a"); echo "| Aril ($a), command start to first byte | $m | $(ratio "$guest" "$m") |"; done
for a in $accels; do
    i=0
    rm -f entry
    while [ $i -lt "$runs" ]; do
        aril "$a" -m 64M --append timing "$hello" 2>&1 | sed -n 's/.*timing: kernel entry to program \([0-9]*\) us.*/\1/p' >>entry
        i=$((i + 1))
    done
    echo "| Aril ($a), kernel entry to the program's first instruction | $(median <entry | awk '{print $1 / 1000}') | |"
done

# ------------------------------------------------------------------ size

smallest() # LOW HIGH COMMAND...: the least N in (LOW, HIGH] (MiB) for which COMMAND N works
{
    low=$1 high=$2; shift 2
    while [ $((high - low)) -gt 1 ]; do
        middle=$(((low + high) / 2))
        if "$@" "$middle" 2>/dev/null | grep -q hello; then high=$middle; else low=$middle; fi
    done
    echo "$high"
}
aril_memory() { aril "$1" -m "$2M" "$hello"; }
guest_memory() { linux_guest hello "$1"; }

echo
echo "| size | Linux guest | Aril | ratio |"
echo "|---|---|---|---|"
linux_size=$(($(stat -Lc %s "$vmlinuz") / 1024))
aril_size=$(($(stat -Lc %s "$build/aril.elf") / 1024))
echo "| kernel file, KiB (the guest's is compressed) | $linux_size | $aril_size | $(ratio $linux_size $aril_size) |"
guest_least=$(smallest 16 256 guest_memory)
for a in $accels; do
    least=$(smallest 1 64 aril_memory "$a")
    echo "| smallest memory that runs hello, MiB ($a) | $guest_least | $least | $(ratio "$guest_least" "$least") |"
done

# ------------------------------------------------------------------ latencies

rm -f row.*
i=0
while [ $i -lt "$runs" ]; do
    ./micro >>row.native
    linux_guest micro 512 | tr -d '\r' >>row.linux
    for a in $accels; do aril "$a" -m 512M "$work/micro" >>"row.$a"; done
    i=$((i + 1))
done
row() { awk -F '\t' -v name="$2" '$1 == "row" && $2 == name {print $3}' "row.$1" 2>/dev/null | median; }

echo
echo "| latency, ns | Linux here | Aril kvm | Linux / Aril kvm | Linux guest tcg | Aril tcg | guest / Aril tcg |"
echo "|---|---|---|---|---|---|---|"
awk -F '\t' '$1 == "row" && !seen[$2]++ {print $2}' row.native | while read -r name; do
    n=$(row native "$name") k=$(row kvm "$name") g=$(row linux "$name") t=$(row tcg "$name")
    echo "| $name | $n | ${k:--} | $(ratio "${n:-0}" "${k:-0}") | $g | $t | $(ratio "${g:-0}" "${t:-0}") |"
done
