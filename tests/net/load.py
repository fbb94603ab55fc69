#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Load held: thousands of connections at a time, tens of thousands after one another, more than a listener takes. No error, no connection that
# waits for long, and memory that comes back. TEST_FULL=1: the numbers of real servers; else a tenth. LOAD_FIGURES=1 prints what was measured.
import os, re, socket, subprocess

import bed
from bed import *

SERVER, CLIENT = os.path.join(BUILD, 'net', 'echo_server'), os.path.join(BUILD, 'net', 'load_client')
PORT = 7000
FULL = bool(os.environ.get('TEST_FULL'))
SOURCES = 8 # addresses of this side
NETWORK = ['--net', 'tap=' + TAP, '--ip', '%s/16,%s' % (GUEST, HOST)]
# A SYN that is lost is sent again after 1 s, and after 3 s, by Linux; the rest is for a busy machine.
STALL = 9000 # ms


def scaled(n):
    return n if FULL else n // (10 * SLOW)


def server(memory='256M'):
    return vm([SERVER, str(PORT)], memory=memory, network=NETWORK)


def figures(*what):
    if os.environ.get('LOAD_FIGURES'):
        print('#', *what, flush=True)


def ask(byte):
    s = socket.create_connection((GUEST, PORT), 60)
    s.settimeout(60)
    s.sendall(byte)
    said = b''
    while True:
        more = s.recv(100)
        if not more:
            s.close()
            return said
        said += more


def memory():
    """Free memory of the VM in KiB, and its connections beside this one."""
    free, connections = ask(b'm').split()
    return int(free), int(connections) - 1


def client(total, parallel, rounds, sources, end):
    return [CLIENT, GUEST, str(PORT)] + [str(x) for x in (total, parallel, rounds, sources, end)]


def verdict(line, what, stall=STALL):
    """Of load_client: seconds."""
    words = line.split()
    check(len(words) >= 4, '%s: the client ended' % what)
    figures(what, line.strip())
    check(words[0] == '0', '%s: errors: %s' % (what, line.strip()))
    check(float(words[2]) < stall and float(words[3]) < stall, '%s: no progress for %s ms, a connection waited for %s ms' % (what, words[2], words[3]))
    return float(words[1])


def load(total, parallel, rounds=1, sources=SOURCES, end='c', stall=STALL):
    out = subprocess.run(client(total, parallel, rounds, sources, end), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=400).stdout.decode()
    return verdict(out, '%d connections, %d at a time, %d rounds, end %s' % (total, parallel, rounds, end), stall)


