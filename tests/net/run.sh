#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [SUITE...]: the VM's network from outside. Each suite (a .py file) runs in a network namespace of its own, with a
# tap interface that leads to the VM: on KVM where there is one, and on TCG; ACCELS and CPUS_LIST say otherwise. TEST_FULL=1: with 2 CPUs, too.
# Prints ok/not ok/skip lines; status 1 on a failure.
set -u
cd "$(dirname "$0")/../.." || exit 1
export B="${B:-$PWD/build}"
mkdir -p "$B/net"
suites=${*:-outside names clients servers sockets raw state faults handshakes load}
problem=$(unshare -n sh -c 'ip link set lo up && ip tuntap add tap0 mode tap && ip link set tap0 up' 2>&1) || {
    for suite in $suites; do
        echo "skip net.$suite - no namespace with a tap interface can be made here: $(echo "$problem" | tail -n 1)"
    done
    exit 0
}
gcc -O2 -Wall -o "$B/net/impair" tests/net/impair.c && gcc -static -O2 -Wall -D_GNU_SOURCE -o "$B/net/echo_server" tests/net/echo_server.c &&
    gcc -static -O2 -Wall -D_GNU_SOURCE -o "$B/net/load_client" tests/net/load_client.c &&
    gcc -static -O2 -Wall -D_GNU_SOURCE -o "$B/net/compute" tests/net/compute.c || {
    echo "not ok net - the programs do not build"
    exit 1
}
command -v musl-gcc >/dev/null && musl-gcc -static -O2 -Wall -o "$B/net/lookup" tests/net/lookup.c
if ! [ "$B/net/go_server" -nt tests/net/go_server.go ] && command -v go >/dev/null; then
    (cd tests/net && GO111MODULE=off CGO_ENABLED=0 go build -o "$B/net/go_server" go_server.go)
fi
accels=tcg
[ -w /dev/kvm ] && accels="kvm tcg"
cpus=1
[ -n "${TEST_FULL:-}" ] && cpus="1 2"
status=0
for suite in $suites; do
    for accel in ${ACCELS:-$accels}; do
        for n in ${CPUS_LIST:-$cpus}; do
            ACCEL=$accel CPUS=$n unshare -n python3 "tests/net/$suite.py" || status=1
        done
    done
done
exit $status
