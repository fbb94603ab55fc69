#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# build.sh: images that `aril build` makes: what is in them, what runs from them, the cache, and what is said when
# something is wrong. Prints "ok NAME", "not ok NAME - why" or "skip NAME - why"; status 1 if one failed.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath "${B:-build}")
dir=$(realpath "$(mktemp -d)") || exit 1
trap 'rm -rf "$dir"' EXIT
export XDG_CACHE_HOME=$dir/cache LC_ALL=C PATH=/usr/bin:/bin:/usr/sbin:/sbin
unset LD_LIBRARY_PATH LD_PRELOAD
failed=0
: "${ACCEL:=kvm tcg}"

pass() { echo "ok build.$1"; }
fail() {
    echo "not ok build.$1 - $2"
    failed=1
}
check() { # NAME CONDITION...: a command that must succeed
    local name=$1
    shift
    if "$@" >"$dir/out" 2>"$dir/err"; then pass "$name"; else fail "$name" "$*: $(head -c 300 "$dir/err" "$dir/out" | tr '\n' '|')"; fi
}

command -v mkfs.erofs >/dev/null || { echo "skip build - no mkfs.erofs"; exit 0; }
mkdir "$dir/here" && cd "$dir/here" || exit 1
aril() { env PATH="${path:-$PATH}" /usr/bin/timeout -k 5 100 "$build/aril" "$@" </dev/null; }

for accelerator in $ACCEL; do
    if [ "$accelerator" = kvm ] && ! aril run --root none --accel kvm --timeout 30 busybox true >/dev/null 2>&1; then
        echo "skip build.kvm - KVM does not work here"
    else
        accels="${accels:-} $accelerator"
    fi
done

# ------------------------------------------------------------------ what runs from an image

cat >hello.c <<'END'
#include <stdio.h>
int main(int argc, char **argv) { return printf("hello %s\n", argc > 1 ? argv[1] : "world") < 0; }
END
gcc -o hello-dynamic hello.c && gcc -static -o hello-static hello.c && musl-gcc -o hello-musl hello.c || fail hello "does not build"
# A library found by $ORIGIN, which needs another by its own RUNPATH.
mkdir lib
echo 'int two(void) { return 2; }' >two.c
echo 'int two(void); int one(void) { return 1 + two(); }' >one.c
echo '#include <stdio.h>
int one(void); int main(void) { printf("%d\n", one()); return 0; }' >origin.c
mkdir lib/deep && gcc -shared -fPIC -o lib/deep/libtwo.so two.c &&
    gcc -shared -fPIC -o lib/libone.so.1.0 -Wl,-soname,libone.so.1 one.c -Llib/deep -ltwo -Wl,--enable-new-dtags,-rpath,'$ORIGIN/deep' &&
    ln -s libone.so.1.0 lib/libone.so.1 &&
    gcc -o origin origin.c lib/libone.so.1 -Wl,--disable-new-dtags,-rpath,'${ORIGIN}/lib' -Wl,-rpath-link,lib/deep || fail origin "does not build"
mkdir odd && echo odd >$'odd/a\nb\\n c'
mkdir names && echo x >names/first && ln names/first names/second
printf '#!%s/hello-dynamic\n' "$dir/here" >script
printf '#!/usr/bin/env -S LC_ALL=C perl -w\nprint "perl: @ARGV\\n";\n' >env-script
chmod 755 script env-script
cat >job.py <<'END'
import decimal, json, sqlite3, os
print(json.dumps({"sum": str(decimal.Decimal(1) / 3)}), sqlite3.connect(":memory:").execute("select 6 * 7").fetchall())
print(sorted(os.listdir("data")), os.stat("data/b").st_size, os.readlink("data/link"), os.path.exists("data/none"))
END
mkdir -p data/sub && echo a >data/a && printf 'b%.0s' {1..5000} >data/b && ln -s a data/link && echo deep >data/sub/deep && touch -d 2001-02-03 data/sub

# runs NAME BUILD-WORDS : PROGRAM ARGS...: from the image built, the program does what it does on Linux, in every mode.
runs() {
    local name=$1 words=() got status expected
    shift
    while [ "$1" != : ]; do words+=("$1"); shift; done
    shift
    expected=$("$@" </dev/null 2>&1; echo "status $?")
    if ! aril build -o "$dir/$name.erofs" "${words[@]}" >"$dir/out" 2>"$dir/err"; then
        fail "$name" "$(head -c 300 "$dir/err" | tr '\n' '|')"
        return
    fi
    for accelerator in $accels; do
        got=$(aril run --accel "$accelerator" --root "$dir/$name.erofs" -m 512M -w "$PWD" "$@" 2>&1; echo "status $?")
        if [ "$got" = "$expected" ]; then pass "$name.$accelerator"; else fail "$name.$accelerator" "'$got' and not '$expected'"; fi
    done
}

