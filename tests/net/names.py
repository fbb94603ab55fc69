#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Names, looked up in the VM by the resolvers there are: glibc's, musl's, Go's, c-ares (node) and BIND's (dig). The name servers are on this
# side: good ones, a silent one, one that is not there, one that refuses. What is found must be what the same program finds on Linux with
# the same servers.
import ipaddress, os, select, socket, struct, threading

from bed import *

PYTHON = '/usr/bin/python3'
GO, MUSL = (os.path.join(BUILD, 'net', name) for name in ('go_server', 'lookup'))
GOOD, OTHER, SILENT, ABSENT, SURLY = HOST, '10.77.0.11', '10.77.0.12', '10.77.0.13', '10.77.0.14'
NOBODY = '10.77.0.99'  # not even a machine
LINK = 'fe80::77'
PORT = 53
A, CNAME, PTR, MX, TXT, AAAA, SRV, OPT = 1, 5, 12, 15, 16, 28, 33, 41
NO_SUCH_NAME, REFUSED = 3, 5


def encoded(name):
    return b''.join(bytes([len(l)]) + l.encode() for l in name.split('.') if l) + b'\0'


def addresses(*texts):
    return [ipaddress.ip_address(t).packed for t in texts]


ZONE = {
    'four.test': {A: addresses('10.1.2.3')},
    'six.test': {AAAA: addresses('fd00::6')},
    'both.test': {A: addresses('10.1.2.4', '10.1.2.5'), AAAA: addresses('fd00::7', 'fd00::8')},
    'alias.test': {CNAME: [encoded('second.test')]},
    'second.test': {CNAME: [encoded('both.test')]},
    'lost.test': {CNAME: [encoded('nowhere.test')]},
    'empty.test': {TXT: [b'\x05hello', b'\x03two\x05parts']},
    'big.test': {A: [socket.inet_aton('10.2.%d.%d' % (i // 250, i % 250)) for i in range(200)]},
    'huge.test': {A: [socket.inet_aton('10.3.%d.%d' % (i // 250, i % 250)) for i in range(4000)]},
    'mail.test': {MX: [struct.pack('>H', 10) + encoded('four.test'), struct.pack('>H', 20) + encoded('both.test')]},
    '_web._tcp.test': {SRV: [struct.pack('>3H', 1, 2, 8080) + encoded('four.test')]},
    'host.inside.test': {A: addresses('10.1.2.6')},
    'deep.further.inside.test': {A: addresses('10.1.2.7')},
    'web.test': {A: addresses(HOST), AAAA: addresses(HOST6)},
    '3.2.1.10.in-addr.arpa': {PTR: [encoded('four.test')]},
    '.'.join(reversed(ipaddress.ip_address('fd00::6').exploded.replace(':', ''))) + '.ip6.arpa': {PTR: [encoded('six.test')]},
}
NAMES = ['four.test', 'six.test', 'both.test', 'alias.test', 'lost.test', 'empty.test', 'big.test', 'nowhere.test']


def question(query):
    """Its name, type and end, and how long an answer by UDP may be."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
        at += 1 + query[at]
    kind, end = struct.unpack('>H', query[at + 1:at + 3])[0], at + 5
    extended = struct.unpack('>H', query[10:12])[0] and query[end:end + 3] == b'\0\0' + bytes([OPT])
    return '.'.join(labels), kind, end, struct.unpack('>H', query[end + 3:end + 5])[0] if extended else 0


def answer(query, tcp, only=None):
    name, kind, end, room = question(query)
    records, code, at = [], 0, name
    while only is None:
        have = ZONE.get(at)
        if have is None:
            # A name that others end in is there, without anything of its own.
            code = 0 if any(n.endswith('.' + at) for n in ZONE) else NO_SUCH_NAME
            break
        wanted = kind if kind in have or CNAME not in have else CNAME
        owner = b'\xc0\x0c' if at == name else encoded(at)
        records += [owner + struct.pack('>HHIH', wanted, 1, 60, len(data)) + data for data in have.get(wanted, [])]
        if wanted == kind:
            break
        at = '.'.join(label for label in _labels(have[CNAME][0]))
    last = b'\0' + struct.pack('>HHIH', OPT, 1232, 0, 0) if room else b''
    body = query[12:end] + b''.join(records)
    cut = not tcp and 12 + len(body) + len(last) > max(room, 512)
    if cut:
        body, records = query[12:end], []
    flags = 0x8580 | (0x200 if cut else 0) | (code if only is None else only)
    return query[:2] + struct.pack('>5H', flags, 1, len(records), 0, bool(last)) + body + last


def _labels(data):
    while data[0]:
        yield data[1:1 + data[0]].decode()
        data = data[1 + data[0]:]


class Server:
    """A name server at an address: by UDP and TCP; asked has (protocol, name) of each question. How: 'good', 'silent' or 'surly'."""

    def __init__(self, address, how='good'):
        self.asked, self.how = [], how
        family = socket.AF_INET6 if ':' in address else socket.AF_INET
        self.udp = socket.socket(family, socket.SOCK_DGRAM)
        self.tcp = socket.socket(family)
        for s in (self.udp, self.tcp):
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            s.bind(socket.getaddrinfo(address, PORT)[0][4])
        self.tcp.listen(50)
        self.stop = False
        self.threads = [threading.Thread(target=f, daemon=True) for f in (self.by_udp, self.by_tcp)]
        for t in self.threads:
            t.start()

    def answer(self, query, tcp):
        self.asked.append(('tcp' if tcp else 'udp', question(query)[0]))
        return None if self.how == 'silent' else answer(query, tcp, REFUSED if self.how == 'surly' else None)

    def ready(self, s):
        while not self.stop:
            if select.select([s], [], [], 0.2)[0]:
                return True
        return False

    def by_udp(self):
        while self.ready(self.udp):
            query, sender = self.udp.recvfrom(4096)
            reply = self.answer(query, False)
            if reply:
                self.udp.sendto(reply, sender)

    def by_tcp(self):
        while self.ready(self.tcp):
            threading.Thread(target=self.connection, args=[self.tcp.accept()[0]], daemon=True).start()

    def connection(self, c):
        """As many questions as the client has."""
        with c, c.makefile('rwb') as f:
            try:
                while head := f.read(2):
                    reply = self.answer(f.read(struct.unpack('>H', head)[0]), True)
                    if reply:
                        f.write(struct.pack('>H', len(reply)) + reply)
                        f.flush()
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop = True
        for t in self.threads:
            t.join()
        self.udp.close()
        self.tcp.close()


def with_resolver(text, here, name=None):
    """A command line's beginning: what follows sees this /etc/resolv.conf, and this name of the machine."""
    path = os.path.join(here, 'resolv.conf')
    with open(path, 'w') as f:
        f.write(text)
    return ['unshare', '-m', '-u', 'sh', '-c', 'mount --bind "$1" /etc/resolv.conf && echo "$2" >/proc/sys/kernel/hostname && shift 2 && exec "$@"', 'sh', path, name or 'aril']


def compare(words, servers, name=None, environment=None, memory='256M', search='', network=None, limit=60):
    """The same program on Linux and in the VM, with these servers: the same output and status, which is returned."""
    text = (search and 'search %s\n' % search) + ''.join('nameserver %s\n' % s for s in servers)
    if network is None:
        network = ['--net', 'tap=' + TAP, '--ip', '%s/%d,%s' % (GUEST, PREFIX, HOST), '--ip', GUEST6 + '/64,' + HOST6]
        network += [w for s in servers for w in ('--dns', s)]
    with folder() as here:
        with linux(with_resolver(text, here, name) + list(words), here, environment) as p:
            want = p.process.wait(limit), p.said()
        got = run_in_vm(words, limit, network=network + (['--hostname', name] if name else []), environment=environment, memory=memory)
    if got != want:
        lines = [(g, w) for g, w in zip(got[1].splitlines() + [''], want[1].splitlines() + ['']) if g != w][:1]
        raise Failure('status %d, on Linux %d; first difference %r' % (got[0], want[0], lines and (lines[0][0][:150], lines[0][1][:150])))
    return want


GLIBC = '''
import socket, sys
def attempt(call, *arguments):
    try:
        return call(*arguments)
    except OSError as e:
        return type(e).__name__, e.args[0]
def found(name, family):
    r = attempt(socket.getaddrinfo, name, 80, family, socket.SOCK_STREAM)
    return sorted({a[4][0] for a in r}) if isinstance(r, list) else r
for name in sys.argv[1:]:
    print(name, *(found(name, f) for f in (0, socket.AF_INET, socket.AF_INET6)))
    r = attempt(socket.gethostbyname_ex, name)
    print(r if len(r) < 3 else (r[0], r[1], sorted(r[2])))
for address in ('10.1.2.3', '10.1.2.9', 'fd00::6'):
    print(address, attempt(socket.gethostbyaddr, address), attempt(socket.getnameinfo, (address, 80), socket.NI_NAMEREQD))
'''

ONE = '''
import socket, sys
for name in sys.argv[1:]:
    try:
        print(name, sorted({a[4][0] for a in socket.getaddrinfo(name, 80)}))
    except OSError as e:
        print(name, e.args[0])
'''

NODE = '''
const dns = require('dns'), names = process.argv.slice(1), r = new dns.promises.Resolver({timeout: 1000, tries: 3});
const text = async p => { try { const x = await p; return JSON.stringify(Array.isArray(x) ? x.map(e => JSON.stringify(e)).sort() : x); } catch (e) { return e.code; } };
(async () => {
    console.log(r.getServers().join());
    for (const n of names) {
        console.log(n, await text(r.resolve4(n)), await text(r.resolve6(n)), await text(r.resolveCname(n)));
        console.log(await text(dns.promises.lookup(n, {all: true, family: 4})));
    }
    if (names.includes('four.test')) {
        console.log(await text(r.resolveMx('mail.test')), await text(r.resolveTxt('empty.test')), await text(r.resolveSrv('_web._tcp.test')));
        console.log(await text(r.reverse('10.1.2.3')), await text(r.reverse('fd00::6')), await text(r.reverse('10.9.9.9')));
        console.log((await Promise.all([...Array(100).keys()].map(i => text(r.resolve4(i % 3 ? 'both.test' : 'n' + i + '.test'))))).join());
    }
})();
'''


def glibc():
    with Server(GOOD) as s:
        compare([PYTHON, '-c', GLIBC, *NAMES, 'huge.test'], [GOOD])
        check(('tcp', 'big.test') in s.asked, 'no TCP for what is cut off')
        for options in ('use-vc', 'single-request', 'single-request-reopen', 'edns0', 'no-tld-query ndots:3'):
            compare([PYTHON, '-c', ONE, *NAMES], [GOOD], environment={'RES_OPTIONS': options})
        compare(['getent', 'ahosts', 'both.test'], [GOOD])
        compare(['getent', 'hosts', 'nowhere.test'], [GOOD])


def musl():
    if not os.path.exists(MUSL):
        return 'musl-gcc is not installed'
    with Server(GOOD), Server(OTHER):
        compare([MUSL, *NAMES], [GOOD])
        compare([MUSL, *NAMES], [GOOD, OTHER])
        with Server(SILENT, 'silent'), Server(SURLY, 'surly'):
            # It asks all at once.
            compare([MUSL, 'four.test', 'both.test', 'alias.test'], [SILENT, ABSENT, GOOD])
            compare([MUSL, 'four.test', 'both.test'], [NOBODY, SILENT, GOOD])
            compare([MUSL, 'four.test'], [SILENT, ABSENT], limit=120)


def go():
    if not os.path.exists(GO):
        return 'go is not installed'
    with Server(GOOD) as s:
        compare([GO, 'lookup', *NAMES, 'huge.test'], [GOOD])
        check(('tcp', 'big.test') in s.asked, 'no TCP for what is cut off')
        with Server(SILENT, 'silent'), Server(SURLY, 'surly'):
            compare([GO, 'lookup', 'four.test', 'nowhere.test'], [ABSENT, SURLY, GOOD])
            compare([GO, 'lookup', 'four.test'], [SILENT, ABSENT, GOOD], limit=120)


def node():
    if missing('node'):
        return 'node is not installed'
    with Server(GOOD) as s:
        compare(['node', '-e', NODE, *NAMES], [GOOD], memory='512M')
        check(('tcp', 'big.test') in s.asked, 'no TCP for what is cut off')
        with Server(SILENT, 'silent'), Server(SURLY, 'surly'):
            compare(['node', '-e', NODE.replace('lookup(n,', 'resolve(n,').replace(", {all: true, family: 4}", ''), 'both.test', 'nowhere.test'], [ABSENT, SILENT, GOOD], memory='512M', limit=120)


def dig():
    if missing('dig'):
        return 'dig is not installed'
    short = ['dig', '+noall', '+answer', '+time=2', '+tries=2']
    with Server(GOOD):
        for line in (['both.test', 'AAAA', 'alias.test', 'A', 'mail.test', 'MX', 'empty.test', 'TXT', '_web._tcp.test', 'SRV', '-x', '10.1.2.3'],
                     ['+tcp', 'both.test'], ['big.test'], ['+ignore', 'big.test'], ['+bufsize=4096', 'big.test'], ['+noedns', 'both.test'],
                     ['+search', '+domain=inside.test', 'host']):
            status, said = compare([*short, *line], [GOOD])
            check(status == 0 and (said or '+ignore' in line), '%s says nothing on Linux' % line)
        compare(['dig', '+short', 'nowhere.test'], [GOOD])
        status, said = compare(['dig', '+noall', '+comments', '+nocookie', '+qid=7', 'nowhere.test'], [GOOD])
        check('NXDOMAIN' in said, said)
        with Server(SILENT, 'silent'), Server(SURLY, 'surly'):
            compare(['dig', '+short', '+time=1', '+tries=1', 'four.test'], [SILENT, GOOD])
            compare(['dig', '+short', '+time=1', '+tries=1', '+tcp', 'four.test'], [ABSENT, GOOD])
            compare(['dig', '+noall', '+answer', '+comments', '+qid=7', 'four.test'], [SURLY])
            compare(['dig', '@' + SILENT, '+short', '+time=1', '+tries=2', 'four.test'], [GOOD])


def bad_servers():
    """The others are asked then, in their order and in time, and a program that gets no answer is told so."""
    with Server(GOOD) as good, Server(SILENT, 'silent') as silent, Server(SURLY, 'surly') as surly:
        quick = {'RES_OPTIONS': 'timeout:1 attempts:2'}
        for servers in ([ABSENT, SILENT, GOOD], [SURLY, GOOD], [NOBODY, GOOD]):
            for s in (good, silent, surly):
                s.asked.clear()
            compare([PYTHON, '-c', ONE, 'four.test', 'nowhere.test'], servers, environment=quick)
            for s, address in ((good, GOOD), (silent, SILENT), (surly, SURLY)):
                check(bool(s.asked) == (address in servers), '%s asked %d times with %s' % (address, len(s.asked), servers))
        for servers in ([SILENT], [ABSENT], [SURLY], [NOBODY], [SILENT, ABSENT, SURLY]):
            status, said = compare([PYTHON, '-c', ONE, 'four.test'], servers, environment=quick)
            check(said == 'four.test -3\n', 'on Linux ' + said)


def rotation():
    with Server(GOOD) as one, Server(OTHER) as two:
        compare([PYTHON, '-c', 'import socket\nfor i in range(20): print(socket.getaddrinfo("four.test", 80, socket.AF_INET)[0][4])'], [GOOD, OTHER],
                environment={'RES_OPTIONS': 'rotate'})
        check(len(one.asked) > 9 and len(two.asked) > 9, 'asked %d and %d times' % (len(one.asked), len(two.asked)))


def version_6():
    """A server that is reached by IPv6 only."""
    with Server(HOST6) as s:
        compare([PYTHON, '-c', GLIBC, *NAMES], [HOST6])
        compare([GO, 'lookup', *NAMES], [HOST6])
        compare(['dig', '+noall', '+answer', 'both.test', 'big.test'], [HOST6])
        compare([PYTHON, '-c', ONE, 'four.test'], [ABSENT, HOST6])
        if os.path.exists(MUSL):
            compare([MUSL, *NAMES], [HOST6])
            compare([MUSL, 'both.test'], [ABSENT, HOST6])
        check(('tcp', 'big.test') in s.asked, 'no TCP for what is cut off')


def domains():
    """Where a short name is looked for: in the domain of the machine's own name."""
    for words in ([PYTHON, '-c', GLIBC, 'host', 'deep.further', 'four.test', 'none'], [GO, 'lookup', 'host', 'deep.further', 'none']):
        with Server(GOOD) as s:
            status, said = compare(words, [GOOD], name='box.inside.test')
            check('10.1.2.6' in said and '10.1.2.7' in said, 'on Linux ' + said)


def clients():
    """Programs that connect to a name, which has an address of each kind: one that nobody listens at, another that answers."""
    s = socket.create_server((HOST, 8200))

    def serve():
        try:
            while True:
                c = s.accept()[0]
                c.recv(1000)
                c.sendall(b'HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello')
                c.close()
        except OSError:
            pass
    threading.Thread(target=serve, daemon=True).start()
    with Server(GOOD):
        for words in (['curl', '-sS'], ['wget', '-q', '-O', '-'], [GO, 'get'], ['node', '--no-warnings', '--dns-result-order=ipv4first', '-e', 'fetch(process.argv[1]).then(async r => console.log(await r.text()))']):
            if words[0] != GO and missing(words[0]):
                continue
            status, said = compare([*words, 'http://web.test:8200/'], [GOOD], memory='512M')
            check(said.strip() == 'hello', 'on Linux %s: %s' % (words[0], said))
    s.shutdown(socket.SHUT_RDWR)


def user_network():
    """QEMU's name server, which asks this host's."""
    local = '127.0.0.1'
    words = [PYTHON, '-c', GLIBC, *NAMES]
    with Server(local) as s, folder() as here:
        with linux(with_resolver('nameserver %s\n' % local, here) + words, here) as p:
            want = p.process.wait(60), p.said()
        with vm(words, network=[], before=with_resolver('nameserver %s\n' % local, here)) as p:
            got = p.process.wait(60 * SLOW), p.said()
        check(got == want, 'in the VM %r' % (got,))
        check(('tcp', 'big.test') in s.asked, 'no TCP for what is cut off')
        with vm([PYTHON, '-c', GLIBC, *NAMES], network=['--dns', '10.0.2.2']) as p:
            got = p.process.wait(60 * SLOW), p.said()
        check(got == want, 'by --dns, in the VM %r' % (got,))


def by_dhcp():
    """Name servers and the domain, as DHCP tells them."""
    if missing('dnsmasq'):
        return 'dnsmasq is not installed'
    with Server(GOOD), Server(OTHER), linux(
            ['dnsmasq', '--no-daemon', '--port=0', '--interface=' + TAP, '--bind-interfaces', '--dhcp-range=10.77.0.50,10.77.0.50,1h',
             '--dhcp-option=option:router,' + HOST, '--dhcp-option=option:dns-server,%s,%s,%s' % (ABSENT, GOOD, OTHER), '--domain=inside.test',
             '--conf-file=/dev/null', '--user=root', '--pid-file=', '--dhcp-leasefile=/dev/null']):
        for words in ([PYTHON, '-c', GLIBC, 'host', 'deep.further', 'four.test', 'none'], [GO, 'lookup', 'host', 'four.test', 'none'],
                      ['/bin/busybox', 'cat', '/etc/resolv.conf']):
            compare(words, [ABSENT, GOOD, OTHER], search='inside.test', network=['--net', 'tap=' + TAP], limit=120)


def by_router():
    """A name server that a router's advertisement names, by an address of the link."""
    if missing('dnsmasq'):
        return 'dnsmasq is not installed'
    with Server(LINK + '%' + TAP), linux(
            ['dnsmasq', '--no-daemon', '--port=0', '--interface=' + TAP, '--bind-interfaces', '--enable-ra', '--dhcp-range=fd77::,ra-only',
             '--dhcp-option=option6:dns-server,[%s]' % LINK, '--conf-file=/dev/null', '--user=root', '--pid-file=', '--dhcp-leasefile=/dev/null']):
        network = ['--net', 'tap=' + TAP, '--ip', GUEST6 + '/64'] # the file is made when DHCP has been waited for
        words = [PYTHON, '-c', 'import socket\nprint(socket.gethostbyname("four.test"))\nprint(open("/etc/resolv.conf").read())']
        status, said = run_in_vm(words, network=network)
        check((status, said) == (0, '10.1.2.3\nnameserver %s%%eth0\n\n' % LINK), 'status %d: %s' % (status, said))
        for words in ([GO, 'lookup', 'four.test'], ['dig', '+short', 'four.test'], [MUSL, 'four.test']):
            if os.path.exists(words[0]) or words[0] == 'dig' and not missing('dig'):
                status, said = run_in_vm(words, network=network)
                check('10.1.2.3' in said, '%s: status %d: %s' % (words[0], status, said))


def prepare():
    for address in (OTHER, SILENT, ABSENT, SURLY):
        command('ip', 'address', 'add', '%s/%d' % (address, PREFIX), 'dev', TAP)
    # Linux tells one peer only a few times that nobody listens at a port; on its own machine it always does.
    open('/proc/sys/net/ipv4/icmp_ratelimit', 'w').write('0')
    command('ip', '-6', 'address', 'add', LINK + '/64', 'dev', TAP, 'nodad')


main([glibc, musl, go, node, dig, bad_servers, rotation, version_6, domains, clients, user_network, by_dhcp, by_router], 'net.names', prepare)