class Held:
    """Connections that do nothing, till the end."""

    def __init__(self, n, end='h'):
        self.n = n
        self.process = subprocess.Popen(client(n, n, 1, SOURCES, end), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.said = self.process.stdout.readline().decode()

    def __enter__(self):
        return self

    def __exit__(self, kind, problem, trace):
        if problem is not None:
            self.process.kill()
        self.process.stdin.close()
        self.rest = self.process.stdout.read().decode()
        self.process.wait()


def grows_not(before, by, what):
    """Memory, once connections have gone; a connection of the client's may still be on its way out."""
    wait_until(lambda: memory()[1] == 0, 20 * SLOW, '%s: connections are left, none gone' % what)
    after = memory()[0]
    figures(what, 'free memory before and after:', before, after)
    check(before - after < by, '%s: free memory was %d KiB before and is %d KiB' % (what, before, after))


def short_connections():
    """Opened and closed: by the client, by a reset, by the server, which leaves TIME_WAIT in the VM."""
    with server() as p:
        p.wait_for(GUEST, PORT)
        load(1000, 100)
        before = memory()[0]
        for end in 'crs':
            load(scaled(100000), 100, end=end)
        # 8,192 in TIME_WAIT take 4 MiB; more there are never.
        grows_not(before, 6000, 'short connections')


def all_at_once():
    """More than the listener's queue takes."""
    with server() as p:
        p.wait_for(GUEST, PORT)
        load(1000, 1000)
        before = memory()[0]
        for i in range(3):
            load(scaled(5000), scaled(5000))
        grows_not(before, 3000, 'all at once')


def idle_connections():
    """Those that do nothing do not slow those that do."""
    n = 10000 if FULL else 2000 // SLOW
    with server() as p:
        p.wait_for(GUEST, PORT)
        load(50, 50, 100, 0)
        before = memory()[0]
        alone, beside = [], []
        for i in range(3):
            alone.append(load(50, 50, scaled(4000), 0))
        with Held(n) as held:
            check(held.said == 'held\n' and memory()[1] == n, 'of %d connections %d are held' % (n, memory()[1]))
            figures('a connection takes', (before - memory()[0]) * 1024 // n, 'bytes')
            for i in range(3):
                beside.append(load(50, 50, scaled(4000), 0))
        verdict(held.rest, 'held connections')
        figures('time beside %d idle connections / alone: %.2f' % (n, min(beside) / min(alone)))
        check(min(beside) < 3 * min(alone) + 0.2, '%.2f s alone, %.2f s beside idle connections' % (min(alone), min(beside)))
        grows_not(before, max(3000, n), 'idle connections') # the program's heap and table of descriptors stay as large


def never_read():
    """Sent to without end, a small VM goes on for those that behave."""
    with server('32M') as p:
        p.wait_for(GUEST, PORT)
        load(50, 50, 100, 0)
        before = memory()[0]
        with Held(300, 'n') as held:
            figures('free memory while 300 connections are sent to and nobody reads:', memory()[0], 'of', before)
            check(memory()[0] > before // 3, '%d KiB of %d KiB are free while connections are not read' % (memory()[0], before))
            load(50, 50, 100, 0)
            load(200, 50)
        grows_not(before, 3000, 'connections that are not read')


def page_server(here, connections=4096):
    os.mkdir(here + '/www')
    with open(here + '/www/small', 'wb') as f:
        f.write(b'x' * 612)
    with open(here + '/nginx.conf', 'w') as f:
        f.write('daemon off; master_process off; user root; error_log stderr crit; pid /tmp/nginx.pid; events { worker_connections %d; }\n'
                'http { access_log off; client_body_temp_path /tmp/b; proxy_temp_path /tmp/b; fastcgi_temp_path /tmp/b; uwsgi_temp_path /tmp/b;\n'
                'scgi_temp_path /tmp/b; sendfile on; keepalive_requests 100000000; server { listen 7101; root www; } }\n' % connections)
    return ['/usr/sbin/nginx', '-p', here, '-c', here + '/nginx.conf']


def wrk(connections, seconds, *more):
    """It counts answers that took longer than the limit."""
    out = subprocess.run(['wrk', '-t', '1', '-c', str(connections), '-d', '%ds' % seconds, '--timeout', '2s' if FULL else '9s', *more,
                          'http://%s:7101/small' % GUEST], stdout=subprocess.PIPE, timeout=seconds + 60).stdout.decode()
    figures(*re.findall(r'Requests/sec.*|Latency .*|Socket errors.*', out))
    check('Requests/sec' in out and 'Socket errors' not in out and 'Non-2xx' not in out, out)


def nginx():
    """It accepts one connection at each turn of its loop, which serves hundreds of others."""
    if missing('nginx', 'wrk'):
        return 'nginx or wrk is not installed'
    with folder() as here, vm(page_server(here), network=NETWORK) as p:
        p.wait_for(GUEST, 7101)
        for more in ([], ['-H', 'Connection: close']):
            wrk(1000 if FULL else 500 // SLOW, 60 if FULL else 3, *more)


REDIS = ['redis-server', '--port', '7110', '--save', '', '--protected-mode', 'no', '--dir', '/']


def redis_benchmark(connections, requests):
    r = subprocess.run(['redis-benchmark', '-h', GUEST, '-p', '7110', '-c', str(connections), '-P', '16', '-n', str(requests), '-t', 'set,get', '--csv'],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=400)
    lines = [line.replace('"', '').split(',') for line in r.stdout.decode().splitlines()[1:]]
    figures(*['%s: %s/s, longest %s ms' % (line[0], line[1], line[-1]) for line in lines])
    check(r.returncode == 0 and not r.stderr and len(lines) == 2, (r.stderr or r.stdout).decode())
    check(max(float(line[-1]) for line in lines) < STALL, 'a request waited: %r' % lines)


def redis():
    if missing('redis-server', 'redis-benchmark'):
        return 'redis is not installed'
    with vm(REDIS, network=NETWORK) as p:
        p.wait_for(GUEST, 7110)
        redis_benchmark(500, scaled(4000000))


def small_machines():
    """12 MiB is enough for nginx and redis, with clients."""
    if missing('nginx', 'wrk', 'redis-server', 'redis-benchmark'):
        return 'not all of nginx, wrk and redis are installed'
    with folder() as here, vm(page_server(here, 512), memory='12M', network=NETWORK) as p:
        p.wait_for(GUEST, 7101)
        wrk(50, 3)
    with vm(REDIS, memory='12M', network=NETWORK) as p:
        p.wait_for(GUEST, 7110)
        redis_benchmark(50, scaled(1000000))


def outgoing():
    """From the VM: more connections to one server than there are ports, one after the other; TIME_WAIT is on this side or in the VM."""
    with linux([SERVER, str(PORT)]) as here:
        here.wait_for(HOST, PORT)
        for end in 'cs':
            status, said = run_in_vm([CLIENT, HOST, str(PORT), str(40000 if FULL else 3000 // SLOW), '20', '1', '0', end], network=NETWORK, limit=120)
            check(status == 0, 'status %d' % status)
            verdict(said.splitlines()[-1], 'outgoing, end ' + end)


def ports():
    """When all of them are taken: what Linux says."""
    with linux([SERVER, str(PORT)]) as here:
        here.wait_for(HOST, PORT)
        status, said = run_in_vm([CLIENT, 'ports', HOST, str(PORT)], network=NETWORK)
        check(said.split() == ['28232', 'EADDRINUSE', 'EADDRNOTAVAIL'], said)


def set_up():
    """This side has several addresses, for more connections than one has ports."""
    single()
    many_ports()
    command('ip', 'address', 'flush', 'dev', TAP)
    for i in range(SOURCES):
        command('ip', 'address', 'add', '10.77.%d.1/16' % i, 'dev', TAP)


single, bed.set_up = bed.set_up, set_up
main([short_connections, all_at_once, idle_connections, never_read, nginx, redis, small_machines, outgoing, ports], 'net.load')
