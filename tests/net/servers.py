#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Real servers, in the VM and on Linux: what a client in this namespace gets must be the same.
import concurrent.futures, hashlib, http.client, json, os, re, signal, socket, struct, subprocess

from bed import *


def compare(words, port, client, stop=signal.SIGTERM, prepare=None, environment=None, memory='256M', also=(), ready=None):
    """
    words: the command line, with ADDRESS and PORT in it. client(address, port) returns what it saw. ready: what the server says
    when it is, where connecting would disturb it.
    """
    def line(address):
        return [w.replace('ADDRESS', address).replace('PORT', str(port)) for w in words]

    with folder() as here:
        if prepare:
            prepare(here, HOST, port)
        with linux(line(HOST), here, environment) as p:
            p.wait_for(HOST, port, ready)
            want = client(HOST, port)
            want_status = p.stop(stop)
    with folder() as here:
        if prepare:
            prepare(here, GUEST, port)
        with vm(line(GUEST), here, environment=environment, memory=memory, options=['-v', here + ':' + here]) as p:
            p.wait_for(GUEST, port, ready)
            got = client(GUEST, port)
            status = p.stop(stop)
    # A signal without a handler: the shell's number for it.
    if want_status < 0:
        want_status = 128 - want_status
    check(got == want, 'the client saw %r, on Linux %r' % (got, want))
    check(status == want_status or status in also, 'status %d, on Linux %d' % (status, want_status))


def get(address, port, path, body=None):
    c = http.client.HTTPConnection(address, port, timeout=30 * SLOW)
    c.request('POST' if body is not None else 'GET', path, body)
    answer = c.getresponse()
    data = answer.read()
    c.close()
    return answer.status, len(data), hashlib.md5(data).hexdigest()


def many(address, port, path, times=60):
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        return sorted(set(pool.map(lambda i: get(address, port, path), range(times))))


