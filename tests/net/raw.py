# SPDX-License-Identifier: BSD-2-Clause
# raw.py: packets made and seen by programs, and what the network says of datagrams: iputils, tcpdump and programs of Python in the VM,
# with Linux on the other side of the tap.
import functools, re, socket, struct, subprocess, time
from bed import *

PYTHON = '/usr/bin/python3'
FAR, FAR_MTU = '10.88.0.9', 1000 # behind the host, by a narrower link


def expect(words, *patterns, status=0, **more):
    result, said = run_in_vm(words, **more)
    check(result == status, '%s: status %s: %s' % (words[0], result, said[-300:]))
    for p in patterns:
        check(re.search(p, said), '%s: no "%s" in: %s' % (words[0], p, said[-300:]))
    return said


@functools.lru_cache(1)
def narrow_link():
    """A network behind the host."""
    command('ip', 'tuntap', 'add', 'tap1', 'mode', 'tap')
    command('ip', 'link', 'set', 'tap1', 'mtu', str(FAR_MTU), 'up')
    command('ip', 'address', 'add', '10.88.0.1/24', 'dev', 'tap1')
    with open('/proc/sys/net/ipv4/ip_forward', 'w') as f:
        f.write('1')
    # No answer may be held back for having been the tenth in a second.
    with open('/proc/sys/net/ipv4/icmp_ratelimit', 'w') as f:
        f.write('0')


def ping():
    problem = missing('ping')
    if problem:
        return 'no %s here' % problem
    expect(['ping', '-c', '3', '-i', '0.2', HOST], '3 received', '64 bytes from %s' % re.escape(HOST))
    expect(['ping', '-6', '-c', '3', '-i', '0.2', HOST6], '3 received')
    expect(['ping', '-c', '2', '-i', '0.2', '-s', '4000', HOST], '2 received', '4008 bytes')
    narrow_link()
    expect(['ping', '-c', '1', '-W', '2', '-t', '1', FAR], 'Time to live exceeded', status=1)


def ping_socket():
    """Without a raw socket: by who may not have one."""
    expect([PYTHON, '-c', '''if True:
        import os, socket
        open('/proc/sys/net/ipv4/ping_group_range', 'w').write('0 70000')
        print(open('/proc/sys/net/ipv4/ping_group_range').read().split())
        os.setgid(65534), os.setuid(65534)
        try:
            socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
        except PermissionError:
            print('not raw')
        for family, kind, protocol, to in ((socket.AF_INET, 8, 1, %r), (socket.AF_INET6, 128, 58, %r), (socket.AF_INET, 8, 1, '127.0.0.1'), (socket.AF_INET6, 128, 58, '::1')):
            s = socket.socket(family, socket.SOCK_DGRAM, protocol)
            s.settimeout(10)
            s.bind(('', 777))
            s.connect((to, 0))
            s.send(bytes([kind, 0, 0, 0, 1, 2, 3, 4]) + b'echo')
            answer = s.recv(100)
            print('answer', answer[0], answer[4] << 8 | answer[5], answer[6:])
            try:
                s.send(b'12345678')
            except OSError as e:
                print(e.strerror)
            s.close()
        ''' % (HOST, HOST6)], r"\['0', '70000'\]\nnot raw\n" + "".join(
            r"answer %d 777 b'\\x03\\x04echo'\nInvalid argument\n" % kind for kind in (0, 129, 0, 129)))


def ways():
    problem = missing('traceroute', 'tracepath')
    if problem:
        return 'no %s here' % problem
    expect(['traceroute', '-n', '-q', '1', '-w', '2', HOST], r' 1  %s ' % re.escape(HOST))
    expect(['traceroute', '-6', '-n', '-q', '1', '-w', '2', HOST6], r' 1  %s ' % HOST6)
    expect(['traceroute', '-n', '-I', '-q', '1', '-w', '2', HOST], r' 1  %s ' % re.escape(HOST))
    narrow_link()
    expect(['tracepath', '-n', HOST], 'pmtu 1500', 'reached')
    expect(['tracepath', '-n', '-m', '2', FAR], 'pmtu %d' % FAR_MTU)


def capture():
    problem = missing('tcpdump', 'ping')
    if problem:
        return 'no %s here' % problem
    with vm(['tcpdump', '-n', '-l', '-i', 'eth0', '-c', '4', 'icmp and host %s' % HOST]) as p:
        wait_until(lambda: 'listening on eth0' in p.said(), 60 * SLOW, 'tcpdump listens')
        subprocess.run(['ping', '-q', '-c', '4', '-i', '0.3', GUEST], stdout=subprocess.DEVNULL, check=False)
        check(p.process.wait(30 * SLOW) == 0, 'tcpdump ends: ' + p.said()[-300:])
        said = p.said()
    check('%s > %s: ICMP echo request' % (HOST, GUEST) in said and '%s > %s: ICMP echo reply' % (GUEST, HOST) in said, said)
    check('4 packets captured' in said and '0 packets dropped by kernel' in said, said)


