/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The terminal line discipline, as termios(3) describes it: input mapping, canonical editing, echo,
 * signals from the keyboard, output mapping. Works on bytes (erase knows UTF-8 with IUTF8).
 *
 * The input ring holds [head, tail) for readers and [tail, line_end) as the line being edited;
 * outside canonical mode tail follows line_end. A marked byte ends a line; a VEOF is a marked NUL
 * that is never given to the reader.
 */
#include <asm/signal.h>
#include <asm/siginfo.h>
#include "fs/tty.h"
#include "kernel/lib/string.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include "kernel/stream.h"

#define I_FLAG(t, f) ((t)->termios.c_iflag & (f))
#define O_FLAG(t, f) ((t)->termios.c_oflag & (f))
#define L_FLAG(t, f) ((t)->termios.c_lflag & (f))
#define DISABLED     0 /* _POSIX_VDISABLE */
#define DELETE       0x7f

static bool is_control(struct tty *t, u8 c, unsigned index)
{
    return t->termios.c_cc[index] != DISABLED && c == t->termios.c_cc[index];
}

static u8 byte_at(struct tty *t, u32 i)
{
    return (u8)t->input[i % TTY_INPUT_MAX];
}

static bool marked(struct tty *t, u32 i)
{
    i %= TTY_INPUT_MAX;
    return t->marks[i / 8] >> (i % 8) & 1;
}

static bool append(struct tty *t, u8 c, bool mark)
{
    u32 i = t->line_end % TTY_INPUT_MAX;

    /* One place stays free for the byte that ends the line, or the program could never read it. */
    if (t->line_end - t->head >= TTY_INPUT_MAX - (mark ? 0 : 1))
        return false;
    t->input[i] = (char)c;
    if (mark)
        t->marks[i / 8] |= 1 << (i % 8);
    else
        t->marks[i / 8] &= ~(1 << (i % 8));
    t->line_end++;
    return true;
}

unsigned ldisc_output(struct tty *t, u8 c, char out[8])
{
    unsigned n = 0;

    if (!O_FLAG(t, OPOST)) {
        out[n++] = (char)c;
        return n;
    }
    if (O_FLAG(t, OLCUC) && c >= 'a' && c <= 'z')
        c -= 'a' - 'A';
    switch (c) {
    case '\n':
        if (O_FLAG(t, ONLRET))
            t->column = 0;
        if (O_FLAG(t, ONLCR)) {
            out[n++] = '\r';
            t->column = 0;
        }
        break;
    case '\r':
        if (O_FLAG(t, ONOCR) && t->column == 0)
            return 0;
        if (O_FLAG(t, OCRNL)) {
            c = '\n';
            if (O_FLAG(t, ONLRET))
                t->column = 0;
        } else {
            t->column = 0;
        }
        break;
    case '\t': {
        unsigned spaces = 8 - t->column % 8;

        t->column += spaces;
        if (O_FLAG(t, TABDLY) == XTABS) {
            memset(out, ' ', spaces);
            return spaces;
        }
        break;
    }
    case '\b':
        if (t->column)
            t->column--;
        break;
    default:
        /* Continuation bytes of UTF-8 do not move the cursor. */
        if (c >= ' ' && c != DELETE && !(I_FLAG(t, IUTF8) && (c & 0xc0) == 0x80))
            t->column++;
    }
    out[n++] = (char)c;
    return n;
}

static void echo_byte(struct tty *t, u8 c)
{
    char out[8];
    unsigned n = ldisc_output(t, c, out);

    platform_stream_write(t->out, out, n);
}

/* Echo of a typed byte: control characters as ^X when ECHOCTL. */
static void echo(struct tty *t, u8 c)
{
    if (L_FLAG(t, ECHOCTL) && (c < ' ' || c == DELETE) && c != '\n' && c != '\t') {
        echo_byte(t, '^');
        echo_byte(t, c ^ 0x40);
        return;
    }
    echo_byte(t, c);
}

static void send_signal(struct tty *t, int signo)
{
    siginfo_t info = {.si_signo = signo, .si_code = SI_KERNEL};
    struct process *p = process_find(t->foreground_group);

    if (p) {
        signal_send_process(p, signo, &info);
        process_put(p);
    }
}

/* VINTR, VQUIT, VSUSP. True if c was one. */
static bool signal_character(struct tty *t, u8 c)
{
    int signo = is_control(t, c, VINTR)   ? SIGINT
                : is_control(t, c, VQUIT) ? SIGQUIT
                : is_control(t, c, VSUSP) ? SIGTSTP
                                          : 0;

    if (!signo)
        return false;
    if (!L_FLAG(t, NOFLSH))
        ldisc_flush_input(t);
    if (L_FLAG(t, ECHO))
        echo(t, c);
    send_signal(t, signo);
    return true;
}

/* Columns that the echo of byte c took (a tab counts as one: where it began is not kept). */
static unsigned width(struct tty *t, u8 c)
{
    if (c == '\t')
        return 1;
    return (c < ' ' || c == DELETE) ? (L_FLAG(t, ECHOCTL) ? 2 : 0) : 1;
}

