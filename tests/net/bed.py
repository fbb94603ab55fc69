# SPDX-License-Identifier: BSD-2-Clause
# What the tests of this folder share. Each runs in a network namespace of its own (run.sh makes it), where a tap interface leads to
# the VM: HOST is this side's address, GUEST the VM's. What runs here beside the VM is Linux's own, and the reference.
import contextlib, os, shutil, signal, socket, subprocess, sys, tempfile, time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get('B') or os.path.join(TOP, 'build')
KERNEL = os.environ.get('KERNEL') or os.path.join(BUILD, 'aril.elf')
HOST, GUEST, PREFIX = '10.77.0.1', '10.77.0.2', 24
HOST6, GUEST6 = 'fd77::1', 'fd77::2'
TAP = 'tap0'
ACCEL, CPUS = os.environ.get('ACCEL', 'kvm'), os.environ.get('CPUS', '1')
SLOW = 4 if ACCEL == 'tcg' else 1 # times as long
ENVIRONMENT = {'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'HOME': '/', 'LANG': 'C.UTF-8', 'TZ': 'UTC0'}


class Failure(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Failure(what)


def command(*words):
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)


def set_up(mtu=1500):
    command('ip', 'link', 'set', 'lo', 'up')
    command('ip', 'tuntap', 'add', TAP, 'mode', 'tap')
    command('ip', 'link', 'set', TAP, 'mtu', str(mtu), 'up')
    command('ip', 'address', 'add', '%s/%d' % (HOST, PREFIX), 'dev', TAP)
    command('ip', '-6', 'address', 'add', HOST6 + '/64', 'dev', TAP, 'nodad')


def many_ports():
    """
    For tens of thousands of connections from here: those that this side has in TIME_WAIT leave their ports to new ones, and the ports
    that tests listen on are none of them. Linux looks through all ports in each connect(2) when half of them are taken, milliseconds
    each: it would look like a server that stands still.
    """
    for name, value in (('tcp_tw_reuse', '1'), ('ip_local_port_range', '10000 65535')):
        with open('/proc/sys/net/ipv4/' + name, 'w') as f:
            f.write(value)


def wait_until(condition, limit, what):
    end = time.monotonic() + limit
    while not condition():
        check(time.monotonic() < end, what + ' within %d s' % limit)
        time.sleep(0.05)


def answers(address, port):
    """Does somebody take a TCP connection?"""
    try:
        socket.create_connection((address, port), 1).close()
        return True
    except OSError:
        return False


def defaults():
    """What a shell has its background jobs ignore."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Process:
    """A server, in the VM or on Linux."""

    def __init__(self, words, folder=None, environment=None):
        self.output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=self.output,
                                        stderr=subprocess.STDOUT, preexec_fn=defaults)

    def said(self):
        self.output.seek(0)
        return self.output.read().decode(errors='replace')

    def wait_for(self, address, port, words=None, limit=30):
        """Till it takes connections, or has said the words."""
        def ready():
            check(self.process.poll() is None, 'the server ended with status %s' % self.process.returncode)
            return words in self.said() if words else answers(address, port)
        wait_until(ready, limit * SLOW, 'no server at port %d' % port)

    def stop(self, number=signal.SIGTERM, limit=30):
        """Its status after a signal; it must end by itself."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            raise Failure('not ended by signal %d' % number)

    def __enter__(self):
        return self

    def __exit__(self, kind, problem, trace):
        if self.process.poll() is None:
            self.process.terminate()  # and `aril run` with its QEMU, which lets go of the tap
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if problem is not None:
            said = self.said()
            print(''.join('# %s\n' % line[:300] for line in said.splitlines()[-15:]), end='')


def linux(words, folder=None, environment=None):
    return Process(words, folder, {**ENVIRONMENT, **(environment or {})})


def vm(words, folder=None, options=(), network=None, environment=None, memory='256M', before=()):
    """A program in the VM; network: options in place of an address on the tap; before: words before the command itself."""
    if network is None:
        network = ['--net', 'tap=' + TAP, '--ip', '%s/%d,%s' % (GUEST, PREFIX, HOST), '--ip', GUEST6 + '/64,' + HOST6]
    line = [os.path.join(BUILD, 'aril'), 'run', '--kernel', KERNEL, '--accel', ACCEL, '--cpus', CPUS, '-m', memory, '--timeout', '500', '--clean-env']
    for name, value in {**ENVIRONMENT, **(environment or {})}.items():
        line += ['-e', '%s=%s' % (name, value)]
    return Process(list(before) + line + list(network) + list(options) + list(words), folder)


def run_in_vm(words, limit=60, **more):
    """A program to its end: status and output."""
    with vm(words, **more) as p:
        try:
            status = p.process.wait(limit * SLOW)
        except subprocess.TimeoutExpired:
            raise Failure('the program does not end: ' + p.said()[-200:])
        return status, p.said()


@contextlib.contextmanager
def folder():
    path = tempfile.mkdtemp()
    os.chmod(path, 0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def missing(*programs):
    """The first program that is not here, or None."""
    path = ENVIRONMENT['PATH']
    return next((p for p in programs if not shutil.which(p, path=path)), None)


def main(cases, name, prepare=None):
    """Runs the cases (or those named by arguments) and prints a line for each; prepare() comes first."""
    wanted = sys.argv[1:]
    bad = 0
    set_up()
    if prepare:
        prepare()
    for case in cases:
        label = '%s.%s.%s.%s' % (name, case.__name__.replace('_', '-'), ACCEL, CPUS)
        if wanted and case.__name__.replace('_', '-') not in wanted:
            continue
        try:
            reason = case()
            print('skip %s - %s' % (label, reason) if reason else 'ok ' + label, flush=True)
        except (Failure, OSError, subprocess.SubprocessError, ValueError, EOFError) as e:
            bad += 1
            print('not ok %s - %s' % (label, str(e).replace('\n', ' | ')[:400] or type(e).__name__), flush=True)
    sys.exit(bad != 0)
