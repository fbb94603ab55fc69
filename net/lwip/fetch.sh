#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fetch.sh DIR: puts lwIP's sources into DIR, as its authors published them, from Debian's source package. The archive is kept in
# ~/.cache/aril (or $XDG_CACHE_HOME/aril), so that only the first build needs a network. No privilege, and no change to the
# machine's own apt: it is given a list of sources and folders of its own.
set -eu
version=2.1.3+dfsg1
sum=0a8276d09fc4e97bbba2f953d74af2388fc2195ea156be9d7589e297a68fde24
dir=$1
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/aril
archive=$cache/lwip_$version.orig.tar.xz

right() { [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = $sum ]; }

download() {
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/parts"
    cat >"$work/parts/aril.sources" <<END
Types: deb-src
URIs: ${DEBIAN_MIRROR:-http://deb.debian.org/debian}
Suites: bookworm
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
    : >"$work/list"
    : >"$work/preferences"
    set -- -q -o Dir::Etc::SourceList="$work/list" -o Dir::Etc::SourceParts="$work/parts" -o Dir::Etc::Preferences="$work/preferences" \
        -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User= -o Acquire::Retries=3
    # apt checks the signature of the list and the sums in it.
    (cd "$work" && apt-get "$@" update && apt-get "$@" --download-only source lwip) >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        echo "lwip: the source package could not be fetched (network? deb-src of Debian 12?)" >&2
        exit 1
    }
    right "$work/lwip_$version.orig.tar.xz" || { echo "lwip: the archive is not the one expected" >&2; exit 1; }
    mkdir -p "$cache"
    # Moved in one step: another build may be doing the same.
    cp "$work/lwip_$version.orig.tar.xz" "$archive.$$" && mv "$archive.$$" "$archive"
}

right "$archive" || download
rm -rf "$dir"
mkdir -p "$dir"
tar -xJf "$archive" -C "$dir" --strip-components=1 --no-same-owner lwip-2.1.3/src/core lwip-2.1.3/src/include \
    lwip-2.1.3/src/netif/ethernet.c lwip-2.1.3/COPYING
