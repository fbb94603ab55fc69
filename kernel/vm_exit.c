/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of the VM: everything written before leaves the machine, then the status goes out on the
 * control channel, then the machine is turned off. The order matters: the host command kills the VMM
 * as soon as it has read the status.
 */
#include <linux/signal.h>
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/lock.h"
#include "kernel/log.h"
#include "kernel/stream.h"
#include "kernel/vm_exit.h"

static struct mutex line_lock; /* LOCK_FS: line, and the order of lines */
static char line[CONTROL_LINE_MAX + 2];

void control_init(void)
{
    mutex_init(&line_lock, LOCK_FS);
}

static enum stream control_stream(void)
{
    return platform_stream_present(STREAM_CONTROL) ? STREAM_CONTROL : STREAM_UART;
}

static void send(const char *format, va_list ap)
{
    size_t n;

    mutex_lock(&line_lock);
    n = MIN((size_t)vsnprintf(line, CONTROL_LINE_MAX + 1, format, ap), (size_t)CONTROL_LINE_MAX);
    line[n++] = '\n';
    stream_write_all(control_stream(), line, n);
    mutex_unlock(&line_lock);
}

void control_line(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    send(format, ap);
    va_end(ap);
}

static void flush_all(void)
{
    log_flush();
    for (enum stream s = 0; s < STREAM_COUNT; s++)
        platform_stream_flush(s);
}

static void flush_and_power_off(int status) __attribute__((noreturn));
static void flush_and_power_off(int status)
{
    flush_all();
    platform_power_off(status);
}

void (*vm_exit_sync)(void);

void vm_exit(int wait_status)
{
    int signo = wait_status & 0x7f;

    if (vm_exit_sync)
        vm_exit_sync();
    flush_all();
    if (signo) {
        control_line("signal %d core=%d", signo, !!(wait_status & 0x80));
        flush_and_power_off(128 + signo);
    }
    control_line("exit %d", wait_status >> 8 & 0xff);
    flush_and_power_off(wait_status >> 8 & 0xff);
}

static void early_puts(const char *s)
{
    while (*s)
        platform_early_putc(*s++);
}

void vm_fail(int code, const char *format, ...)
{
    char message[512];
    va_list ap;

    va_start(ap, format);
    vsnprintf(message, sizeof(message), format, ap);
    va_end(ap);
    if (streams_ready()) {
        flush_all();
        control_line("fail %d %s", code, message);
        flush_and_power_off(code);
    }
    char early[sizeof(message) + 16];
    snprintf(early, sizeof(early), "fail %d %s\n", code, message);
    early_puts(early);
    platform_power_off(code);
}
