#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What `aril run` does when things go wrong, and that bytes, signals and statuses pass unchanged.
# Prints "ok NAME", "not ok NAME - why" or "skip NAME - why" for each case; status 1 if one failed. What boots a VM is
# done on KVM and on TCG, or on the accelerators in $ACCEL. $B is the build folder.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath "${B:-build}")
dir=$(mktemp -d) || exit 1
chmod 755 "$dir"
trap 'rm -rf "$dir"' EXIT
# A copy that any user may run, whose path marks the QEMU processes of this test.
cp "$build/aril" "$build/aril.elf" "$dir/" || exit 1
aril=$dir/aril
suffix=
busybox=$(command -v busybox)
failed=0 passed=0

pass() { echo "ok $1$suffix"; passed=$((passed + 1)); }
fail() {
    echo "not ok $1$suffix - $2"
    failed=$((failed + 1))
}

# check NAME STATUS TEXT COMMAND...: the command ends with STATUS, and its standard error has TEXT in it.
check() {
    local name=$1 status=$2 text=$3 got
    shift 3
    timeout 90 "$@" >"$dir/out" 2>"$dir/err" </dev/null
    got=$?
    if [ $got != "$status" ]; then
        fail "$name" "status $got, not $status: $(head -c 300 "$dir/err" | tr '\n' '|')"
    elif [ -n "$text" ] && ! grep -qF -- "$text" "$dir/err"; then
        fail "$name" "no '$text' in: $(head -c 300 "$dir/err" | tr '\n' '|')"
    else
        pass "$name"
    fi
}

# is NAME GOT WANTED
is() {
    if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "is '$2', not '$3'"; fi
}

# Ids of the QEMU processes of this test (zombies have no command line). The brackets keep grep from finding itself.
vms() {
    grep -ls "$dir/[a]ril.elf" /proc/[0-9]*/cmdline | cut -d/ -f3
}

# Waits until a QEMU of this test runs, or until none does.
wait_for_vm() {
    local i
    for ((i = 0; i < 100; i++)); do
        [ -n "$(vms)" ] && return 0
        sleep 0.05
    done
    return 1
}
wait_for_no_vm() {
    local i
    for ((i = 0; i < 40; i++)); do
        [ -z "$(vms)" ] && return 0
        sleep 0.05
    done
    return 1
}

usage_cases() {
    check no-command 125 "Usage: aril" "$aril"
    check unknown-command 125 "unknown command 'fly'" "$aril" fly
    check no-program 125 "no program given" "$aril" run
    check bad-option 125 "unknown option --colour" "$aril" run --colour busybox
    check bad-letter 125 "unknown option -Z" "$aril" run -Z busybox
    check option-without-argument 125 "option -m wants an argument" "$aril" run -m
    check bad-memory 125 "-m wants a size" "$aril" run -m lots busybox
    check bad-cpus 125 "--cpus wants" "$aril" run --cpus 0 busybox
    check bad-accelerator 125 "--accel wants" "$aril" run --accel xen busybox
    check bad-threads 125 "--accel wants" "$aril" run --accel tcg,thread=multi busybox
    check cpus-in-turn 0 "thread=single" "$aril" run --verbose --accel tcg,thread=single --cpus 2 busybox true
    check bad-ring 125 "--ring wants" "$aril" run --ring 2 busybox
    check bad-timeout 125 "--timeout wants" "$aril" run --timeout never busybox
    check bad-file 125 "HOST:GUEST" "$aril" run --file nonsense busybox
    check help 0 "" "$aril" run --help
    grep -q -- --strace "$dir/out" && pass help-text || fail help-text "no --strace in it"
    check version 0 "" "$aril" version
}

