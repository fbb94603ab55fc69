/* SPDX-License-Identifier: BSD-2-Clause */
/* Terminals and sessions: controlling terminals, foreground groups, keys that are signals, hang-up, sizes, packet mode. */
#include "pty.h"

static volatile int got[65];

static void on_signal(int signo)
{
    got[signo]++;
}

/* Byte by byte: a key that is a signal also drops output that is still on its way. */
static void type_slowly(const char *text)
{
    for (; *text; text++)
        type_bytes(text, 1);
}

static void show_signals(void)
{
    static const struct {
        int signo;
        const char *name;
    } all[] = {{SIGHUP, "HUP"}, {SIGINT, "INT"}, {SIGQUIT, "QUIT"}, {SIGTSTP, "TSTP"}, {SIGCONT, "CONT"}, {SIGWINCH, "WINCH"}};

    settle();
    printf("signals:");
    for (unsigned k = 0; k < sizeof(all) / sizeof(all[0]); k++) {
        if (got[all[k].signo])
            printf(" %s %d", all[k].name, got[all[k].signo]);
        got[all[k].signo] = 0;
    }
    puts("");
}

static void catch_signals(void)
{
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH};

    for (unsigned k = 0; k < sizeof(signals) / sizeof(signals[0]); k++)
        sigaction(signals[k], &sa, NULL);
}

/* Fields of /proc/self/stat behind the session: terminal and foreground group. */
static void show_stat(void)
{
    char text[1000], *p;
    int parent, group, session, terminal = -2, foreground = -2, fd = open("/proc/self/stat", O_RDONLY);
    long n = read(fd, text, sizeof(text) - 1);

    close(fd);
    text[n] = 0;
    p = strrchr(text, ')');
    sscanf(p + 4, "%d %d %d %d %d", &parent, &group, &session, &terminal, &foreground);
    printf("stat: terminal %d, foreground %s\n", terminal >> 8, foreground == group ? "group" : foreground == -1 ? "none" : "other");
}

static void none(void)
{
    int n = 7;

    puts("-- no terminal");
    SHOW(open("/dev/tty", O_RDWR));
    show_stat();
    open_pair(O_RDWR | O_NOCTTY | O_NONBLOCK);
    SHOW(open("/dev/tty", O_RDWR));
    SHOW(ioctl(slave, TIOCGPGRP, &n));
    SHOW(ioctl(slave, TIOCGSID, &n));
    SHOW(ioctl(master, TIOCGPGRP, &n));
    printf("%d\n", n);
    SHOW(ioctl(master, TIOCGSID, &n));
    n = getpid();
    SHOW(ioctl(slave, TIOCSPGRP, &n));
    SHOW(ioctl(master, TIOCSPGRP, &n));
    SHOW(ioctl(slave, TIOCNOTTY));
    SHOW(ioctl(master, TIOCNOTTY));
    type_slowly("\003\034\032");
    show_signals();
    show_master("echo");
    close_pair();
}

static void controlling(void)
{
    int n = 0, tty;

    puts("-- opened without O_NOCTTY");
    open_pair(O_RDWR | O_NONBLOCK);
    show_stat();
    SHOW(ioctl(slave, TIOCGPGRP, &n));
    printf("own group %d\n", n == getpgrp());
    SHOW(ioctl(slave, TIOCGSID, &n));
    printf("own session %d\n", n == getsid(0));
    SHOW(ioctl(master, TIOCGPGRP, &n));
    printf("own group %d\n", n == getpgrp());
    SHOW(ioctl(master, TIOCGSID, &n));
    printf("own session %d\n", n == getsid(0));
    SHOW(ioctl(slave, TIOCGPGRP, BAD));
    SHOW(tty = open("/dev/tty", O_RDWR | O_NONBLOCK));
    write(tty, "by its name\n", 12);
    show_master("written");
    SHOW(ioctl(tty, TIOCGDEV, &n));
    printf("%d\n", n >> 8 & 0xff);
    close(tty);

    puts("-- foreground group");
    n = getpgrp();
    SHOW(ioctl(slave, TIOCSPGRP, &n));
    SHOW(ioctl(master, TIOCSPGRP, &n));
    n = -1;
    SHOW(ioctl(slave, TIOCSPGRP, &n));
    n = 4194303;
    SHOW(ioctl(slave, TIOCSPGRP, &n));
    SHOW(ioctl(slave, TIOCSPGRP, BAD));
    SHOW(setpgid(0, 0));
    SHOW(setsid());

    puts("-- TIOCSCTTY");
    SHOW(ioctl(slave, TIOCSCTTY, 0));
    SHOW(ioctl(master, TIOCSCTTY, 0));
}

static void keys(void)
{
    puts("-- keys");
    type("\003");
    show_signals();
    show_master("echo");
    type_slowly("abc\034def\n");
    show_signals();
    show_slave("line", 100);
    show_master("echo");
    type("\032");
    show_signals();
    set_local(NOFLSH, 0);
    type_slowly("abc\003def\n");
    show_signals();
    show_slave("line", 100);
    set_local(0, NOFLSH | ICANON);
    type_slowly("x\003y");
    show_signals();
    show_slave("bytes", 100);
    set_local(0, ISIG);
    type_slowly("x\003y");
    show_signals();
    show_slave("bytes", 100);
    set_local(ISIG | ICANON, 0);
    set_char(VINTR, 'i');
    type_slowly("\003i");
    show_signals();
    show_slave("line", 100);
    set_char(VINTR, 3);
    type("\023");
    SHOW(write(slave, "x", 1));
    type("\003");
    SHOW(write(slave, "x", 1));
    show_signals();
    tcflush(slave, TCIFLUSH);
    SHOW(ioctl(master, TIOCSIG, SIGINT));
    SHOW(ioctl(master, TIOCSIG, SIGQUIT));
    SHOW(ioctl(master, TIOCSIG, SIGTERM));
    SHOW(ioctl(slave, TIOCSIG, SIGINT));
    show_signals();
    signal(SIGTSTP, SIG_DFL);
    type("\032");
    puts("not stopped");
    catch_signals();
    show_master("echo");
}

