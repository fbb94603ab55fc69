#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# The command's network options, and what a program in the VM can reach: ports that lead in, connections that lead out, addresses by
# DHCP, and the errors of what cannot be reached.
import os, socket, struct, subprocess, threading

from bed import *

PYTHON = '/usr/bin/python3'


def say(port):
    """A server on this side that says hello."""
    s = socket.create_server((HOST if port == 8001 else '127.0.0.1', port))

    def run():
        try:
            while True:
                c, _ = s.accept()
                c.sendall(b'hello ' + c.recv(100))
                c.close()
        except OSError:
            s.close()
    threading.Thread(target=run, daemon=True).start()
    return s


def forwarded_ports():
    """-p, TCP and UDP, through the user network."""
    program = 'import socket, threading\n' \
              'u = socket.socket(type=socket.SOCK_DGRAM); u.bind(("", 5353))\n' \
              'def f():\n' \
              '    while True:\n' \
              '        d, a = u.recvfrom(2000); u.sendto(d[::-1], a)\n' \
              'threading.Thread(target=f, daemon=True).start()\n' \
              's = socket.create_server(("", 80))\n' \
              'while True:\n' \
              '    c, a = s.accept(); c.sendall(c.recv(100).upper()); c.close()\n'
    with vm([PYTHON, '-c', program], network=['-p', '127.0.0.1:8080:80', '-p', '5300:5353/udp']) as p:
        # The user network accepts before the VM does.
        def asked():
            check(p.process.poll() is None, 'the program ended')
            try:
                c = socket.create_connection(('127.0.0.1', 8080), 5)
                c.settimeout(5 * SLOW)
                c.sendall(b'hello')
                return c.recv(100) == b'HELLO'
            except OSError:
                return False
        wait_until(asked, 30 * SLOW, 'no answer')
        u = socket.socket(type=socket.SOCK_DGRAM)
        u.settimeout(10)
        u.sendto(b'abc', (HOST, 5300))
        check(u.recv(100) == b'cba', 'the answer by UDP')


def out_through_the_host():
    """The user network's gateway leads to this host's 127.0.0.1."""
    keep = say(8002)
    program = 'import socket; c = socket.create_connection(("10.0.2.2", 8002)); c.sendall(b"vm"); print(c.recv(100), c.getsockname()[0])'
    status, said = run_in_vm([PYTHON, '-c', program], network=[])
    check((status, said) == (0, "b'hello vm' 10.0.2.15\n"), 'status %d: %s' % (status, said))
    status, said = run_in_vm([PYTHON, '-c', program.replace('10.0.2.2', '10.5.5.1')], network=['--ip', '10.5.5.7/24,10.5.5.1'])
    check((status, said) == (0, "b'hello vm' 10.5.5.7\n"), 'with --ip, status %d: %s' % (status, said))
    keep.shutdown(socket.SHUT_RDWR)


def no_network():
    status, said = run_in_vm([PYTHON, '-c', 'import socket\nprint(len(socket.if_nameindex()))\ntry: socket.create_connection(("10.0.2.2", 9), 5)\n'
                              'except OSError as e: print(e.errno)'], network=['--net', 'none'])
    check((status, said) == (0, '1\n101\n'), 'status %d: %s' % (status, said))


def hostname():
    status, said = run_in_vm(['/bin/busybox', 'hostname'], network=['--net', 'none', '--hostname', 'bella.example'])
    check((status, said) == (0, 'bella.example\n'), 'status %d: %s' % (status, said))


def out_through_the_tap():
    keep = say(8001)
    for address in (HOST,):
        program = 'import socket; c = socket.create_connection((%r, 8001)); c.sendall(b"vm"); print(c.recv(100), c.getsockname()[0])' % address
        status, said = run_in_vm([PYTHON, '-c', program])
        check((status, said) == (0, "b'hello vm' %s\n" % GUEST), 'status %d: %s' % (status, said))
    keep.shutdown(socket.SHUT_RDWR)


