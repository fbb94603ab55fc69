/* SPDX-License-Identifier: BSD-2-Clause */
/* Terminals: output processing, flow control, queues and breaks, the ways to set a mode. */
/* The kernel's termios2 beside the C library's termios. */
#define termios kernel_termios
#include <asm/termbits.h>
#undef termios
#include "pty.h"

static void output(const char *what)
{
    SHOW(write(slave, "ab\ncd\re\r\rf\tg\b\th\r\n\tIjK\303\244\tx\001\t\n", 28));
    show_master(what);
    SHOW(write(slave, "", 1));
    show_master("NUL");
}

static void outputs(void)
{
    open_pair(O_RDWR | O_NOCTTY | O_NONBLOCK);
    output("ONLCR");
    set_output(0, ONLCR);
    output("no ONLCR");
    set_output(OCRNL, 0);
    output("OCRNL");
    set_output(ONLRET, 0);
    output("OCRNL ONLRET");
    set_output(0, OCRNL);
    output("ONLRET");
    set_output(ONOCR, ONLRET);
    output("ONOCR");
    set_output(XTABS, ONOCR);
    output("XTABS");
    set_input(IUTF8, 0);
    output("XTABS IUTF8");
    set_output(OLCUC, XTABS);
    output("OLCUC");
    set_output(0, OPOST);
    output("no OPOST");
    close_pair();
}

static void flow(void)
{
    char byte;

    puts("-- flow control");
    open_pair(O_RDWR | O_NOCTTY | O_NONBLOCK);
    type("\023");
    printf("poll %x\n", poll_now(slave));
    SHOW(write(slave, "x", 1));
    type("abc");
    show_master("stopped");
    type("\021");
    show_master("started");
    SHOW(write(slave, "y", 1));
    show_master("written");
    type("\023d");
    SHOW(write(slave, "x", 1));
    set_input(IXANY, 0);
    type("e");
    show_master("started by any");
    type("\023");
    SHOW(write(slave, "x", 1));
    set_input(0, IXON);
    SHOW(write(slave, "z", 1));
    show_master("IXON off");
    type("\023\021");
    show_master("plain characters");
    set_input(IXON, IXANY);
    tcflush(slave, TCIOFLUSH);

    SHOW(ioctl(slave, TCXONC, TCOOFF));
    SHOW(write(slave, "x", 1));
    type("\021");
    SHOW(write(slave, "x", 1));
    set_input(0, IXON);
    set_input(IXON, 0);
    SHOW(write(slave, "x", 1));
    SHOW(ioctl(slave, TCXONC, TCOON));
    SHOW(write(slave, "w", 1));
    show_master("held and let go");
    type("\023");
    SHOW(ioctl(slave, TCXONC, TCOON));
    SHOW(write(slave, "w", 1));
    type("\021");
    SHOW(ioctl(slave, TCXONC, TCIOFF));
    SHOW(ioctl(slave, TCXONC, TCION));
    show_master("stop and start for the other side");
    set_char(VSTOP, 0);
    SHOW(ioctl(slave, TCXONC, TCIOFF));
    show_master("no such character");
    SHOW(ioctl(slave, TCXONC, 4));
    SHOW(ioctl(slave, TCXONC, -1));
    type("\023");
    show_master("VSTOP disabled");
    SHOW(ioctl(master, TCXONC, TCOOFF));
    SHOW(write(master, "q", 1));
    SHOW(ioctl(master, TCXONC, TCOON));
    SHOW(write(master, "q", 1));
    show_master("echo");
    set_char(VSTOP, 19);
    SHOW(ioctl(master, TCXONC, TCIOFF));
    settle();
    SHOW(write(slave, &byte, 1));
    SHOW(ioctl(master, TCXONC, TCION));
    settle();
    SHOW(write(slave, "v", 1));
    show_master("started from there");
    close_pair();
}

