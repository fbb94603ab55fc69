#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# net.py [RUNS]: servers in Aril and the same binaries in a Linux guest (Debian's cloud kernel under the same QEMU, with the same tap interface and
# one CPU), and in KVM mode against this machine's Linux in a namespace of its own behind a veth pair. Clients run here. Sides in turn, medians of
# RUNS (3). `make bench-net` runs it in a namespace, after linux.sh has unpacked the guest's kernel.
import glob, json, os, re, shutil, signal, statistics, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'net'))
import bed
from bed import *

HERE = os.path.dirname(os.path.abspath(__file__))
WORK = os.path.join(BUILD, 'bench')
NET = os.path.join(BUILD, 'net')
NATIVE = '10.78.0.2'
CLIENT = os.path.join(NET, 'net_client')
ECHO = os.path.join(NET, 'echo_server')
SERVERS = {
    'redis': (7110, ['/usr/bin/redis-server', '--port', '7110', '--bind', '0.0.0.0', '--save', '', '--protected-mode', 'no']),
    'nginx': (7101, ['/usr/sbin/nginx', '-p', '/bench-net', '-c', '/bench-net/nginx.conf']),
    'memcached': (7111, ['/usr/bin/memcached', '-u', 'root', '-p', '7111', '-U', '0', '-t', '1', '-m', '64']),
    'iperf3': (7121, ['/usr/bin/iperf3', '-s', '-p', '7121']),
    'echo': (7000, [ECHO, '7000']),
}
NGINX = '''daemon off; master_process off; user root; error_log stderr crit; pid /tmp/nginx.pid; events { worker_connections 2048; }
http { access_log off; client_body_temp_path /tmp/b; proxy_temp_path /tmp/b; fastcgi_temp_path /tmp/b; uwsgi_temp_path /tmp/b; scgi_temp_path /tmp/b;
sendfile on; tcp_nopush on; keepalive_requests 100000000; server { listen 7101 backlog=4096; root www; } }
'''


def out(*words, limit=120):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=limit).stdout.decode()


# ------------------------------------------------------------------ the sides

def stage(tree, path):
    """A program and its libraries, in a tree."""
    libraries = re.findall(r'(/\S+) \(', out('ldd', path)) if b'ELF' in open(path, 'rb').read(4) else []
    for p in [path, *libraries]:
        os.makedirs(tree + os.path.dirname(p), exist_ok=True)
        shutil.copy(os.path.realpath(p), tree + p)


def prepare():
    """The page server's files, and an archive with all servers for the Linux guest."""
    tree = WORK + '/net.d'
    shutil.rmtree(tree, ignore_errors=True)
    for d in ('bin', 'dev', 'proc', 'sys', 'tmp', 'etc', 'modules', 'var/log/nginx', 'var/lib/nginx', 'bench-net/www'):
        os.makedirs(os.path.join(tree, d))
    with open(tree + '/bench-net/nginx.conf', 'w') as f:
        f.write(NGINX)
    for name, size in (('small', 612), ('large', 65536)):
        with open(tree + '/bench-net/www/' + name, 'wb') as f:
            f.write(b'x' * size)
    shutil.rmtree(WORK + '/bench-net', ignore_errors=True)
    shutil.copytree(tree + '/bench-net', WORK + '/bench-net')
    for name, (port, words) in SERVERS.items():
        if os.path.exists(words[0]):
            stage(tree, words[0])
    with open(tree + '/etc/passwd', 'w') as f:
        f.write('root:x:0:0:root:/:/bin/sh\n')
    with open(tree + '/etc/group', 'w') as f:
        f.write('root:x:0:\n')
    shutil.copy(shutil.which('busybox'), tree + '/bin/busybox')
    os.symlink('busybox', tree + '/bin/sh')
    for n, module in enumerate(('virtio_ring', 'virtio', 'virtio_mmio', 'failover', 'net_failover', 'virtio_net')):
        found = out('find', WORK + '/linux/lib/modules', '-name', module + '.ko').split()
        if found:
            shutil.copy(found[0], '%s/modules/%d-%s.ko' % (tree, n, module))
    with open(tree + '/init', 'w') as f:
        f.write('#!/bin/sh\nb=/bin/busybox\n$b mount -t devtmpfs dev /dev\n$b mount -t proc proc /proc\n$b mount -t sysfs sys /sys\n'
                'for m in /modules/*; do $b insmod $m; done\n$b ip link set lo up\n$b ip link set eth0 up\n$b ip address add %s/%d dev eth0\n'
                'ulimit -n 65536\nexport PATH=/usr/sbin:/usr/bin:/sbin:/bin\nexec </dev/null\n"$@"\necho ended: $?\n$b reboot -f\n' % (GUEST, PREFIX))
    os.chmod(tree + '/init', 0o755)
    subprocess.run('find . | cpio -o -H newc 2>/dev/null | gzip -1 >../net.img', shell=True, cwd=tree, check=True)


