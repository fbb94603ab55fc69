#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [-r ROW] [RUNS]: tables of ratios: Aril against a Linux guest under the same QEMU (Debian's cloud kernel
# on TCG, the program alone as init) and against Linux on this machine. All in one run, sides in turn, medians of RUNS (3).
# ROW: only the latencies whose names begin so. docs/benchmarks.md says what the rows mean.
set -eu
row=
while getopts r: option; do
    case $option in
    r) row=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
runs=${1:-3}
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${B:-$top/build}
work=$build/bench
mkdir -p "$work"
cd "$work"

# ------------------------------------------------------------------ what is compared

gcc -O2 -Wall -pthread -o micro "$here"/micro.c "$here"/calls.c "$here"/signals.c "$here"/threads.c \
    "$here"/wake.c "$here"/ipc.c "$here"/events.c "$here"/memory.c "$here"/files.c "$here"/scaling.c
gcc -O2 -o firstbyte "$here/firstbyte.c"
gcc -O2 -o tsc "$here/tsc.c"
gcc -O2 -static -o sleeper "$here/sleeper.c"
"$top/tests/apps/build.sh" "$build/apps"
hello=$build/apps/hello-glibc-static/hello
rm -f scaling
if command -v go >/dev/null 2>&1; then CGO_ENABLED=0 GO111MODULE=off GOCACHE="$build/apps/go-cache" go build -o scaling "$here/scaling.go"; fi

"$here"/linux.sh "$work"
vmlinuz=$(ls "$work"/linux/boot/vmlinuz-* | tail -n 1)

# initramfs NAME PROGRAM: NAME.img, an archive with the program as init, and the libraries that it wants.
initramfs()
{
    rm -rf init.d
    mkdir init.d
    cp "$2" init.d/init
    for file in $(ldd "$2" 2>/dev/null | grep -o '/[^ ]*'); do mkdir -p "init.d${file%/*}" && cp "$file" "init.d$file"; done
    (cd init.d && find . | cpio -o -H newc 2>/dev/null) | gzip -1 >"$1.img"
}
for program in "$hello" micro sleeper scaling; do
    if [ -f "$program" ]; then initramfs "$(basename "$program")" "$program"; fi
done

# linux_guest IMAGE MEMORY CPUS [ARGS...]. Its TSC is the host's, whatever the kernel thinks of two CPUs' differences. Its frequency
# is told: with a busy host the guest cannot measure it, and without it stops for ever.
tsc=$(./tsc)
linux_guest()
{
    initrd=$1 memory=$2 cpus=$3; shift 3
    acpi=off
    [ "$cpus" = 1 ] || acpi=on # where it finds the second
    timeout 120 qemu-system-x86_64 -M microvm,acpi=$acpi,auto-kernel-cmdline=off -accel tcg -cpu max -smp "$cpus" -m "$memory" \
        -nodefaults -no-user-config -display none -no-reboot -serial stdio -kernel "$vmlinuz" -initrd "$initrd.img" \
        -append "console=ttyS0 quiet loglevel=0 panic=-1 reboot=t tsc=reliable tsc_early_khz=$tsc -- $*" </dev/null | tr -d '\r'
}

aril() { accel=$1; shift; "$build/aril" run --accel "$accel" --timeout 120 "$@" </dev/null; }

accels=tcg
if "$top/tests/kvm.sh" >/dev/null && aril kvm "$hello" >/dev/null 2>&1; then accels="kvm tcg"; else echo "no usable /dev/kvm: KVM columns are left out"; fi