runs static ./hello-static : ./hello-static one
runs dynamic ./hello-dynamic : ./hello-dynamic one
runs musl ./hello-musl : ./hello-musl one
runs compressed --compress ./hello-dynamic : ./hello-dynamic one
runs several ./hello-dynamic cat : cat /etc/passwd
runs origin ./origin : ./origin
[ "$(id -u)" = 0 ] && runs attributes stat --file data:data : stat -c '%n %A %u %g %y %N' data/a data/b data/sub data/link
runs ls ls --file data:data : ls -R data
runs hard-links stat --file names:names : stat -c '%n %h' names/first names/second
runs script ./script : ./script
runs env-script ./env-script : ./env-script x y
[ "$(id -u)" = 0 ] && runs names id : id -un
runs sqlite3 sqlite3 : sqlite3 :memory: 'select sqlite_version() > 3, 6 * 7'
runs perl perl --record -- -MPOSIX -e 'print POSIX::floor(6.5), "\n"' : perl -MPOSIX -e 'print POSIX::floor(6.5), "\n"'
runs python3 python3 --record -m 512M -- -B job.py : python3 -B job.py
runs listed ls --record -- -R data names : ls -RA data names
runs odd-name cat --record -- $'odd/a\nb\\n c' : cat $'odd/a\nb\\n c'
runs any-status ls --record --any-status -- data none : ls data none

# A file in the image wins over this host's, and one of another name is beside it.
check file-wins aril build -o "$dir/file.erofs" cat --file job.py:/etc/passwd --file job.py:/new/place/job
check file-read test "$(aril run --root "$dir/file.erofs" cat /etc/passwd /new/place/job)" = "$(cat job.py job.py)"
check file-program aril build -o "$dir/moved.erofs" --file hello-dynamic:/bin/hello
check file-program-runs test "$(aril run --root "$dir/moved.erofs" hello you)" = "hello you"

# Of libraries in variants for newer processors all are there.
mkdir "$dir/beside" && cp -a origin lib "$dir/beside" && cd "$dir/beside" || exit 1
mkdir -p lib/glibc-hwcaps/x86-64-v2 && cp lib/libone.so.1.0 lib/glibc-hwcaps/x86-64-v2/libone.so.1
check variants aril build -o "$dir/variants.erofs" ./origin ls
check variants-there test "$(aril run --root "$dir/variants.erofs" ls "$PWD/lib/glibc-hwcaps/x86-64-v2" "$PWD/lib")" = "$PWD/lib:
deep
glibc-hwcaps
libone.so.1
libone.so.1.0

$PWD/lib/glibc-hwcaps/x86-64-v2:
libone.so.1"

