/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The terminal line discipline, as termios(3) describes it and Linux's behaves: input mapping, canonical
 * editing, echo, signals from the keyboard, output mapping. Works on bytes (erase knows UTF-8 with IUTF8).
 *
 * The input ring holds [head, tail) for readers and [tail, line_end) as the line being edited;
 * outside canonical mode tail follows line_end. A marked byte ends a line; a VEOF is a marked NUL
 * that is never given to the reader.
 */
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <asm/siginfo.h>
#include "fs/tty.h"
#include "kernel/lib/string.h"

#define I_FLAG(t, f) ((t)->termios.c_iflag & (f))
#define O_FLAG(t, f) ((t)->termios.c_oflag & (f))
#define L_FLAG(t, f) ((t)->termios.c_lflag & (f))
#define DISABLED     0 /* _POSIX_VDISABLE */
#define DELETE       0x7f
#define PARITY_MARK  0xff
#define ECHO_MAX     4096 /* bytes of echo that wait; more are lost */

static bool is_control(const struct tty *t, u8 c, unsigned index)
{
    return t->termios.c_cc[index] != DISABLED && c == t->termios.c_cc[index];
}

static bool is_unprintable(u8 c)
{
    return c < ' ' || c == DELETE;
}

/* Second and further bytes of a character in UTF-8. */
static bool is_continuation(const struct tty *t, u8 c)
{
    return I_FLAG(t, IUTF8) && (c & 0xc0) == 0x80;
}

static u8 byte_at(const struct tty *t, u32 i)
{
    return (u8)t->input[i % TTY_INPUT_MAX];
}

static bool marked(const struct tty *t, u32 i)
{
    i %= TTY_INPUT_MAX;
    return t->marks[i / 8] >> (i % 8) & 1;
}

static void mark(struct tty *t, u32 i, bool on)
{
    u8 bit = (u8)(1u << (i % 8)), *byte = &t->marks[i % TTY_INPUT_MAX / 8];

    *byte = on ? *byte | bit : *byte & (u8)~bit;
}

/* ------------------------------------------------------------ input ring */

bool ldisc_room(const struct tty *t)
{
    u32 used = t->line_end - t->head;

    if (I_FLAG(t, PARMRK))
        used += 2; /* one byte may become two */
    /* A line that is too long goes on without its middle, or its end could never come. */
    return used < TTY_INPUT_MAX - 1 || (ldisc_canonical(t) && t->tail == t->head);
}

static void append(struct tty *t, u8 c, bool ends_line)
{
    if (t->line_end - t->head >= TTY_INPUT_MAX)
        t->line_end--;
    t->input[t->line_end % TTY_INPUT_MAX] = (char)c;
    mark(t, t->line_end, ends_line);
    t->line_end++;
}

static void finish_line(struct tty *t)
{
    t->tail = t->line_end;
}

/* An ordinary byte. PARMRK: one that looks like the mark of an error is doubled. */
static void append_data(struct tty *t, u8 c)
{
    if (c == PARITY_MARK && I_FLAG(t, PARMRK))
        append(t, c, false);
    append(t, c, false);
    if (!ldisc_canonical(t))
        finish_line(t);
}

bool ldisc_readable(const struct tty *t, bool for_poll)
{
    u32 want = 1;

    if (for_poll && !ldisc_canonical(t) && !t->termios.c_cc[VTIME])
        want = MAX(t->termios.c_cc[VMIN], 1);
    return READ_ONCE(t->tail) - READ_ONCE(t->head) >= want;
}

size_t ldisc_take(struct tty *t, char *buf, size_t n, bool *line_ended)
{
    bool canonical = ldisc_canonical(t);
    size_t done = 0;

    *line_ended = false;
    while (t->head != t->tail && !*line_ended) {
        u8 c = byte_at(t, t->head);
        bool end = canonical && marked(t, t->head);

        /* A VEOF right behind a full buffer belongs to this read, or the next would see a false end. */
        if (done == n && !(end && c == DISABLED))
            break;
        t->head++;
        *line_ended = end;
        if (!end || c != DISABLED)
            buf[done++] = (char)c;
    }
    return done;
}

