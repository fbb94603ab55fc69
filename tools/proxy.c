/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event loop of `aril run`. Pumps (threads) move the program's bytes; this loop does the rest
 * and never blocks but in poll(), so that signals and the timeout are always served. What it
 * writes to standard error goes through a pump of its own for that reason.
 *
 * The kernel gives the status after the host has taken all output. So the VM is killed as soon as
 * the status is read, without waiting for QEMU's orderly end, and what the channels still hold is
 * read to their ends.
 */
#include "tools/proxy.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/escape.h"
#include "tools/message.h"
#include "tools/notes.h"
#include "tools/outbox.h"
#include "tools/pump.h"
#include "tools/signals.h"
#include "tools/terminal.h"

#define SECOND UINT64_C(1000000000)
#define NEVER  UINT64_MAX
/* A request to end that the kernel does not take for so long ends the VM. */
#define REACTION_TIME (10 * SECOND)
/* A second one ends it earlier, but timeout(1) signals a process and then its group: that is one.
 */
#define INSIST_DELAY (SECOND / 5)
/* How long a killed VM's last output may take a slow reader. */
#define DRAIN_TIME SECOND
/* Of QEMU's own messages this much is kept. */
#define MESSAGES_MAX 16384

enum { SIGNALS, WAKEUP, CONTROL, UART, MESSAGES, NOTES, OUTPUT, ERRORS, POLLED };

struct proxy {
    const struct proxy_options *options;
    struct proxy_result result;
    int wakeup; /* eventfd of the pumps */
    struct pump input, output, errors;
    struct outbox control; /* lines to the kernel */
    struct notes notes;    /* lines for standard error */
    struct line_reader control_lines, uart_lines;
    bool control_open, uart_open, messages_open;
    bool input_started;              /* asked for by the program, or a terminal's */
    bool vm_alive;                   /* not yet reaped */
    bool watch_output, watch_errors; /* tell the kernel when the reader goes */
    uint64_t deadline;               /* CLOCK_MONOTONIC, nanoseconds */
    uint64_t drain_deadline;
    unsigned untaken;     /* signals that the kernel has not taken yet */
    int asked;            /* the first request to end among these, or 0 */
    uint64_t asked_at;    /* its time */
    struct escape escape; /* used by the input pump */
    atomic_bool escaped;
};

static uint64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

static void __attribute__((format(printf, 2, 3)))
tell_kernel(struct proxy *proxy, const char *format, ...)
{
    va_list arguments;
    char *line;

    va_start(arguments, format);
    if (vasprintf(&line, format, arguments) < 0)
        die(STATUS_FAILED, "out of memory");
    va_end(arguments);
    if (proxy->control_open)
        outbox_add(&proxy->control, line, strlen(line));
    free(line);
}

/* Signals QEMU, which leads a process group: --qemu may name a script that starts it. */
static void signal_vm(struct proxy *proxy, int number)
{
    if (!proxy->vm_alive)
        return;
    /* In its first microseconds the child has no group yet. */
    if (kill(-proxy->options->vm, number) < 0)
        kill(proxy->options->vm, number);
}

static void kill_vm(struct proxy *proxy)
{
    signal_vm(proxy, SIGKILL);
}

/* Ends the VM for a reason of the user's; the first reason counts, and a status before it. */
static void end_vm(struct proxy *proxy, enum proxy_end end, int signal_number)
{
    if (proxy->result.end == PROXY_DIED) {
        proxy->result.end = end;
        proxy->result.signal = signal_number;
    }
    proxy->asked = 0;
    proxy->deadline = NEVER;
    proxy->drain_deadline = now() + DRAIN_TIME;
    kill_vm(proxy);
}

/*
 * Begins to read standard input. What is read is gone for others who share it, such as the rest of
 * a script, so a program that never reads must leave it alone. On a terminal Ctrl-C is to be
 * read in any case.
 */
static void start_input(struct proxy *proxy)
{
    if (proxy->options->input && !proxy->input_started)
        pump_start(&proxy->input);
    proxy->input_started = true;
}

static void take_status(struct proxy *proxy, struct vm_status status)
{
    if (proxy->result.end == PROXY_DIED) {
        proxy->result.end = PROXY_STATUS;
        proxy->result.status = status;
        proxy->deadline = NEVER;
    } else {
        free(status.message);
    }
}

