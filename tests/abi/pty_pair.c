/* SPDX-License-Identifier: BSD-2-Clause */
/* Pseudo-terminals: opening, locks, names, what either side sees when the other closes. */
#include "pty.h"
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

static void show_poll(const char *what, int fd)
{
    printf("%s: %x\n", what, poll_now(fd));
}

static void names(void)
{
    char path[64], name[64];
    struct statfs fs;
    struct stat a, b;
    long n;

    open_pair(O_RDWR | O_NOCTTY);
    SHOW(fstat(slave, &a));
    SHOW(stat(pts_name(master), &b));
    printf("character device %d, major %d, minor is number %d, same %d\n", S_ISCHR(a.st_mode), major(a.st_rdev),
           minor(a.st_rdev) == (unsigned)atoi(pts_name(master) + 9), a.st_ino == b.st_ino && a.st_dev == b.st_dev);
    printf("inode number - minor: %d\n", (int)a.st_ino - (int)minor(a.st_rdev));
    SHOW(fstat(master, &a));
    printf("master %d:%d\n", major(a.st_rdev), minor(a.st_rdev));
    SHOW(statfs("/dev/pts", &fs));
    printf("type %lx, name length %ld\n", (long)fs.f_type, (long)fs.f_namelen);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", slave);
    n = readlink(path, name, sizeof(name) - 1);
    name[n] = 0;
    printf("name in /proc %d\n", !strcmp(name, pts_name(master)));
    printf("ttyname %d\n", !strcmp(ttyname(slave), pts_name(master)));
    CALL("chmod", chmod(pts_name(master), 0600));
    CALL("chown", chown(pts_name(master), 12, 13));
    SHOW(fstat(slave, &a));
    printf("mode %o owner %d group %d links %d\n", a.st_mode, a.st_uid, a.st_gid, (int)a.st_nlink);
    SHOW(isatty(slave));
    SHOW(isatty(master));
    SHOW(open("/dev/pts/made", O_CREAT | O_RDWR, 0600));
    SHOW(mkdir("/dev/pts/made", 0700));
    CALL("unlink", unlink(pts_name(master)));
    CALL("open no such", open("/dev/pts/99999", O_RDWR));
    strcpy(name, pts_name(master));
    SHOW(close(master));
    CALL("stat after close", stat(name, &a));
    SHOW(fstat(slave, &a));
    printf("links %d\n", (int)a.st_nlink);
    close(slave);
}

static void locks(void)
{
    int one = 1, zero = 0, value = -1;

    SHOW(master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK));
    SHOW(ioctl(master, TIOCGPTLCK, &value));
    printf("locked %d\n", value);
    CALL("open locked", open(pts_name(master), O_RDWR | O_NOCTTY));
    SHOW(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
    SHOW(ioctl(master, TIOCSPTLCK, &zero));
    SHOW(ioctl(master, TIOCGPTLCK, &value));
    printf("locked %d\n", value);
    SHOW(slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    SHOW(fcntl(slave, F_GETFD));
    SHOW(fcntl(slave, F_GETFL) & O_ACCMODE);
    printf("peer is a terminal: %d\n", isatty(slave));
    SHOW(ioctl(master, TIOCSPTLCK, &one));
    write(slave, "still\n", 6);
    show_master("of the one that is open");
    SHOW(ioctl(slave, TIOCGPTN, &value));
    SHOW(ioctl(slave, TIOCSPTLCK, &zero));
    SHOW(ioctl(slave, TIOCGPTPEER, O_RDWR));
    SHOW(ioctl(master, TIOCGPTN, BAD));
    SHOW(ioctl(master, TIOCSPTLCK, BAD));
    close_pair();
}

static void slave_closes(void)
{
    int again, zero = 0;

    SHOW(master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK));
    show_poll("never opened", master);
    show_master("never opened");
    SHOW(write(master, "early\n", 6));
    SHOW(ioctl(master, TIOCSPTLCK, &zero));
    SHOW(slave = open(pts_name(master), O_RDWR | O_NOCTTY | O_NONBLOCK));
    sleep_ms(50);
    show_master("echo of what was typed before");
    show_slave("and the line", 100);
    close_pair();

    open_pair(O_RDWR | O_NOCTTY | O_NONBLOCK);
    type("before\n");
    again = dup(slave);
    write(slave, "last\n", 5);
    show_poll("both open", master);
    close(slave);
    show_poll("one left", master);
    slave = again;
    close(slave);
    show_poll("all closed", master);
    show_master("all closed");
    show_master("and then");
    show_poll("nothing left", master);
    SHOW(write(master, "typed\n", 6));
    sleep_ms(20);
    SHOW(slave = open(pts_name(master), O_RDWR | O_NOCTTY | O_NONBLOCK));
    show_poll("open again", master);
    show_master("open again");
    show_slave("a line", 100);
    show_slave("a line", 100);
    show_slave("a line", 100);
    close_pair();
}