def neighbours():
    problem = missing('arping')
    if problem:
        return 'no %s here' % problem
    expect(['arping', '-I', 'eth0', '-c', '2', HOST], 'Received 2 response')


def frames():
    """A frame of a protocol of our own, there and back, and what kind of frame it is to be."""
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88b5))
    wire.bind((TAP, 0x88b5))
    wire.settimeout(60 * SLOW)
    with vm([PYTHON, '-c', '''if True:
        import socket
        s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x88b5))
        s.settimeout(60)
        s.sendto(b'hello', ('eth0', 0x88b5, 0, 0, b'\\xff' * 6))
        for i in range(3):
            data, (device, protocol, kind, hardware, address) = s.recvfrom(100)
            print(data[:4], device, hex(protocol), kind, hardware, len(address), flush=True)
        ''']) as p:
        frame = wire.recv(100)
        check(frame[:6] == b'\xff' * 6 and frame[12:19] == b'\x88\xb5hello', 'the frame is %r' % frame)
        mac = frame[6:12]
        for to, data in ((b'\xff' * 6, b'all '), (b'\x02\0\0\0\0\x63', b'none'), (b'\x01\0\x5e\x7f\0\x01', b'many'), (mac, b'you ')):
            wire.send(to + b'\x02\0\0\0\0\1\x88\xb5' + data.ljust(46, b'.'))
        check(p.process.wait(60 * SLOW) == 0, p.said())
        check(p.said() == "b'all ' eth0 0x88b5 1 1 6\nb'many' eth0 0x88b5 2 1 6\nb'you ' eth0 0x88b5 0 1 6\n", p.said())
    wire.close()


# Asks for everything that comes back, and says it.
ERRORS = '''if True:
    import select, socket, struct, sys
    def told(s):
        p = select.poll()
        p.register(s, 0)
        if not p.poll(20000):
            return 'nothing'
        data, control, flags, to = s.recvmsg(2000, 512, socket.MSG_ERRQUEUE)
        out = ['%d bytes %r to %s:%d' % (len(data), data[:5], to[0], to[1])]
        for level, kind, c in control:
            number, origin, t, code, pad, info, extra = struct.unpack('=IBBBBII', c[:16])
            who = socket.inet_ntop(socket.AF_INET, c[20:24]) if len(c) == 32 else socket.inet_ntop(socket.AF_INET6, c[24:40])
            out.append('level %d type %d: error %d origin %d type %d code %d info %d by %s' % (level, kind, number, origin, t, code, info, who))
        return '; '.join(out)
    '''


def errors():
    """What ICMP says of datagrams."""
    narrow_link()
    expect([PYTHON, '-c', ERRORS + '''
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(0, 11, 1)
    s.sendto(b'hello, nobody', (%r, 9))
    print(told(s))
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(41, 25, 1)
    s.sendto(b'hello, nobody', (%r, 9))
    print(told(s))
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(0, 11, 1)
    s.setsockopt(0, 2, 1)
    s.sendto(b'not far', (%r, 9))
    print(told(s))
    s.setsockopt(0, 2, 64)
    s.setsockopt(0, 10, 2)
    s.connect((%r, 9))
    print(s.getsockopt(0, 14))
    s.send(b'wide.' * 250)
    print(told(s))
    print(s.getsockopt(0, 14))
    try:
        s.send(b'wide.' * 250)
    except OSError as e:
        print(e.errno, told(s))
    ''' % (HOST, HOST6, FAR, FAR)],
           r"13 bytes b'hello' to %s:9; level 0 type 11: error 111 origin 2 type 3 code 3 info 0 by %s\n" % (HOST, HOST) +
           r"13 bytes b'hello' to %s:9; level 41 type 25: error 111 origin 3 type 1 code 4 info 0 by %s\n" % (HOST6, HOST6) +
           r"7 bytes b'not f' to %s:9; level 0 type 11: error 113 origin 2 type 11 code 0 info 0 by %s\n" % (FAR, HOST) +
           r"1500\n\d+ bytes b'wide.' to %s:9; level 0 type 11: error 90 origin 2 type 3 code 4 info %d by %s\n" % (FAR, FAR_MTU, HOST) +
           r"%d\n90 0 bytes b'' to %s:9; level 0 type 11: error 90 origin 1 type 0 code 0 info %d by 0.0.0.0\n" % (FAR_MTU, FAR, FAR_MTU))