def words_here(words):
    return [w.replace('/bench-net', WORK + '/bench-net') for w in words]


def aril(accel, words):
    bed.ACCEL = accel
    return vm(words_here(words), memory='512M'), GUEST


def guest(words):
    tsc = os.path.join(WORK, 'tsc')
    kernel = sorted(glob.glob(WORK + '/linux/boot/vmlinuz-*'))[-1]
    line = ['qemu-system-x86_64', '-M', 'microvm,acpi=on,auto-kernel-cmdline=off', '-accel', 'tcg', '-cpu', 'max', '-smp', '1', '-m', '512', '-nodefaults',
            '-no-user-config', '-display', 'none', '-no-reboot', '-serial', 'stdio', '-kernel', kernel, '-initrd', WORK + '/net.img',
            '-global', 'virtio-mmio.force-legacy=false', '-netdev', 'tap,id=net,ifname=%s,script=no,downscript=no' % TAP,
            '-device', 'virtio-net-device,netdev=net,mac=02:00:00:00:00:77', '-append',
            'console=ttyS0 quiet loglevel=0 panic=-1 reboot=t tsc=reliable tsc_early_khz=%s -- %s' %
            (out(tsc).strip(), ' '.join('""' if w == '' else w for w in words))]
    return Process(line), GUEST


class Native:
    """Linux here, in a namespace of its own."""

    def __init__(self):
        self.holder = subprocess.Popen(['unshare', '-n', 'sleep', '100000'])
        time.sleep(0.3)
        enter = ['nsenter', '-t', str(self.holder.pid), '-n']
        command('ip', 'link', 'add', 'veth0', 'type', 'veth', 'peer', 'name', 'veth1', 'netns', str(self.holder.pid))
        command('ip', 'address', 'add', '10.78.0.1/24', 'dev', 'veth0')
        command('ip', 'link', 'set', 'veth0', 'up')
        command(*enter, 'ip', 'address', 'add', NATIVE + '/24', 'dev', 'veth1')
        command(*enter, 'ip', 'link', 'set', 'veth1', 'up')
        self.enter = enter

    def __call__(self, words):
        return linux(self.enter + words_here(words)), NATIVE

    def end(self):
        self.holder.kill()
        self.holder.wait()


# ------------------------------------------------------------------ what is measured: bigger is better

def redis(address, port, what, depth):
    text = out('redis-benchmark', '-h', address, '-p', str(port), '-t', what, '-c', '50', '-P', str(depth), '-n', str(20000 * (4 if depth > 1 else 1)), '--csv')
    return float(text.splitlines()[-1].split('","')[1])


def wrk(address, port, page, more=()):
    text = out('wrk', '-t', '1', '-c', '50', '-d', '3s', *more, 'http://%s:%d/%s' % (address, port, page))
    check('Non-2xx' not in text and 'Socket errors' not in text, text)
    return float(re.search(r'Requests/sec:\s*([\d.]+)', text).group(1))


def iperf(address, port, *more):
    for attempt in range(20): # the server needs a moment between two tests
        end = json.loads(out('iperf3', '-c', address, '-p', str(port), '-t', '3', '-J', *more)).get('end', {})
        if end.get('sum_received'):
            return end['sum_received']['bits_per_second'] / 1e6
        time.sleep(0.2)
    raise Failure('iperf3 does not run')