static void master_closes(void)
{
    struct termios t;
    char byte;
    int n;

    open_pair(O_RDWR | O_NOCTTY | O_NONBLOCK);
    type("unread\n");
    SHOW(close(master));
    show_poll("slave", slave);
    SHOW(read(slave, &byte, 1));
    SHOW(write(slave, &byte, 1));
    SHOW(write(slave, &byte, 0));
    SHOW(tcgetattr(slave, &t));
    SHOW(ioctl(slave, TIOCGPGRP, &n));
    SHOW(ioctl(slave, TIOCSPGRP, &n));
    SHOW(ioctl(slave, FIONREAD, &n));
    SHOW(ioctl(slave, FIONBIO, &n));
    SHOW(isatty(slave));
    SHOW(close(slave));
}

static void poll_and_epoll(void)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.fd = 7};
    int ep = epoll_create1(0);

    open_pair(O_RDWR | O_NOCTTY | O_NONBLOCK);
    show_poll("slave", slave);
    show_poll("master", master);
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, slave, &e));
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, master, &e));
    type("no line yet");
    show_poll("slave", slave);
    show_poll("master", master);
    show_master("echo");
    CALL("epoll_wait", epoll_wait(ep, &e, 1, 0) >= 0);
    type("\n");
    show_poll("slave", slave);
    CALL("epoll_wait", epoll_wait(ep, &e, 1, 1000));
    show_slave("line", 100);
    show_poll("slave", slave);
    close(ep);
    close_pair();
}

static void drain(int fd, long all)
{
    static char bytes[300000];
    long n = 0;

    settle();
    while (n < all) {
        long part = read(fd, bytes, sizeof(bytes));

        if (part < 0 && errno == EAGAIN)
            settle();
        else if (part <= 0)
            break;
        else
            n += part;
    }
    printf("came through: %d\n", n == all);
}

static void full(void)
{
    static char bytes[300000];
    long all = 0, n;

    open_pair(O_RDWR | O_NOCTTY | O_NONBLOCK);
    set_mode(0, 0, 0, OPOST, 0, ECHO);
    memset(bytes, 'x', sizeof(bytes));
    while ((n = write(slave, bytes, sizeof(bytes))) > 0)
        all += n;
    printf("slave full: %s, enough %d\n", strerrorname_np(errno), all >= 8192 && all < 200000);
    printf("slave can write: %d\n", !!(poll_now(slave) & POLLOUT));
    drain(master, all);
    printf("slave can write: %d\n", !!(poll_now(slave) & POLLOUT));

    set_local(0, ICANON);
    all = 0;
    while ((n = write(master, bytes, sizeof(bytes))) > 0) {
        all += n;
        settle();
    }
    printf("master full: %s, enough %d\n", strerrorname_np(errno), all >= 8192 && all < 200000);
    printf("master can write: %d\n", !!(poll_now(master) & POLLOUT));
    drain(slave, all);
    printf("master can write: %d\n", !!(poll_now(master) & POLLOUT));
    close_pair();
}

static void many(void)
{
    enum { COUNT = 300 };
    static int fd[COUNT];
    unsigned highest = 0, number;
    int opened = 0;

    for (int k = 0; k < COUNT; k++) {
        int zero = 0, s;

        fd[k] = open("/dev/ptmx", O_RDWR | O_NOCTTY);
        if (fd[k] < 0)
            break;
        ioctl(fd[k], TIOCGPTN, &number);
        highest = number > highest ? number : highest;
        ioctl(fd[k], TIOCSPTLCK, &zero);
        s = open(pts_name(fd[k]), O_RDWR | O_NOCTTY);
        opened += s >= 0 && write(s, "x", 1) == 1;
        close(s);
    }
    printf("%d pairs, numbers high enough %d\n", opened, highest >= COUNT - 1);
    for (int k = 0; k < COUNT; k++)
        close(fd[k]);
}

/* What a stopped terminal has still to echo is in none of the queues that tcflush(3) empties. */
static void pending_echo(void)
{
    static const int queues[] = {TCOFLUSH, TCIFLUSH, TCIOFLUSH};

    for (int i = 0; i < 3; i++) {
        open_pair(O_RDWR | O_NOCTTY | O_NONBLOCK);
        SHOW(ioctl(slave, TCXONC, TCOOFF));
        SHOW(write(master, "typed", 5));
        settle();
        SHOW(tcflush(slave, queues[i]));
        SHOW(ioctl(slave, TCXONC, TCOON));
        SHOW(write(master, "more", 4));
        show_master("echoed");
        close_pair();
    }
}

int main(void)
{
    setsid();
    locks();
    names();
    slave_closes();
    master_closes();
    poll_and_epoll();
    pending_echo();
    full();
    many();
    return 0;
}
