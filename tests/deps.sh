#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# deps.sh PACKAGE[/COMMAND]...: installs the Debian packages that are missing; says nothing when none is. With
# /COMMAND, a command of that name from anywhere will do.
set -eu
missing=
for p in "$@"; do
    case $p in
    */*) command -v "${p#*/}" >/dev/null 2>&1 && continue ;;
    esac
    p=${p%/*}
    dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $p"
done
[ -z "$missing" ] && exit 0
echo "installing:$missing"
[ "$(id -u)" = 0 ] || { echo "deps: run as root, or install:$missing" >&2; exit 1; }
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
apt-get install -y -q --no-install-recommends $missing >/dev/null 2>&1 || {
    apt-get update -q >/dev/null
    apt-get install -y -q --no-install-recommends $missing >/dev/null
}