def transactions(address, port, connections, first, request, reply):
    return float(out(CLIENT, address, str(port), str(connections), '3', first, request, str(reply)))


ROWS = [
    ('redis SET, 50 clients', 'redis', lambda a, p: redis(a, p, 'set', 1)),
    ('redis GET, 50 clients', 'redis', lambda a, p: redis(a, p, 'get', 1)),
    ('redis SET, 50 clients, 16 at once', 'redis', lambda a, p: redis(a, p, 'set', 16)),
    ('redis GET, 50 clients, 16 at once', 'redis', lambda a, p: redis(a, p, 'get', 16)),
    ('nginx, 612 bytes, 50 clients', 'nginx', lambda a, p: wrk(a, p, 'small')),
    ('nginx, 64 KiB, 50 clients', 'nginx', lambda a, p: wrk(a, p, 'large')),
    ('nginx, a connection for each 612 bytes', 'nginx', lambda a, p: wrk(a, p, 'small', ('-H', 'Connection: close'))),
    ('memcached get, 50 clients', 'memcached', lambda a, p: transactions(a, p, 50, '', 'get nothing\\r\\n', 5)),
    ('iperf3 to the server, Mbit/s', 'iperf3', lambda a, p: iperf(a, p)),
    ('iperf3 from the server, Mbit/s', 'iperf3', lambda a, p: iperf(a, p, '-R')),
    ('64 bytes to and fro, 1 client', 'echo', lambda a, p: transactions(a, p, 1, 'e', 'x' * 64, 64)),
]


def measure(side, server, rows, results, name):
    port, words = SERVERS[server]
    process, address = side(words)
    with process:
        if server == 'iperf3':
            wait_until(lambda: answers(address, port), 60, 'no server')
            time.sleep(0.5)
        else:
            process.wait_for(address, port, limit=60)
        for row, f in rows:
            results.setdefault((row, name), []).append(f(address, port))
        process.process.kill()
        process.process.wait()


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    only = sys.argv[2:]
    os.makedirs(NET, exist_ok=True)
    command('gcc', '-O2', '-Wall', '-o', CLIENT, HERE + '/net_client.c')
    command('gcc', '-O2', '-Wall', '-static', '-D_GNU_SOURCE', '-o', ECHO, HERE + '/../net/echo_server.c')
    command('gcc', '-O2', '-o', WORK + '/tsc', HERE + '/tsc.c')
    set_up()
    many_ports()
    prepare()
    native = Native()
    sides = {'tcg': lambda w: aril('tcg', w), 'guest': guest}
    if os.access('/dev/kvm', os.W_OK):
        sides.update(kvm=lambda w: aril('kvm', w), native=native)
    results = {}
    try:
        for run in range(runs):
            for server in SERVERS:
                rows = [(row, f) for row, s, f in ROWS if s == server]
                if not os.path.exists(SERVERS[server][1][0]) or (only and server not in only):
                    continue
                for name, side in sides.items():
                    try:
                        measure(side, server, rows, results, name)
                    except (Failure, OSError, ValueError, AttributeError, IndexError, subprocess.SubprocessError) as e:
                        print('%s, %s: %s' % (server, name, str(e)[:300] or type(e).__name__), file=sys.stderr, flush=True)
    finally:
        native.end()
    print('| network, a second | Linux guest (TCG) | Aril (TCG) | ratio | Linux here | Aril (KVM) | ratio |\n|---|---|---|---|---|---|---|')
    for row, server, f in ROWS:
        v = {n: statistics.median(results[row, n]) for n in ('guest', 'tcg', 'native', 'kvm') if results.get((row, n))}

        def ratio(a, b):
            return '%.2f' % (v[a] / v[b]) if a in v and b in v else '-'

        def show(n):
            return '%.0f' % v[n] if n in v else '-'
        if v:
            print('| %s | %s | %s | %s | %s | %s | %s |' % (row, show('guest'), show('tcg'), ratio('tcg', 'guest'), show('native'), show('kvm'), ratio('kvm', 'native')))


main()
