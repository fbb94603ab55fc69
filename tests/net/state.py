# SPDX-License-Identifier: BSD-2-Clause
# What is told of the network and what may be changed (changes.py), with a peer outside that sees the effect.
import os, shutil, socket, subprocess, sys, threading
from bed import *

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'changes.py')
WANT = '''peer 2
mtu: done [link]
1400
mtu: Invalid argument []
down: done [link]
down
connect: Network is unreachable
up: done [link]
address: done [no address, address]
mask: done [no address, address]
bad mask: Invalid argument []
address: done []
10.77.0.5
route: done []
again: File exists []
connected from 10.77.0.5
neighbour: done []
nobody: No such device or address []
address fd77::9: done [address]
address fd77::9: File exists []
no address fd77::9: done [no address]
no address fd77::9: Cannot assign requested address []
datagrams 10 frames True
address 10.88.0.2: done [address]
address 10.88.0.3: done [address]
address 10.88.0.3: File exists []
connected to 10.88.0.1 from 10.88.0.2
connected to 10.99.0.1 from 10.77.0.5
route 10.99.0.0: done
route 10.99.0.0: File exists
connected to 10.99.0.1 from 10.88.0.2
no route 10.99.0.0: done
no route 10.99.0.0: No such process
route 10.99.0.0: done
connected to 10.99.0.1 from 10.88.0.3
route 10.99.0.1: done
connect to 10.99.0.1: No route to host
no route 10.99.0.1: done
route 10.99.0.1: done
connect to 10.99.0.1: Permission denied
taken at 10.88.0.2 from 10.88.0.1
taken at 10.88.0.3 from 10.88.0.1
to 10.88.0.2 to 10.88.0.255 to 10.88.0.3
no address 10.88.0.2: done [no address, no address]
no address 10.88.0.3: Cannot assign requested address []
connected to 10.88.0.1 from 10.77.0.5
user: Operation not permitted []
address fd77::9: Operation not permitted []
'''


def accept(listener, seen):
    with listener:
        while True:
            c, peer = listener.accept()
            seen.append(peer[0])
            c.close()


def answer(s):
    with s:
        peer = s.recvfrom(100)[1]
        for i in range(10):
            s.sendto(b'answer', peer)


def come(s):
    """Goes to each of the VM's addresses, in the order in which it wants it."""
    with s:
        s.recvfrom(100)
        for ip in '10.88.0.2', '10.88.0.3':
            socket.create_connection((ip, 7002), 10).close()
            answers = subprocess.run(['ping', '-c', '1', '-W', '5', ip], stdout=subprocess.DEVNULL).returncode == 0
            s.sendto(b'to %s' % ip.encode() if answers else b'no answer', (ip, 7003))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        s.sendto(b'to 10.88.0.255', ('10.88.0.255', 7003))


def changes():
    seen = []
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(('', 7001))
    threading.Thread(target=accept, args=(socket.create_server(('', 7000)), seen), daemon=True).start()
    threading.Thread(target=answer, args=(udp,), daemon=True).start()
    command('ip', 'address', 'add', '10.88.0.1/24', 'dev', TAP)
    command('ip', 'address', 'add', '10.99.0.1/32', 'dev', 'lo')
    asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asked.bind(('', 7003))
    threading.Thread(target=come, args=(asked,), daemon=True).start()
    status, said = run_in_vm(['/usr/bin/python3', PROGRAM, HOST], network=['--net', 'tap=' + TAP, '--ip', '%s/%d,%s' % (GUEST, PREFIX, HOST)])
    lines = [(a, b) for a, b in zip(WANT.splitlines(), said.splitlines()) if a != b]
    check(status == 0 and not lines, 'status %d; wanted: %s; VM: %s' % ((status,) + (lines[0] if lines else ('', said[-300:]))))
    check(said == WANT, 'the VM says more or less')
    check(seen == ['10.77.0.5', '10.88.0.2', '10.77.0.5', '10.88.0.2', '10.88.0.3', '10.77.0.5'], 'the peer saw %s' % seen)


# What ip(8) says after each is compared with Linux, in a namespace of its own.
COMMANDS = '''addr add 10.1.2.3/24 dev eth0
addr add 10.1.2.4/24 dev eth0 label eth0:1
addr add 10.9.0.1/32 dev lo
addr add 127.0.0.2/8 dev lo
addr add 10.1.3.1/16 brd + dev eth0
route add 192.168.5.0/24 via 10.1.2.99
route add 192.168.5.0/24 via 10.1.2.98 metric 5
route add 192.168.6.0/24 dev eth0 src 10.1.2.4
route add 192.168.8.0/24 via 11.1.1.1 dev eth0 onlink
route add unreachable 10.50.0.0/16
route add prohibit 10.51.0.0/16
route add blackhole 10.52.0.0/16
route add local 10.53.0.0/16 dev lo
route add default via 10.1.2.1 metric 100
route add default via 10.1.2.1 src 10.1.2.3
route replace 192.168.5.0/24 via 10.1.2.97
addr show
route show table all
route get 192.168.5.7
route get 192.168.6.7
route get 10.50.1.1
route get 10.51.1.1
route get 10.52.1.1
route get 10.53.1.1
route get 8.8.8.8
route del 192.168.5.0/24 metric 5
route del 10.50.0.0/16
route del 192.168.77.0/24
addr del 10.1.2.3/24 dev eth0
addr show
route show table all
'''
LINUX = '''import fcntl, os, struct, subprocess, sys
f = os.open('/dev/net/tun', os.O_RDWR)
fcntl.ioctl(f, 0x400454ca, struct.pack('16sH22x', b'eth0', 0x1002))
for words in 'link set lo up', 'link set eth0 up', 'addr add 10.77.0.2/24 brd + dev eth0':
    subprocess.run(['ip'] + words.split(), check=True)
subprocess.run(['ip', '-4', '-force', '-batch', sys.argv[1]], stderr=subprocess.STDOUT)
'''


def ip():
    batch = os.path.join(BUILD, 'net', 'ip.batch')
    with open(batch, 'w') as f:
        f.write(COMMANDS)
    linux = subprocess.run(['unshare', '-n', sys.executable, '-c', LINUX, batch], stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.decode()
    status, said = run_in_vm([shutil.which('ip'), '-4', '-force', '-batch', batch], network=['--net', 'tap=' + TAP, '--ip', GUEST + '/24'])
    a, b = ([line.split(' mtu')[0] for line in text.splitlines()] for text in (linux, said))
    differ = [pair for pair in zip(a, b) if pair[0] != pair[1]]
    check(len(a) > 50 and len(a) == len(b) and not differ, 'Linux %d lines, VM %d; %s' % (len(a), len(b), differ[:1]))


def neighbours():
    command('ip', 'address', 'add', '10.77.0.1/16', 'dev', TAP)
    command('ip', 'route', 'add', 'local', '10.77.64.0/20', 'dev', 'lo')
    status, said = run_in_vm(['/usr/bin/python3', os.path.join(os.path.dirname(PROGRAM), 'neighbours.py')],
                             network=['--net', 'tap=' + TAP, '--ip', GUEST + '/16', '--ip', GUEST6 + '/64'])
    check((status, said) == (0, 'known 600 asked again False\nheld back False\n'), 'status %d, VM: %s' % (status, said[-300:]))


main([changes, ip, neighbours], 'net.state')
