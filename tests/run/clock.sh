#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Clocks of the VM against the host's at two moments, 60 s apart with TEST_FULL=1 and 5 s otherwise: the realtime clock shows
# the host's time, and none drifts. Prints ok/not ok lines.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath "${B:-build}")
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
${CC:-gcc} -static -O1 -o "$dir/clock" tests/run/clock.c || exit 1
seconds=5
[ -n "${TEST_FULL:-}" ] && seconds=60
accels=tcg
tests/kvm.sh clock && accels="kvm tcg"
# shellcheck disable=SC2086
python3 - "$build/aril" "$dir/clock" $seconds $accels <<'PYTHON'
import subprocess, sys, time

aril, program, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3])
failed = False

# The question that was answered fastest tells best: the host's time in the middle of it, and how wrong that can be, in ns.
def ask(vm):
    best = None
    for _ in range(30):
        before = time.monotonic_ns()
        vm.stdin.write('\n')
        vm.stdin.flush()
        real, monotonic = map(int, vm.stdout.readline().split())
        after = time.monotonic_ns()
        if best is None or after - before < best[0]:
            best = (after - before, (before + after) // 2, real, monotonic, time.time_ns() - after + (before + after) // 2)
        time.sleep(0.01)
    return best

for accel in sys.argv[4:]:
    vm = subprocess.Popen([aril, 'run', '--accel', accel, '--timeout', str(seconds + 60), program], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        first = ask(vm)
        time.sleep(seconds)
        last = ask(vm)
    finally:
        vm.stdin.close()
        vm.wait(90)
    blur = (first[0] + last[0]) // 2
    host = last[1] - first[1]
    problems = []
    for name, index in (('realtime', 2), ('monotonic', 3)):
        drift = last[index] - first[index] - host
        # 20 millionths, as a host's clock is steered by that much, and what cannot be seen from outside. TCG has no
        # clock that tells its rate: the kernel measures it at boot, for 4 ms.
        if abs(drift) > blur + host // (50000 if accel == 'kvm' else 5000) + 100000:
            problems.append('%s drifts by %d us in %d s (seen to %d us)' % (name, drift // 1000, host // 10**9, blur // 1000))
    offset = first[2] - first[4]
    if abs(offset) > (50 if accel == 'kvm' else 1050) * 10**6 + first[0]: # TCG: a clock of whole seconds
        problems.append('realtime is %d us off' % (offset // 1000))
    if problems:
        print('not ok clock.%s - %s' % (accel, '; '.join(problems)))
        failed = True
    else:
        print('ok clock.%s' % accel)
    print('# clock.%s: realtime %+d us, monotonic %+d us in %d s, seen to %d us; offset %+d us' % (
        accel, (last[2] - first[2] - host) // 1000, (last[3] - first[3] - host) // 1000, host // 10**9, blur // 1000, offset // 1000))
sys.exit(failed)
PYTHON