median() { sort -n | awk '{v[NR] = $1} END {if (NR) printf "%.4g", v[int((NR + 1) / 2)]}'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {if (a > 0 && b > 0) printf "%.2f", a / b; else printf "-"}'; }

# ------------------------------------------------------------------ start-up

start_up()
{
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
        for root in none /; do
            i=0
            rm -f entry
            while [ $i -lt "$runs" ]; do
                aril "$a" -m 64M --root $root --append timing "$hello" 2>&1 |
                    sed -n 's/.*timing: kernel entry to program \([0-9]*\) us.*/\1/p' >>entry
                i=$((i + 1))
            done
            echo "| Aril ($a), kernel entry to the program's first instruction, --root $root | $(median <entry | awk '{print $1 / 1000}') | |"
        done
    done
}

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
guest_memory() { linux_guest hello "$1" 1; }

size()
{
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
}

# ------------------------------------------------------------------ an idle VM

# idle COMMAND...: per cent of a host CPU that the QEMU below COMMAND, whose program sleeps, uses in 4 s.
idle()
{
    "$@" >idle.out 2>&1 &
    command=$!
    sleep 3
    qemu=$(pgrep -f '^[^ ]*qemu-system' -P "$command" || true)
    [ -n "$qemu" ] || qemu=$command
    before=$(awk '{print $14 + $15}' "/proc/$qemu/stat")
    sleep 4
    after=$(awk '{print $14 + $15}' "/proc/$qemu/stat")
    kill "$command"
    wait "$command" 2>/dev/null || true
    echo "$before $after $(getconf CLK_TCK)" | awk '{printf "%.2f", ($2 - $1) / $3 / 4 * 100}'
}

idle_use()
{
    echo
    echo "| idle VM with 2 CPUs, its program sleeps | % of a host CPU |"
    echo "|---|---|"
    for a in $accels; do echo "| Aril ($a) | $(idle "$build/aril" run --accel "$a" --cpus 2 ./sleeper) |"; done
    echo "| Linux guest (TCG, 1 CPU) | $(idle qemu-system-x86_64 -M microvm,acpi=off,auto-kernel-cmdline=off -accel tcg -cpu max -m 256 \
        -nodefaults -no-user-config -display none -no-reboot -serial stdio -kernel "$vmlinuz" -initrd sleeper.img \
        -append "console=ttyS0 quiet loglevel=0 panic=-1 reboot=t") |"
}

# ------------------------------------------------------------------ latencies

latencies()
{
    rm -f row.*
    i=0
    while [ $i -lt "$runs" ]; do
        ./micro ${row:+"$row"} >>row.native
        linux_guest micro 512 2 ${row:+"\"$row\""} >>row.linux
        for a in $accels; do aril "$a" -m 512M --cpus 2 "$work/micro" ${row:+"$row"} >>"row.$a"; done
        case getppid in "$row"*)
            for a in $accels; do
                aril "$a" -m 512M --append nopatch "$work/micro" -s ", nopatch" getppid >>"row.$a"
            done ;;
        esac
        if [ -f scaling ]; then
            case '2 computing' in "$row"*)
                ./scaling >>row.native
                linux_guest scaling 512 2 >>row.linux
                for a in $accels; do aril "$a" -m 512M --cpus 2 "$work/scaling" >>"row.$a"; done ;;
            esac
        fi
        i=$((i + 1))
    done
    table "latency, ns"
}

wanted() { case $1 in "$row"*) ;; *) return 1 ;; esac; } # the row of this name, or some whose names begin so

table() # WHAT: the rows of row.*, those of this machine first, then those that only the guest has
{
    echo
    echo "| $1 | Linux here | Aril kvm | Linux / Aril kvm | Linux guest tcg | Aril tcg | guest / Aril tcg |"
    echo "|---|---|---|---|---|---|---|"
    for file in row.native row.linux; do [ ! -f $file ] || cat $file; done | awk -F '\t' '$1 == "row" && !seen[$2]++ {print $2}' | while read -r name; do
        table_row "$name" "$name"
        [ "$name" != getppid ] || table_row getppid "getppid, nopatch"
    done
}
row() { awk -F '\t' -v name="$2" '$1 == "row" && $2 == name {print $3}' "row.$1" 2>/dev/null | median; }

table_row() # NAME_ON_LINUX NAME
{
    n=$(row native "$1") k=$(row kvm "$2") g=$(row linux "$1") t=$(row tcg "$2")
    echo "| $2 | ${n:--} | ${k:--} | $(ratio "${n:-0}" "${k:-0}") | ${g:--} | $t | $(ratio "${g:-0}" "${t:-0}") |"
}

. "$here/programs.sh"
. "$here/languages.sh"

case $row in
"") start_up; size; idle_use; latencies; programs; program_memory; idle_memory; images ;;
python* | node* | java* | sqlite3* | git* | fio*) programs ;;
memory) make_tree; make_guest; program_memory; idle_memory ;;
image) make_tree; images ;;
*) latencies ;;
esac
