# SPDX-License-Identifier: BSD-2-Clause
# Talks to many neighbours, all of whom are known afterwards, and to one who does not answer, for whom no more than a little waits.
import socket, time

MANY = 600


def sent():
    return int(open('/sys/class/net/eth0/statistics/tx_packets').read())


def available():
    return next(int(line.split()[1]) for line in open('/proc/meminfo') if line.startswith('MemAvailable'))


s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for turn in range(3):
    before = sent()
    for i in range(MANY):
        s.sendto(b'x', ('10.77.%d.%d' % (64 + i // 200, 1 + i % 200), 7005))
        time.sleep(0.001)
    if turn == 0:
        time.sleep(2)
print('known', sum('10.77.6' in line for line in open('/proc/net/arp')), 'asked again', sent() - before - MANY > 50)
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
before = available()
for i in range(20000):
    s.sendto(bytes(1000), ('fd77::dead', 7005))
print('held back', before - available() > 4096)
