/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals for I/O, fcntl(2): O_ASYNC, F_SETOWN, F_SETOWN_EX, F_SETSIG on what supports them, and what they carry. */
#include "inotify.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static volatile int count, last_code, last_fd, last_sig, by_thread;
static volatile long last_band;
static pid_t other;

static void on_signal(int signo, siginfo_t *info, void *context)
{
    count++;
    last_sig = signo;
    last_code = info->si_code;
    last_band = info->si_band;
    last_fd = info->si_fd;
    by_thread = gettid() == other;
}

static const char *code_name(int code)
{
    switch (code) {
    case POLL_IN:
        return "POLL_IN";
    case POLL_OUT:
        return "POLL_OUT";
    case POLL_MSG:
        return "POLL_MSG";
    case POLL_ERR:
        return "POLL_ERR";
    case POLL_PRI:
        return "POLL_PRI";
    case POLL_HUP:
        return "POLL_HUP";
    case SI_KERNEL:
        return "SI_KERNEL";
    case SI_SIGIO:
        return "SI_SIGIO";
    }
    return "?";
}

/* Which signals came since the last call; base: what descriptors are counted from. */
static void came(const char *what, int base)
{
    printf("%s: %d", what, count);
    if (count) {
        printf(" signal %d %s", last_sig, code_name(last_code));
        if (last_code != SI_KERNEL)
            printf(" band %lx fd +%d", last_band, last_fd - base);
        if (by_thread)
            printf(" in the other thread");
    }
    printf("\n");
    fflush(stdout);
    count = 0;
}

#define AND_THEN(base, statement)  \
    do {                           \
        statement;                 \
        came(#statement, base);    \
    } while (0)

static void owners(void)
{
    struct f_owner_ex ex;
    int p[2];

    SHOW(pipe(p));
    SHOW(fcntl(p[0], F_GETOWN));
    SHOW(fcntl(p[0], F_GETSIG));
    SHOW(fcntl(p[0], F_SETSIG, -1));
    SHOW(fcntl(p[0], F_SETSIG, 65));
    SHOW(fcntl(p[0], F_SETSIG, 64));
    SHOW(fcntl(p[0], F_GETSIG));
    SHOW(fcntl(p[0], F_SETSIG, 0));
    SHOW(fcntl(p[0], F_GETSIG));
    SHOW(fcntl(p[0], F_SETOWN, 999999999));
    SHOW(fcntl(p[0], F_SETOWN, INT_MIN));
    SHOW(fcntl(p[0], F_SETOWN, getpid()));
    SHOW(fcntl(p[0], F_GETOWN) == getpid());
    SHOW(syscall(SYS_fcntl, p[0], F_SETOWN, -getpgrp()));
    SHOW(syscall(SYS_fcntl, p[0], F_GETOWN_EX, &ex));
    SHOW(ex.type);
    SHOW(ex.pid == getpgrp());
    ex.type = 7;
    SHOW(fcntl(p[0], F_SETOWN_EX, &ex));
    ex.type = F_OWNER_TID, ex.pid = gettid();
    SHOW(fcntl(p[0], F_SETOWN_EX, &ex));
    ex = (struct f_owner_ex){9, 9};
    SHOW(fcntl(p[0], F_GETOWN_EX, &ex));
    SHOW(ex.type);
    SHOW(ex.pid == gettid());
    SHOW(fcntl(p[0], F_SETOWN, 0));
    SHOW(fcntl(p[0], F_GETOWN_EX, &ex));
    SHOW(ex.type);
    SHOW(ex.pid);
    SHOW(fcntl(p[0], F_GETOWN_EX, BAD_PTR));
    SHOW(fcntl(p[0], F_SETOWN_EX, BAD_PTR));
    close(p[0]), close(p[1]);
}

static int opened_async(int fd)
{
    return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC);
}

