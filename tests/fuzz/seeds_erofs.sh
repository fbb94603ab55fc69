#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# seeds_erofs.sh FOLDER: small images of each kind that mkfs.erofs writes.
set -eu
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/d/e"
echo hello >"$tree/file"
ln -s file "$tree/link"
ln "$tree/file" "$tree/second"
mkfifo "$tree/fifo"
seq 1500 >"$tree/d/numbers"
head -c 9000 /dev/zero >"$tree/d/zeros"
for i in 1 2 3 4 5 6 7 8 9; do : >"$tree/d/e/name-$i"; done
i=0
for options in '' -Enoinline_data -Eforce-inode-extended --chunksize=4096 -zlz4 '-zlz4 -Elegacy-compress' '-zlz4hc -C16384' \
    '-zlz4 -Eztailpacking'; do
    i=$((i + 1))
    # shellcheck disable=SC2086
    mkfs.erofs --quiet $options "$1/seed-$i" "$tree" >/dev/null 2>&1
done
