/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event loop between the caller and the VM, with a process of the test in the place of QEMU.
 * sources: tools/proxy.c tools/pump.c tools/outbox.c tools/lines.c tools/signals.c tools/terminal.c
 * sources: tools/message.c tools/notes.c tools/escape.c
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tools/message.h"
#include "tools/proxy.h"
#include "tools/signals.h"

/* The VM's ends of the channels, in the process that plays the VM. */
static struct vm_channels vm;

/* The caller's side of one run. */
struct run {
    pid_t command;             /* plays `aril run` */
    int input, output, errors; /* our ends of its descriptors 0, 1, 2 */
};

static void sleep_ms(unsigned milliseconds)
{
    poll(NULL, 0, (int)milliseconds);
}

static void pair_up(int *ours, int *theirs)
{
    int pair[2];

    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    *ours = pair[0];
    *theirs = pair[1];
}

/* Plays `aril run`: the VM is a child that calls play(). Ends with the status to expect of it. */
static void __attribute__((noreturn)) play_command(void (*play)(void), uint64_t timeout)
{
    struct proxy_options options = {.input = true, .sized = -1, .timeout = timeout};
    struct proxy_result result;

    pair_up(&options.channels.stdio, &vm.stdio);
    pair_up(&options.channels.errors, &vm.errors);
    pair_up(&options.channels.control, &vm.control);
    pair_up(&options.channels.uart, &vm.uart);
    pair_up(&options.channels.messages, &vm.messages);
    options.signals = signals_open();
    options.vm = fork();
    if (options.vm == 0) {
        setpgid(0, 0);
        close(options.channels.stdio);
        close(options.channels.errors);
        close(options.channels.control);
        close(options.channels.uart);
        close(options.channels.messages);
        play();
        _exit(3);
    }
    close(vm.stdio);
    close(vm.errors);
    close(vm.control);
    close(vm.uart);
    close(vm.messages);
    result = proxy_run(&options);
    /* The VM is reaped, so nothing is left to wait for. */
    if (waitpid(-1, NULL, 0) != -1 || errno != ECHILD)
        _exit(99);
    switch (result.end) {
    case PROXY_STATUS:
        if (result.status.kind == VM_REFUSED)
            say("refused: %s", result.status.message);
        _exit(result.status.kind == VM_SIGNALED ? 128 + result.status.number
                                                : result.status.number);
    case PROXY_TIMEOUT:
        _exit(STATUS_TIMEOUT);
    case PROXY_INTERRUPTED:
        _exit(77);
    default:
        say("died: %s", result.vm_messages);
        _exit(STATUS_FAILED);
    }
}

static struct run start(void (*play)(void), uint64_t timeout)
{
    int input[2], output[2], errors[2];
    struct run run;

    fflush(stdout);
    CHECK(pipe2(input, O_CLOEXEC) == 0);
    CHECK(pipe2(output, O_CLOEXEC) == 0);
    CHECK(pipe2(errors, O_CLOEXEC) == 0);
    run.command = fork();
    if (run.command == 0) {
        dup2(input[0], 0);
        dup2(output[1], 1);
        dup2(errors[1], 2);
        for (unsigned i = 0; i < 2; i++) {
            close(input[i]);
            close(output[i]);
            close(errors[i]);
        }
        play_command(play, timeout);
    }
    close(input[0]);
    close(output[1]);
    close(errors[1]);
    run.input = input[1];
    run.output = output[0];
    run.errors = errors[0];
    return run;
}

/* Reads `fd` to its end as text. */
static char *read_all(int fd)
{
    char *text = malloc(65536);
    size_t length = 0;
    ssize_t n;

    CHECK(text);
    while ((n = read(fd, text + length, 65535 - length)) > 0)
        length += (size_t)n;
    text[length] = '\0';
    return text;
}

/* Waits for the end; checks the status and what is still to be read from output and errors. */
static void finish(struct run *run, int status, const char *output, const char *errors)
{
    char *text;
    int got;

    if (output) {
        text = read_all(run->output);
        CHECK(strcmp(text, output) == 0);
        free(text);
    }
    if (errors) {
        text = read_all(run->errors);
        CHECK(strcmp(text, errors) == 0);
        free(text);
    }
    CHECK(waitpid(run->command, &got, 0) == run->command);
    if (!WIFEXITED(got) || WEXITSTATUS(got) != status)
        printf("# wait status %x\n", got);
    CHECK(WIFEXITED(got) && WEXITSTATUS(got) == status);
    if (run->input >= 0)
        close(run->input);
    close(run->output);
    close(run->errors);
}

/* For the VM's player. */
static void tell(int fd, const char *text)
{
    size_t length = strlen(text);

    if (write(fd, text, length) != (ssize_t)length)
        _exit(4);
}

/* For the VM's player: the next line of the control channel must be this one. */
static void expect(const char *line)
{
    char text[100];
    size_t length = 0;

    while (length < sizeof(text) - 1 && read(vm.control, text + length, 1) == 1) {
        if (text[length] == '\n')
            break;
        length++;
    }
    text[length] = '\0';
    if (strcmp(text, line) != 0) {
        tell(vm.errors, "unexpected order: ");
        tell(vm.errors, text);
        _exit(5);
    }
}

