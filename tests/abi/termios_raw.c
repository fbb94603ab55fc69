/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/* Terminals outside canonical mode: VMIN and VTIME in their four cases, blocking reads, signals, several readers. */
#include "pty.h"
#include <pthread.h>

static void set_min_time(int min, int time)
{
    set_char(VMIN, min);
    set_char(VTIME, time);
}

static void *type_later(void *text)
{
    sleep_ms(60);
    write(master, text, strlen(text));
    return NULL;
}

static void *type_twice(void *text)
{
    type_later(text);
    return type_later(text);
}

static volatile int done;

/* One read, which takes at least so many ms, and not for ever. */
static void timed_read(const char *what, int size, void *(*typist)(void *), char *text, int least)
{
    int64_t start = now_ns(CLOCK_MONOTONIC);
    pthread_t t;
    char bytes[100];
    long n;

    done = 0;
    if (typist)
        pthread_create(&t, NULL, typist, text);
    n = read(slave, bytes, size);
    int64_t took = (now_ns(CLOCK_MONOTONIC) - start) / 1000000;
    done = 1;
    printf("%s, ", took < least ? "too soon" : took > 20000 ? "too late" : "in time");
    print_bytes(what, bytes, n, errno);
    if (typist)
        pthread_join(t, NULL);
    settle();
}

static void cases(void)
{
    puts("-- VMIN 0, VTIME 0");
    set_min_time(0, 0);
    timed_read("nothing", 10, NULL, NULL, 0);
    type("abcdef");
    timed_read("some", 3, NULL, NULL, 0);
    printf("poll %x\n", poll_now(slave));
    timed_read("rest", 10, NULL, NULL, 0);
    printf("poll %x\n", poll_now(slave));

    puts("-- VMIN 3, VTIME 0");
    set_min_time(3, 0);
    type("ab");
    printf("poll %x\n", poll_now(slave));
    timed_read("completed by one", 10, type_later, "c", 50);
    type("abcdef");
    printf("poll %x\n", poll_now(slave));
    timed_read("more than wanted", 10, NULL, NULL, 0);
    type("ab");
    timed_read("as many as fit", 2, NULL, NULL, 0);
    timed_read("two writes", 10, type_twice, "xy", 50);

    puts("-- VMIN 0, VTIME 2");
    set_min_time(0, 2);
    timed_read("in vain", 10, NULL, NULL, 190);
    set_min_time(0, 30);
    timed_read("one in time", 10, type_later, "a", 50);
    type("abc");
    timed_read("there", 10, NULL, NULL, 0);

    puts("-- VMIN 5, VTIME 1");
    set_min_time(5, 1);
    type("ab");
    printf("poll %x\n", poll_now(slave));
    timed_read("time over", 10, NULL, NULL, 90);
    puts("-- VMIN 5, VTIME 10");
    set_min_time(5, 10);
    timed_read("first byte awaited", 10, type_later, "abc", 50);
    timed_read("two writes", 10, type_twice, "abc", 50);
    printf("poll %x\n", poll_now(slave));
}

static void nonblocking(void)
{
    puts("-- O_NONBLOCK");
    set_min_time(3, 0);
    SHOW(fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK));
    timed_read("nothing", 10, NULL, NULL, 0);
    type("ab");
    timed_read("fewer", 10, NULL, NULL, 0);
    set_min_time(0, 0);
    timed_read("nothing, VMIN 0", 10, NULL, NULL, 0);
    set_min_time(0, 2);
    timed_read("nothing, VTIME", 10, NULL, NULL, 0);
    SHOW(fcntl(slave, F_SETFL, O_RDWR));
}

static pthread_t reader;
static volatile int handled;

static void on_signal(int signo)
{
    handled++;
}

static void *interrupt(void *arg)
{
    do {
        sleep_ms(60);
        if (!done)
            pthread_kill(reader, SIGUSR1);
    } while (!arg && !done);
    sleep_ms(60);
    if (arg)
        write(master, arg, strlen(arg));
    return NULL;
}

static void signals(void)
{
    struct sigaction sa = {.sa_handler = on_signal};

    puts("-- signals");
    reader = pthread_self();
    set_min_time(3, 0);
    sigaction(SIGUSR1, &sa, NULL);
    timed_read("interrupted", 10, interrupt, NULL, 50);
    type("ab");
    timed_read("interrupted with bytes", 10, interrupt, NULL, 50);
    sa.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &sa, NULL);
    timed_read("restarted", 10, interrupt, "xyz", 50);
    printf("handled %d\n", handled > 0);
}

static void *read_master(void *arg)
{
    char bytes[100];
    long n;

    for (;;) {
        struct pollfd p = {.fd = master, .events = POLLIN};

        poll(&p, 1, -1);
        n = read(master, bytes, sizeof(bytes));
        if (n < 0 && errno != EAGAIN)
            return (void *)(long)errno;
        if (n > 0)
            *(long *)arg += n;
    }
}

static void *copy(void *arg)
{
    static char bytes[50000];

    return (void *)write(slave, bytes, sizeof(bytes));
}

/* More than any queue holds, by several writers at once. */
static void many_bytes(void)
{
    pthread_t writers[3], r;
    void *n, *end;
    long count = 0;

    puts("-- blocking writes");
    set_output(0, OPOST);
    pthread_create(&r, NULL, read_master, &count);
    for (int k = 0; k < 3; k++)
        pthread_create(&writers[k], NULL, copy, NULL);
    for (int k = 0; k < 3; k++) {
        pthread_join(writers[k], &n);
        printf("wrote %ld\n", (long)n);
    }
    close(slave);
    pthread_join(r, &end);
    printf("read %ld, end %s\n", count, strerrorname_np((int)(long)end));
}

static void *wait_for_end(void *arg)
{
    char byte;
    long n = read(slave, &byte, 1);

    return (void *)(n < 0 ? -(long)errno : n);
}

static void hang_up(void)
{
    struct pollfd p = {.events = POLLIN};
    pthread_t t;
    void *n;

    puts("-- the master closes while a thread reads");
    close(master);
    open_pair(O_RDWR | O_NOCTTY);
    pthread_create(&t, NULL, wait_for_end, NULL);
    sleep_ms(50);
    SHOW(close(master));
    pthread_join(t, &n);
    /* By chance: the reader finds the other side gone, or the terminal hung up. */
    printf("read: %s\n", (long)n == 0 || (long)n == -EIO ? "0 or EIO" : "other");
    p.fd = slave;
    SHOW(poll(&p, 1, 1000));
    printf("%x\n", p.revents);
    close(slave);
}

int main(void)
{
    setsid();
    open_pair(O_RDWR | O_NOCTTY);
    set_local(0, ICANON | ECHO | ISIG);
    cases();
    nonblocking();
    signals();
    many_bytes();
    hang_up();
    return 0;
}
