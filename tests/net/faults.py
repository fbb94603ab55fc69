#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# What a network may do to a server: a bad cable, one that is unplugged, clients that do not read, do not finish, or send nonsense. Every byte
# that arrives must be right, nothing may hang, and memory must come back.
import array, contextlib, errno, fcntl, os, random, select, socket, struct, subprocess, threading, time

from bed import *

SERVER = os.path.join(BUILD, 'net', 'echo_server')
PORT = 7000
SEED = int(os.environ.get('SEED', '1'))
PATTERN = bytes((i * 7 + i // 251) & 255 for i in range(251 * 256)) # repeats after that


def pattern(n):
    return (PATTERN * (n // len(PATTERN) + 1))[:n]


def connect(limit=60):
    end = time.monotonic() + limit
    while True:
        try:
            s = socket.create_connection((GUEST, PORT), limit)
            s.settimeout(limit)
            return s
        except OSError as e:
            # This side's interface is down.
            if e.errno != errno.ENETUNREACH or time.monotonic() > end:
                raise
            time.sleep(0.05)


def receive_all(s):
    data = bytearray()
    while True:
        more = s.recv(1 << 18)
        if not more:
            return bytes(data)
        data += more


def upload(n, limit=60):
    s = connect(limit)
    s.sendall(b'k' + pattern(n))
    s.shutdown(socket.SHUT_WR)
    said = receive_all(s)
    s.close()
    check(said == b'good %d\n' % n, 'sent %d bytes, the server says %r' % (n, said))


def download(n, limit=60):
    s = connect(limit)
    s.sendall(b's%d\n' % n)
    data = receive_all(s)
    s.close()
    check(len(data) == n, '%d bytes of %d came' % (len(data), n))
    check(data == pattern(n), 'what came is not what was sent')


def echo(limit=20):
    s = connect(limit)
    s.sendall(b'e' + b'hello')
    data = b''
    while len(data) < 5:
        more = s.recv(100)
        check(more, 'the echo ended')
        data += more
    s.close()
    check(data == b'hello', 'the echo of hello is %r' % data)


def memory():
    """Free memory of the VM in KiB, and its connections beside this one."""
    s = connect()
    s.sendall(b'm')
    free, connections = receive_all(s).split()
    return int(free), int(connections) - 1


def memory_comes_back(before, limit, slack=6000):
    """Within so many seconds, but for some KiB that caches keep."""
    last = []

    def back():
        last[:] = memory()
        return last[0] > before - slack and last[1] == 0
    try:
        wait_until(back, limit, '')
    except Failure:
        raise Failure('free memory was %d KiB before and is %d KiB, %d connections' % (before, *last))


def side_by_side(*calls):
    problems = []

    def run(call):
        try:
            call()
        except (Failure, OSError) as e:
            problems.append(str(e) or type(e).__name__)
    threads = [threading.Thread(target=run, args=(c,)) for c in calls]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check(not problems, problems and '; '.join(problems))


def ethtool_off(name):
    """What leaves by the interface has its checksums, and is no longer than it takes."""
    s = socket.socket()
    for what in 0x17, 0x19, 0x1f, 0x24:  # ETHTOOL_STXCSUM, SSG, STSO, SGSO
        value = array.array('I', [what, 0])
        fcntl.ioctl(s, 0x8946, struct.pack('16sQ', name.encode(), value.buffer_info()[0]))  # SIOCETHTOOL
    s.close()


def transfers(size):
    limit = 60 * SLOW
    side_by_side(lambda: upload(size, limit), lambda: download(size, limit), lambda: upload(size // 4, limit),
                 lambda: download(size // 4, limit), *[lambda: echo(limit) for i in range(10)])


def cable(loss=0, duplicates=0, reordered=0, corrupted=0, delay=0, size=1000000, large=False, server=(SERVER, str(PORT)), use=transfers):
    """
    Transfers over a bad cable; chances in 1000, delay in ms. Checksums are made and looked at by the VM itself; if large, its device
    does that, and cuts segments: a bridge and a veth pair lie between it and the cable.
    """
    inner = TAP
    if large:
        if subprocess.run(['ip', 'link', 'add', 'br0', 'type', 'bridge'], stderr=subprocess.DEVNULL).returncode:
            return 'no bridge can be made here'
        command('ip', 'link', 'add', 'veth0', 'type', 'veth', 'peer', 'name', 'veth1')
        ethtool_off('veth0')
        for name in TAP, 'veth0':
            command('ip', 'link', 'set', name, 'master', 'br0')
        for name in 'br0', 'veth0', 'veth1':
            command('ip', 'link', 'set', name, 'up')
        inner = 'veth1'
    with folder() as here:
        wrapper = os.path.join(here, 'qemu')
        with open(wrapper, 'w') as f:
            f.write('#!/bin/sh\nexec qemu-system-x86_64 "$@"')
            for name in () if large else ('csum', 'guest_csum', 'guest_tso4', 'guest_tso6', 'guest_ecn', 'host_tso4', 'host_tso6', 'host_ecn'):
                f.write(' -global virtio-net-device.%s=off' % name)
        os.chmod(wrapper, 0o755)
        command('ip', 'address', 'flush', 'dev', TAP)
        words = [os.path.join(BUILD, 'net', 'impair'), 'tap1', inner] + [str(x) for x in (loss, duplicates, reordered, corrupted, delay, SEED)]
        impair = subprocess.Popen(words, stdout=subprocess.PIPE)
        try:
            check(impair.stdout.readline() == b'ready\n', 'no cable')
            command('ip', 'link', 'set', 'tap1', 'up')
            command('ip', 'address', 'add', '%s/%d' % (HOST, PREFIX), 'dev', 'tap1')
            with vm(server, options=['--qemu', wrapper], network=['--net', 'tap=' + TAP, '--ip', '%s/%d,%s' % (GUEST, PREFIX, HOST)]) as p:
                p.wait_for(GUEST, PORT)
                use(size)
        finally:
            impair.kill()
            impair.wait()
            if large:
                command('ip', 'link', 'delete', 'br0')
                command('ip', 'link', 'delete', 'veth0')
            command('ip', 'address', 'add', '%s/%d' % (HOST, PREFIX), 'dev', TAP)


def good_cable():
    cable(size=4000000)


def loss():
    cable(loss=20)


def large_segments():
    return cable(size=4000000, large=True)


def loss_of_large_segments():
    return cable(loss=20, delay=2, size=4000000, large=True)


def all_of_large_segments():
    return cable(loss=10, duplicates=20, reordered=50, corrupted=10, delay=5, large=True)


ANSWERS = '''
import socket
l = socket.create_server(('', %d))
while True:
    s = l.accept()[0]
    while s.recv(1):
        s.sendall(bytes(9000))
''' % PORT


def end_of_an_answer():
    """What is less than a segment does not wait for an acknowledgement of whole ones before it: an answer takes one turn."""
    times = []

    def ask(size):
        s = connect()
        for i in range(4):
            begun = time.monotonic()
            s.sendall(b'?')
            n = 0
            while n < 9000:
                n += len(s.recv(9000))
            times.append(time.monotonic() - begun)
        s.close()
    cable(delay=150, server=['/usr/bin/python3', '-c', ANSWERS], use=ask)
    check(min(times) < 0.5, 'an answer takes %.2f s, a turn 0.3 s' % min(times))


def heavy_loss():
    cable(loss=100, size=200000)


def duplication():
    cable(duplicates=100)


def reordering():
    cable(reordered=100)


def corruption():
    cable(corrupted=20)


def delay():
    cable(delay=20, size=4000000)


def all_at_once():
    cable(loss=10, duplicates=20, reordered=50, corrupted=10, delay=5)


def link_flaps():
    """The interface goes down and up under transfers."""
    with vm([SERVER, str(PORT)]) as p:
        p.wait_for(GUEST, PORT)
        stop = threading.Event()

        def flap():
            while not stop.wait(0.7):
                command('ip', 'link', 'set', TAP, 'down')
                time.sleep(0.3)
                command('ip', 'link', 'set', TAP, 'up')
        t = threading.Thread(target=flap)
        t.start()
        try:
            for i in range(3):
                side_by_side(lambda: upload(20000000), lambda: download(20000000))
        finally:
            stop.set()
            t.join()


def client_that_never_reads():
    """Megabytes are asked for and left: the others are served, and memory stays bounded."""
    with vm([SERVER, str(PORT)]) as p:
        p.wait_for(GUEST, PORT)
        echo()
        before, _ = memory()
        idle = []
        for i in range(20):
            s = connect()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.sendall(b's1000000000\n')
            idle.append(s)
        for i in range(20):
            s = connect()
            s.setblocking(False)
            sent = 1
            s.send(b'e')
            end = time.monotonic() + 2
            while time.monotonic() < end and sent < 50000000:
                try:
                    sent += s.send(bytes(100000))
                except BlockingIOError:
                    time.sleep(0.01)
                    if sent > 1 and not select.select([], [s], [], 0.3)[1]:
                        break
            check(sent < 50000000, 'the server takes all without being read')
            idle.append(s)
        during, _ = memory()
        check(before - during < 150000, '40 connections took %d KiB' % (before - during))
        side_by_side(lambda: upload(3000000), lambda: download(3000000), *[echo] * 20)
        for s in idle:
            s.close()
        memory_comes_back(before, 30)


def internet_sum(data):
    data += b'\0' * (len(data) % 2)
    total = sum(struct.unpack('>%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def raw_socket(protocol=0):
    """Frames as they are (of that protocol, those that arrive, too), and the addresses in their header."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((TAP, protocol))
    entry = subprocess.run(['ip', 'neighbour', 'show', GUEST], stdout=subprocess.PIPE).stdout.decode().split()
    theirs = bytes.fromhex(entry[entry.index('lladdr') + 1].replace(':', ''))
    return s, theirs + s.getsockname()[4]


def packet(source, protocol, body):
    head = struct.pack('>BBHHHBBH', 0x45, 0, 20 + len(body), random.randrange(65536), 0, 64, protocol, 0) + socket.inet_aton(source) + socket.inet_aton(GUEST)
    return head[:10] + struct.pack('>H', internet_sum(head)) + head[12:] + body


def segment(source, port, flags, sequence=None, acknowledged=0, options=b'', data=b''):
    body = struct.pack('>HHIIBBHHH', port, PORT, random.randrange(1 << 32) if sequence is None else sequence, acknowledged,
                       (20 + len(options)) << 2, flags, 65535, 0, 0) + options + data
    pseudo = socket.inet_aton(source) + socket.inet_aton(GUEST) + struct.pack('>BBH', 0, 6, len(body))
    return packet(source, 6, body[:16] + struct.pack('>H', internet_sum(pseudo + body)) + body[18:])


def half_open_flood():
    """Connections that begin from thousands of addresses and never go on."""
    random.seed(SEED)
    with vm([SERVER, str(PORT)]) as p:
        p.wait_for(GUEST, PORT)
        echo()
        before, _ = memory()
        raw, header = raw_socket()
        for i in range(30000 // SLOW):
            source = '10.77.%d.%d' % (random.randrange(1, 255), random.randrange(1, 255))
            try:
                raw.send(header + b'\x08\x00' + segment(source, random.randrange(1024, 65536), 2))
            except OSError:
                time.sleep(0.01)
            if i % 3000 == 0:
                echo(60)
        for i in range(10):
            echo(60)
        during, _ = memory()
        check(before - during < 60000, 'half-open connections take %d KiB' % (before - during))
        upload(1000000)


FIN, SYN, RST, ACK = 1, 2, 4, 16
NOBODY = '10.77.0.77' # an address that only Hand has


class Hand:
    """TCP by hand: what Linux would not send, or not at that moment."""

    def __init__(self):
        self.raw, self.header = raw_socket(0x0800)
        self.raw.settimeout(20 * SLOW)
        us = self.header[6:]
        self.raw.send(b'\xff' * 6 + us + struct.pack('>HHHBBH6s4s6s4s', 0x0806, 1, 0x0800, 6, 4, 1, us, socket.inet_aton(NOBODY), bytes(6), socket.inet_aton(GUEST)))

    def send(self, port, flags, sequence, acknowledged=0, stamp=None, data=b''):
        options = b'' if stamp is None else struct.pack('>BBBBII', 1, 1, 8, 10, stamp, 0)
        self.raw.send(self.header + b'\x08\x00' + segment(NOBODY, port, flags, sequence, acknowledged, options, data))

    def receive(self):
        """The next segment for this end: port, flags, sequence number, acknowledgement, bytes of data."""
        while True:
            frame = self.raw.recv(2000)
            if frame[23] == 6 and frame[30:34] == socket.inet_aton(NOBODY):
                length, = struct.unpack('>H', frame[16:18])
                _, port, sequence, acknowledged, offset, flags = struct.unpack('>HHIIBB', frame[34:48])
                return port, flags, sequence, acknowledged, length - 20 - offset // 4

    def expect(self, what, port, flags, acknowledged):
        """The next that is none of those before, sent again: its sequence number."""
        while True:
            got = self.receive()
            if got[0] == port and got[3] == acknowledged and got[1] & ~8 == flags:
                return got[2]
            check(got[0] == port and got[3] == acknowledged and not got[1] & RST, '%s: flags %#x, %#x acknowledged, not %#x, %#x' % (what, got[1], got[3], flags, acknowledged))

    def begin(self, what, port, sequence, stamp):
        """A connection: the other side's next sequence number."""
        self.send(port, SYN, sequence, 0, stamp)
        theirs = self.expect(what, port, SYN | ACK, sequence + 1) + 1 & 0xffffffff
        self.send(port, ACK, sequence + 1, theirs, stamp)
        return theirs


def same_ports_again():
    """A client's SYN while the VM still has the former connection: in TIME_WAIT (RFC 1122, 6191) and in LAST_ACK (RFC 5961)."""
    with vm([SERVER, str(PORT)]) as p:
        p.wait_for(GUEST, PORT)
        hand, port, at, stamp = Hand(), 2000, 1000000, 5000

        def ended(what):
            """The server closes first: at is what it expects next."""
            theirs = hand.begin(what, port, at, stamp)
            hand.send(port, ACK, at + 1, theirs, stamp, b's0\n')
            end = hand.expect(what, port, FIN | ACK, at + 4) + 1 & 0xffffffff
            hand.send(port, FIN | ACK, at + 4, end, stamp)
            hand.expect(what, port, ACK, at + 5)
            return at + 5

        def duplicate(what, flags, sequence, stamp, data=b''):
            hand.send(port, flags, sequence, 0, stamp, data)
            hand.expect(what, port, ACK, at)

        at = ended('the first')
        duplicate('an old segment in TIME_WAIT', ACK, at - 4, stamp, b's0\n')
        duplicate('SYN in TIME_WAIT, older timestamp', SYN, at + 100000, stamp - 1)
        duplicate('SYN in TIME_WAIT, same timestamp, old number', SYN, at - 1000, stamp)
        duplicate('SYN in TIME_WAIT, same timestamp, same number', SYN, at, stamp)
        at += 100000
        at = ended('same timestamp, newer number')
        at, stamp = at - 500000, stamp + 1
        at = ended('newer timestamp, older number')
        at, stamp = at + 100000, stamp + 1000
        theirs = hand.begin('newer in both', port, at, stamp)
        hand.send(port, FIN | ACK, at + 1, theirs, stamp)
        at += 2
        end = hand.expect('FIN of the server', port, FIN | ACK, at)
        duplicate('SYN in LAST_ACK', SYN, at + 100000, stamp + 1)
        hand.send(port, RST, at, 0)
        at, stamp = at + 100000, stamp + 1
        ended('after LAST_ACK')


def tail_loss_probe():
    """The last of what was sent is sent once more before the timer for it runs out, to a client that tells what it has."""
    def again(p, options):
        """How long after the first time data come a second time."""
        hand, port = Hand(), 2000 + len(options)
        hand.raw.send(hand.header + b'\x08\x00' + segment(NOBODY, port, SYN, port, 0, options))
        theirs = hand.expect('handshake', port, SYN | ACK, port + 1) + 1 & 0xffffffff
        hand.send(port, ACK, port + 1, theirs)
        hand.send(port, ACK, port + 1, theirs, None, b'ehello')
        times = []
        while len(times) < 2:
            got = hand.receive()
            if got[0] == port and got[4]:
                times.append(time.monotonic())
        hand.send(port, RST, port + 7)
        return times[1] - times[0]

    with vm([SERVER, str(PORT)]) as p:
        p.wait_for(GUEST, PORT)
        shortest = [min(again(p, options) for i in range(3)) for options in (b'', b'\4\2\1\1')]
        print('# again after %.2f s, with selective acknowledgements %.2f s' % tuple(shortest))
        check(shortest[1] < shortest[0] * 0.8, 'no sooner')


def handshakes_at_once():
    """More than the listener's queue takes are half open, and all of their clients there: none is reset."""
    with vm([SERVER, str(PORT), '100']) as p:
        p.wait_for(GUEST, PORT)
        hand, theirs = Hand(), {}
        for first in range(2000, 2500, 50):
            for port in range(first, first + 50):
                hand.send(port, SYN, port)
            while len(theirs) < first + 50 - 2000:
                port, flags, sequence, acknowledged, _ = hand.receive()
                check(flags == SYN | ACK and acknowledged == port + 1, 'flags %#x' % flags)
                theirs[port] = sequence + 1 & 0xffffffff
        for port, sequence in theirs.items():
            hand.send(port, ACK, port + 1, sequence)
            hand.send(port, ACK, port + 1, sequence, None, b's1\n')
            while True:
                got, flags, at, acknowledged, n = hand.receive()
                check(not flags & RST, 'a client whose handshake was done is reset')
                if got == port and n:
                    break
        echo(60)


# Accepts one connection for each datagram: answers with the bytes it brought, or the error.
ACCEPTS = """
import errno, socket, sys
s = socket.create_server(("", 7000), backlog=int(sys.argv[1]))
s.setsockopt(socket.SOL_TCP, socket.TCP_DEFER_ACCEPT, int(sys.argv[2]))
s.setblocking(False)
kept, u = [], socket.socket(type=socket.SOCK_DGRAM)
u.bind(("", 7001))
while True:
    who = u.recvfrom(10)[1]
    try:
        c, peer = s.accept()
        kept.append(c)
        c.setblocking(False)
        try:
            data = c.recv(100)
        except OSError as e:
            data = errno.errorcode[e.errno].encode()
        u.sendto(b"%d %s" % (peer[1], data), who)
    except OSError as e:
        u.sendto(errno.errorcode[e.errno].encode(), who)
"""


# Talks to who does not answer: says after how many seconds, and how, each attempt ended.
GIVES_UP = """
import errno, socket, sys, time
TCP_USER_TIMEOUT = 18

def tell(what, since, s):
    s.settimeout(100)
    try:
        s.recv(1) if what.startswith("sent") else s.connect((sys.argv[1], 9))
        how = "nothing"
    except OSError as e:
        how = errno.errorcode.get(e.errno, "?")
    print(what, "%.1f" % (time.monotonic() - since), how, flush=True)
    s.close()

for name, option, value in ("SYNCNT", socket.TCP_SYNCNT, 1), ("timeout", TCP_USER_TIMEOUT, 2000):
    s = socket.socket()
    s.setsockopt(socket.SOL_TCP, option, value)
    tell(name, time.monotonic(), s)
open("/proc/sys/net/ipv4/tcp_syn_retries", "w").write("1")
tell("syn_retries", time.monotonic(), socket.socket())
server = socket.create_server(("", 7000))
print("listening", flush=True)
for name in "sent", "sent-timeout":
    s = server.accept()[0]
    if name == "sent":
        open("/proc/sys/net/ipv4/tcp_retries2", "w").write("3")
    else:
        open("/proc/sys/net/ipv4/tcp_retries2", "w").write("15")
        s.setsockopt(socket.SOL_TCP, TCP_USER_TIMEOUT, 2000)
    s.send(b"hello")
    tell(name, time.monotonic(), s)
"""


def gives_up():
    """How long a connection tries: TCP_SYNCNT, tcp_syn_retries, tcp_retries2 and TCP_USER_TIMEOUT."""
    limits = {'SYNCNT': (2.5, 4.5), 'timeout': (1.5, 4), 'syn_retries': (2.5, 4.5), 'sent': (1, 25), 'sent-timeout': (1.5, 5)}
    with vm(['/usr/bin/python3', '-c', GIVES_UP, NOBODY]) as p:
        end = time.monotonic() + 60 * SLOW
        while 'listening' not in p.said(): # who does not answer has a hardware address all the same
            check(time.monotonic() < end and p.process.poll() is None, 'no end of it: ' + p.said())
            try:
                with socket.socket(type=socket.SOCK_DGRAM) as u:
                    u.sendto(b'', (GUEST, 9)) # so that its hardware address is known
                time.sleep(0.2)
                Hand()
            except (OSError, ValueError):
                pass
        for port, name in (2000, 'sent'), (2001, 'sent-timeout'):
            Hand().begin(name, port, port, None)
            wait_until(lambda: name + ' ' in p.said(), 40, name)
        said = [line.split() for line in p.said().splitlines() if line != 'listening']
        print('# ' + ', '.join(' '.join(words) for words in said))
        for name, seconds, how in said:
            check(how == 'ETIMEDOUT' and limits[name][0] <= float(seconds) <= limits[name][1] * SLOW, '%s: %s after %s s' % (name, how, seconds))
        check(len(said) == len(limits), 'only %d ends' % len(said))


@contextlib.contextmanager
def who_accepts(backlog, seconds):
    with vm(['/usr/bin/python3', '-c', ACCEPTS, str(backlog), str(seconds)]) as p, socket.socket(type=socket.SOCK_DGRAM) as u:
        u.settimeout(1)

        def accept():
            u.sendto(b'accept', (GUEST, 7001))
            return u.recv(200).decode()

        def ready():
            try:
                return accept() == 'EAGAIN'
            except OSError:
                return False
        wait_until(ready, 30 * SLOW, 'no server')
        u.settimeout(20)
        yield accept, Hand()


def accept_queue_is_full():
    """Handshakes that end when there is no room for them: not one too many is accepted, and none is lost."""
    with who_accepts(2, 0) as (accept, hand):
        for port in range(2000, 2003):
            hand.begin('handshake %d' % port, port, port, None)
        first, theirs = [accept() for i in range(3)], {}
        check(first == ['%d EAGAIN' % port for port in range(2000, 2003)], 'accepted %r' % first)
        for port in range(2003, 2009): # there is room when they begin
            hand.send(port, SYN, port)
        while len(theirs) < 6:
            port, flags, sequence, acknowledged, _ = hand.receive()
            check(flags == SYN | ACK and acknowledged == port + 1, 'flags %#x' % flags)
            theirs[port] = sequence + 1 & 0xffffffff
        for port in range(2003, 2009):
            hand.send(port, ACK, port + 1, theirs[port])
        got = [accept() for i in range(4)]
        check(got == ['%d EAGAIN' % port for port in range(2003, 2006)] + ['EAGAIN'], 'accepted %r' % got)
        again = set()
        while len(again) < 3:
            port, flags, sequence, acknowledged, _ = hand.receive()
            check(not flags & RST, 'port %d is reset' % port)
            check(port > 2005 or not flags & SYN, 'port %d was accepted, and is asked again' % port)
            if flags & SYN and port not in again: # one repeats its acknowledgement, the others have something to say
                again.add(port)
                hand.send(port, ACK, port + 1, theirs[port], None, b'' if port == 2006 else b'hello')
                time.sleep(0.2)
        got = sorted(accept() for i in range(4))
        check(got == ['2006 EAGAIN', '2007 hello', '2008 hello', 'EAGAIN'], 'accepted %r' % got)


def deferred_accept():
    """TCP_DEFER_ACCEPT: a client that does not say anything is accepted when it answers the SYN-ACK once more, a second later."""
    with who_accepts(10, 1) as (accept, hand):
        theirs = {port: hand.begin('handshake %d' % port, port, port, None) for port in (2000, 2001, 2002)}
        check(accept() == 'EAGAIN', 'accepted before there are data')
        hand.send(2001, ACK, 2002, theirs[2001], None, b'hello')
        wait_until(lambda: accept() == '2001 hello', 2, 'not accepted with data')
        hand.send(2002, RST, 2003, 0)
        while True:
            port, flags, sequence, acknowledged, _ = hand.receive()
            check(port != 2002, 'something to who has reset')
            if port == 2000 and flags == SYN | ACK:
                break
        check(accept() == 'EAGAIN', 'accepted before the answer to that')
        hand.send(2000, ACK, 2001, theirs[2000])
        wait_until(lambda: accept() == '2000 EAGAIN', 2, 'not accepted after the time')


@contextlib.contextmanager
def datagrams(senders, burst, rest):
    """Processes that send datagrams nobody wants: so many, then a rest (s)."""
    flood = ('import socket, time; s = socket.socket(type=socket.SOCK_DGRAM)\nwhile True:\n    for i in range(%d):\n        try: s.sendto(bytes(64), (%r, 9))\n'
             '        except OSError: pass\n    time.sleep(%g)\n') % (burst, GUEST, rest)
    processes = [subprocess.Popen(['/usr/bin/python3', '-c', flood]) for i in range(senders)]
    try:
        yield
    finally:
        for p in processes:
            p.kill()
            p.wait()


def datagrams_beside_a_server():
    """As many as the interface's queue has room for, so that no frame of the connections is lost before it comes to the VM."""
    with vm([SERVER, str(PORT)]) as p:
        p.wait_for(GUEST, PORT)
        with datagrams(2, 100, 0.05):
            for i in range(20):
                echo(30 * SLOW)
            side_by_side(lambda: upload(300000, 60 * SLOW), lambda: download(300000, 60 * SLOW))
        echo()


def datagram_flood():
    """More than the VM can take; its program computes on all the same."""
    with vm([os.path.join(BUILD, 'net', 'compute')]) as p:
        def rounds(seconds):
            """That the program does in a second."""
            first = int(p.said().split()[-1])
            time.sleep(seconds)
            return (int(p.said().split()[-1]) - first) / seconds
        wait_until(lambda: len(p.said().split()) > 2, 30 * SLOW, 'the program does not begin')
        alone = rounds(2)
        with datagrams(3, 1000, 0):
            time.sleep(0.5)
            beside = rounds(4)
        after = rounds(2)
        if os.environ.get('FIGURES'):
            print('# rounds a second: %.0f alone, %.0f beside the flood, %.0f after it' % (alone, beside, after))
        share = 10 if ACCEL == 'tcg' else 200 # on KVM much of the time goes to the host's work for each frame
        check(beside > alone / share, '%.0f rounds a second beside the flood, %.0f without' % (beside, alone))
        check(after > alone / 20, 'the flood is over, and the program as slow')


def malformed_frames():
    """Frames of chance, and good ones with bytes changed."""
    random.seed(SEED)
    with vm([SERVER, str(PORT)]) as p:
        p.wait_for(GUEST, PORT)
        echo()
        raw, header = raw_socket()
        bases = [header + b'\x08\x00' + segment(HOST, 4000, flags) for flags in (0, 1, 2, 4, 16, 18, 41)]
        bases.append(header + b'\x08\x00' + packet(HOST, 17, struct.pack('>HHHH', 5, 68, 8, 0)))
        bases.append(header + b'\x08\x00' + packet(HOST, 1, b'\x08\0\0\0' + bytes(60)))
        bases.append(header + b'\x08\x00' + packet(HOST, 1, b'\x03\x03\0\0\0\0\0\0' + segment(HOST, 5, 2)))
        bases.append(b'\xff' * 6 + header[6:] + b'\x08\x06' + struct.pack('>HHBBH', 1, 0x800, 6, 4, 1) + bytes(20))
        bases.append(header + b'\x86\xdd' + struct.pack('>IHBB', 0x60000000, 40, 58, 255) + bytes(16) + socket.inet_pton(socket.AF_INET6, GUEST6)
                     + b'\x86\0' + bytes(38))
        for i in range(20000 // SLOW):
            frame = bytearray(random.choice(bases))
            kind = random.randrange(4)
            if kind == 0:
                frame[14:] = random.randbytes(random.randrange(0, 200))
            elif kind == 1:
                del frame[random.randrange(14, len(frame)):]
            else:
                for j in range(random.randrange(1, 6)):
                    frame[random.randrange(12, len(frame))] = random.randrange(256)
                if kind == 3 and frame[12:14] == b'\x08\x00' and len(frame) > 34:
                    frame[24:26] = b'\0\0'
                    frame[24:26] = struct.pack('>H', internet_sum(bytes(frame[14:34])))
            try:
                raw.send(bytes(frame))
            except OSError:
                time.sleep(0.005)
            if i % 2000 == 0:
                check(p.process.poll() is None, 'the VM ended')
                command('ip', 'neighbour', 'flush', 'dev', TAP) # nonsense teaches this side, too
                echo(60)
        echo(60)
        upload(1000000)


main([good_cable, loss, large_segments, loss_of_large_segments, all_of_large_segments, end_of_an_answer, heavy_loss, duplication, reordering, corruption, delay, all_at_once, link_flaps, client_that_never_reads, half_open_flood, same_ports_again, handshakes_at_once, accept_queue_is_full, deferred_accept, gives_up, tail_loss_probe,
      datagrams_beside_a_server, datagram_flood, malformed_frames], 'net.faults')