static void handle_control_line(void *context, char *line)
{
    struct proxy *proxy = context;
    struct vm_status status;

    if (strncmp(line, "trace ", 6) == 0) {
        notes_add(&proxy->notes, "", line + 6);
    } else if (strcmp(line, "taken") == 0) {
        if (proxy->untaken && --proxy->untaken == 0)
            proxy->asked = 0;
    } else if (strcmp(line, "read") == 0) {
        start_input(proxy);
    } else if (strncmp(line, "log ", 4) == 0) {
        notes_add(&proxy->notes, "kernel: ", line + 4);
    } else if (proxy->options->recorder &&
               (strncmp(line, "saw ", 4) == 0 || strncmp(line, "listed ", 7) == 0)) {
        proxy->options->recorder(proxy->options->context, line);
    } else if (status_parse(line, &status)) {
        take_status(proxy, status);
        kill_vm(proxy);
    } else {
        notes_add(&proxy->notes, "aril: the kernel said what this command does not know: ", line);
    }
}

/* Kernel messages. Before its control channel works, the kernel gives its status here, too. */
static void handle_uart_line(void *context, char *line)
{
    struct proxy *proxy = context;
    struct vm_status status;

    if (status_parse(line, &status))
        take_status(proxy, status);
    else
        notes_add(&proxy->notes, "kernel: ", line);
}

/* Reads a channel of lines; false at its end. */
static bool read_lines(struct proxy *proxy, int fd, struct line_reader *reader,
                       line_handler *handler)
{
    char bytes[16384];
    ssize_t n = read(fd, bytes, sizeof(bytes));

    if (n > 0) {
        proxy->result.kernel_spoke = true;
        lines_feed(reader, bytes, (size_t)n, handler, proxy);
        return true;
    }
    if (n < 0 && errno == EINTR)
        return true;
    lines_finish(reader, handler, proxy);
    return false;
}

static bool read_messages(struct proxy *proxy)
{
    char bytes[4096], *kept = proxy->result.vm_messages;
    size_t length = strlen(kept);
    ssize_t n = read(proxy->options->channels.messages, bytes, sizeof(bytes) - 1);

    if (n > 0 && length < MESSAGES_MAX) {
        bytes[n] = '\0';
        proxy->result.vm_messages = format_string("%s%s", kept, bytes);
        free(kept);
        /* QEMU then stops the VM and waits for a debugger: it will never end by itself. */
        if (strstr(proxy->result.vm_messages, "KVM internal error"))
            kill_vm(proxy);
    }
    return n > 0 || (n < 0 && errno == EINTR);
}

/* Is the request to end still not taken after `time`? */
static bool asked_for(const struct proxy *proxy, uint64_t time)
{
    return proxy->asked && now() - proxy->asked_at >= time;
}

static void forward_signal(struct proxy *proxy, int number)
{
    tell_kernel(proxy, "signal %d\n", number);
    proxy->untaken++;
    if (!signal_asks_to_end(number))
        return;
    if (!proxy->vm_alive) {
        /* Only a slow reader of the last output is waited for. */
        end_vm(proxy, PROXY_INTERRUPTED, number);
        proxy->drain_deadline = now();
    } else if (asked_for(proxy, INSIST_DELAY)) {
        end_vm(proxy, PROXY_INTERRUPTED, number);
    } else if (!proxy->asked) {
        proxy->asked = number;
        proxy->asked_at = now();
    }
}

static void send_terminal_size(struct proxy *proxy)
{
    unsigned columns, rows;

    if (proxy->options->sized >= 0 && terminal_size(proxy->options->sized, &columns, &rows))
        tell_kernel(proxy, "winsize %u %u\n", columns, rows);
}

/* SIGTSTP: stops VM and command, as it would stop the program, until SIGCONT. */
static void stop(struct proxy *proxy)
{
    terminal_restore();
    signal_vm(proxy, SIGSTOP);
    raise(SIGSTOP);
    signal_vm(proxy, SIGCONT);
    if (proxy->options->terminal)
        terminal_set_raw(STDIN_FILENO);
    send_terminal_size(proxy);
}

static void reap(struct proxy *proxy)
{
    if (proxy->vm_alive &&
        waitpid(proxy->options->vm, &proxy->result.vm_wait_status, WNOHANG) == proxy->options->vm)
        proxy->vm_alive = false;
}

