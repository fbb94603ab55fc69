# SPDX-License-Identifier: BSD-2-Clause
# terminal.py ARIL ACCEL PROGRAM [CASE...]: interactive programs in the VM, at a pseudo-terminal of this host. Every step waits for
# what must appear; a line for each case. PROGRAM is leaves_raw.c. With ACCEL "none" the programs run on this host, to try the steps.
import fcntl, os, pty, re, select, signal, struct, sys, termios, time

aril, accel, leaves_raw = sys.argv[1:4]
PATIENCE = int(os.environ.get("PATIENCE", 120))  # seconds for one step, on a machine that does much else
CTRL_A, CTRL_B, CTRL_C, CTRL_D, CTRL_K, CTRL_Z = b"\x01", b"\x02", b"\x03", b"\x04", b"\x0b", b"\x1a"
UP, ENTER, TAB = b"\x1b[A", b"\r", b"\t"


console = "/dev/pts/" if accel == "none" else "/dev/console"


class Failed(Exception):
    pass


class Terminal:
    """A program under aril run whose terminal is in our hands."""

    def __init__(self, *command):
        self.fd, self.slave = os.openpty()
        self.size(24, 80)
        self.before = termios.tcgetattr(self.slave)
        self.seen = b""
        self.all = b""
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
            for fd in range(3):
                os.dup2(self.slave, fd)
            os.closerange(3, 100)
            if accel != "none":
                command = [aril, "run", "--accel", accel, "--timeout", "400"] + list(command)
            os.execv(command[0], command)

    def size(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, what):
        os.write(self.fd, what)

    def interrupt(self, keys, pattern):
        """Types the keys until the pattern comes: Python and bash miss a signal that comes just before they wait, on Linux as well."""
        end = time.monotonic() + PATIENCE
        while True:
            self.type(keys)
            try:
                return self.expect(pattern, 15)
            except Failed:
                if time.monotonic() > end:
                    raise

    def expect(self, pattern, patience=PATIENCE):
        """Reads on until the pattern has come; what follows it stays for the next. Returns the match."""
        end = time.monotonic() + patience
        while True:
            match = re.search(pattern, self.seen)
            if match:
                self.seen = self.seen[match.end():]
                return match
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                raise Failed("%r did not come after %r" % (pattern, self.all[-400:]))
            new = os.read(self.fd, 4096)
            self.seen += new
            self.all += new

    def end(self, status):
        """The program ends with this status, and the terminal is as it was."""
        deadline = time.monotonic() + PATIENCE
        while True:
            pid, result = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > deadline:
                raise Failed("it does not end; %r" % self.all[-400:])
            if select.select([self.fd], [], [], 0.02)[0]:
                self.all += os.read(self.fd, 4096)
        self.pid = 0
        if os.waitstatus_to_exitcode(result) != status:
            raise Failed("status %d, not %d; %r" % (os.waitstatus_to_exitcode(result), status, self.all[-400:]))
        if termios.tcgetattr(self.slave) != self.before:
            raise Failed("the terminal's settings are not what they were")

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGHUP) # bash takes no notice of SIGTERM
            os.waitpid(self.pid, 0)
        os.close(self.fd)
        os.close(self.slave)


def python(t):
    prompt = rb">>> "
    t.expect(prompt)
    t.type(b"print(6 * 7)" + ENTER)
    t.expect(rb"\n42\r\n")
    t.expect(prompt)
    t.type(UP + ENTER)
    t.expect(rb"\n42\r\n")
    t.expect(prompt)
    t.type(b"rint(50 + 5)" + CTRL_A + b"p" + ENTER)
    t.expect(rb"\n55\r\n")
    t.expect(prompt)
    t.type(b"print(77)+junk" + CTRL_B * 5 + CTRL_K + ENTER)
    t.expect(rb"\n77\r\n")
    t.expect(prompt)
    t.type(b"str.upp" + TAB)
    t.expect(rb"upper\(")
    t.type(b"'abc')" + ENTER)
    t.expect(rb"'ABC'")
    t.expect(prompt)
    t.type(b"print(12\x7f34)" + ENTER)
    t.expect(rb"\n134\r\n")
    t.expect(prompt)
    t.type(b"import time; print('sleeping'); time.sleep(1000)" + ENTER)
    t.expect(rb"\nsleeping\r\n")
    t.interrupt(CTRL_Z + CTRL_C, rb"KeyboardInterrupt")
    t.expect(prompt)
    t.type(b"print('spinning')\nwhile True: pass\n\n")
    t.expect(rb"\nspinning\r\n")
    time.sleep(0.3)
    t.interrupt(CTRL_C, rb"KeyboardInterrupt")
    t.expect(prompt)
    t.type(b"discarded")
    t.expect(rb"discarded")
    t.interrupt(CTRL_C, rb"KeyboardInterrupt")
    t.expect(prompt)
    t.type(b"import getpass; p = getpass.getpass('Secret: ')" + ENTER)
    t.expect(rb"\nSecret: ")
    t.type(b"drowssap" + ENTER)
    if b"drowssap" in t.expect(rb"(?s).*>>> ").group(0):
        raise Failed("the password was echoed")
    t.type(b"p[::-1]" + ENTER)
    t.expect(rb"'password'")
    t.expect(prompt)
    t.type(b"import os, signal; os.get_terminal_size()" + ENTER)
    t.expect(rb"columns=80, lines=24")
    t.expect(prompt)
    t.type(b"x = signal.signal(signal.SIGWINCH, lambda *a: print('size', os.get_terminal_size()[:]))" + ENTER)
    t.expect(prompt)
    t.size(30, 100)
    t.type(b"1" + ENTER)
    t.expect(rb"size \(100, 30\)")
    t.type(b"os.ttyname(0), os.isatty(0), os.tcgetpgrp(0) == os.getpgrp(), open('/dev/tty', 'w').write('direct\\n')" + ENTER)
    t.expect(rb"direct")
    t.expect(console.encode() + rb"\d*', True, True, 7\)")
    t.expect(prompt)
    t.type(CTRL_D)
    t.end(0)


