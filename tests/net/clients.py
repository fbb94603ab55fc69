#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Real clients in the VM, whose servers are on this side: what they say must be what they say on Linux. Each goes through the tap and through
# the user network, where this side is 10.0.2.2.
import hashlib, http.server, os, ssl, subprocess, threading

from bed import *

PORT, SECURE_PORT = 8100, 8101
PYTHON = '/usr/bin/python3'
GO = os.path.join(BUILD, 'net', 'go_server')


def text(n):
    return ''.join('%d %x\n' % (i, i * i) for i in range(n // 4 + 1)).encode()[:n]


class Pages(http.server.BaseHTTPRequestHandler):
    """/N: that many bytes, or those of a Range; /chunked and /close: without a length; /moved leads on; POST sends back what it gets."""
    protocol_version = 'HTTP/1.1'

    def head(self, status, *headers):
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def do_GET(self):
        if self.path == '/chunked':
            self.head(200, ('Transfer-Encoding', 'chunked'))
            for n in (1, 1000, 70000, 3):
                self.wfile.write(b'%x\r\n%s\r\n' % (n, text(n)))
            self.wfile.write(b'0\r\n\r\n')
        elif self.path == '/close':
            self.head(200, ('Connection', 'close'))
            self.wfile.write(text(200000))
        elif self.path == '/moved':
            self.head(302, ('Location', '/1000'), ('Content-Length', '0'))
        elif self.path[1:].isdigit():
            data, first = text(int(self.path[1:])), (self.headers['Range'] or 'bytes=-')[6:-1]
            if first:
                self.head(206, ('Content-Range', 'bytes %s-%d/%d' % (first, len(data) - 1, len(data))), ('Content-Length', str(len(data) - int(first))))
            else:
                self.head(200, ('Content-Length', self.path[1:]))
            self.wfile.write(data[int(first or 0):])
        else:
            self.head(404, ('Content-Length', '0'))

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.head(200, ('Content-Length', str(len(body))))
        self.wfile.write(body)

    def log_message(self, *unused):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 100

    def handle_error(self, *unused):
        pass # clients may go when they like


def serve(port, certificate=None):
    s = Server(('', port), Pages)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        s.socket = context.wrap_socket(s.socket, server_side=True)
    threading.Thread(target=s.serve_forever, daemon=True).start()
    return s


def outcome(p):
    status = p.process.wait(30 * SLOW)
    p.output.seek(0)
    data = p.output.read()
    return status, len(data), hashlib.md5(data).hexdigest(), data[-200:] if len(data) < 5000 else b''


def compare(words, memory='256M', complete=0, status=0, **environment):
    """words: the command line, with ADDRESS and PORT in it; complete: how long a file "part", of which there is the beginning, is at the end."""
    def line(address):
        return [w.replace('ADDRESS', address).replace('SECURE', str(SECURE_PORT)).replace('PORT', str(PORT)) for w in words]

    def write(name, n):
        with open(os.path.join(here, name), 'wb') as f:
            f.write(text(n))

    def ended(p, where):
        r = outcome(p)
        if complete:
            data = open(os.path.join(here, 'part'), 'rb').read()
            check(data == text(complete), 'the completed file has %d bytes %s, and not all are right' % (len(data), where))
        write('part', 1000000)
        return r

    with folder() as here:
        write('body', 2000000)
        write('part', 1000000)
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'key', '-out', 'pem', '-subj', '/CN=test', '-days', '30'],
                       cwd=here, stderr=subprocess.DEVNULL, check=True)
        subprocess.run('cat key >>pem', shell=True, cwd=here, check=True)
        servers = serve(PORT), serve(SECURE_PORT, os.path.join(here, 'pem'))
        try:
            for address, on_linux, network in ((HOST, HOST, None), ('10.0.2.2', '127.0.0.1', [])):
                with linux(line(on_linux), here, environment) as p:
                    want = ended(p, 'on Linux')
                with vm(line(address), here, network=network, environment=environment, memory=memory, options=['-v', here + ':' + here]) as p:
                    got = ended(p, 'in the VM')
                want, got = (tuple(str(x).replace(a, 'ADDRESS') for x in r) for r, a in ((want, on_linux), (got, address)))
                check(want[0] == str(status), 'on Linux %r' % (want,))
                # A name that an error gives counts, its length not.
                check((got[0], got[3]) == (want[0], want[3]) and (got[1:3] == want[1:3] or want[3] != "b''"), 'from %s %r, on Linux %r' % (address, got, want))
        finally:
            for s in servers:
                s.shutdown()
                s.server_close()