static void wait_to_be_killed(void)
{
    for (;;)
        pause();
}

static void play_simple(void)
{
    tell(vm.stdio, "output");
    tell(vm.errors, "error\n");
    tell(vm.uart, "boot");
    tell(vm.uart, "ing\r\nrest");
    tell(vm.control, "trace write(1)\nlog note\nexit 42\n");
    wait_to_be_killed();
}

TEST(streams_and_status_pass_through)
{
    struct run run = start(play_simple, 0);
    char *errors;

    errors = read_all(run.errors);
    /* Each channel keeps its order; there is none between them. */
    CHECK(strstr(errors, "error\n") && strstr(errors, "kernel: booting\n"));
    CHECK(strstr(errors, "write(1)\nkernel: note\n"));
    CHECK(strstr(errors, "kernel: rest\n") > strstr(errors, "kernel: booting\n"));
    CHECK(strlen(errors) ==
          strlen("error\nkernel: booting\nkernel: rest\nwrite(1)\nkernel: note\n"));
    free(errors);
    finish(&run, 42, "output", "");
}

static void play_signal(void)
{
    tell(vm.control, "signal 11 core=1\n");
    wait_to_be_killed();
}

static void play_uart_status(void)
{
    tell(vm.uart, "fail 125 unknown parameter foo\n");
}

static void play_death(void)
{
    tell(vm.messages, "qemu is unhappy");
}

TEST(every_end_has_its_status)
{
    struct run run = start(play_signal, 0);

    finish(&run, 128 + 11, "", "");
    run = start(play_uart_status, 0);
    finish(&run, 125, "", "aril: refused: unknown parameter foo\n");
    run = start(play_death, 0);
    finish(&run, 125, "", "aril: died: qemu is unhappy\n");
    run = start(wait_to_be_killed, 100000000);
    finish(&run, 124, "", "");
}

#define BULK (100 << 20)

/* Byte number `i` of the bulk data. */
static unsigned char bulk_byte(size_t i)
{
    return (unsigned char)(i ^ i >> 8 ^ i >> 16);
}

static void play_bulk_output(void)
{
    static unsigned char bytes[65521];

    for (size_t done = 0; done < BULK;) {
        size_t count = BULK - done < sizeof(bytes) ? BULK - done : sizeof(bytes);

        for (size_t i = 0; i < count; i++)
            bytes[i] = bulk_byte(done + i);
        for (size_t sent = 0; sent < count;) {
            ssize_t n = write(vm.stdio, bytes + sent, count - sent);

            if (n < 0)
                _exit(6);
            sent += (size_t)n;
        }
        done += count;
    }
    tell(vm.control, "exit 0\n");
    wait_to_be_killed();
}

TEST(bulk_output_arrives_at_a_slow_reader)
{
    static unsigned char bytes[1 << 20];
    struct run run = start(play_bulk_output, 0);
    size_t done = 0;
    ssize_t n;

    while ((n = read(run.output, bytes, sizeof(bytes))) > 0) {
        for (ssize_t i = 0; i < n; i++)
            CHECK(bytes[i] == bulk_byte(done + (size_t)i));
        if (done >> 22 != (done + (size_t)n) >> 22)
            sleep_ms(20);
        done += (size_t)n;
    }
    CHECK(done == BULK);
    finish(&run, 0, "", "");
}

#define INPUT_BULK (3 << 20)

static void play_bulk_input(void)
{
    unsigned char bytes[1000];
    size_t done = 0;

    sleep_ms(100);
    /* Nothing is read before it is asked for. */
    if (recv(vm.stdio, bytes, 1, MSG_DONTWAIT) != -1)
        _exit(9);
    tell(vm.control, "read\n");
    while (done < INPUT_BULK) {
        ssize_t n = read(vm.stdio, bytes, sizeof(bytes));

        if (n <= 0)
            _exit(7);
        for (ssize_t i = 0; i < n; i++) {
            if (bytes[i] != bulk_byte(done + (size_t)i))
                _exit(8);
        }
        done += (size_t)n;
    }
    expect("eof 3145728");
    tell(vm.control, "exit 0\n");
    wait_to_be_killed();
}

TEST(bulk_input_arrives_with_its_end)
{
    struct run run = start(play_bulk_input, 0);
    unsigned char bytes[4099];

    for (size_t done = 0; done < INPUT_BULK;) {
        size_t count = INPUT_BULK - done < sizeof(bytes) ? INPUT_BULK - done : sizeof(bytes);

        for (size_t i = 0; i < count; i++)
            bytes[i] = bulk_byte(done + i);
        CHECK(write(run.input, bytes, count) == (ssize_t)count);
        done += count;
    }
    close(run.input);
    run.input = -1;
    finish(&run, 0, "", "");
}

static void play_closed_output(void)
{
    tell(vm.stdio, "x");
    expect("close 1");
    tell(vm.stdio, "this is discarded");
    expect("close 2");
    tell(vm.control, "signal 13 core=0\n");
    wait_to_be_killed();
}

