# SPDX-License-Identifier: BSD-2-Clause
# The echo server that suites have in the VM, seen from this side: bytes of a pattern to and fro, its memory; and frames made by hand for it.
import errno, os, random, socket, struct, subprocess, threading, time

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