URLS = ['http://ADDRESS:PORT/' + path for path in ('1', '3000000', 'chunked', 'close')]


def curl():
    if missing('curl'):
        return 'curl is not installed'
    compare(['curl', '-sS', '-L', *URLS, 'http://ADDRESS:PORT/moved', 'http://ADDRESS:PORT/none', '-w', '%{http_code} %{size_download}\n'])
    compare(['curl', '-sS', '-H', 'Expect:', '--data-binary', '@body', 'http://ADDRESS:PORT/'])
    compare(['curl', '-sS', '-k', 'https://ADDRESS:SECURE/3000000', 'https://ADDRESS:SECURE/chunked'])
    compare(['curl', '-sS', '--parallel', '--no-progress-meter', *['http://ADDRESS:PORT/%d' % (5000 + i) for i in range(30)], *sum((['-o', '/dev/null'] for i in range(30)), [])])


def wget():
    if missing('wget'):
        return 'wget is not installed'
    compare(['wget', '-q', '-O', '-', *URLS, 'http://ADDRESS:PORT/moved'])
    compare(['wget', '-q', '-c', '-O', 'part', 'http://ADDRESS:PORT/3000000'], complete=3000000)
    compare(['wget', '-q', '-O', '-', '--post-file=body', 'http://ADDRESS:PORT/'])
    compare(['wget', '-q', '-O', '-', '--no-check-certificate', 'https://ADDRESS:SECURE/3000000'])
    compare(['wget', '-q', '-O', '-', 'http://ADDRESS:PORT/none', 'http://ADDRESS:PORT/1'], status=8)
    compare(['/bin/busybox', 'wget', '-q', '-O', '-', 'http://ADDRESS:PORT/3000000'])


def python():
    program = 'import concurrent.futures, hashlib, ssl, sys, urllib.request as r\n' \
              'get = lambda u, d=None: hashlib.md5(r.urlopen(u, d, context=c if u[4] == "s" else None).read()).hexdigest()\n' \
              'c = ssl._create_unverified_context()\n' \
              'for u in sys.argv[1:]: print(get(u))\n' \
              'print(get("http://ADDRESS:PORT/", open("body", "rb").read()))\n' \
              'with concurrent.futures.ThreadPoolExecutor(10) as pool: print(sorted(pool.map(get, ["http://ADDRESS:PORT/%d" % i for i in range(100)])))\n' \
              'try: get("http://ADDRESS:9/")\n' \
              'except OSError as e: print(e)\n'
    compare([PYTHON, '-c', program, *URLS, 'http://ADDRESS:PORT/moved', 'https://ADDRESS:SECURE/3000000'])


def node():
    if missing('node'):
        return 'node is not installed'
    program = 'const a = process.argv.slice(1), get = async u => { const r = await fetch(u); return r.status + " " + (await r.arrayBuffer()).byteLength; };' \
              '(async () => { for (const u of a) console.log(await get(u)); ' \
              'console.log((await Promise.all([...Array(40).keys()].map(i => get("http://ADDRESS:PORT/" + i)))).join()); process.exit(0); })()'
    compare(['node', '--no-warnings', '-e', program, *URLS, 'http://ADDRESS:PORT/moved'], memory='512M')


def go():
    if not os.path.exists(GO):
        return 'go is not installed'
    for url in URLS:
        compare([GO, 'get', url])


def ruby():
    if missing('ruby'):
        return 'ruby is not installed'
    compare(['ruby', '-rnet/http', '-e', 'ARGV.each { |u| print Net::HTTP.get(URI(u)) }; print Net::HTTP.post(URI(ARGV[0]), File.binread("body")).body', *URLS])


def perl():
    if missing('perl'):
        return 'perl is not installed'
    compare(['perl', '-MHTTP::Tiny', '-e', 'my $h = HTTP::Tiny->new; print $h->get($_)->{content} for @ARGV', *URLS])


def php():
    if missing('php'):
        return 'php is not installed'
    compare(['php', '-r', 'foreach (array_slice($argv, 1) as $u) echo file_get_contents($u);', '--', *URLS])


main([curl, wget, python, node, go, ruby, perl, php], 'net.clients')