static void show_size(int fd)
{
    struct winsize w;

    CALL("TIOCGWINSZ", ioctl(fd, TIOCGWINSZ, &w));
    printf("%d x %d, %d x %d\n", w.ws_col, w.ws_row, w.ws_xpixel, w.ws_ypixel);
}

static void sizes(void)
{
    struct winsize w = {.ws_row = 24, .ws_col = 80};

    puts("-- sizes");
    show_size(slave);
    SHOW(ioctl(slave, TIOCSWINSZ, &w));
    show_signals();
    SHOW(ioctl(slave, TIOCSWINSZ, &w));
    show_signals();
    show_size(master);
    w.ws_xpixel = 640;
    SHOW(ioctl(master, TIOCSWINSZ, &w));
    show_signals();
    show_size(slave);
    SHOW(ioctl(slave, TIOCSWINSZ, BAD));
    SHOW(ioctl(slave, TIOCGWINSZ, BAD));
}

static void more(void)
{
    int other, n = 1;
    char c = 'q';

    puts("-- TIOCSTI, TIOCEXCL");
    SHOW(ioctl(slave, TIOCEXCL));
    SHOW(ioctl(slave, TIOCGEXCL, &n));
    printf("%d\n", n);
    CALL("open by root", other = open(pts_name(master), O_RDWR | O_NOCTTY));
    close(other);
    SHOW(seteuid(1000));
    CALL("open by another", open("/dev/tty", O_RDWR));
    SHOW(seteuid(0));
    SHOW(ioctl(slave, TIOCNXCL));
    SHOW(ioctl(slave, TIOCGEXCL, &n));
    printf("%d\n", n);
    SHOW(ioctl(slave, TIOCSTI, &c));
    c = '\n';
    SHOW(ioctl(slave, TIOCSTI, &c));
    SHOW(ioctl(slave, TIOCSTI, BAD));
    show_slave("typed by itself", 10);
    SHOW(ioctl(master, TIOCSTI, &c));
    show_master("and at the master");
}

static void packets(void)
{
    int n = 1;

    puts("-- packet mode");
    SHOW(ioctl(master, TIOCPKT, BAD));
    SHOW(ioctl(master, TIOCPKT, &n));
    n = 7;
    SHOW(ioctl(master, TIOCGPKT, &n));
    printf("%d\n", n);
    SHOW(ioctl(slave, TIOCPKT, &n));
    show_master("nothing");
    write(slave, "data", 4);
    show_master("data");
    write(slave, "data", 4);
    settle();
    print_bytes("a byte", "", read(master, &n, 1), errno);
    show_master("the rest");
    type("\023");
    printf("poll %x\n", poll_now(master));
    show_master("stopped");
    type("\021");
    show_master("started");
    type("\023\021");
    show_master("both");
    set_input(0, IXON);
    show_master("no flow control");
    set_input(IXON, 0);
    show_master("flow control");
    tcflush(slave, TCIFLUSH);
    show_master("input flushed");
    tcflush(slave, TCOFLUSH);
    show_master("output flushed");
    type("\003");
    show_signals();
    write(slave, "x", 1);
    settle();
    show_master("both and an echo");
    set_local(EXTPROC, 0);
    show_master("EXTPROC");
    set_local(0, EXTPROC);
    show_master("no EXTPROC");
    set_local(0, ECHO);
    show_master("no ECHO");
    n = 0;
    SHOW(ioctl(master, TIOCPKT, &n));
    write(slave, "plain", 5);
    show_master("off");
    set_local(ECHO, 0);
}

static void ends(void)
{
    int n;

    puts("-- TIOCNOTTY");
    SHOW(ioctl(slave, TIOCNOTTY));
    show_signals();
    show_stat();
    SHOW(open("/dev/tty", O_RDWR));
    SHOW(ioctl(slave, TIOCGSID, &n));
    SHOW(ioctl(slave, TIOCSCTTY, 0));
    SHOW(ioctl(slave, TIOCGSID, &n));
    puts("-- hang-up");
    SHOW(close(master));
    master = -1;
    show_signals();
    show_stat();
    SHOW(open("/dev/tty", O_RDWR));
    close(slave);
    puts("-- the slave closes");
    open_pair(O_RDWR | O_NONBLOCK);
    show_stat();
    SHOW(close(slave));
    show_stat();
    SHOW(slave = open("/dev/tty", O_RDWR | O_NONBLOCK));
    type("again\n");
    show_slave("line", 100);
    close(slave);
    close(master);
    slave = -1;
    show_signals();
    show_stat();
    puts("-- TIOCSCTTY and read access");
    open_pair(O_WRONLY | O_NOCTTY | O_NONBLOCK);
    SHOW(ioctl(slave, TIOCSCTTY, 0));
    show_stat();
    close_pair();
    show_signals();
    open_pair(O_WRONLY | O_NONBLOCK);
    show_stat();
    close_pair();
    puts("-- the master");
    open_pair(O_RDWR | O_NOCTTY | O_NONBLOCK);
    SHOW(ioctl(master, TIOCSCTTY, 0));
    show_stat();
    SHOW(ioctl(slave, TIOCGSID, &n));
    close_pair();
}

int main(void)
{
    setsid();
    catch_signals();
    none();
    controlling();
    keys();
    sizes();
    more();
    packets();
    ends();
    return 0;
}
