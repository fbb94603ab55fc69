# SPDX-License-Identifier: BSD-2-Clause
# A privileged program that changes eth0, as ifconfig and ip do, and prints what it and listeners of netlink's groups are told.
import fcntl, os, socket, struct, sys, time

PEER = sys.argv[1]
SIOCADDRT, SIOCSIFFLAGS, SIOCGIFADDR, SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFMTU = 0x890b, 0x8914, 0x8915, 0x8916, 0x891c, 0x8922
SIOCGARP = 0x8954
NAMES = {16: 'link', 20: 'address', 21: 'no address', 24: 'route', 25: 'no route'}
listener = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
listener.bind((0, 0x1 | 0x10 | 0x100))  # links, addresses
told = set()
any_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def notices():
    """What listeners were told."""
    time.sleep(0.2)
    out = []
    while True:
        try:
            data = listener.recv(65536, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return ', '.join(out)
        while data:
            length, kind = struct.unpack('IH', data[:6])
            # That an address of IPv6 is nobody else's is told when it is known, whenever that is.
            family, address = data[16], data[24 + 4:24 + 4 + 16]
            if kind not in (20, 21) or family == socket.AF_INET or address[:1] != b'\xfe' and (kind, address) not in told:
                out.append(NAMES[kind])
            if kind in (20, 21):
                told.add((kind, address))
            data = data[length + 3 & ~3:]


def ask(what, command, argument):
    try:
        result = fcntl.ioctl(any_socket, command, argument)
        print('%s: done' % what, end='')
    except OSError as e:
        result = b''
        print('%s: %s' % (what, e.strerror), end='')
    print(' [%s]' % notices(), flush=True)
    return result


def request(value):
    return struct.pack('16s24s', b'eth0', value)


def name(address):
    return struct.pack('HH4s8x', socket.AF_INET, 0, socket.inet_aton(address))


def change_address(kind, address, length):
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    packed = socket.inet_pton(family, address)
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    body = struct.pack('BBBBIHH', family, length, 0, 0, 2, 4 + len(packed), 2) + packed
    s.send(struct.pack('IHHII', 16 + len(body), kind, 5, 1, 0) + body)
    error = -struct.unpack('i', s.recv(9999)[16:20])[0]
    print('%s %s: %s [%s]' % (NAMES[kind], address, os.strerror(error) if error else 'done', notices()), flush=True)


def change_route(kind, to, length, via=None, source=None, type=1):
    body = struct.pack('BBBBBBBBI', socket.AF_INET, length, 0, 0, 254, 3, 255 if kind == 25 else 0 if via or type != 1 else 253, type, 0)
    body += struct.pack('HH4s', 8, 1, socket.inet_aton(to))
    if type == 1:
        body += struct.pack('HHI', 8, 4, 2)
    for number, value in ((5, via), (7, source)):
        if value:
            body += struct.pack('HH4s', 8, number, socket.inet_aton(value))
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    s.send(struct.pack('IHHII', 16 + len(body), kind, 0x605, 1, 0) + body)
    error = -struct.unpack('i', s.recv(9999)[16:20])[0]
    print('%s %s: %s' % (NAMES[kind], to, os.strerror(error) if error else 'done'), flush=True)


def connect(to):
    try:
        with socket.create_connection((to, 7000), 10) as s:
            print('connected to', to, 'from', s.getsockname()[0], flush=True)
    except OSError as e:
        print('connect to %s: %s' % (to, e.strerror), flush=True)


def further():
    """More than one address, and routes. The peer has 10.88.0.1/24 on the link, and 10.99.0.1 behind it."""
    change_address(20, '10.88.0.2', 24)
    change_address(20, '10.88.0.3', 24)
    change_address(20, '10.88.0.3', 24)
    connect('10.88.0.1')
    connect('10.99.0.1')
    change_route(24, '10.99.0.0', 24, '10.88.0.1')
    change_route(24, '10.99.0.0', 24, '10.88.0.1')
    connect('10.99.0.1')
    change_route(25, '10.99.0.0', 24)
    change_route(25, '10.99.0.0', 24)
    change_route(24, '10.99.0.0', 24, '10.88.0.1', '10.88.0.3')
    connect('10.99.0.1')
    change_route(24, '10.99.0.1', 32, type=7)
    connect('10.99.0.1')
    change_route(25, '10.99.0.1', 32, type=7)
    change_route(24, '10.99.0.1', 32, type=8)
    connect('10.99.0.1')
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    u.bind(('', 7003))
    listening = socket.create_server(('', 7002))
    u.sendto(b'come', ('10.88.0.1', 7003))
    for i in range(2):
        c = listening.accept()[0]
        print('taken at', c.getsockname()[0], 'from', c.getpeername()[0], flush=True)
        c.close()
    print(*sorted(u.recvfrom(100)[0].decode() for i in range(3)))
    change_address(21, '10.88.0.2', 24)
    change_address(21, '10.88.0.3', 24)
    connect('10.88.0.1')


def udp_taken():
    lines = [l.split() for l in open('/proc/net/snmp') if l.startswith('Udp:')]
    return int(dict(zip(*lines))['InDatagrams'])


def received():
    return int(open('/sys/class/net/eth0/statistics/rx_packets').read())


notices()
print('peer', open('/proc/net/route').read().count('eth0'), flush=True)
ask('mtu', SIOCSIFMTU, request(struct.pack('i', 1400)))
print(open('/sys/class/net/eth0/mtu').read(), end='')
ask('mtu', SIOCSIFMTU, request(struct.pack('i', 10)))
ask('down', SIOCSIFFLAGS, request(struct.pack('h', 0x1002)))
print(open('/sys/class/net/eth0/operstate').read(), end='')
try:
    socket.create_connection((PEER, 7000), 2)
except OSError as e:
    print('connect:', e.strerror)
ask('up', SIOCSIFFLAGS, request(struct.pack('h', 0x1003)))
ask('address', SIOCSIFADDR, request(name('10.77.0.5')))
ask('mask', SIOCSIFNETMASK, request(name('255.255.255.0')))
ask('bad mask', SIOCSIFNETMASK, request(name('255.0.255.0')))
print(socket.inet_ntoa(ask('address', SIOCGIFADDR, request(b''))[20:24]))
ask('route', SIOCADDRT, struct.pack('8x16s16s16sH62x', name('0.0.0.0'), name(PEER), name('0.0.0.0'), 3))
ask('again', SIOCADDRT, struct.pack('8x16s16s16sH62x', name('0.0.0.0'), name(PEER), name('0.0.0.0'), 3))
with socket.create_connection((PEER, 7000), 10) as s:
    print('connected from', s.getsockname()[0])
ask('neighbour', SIOCGARP, name(PEER) + bytes(52))
ask('nobody', SIOCGARP, name('10.77.0.99') + bytes(52))
change_address(20, 'fd77::9', 64)
change_address(20, 'fd77::9', 64)
change_address(21, 'fd77::9', 64)
change_address(21, 'fd77::9', 64)
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(('', 7001))
taken, frames = udp_taken(), received()
u.sendto(b'ten', (PEER, 7001))
for i in range(10):
    u.recv(100)
print('datagrams', udp_taken() - taken, 'frames', received() - frames >= 10)
further()
os.setuid(1000)
ask('user', SIOCSIFMTU, request(struct.pack('i', 1300)))
change_address(20, 'fd77::9', 64)
