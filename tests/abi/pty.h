/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests of terminals: a pair of the program's own, and what comes out of each side in a readable form. */
#ifndef ABI_PTY_H
#define ABI_PTY_H

#include "abi.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>

static int master = -1, slave = -1;

static inline const char *pts_name(int fd)
{
    static char name[32];
    unsigned n = 0;

    ioctl(fd, TIOCGPTN, &n);
    snprintf(name, sizeof(name), "/dev/pts/%u", n);
    return name;
}

/* flags for the slave, which is non-blocking if they say so; the master always is. */
static inline void open_pair(int flags)
{
    int zero = 0;

    master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
    ioctl(master, TIOCSPTLCK, &zero);
    slave = open(pts_name(master), flags);
    if (master < 0 || slave < 0)
        printf("no pair: %s\n", strerrorname_np(errno));
}

static inline void close_pair(void)
{
    close(slave);
    close(master);
}

static inline int poll_now(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI};

    poll(&p, 1, 0);
    return p.revents;
}

/* On Linux the bytes are on their way in a thread of the kernel's: until nothing has changed for a while. */
static inline void settle(void)
{
    int before[2] = {-1, -1}, now[2] = {0, 0};

    for (int same = 0; same < 6; same++) {
        poll_now(slave);
        poll_now(master);
        ioctl(slave, FIONREAD, &now[0]);
        ioctl(master, FIONREAD, &now[1]);
        if (memcmp(before, now, sizeof(now)))
            same = 0;
        memcpy(before, now, sizeof(now));
        sleep_ms(3);
    }
}

static inline void print_bytes(const char *what, const char *bytes, long n, int error)
{
    printf("%s: ", what);
    if (n < 0)
        printf("%s", strerrorname_np(error));
    else
        printf("%ld \"", n);
    for (long i = 0; i < n; i++) {
        unsigned char c = bytes[i];
        long same = i;

        while (same < n && bytes[same] == bytes[i])
            same++;
        if (c < ' ' || c > '~')
            printf("\\%03o", c);
        else
            putchar(c);
        if (same - i > 16) {
            printf("{%ld}", same - i);
            i = same - 1;
        }
    }
    printf(n < 0 ? "\n" : "\"\n");
    fflush(stdout);
}

/* All that the master has now. */
static inline void show_master(const char *what)
{
    static char bytes[200000];
    long n, all = 0;

    settle();
    while ((n = read(master, bytes + all, sizeof(bytes) - all)) > 0)
        all += n;
    print_bytes(what, bytes, all ? all : n, errno);
}

/* One read of the slave. */
static inline void show_slave(const char *what, long size)
{
    static char bytes[200000];
    long n;

    settle();
    n = read(slave, bytes, size);
    print_bytes(what, bytes, n, errno);
}

static inline void type_bytes(const char *bytes, long n)
{
    long done = write(master, bytes, n);

    if (done != n)
        printf("typed %ld of %ld\n", done, n);
    settle();
}

static inline void type(const char *text)
{
    type_bytes(text, strlen(text));
}

static inline void set_mode(int on_i, int off_i, int on_o, int off_o, int on_l, int off_l)
{
    struct termios t;

    tcgetattr(slave, &t);
    t.c_iflag = (t.c_iflag | on_i) & ~off_i;
    t.c_oflag = (t.c_oflag | on_o) & ~off_o;
    t.c_lflag = (t.c_lflag | on_l) & ~off_l;
    if (tcsetattr(slave, TCSANOW, &t))
        printf("tcsetattr: %s\n", strerrorname_np(errno));
}

static inline void set_input(int on, int off)
{
    set_mode(on, off, 0, 0, 0, 0);
}

static inline void set_output(int on, int off)
{
    set_mode(0, 0, on, off, 0, 0);
}

static inline void set_local(int on, int off)
{
    set_mode(0, 0, 0, 0, on, off);
}

static inline void set_char(int index, int c)
{
    struct termios t;

    tcgetattr(slave, &t);
    t.c_cc[index] = c;
    tcsetattr(slave, TCSANOW, &t);
}

static inline void show_mode(int fd)
{
    struct termios t;

    memset(&t, 0, sizeof(t));
    CALL("tcgetattr", tcgetattr(fd, &t));
    printf("i %o o %o c %o l %o line %d speeds %o %o, characters", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag, t.c_line,
           cfgetispeed(&t), cfgetospeed(&t));
    for (int k = 0; k < 19; k++)
        printf(" %d", t.c_cc[k]);
    printf("\n");
}

#endif
