/* SPDX-License-Identifier: BSD-2-Clause */
/* Terminals in canonical mode: editing, echo, mapping of what is typed, ends of lines; every flag of termios(3) for it. */
#include "pty.h"

static void lines(void)
{
    static char text[9000];
    int n;

    puts("-- lines");
    open_pair(O_RDWR | O_NOCTTY | O_NONBLOCK);
    show_mode(slave);
    show_mode(master);
    type("one\ntwo\nthree");
    show_master("echo");
    SHOW(ioctl(slave, FIONREAD, &n));
    printf("count %d\n", n);
    show_slave("first", 100);
    show_slave("part of the second", 2);
    show_slave("its rest", 100);
    show_slave("no line", 100);
    SHOW(read(slave, text, 0));
    type("\r");
    show_slave("third", 100);
    type("\004");
    show_slave("end of file", 100);
    show_slave("once", 100);
    type("abc\004def\n");
    SHOW(ioctl(slave, FIONREAD, &n));
    printf("count %d\n", n);
    show_slave("pushed", 100);
    show_slave("the rest", 100);
    type("abc\004");
    show_slave("exactly", 3);
    show_slave("not an end", 3);
    type("abc\004xyz\n");
    show_slave("shorter", 2);
    show_slave("shorter", 2);
    show_slave("shorter", 2);
    show_slave("shorter", 4);
    show_master("echo of all");
    set_char(VEOL, ';');
    set_char(VEOL2, ':');
    type("a;b:c\n");
    show_slave("to VEOL", 100);
    show_slave("to VEOL2", 100);
    show_slave("to newline", 100);
    set_local(0, IEXTEN);
    type("a;b:c\n");
    show_slave("to VEOL", 100);
    show_slave("to newline", 100);
    show_master("echo");
    set_local(IEXTEN, 0);

    memset(text, 'y', sizeof(text));
    type_bytes(text, 5000);
    show_slave("a long line", 10000);
    SHOW(ioctl(slave, FIONREAD, &n));
    printf("count %d\n", n);
    type("z\n");
    SHOW(ioctl(slave, FIONREAD, &n));
    printf("count %d\n", n);
    show_slave("its beginning", 4000);
    show_slave("its end", 10000);
    show_slave("nothing more", 10000);
    show_master("echo");
    type_bytes(text, 4095);
    type("\n");
    show_slave("the longest", 10000);
    show_master("echo");
    type_bytes(text, 4094);
    type("\n");
    type_bytes(text, 3000);
    type("\n");
    show_slave("two", 10000);
    show_slave("two", 10000);
    show_slave("two", 10000);
    show_master("echo");
    close_pair();
}

static void erasing(const char *what)
{
    puts(what);
    type("abc\177\177de\n");
    show_master("erase");
    show_slave("line", 100);
    type("a\tb\t\001c\177\177\177\177\177\177\177x\n");
    show_master("tabs and controls");
    show_slave("line", 100);
    type("one two, three_4 \027five\027\027\027\027six\n");
    show_master("words");
    show_slave("line", 100);
    type("some text\025other\n");
    show_master("kill");
    show_slave("line", 100);
    type("\025\177\027x\n");
    show_master("nothing to erase");
    show_slave("line", 100);
    type("a\303\244\342\202\254z\177\177\177b\n");
    show_master("letters of several bytes");
    show_slave("line", 100);
    type("ab\022c\n");
    show_master("reprint");
    show_slave("line", 100);
    type("a\026\177\026\004\026\026\026\003\026\nb\177\177\177c\n");
    show_master("literal");
    show_slave("line", 100);
}

static void echoes(void)
{
    open_pair(O_RDWR | O_NOCTTY | O_NONBLOCK);
    erasing("-- default");
    set_input(IUTF8, 0);
    erasing("-- IUTF8");
    set_local(0, ECHOKE);
    erasing("-- no ECHOKE");
    set_local(0, ECHOK);
    erasing("-- no ECHOK");
    set_local(ECHOK | ECHOKE, ECHOE);
    erasing("-- no ECHOE");
    set_local(ECHOE, ECHOCTL);
    erasing("-- no ECHOCTL");
    set_local(ECHOCTL | ECHOPRT, 0);
    erasing("-- ECHOPRT");
    set_local(0, ECHOPRT | ECHO);
    erasing("-- no ECHO");
    set_local(ECHONL, 0);
    erasing("-- ECHONL");
    set_local(ECHO | NOFLSH, ECHONL | IEXTEN);
    erasing("-- no IEXTEN");
    set_local(IEXTEN, NOFLSH);
    set_output(0, OPOST);
    erasing("-- no OPOST");
    set_output(OPOST | XTABS, ONLCR);
    erasing("-- XTABS, no ONLCR");
    close_pair();
}

static void mapping(const char *what)
{
    printf("%s\n", what);
    type("aB\rc\nd\376\377\000e\n");
    type_bytes("\0f\n", 3);
    show_master("echo");
    for (int k = 0; k < 4; k++)
        show_slave("line", 100);
}

static void inputs(void)
{
    open_pair(O_RDWR | O_NOCTTY | O_NONBLOCK);
    mapping("-- ICRNL");
    set_input(0, ICRNL);
    mapping("-- none");
    set_input(INLCR, 0);
    mapping("-- INLCR");
    tcflush(slave, TCIFLUSH);
    set_input(IGNCR, INLCR);
    mapping("-- IGNCR");
    set_input(ISTRIP | ICRNL, IGNCR);
    mapping("-- ISTRIP");
    set_input(IUCLC, ISTRIP);
    mapping("-- IUCLC");
    set_local(0, IEXTEN);
    mapping("-- IUCLC, no IEXTEN");
    set_local(IEXTEN, 0);
    set_input(PARMRK, IUCLC);
    mapping("-- PARMRK");
    set_input(PARMRK, IUCLC);
    set_local(XCASE, 0);
    mapping("-- XCASE");
    close_pair();
}

static void changes(void)
{
    int n;

    puts("-- changes of mode");
    open_pair(O_RDWR | O_NOCTTY | O_NONBLOCK);
    type("abc");
    set_local(0, ICANON);
    show_slave("an unfinished line", 100);
    type("one\ntwo\004three");
    SHOW(ioctl(slave, FIONREAD, &n));
    printf("count %d\n", n);
    set_local(ICANON, 0);
    SHOW(ioctl(slave, FIONREAD, &n));
    printf("count %d\n", n);
    show_slave("bytes become a line", 100);
    show_slave("no more", 100);
    type("abc\004def\004ghi");
    set_local(0, ICANON);
    show_slave("lines become bytes", 100);
    type("\004");
    set_local(ICANON, 0);
    show_slave("no end", 100);
    type("abc\026");
    set_local(0, ICANON);
    set_local(ICANON, 0);
    type("\177d\n");
    show_slave("literal is forgotten", 100);
    show_slave("and", 100);
    type("flushed\nand");
    SHOW(tcflush(slave, TCIFLUSH));
    type("kept\n");
    show_slave("after the flush", 100);
    set_local(EXTPROC, 0);
    type("a\003b\177\n\004");
    show_slave("EXTPROC", 100);
    show_master("echo");
    close_pair();
}

int main(void)
{
    setsid();
    signal(SIGINT, SIG_IGN);
    lines();
    echoes();
    inputs();
    changes();
    return 0;
}
