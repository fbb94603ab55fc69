# SPDX-License-Identifier: BSD-2-Clause
# ends.py ADDRESS: what a program sees of a connection as its peer (sockets.py, at ADDRESS) ends it in each way, and of groups: printed as
# results and names of errors. sockets.py runs it in the VM and on Linux.
import array, errno, fcntl, select, socket, struct, sys, time

HOST = sys.argv[1]
ORDERLY, READY = 7000, select.POLLIN | select.POLLPRI | select.POLLOUT | select.POLLRDHUP


def result(call, *arguments):
    try:
        return call(*arguments)
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e))


def events(s):
    p = select.poll()
    p.register(s, READY)
    found = p.poll(0)
    return hex(found[0][1]) if found else 'none'


def take(s, n=1000, flags=0):
    data = result(s.recv, n, flags | socket.MSG_DONTWAIT)
    return len(data) if isinstance(data, bytes) else data


def state(s):
    return s.getsockopt(socket.SOL_TCP, socket.TCP_INFO, 1)[0]


def connect(order):
    s = socket.create_connection((HOST, ORDERLY), 20)
    s.settimeout(None)
    s.sendall(order.ljust(16).encode())
    time.sleep(0.4)
    return s


for order in 'close', 'reset', 'data-reset', 'data-close', 'half', 'echo':
    s = connect(order)
    print(order, events(s), take(s, 50, socket.MSG_PEEK), take(s), take(s))
    print('  sent', result(s.send, b'abc'), end=' ')
    time.sleep(0.3)
    print(events(s), result(s.send, b'abc'), end=' ')
    time.sleep(0.3)
    print(take(s), events(s), result(lambda: s.getpeername()[1]))
    print('  shut', state(s), result(s.shutdown, socket.SHUT_WR), end=' ')
    time.sleep(0.3)
    print(events(s), take(s), state(s), result(s.send, b'x'), result(s.shutdown, socket.SHUT_RDWR))
    s.close()

s = socket.socket()
s.setblocking(False)
print('connect', result(s.connect, (HOST, ORDERLY)), end=' ')
select.select([], [s], [], 5)
print(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), result(s.connect, (HOST, ORDERLY)), events(s))
s.close()

s = socket.socket()
s.setblocking(False)
print('refused', result(s.connect, (HOST, 1)), end=' ')
select.select([], [s], [], 5)
print(events(s), s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), events(s), result(s.connect, (HOST, 1)), result(s.getpeername))
s.close()

s = connect('silence')
s.setblocking(False)
sent = 0
try:
    while True:
        sent += s.send(bytes(65536))
except BlockingIOError:
    pass
print('full', sent > 100000, events(s))
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
s.close()

s = connect('echo')
s.sendall(b'q' * 100)
time.sleep(0.4)
n = array.array('i', [0])
fcntl.ioctl(s, 0x541b, n) # SIOCINQ
print('unread', n[0], end=' ')
fcntl.ioctl(s, 0x5411, n) # SIOCOUTQ
print('unsent', n[0], s.recv(10, socket.MSG_WAITALL))
s.shutdown(socket.SHUT_RD)
print('shut for reading', events(s), take(s), result(s.send, b'mm'))
s.close()

for family, group in (socket.AF_INET, '224.7.7.7'), (socket.AF_INET6, 'ff02::7777'):
    level, join, packed = socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_pton(family, group) + bytes(4)
    leave = socket.IP_DROP_MEMBERSHIP
    if family == socket.AF_INET6:
        level, join, leave = socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.IPV6_LEAVE_GROUP
    r, s = (socket.socket(family, socket.SOCK_DGRAM) for _ in range(2))
    r.bind(('', 7007))
    r.settimeout(5)
    print('group', [result(r.setsockopt, level, how, packed) for how in (join, join)], s.sendto(b'all', (group, 7007)), r.recv(9))
    print([result(r.setsockopt, level, how, packed) for how in (leave, leave)])