def node(t):
    prompt = rb"\x1b\[3G"
    t.expect(prompt)
    t.type(b"6 * 7" + ENTER)
    t.expect(rb"\n(\x1b\[\d*m)*42")
    t.expect(prompt)
    t.type(UP + ENTER)
    t.expect(rb"\n(\x1b\[\d*m)*42")
    t.expect(prompt)
    t.type(b"12\x7f34" + ENTER)
    t.expect(rb"\n(\x1b\[\d*m)*134")
    t.expect(prompt)
    t.type(b"console.log('spinning'); while (true);" + ENTER)
    t.expect(rb"\nspinning\r\n")
    time.sleep(0.3)
    t.type(CTRL_C)
    t.expect(rb"interrupted")
    t.expect(prompt)
    t.type(b"process.stdout.columns" + ENTER)
    t.expect(rb"[m\n]80\b")
    t.expect(prompt)
    t.type(b"process.stdout.on('resize', () => console.log(`size ${process.stdout.columns} ${process.stdout.rows}`)); 0" + ENTER)
    t.expect(prompt)
    t.size(30, 100)
    t.expect(rb"size 100 30")
    t.type(CTRL_C)
    t.expect(rb"To exit")
    t.type(CTRL_D)
    t.end(0)


def bash(t):
    prompt = rb"\$ |# "
    t.expect(prompt)
    t.type(b"echo a'b'c" + ENTER)
    t.expect(rb"\nabc\r\n|\rabc\r\n")
    t.expect(prompt)
    t.type(UP + b"d" + ENTER)
    t.expect(rb"[\r\n]abcd\r\n")
    t.expect(prompt)
    t.type(b"cho fro" + CTRL_A + b"e" + b"\x05nt" + ENTER)
    t.expect(rb"[\r\n]front\r\n")
    t.expect(prompt)
    t.type(b"ech" + TAB + b"tabbed" + ENTER)
    t.expect(rb"[\r\n]tabbed\r\n")
    t.expect(prompt)
    t.interrupt(b"echo not this" + CTRL_C, rb"(?s)\^C.*?(\$ |# )")
    t.type(b"echo spinning; while :; do :; done" + ENTER)
    t.expect(rb"[\r\n]spinning\r\n")
    t.type(CTRL_Z)
    t.expect(rb"\^Z")
    t.interrupt(CTRL_C, prompt)
    t.type(b"read -s -p 'Re'ady x; echo \"<$x>\"" + ENTER)
    t.expect(rb"Ready")
    t.type(b"hidden" + ENTER)
    if t.expect(rb"(?s).*<hidden>").group(0).count(b"hidden") != 1:
        raise Failed("what was typed is echoed")
    t.expect(prompt)
    t.size(30, 100)
    t.type(b"true" + ENTER)
    t.expect(prompt)
    t.type(b"echo $COLUMNS/$LINES" + ENTER)
    t.expect(rb"100/30")
    t.expect(prompt)
    t.type(CTRL_D)
    t.end(0)


def busybox(t):
    """No interrupt of a loop: on Linux, too, one in 20 is the end of this shell."""
    prompt = rb"# "
    t.expect(prompt)
    t.type(b"echo a'b'c" + ENTER)
    t.expect(rb"\nabc\r\n")
    t.expect(prompt)
    t.type(UP + b"d" + ENTER)
    t.expect(rb"\nabcd\r\n")
    t.expect(prompt)
    t.type(b"echo reading; read x; echo \"<$x>\"" + ENTER)
    t.expect(rb"\nreading\r\n")
    t.type(b"wrong\x15a word\x17line" + ENTER)
    t.expect(rb"<a line>")
    t.expect(prompt)
    t.type(b"exit 7" + ENTER)
    t.end(7)


def raw_left(t):
    t.expect(rb"raw\r\nlines\r\n")
    t.end(3)


def killed(t):
    t.expect(rb"raw\r\nlines\r\n")
    os.kill(t.pid, signal.SIGTERM)
    t.end(128 + signal.SIGTERM)


def killed_inside(t):
    """A key that is a signal, and no handler."""
    time.sleep(0.1)
    t.expect(rb"ready")
    t.type(CTRL_C)
    t.end(128 + signal.SIGINT)


wanted = sys.argv[4:]
status = 0
for case, command in (
    (python, ("/usr/bin/python3", "-q", "-i", "-c", "")),
    (node, ("/usr/bin/node", "-i")),
    (bash, ("/usr/bin/bash-static", "--norc", "-i")),
    (busybox, ("/usr/bin/busybox", "sh")),
    (raw_left, (leaves_raw,)),
    (killed, (leaves_raw, "wait")),
    (killed_inside, ("/usr/bin/bash-static", "-c", "echo ready; while :; do :; done")),
):
    name = "%s.%s" % (case.__name__, accel)
    if wanted and case.__name__ not in wanted:
        continue
    if not os.path.exists(command[0]):
        print("skip", name, "- no", command[0], "here", flush=True)
        continue
    terminal = Terminal(*command)
    try:
        case(terminal)
        print("ok", name, flush=True)
    except (Failed, OSError) as e:
        print("not ok", name, "-", e, flush=True)
        status = 1
    terminal.close()
sys.exit(status)