static void handle_signals(struct proxy *proxy)
{
    struct signalfd_siginfo info;

    while (read(proxy->options->signals, &info, sizeof(info)) == sizeof(info)) {
        int number = (int)info.ssi_signo;

        if (number == SIGCHLD) {
            reap(proxy);
        } else if (number == SIGWINCH) {
            send_terminal_size(proxy);
        } else if (number == SIGTSTP) {
            stop(proxy);
        } else {
            forward_signal(proxy, number);
        }
    }
}

/* The reader of descriptor `fd` (1 or 2) is gone, or a write to it failed. */
static void handle_lost_reader(struct proxy *proxy, bool *watch, int fd, int error)
{
    if (!*watch)
        return;
    *watch = false;
    tell_kernel(proxy, "close %d\n", fd);
    if (error && error != EPIPE && error != ECONNRESET && proxy->result.end == PROXY_DIED) {
        char *text = format_string("cannot write standard %s: %s", fd == 1 ? "output" : "error",
                                   strerror(error));

        notes_add(&proxy->notes, "aril: ", text);
        free(text);
    }
}

static void handle_pumps(struct proxy *proxy)
{
    uint64_t count;
    ssize_t ignored = read(proxy->wakeup, &count, sizeof(count));
    int error;

    (void)ignored;
    if (proxy->input.started && pump_done(&proxy->input)) {
        tell_kernel(proxy, "eof %llu\n", atomic_load(&proxy->input.bytes));
        proxy->input.started = false;
    }
    error = atomic_load(&proxy->output.sink_error);
    if (error)
        handle_lost_reader(proxy, &proxy->watch_output, STDOUT_FILENO, error);
    error = atomic_load(&proxy->errors.sink_error);
    if (error)
        handle_lost_reader(proxy, &proxy->watch_errors, STDERR_FILENO, error);
    if (atomic_load(&proxy->escaped))
        end_vm(proxy, PROXY_INTERRUPTED, 0);
}

/* Watches the terminal's input for the escape; runs in the input pump. */
static void watch_for_escape(void *context, const char *bytes, size_t count)
{
    struct proxy *proxy = context;
    uint64_t one = 1;
    ssize_t ignored;

    if (!escape_typed(&proxy->escape, bytes, count, now()))
        return;
    atomic_store(&proxy->escaped, true);
    ignored = write(proxy->wakeup, &one, sizeof(one));
    (void)ignored;
}

static void start_pumps(struct proxy *proxy)
{
    const struct proxy_options *options = proxy->options;

    proxy->output = (struct pump){.from = options->channels.stdio,
                                  .to = STDOUT_FILENO,
                                  .wakeup = proxy->wakeup,
                                  .discard = true};
    proxy->errors = (struct pump){.from = options->channels.errors,
                                  .to = STDERR_FILENO,
                                  .wakeup = proxy->wakeup,
                                  .discard = true};
    proxy->input = (struct pump){.from = STDIN_FILENO,
                                 .to = options->channels.stdio,
                                 .wakeup = proxy->wakeup,
                                 .context = proxy,
                                 .watcher = options->terminal ? watch_for_escape : NULL};
    pump_start(&proxy->output);
    pump_start(&proxy->errors);
    if (options->terminal)
        start_input(proxy);
}

static uint64_t next_deadline(const struct proxy *proxy)
{
    uint64_t next = proxy->asked ? proxy->asked_at + REACTION_TIME : NEVER;

    if (proxy->deadline < next)
        next = proxy->deadline;
    if (proxy->drain_deadline < next)
        next = proxy->drain_deadline;
    return next;
}

