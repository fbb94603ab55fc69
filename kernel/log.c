/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel log. Text goes into a ring, each line stamped with the time since boot; lines at or under the console
 * level go on to the console as `console=` says: the UART, byte by byte, at once; or the host's control channel, at the
 * next line logged where sleeping is allowed, or log_flush().
 */
#include "kernel/log.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/lock.h"
#include "kernel/params.h"
#include "kernel/vm_exit.h"

#define RING_SIZE LOG_SIZE /* a power of two */
#define LINE_MAX  256
#define PREFIX    3 /* "<4>", the level as syslog(2) shows it; in the ring only */

static struct spinlock lock = SPINLOCK_INIT(LOCK_LOG);
static char ring[RING_SIZE];
static u64 written; /* bytes ever put into the ring; under lock */
static u64 cleared; /* up to where log_read() shows nothing any more; under lock */
static u64 sent;    /* up to where the control channel has it or does not want it; under lock */
static int console_level = LOG_WARNING;
static enum { CONSOLE_UART, CONSOLE_CONTROL, CONSOLE_NONE } console;
static bool channel_ready; /* the control channel can be written to */
static bool flushing;      /* under lock: one thread sends at a time */

static int set_console(const char *value)
{
    if (value && !strcmp(value, "uart"))
        console = CONSOLE_UART;
    else if (value && !strcmp(value, "virtio"))
        console = CONSOLE_CONTROL;
    else if (value && !strcmp(value, "none"))
        console = CONSOLE_NONE;
    else
        return -EINVAL;
    return 0;
}
PARAM(console, "console", set_console);

void log_set_level(int level)
{
    console_level = level;
}

static void uart_write(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\n')
            platform_early_putc('\r');
        platform_early_putc(s[i]);
    }
}

static bool may_sleep(void)
{
    struct percpu *cpu = this_cpu();
    return !cpu->irq_disable_depth && !cpu->preempt_disable_depth && !cpu->in_interrupt;
}

/* Takes the oldest line that was not looked at out of the ring; false when there is none. Under lock. */
static bool next_line(char *line, size_t size)
{
    if (written - sent > RING_SIZE) { /* overwritten: go on at the first line that is whole */
        sent = written - RING_SIZE;
        while (ring[sent++ % RING_SIZE] != '\n')
            ;
    }
    if (sent == written)
        return false;
    size_t n = 0;
    while (sent < written) {
        char c = ring[sent++ % RING_SIZE];
        if (c == '\n')
            break;
        if (n + 1 < size)
            line[n++] = c;
    }
    line[n] = 0;
    return true;
}

void log_channel_ready(void)
{
    channel_ready = true;
    log_flush();
}

void log_flush(void)
{
    char line[LINE_MAX];
    if (console != CONSOLE_CONTROL || !channel_ready || !may_sleep())
        return;
    spin_lock_irq(&lock);
    bool mine = !flushing;
    flushing = true;
    while (mine && next_line(line, sizeof(line))) {
        if (line[1] - '0' > console_level)
            continue;
        spin_unlock_irq(&lock);
        control_line("log %s", line + PREFIX);
        spin_lock_irq(&lock);
    }
    if (mine)
        flushing = false;
    spin_unlock_irq(&lock);
}

void log_line(enum log_level level, const char *format, ...)
{
    char line[LINE_MAX];
    nsec_t now = platform_clock();
    int n = scnprintf(line, sizeof(line), "<%d>[%5llu.%06llu] ", level, (unsigned long long)(now / NSEC_PER_SEC),
                      (unsigned long long)(now % NSEC_PER_SEC / NSEC_PER_USEC));
    va_list ap;
    va_start(ap, format);
    n += vsnprintf(line + n, sizeof(line) - (size_t)n, format, ap);
    va_end(ap);
    if (n > LINE_MAX - 2)
        n = LINE_MAX - 2;
    line[n++] = '\n';

    bool shown = (int)level <= console_level;
    spin_lock_irq(&lock);
    for (int i = 0; i < n; i++)
        ring[written++ % RING_SIZE] = line[i];
    if (shown && console == CONSOLE_UART)
        uart_write(line + PREFIX, (size_t)n - PREFIX);
    spin_unlock_irq(&lock);
    if (shown)
        log_flush();
}

size_t log_read(char *buf, size_t n, bool clear)
{
    spin_lock_irq(&lock);
    u64 have = MIN(written - cleared, (u64)RING_SIZE);
    n = MIN(n, have);
    for (size_t i = 0; i < n; i++)
        buf[i] = ring[(written - n + i) % RING_SIZE];
    if (clear)
        cleared = written;
    spin_unlock_irq(&lock);
    return n;
}
