# SPDX-License-Identifier: BSD-2-Clause
# Connections with the outside as a program sees them (ends.py), compared with Linux's own.
import os, socket, struct, threading, time
from bed import *

PYTHON = '/usr/bin/python3'
PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'ends.py')


def obey(c):
    """The peer: does with a connection what its first 16 bytes say."""
    order = c.recv(16, socket.MSG_WAITALL).decode().strip()
    if order.startswith('data'):
        c.sendall(bytes(100))
        time.sleep(0.2)
    if order.endswith('reset'):
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    if order == 'half':
        c.shutdown(socket.SHUT_WR)
    if order == 'silence':
        time.sleep(3)
    while order in ('half', 'echo'):
        data = c.recv(1000)
        if not data:
            break
        if order == 'echo':
            c.sendall(data)


def obey_and_close(c):
    with c:
        try:
            obey(c)
        except OSError:
            pass


def serve():
    with socket.create_server(('', 7000)) as s:
        while True:
            threading.Thread(target=obey_and_close, args=(s.accept()[0],), daemon=True).start()


def ends():
    threading.Thread(target=serve, daemon=True).start()
    # The group's datagrams go by the tap on Linux.
    command('ip', 'route', 'add', '224.0.0.0/4', 'dev', TAP)
    with linux([PYTHON, PROGRAM, HOST]) as p:
        check(p.process.wait(60) == 0, 'on Linux: ' + p.said()[-300:])
        want = p.said()
    status, said = run_in_vm([PYTHON, PROGRAM, HOST])
    lines = [(a, b) for a, b in zip(want.splitlines(), said.splitlines()) if a != b]
    check(status == 0 and not lines, 'status %d; Linux: %s; VM: %s' % ((status,) + (lines[0] if lines else ('', said[-300:]))))
    check(want == said, 'the VM says more or less')


main([ends], 'net.sockets')
