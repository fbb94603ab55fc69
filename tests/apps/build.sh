#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# build.sh OUT: builds the programs of the jobs that have a source here into OUT/JOB/; a job whose compiler is
# missing gets OUT/JOB/skip with the reason.
set -eu
src=$(cd "$(dirname "$0")/src" && pwd)
jobs=$src/../jobs
mkdir -p "$1"
out=$(cd "$1" && pwd)

# build JOB FILE SOURCE COMPILER ARGS...: rebuilds only what is older than its source.
build()
{
    job=$1 file=$out/$1/$2 source=$src/$3 compiler=$4
    shift 4
    mkdir -p "$out/$job"
    rm -f "$out/$job/skip"
    command -v "$compiler" >/dev/null 2>&1 || { echo "no $compiler" >"$out/$job/skip"; return 0; }
    [ "$file" -nt "$source" ] && return 0
    "$compiler" "$@" -o "$file" "$source"
}

build hello-nolibc hello hello_raw.S gcc -nostdlib -static
build hello-glibc-static hello hello.c gcc -O2 -static
build hello-glibc-static-pie hello hello.c gcc -O2 -static-pie
build hello-musl-static hello hello.c musl-gcc -O2 -static
build hello-musl-static-pie hello hello.c musl-gcc -O2 -static-pie
build c-posix-glibc-static posix posix.c gcc -O2 -w -static -pthread
build c-posix-musl-static posix posix.c musl-gcc -O2 -w -static -pthread
build hello-glibc-dyn hello hello.c gcc -O2
build hello-musl-dyn hello hello.c musl-gcc -O2
build c-posix-glibc-dyn posix posix.c gcc -O2 -w -pthread
build rust-hello-dyn hello hello.rs rustc -O
# java JOB CLASS: its sources are in its folder.
java()
{
    mkdir -p "$out/$1"
    rm -f "$out/$1/skip"
    command -v javac >/dev/null 2>&1 || { echo "no javac" >"$out/$1/skip"; return 0; }
    [ "$out/$1/$2.class" -nt "$jobs/$1/$2.java" ] || javac -nowarn -d "$out/$1" "$jobs/$1/$2.java" 2>/dev/null
}
java java-hello Hello
java java-core Job
export CGO_ENABLED=0 GO111MODULE=off GOCACHE="$out/go-cache"
build go-hello-static hello hello.go go build
build go-core-static core core.go go build
build rust-hello-static hello hello.rs rustc -O -C target-feature=+crt-static
build rust-core-static core core.rs rustc -O -C target-feature=+crt-static