def sources():
    """Where a message comes from and by which interface, as it says itself."""
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.bind((HOST, 9000))
    peer.settimeout(60 * SLOW)
    for option in (12, 13): # IP_RECVTTL, IP_RECVTOS
        peer.setsockopt(0, option, 1)
    with vm([PYTHON, '-c', '''if True:
        import socket, struct
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        def say(data, source='0.0.0.0', index=0, extra=[]):
            info = struct.pack('=i', index) + socket.inet_aton(source) + bytes(4)
            try:
                s.sendmsg([data], [(0, 8, info)] + extra, 0, (%r, 9000))
            except OSError as e:
                print(data, e.errno)
        say(b'plain')
        say(b'own', %r, 2, [(0, 2, struct.pack('=i', 33)), (0, 1, struct.pack('=i', 0x48))])
        say(b'foreign', '10.77.0.77')
        say(b'lo', '127.0.0.1')
        say(b'none', index=7)
        s.setsockopt(1, 25, b'eth0')
        print(s.getsockopt(1, 25, 20))
        say(b'bound', index=2)
        say(b'other', index=1)
        ''' % (HOST, GUEST)]) as p:
        for data, hops, tos in ((b'plain', 64, 0), (b'own', 33, 0x48), (b'bound', 64, 0)):
            got, control, flags, address = peer.recvmsg(100, 200)
            told = {kind: value[0] for level, kind, value in control}
            check(got == data and address[0] == GUEST and told[2] == hops and told[1] == tos, '%r: %r %r %r' % (data, got, address, told))
        check(p.process.wait(60 * SLOW) == 0, p.said())
        check(p.said() == "b'foreign' 22\nb'lo' 22\nb'none' 19\nb'eth0\\x00'\nb'other' 22\n", p.said())
    peer.close()


URGENT = '''if True:
    import array, fcntl, os, select, signal, socket, sys, termios, time
    count = 0
    def on_urgent(number, frame):
        global count
        count += 1
    signal.signal(signal.SIGURG, on_urgent)
    def mark(s):
        a = array.array('i', [9])
        fcntl.ioctl(s, 0x8905, a)
        return a[0]
    for inline in (0, 1):
        count = 0
        s = socket.create_connection((%r, 9100))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, inline)
        fcntl.fcntl(s, fcntl.F_SETOWN, os.getpid())
        s.sendall(b'abc')
        s.sendall(b'XY!', socket.MSG_OOB)
        s.sendall(b'def')
        p = select.poll()
        p.register(s, select.POLLPRI)
        print(p.poll(60000) != [], count > 0, mark(s))
        time.sleep(0.5)
        print(s.recv(100), mark(s))
        if not inline:
            print(s.recv(1, socket.MSG_OOB))
            p.modify(s, select.POLLPRI)
            print(p.poll(0))
        print(s.recv(100), mark(s))
        try:
            s.recv(1, socket.MSG_OOB)
        except OSError as e:
            print(e.errno)
        while s.recv(1000):
            pass
        s.close()
    '''


def urgent():
    """Urgent data both ways (MSG_OOB), and a connection that goes on with much more."""
    server = socket.create_server((HOST, 9100))
    server.settimeout(60 * SLOW)
    with vm([PYTHON, '-c', URGENT % HOST]) as p:
        for inline in range(2):
            c = server.accept()[0]
            c.settimeout(60 * SLOW)
            got = b''
            while len(got) < 5:
                got += c.recv(100)
            check(got == b'abcXY', 'before the mark: %r' % got)
            check(c.recv(1, socket.MSG_OOB) == b'!', 'the urgent byte')
            check(c.recv(3, socket.MSG_WAITALL) == b'def', 'behind it')
            c.sendall(b'12345')
            c.sendall(b'u', socket.MSG_OOB)
            c.sendall(b'678')
            time.sleep(1.5)
            c.sendall(bytes(3000000))
            c.close()
        check(p.process.wait(60 * SLOW) == 0, p.said()[-300:])
        check(p.said() == "True True 0\nb'12345' 1\nb'u'\n[]\nb'678' 0\n22\n" "True True 0\nb'12345' 1\nb'u678' 0\n22\n", p.said())
    server.close()


def segment_size():
    """TCP_MAXSEG limits what the peer sends, and what is sent to it."""
    server = socket.create_server((HOST, 9101))
    server.settimeout(60 * SLOW)
    with vm([PYTHON, '-c', '''if True:
        import socket
        s = socket.socket()
        s.setsockopt(6, 2, 600)
        s.connect((%r, 9101))
        s.sendall(bytes(100000))
        n = 0
        while n < 100000:
            n += len(s.recv(100000))
        l = socket.create_server(('', 9102))
        l.setsockopt(6, 2, 700)
        c = l.accept()[0]
        c.recv(1)
        ''' % HOST]) as p:
        c = server.accept()[0]
        c.settimeout(60 * SLOW)
        n = 0
        while n < 100000:
            n += len(c.recv(100000))
        c.sendall(bytes(100000))
        info = struct.unpack('=8B6I', c.getsockopt(6, 11, 32))
        check(info[10] <= 600 and 400 < info[11] <= 600, 'segments of %d and %d bytes' % (info[10], info[11]))
        wait_until(lambda: answers(GUEST, 9102), 60 * SLOW, 'it listens')
        check(p.process.wait(60 * SLOW) == 0, p.said()[-300:])
    server.close()


main([ping, ping_socket, ways, capture, neighbours, frames, errors, sources, urgent, segment_size], 'net.raw')
