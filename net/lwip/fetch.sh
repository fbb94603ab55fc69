#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fetch.sh DIR: puts lwIP's sources into DIR, as its authors published them, from Debian's source package.
set -eu
dir=$1
archive=$("$(dirname "$0")/../../tools/debian-source.sh" lwip lwip_2.1.3+dfsg1.orig.tar.xz \
    0a8276d09fc4e97bbba2f953d74af2388fc2195ea156be9d7589e297a68fde24)
rm -rf "$dir"
mkdir -p "$dir"
tar -xJf "$archive" -C "$dir" --strip-components=1 --no-same-owner lwip-2.1.3/src/core lwip-2.1.3/src/include \
    lwip-2.1.3/src/netif/ethernet.c lwip-2.1.3/COPYING