def version_6():
    with vm([PYTHON, '-m', 'http.server', '-b', '::', '-d', '/usr/share/common-licenses', '8000']) as p:
        p.wait_for(GUEST6, 8000)
        out = subprocess.run(['curl', '-sS', 'http://[%s]:8000/GPL-3' % GUEST6], stdout=subprocess.PIPE, timeout=30).stdout
        check(out == open('/usr/share/common-licenses/GPL-3', 'rb').read(), '%d bytes' % len(out))


def router_of_version_6():
    """The gateway that --ip names, beyond which there is another network."""
    command('ip', '-6', 'address', 'add', 'fd78::1/128', 'dev', 'lo')
    program = 'import socket\ns = socket.create_connection(("fd78::1", 8003), 20)\ns.sendall(b"vm")\nprint(s.recv(100), open("/proc/net/ipv6_route").read().count("fd770000000000000000000000000001"))'
    s = socket.create_server(('fd78::1', 8003), family=socket.AF_INET6)

    def answer():
        c, _ = s.accept()
        c.sendall(b'hello ' + c.recv(100))
        c.close()
    threading.Thread(target=answer, daemon=True).start()
    status, said = run_in_vm([PYTHON, '-c', program])
    check((status, said) == (0, "b'hello vm' 1\n"), 'status %d: %s' % (status, said))


def errors():
    """Refused, silent, and not there."""
    subprocess.run(['ip', 'route', 'add', 'prohibit', '10.78.0.1'], check=True)
    open('/proc/sys/net/ipv4/ip_forward', 'w').write('1')
    program = '''
import errno, socket, time
def attempt(address, port, seconds=None):
    start = time.monotonic()
    try:
        socket.create_connection((address, port), seconds); return 'connected'
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e))
print(attempt('%s', 1), attempt('10.77.0.99', 1), attempt('%s', 1), attempt('10.78.0.1', 1))
u = socket.socket(type=socket.SOCK_DGRAM)
u.connect(('%s', 1)); u.send(b'x'); u.settimeout(5)
try: u.recv(10); print('received')
except OSError as e: print(errno.errorcode.get(e.errno, e))
''' % (HOST, HOST6, HOST)
    status, said = run_in_vm([PYTHON, '-c', program])
    want = 'ECONNREFUSED EHOSTUNREACH ECONNREFUSED EHOSTUNREACH\nECONNREFUSED\n'
    # What "prohibit" answers is EACCES' code of ICMP, for which connect(2) says EHOSTUNREACH.
    check((status, said) == (0, want), 'status %d: %s' % (status, said))


def addresses_by_dhcp():
    if missing('dnsmasq'):
        return 'dnsmasq is not installed'
    with linux(['dnsmasq', '--no-daemon', '--port=0', '--interface=' + TAP, '--bind-interfaces', '--dhcp-range=10.77.0.50,10.77.0.50,1h',
                '--dhcp-option=option:router,' + HOST, '--dhcp-option=option:dns-server,' + HOST, '--conf-file=/dev/null', '--user=root',
                '--pid-file=', '--dhcp-leasefile=/dev/null']):
        keep = say(8001)
        program = 'import socket; c = socket.create_connection((%r, 8001)); c.sendall(b"vm"); print(c.recv(100), c.getsockname()[0]);' \
                  'print([l for l in open("/etc/resolv.conf") if l.startswith("nameserver")])' % HOST
        status, said = run_in_vm([PYTHON, '-c', program], network=['--net', 'tap=' + TAP])
        check((status, said) == (0, "b'hello vm' 10.77.0.50\n['nameserver %s\\n']\n" % HOST), 'status %d: %s' % (status, said))
        keep.shutdown(socket.SHUT_RDWR)


def tap_in_use():
    with vm(['/bin/busybox', 'sleep', '60']):
        time.sleep(1)
        status, said = run_in_vm(['/bin/busybox', 'true'])
        check(status == 125 and 'another process has it' in said, 'status %d: %s' % (status, said))


main([forwarded_ports, out_through_the_host, no_network, hostname, out_through_the_tap, version_6, router_of_version_6, errors, addresses_by_dhcp, tap_in_use],
     'net.outside')