u32 ldisc_count(struct tty *t)
{
    u32 n = t->tail - t->head;

    if (ldisc_canonical(t))
        for (u32 i = t->head; i != t->tail; i++)
            n -= marked(t, i) && byte_at(t, i) == DISABLED;
    return n;
}

void ldisc_flush_input(struct tty *t)
{
    t->head = t->tail = t->line_end;
    t->erasing = t->literal = false;
    if (t->driver->status)
        t->driver->status(t, TIOCPKT_FLUSHREAD);
}

void ldisc_mode_changed(struct tty *t, const struct termios2 *old)
{
    if ((old->c_lflag ^ t->termios.c_lflag) & (ICANON | EXTPROC)) {
        /* All that is there becomes one line, or just bytes. */
        memset(t->marks, 0, sizeof(t->marks));
        finish_line(t);
        if (L_FLAG(t, ICANON) && t->head != t->tail)
            mark(t, t->tail - 1, true);
        t->erasing = t->literal = false;
    }
    if (!I_FLAG(t, IXON) && old->c_iflag & IXON)
        tty_set_stopped(t, &t->stopped, false);
}

/* ------------------------------------------------------------ output */

/* What one byte becomes: 0..TTY_OUT_MAX bytes in out. */
static unsigned output_byte(struct tty *t, u8 c, char *out)
{
    unsigned spaces;

    switch (c) {
    case '\n':
        if (O_FLAG(t, ONLRET))
            t->column = 0;
        if (O_FLAG(t, ONLCR)) {
            t->line_column = t->column = 0;
            out[0] = '\r';
            out[1] = '\n';
            return 2;
        }
        t->line_column = t->column;
        break;
    case '\r':
        if (O_FLAG(t, ONOCR) && t->column == 0)
            return 0;
        if (O_FLAG(t, OCRNL))
            c = '\n';
        if (c == '\r' || O_FLAG(t, ONLRET))
            t->line_column = t->column = 0;
        break;
    case '\t':
        spaces = 8 - t->column % 8;
        t->column += spaces;
        if (O_FLAG(t, TABDLY) == XTABS) {
            memset(out, ' ', spaces);
            return spaces;
        }
        break;
    case '\b':
        if (t->column)
            t->column--;
        break;
    default:
        if (is_unprintable(c))
            break;
        if (O_FLAG(t, OLCUC) && c >= 'a' && c <= 'z')
            c -= 'a' - 'A';
        if (!is_continuation(t, c))
            t->column++;
    }
    out[0] = (char)c;
    return 1;
}

size_t ldisc_output(struct tty *t, const u8 *in, size_t n, char *out, size_t size, size_t *length)
{
    size_t taken = 0;

    *length = 0;
    if (!O_FLAG(t, OPOST)) {
        *length = MIN(n, size);
        memcpy(out, in, *length);
        return *length;
    }
    while (taken < n && size - *length >= TTY_OUT_MAX)
        *length += output_byte(t, in[taken++], out + *length);
    return taken;
}

/* ------------------------------------------------------------ echo */

static void echo_bytes(struct tty *t, const char *bytes, size_t n)
{
    size_t done = 0;

    if (!t->echoes.bytes && !tty_stopped(t))
        done = t->driver->write(t, bytes, n);
    if (done < n && t->echoes.bytes < ECHO_MAX)
        byte_queue_put(&t->echoes, bytes + done, n - done);
}

/* The byte as if a program had written it. */
static void echo_output(struct tty *t, u8 c)
{
    char out[TTY_OUT_MAX] = {(char)c};

    echo_bytes(t, out, O_FLAG(t, OPOST) ? output_byte(t, c, out) : 1);
}

/* A typed byte: control characters as ^X with ECHOCTL. */
static void echo(struct tty *t, u8 c)
{
    char out[2] = {'^', (char)(c ^ 0x40)};

    if (!L_FLAG(t, ECHOCTL) || !is_unprintable(c) || c == '\t') {
        echo_output(t, c);
        return;
    }
    echo_bytes(t, out, 2);
    t->column += 2;
}