static void erase_character(struct tty *t)
{
    u8 c;

    if (t->line_end == t->tail)
        return;
    do
        c = byte_at(t, --t->line_end);
    while (I_FLAG(t, IUTF8) && (c & 0xc0) == 0x80 && t->line_end != t->tail);
    if (!L_FLAG(t, ECHO))
        return;
    if (!L_FLAG(t, ECHOE)) {
        echo(t, t->termios.c_cc[VERASE]);
        return;
    }
    for (unsigned i = width(t, c); i > 0; i--) {
        echo_byte(t, '\b');
        echo_byte(t, ' ');
        echo_byte(t, '\b');
    }
}

static bool word_byte(u8 c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || c >= 0x80;
}

static void erase_word(struct tty *t)
{
    while (t->line_end != t->tail && !word_byte(byte_at(t, t->line_end - 1)))
        erase_character(t);
    while (t->line_end != t->tail && word_byte(byte_at(t, t->line_end - 1)))
        erase_character(t);
}

static void kill_line(struct tty *t)
{
    if (L_FLAG(t, ECHOK) && !L_FLAG(t, ECHOKE)) {
        t->line_end = t->tail;
        if (L_FLAG(t, ECHO)) {
            echo(t, t->termios.c_cc[VKILL]);
            echo_byte(t, '\n');
        }
        return;
    }
    while (t->line_end != t->tail)
        erase_character(t);
}

static void reprint(struct tty *t)
{
    echo(t, t->termios.c_cc[VREPRINT]);
    echo_byte(t, '\n');
    for (u32 i = t->tail; i != t->line_end; i++)
        echo(t, byte_at(t, i));
}

/* Editing characters of canonical mode. True if c was one. */
static bool edit(struct tty *t, u8 c)
{
    if (is_control(t, c, VERASE))
        erase_character(t);
    else if (is_control(t, c, VKILL))
        kill_line(t);
    else if (L_FLAG(t, IEXTEN) && is_control(t, c, VWERASE))
        erase_word(t);
    else if (L_FLAG(t, IEXTEN) && L_FLAG(t, ECHO) && is_control(t, c, VREPRINT))
        reprint(t);
    else
        return false;
    return true;
}

static void finish_line(struct tty *t)
{
    t->tail = t->line_end;
}

static void receive_canonical(struct tty *t, u8 c)
{
    bool end = c == '\n' || is_control(t, c, VEOL) || (L_FLAG(t, IEXTEN) && is_control(t, c, VEOL2));

    if (edit(t, c))
        return;
    if (is_control(t, c, VEOF)) {
        append(t, 0, true);
        finish_line(t);
        return;
    }
    if (!append(t, c, end)) {
        if (I_FLAG(t, IMAXBEL))
            echo_byte(t, '\a');
        return;
    }
    if (L_FLAG(t, ECHO) || (c == '\n' && L_FLAG(t, ECHONL)))
        echo(t, c);
    if (end)
        finish_line(t);
}

void ldisc_receive(struct tty *t, u8 c)
{
    if (I_FLAG(t, ISTRIP))
        c &= 0x7f;
    if (c == '\r') {
        if (I_FLAG(t, IGNCR))
            return;
        if (I_FLAG(t, ICRNL))
            c = '\n';
    } else if (c == '\n' && I_FLAG(t, INLCR)) {
        c = '\r';
    }
    if (I_FLAG(t, IUCLC) && L_FLAG(t, IEXTEN) && c >= 'A' && c <= 'Z')
        c += 'a' - 'A';
    if (I_FLAG(t, IXON)) {
        bool stop = is_control(t, c, VSTOP), start = is_control(t, c, VSTART);

        if (stop || start || (t->stopped && I_FLAG(t, IXANY))) {
            t->stopped = stop;
            if (stop || start)
                return;
        }
    }
    if (L_FLAG(t, ISIG) && signal_character(t, c))
        return;
    if (L_FLAG(t, ICANON)) {
        receive_canonical(t, c);
        return;
    }
    if (append(t, c, false) && L_FLAG(t, ECHO))
        echo(t, c);
    finish_line(t);
}

bool ldisc_readable(struct tty *t)
{
    u32 want = L_FLAG(t, ICANON) || t->termios.c_cc[VTIME] ? 1 : MAX(t->termios.c_cc[VMIN], 1);

    return t->tail - t->head >= want;
}

size_t ldisc_take(struct tty *t, char *buf, size_t n)
{
    size_t done = 0;

    while (done < n && t->head != t->tail) {
        u32 i = t->head++;

        if (!marked(t, i)) {
            buf[done++] = (char)byte_at(t, i);
            continue;
        }
        if (byte_at(t, i) != 0)
            buf[done++] = (char)byte_at(t, i);
        if (L_FLAG(t, ICANON))
            return done;
    }
    /* A VEOF right behind a full buffer belongs to this read, or the next would see a false end. */
    if (L_FLAG(t, ICANON) && done && t->head != t->tail && marked(t, t->head) &&
        byte_at(t, t->head) == 0)
        t->head++;
    return done;
}

void ldisc_flush_input(struct tty *t)
{
    t->head = t->tail = t->line_end;
}

void ldisc_mode_changed(struct tty *t)
{
    if (!L_FLAG(t, ICANON))
        finish_line(t);
}
