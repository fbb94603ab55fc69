#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# What a network may do to a server: a bad cable, one that is unplugged, clients that do not read, do not finish, or send nonsense. Every byte
# that arrives must be right, nothing may hang, and memory must come back.
import array, contextlib, fcntl, os, random, select, socket, struct, subprocess, threading, time

from echo import *


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


main([good_cable, loss, large_segments, loss_of_large_segments, all_of_large_segments, end_of_an_answer, heavy_loss, duplication, reordering, corruption, delay, all_at_once, link_flaps, client_that_never_reads,
      datagrams_beside_a_server, datagram_flood, malformed_frames], 'net.faults')