static void end_erasing(struct tty *t)
{
    if (t->erasing)
        echo_output(t, '/');
    t->erasing = false;
}

/* Echo of an ordinary byte of the line. */
static void echo_data(struct tty *t, u8 c)
{
    end_erasing(t);
    if (t->tail == t->line_end)
        t->line_column = t->column;
    echo(t, c);
}

static void back_space(struct tty *t)
{
    echo_output(t, '\b');
    echo_output(t, ' ');
    echo_output(t, '\b');
}

/* Columns back to where the tab began that was the last of the line. */
static void erase_tab(struct tty *t)
{
    u32 width = 0, i = t->line_end;

    while (i != t->tail && byte_at(t, i - 1) != '\t') {
        u8 c = byte_at(t, --i);

        if (is_unprintable(c))
            width += L_FLAG(t, ECHOCTL) ? 2 : 0;
        else if (!is_continuation(t, c))
            width++;
    }
    if (i == t->tail)
        width += t->line_column;
    for (u32 back = 8 - width % 8; back; back--) {
        echo_bytes(t, "\b", 1);
        if (t->column)
            t->column--;
    }
}

/* Shows that the character [at, end), whose first byte is c, has been taken off the line. */
static void echo_erased(struct tty *t, u8 c, u32 at, u32 end, bool by_erase)
{
    if (L_FLAG(t, ECHOPRT)) {
        if (!t->erasing)
            echo_output(t, '\\');
        t->erasing = true;
        echo(t, c);
        while (++at != end)
            echo_output(t, byte_at(t, at));
    } else if (by_erase && !L_FLAG(t, ECHOE)) {
        echo(t, t->termios.c_cc[VERASE]);
    } else if (c == '\t') {
        erase_tab(t);
    } else {
        if (is_unprintable(c) && L_FLAG(t, ECHOCTL))
            back_space(t);
        if (!is_unprintable(c) || L_FLAG(t, ECHOCTL))
            back_space(t);
    }
}

/* ------------------------------------------------------------ editing a line */

/* Letters, digits, _, and what begins a letter beyond ASCII. */
static bool is_word(u8 c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || c >= 0xc0;
}

enum erase { ERASE_CHARACTER, ERASE_WORD, ERASE_LINE };

static void erase(struct tty *t, enum erase what)
{
    bool in_word = false;

    while (t->line_end != t->tail) {
        u32 end = t->line_end, at = end;
        u8 c;

        do
            c = byte_at(t, --at);
        while (is_continuation(t, c) && at != t->tail);
        if (is_continuation(t, c))
            break;
        if (what == ERASE_WORD && !is_word(c) && in_word)
            break;
        in_word |= is_word(c);
        t->line_end = at;
        if (L_FLAG(t, ECHO))
            echo_erased(t, c, at, end, what == ERASE_CHARACTER);
        if (what == ERASE_CHARACTER)
            break;
    }
    if (t->line_end == t->tail && L_FLAG(t, ECHO))
        end_erasing(t);
}

static void kill_line(struct tty *t)
{
    if (t->line_end == t->tail)
        return;
    if (L_FLAG(t, ECHO) && L_FLAG(t, ECHOK) && L_FLAG(t, ECHOKE) && L_FLAG(t, ECHOE)) {
        erase(t, ERASE_LINE);
        return;
    }
    t->line_end = t->tail;
    if (!L_FLAG(t, ECHO))
        return;
    end_erasing(t);
    echo(t, t->termios.c_cc[VKILL]);
    if (L_FLAG(t, ECHOK))
        echo_output(t, '\n');
}

static void reprint(struct tty *t)
{
    end_erasing(t);
    echo(t, t->termios.c_cc[VREPRINT]);
    echo_output(t, '\n');
    for (u32 i = t->tail; i != t->line_end; i++)
        echo(t, byte_at(t, i));
}

static void begin_literal(struct tty *t)
{
    t->literal = true;
    if (!L_FLAG(t, ECHO))
        return;
    end_erasing(t);
    if (L_FLAG(t, ECHOCTL)) {
        echo_output(t, '^');
        echo_output(t, '\b');
    }
}

