#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# build.sh FOLDER: builds libuv's own test program, FOLDER/run-tests, from Debian's source package, unless it is there. Its files
# (test/fixtures) are in FOLDER, too, where it is to be run.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"
[ run-tests -nt "$here/build.sh" ] && exit 0
archive=$("$here/../../tools/debian-source.sh" libuv1 libuv1_1.44.2.orig.tar.gz d79b4b06ef04be85fb890bf39d55942cc64c2e15fd14eaa32dae5dce94485484)
tar -xzf "$archive" --strip-components=1 --no-same-owner
mkdir -p objects
# shellcheck disable=SC2016
compile='for s; do ${CC:-gcc} -c -O1 -w -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Iinclude -Isrc -o "objects/$(echo "$s" | tr / _).o" "$s" || exit 255; done'
for name in async core dl fs getaddrinfo getnameinfo loop-watcher loop pipe poll process random-devurandom signal stream tcp thread \
    tty udp proctitle linux-core linux-inotify linux-syscalls procfs-exepath random-getrandom random-sysctl-linux epoll; do
    echo src/unix/$name.c
done >sources
ls src/*.c test/test-*.c test/run-tests.c test/runner.c test/runner-unix.c test/echo-server.c test/blackhole-server.c >>sources
xargs -P 2 -n 8 sh -c "$compile" compile <sources
rm -f libuv.a
ar rcs libuv.a objects/src_*.o
${CC:-gcc} -o run-tests objects/test_*.o libuv.a -lpthread -ldl -lrt