/* Waits for events; `entries` says afterwards which. */
static void wait_for_events(struct proxy *proxy, struct pollfd *entries)
{
    const struct vm_channels *channels = &proxy->options->channels;
    uint64_t until = next_deadline(proxy);
    uint64_t time = now();
    struct timespec left = {0};
    bool room = !notes_full(&proxy->notes);
    short control_events = (short)((room ? POLLIN : 0) | (proxy->control.length ? POLLOUT : 0));

    entries[SIGNALS] = (struct pollfd){proxy->options->signals, POLLIN, 0};
    entries[WAKEUP] = (struct pollfd){proxy->wakeup, POLLIN, 0};
    entries[CONTROL] = (struct pollfd){
        proxy->control_open && control_events ? channels->control : -1, control_events, 0};
    entries[UART] = (struct pollfd){proxy->uart_open && room ? channels->uart : -1, POLLIN, 0};
    entries[MESSAGES] = (struct pollfd){proxy->messages_open ? channels->messages : -1, POLLIN, 0};
    entries[NOTES] =
        (struct pollfd){proxy->notes.outbox.length ? proxy->notes.outbox.socket : -1, POLLOUT, 0};
    /* No events asked for: only the going of the reader is reported. */
    entries[OUTPUT] = (struct pollfd){proxy->watch_output ? STDOUT_FILENO : -1, 0, 0};
    entries[ERRORS] = (struct pollfd){proxy->watch_errors ? STDERR_FILENO : -1, 0, 0};
    if (until > time) {
        left.tv_sec = (time_t)((until - time) / SECOND);
        left.tv_nsec = (long)((until - time) % SECOND);
    }
    if (ppoll(entries, POLLED, until == NEVER ? NULL : &left, NULL) <= 0) {
        for (size_t i = 0; i < POLLED; i++)
            entries[i].revents = 0;
    }
}

static void handle_events(struct proxy *proxy, const struct pollfd *entries)
{
    const struct vm_channels *channels = &proxy->options->channels;

    if (entries[WAKEUP].revents)
        handle_pumps(proxy);
    if (entries[SIGNALS].revents)
        handle_signals(proxy);
    if (entries[CONTROL].revents & POLLOUT)
        outbox_flush(&proxy->control);
    if (entries[CONTROL].revents & (POLLIN | POLLHUP | POLLERR))
        proxy->control_open =
            read_lines(proxy, channels->control, &proxy->control_lines, handle_control_line);
    if (entries[UART].revents)
        proxy->uart_open = read_lines(proxy, channels->uart, &proxy->uart_lines, handle_uart_line);
    if (entries[MESSAGES].revents)
        proxy->messages_open = read_messages(proxy);
    if (entries[NOTES].revents)
        outbox_flush(&proxy->notes.outbox);
    if (entries[OUTPUT].revents)
        handle_lost_reader(proxy, &proxy->watch_output, STDOUT_FILENO, 0);
    if (entries[ERRORS].revents)
        handle_lost_reader(proxy, &proxy->watch_errors, STDERR_FILENO, 0);
    if (now() >= proxy->deadline)
        end_vm(proxy, PROXY_TIMEOUT, 0);
    if (asked_for(proxy, REACTION_TIME))
        end_vm(proxy, PROXY_INTERRUPTED, proxy->asked);
}

/* True when all that came from the VM is passed on, or may no longer be waited for. */
static bool finished(struct proxy *proxy)
{
    if (proxy->vm_alive)
        return false;
    if (now() >= proxy->drain_deadline)
        return true;
    if (proxy->control_open || proxy->uart_open || proxy->messages_open ||
        !pump_done(&proxy->output) || !pump_done(&proxy->errors))
        return false;
    return notes_finish(&proxy->notes);
}

struct proxy_result proxy_run(const struct proxy_options *options)
{
    struct pollfd entries[POLLED];
    /* Static: pumps that are blocked use it until the process ends. */
    static struct proxy proxy;

    proxy = (struct proxy){
        .options = options,
        .result = {.end = PROXY_DIED, .vm_messages = duplicate("")},
        .wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
        .control = {.socket = options->channels.control},
        .control_open = true,
        .uart_open = true,
        .messages_open = true,
        .vm_alive = true,
        .watch_output = true,
        .watch_errors = true,
        .deadline = options->timeout ? now() + options->timeout : NEVER,
        .drain_deadline = NEVER,
    };
    if (proxy.wakeup < 0)
        die(STATUS_FAILED, "cannot make an eventfd: %s", strerror(errno));
    proxy.notes.wakeup = proxy.wakeup;
    start_pumps(&proxy);
    while (!finished(&proxy)) {
        wait_for_events(&proxy, entries);
        handle_events(&proxy, entries);
    }
    proxy.result.kernel_spoke |= atomic_load(&proxy.output.bytes) > 0;
    return proxy.result;
}
