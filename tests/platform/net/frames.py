#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# frames.py LABEL QEMU ARGS...: the other end of kernel_net.c's cable. Starts QEMU with the arguments and a network device whose
# frames come and go by a socket; prints an "ok" or "not ok" line for LABEL. A frame may be lost only where the flood asks for it.
import json, random, select, socket, struct, subprocess, sys, tempfile, time

TYPE = 0x88b5
MAC = bytes.fromhex('525400123456')
ME = bytes.fromhex('0200000000aa')
MY_IP, VM_IP = bytes([10, 0, 2, 2]), bytes([10, 0, 2, 15])
LIMIT = 30


class Failure(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Failure(what)


def frame(payload, to=MAC, kind=TYPE):
    return to + ME + struct.pack('>H', kind) + payload


def internet_sum(data):
    data += b'\0' * (len(data) % 2)
    total = sum(struct.unpack('>%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Cable:
    """QEMU's stream of frames: each has its length before it."""

    def __init__(self, ours):
        self.socket = ours
        ours.setblocking(False)
        self.out = self.came = b''

    def pump(self, limit):
        """Moves bytes both ways for at most so many seconds, till some have come."""
        readable, writable, _ = select.select([self.socket], [self.socket] if self.out else [], [], limit)
        if writable:
            self.out = self.out[self.socket.send(self.out):]
        if readable:
            data = self.socket.recv(1 << 20)
            check(data, 'QEMU has ended')
            self.came += data

    def send(self, data):
        self.out += struct.pack('>I', len(data)) + data
        self.pump(0)

    def receive(self, limit=LIMIT):
        """The next frame; None if none has come in time."""
        end = time.monotonic() + limit
        while True:
            if len(self.came) >= 4:
                n = 4 + struct.unpack('>I', self.came[:4])[0]
                if len(self.came) >= n:
                    data, self.came = self.came[4:n], self.came[n:]
                    return data
            left = end - time.monotonic()
            if left <= 0:
                check(limit < LIMIT, 'no frame within %d s' % limit)
                return None
            self.pump(left)

    def drain(self, quiet):
        """Takes frames till none has come for so long; how many."""
        n = 0
        while self.receive(quiet):
            n += 1
        return n

    def ask(self, data):
        self.send(data)
        return self.receive()

    def stat(self):
        words = self.ask(frame(b'STAT' + bytes(60)))[14:].decode().split()
        return {k: int(v) for k, v in zip(words[::2], words[1::2])}


def test_arp(cable):
    request = struct.pack('>HHBBH', 1, 0x800, 6, 4, 1) + ME + MY_IP + bytes(6) + VM_IP
    # Repeated: nobody is there before the driver is.
    for attempt in range(5 * LIMIT):
        cable.send(frame(request, b'\xff' * 6, 0x806))
        answer = cable.receive(0.2)
        if answer:
            break
    check(answer, 'no answer to ARP within %d s' % LIMIT)
    check(answer[:6] == ME and answer[6:12] == MAC, 'addresses of the ARP answer')
    check(answer[14:22] == struct.pack('>HHBBH', 1, 0x800, 6, 4, 2), 'kind of the ARP answer')
    check(answer[22:42] == MAC + VM_IP + ME + MY_IP, 'what the ARP answer says')
    cable.drain(0.5)


def test_ping(cable):
    for size in (0, 1, 56, 1472):
        body = struct.pack('>BBHHH', 8, 0, 0, 7, size) + random.randbytes(size)
        body = body[:2] + struct.pack('>H', internet_sum(body)) + body[4:]
        head = struct.pack('>BBHHHBBH', 0x45, 0, 20 + len(body), 1, 0, 64, 1, 0) + MY_IP + VM_IP
        head = head[:10] + struct.pack('>H', internet_sum(head)) + head[12:]
        answer = cable.ask(frame(head + body, kind=0x800))[14:14 + 20 + len(body)]
        check(answer[12:20] == VM_IP + MY_IP, 'addresses of the echo')
        check(answer[20] == 0 and internet_sum(answer[20:]) == 0 and answer[24:] == body[4:], 'echo of %d bytes' % size)


def test_sizes(cable):
    for size in [*range(46, 60), *range(225, 250), 500, 1000, 1499, 1500, 3000, 4000]:
        data = b'\1' + random.randbytes(size - 1)
        answer = cable.ask(frame(data))
        check(answer[:14] == ME + MAC + struct.pack('>H', TYPE) and answer[14:] == data, 'a frame of %d bytes' % size)


def test_large(cable):
    """Frames of several buffers each."""
    for size in (5000, 9000, 20000, 65000):
        data = b'\1' + random.randbytes(size - 1)
        check(cable.ask(frame(data))[14:] == data, 'a frame of %d bytes' % size)


def test_order(cable):
    """More frames under way than the device has buffers."""
    sent = received = 0
    count = 5000
    while received < count:
        while sent < count and sent - received < 100:
            cable.send(frame(struct.pack('>xI', sent) + random.randbytes(40 + sent % 1400)))
            sent += 1
        number, = struct.unpack('>I', cable.receive()[15:19])
        check(number == received, 'frame %d instead of %d' % (number, received))
        received += 1


def test_burst(cable):
    """The driver's queue is full and empties by itself."""
    for count, size in ((3000, 60), (3000, 1400)):
        cable.send(frame(b'BURST %d %d\0' % (count, size) + bytes(40)))
        for i in range(count):
            data = cable.receive()[14:]
            check(data == struct.pack('<I', i) + bytes([i & 255]) * (size - 4), 'frame %d of a burst' % i)


def test_flood(cable):
    """As many frames as the cable takes, whether they are answered in time or not."""
    before = cable.stat()['refused']
    end = time.monotonic() + 3
    sent = answered = 0
    while time.monotonic() < end:
        if len(cable.out) < 100000:
            for i in range(50):
                cable.out += (lambda data: struct.pack('>I', len(data)) + data)(frame(b'\1' + bytes(random.randrange(46, 1500))))
            sent += 50
        cable.pump(1)
        if len(cable.came) > 1000000:
            answered += cable.drain(0)
    answered += cable.drain(2)
    stat = cable.stat()
    refused = stat['refused'] - before
    check(answered + refused == sent, '%d frames of %d answered, %d refused' % (answered, sent, refused))
    check(stat['flight'] <= 256, '%d frames are not done' % stat['flight'])
    check(stat['dropped'] == 0, '%d frames were dropped' % stat['dropped'])


def test_nonsense(cable):
    for data in (b'\0', ME, frame(b''), frame(b'\1'), frame(b'', kind=0x806), frame(b'\x45', kind=0x800), random.randbytes(64)):
        cable.send(data)
    cable.drain(0.3)
    cable.stat()


def test_link(cable, monitor):
    before = cable.stat()
    check(before['link'] == 1, 'the link is down at first')
    # First without frames, then while some go.
    for flap in range(10):
        for up in (False, True):
            for i in range(20 if flap >= 5 else 0):
                cable.send(frame(b'\1' + bytes(60)))
            monitor('set_link', name='net0', up=up)
            cable.drain(0.3)
    after = cable.stat()
    check(after['link'] == 1, 'the link is down at the end')
    check(after['changes'] - before['changes'] == 20, '%d changes of the link instead of 20' % (after['changes'] - before['changes']))


def connect_monitor(path):
    monitor = socket.socket(socket.AF_UNIX)
    for attempt in range(200):
        try:
            monitor.connect(path)
            break
        except OSError:
            time.sleep(0.05)
    stream = monitor.makefile('rw')
    stream.readline()

    def execute(command, **arguments):
        stream.write(json.dumps({'execute': command, 'arguments': arguments}) + '\n')
        stream.flush()
        while True:
            answer = json.loads(stream.readline())
            if 'return' in answer:
                return answer['return']
            check('error' not in answer, 'QEMU: %s' % answer)

    execute('qmp_capabilities')
    return execute


def main():
    label, command = sys.argv[1], sys.argv[2:]
    ours, theirs = socket.socketpair()
    problem = None
    with tempfile.TemporaryDirectory() as folder:
        command += ['-netdev', 'stream,id=n,server=off,addr.type=fd,addr.str=%d' % theirs.fileno(),
                    '-device', 'virtio-net-device,id=net0,netdev=n,mac=52:54:00:12:34:56',
                    '-qmp', 'unix:%s/qmp,server=on,wait=off' % folder]
        vm = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, pass_fds=[theirs.fileno()])
        theirs.close()
        try:
            monitor = connect_monitor(folder + '/qmp')
            cable = Cable(ours)
            for test in (test_arp, test_ping, test_sizes, test_large, test_order, test_burst, test_flood, test_nonsense):
                test(cable)
            test_link(cable, monitor)
            cable.send(frame(b'BYE' + bytes(60)))
            vm.wait(LIMIT)
        except (Failure, OSError, ValueError, subprocess.TimeoutExpired) as e:
            problem = '%s: %s' % (type(e).__name__, e) if not isinstance(e, Failure) else str(e)
        finally:
            vm.kill()
            output = vm.communicate()[0].decode(errors='replace')
    if problem:
        print('\n'.join('# ' + line for line in output.splitlines()[-30:]))
        print('not ok %s - %s' % (label, problem))
        sys.exit(1)
    print('ok ' + label)


main()