def pages(here, *unused):
    www = os.path.join(here, 'www')
    os.mkdir(www)
    os.mkdir(os.path.join(here, 'tmp'))
    for name, size in (('index.html', 612), ('medium', 65536), ('large', 3000000)):
        with open(os.path.join(www, name), 'wb') as f:
            f.write(bytes((i * 7 + i // 251) & 255 for i in range(4096)) * (size // 4096) + b'x' * (size % 4096))


def fetch_all(address, port):
    return [get(address, port, p) for p in ('/index.html', '/medium', '/large', '/nope')], many(address, port, '/large'), \
        many(address, port, '/index.html', 300)


def nginx():
    if missing('nginx'):
        return 'nginx is not installed'

    def prepare(here, address, port):
        pages(here)
        with open(os.path.join(here, 'nginx.conf'), 'w') as f:
            f.write('daemon off; master_process off; user root; error_log stderr; pid nginx.pid; events { worker_connections 512; }\n'
                    'http { access_log off; client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp;\n'
                    'scgi_temp_path tmp; sendfile on; server { listen %s:%d; root www; location /again/ { proxy_pass http://%s:%d/; } } }\n'
                    % (address, port, address, port))

    def client(address, port):
        return fetch_all(address, port), get(address, port, '/again/medium')

    return compare(['nginx', '-p', '.', '-c', 'nginx.conf'], 7101, client, signal.SIGQUIT, prepare)


def lighttpd():
    if missing('lighttpd'):
        return 'lighttpd is not installed'

    def prepare(here, address, port):
        pages(here)
        with open(os.path.join(here, 'l.conf'), 'w') as f:
            f.write('server.document-root = "%s/www"\nserver.port = %d\nserver.bind = "%s"\nserver.modules = ()\n' % (here, port, address))

    def client(address, port):
        # Its page for 404 names the server, not more.
        return fetch_all(address, port)

    return compare(['lighttpd', '-D', '-f', 'l.conf'], 7102, client, prepare=prepare, also=(0, 1)) # it is not sure itself


def haproxy():
    if missing('haproxy'):
        return 'haproxy is not installed'

    def prepare(here, address, port):
        with open(os.path.join(here, 'h.cfg'), 'w') as f:
            f.write('global\n  nbthread 2\n  maxconn 200\ndefaults\n  mode http\n  timeout client 9s\n  timeout server 9s\n  timeout connect 3s\n'
                    'frontend f\n  bind %s:%d\n  http-request deny if { path /deny }\n  use_backend ret if { path /a }\n  default_backend again\n'
                    'backend again\n  http-request set-path /a\n  server s %s:%d\n'
                    'backend ret\n  http-request return status 200 content-type text/plain string hello\n' % (address, port, address, port))

    def client(address, port):
        return [get(address, port, p) for p in ('/a', '/b?x=1', '/deny')], many(address, port, '/a', 200)

    return compare(['haproxy', '-db', '-f', 'h.cfg'], 7103, client, prepare=prepare)


def redis():
    if missing('redis-server', 'redis-cli'):
        return 'redis is not installed'

    def client(address, port):
        cli = ['redis-cli', '-h', address, '-p', str(port)]
        script = b'set a 1\nincr a\nrpush l a b c\nlrange l 0 -1\nzadd z 1 x 2 y\nzrange z 0 -1 withscores\nsetrange big 5000000 x\nstrlen big\n' \
                 b'sort l alpha desc\npfadd h a b c\npfcount h\nunlink big\n'
        first = subprocess.run(cli, input=script, stdout=subprocess.PIPE, timeout=60).stdout
        load = ''.join('SET k%d v%d\r\n' % (i, i) for i in range(20000)).encode()
        second = subprocess.run(cli + ['--pipe'], input=load, stdout=subprocess.PIPE, timeout=60 * SLOW).stdout
        third = subprocess.run(cli + ['dbsize'], stdout=subprocess.PIPE, timeout=60).stdout
        big = os.urandom(1) * 3000000
        subprocess.run(cli + ['-x', 'set', 'blob'], input=big, stdout=subprocess.PIPE, timeout=60, check=True)
        fourth = subprocess.run(cli + ['--raw', 'get', 'blob'], stdout=subprocess.PIPE, timeout=60).stdout
        return first, second.splitlines()[-1], third, fourth[:-1] == big

    return compare(['redis-server', '--port', 'PORT', '--bind', 'ADDRESS', '--save', '', '--appendonly', 'yes', '--dir', '.',
                    '--protected-mode', 'no'], 7110, client)


def memcached():
    if missing('memcached'):
        return 'memcached is not installed'

    def client(address, port):
        def fill(k):
            s = socket.create_connection((address, port), 30)
            f = s.makefile('rwb')
            for i in range(300):
                f.write(b'set %d-%d 0 0 %d\r\n%s\r\n' % (k, i, i, b'x' * i))
                f.flush()
                if f.readline() != b'STORED\r\n':
                    return 'lost'
            f.write(b'get %d-299\r\n' % k)
            f.flush()
            return [f.readline() for i in range(3)]

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            answer = list(pool.map(fill, range(6)))
        u = socket.socket(type=socket.SOCK_DGRAM)
        u.settimeout(30)
        u.sendto(struct.pack('>4H', 5, 0, 1, 0) + b'get 3-5\r\n', (address, port))
        return answer, u.recv(1000)

    return compare(['memcached', '-l', 'ADDRESS', '-p', 'PORT', '-U', 'PORT', '-u', 'root', '-t', '4', '-m', '64'], 7111, client)


def dnsmasq():
    if missing('dnsmasq'):
        return 'dnsmasq is not installed'

    def ask(address, port, name, kind, tcp):
        m = struct.pack('>6H', 7, 256, 1, 0, 0, 0) + b''.join(bytes([len(x)]) + x.encode() for x in name.split('.')) + b'\0' + struct.pack('>2H', kind, 1)
        if tcp:
            s = socket.create_connection((address, port), 10)
            s.sendall(struct.pack('>H', len(m)) + m)
            return s.recv(600)[2:]
        s = socket.socket(type=socket.SOCK_DGRAM)
        s.settimeout(10)
        s.sendto(m, (address, port))
        return s.recv(600)

    def client(address, port):
        return [ask(address, port, *q) for q in (('foo.test', 1, False), ('six.test', 28, False), ('t.test', 16, False), ('none.example', 1, False),
                                                 ('foo.test', 1, True))]

    return compare(['dnsmasq', '--no-daemon', '--port=PORT', '--listen-address=ADDRESS', '--bind-interfaces', '--no-resolv', '--no-hosts',
                    '--address=/foo.test/10.1.2.3', '--address=/six.test/fd00::5', '--txt-record=t.test,hello', '--conf-file=/dev/null',
                    '--user=root', '--pid-file='], 7113, client)


def iperf3():
    if missing('iperf3'):
        return 'iperf3 is not installed'

    # One test a server, which then ends by itself: between two it may say that it is busy.
    for more in ([], ['-R'], ['-P', '4'], ['-u', '-b', '20M', '-l', '1400']):
        def client(address, port):
            out = subprocess.run(['iperf3', '-c', address, '-p', str(port), '-t', '2', '-J', *more], stdout=subprocess.PIPE, timeout=60).stdout
            end = json.loads(out)['end']
            return (end.get('sum_received') or end['sum'])['bytes'] > 100000

        compare(['iperf3', '-s', '-1', '-B', 'ADDRESS', '-p', 'PORT', '--forceflush'], 7121, client, stop=0, ready='listening')


def python():
    def client(address, port):
        return [get(address, port, p) for p in ('/index.html', '/medium', '/large')], many(address, port, '/large', 20)

    return compare(['/usr/bin/python3', '-u', '-B', '-m', 'http.server', '-b', 'ADDRESS', '-d', 'www', 'PORT'], 7130, client, signal.SIGINT, pages)


def node():
    if missing('node'):
        return 'node is not installed'

    def prepare(here, address, port):
        with open(os.path.join(here, 's.js'), 'w') as f:
            f.write("require('http').createServer((q, r) => { let d = []; q.on('data', x => d.push(x)).on('end', () => "
                    "r.end('node:' + Buffer.concat(d))); }).listen(%d, '%s'); process.on('SIGTERM', () => process.exit(3));\n" % (port, address))

    def client(address, port):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            return get(address, port, '/', b'x' * 100000), sorted(pool.map(lambda i: get(address, port, '/', b'y' * i), range(60)))

    return compare(['node', 's.js'], 7131, client, prepare=prepare, memory='512M')


def go():
    program = os.path.join(BUILD, 'net', 'go_server')
    if not os.path.exists(program):
        return 'go is not installed'

    def client(address, port):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            return get(address, port, '/', b'x' * 100000), sorted(pool.map(lambda i: get(address, port, '/', b'y' * i), range(60)))

    return compare([program, 'ADDRESS:PORT'], 7132, client)


def etcd():
    if missing('etcd', 'etcdctl'):
        return 'etcd is not installed'

    def client(address, port):
        line = ['etcdctl', '--endpoints=http://%s:%d' % (address, port), '--dial-timeout=60s', '--command-timeout=60s']

        def control(*words):
            out = subprocess.run(line + list(words), stdout=subprocess.PIPE, timeout=100, env={**ENVIRONMENT, 'ETCDCTL_API': '3'}).stdout.decode()
            return re.sub('^lease [0-9a-f]+ ', 'lease ', out)
        return [control(*c.split()) for c in ('put a 1', 'get a', *('put k%d v%d' % (i, i) for i in range(1, 6)), 'get k --prefix --keys-only', 'del k3',
                                              'get k --prefix', 'lease grant 100', 'get k9')]

    peer = 'http://127.0.0.1:7118'
    return compare(['etcd', '--data-dir', 'd', '--listen-client-urls', 'http://ADDRESS:PORT', '--advertise-client-urls', 'http://ADDRESS:PORT',
                    '--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', 'default=' + peer, '--log-level', 'error'], 7117, client)


main([nginx, lighttpd, haproxy, redis, memcached, dnsmasq, iperf3, python, node, go, etcd], 'net.servers')