# What happens to lie in /tmp is nobody's business.
passing=$(mktemp /tmp/aril-build-XXXXXX)
aril build -o "$dir/tmp.erofs" ls --record -- -A /tmp >"$dir/tmp.list" 2>&1 || fail tmp "$(cat "$dir/tmp.list")"
check tmp-empty test "$(aril run --root "$dir/tmp.erofs" ls -A /tmp | grep -c "${passing##*/}")" = 0
rm -f "$passing"

# A large file that is only listed is there by name, and that is said.
mkdir large && truncate -s 20M large/file && echo small >large/small
check large-listed test "$(aril build -o "$dir/large.erofs" ls --record -- large 2>&1 | grep -c 'large/file is large and was only listed')" = 1
check large-there test "$(aril run --root "$dir/large.erofs" -w "$PWD" ls large)" = "file
small"
cd "$dir/here" || exit 1

# ------------------------------------------------------------------ the same again

check again-1 aril build --no-cache -o "$dir/1" ./hello-dynamic --file data:/data
sleep 0.01
check again-2 aril build --no-cache -o "$dir/here/2" ./hello-dynamic --file data:/data
check reproducible cmp "$dir/1" 2
check reproducible-cached cmp "$dir/dynamic.erofs" <(aril build -o "$dir/3" ./hello-dynamic && cat "$dir/3")
rm -f 2

mkdir "$dir/bin" && ln -s "$(command -v qemu-system-x86_64)" /usr/bin/python3 /usr/bin/perl /usr/bin/cat "$dir/bin/"
without_mkfs() { path=$dir/bin aril "$@"; }
check cached without_mkfs build -o "$dir/4" ./hello-dynamic
check cached-same cmp "$dir/dynamic.erofs" "$dir/4"
check cached-record test "$(aril build -o "$dir/5" --verbose python3 --record -m 512M -- -B job.py 2>&1 | sed -n 's/.*, an image of which was in the cache$/cached/p; /sum/p')" = cached
check cached-record-same cmp "$dir/python3.erofs" "$dir/5"
check cached-record-compressed test "$(aril build -o "$dir/5" --compress python3 --record -m 512M -- -B job.py 2>&1)" = ""
touch data/a
check changed-record test "$(aril build -o "$dir/5" python3 --record -m 512M -- -B job.py 2>&1 | grep -c sum)" = 1
echo 'int changed;' >>hello.c && gcc -o hello-dynamic hello.c
check changed-program sh -c '! cmp -s "$0" "$1"' "$dir/dynamic.erofs" <(aril build -o "$dir/6" ./hello-dynamic && cat "$dir/6")

# Damage in an entry of the cache, at its start, in its key and in its data.
aril build -o "$dir/7" ./hello-static
entry=$(ls -t "$dir"/cache/aril/*.image | head -n 1)
size=$(stat -c %s "$entry")
for at in 20 100 $((size - 3000)) cut; do
    if [ $at = cut ]; then truncate -s 5000 "$entry"; else printf XXXX | dd of="$entry" bs=1 seek="$at" conv=notrunc 2>/dev/null; fi
    check "damaged-$at" test "$(aril build -o "$dir/8" --verbose ./hello-static 2>&1 | grep -c 'is made')" = 1
    check "damaged-$at-same" cmp "$dir/7" "$dir/8"
done
check mended without_mkfs build -o "$dir/8" ./hello-static

rm -rf "$dir/cache"
for n in 1 2 3 4; do aril build -o "$dir/side-$n" ./hello-static & done
wait
check side-by-side test "$(cat "$dir"/side-[1-4] | md5sum)" = "$(cat "$dir"/{7,7,7,7} | md5sum)"
check side-by-side-cached without_mkfs build -o "$dir/8" ./hello-static
check without-home env -u XDG_CACHE_HOME -u HOME timeout -k 5 60 "$build/aril" build -o "$dir/9" ./hello-static
check no-leftovers test -z "$(ls -A "$dir/cache/aril" | grep -v '\.image$\|\.record$'; ls -d "$dir"/*.?????? 2>/dev/null | grep -v '\.erofs$')"

# ------------------------------------------------------------------ what is refused

# refused NAME STATUS TEXT BUILD-WORDS...: ends with STATUS, says TEXT, and leaves neither image nor anything else.
refused() {
    local name=$1 status=$2 text=$3 got
    shift 3
    aril build -o "$dir/new/x" "$@" >"$dir/out" 2>"$dir/err"
    got=$?
    if [ $got != "$status" ]; then
        fail "$name" "status $got, not $status: $(head -c 300 "$dir/err" | tr '\n' '|')"
    elif [ -n "$text" ] && ! grep -qF -- "$text" "$dir/err"; then
        fail "$name" "no '$text' in: $(head -c 300 "$dir/err" | tr '\n' '|')"
    elif [ -n "$(ls -A "$dir/new" "$dir/cache/aril" | grep -v '\.image$\|\.record$\|:$\|^$')" ]; then
        fail "$name" "it left $(ls -A "$dir/new" "$dir/cache/aril" | tr '\n' ' ')"
    else
        pass "$name"
    fi
}
mkdir "$dir/new"
echo text >text && chmod 755 text
printf '#!/no/such/interpreter\n' >lost-script && printf '#!/usr/bin/env no-such-command\n' >lost-env && chmod 755 lost-*
head -c 100 /usr/bin/true >damaged && chmod 755 damaged
printf '\x7fELF\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x03\x00\x01\x00\x00\x00' >small && head -c 100 /dev/zero >>small && chmod 755 small
refused missing 127 "no-such-command: command not found" no-such-command
refused missing-path 127 "./none: no such file" ./none
refused text 126 "text: neither an ELF program nor a script" ./text
refused script-interpreter 127 "/no/such/interpreter: no such file, and needed by $dir/here/lost-script" ./lost-script
refused script-env 127 "no-such-command: command not found, and needed by" ./lost-env
refused elf-damaged 126 "damaged ELF file" ./damaged
refused elf-32 126 "of 32 bits" ./small
mv lib/deep/libtwo.so lib/libtwo.so
refused library 125 "$dir/here/lib/libone.so.1.0 needs the library libtwo.so, which is not here; looked in $dir/here/lib/deep" ./origin
refused file-missing 125 "--file: cannot read none: No such file" --file none:/x
refused file-form 125 "--file wants HOST:GUEST" --file none
refused file-in-proc 125 "the VM has files of its own" --file text:/proc/text
refused file-over-directory 125 "/etc is a directory in the image" --file text:/etc
refused no-program 125 "no program given" --compress
refused arguments 125 "--record" ls -- /
refused option 125 "unknown option --nonsense" --nonsense ls
refused record-status 2 "ended with status 2: no image was made" ls --record -- "$dir/none"
refused record-option 125 "--cpus wants a number" ls --record --cpus many -- /
refused output-directory 125 "there is a directory of that name" -o "$dir/here" ls
refused output-device 125 "no ordinary file" -o /dev/null ls
refused output-nowhere 125 "No such file or directory" -o "$dir/none/x" ls
check no-output sh -c '! "$0" build ls 2>/dev/null' "$build/aril"
path=$dir/bin refused no-mkfs 125 "erofs-utils" /usr/bin/cat
# A signal ends the work of others as well, and nothing stays.
printf '#!/bin/sh\nkill -INT $PPID\nexec /usr/bin/sleep 20\n' >"$dir/bin/mkfs.erofs" && chmod 755 "$dir/bin/mkfs.erofs"
path=$dir/bin refused interrupted 130 "" /usr/bin/cat
# A full disk looks the same as a file that may not grow.
(trap '' XFSZ && ulimit -f 200 && refused full 125 "File too large" /usr/bin/sqlite3) >"$dir/full"
cat "$dir/full"
grep -q '^ok' "$dir/full" || failed=1
exit $failed
