#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# build.sh FOLDER: makes in FOLDER what run.sh and programs.sh need, unless it is there: nofork, the Go tree that the tests read
# (goroot), the packages' test programs and the programs of runtime/testdata, all static. A failure's messages are in *.log.
set -u
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
tests=$(cd "$1" && pwd)
goroot=$tests/goroot
export CGO_ENABLED=0 GOCACHE="$tests/../go-cache" GO111MODULE=auto
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=

# What the tests read: their folders, export data of the packages that `runtime` imports, the zone archive (which Debian
# leaves out, but for its copy as a string constant in time/tzdata) and the go command, which some look for before they try
# to start it.
make_goroot()
{
    system=$(go env GOROOT) || return 1
    rm -rf "$goroot.new"
    mkdir -p "$goroot.new/src" "$goroot.new/lib/time" "$goroot.new/bin" "$goroot.new/pkg/linux_amd64" &&
        (cd "$system/src" && cp -rL $(tr ' ' '\n' <"$here/packages.txt" | sed 's,/.*,,' | sort -u) testdata "$goroot.new/src/") &&
        cp -rL "$system/pkg/linux_amd64/runtime" "$system/pkg/linux_amd64/internal" "$goroot.new/pkg/linux_amd64/" &&
        cp -L "$system/src/go.mod" "$goroot.new/src/" && cp -L "$system/VERSION" "$goroot.new/" &&
        cp -L "$system/bin/go" "$goroot.new/bin/" &&
        go run "$here/zoneinfo.go" <"$system/src/time/tzdata/zipdata.go" \
            >"$goroot.new/lib/time/zoneinfo.zip" &&
        rm -rf "$goroot" && mv "$goroot.new" "$goroot"
}

# built FILE: no newer compiler since.
built() { [ -x "$tests/$1" ] && [ "$tests/$1" -nt "$(command -v go)" ]; }

${CC:-gcc} -static -O1 -Wall -o "$tests/nofork" "$here/../nofork.c" || failed=1
[ "$goroot/VERSION" -nt "$here/packages.txt" ] || make_goroot || failed=1
for package in $(cat "$here/packages.txt"); do
    name=$(echo $package | tr / -)
    built "$name.test" || (cd "$work" && go test -c -o "$tests/$name.test" $package) >"$tests/$name.log" 2>&1 || failed=1
done
for name in testprog testprognet testfaketime; do
    tags=
    [ $name = testfaketime ] && tags=faketime
    built "$name" || (cd "$goroot/src/runtime/testdata/$name" && GO111MODULE=off go build -tags "$tags" -o "$tests/$name" .) \
        >"$tests/$name.log" 2>&1 || failed=1
done
[ -z "$failed" ]
