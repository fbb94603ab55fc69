# SPDX-License-Identifier: BSD-2-Clause
# What is told of the network and what may be changed (changes.py), with a peer outside that sees the effect.
import os, socket, threading
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
user: Operation not permitted []
address fd77::9: Operation not permitted []
'''


def accept(listener, seen):
    with listener:
        c, peer = listener.accept()
        seen.append(peer[0])
        c.close()


def answer(s):
    with s:
        peer = s.recvfrom(100)[1]
        for i in range(10):
            s.sendto(b'answer', peer)


def changes():
    seen = []
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(('', 7001))
    threading.Thread(target=accept, args=(socket.create_server(('', 7000)), seen), daemon=True).start()
    threading.Thread(target=answer, args=(udp,), daemon=True).start()
    # One address of IPv6 fewer than bed's, or there would be no room for another.
    status, said = run_in_vm(['/usr/bin/python3', PROGRAM, HOST], network=['--net', 'tap=' + TAP, '--ip', '%s/%d,%s' % (GUEST, PREFIX, HOST)])
    lines = [(a, b) for a, b in zip(WANT.splitlines(), said.splitlines()) if a != b]
    check(status == 0 and not lines, 'status %d; wanted: %s; VM: %s' % ((status,) + (lines[0] if lines else ('', said[-300:]))))
    check(said == WANT, 'the VM says more or less')
    check(seen == ['10.77.0.5'], 'the peer saw %s' % seen)


main([changes], 'net.state')
