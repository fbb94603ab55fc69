# SPDX-License-Identifier: BSD-2-Clause
# The part of run.sh about programs that are installed here, and the files they read. Linux here and Aril run them from this
# host's files; Linux guest and Aril also from one EROFS image, which is their disk /dev/vda (the cloud kernel has no 9p).
# Inputs are in /bench of the image.

tree=$work/tree
image=$work/programs.erofs
program_names="python3 node sqlite3 git fio"

# stage PATH...: copies what a program needs of this host into the tree: itself, links on the way, its libraries.
stage()
{
    for path; do
        case $path in /bin/* | /lib/* | /lib64/* | /sbin/*) path=/usr$path ;; esac
        [ -e "$tree$path" ] && continue
        mkdir -p "$tree${path%/*}"
        cp -a "$path" "$tree${path%/*}/"
        if [ -L "$path" ]; then
            stage "$(readlink -f "$path")"
        elif [ -f "$path" ]; then
            stage $(ldd "$path" 2>/dev/null | grep -o '/[^ ]*') 
        fi
    done
}

make_tree()
{
    rm -rf "$tree"
    mkdir -p "$tree/usr/bin" "$tree/usr/lib64" "$tree/bench" "$tree/dev" "$tree/proc" "$tree/sys" "$tree/tmp" "$tree/root" "$tree/etc"
    ln -s usr/bin usr/sbin usr/lib usr/lib64 "$tree/"
    for name in $program_names; do stage "/usr/bin/$name"; done
    stage /etc/passwd /etc/group
    python=$(readlink /usr/bin/python3)
    mkdir -p "$tree/usr/lib/$python"
    (cd "/usr/lib/$python" && find . \( -name test -o -name 'config-*' -o -name '*.a' \) -prune -o -print | cpio -pdm --quiet "$tree/usr/lib/$python")

    echo 'print("hello")' >"$tree/bench/hello.py"
    echo 'console.log("hello")' >"$tree/bench/hello.js"
    sql "60,000 rows in one transaction" delete "with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000)
        insert into t select i, 'name of row ' || i, i * 1.5 from n;" >"$tree/bench/one.sql"
    sql "2,000 transactions" delete "$(inserts 2000)" >"$tree/bench/each.sql"
    sql "2,000 transactions, WAL" wal "$(inserts 2000)" >"$tree/bench/wal.sql"
    make_repository "$tree/bench/repository"
    cat >"$tree/bench/disk.fio" <<JOBS
[global]
filename=/dev/vdb
ioengine=psync
thread=1
stonewall
[random 4 KiB, O_DIRECT]
rw=randread
bs=4k
direct=1
io_size=8m
[sequential 64 KiB, O_DIRECT]
rw=read
bs=64k
direct=1
io_size=64m
[random 4 KiB, buffered]
rw=randread
bs=4k
io_size=8m
[sequential 4 KiB, buffered]
rw=read
bs=4k
io_size=64m
JOBS
    make_language_tree
    mkfs.erofs -T0 "$image" "$tree" >/dev/null
    [ -f disk.raw ] || head -c 67108864 /dev/urandom >disk.raw
}

inserts() { seq "$1" | sed "s/.*/insert into t values(&, 'name of row &', &.5);/"; }

# sql NAME JOURNAL STATEMENTS: a script that prints a row: milliseconds of the statements.
sql()
{
    cat <<SQL
.open /dev/shm/aril-bench.db
create table clock(at real);
pragma journal_mode=$2;
create table t(id integer primary key, name text, value real);
insert into clock values(julianday('now'));
$3
select printf('row%ssqlite3, $1, ms%s%.4g', char(9), char(9), (julianday('now') - at) * 86400e3) from clock;
SQL
}

make_repository()
{
    git init -q "$1"
    for d in $(seq 40); do
        mkdir -p "$1/directory$d"
        for f in $(seq 50); do echo "file $f of directory $d" >"$1/directory$d/file$f.txt"; done
    done
    # What an image does not keep of a file is not compared.
    git -C "$1" config core.trustctime false
    git -C "$1" config core.checkStat minimal
    find "$1" -name '*.txt' -exec touch -d @1600000000 {} +
    git -C "$1" add .
    git -C "$1" -c user.name=bench -c user.email=bench@localhost commit -q -m "Files"
}

# guest.sh MEMORY PROGRAM ARGS...: the Linux guest over the image; its init loads what the disk needs.
make_guest()
{
    rm -rf guest.d
    mkdir -p guest.d/modules guest.d/dev guest.d/root guest.d/proc
    gcc -O2 -Wall -static -o guest.d/init "$here/guest.c"
    number=10
    for module in virtio_ring virtio virtio_mmio virtio_blk libcrc32c erofs; do
        cp "$(find linux/lib/modules -name "$module.ko")" "guest.d/modules/$number-$module.ko"
        number=$((number + 1))
    done
    (cd guest.d && find . | cpio -o -H newc 2>/dev/null) | gzip -1 >guest.img
    cat >guest.sh <<GUEST
#!/bin/sh
memory=\$1; shift
exec timeout 60 qemu-system-x86_64 -M microvm,acpi=on,auto-kernel-cmdline=off -accel tcg -cpu max -smp 1 -m "\$memory" -nodefaults \\
        -no-user-config -display none -no-reboot -serial stdio -kernel "$vmlinuz" -initrd "$work/guest.img" \\
        -global virtio-mmio.force-legacy=false \\
        -drive "if=none,id=root,format=raw,readonly=on,file=$image" -device virtio-blk-device,drive=root \\
        -drive "if=none,id=disk,format=raw,readonly=on,file=$work/disk.raw" -device virtio-blk-device,drive=disk \\
        -append "console=ttyS0 quiet loglevel=0 panic=-1 reboot=t tsc=reliable tsc_early_khz=$tsc -- \$*" </dev/null
GUEST
    chmod +x guest.sh
}

# ------------------------------------------------------------------ rows

# side native|kvm|tcg|linux FILES COMMAND...: runs it there; FILES: host or image. native: words that begin with /bench are the tree's.
side()
{
    where=$1 files=$2; shift 2
    if [ "$where" = linux ]; then
        echo "$work/guest.sh 512 $*"
    elif [ "$where" = native ]; then
        echo "$*" | sed "s| /bench| $tree/bench|g"
    elif [ "$files" = host ]; then
        echo "$build/aril run --accel $where --timeout 120 -m 512M -e GIT_TRACE_PERFORMANCE=1 $*" | sed "s| /bench| $tree/bench|g"
    else
        echo "$build/aril run --accel $where --timeout 120 -m 512M -e GIT_TRACE_PERFORMANCE=1 --root $image --disk $work/disk.raw:ro $*"
    fi
}

first_print() # SIDE FILES NAME COMMAND...
{
    wanted "$3" || return 0
    first_side=$1 first_files=$2 name=$3; shift 3
    command=$(side "$first_side" $first_files "$@")
    ms=$(./firstbyte hello $command </dev/null 2>/dev/null || true)
    [ -z "$ms" ] || printf 'row\t%s\t%s\n' "$name" "$ms" >>"row.$first_side"
}

sqlite() # SIDE
{
    for script in one each wal; do
        rm -f /dev/shm/aril-bench.db*
        $(side "$1" image /usr/bin/sqlite3 -init /bench/$script.sql :memory: .quit) </dev/null 2>/dev/null | tr -d '\r' | grep ^row >>"row.$1" || true
    done
    rm -f /dev/shm/aril-bench.db*
}

git_status() # SIDE FILES NAME
{
    wanted "$3" || return 0
    GIT_TRACE_PERFORMANCE=1 $(side "$1" "$2" /usr/bin/git -C /bench/repository status) </dev/null 2>&1 | tr -d '\r' |
        sed -n "s/.*performance: \([0-9.]*\) s: git command.*/\1/p" | tail -n 1 | awk -v name="$3" '{printf "row\t%s\t%.4g\n", name, $1 * 1000}' >>"row.$1"
}

disk() # SIDE
{
    $(side "$1" image /usr/bin/fio --output-format=terse --terse-version=3 /bench/disk.fio) </dev/null 2>/dev/null | tr -d '\r' |
        awk -F ';' '$1 == 3 && $8 > 0 {printf "row\tfio, %s\t%.4g\n", $3, 1e9 / $8}' >>"row.$1"
}

programs_once() # SIDE
{
    for files in host image; do
        label="host's files"
        [ $files = host ] || label=image
        # The guest has the image only, Linux here only its files: both are compared with both.
        first_print "$1" $files "python3 to first print, $label, ms" /usr/bin/python3 /bench/hello.py
        first_print "$1" $files "node to first print, $label, ms" /usr/bin/node /bench/hello.js
        git_status "$1" $files "git status, 2,000 files, $label, ms"
    done
    if wanted sqlite3; then sqlite "$1"; fi
    if wanted fio && [ "$1" != native ]; then disk "$1"; fi
}

programs()
{
    for name in $program_names; do
        [ -x "/usr/bin/$name" ] || { echo; echo "no /usr/bin/$name: the rows of programs are left out"; return; }
    done
    rm -f row.*
    make_tree
    make_guest
    i=0
    while [ $i -lt "$runs" ]; do
        for where in native linux $accels; do
            programs_once "$where"
            # Their rows are the best of several rounds; all of them once is enough for the whole table.
            if [ -n "$row" ] || [ $i = 0 ]; then languages_once "$where"; fi
        done
        i=$((i + 1))
    done
    table "program"
}

# ------------------------------------------------------------------ memory, images

python_memory() { "$build/aril" run --accel "$1" --timeout 60 -m "$2M" /usr/bin/python3 -c 'print("hello")' </dev/null; }
perl_memory() { "$build/aril" run --accel "$1" --timeout 60 -m "$2M" /usr/bin/perl -e 'print("hello")' </dev/null; }
java_memory() { "$build/aril" run --accel "$1" --timeout 20 -m "$2M" $(side native host "$java" $java_flags Hello) </dev/null; }
node_memory() { "$build/aril" run --accel "$1" --timeout 10 -m "$2M" /usr/bin/node -e 'console.log("hello")' </dev/null; }
guest_python_memory() { timeout 10 ./guest.sh "$1" /usr/bin/python3 /bench/hello.py; }

program_memory()
{
    first=${accels%% *}
    echo
    echo "| smallest memory that runs it, MiB | Linux guest | Aril ($first), host's files |"
    echo "|---|---|---|"
    echo "| python3 | $(smallest 48 112 guest_python_memory) | $(smallest 2 64 python_memory "$first") |"
    echo "| perl | - | $(smallest 2 64 perl_memory "$first") |"
    echo "| node | - | $(smallest 16 80 node_memory "$first") |"
    [ -z "$java" ] || echo "| java | - | $(smallest 16 128 java_memory "$first") |"
}

milliseconds() { date +%s%3N; }

# build_image NAME ARGS...: a row about `aril build` of a program and what a run of it reads, with an empty cache and a full one.
build_image()
{
    name=$1; shift
    rm -rf cache
    start=$(milliseconds)
    XDG_CACHE_HOME=$work/cache "$build/aril" build -o built.erofs "$@" >build.log 2>&1 </dev/null || { tail -n 1 build.log; return; }
    middle=$(milliseconds)
    XDG_CACHE_HOME=$work/cache "$build/aril" build -o built.erofs "$@" >build.log 2>&1 </dev/null
    echo "| $name | $((middle - start)) | $(($(milliseconds) - middle)) | $(($(stat -c %s built.erofs) / 1024)) |"
}

images()
{
    "$build/aril" build --help >/dev/null 2>&1 || return 0
    echo
    echo "| aril build | ms | ms, cached | image, KiB |"
    echo "|---|---|---|---|"
    build_image "hello, static" "$hello"
    build_image "python3, recorded" /usr/bin/python3 --record -- "$tree/bench/hello.py"
    build_image "node, recorded" /usr/bin/node --record -- "$tree/bench/hello.js"
}