static void pipes(void)
{
    char b[64];
    int p[2], copy;

    pipe(p);
    SHOW(opened_async(p[0]));
    SHOW((fcntl(p[0], F_GETFL) & O_ASYNC) != 0);
    AND_THEN(p[0], write(p[1], "a", 1)); /* no owner */
    fcntl(p[0], F_SETOWN, getpid());
    AND_THEN(p[0], write(p[1], "a", 1));
    AND_THEN(p[0], write(p[1], "a", 1));
    AND_THEN(p[0], read(p[0], b, 1));
    AND_THEN(p[0], read(p[0], b, sizeof(b)));
    SHOW(fcntl(p[0], F_SETSIG, SIGRTMIN + 1));
    AND_THEN(p[0], write(p[1], "a", 1));
    SHOW(fcntl(p[0], F_SETSIG, SIGUSR1));
    AND_THEN(p[0], write(p[1], "a", 1));
    SHOW(fcntl(p[0], F_SETSIG, SIGCHLD));
    AND_THEN(p[0], write(p[1], "a", 1));
    SHOW(fcntl(p[0], F_SETSIG, SIGIO));
    AND_THEN(p[0], write(p[1], "a", 1));
    /* The descriptor is the one it was set by. */
    copy = dup(p[0]);
    SHOW(opened_async(copy));
    AND_THEN(p[0], write(p[1], "a", 1));
    SHOW(fcntl(copy, F_SETFL, 0));
    AND_THEN(p[0], write(p[1], "a", 1));
    SHOW(opened_async(copy));
    AND_THEN(p[0], write(p[1], "a", 1));
    AND_THEN(p[0], close(copy));
    AND_THEN(p[0], write(p[1], "a", 1));
    SHOW(ioctl(p[0], FIOASYNC, &(int){0}));
    SHOW(fcntl(p[0], F_GETFL));
    AND_THEN(p[0], write(p[1], "a", 1));
    SHOW(ioctl(p[0], FIOASYNC, &(int){1}));
    AND_THEN(p[0], write(p[1], "a", 1));
    AND_THEN(p[0], close(p[1]));
    close(p[0]);
    pipe(p);
    fcntl(p[1], F_SETOWN, getpid());
    fcntl(p[1], F_SETSIG, SIGRTMIN);
    opened_async(p[1]);
    fcntl(p[1], F_SETFL, O_NONBLOCK | O_ASYNC | O_WRONLY);
    while (write(p[1], b, sizeof(b)) > 0)
        ;
    came("filled", p[0]);
    for (int k = 0; k < 64; k++)
        read(p[0], b, sizeof(b));
    printf("room came: %d\n", count > 0);
    count = 0;
    signal(SIGPIPE, SIG_IGN);
    AND_THEN(p[0], close(p[0]));
    close(p[1]);
}

static void sockets(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    char b[64];
    int s[2], l, c, d, owner;

    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

    for (int i = 0; i < 3; i++) {
        int type = types[i];
        socketpair(AF_UNIX, type, 0, s);
        fcntl(s[0], F_SETOWN, getpid());
        fcntl(s[0], F_SETSIG, SIGRTMIN);
        opened_async(s[0]);
        AND_THEN(s[0], write(s[1], "a", 1));
        AND_THEN(s[0], write(s[1], "a", 1));
        AND_THEN(s[0], read(s[0], b, 1));
        AND_THEN(s[0], write(s[0], "a", 1));
        AND_THEN(s[0], read(s[1], b, 1));
        if (type == SOCK_STREAM)
            AND_THEN(s[0], shutdown(s[1], SHUT_WR));
        close(s[1]);
        came("closed", s[0]);
        close(s[0]);
        for (int how = 0; how < 6; how++) { /* by the other end, and by itself */
            socketpair(AF_UNIX, type, 0, s);
            fcntl(s[0], F_SETOWN, getpid());
            fcntl(s[0], F_SETSIG, SIGRTMIN);
            opened_async(s[0]);
            AND_THEN(s[0], shutdown(s[how < 3], how % 3));
            close(s[1]), close(s[0]);
            count = 0;
        }
    }
    l = socket(AF_INET, SOCK_STREAM, 0);
    bind(l, (struct sockaddr *)&a, sizeof(a));
    listen(l, 5);
    getsockname(l, (struct sockaddr *)&a, &n);
    fcntl(l, F_SETOWN, getpid());
    fcntl(l, F_SETSIG, SIGRTMIN);
    opened_async(l);
    c = socket(AF_INET, SOCK_STREAM, 0);
    connect(c, (struct sockaddr *)&a, sizeof(a));
    setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    printf("connection came: %d\n", count > 0);
    came("accepting", l);
    d = accept(l, NULL, NULL);
    count = 0;
    fcntl(d, F_SETOWN, getpid());
    fcntl(d, F_SETSIG, SIGRTMIN);
    opened_async(d);
    AND_THEN(l, write(c, "a", 1));
    AND_THEN(l, read(d, b, 1));
    AND_THEN(l, write(d, "a", 1));
    SHOW(ioctl(d, FIOSETOWN, &(int){0}));
    AND_THEN(l, write(c, "a", 1));
    SHOW(ioctl(d, SIOCSPGRP, &(int){getpid()}));
    SHOW(ioctl(d, FIOGETOWN, &owner));
    SHOW(owner == getpid());
    SHOW(ioctl(d, SIOCGPGRP, &owner));
    AND_THEN(l, write(c, "a", 1));
    close(c), close(d), close(l);
    a.sin_port = 0;
    c = socket(AF_INET, SOCK_DGRAM, 0);
    bind(c, (struct sockaddr *)&a, sizeof(a));
    getsockname(c, (struct sockaddr *)&a, &n);
    d = socket(AF_INET, SOCK_DGRAM, 0);
    connect(d, (struct sockaddr *)&a, sizeof(a));
    fcntl(c, F_SETOWN, getpid());
    fcntl(c, F_SETSIG, SIGRTMIN);
    count = 0;
    opened_async(c);
    AND_THEN(c, write(d, "a", 1));
    AND_THEN(c, read(c, b, 1));
    close(c), close(d);
}

