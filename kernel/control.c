/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Orders from the host command: a kernel thread reads lines from the control channel. "signal N" goes
 * to the program as a kill(2) from outside; the rest is for higher layers. The same thread says "read" to
 * the host once the program wants input: the caller's input is not to be taken before.
 */
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include "kernel/stream.h"
#include "kernel/vm_exit.h"

bool (*control_order)(const char *line);

static struct process *program;
static bool input_wanted;

static bool order_signal(const char *text)
{
    siginfo_t info = {0};
    u64 signo;

    if (strncmp(text, "signal ", 7) || parse_u64(text + 7, &text, 10, &signo) || *text ||
        signo < 1 || signo > SIGNAL_COUNT)
        return false;
    info.si_signo = (int)signo;
    info.si_code = SI_USER;
    signal_send_process(program, (int)signo, &info);
    return true;
}

void control_want_input(void)
{
    if (READ_ONCE(input_wanted))
        return;
    WRITE_ONCE(input_wanted, true);
    wait_wake_all(&stream_events[STREAM_CONTROL]);
}

static void read_orders(void *arg)
{
    static char text[256];
    bool told = false;
    size_t n = 0;
    char c;

    for (;;) {
        if (READ_ONCE(input_wanted) && !told) {
            told = true;
            control_line("read");
        }
        if (platform_stream_read(STREAM_CONTROL, &c, 1) == 0) {
            wait_event(&stream_events[STREAM_CONTROL],
                       platform_stream_readable(STREAM_CONTROL) || (READ_ONCE(input_wanted) && !told),
                       NSEC_NEVER, WAIT_UNINTERRUPTIBLE);
            continue;
        }
        if (c != '\n') {
            if (n < sizeof(text) - 1)
                text[n++] = c;
            continue;
        }
        text[n] = 0;
        n = 0;
        if (order_signal(text))
            control_line("taken");
        else if (!control_order || !control_order(text))
            log_warn("control channel: unknown order '%s'", text);
    }
}

static void start(void *arg)
{
    if (platform_stream_present(STREAM_CONTROL))
        read_orders(arg);
}

void control_start(struct process *p)
{
    process_get(p);
    program = p;
    if (!kernel_thread_create("control", start, NULL))
        log_err("control channel: no memory for its thread; signals from outside are lost");
}
