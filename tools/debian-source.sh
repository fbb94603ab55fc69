#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# debian-source.sh PACKAGE ARCHIVE SHA256: prints the path of ARCHIVE, a file of Debian 12's source package PACKAGE, with that
# sum. It is kept in ~/.cache/aril (or $XDG_CACHE_HOME/aril), so that only the first call needs a network. No privilege, and
# no change to the machine's own apt: it is given lists and folders of its own. DEBIAN_MIRROR names another mirror.
set -eu
package=$1 name=$2 sum=$3
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/aril

right() { [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$sum" ]; }

if ! right "$cache/$name"; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/none"
    : >"$work/preferences"
    echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${DEBIAN_MIRROR:-http://deb.debian.org/debian} bookworm main" \
        >"$work/sources.list"
    set -- -q -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts="$work/none" -o Dir::Etc::PreferencesParts="$work/none" \
        -o Dir::Etc::Preferences="$work/preferences" \
        -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work" -o APT::Sandbox::User= -o Acquire::Retries=3
    (cd "$work" && apt-get "$@" update && apt-get "$@" --download-only source "$package") >"$work/log" 2>&1 && right "$work/$name" || {
        cat "$work/log" >&2
        echo "$name, a file of Debian's source package $package, could not be fetched, or is not the one expected" >&2
        exit 1
    }
    # In one step: somebody else may be doing the same.
    mkdir -p "$cache"
    cp "$work/$name" "$cache/$name.$$" && mv "$cache/$name.$$" "$cache/$name"
fi
echo "$cache/$name"