static void queues(void)
{
    int n = -1;

    puts("-- queues");
    open_pair(O_RDWR | O_NOCTTY | O_NONBLOCK);
    write(slave, "12345", 5);
    settle();
    SHOW(ioctl(slave, TIOCOUTQ, &n));
    printf("%d\n", n);
    SHOW(ioctl(master, FIONREAD, &n));
    printf("%d\n", n);
    SHOW(ioctl(master, TIOCOUTQ, &n));
    printf("%d\n", n);
    SHOW(ioctl(slave, TCFLSH, TCOFLUSH));
    show_master("flushed at the slave");
    write(slave, "12345", 5);
    settle();
    SHOW(ioctl(master, TCFLSH, TCIFLUSH));
    show_master("flushed at the master");
    type("abc\n");
    SHOW(ioctl(master, TCFLSH, TCOFLUSH));
    show_slave("typed before", 10);
    type("abc\n");
    SHOW(ioctl(slave, TCFLSH, TCIFLUSH));
    show_slave("flushed", 10);
    SHOW(ioctl(slave, TCFLSH, 3));
    SHOW(ioctl(slave, TCSBRK, 0));
    SHOW(ioctl(slave, TCSBRK, 1));
    SHOW(ioctl(slave, TCSBRKP, 0));
    SHOW(ioctl(slave, TIOCSBRK));
    SHOW(ioctl(slave, TIOCCBRK));
    SHOW(tcdrain(slave));
    show_master("echo and breaks");
    SHOW(ioctl(slave, FIONREAD, BAD));
    SHOW(ioctl(slave, TIOCOUTQ, BAD));

    n = 'q';
    SHOW(ioctl(slave, TIOCGETD, &n));
    printf("%d\n", n);
    SHOW(ioctl(slave, TIOCSETD, &n));
    n = 99;
    SHOW(ioctl(slave, TIOCSETD, &n));
    SHOW(ioctl(slave, TIOCSETD, BAD));
    SHOW(ioctl(slave, TIOCMGET, &n));
    SHOW(ioctl(slave, TIOCGSERIAL, &n));
    SHOW(ioctl(slave, 0x54ff, &n));
    SHOW(ioctl(master, 0x54ff, &n));
    close_pair();
}

static void show_termios2(int fd)
{
    struct termios2 t;

    memset(&t, 0, sizeof(t));
    CALL("TCGETS2", ioctl(fd, TCGETS2, &t));
    printf("i %o o %o c %o l %o speeds %u %u\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag, t.c_ispeed, t.c_ospeed);
}

static void modes(void)
{
    struct termios2 t;
    struct termio old;
    int on = 1;

    puts("-- modes");
    open_pair(O_RDWR | O_NOCTTY | O_NONBLOCK);
    show_termios2(slave);
    show_termios2(master);
    ioctl(slave, TCGETS2, &t);
    t.c_cflag = B9600 | CS7 | PARENB | CSTOPB;
    t.c_line = 3;
    SHOW(ioctl(slave, TCSETS2, &t));
    show_termios2(slave);
    t.c_cflag = BOTHER | CS8;
    t.c_ospeed = 12345;
    t.c_ispeed = 777;
    SHOW(ioctl(slave, TCSETSW2, &t));
    show_termios2(slave);
    t.c_cflag = BOTHER | B300 << IBSHIFT;
    SHOW(ioctl(slave, TCSETS2, &t));
    show_termios2(slave);
    t.c_cflag = B4000000 | BOTHER << IBSHIFT;
    t.c_ispeed = 4242;
    SHOW(ioctl(slave, TCSETS2, &t));
    show_termios2(slave);
    t.c_cflag = B115200 | B0 << IBSHIFT;
    SHOW(ioctl(master, TCSETS2, &t));
    show_termios2(slave);
    t.c_cflag = B0;
    SHOW(ioctl(slave, TCSETS, &t));
    show_termios2(slave);
    type("typed\n");
    SHOW(ioctl(slave, TCSETSF, &t));
    show_slave("flushed", 10);
    type("typed\n");
    SHOW(ioctl(master, TCSETSF2, &t));
    show_slave("flushed from the master", 10);
    t.c_iflag = t.c_oflag = t.c_lflag = 0;
    t.c_iflag = 0xffffffff;
    SHOW(ioctl(slave, TCSETS, &t));
    show_termios2(slave);
    memset(&old, 0, sizeof(old));
    SHOW(ioctl(slave, TCGETA, &old));
    printf("%o %o %o %o %d, %d %d\n", old.c_iflag, old.c_oflag, old.c_cflag, old.c_lflag, old.c_line, old.c_cc[VINTR],
           old.c_cc[VTIME]);
    old.c_iflag = ICRNL;
    old.c_lflag = ICANON | ECHO;
    old.c_cc[VINTR] = 7;
    SHOW(ioctl(slave, TCSETA, &old));
    SHOW(ioctl(slave, TCSETAW, &old));
    SHOW(ioctl(slave, TCSETAF, &old));
    show_termios2(slave);
    SHOW(ioctl(slave, TCGETS, BAD));
    SHOW(ioctl(slave, TCGETS2, BAD));
    SHOW(ioctl(slave, TCGETA, BAD));
    SHOW(ioctl(slave, TCSETS, BAD));
    SHOW(ioctl(slave, TCSETSW2, BAD));
    SHOW(ioctl(slave, TCSETAF, BAD));
    SHOW(ioctl(slave, TIOCSSOFTCAR, &on));
    on = 5;
    SHOW(ioctl(slave, TIOCGSOFTCAR, &on));
    printf("%d\n", on);
    show_termios2(slave);
    close_pair();
}

int main(void)
{
    setsid();
    outputs();
    flow();
    queues();
    modes();
    return 0;
}