# Listens on a port that is free until the shell reads its end; the number goes to $port.
listen() { # tcp|udp
    exec 9< <(exec python3 -c '
import signal, socket, sys
s = socket.socket(type=socket.SOCK_STREAM if sys.argv[1] == "tcp" else socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
if sys.argv[1] == "tcp":
    s.listen()
print(s.getsockname()[1], flush=True)
signal.pause()' "$1")
    listener=$!
    read -r port <&9
}

network_cases() {
    local word
    for word in 80 x:80 80:x 0:80 80:65536 80:80/sctp 127.0.0.1:80 host:80:80 127.0.0.1::80 '' :; do
        check "bad-port '$word'" 125 "-p wants" "$aril" run -p "$word" busybox
    done
    check port-by-ipv6 125 "only IPv4" "$aril" run -p '[::1]:80:80' busybox
    check port-of-another-host 125 "192.0.2.1 is no address of this host" "$aril" run -p 192.0.2.1:8080:80 busybox
    for word in tcp udp; do
        listen $word
        check "$word-port-in-use" 125 "port $port is in use here by python3" "$aril" run -p "127.0.0.1:$port:80/$word" busybox
        kill "$listener"
        wait "$listener" 2>/dev/null
        exec 9<&-
    done
    check port-twice 125 "given twice" "$aril" run -p "$port:80" -p "127.0.0.1:$port:81" busybox
    check bad-net 125 "--net wants" "$aril" run --net bridge busybox
    check missing-tap 125 "there is no such interface" "$aril" run --net tap=aril-none busybox
    check tap-without-name 125 "there is no such interface" "$aril" run --net tap= busybox
    check port-of-a-tap 125 "has an address of its own" "$aril" run --net tap=lo -p 8080:80 busybox
    check no-net-and-a-port 125 "--net none leaves no network" "$aril" run --net none -p 8080:80 busybox
    for word in 10.0.0.1 10.0.0.1/ 10.0.0.1/33 10.0.0/8 10.0.0.1/8, 10.0.0.1/8,x fe80::1/129 fe80::1/64,10.0.0.1 /8 ''; do
        check "bad-ip '$word'" 125 "--ip wants" "$aril" run --ip "$word" busybox
    done
    check ip-is-the-gateway 125 "another address" "$aril" run --ip 10.9.0.2/24 busybox
    check ip-far-from-the-gateway 125 "of the same network" "$aril" run --ip 10.9.0.2/24,10.8.0.1 busybox
    check ip6-of-a-user-network 125 "one address, of IPv4" "$aril" run --ip fd00::2/64 busybox
    check ip6-prefix 125 "a prefix of 64 bits here, not 48" "$aril" run --net tap=lo --ip fd00::2/48 busybox
    check bad-dns 125 "--dns wants" "$aril" run --dns example.org busybox
    check bad-hostname 125 "--hostname wants" "$aril" run --hostname a_b busybox
    # Not root: has no right to /dev/net/tun's interfaces of others, and to low ports.
    if [ "$(id -u)" = 0 ] && [ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" = 1024 ]; then
        check low-port-without-permission 125 "no permission to listen on port 81" \
            setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all "$aril" run -p 81:80 "$busybox"
    else
        echo "skip low-port-without-permission - needs root, and ports below 1024 that are not for all"
    fi
}

missing_cases() {
    check missing-qemu 125 "qemu-system-x86" env PATH=/nonexistent "$aril" run "$busybox"
    check wrong-qemu 125 "cannot run QEMU '/nonexistent/q'" "$aril" run --qemu /nonexistent/q busybox
    check qemu-that-dies 125 "QEMU ended with status 1 before the kernel ran" "$aril" run --qemu false busybox
    check qemu-by-environment 125 "ARIL_QEMU" env ARIL_QEMU=/nonexistent/q "$aril" run busybox
    check missing-kernel 125 "cannot read the kernel /nonexistent/k" "$aril" run --kernel /nonexistent/k busybox
    check missing-program 127 "no-such-program: command not found" "$aril" run no-such-program
    check missing-path 127 "./no-such-program: no such file" "$aril" run ./no-such-program
    check directory 126 "/tmp: is a directory" "$aril" run /tmp
    printf 'text' >"$dir/plain"
    check not-executable 126 "$dir/plain: permission denied" "$aril" run "$dir/plain"
    check missing-file 125 "cannot read /nonexistent/f" "$aril" run --file /nonexistent/f:/f busybox
    check device-as-file 125 "/dev/null is no file" "$aril" run --file /dev/null:/f busybox
    head -c 8000000 /dev/zero >"$dir/large"
    check too-large-for-memory 125 "$dir/large does not fit" "$aril" run -m 8M --file "$dir/large:/f" busybox
    check too-little-memory 125 "-m" "$aril" run -m 2M busybox
    check wrong-kernel 125 "$dir/plain is no Aril kernel" "$aril" run --kernel "$dir/plain" busybox
    cp "$busybox" "$dir/secret" && chmod 711 "$dir/secret"
    local -a as_user=()
    # Root may read everything, so the case needs another user.
    [ "$(id -u)" = 0 ] && as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    [ "$(id -u)" = 0 ] || chmod 111 "$dir/secret"
    check unreadable-program 126 "$dir/secret: permission denied" "${as_user[@]}" "$aril" run "$dir/secret"
    if [ "$(id -u)" = 0 ] && [ "$(stat -c %a /dev/kvm 2>/dev/null)" = 600 ]; then
        check unusable-kvm 125 "no permission for /dev/kvm" "${as_user[@]}" "$aril" run --accel kvm busybox
        check unusable-kvm-falls-back 0 "emulating the CPU" "${as_user[@]}" "$aril" run --timeout 60 busybox true
    else
        echo "skip unusable-kvm - needs root, and a /dev/kvm that is root's alone"
    fi
}

kernel_cases() {
    check unknown-kernel-parameter 125 "colour" "${vm[@]}" --append colour=red busybox true
    check bad-kernel-parameter 125 "ring" "${vm[@]}" --append ring=7 busybox true
    printf '#!/nonexistent\n' >"$dir/script" && chmod 755 "$dir/script"
    check script-without-interpreter 127 "$dir/script is a script, and its interpreter /nonexistent is not there" \
        "${vm[@]}" "$dir/script"
    head -c 3000 "$busybox" >"$dir/short" && chmod 755 "$dir/short"
    check truncated-elf 126 "$dir/short" "${vm[@]}" "$dir/short"
    check timeout 124 "time is up" "${vm[@]}" --timeout 1.5 busybox sleep 60
    echo '#include <unistd.h>
        int main(void) { return syscall(444, 0, 0, 0) != -1; }' | gcc -static -x c -o "$dir/unserved" -
    check unserved-call 0 "(landlock_create_ruleset) is not served (ENOSYS)" "${vm[@]}" "$dir/unserved"
}

status_cases() {
    check exit-status 7 "" "${vm[@]}" busybox sh -c 'exit 7'
    check killed 139 "" "${vm[@]}" busybox sh -c 'kill -SEGV $$'
    check killed-verbose 137 "killed by signal 9" "${vm[@]}" --verbose busybox sh -c 'kill -9 $$'
    check stderr 0 "to-stderr" "${vm[@]}" busybox sh -c 'echo to-stdout; echo to-stderr >&2'
    is stdout "$(cat "$dir/out")" to-stdout
    ARIL_TEST=host check environment 0 "" "${vm[@]}" -e ADDED="a b" busybox sh -c 'echo "$ARIL_TEST/$ADDED"'
    is environment-values "$(cat "$dir/out")" "host/a b"
    ARIL_TEST=host check clean-environment 0 "" "${vm[@]}" --clean-env -e ADDED=1 busybox sh -c 'echo "$ARIL_TEST/$ADDED"'
    is clean-environment-values "$(cat "$dir/out")" "/1"
    check processors 0 "" "${vm[@]}" --cpus 2 busybox nproc
    is processors-value "$(cat "$dir/out")" 2
    check working-directory 0 "" "${vm[@]}" -w /some/where --file "$dir/plain:rel/file" busybox sh -c 'pwd; read x <rel/file; echo $x'
    is working-directory-path "$(tr "\n" " " <"$dir/out")" "/some/where text "
    check arguments 0 "" "${vm[@]}" busybox sh -c 'printf "%s|" "$@"' x "" "a  b" $'c\nd' '*' '--' '"'
    is arguments-values "$(cat "$dir/out")" "|a  b|c
d|*|--|\"|"
}

stream_cases() {
    local want got
    want=$("$busybox" seq 1 1500000 | sha256sum)
    got=$("${vm[@]}" busybox seq 1 1500000 </dev/null | sha256sum)
    is large-output "$got" "$want"
    got=$("${vm[@]}" busybox seq 1 1500000 </dev/null | (sleep 2 && sha256sum))
    is large-output-slow-reader "$got" "$want"
    head -c 5000000 /dev/urandom >"$dir/random"
    want=$(sha256sum <"$dir/random")
    is stdin-file "$("${vm[@]}" busybox cat <"$dir/random" | sha256sum)" "$want"
    # shellcheck disable=SC2002
    is stdin-pipe "$(cat "$dir/random" | "${vm[@]}" busybox cat | sha256sum)" "$want"
    is stdin-end "$( (echo one; sleep 0.3; printf two) | "${vm[@]}" busybox cat)" "one
two"
    is stdin-empty "$(: | "${vm[@]}" busybox cat; echo $?)" 0
    is stdin-null "$("${vm[@]}" busybox cat </dev/null; echo $?)" 0
    is stdin-closed "$("${vm[@]}" busybox cat <&-; echo $?)" 0
    is stdin-unread "$(head -c 1000000 /dev/zero | "${vm[@]}" busybox echo done)" "done"
    "${vm[@]}" busybox yes </dev/null 2>"$dir/err" | head -n 1 >"$dir/out"
    is closed-stdout "${PIPESTATUS[0]} $(cat "$dir/out") $(cat "$dir/err")" "141 y "
    "${vm[@]}" busybox seq 1 100000 </dev/null >"$dir/out" 2>&1
    is stdout-file "$(sha256sum <"$dir/out")" "$("$busybox" seq 1 100000 | sha256sum)"
    # Two descriptors of one open file: the order of what is written to the one and the other holds.
    local alternate='i=0; while [ $i -lt 500 ]; do echo out $i; echo err $i >&2; i=$((i + 1)); done'
    want=$("$busybox" sh -c "$alternate" 2>&1 | sha256sum)
    is merged-pipe "$("${vm[@]}" --cpus 2 busybox sh -c "$alternate" 2>&1 </dev/null | sha256sum)" "$want"
    "${vm[@]}" busybox sh -c "$alternate" >"$dir/out" 2>&1 </dev/null
    is merged-file "$(sha256sum <"$dir/out")" "$want"
    "${vm[@]}" busybox sh -c 'while :; do echo y >&2; done' 2>&1 </dev/null | head -n 1 >"$dir/out"
    is merged-closed "${PIPESTATUS[0]} $(cat "$dir/out")" "141 y"
    (printf 'first\n'; "${vm[@]}" busybox echo second </dev/null; printf 'third\n') >"$dir/out"
    is stdout-file-offset "$(tr '\n' ' ' <"$dir/out")" "first second third "
    check trace 0 "write(1, " "${vm[@]}" --strace busybox echo traced
    is trace-output "$(cat "$dir/out")" traced
}

# signal_case NAME SIGNAL STATUS SCRIPT: SIGNAL is sent once the program has printed a line.
signal_case() {
    local name=$1 number=$2 status=$3 pid i
    : >"$dir/out"
    "${vm[@]}" busybox sh -c "$4" </dev/null >"$dir/out" 2>"$dir/err" &
    pid=$!
    for ((i = 0; i < 600; i++)); do
        [ -s "$dir/out" ] && break
        sleep 0.05
    done
    kill -"$number" $pid
    wait $pid
    is "$name" "$? $(cat "$dir/err")" "$status "
}

signal_cases() {
    local pid
    signal_case sigterm TERM 143 'echo ready; while :; do :; done'
    signal_case sigusr1 USR1 5 'trap "exit 5" USR1; echo ready; while :; do :; done'
    signal_case sighup HUP 6 'trap "exit 6" HUP; echo ready; while :; do read x </dev/null; done'
    "${vm[@]}" busybox sleep 60 </dev/null 2>/dev/null &
    pid=$!
    wait_for_vm || fail vm-starts "no QEMU process"
    kill -KILL $pid
    wait $pid 2>/dev/null
    wait_for_no_vm && pass killed-aril-takes-its-vm-along || fail killed-aril-takes-its-vm-along "QEMU lives"
    # A VM that is stopped reacts to nothing: the second signal ends it.
    "${vm[@]}" busybox sleep 60 </dev/null 2>"$dir/err" &
    pid=$!
    wait_for_vm
    kill -STOP $(vms)
    kill -TERM $pid
    sleep 0.5
    kill -TERM $pid
    wait $pid
    is second-sigterm "$? $(cat "$dir/err")" "143 aril: the VM did not react to signal 15 and was ended"
    # One signal will do, with patience.
    "${vm[@]}" busybox sleep 60 </dev/null 2>"$dir/err" &
    pid=$!
    wait_for_vm
    kill -STOP $(vms)
    kill -TERM $pid
    wait $pid
    is deaf-vm "$? $(cat "$dir/err")" "143 aril: the VM did not react to signal 15 and was ended"
}

# terminal_case NAME STATUS WANT KEYS COMMAND: the command runs on a terminal of its own, KEYS (for printf) are
# typed once the VM is up. WANT is what the terminal shows.
terminal_case() {
    local got status
    got=$( ( [ -z "$4" ] || { wait_for_vm; sleep 1; printf "$4"; }; sleep 2) | timeout 90 script -qec "$5" /dev/null; echo "status ${PIPESTATUS[1]}")
    status=${got##*status }
    is "$1" "$status $(printf %s "${got%status *}" | tr '\r\n\b' '.|<' | sed 's/\^]//g')" "$2 $3"
}

terminal_cases() {
    local run="${vm[*]}"
    terminal_case terminal-size 0 "33 91.|" "" "stty cols 91 rows 33; $run busybox stty size"
    terminal_case terminal-line 0 "abc< <X.|got abX.|" 'abc\177X\r' "$run busybox sh -c 'read x; echo got \$x'"
    terminal_case terminal-stop 124 "aril: time is up; the VM was ended.|" '\023\r' "$run --timeout 6 busybox sh -c 'read x; echo one'"
    terminal_case terminal-stop-and-start 0 ".|one.|" '\023\r\021' "$run busybox sh -c 'read x; echo one'"
    terminal_case terminal-end-of-file 0 "ab.|ab.|" 'ab\r\004' "$run busybox cat"
    terminal_case terminal-interrupt 130 "^C" '\003' "$run busybox sleep 60"
    terminal_case terminal-escape 137 "aril: the VM was ended by Ctrl-].|" '\035\035\035' "$run busybox sleep 60"
    terminal_case terminal-mode-comes-back 0 "x.| echo .|" "" "$run busybox echo x; stty -a | grep -o ' -*echo '"
    terminal_case terminal-mode-after-timeout 0 "aril: time is up; the VM was ended.| echo .|" "" \
        "$run --timeout 1.5 busybox sleep 60; stty -a | grep -o ' -*echo '"
    terminal_case terminal-output-only 0 "one.|two.|" "" "(echo one; sleep 1; echo two) | $run busybox cat"
    terminal_case terminal-errors-only 0 "to-stderr.|" "" "$run busybox sh -c 'echo x; test -t 1 || echo to-stderr >&2' >/dev/null"
    terminal_case terminal-is-one 0 "one.|" "" "$run busybox sh -c 'test -t 1 && test -t 2 && echo one' </dev/null"
    terminal_case terminal-output-size 0 "44 101.|" "" "stty cols 101 rows 44; $run busybox stty -F /dev/tty size </dev/null"
    terminal_case terminal-not-raw-in-a-pipeline 0 "x.|" "" "$run busybox echo x | cat"
}

usage_cases
network_cases
missing_cases
for accelerator in ${ACCEL:-kvm tcg}; do
    suffix=.$accelerator
    vm=("$aril" run --root none --accel "$accelerator" --timeout 60)
    if "$aril" run --accel "$accelerator" --qemu true busybox 2>&1 | grep -q 'KVM does not work'; then
        echo "skip run$suffix - KVM does not work here"
        continue
    fi
    kernel_cases
    status_cases
    stream_cases
    signal_cases
    terminal_cases
    wait_for_no_vm && pass no-process-left || fail no-process-left "$(vms)"
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
