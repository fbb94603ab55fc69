#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# linux.sh FOLDER: unpacks Debian's newest cloud kernel into FOLDER/linux, once; it is not installed. Needs the package mirror.
set -eu
mkdir -p "$1"
cd "$1"
if ls linux/boot/vmlinuz-* >/dev/null 2>&1; then exit 0; fi
newest() { apt-cache depends linux-image-cloud-amd64 | awk '/Depends:/ {print $2; exit}'; }
package=$(newest)
[ -n "$package" ] && apt-get download -q "$package" >/dev/null 2>&1 || {
    apt-get update -q >/dev/null # a list of packages that is missing or old
    package=$(newest)
    apt-get download -q "$package" >/dev/null
}
dpkg-deb -x "$package"_*.deb linux
rm -f "$package"_*.deb
