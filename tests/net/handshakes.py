#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# How connections begin and are given up, with a client made by hand: floods, ports used again, full queues, TCP_DEFER_ACCEPT, what the
# time between attempts is.
import contextlib, random, socket, struct, time

from echo import *


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
        hand.expect('FIN of the server', port, FIN | ACK, at)
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


main([half_open_flood, same_ports_again, handshakes_at_once, accept_queue_is_full, deferred_accept, gives_up, tail_loss_probe], 'net.handshakes')