TEST(a_closed_reader_is_told_before_a_write)
{
    struct run run = start(play_closed_output, 0);
    char byte;

    CHECK(read(run.output, &byte, 1) == 1);
    close(run.output);
    sleep_ms(100);
    close(run.errors);
    sleep_ms(100);
    run.output = open("/dev/null", O_RDONLY);
    run.errors = open("/dev/null", O_RDONLY);
    finish(&run, 128 + 13, "", "");
}

static void play_signals(void)
{
    tell(vm.stdio, "ready");
    expect("signal 10");
    tell(vm.stdio, "1");
    expect("signal 15");
    tell(vm.stdio, "2");
    expect("signal 34");
    tell(vm.control, "signal 15 core=0\n");
    wait_to_be_killed();
}

static void wait_for_output(struct run *run, const char *text)
{
    char bytes[20] = {0};

    CHECK(read(run->output, bytes, sizeof(bytes) - 1) == (ssize_t)strlen(text));
    CHECK(strcmp(bytes, text) == 0);
}

TEST(signals_are_forwarded)
{
    struct run run = start(play_signals, 0);

    wait_for_output(&run, "ready");
    CHECK(kill(run.command, SIGUSR1) == 0);
    wait_for_output(&run, "1");
    CHECK(kill(run.command, SIGTERM) == 0);
    wait_for_output(&run, "2");
    CHECK(kill(run.command, 34) == 0);
    finish(&run, 128 + 15, "", "");
}

static void play_deaf(void)
{
    tell(vm.stdio, "ready");
    wait_to_be_killed();
}

TEST(a_second_request_ends_a_deaf_vm)
{
    struct run run = start(play_deaf, 0);

    wait_for_output(&run, "ready");
    CHECK(kill(run.command, SIGTERM) == 0);
    sleep_ms(400);
    CHECK(kill(run.command, SIGTERM) == 0);
    finish(&run, 77, "", "");
}

static void play_busy(void)
{
    tell(vm.stdio, "ready");
    expect("signal 2");
    tell(vm.control, "taken\n");
    sleep_ms(100);
    tell(vm.stdio, "once");
    expect("signal 2");
    tell(vm.control, "exit 5\n");
    wait_to_be_killed();
}

TEST(a_second_request_leaves_a_reacting_vm)
{
    struct run run = start(play_busy, 0);

    wait_for_output(&run, "ready");
    CHECK(kill(run.command, SIGINT) == 0);
    wait_for_output(&run, "once");
    sleep_ms(300);
    CHECK(kill(run.command, SIGINT) == 0);
    finish(&run, 5, "", "");
}

static void play_stopped(void)
{
    for (int i = 0; i < 40; i++) {
        tell(vm.stdio, ".");
        sleep_ms(10);
    }
    tell(vm.control, "exit 6\n");
    wait_to_be_killed();
}

TEST(stop_and_continue)
{
    struct run run = start(play_stopped, 0);
    struct pollfd output;
    char bytes[100];
    int status;

    CHECK(read(run.output, bytes, sizeof(bytes)) > 0);
    CHECK(kill(run.command, SIGTSTP) == 0);
    CHECK(waitpid(run.command, &status, WUNTRACED) == run.command && WIFSTOPPED(status));
    sleep_ms(50);
    output = (struct pollfd){run.output, POLLIN, 0};
    while (poll(&output, 1, 0) > 0)
        CHECK(read(run.output, bytes, sizeof(bytes)) > 0);
    CHECK(poll(&output, 1, 200) == 0);
    CHECK(kill(run.command, SIGCONT) == 0);
    CHECK(poll(&output, 1, 5000) == 1);
    free(read_all(run.output));
    finish(&run, 6, "", "");
}

/* A reader that reads nothing for a while keeps neither signals nor the timeout from working. */
TEST(a_stuck_reader_does_not_block_the_timeout)
{
    struct run run = start(play_bulk_output, 300000000);
    struct timespec before, after;
    int status;

    clock_gettime(CLOCK_MONOTONIC, &before);
    CHECK(waitpid(run.command, &status, 0) == run.command);
    clock_gettime(CLOCK_MONOTONIC, &after);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 124);
    CHECK(after.tv_sec - before.tv_sec < 5);
    close(run.input);
    close(run.output);
    close(run.errors);
}

static void play_trace_flood(void)
{
    for (int i = 0; i < 100000; i++)
        tell(vm.control, "trace 0123456789 0123456789 0123456789\n");
    tell(vm.control, "exit 0\n");
    wait_to_be_killed();
}

TEST(a_flood_of_lines_waits_for_its_reader)
{
    struct run run = start(play_trace_flood, 0);
    static char bytes[1 << 16];
    size_t total = 0;
    ssize_t n;

    sleep_ms(300);
    while ((n = read(run.errors, bytes, sizeof(bytes))) > 0)
        total += (size_t)n;
    CHECK(total == 100000 * strlen("0123456789 0123456789 0123456789\n"));
    finish(&run, 0, "", "");
}