static void others(void)
{
    int in = inotify_init1(IN_NONBLOCK), e = eventfd(0, 0), t = timerfd_create(CLOCK_MONOTONIC, 0);
    int ep = epoll_create1(0), f = open("f", O_CREAT | O_RDWR | O_ASYNC, 0644), d = open(".", O_RDONLY);

    fcntl(in, F_SETOWN, getpid());
    fcntl(in, F_SETSIG, SIGRTMIN);
    SHOW(opened_async(in));
    inotify_add_watch(in, ".", IN_CREATE | IN_DELETE);
    AND_THEN(in, make_file("g", ""));
    AND_THEN(in, unlink("g"));
    drain(in, "events");
    SHOW((fcntl(f, F_GETFL) & O_ASYNC) != 0);
    SHOW(ioctl(f, FIOASYNC, &(int){1}));
    SHOW(ioctl(e, FIOASYNC, &(int){1}));
    SHOW(ioctl(t, FIOASYNC, &(int){1}));
    SHOW(ioctl(ep, FIOASYNC, &(int){1}));
    SHOW(ioctl(d, FIOASYNC, &(int){1}));
    SHOW(opened_async(e));
    SHOW((fcntl(e, F_GETFL) & O_ASYNC) != 0);
    fcntl(e, F_SETOWN, getpid());
    fcntl(f, F_SETOWN, getpid());
    AND_THEN(e, eventfd_write(e, 1));
    AND_THEN(f, write(f, "x", 1));
    close(in), close(e), close(t), close(ep), close(f), close(d);
    unlink("f");
}

static void terminals(void)
{
    int m = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK), t, n;
    char b[16];

    if (m < 0 || ioctl(m, TIOCSPTLCK, &(int){0}) || ioctl(m, TIOCGPTN, &n)) {
        printf("no terminals\n");
        return;
    }
    snprintf(b, sizeof(b), "/dev/pts/%d", n);
    t = open(b, O_RDWR | O_NOCTTY);
    fcntl(t, F_SETOWN, getpid());
    fcntl(t, F_SETSIG, SIGRTMIN);
    SHOW(opened_async(t));
    write(m, "a\n", 2);
    for (int k = 0; k < 1000 && !count; k++)
        usleep(1000);
    printf("input came: %d, %s band %lx\n", count > 0, code_name(last_code), last_band);
    close(t), close(m);
    count = 0;
}

static volatile int stop;

static void *waits(void *arg)
{
    sigset_t s;

    sigemptyset(&s);
    sigaddset(&s, SIGRTMIN);
    sigaddset(&s, SIGIO);
    other = gettid();
    while (!stop)
        usleep(1000);
    return NULL;
}

static void threads(void)
{
    pthread_t t;
    int p[2];

    pthread_create(&t, NULL, waits, NULL);
    while (!other)
        usleep(1000);
    pipe(p);
    fcntl(p[0], F_SETOWN_EX, &(struct f_owner_ex){F_OWNER_TID, other});
    fcntl(p[0], F_SETSIG, SIGRTMIN);
    opened_async(p[0]);
    write(p[1], "a", 1);
    while (!count)
        usleep(1000);
    came("to a thread", p[0]);
    stop = 1;
    pthread_join(t, NULL);
    write(p[1], "a", 1);
    came("it has ended", p[0]);
    close(p[0]), close(p[1]);
}

int main(void)
{
    int signals[] = {SIGIO, SIGUSR1, SIGRTMIN, SIGRTMIN + 1, SIGCHLD};
    struct sigaction act = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};

    for (size_t k = 0; k < sizeof(signals) / sizeof(signals[0]); k++)
        sigaction(signals[k], &act, NULL);
    enter_scratch();
    owners();
    pipes();
    sockets();
    others();
    terminals();
    threads();
    leave_scratch();
    return 0;
}