/* The characters of canonical mode that edit. True if c was one. */
static bool edit(struct tty *t, u8 c)
{
    bool extended = L_FLAG(t, IEXTEN);

    if (is_control(t, c, VERASE))
        erase(t, ERASE_CHARACTER);
    else if (is_control(t, c, VKILL))
        kill_line(t);
    else if (extended && is_control(t, c, VWERASE))
        erase(t, ERASE_WORD);
    else if (extended && is_control(t, c, VLNEXT))
        begin_literal(t);
    else if (extended && L_FLAG(t, ECHO) && is_control(t, c, VREPRINT))
        reprint(t);
    else
        return false;
    return true;
}

/* The characters of canonical mode that end a line. True if c was one. */
static bool end_line(struct tty *t, u8 c)
{
    if (c == '\n') {
        if (L_FLAG(t, ECHO | ECHONL))
            echo_output(t, '\n');
    } else if (is_control(t, c, VEOF)) {
        c = DISABLED;
    } else if (is_control(t, c, VEOL) || (L_FLAG(t, IEXTEN) && is_control(t, c, VEOL2))) {
        if (L_FLAG(t, ECHO))
            echo_data(t, c);
        if (c == PARITY_MARK && I_FLAG(t, PARMRK))
            append(t, c, false);
    } else {
        return false;
    }
    append(t, c, true);
    finish_line(t);
    return true;
}

/* ------------------------------------------------------------ what is typed */

/* VSTART, VSTOP. True if c was one. */
static bool flow_character(struct tty *t, u8 c)
{
    bool stop = is_control(t, c, VSTOP), start = is_control(t, c, VSTART);

    if (!I_FLAG(t, IXON) || !(stop || start))
        return false;
    tty_set_stopped(t, &t->stopped, !start);
    return true;
}

/* VINTR, VQUIT, VSUSP. True if c was one. */
static bool signal_character(struct tty *t, u8 c)
{
    int signo = is_control(t, c, VINTR)   ? SIGINT
                : is_control(t, c, VQUIT) ? SIGQUIT
                : is_control(t, c, VSUSP) ? SIGTSTP
                                          : 0;

    if (!signo || !L_FLAG(t, ISIG))
        return false;
    if (!L_FLAG(t, NOFLSH)) {
        byte_queue_clear(&t->echoes);
        if (t->driver->flush_output)
            t->driver->flush_output(t);
        ldisc_flush_input(t);
    }
    if (I_FLAG(t, IXON))
        tty_set_stopped(t, &t->stopped, false);
    if (L_FLAG(t, ECHO))
        echo(t, c);
    tty_signal(t, signo); /* last: nothing of this is seen after a program that it ends */
    return true;
}

void ldisc_receive(struct tty *t, u8 c)
{
    bool new_line = false;

    if (I_FLAG(t, ISTRIP))
        c &= 0x7f;
    if (I_FLAG(t, IUCLC) && L_FLAG(t, IEXTEN) && c >= 'A' && c <= 'Z')
        c += 'a' - 'A';
    if (L_FLAG(t, EXTPROC)) {
        append(t, c, false);
        finish_line(t);
        return;
    }
    if (t->literal) {
        t->literal = false;
    } else {
        if (flow_character(t, c) || signal_character(t, c))
            return;
        if (I_FLAG(t, IXON) && I_FLAG(t, IXANY))
            tty_set_stopped(t, &t->stopped, false);
        if (c == '\r') {
            if (I_FLAG(t, IGNCR))
                return;
            new_line = I_FLAG(t, ICRNL);
            if (new_line)
                c = '\n';
        } else if (c == '\n' && I_FLAG(t, INLCR)) {
            c = '\r';
        }
        if (L_FLAG(t, ICANON) && (edit(t, c) || end_line(t, c)))
            return;
    }
    if (L_FLAG(t, ECHO)) {
        end_erasing(t);
        if (new_line)
            echo_output(t, c);
        else
            echo_data(t, c);
    }
    append_data(t, c);
}
