/* SPDX-License-Identifier: BSD-2-Clause */
/* poll, ppoll, select, pselect6: events of pipes and sockets, bad descriptors, timeouts written back, masks, EINTR. */
#include "abi.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>

static volatile sig_atomic_t hits;

static void on_signal(int s)
{
    hits++;
}

static pthread_t main_thread;

static void *kill_later(void *arg)
{
    sleep_ms(30);
    pthread_kill(main_thread, SIGUSR1);
    return NULL;
}

static void *write_later(void *arg)
{
    sleep_ms(20);
    if (write((int)(long)arg, "x", 1) != 1)
        printf("write failed\n");
    return NULL;
}

static void show_poll(const char *what, struct pollfd *p, int n, int timeout)
{
    CALL(what, poll(p, (nfds_t)n, timeout));
    for (int i = 0; i < n; i++)
        printf("  %d: %x\n", i, p[i].revents);
}

static void polls(void)
{
    int p[2], sp[2], file = open("poll.file", O_RDWR | O_CREAT, 0600);
    char b[65536] = {0};
    pipe2(p, O_NONBLOCK);
    struct pollfd f[4] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}, {-1, POLLIN, 77}, {99, POLLIN, 0}};
    show_poll("pipe, negative, closed", f, 4, -1);
    f[3].fd = file;
    f[3].events = POLLIN | POLLOUT | POLLPRI;
    show_poll("with a file", f, 4, 0);
    SHOW(write(p[1], "abc", 3));
    show_poll("readable", f, 2, 0);
    while (write(p[1], b, 4096) > 0)
        ;
    show_poll("full", f, 2, 0);
    SHOW(close(p[1]));
    f[1].fd = -1;
    show_poll("writer gone, data left", f, 2, 0);
    while (read(p[0], b, sizeof b) > 0)
        ;
    show_poll("writer gone, empty", f, 1, 0);
    close(p[0]);
    pipe2(p, O_NONBLOCK);
    close(p[0]);
    f[1] = (struct pollfd){p[1], POLLOUT, 0};
    show_poll("reader gone", f + 1, 1, 0);
    f[1].events = 0;
    show_poll("reader gone, nothing asked", f + 1, 1, 0);
    close(p[1]);

    socketpair(AF_UNIX, SOCK_STREAM, 0, sp);
    f[0] = (struct pollfd){sp[0], POLLIN | POLLOUT | POLLRDHUP, 0};
    show_poll("socket", f, 1, 0);
    SHOW(shutdown(sp[1], SHUT_WR));
    show_poll("peer shut down", f, 1, 0);
    SHOW(close(sp[1]));
    show_poll("peer closed", f, 1, 0);

    pthread_t t;
    pipe(p);
    pthread_create(&t, NULL, write_later, (void *)(long)p[1]);
    f[0] = (struct pollfd){p[0], POLLIN, 0};
    show_poll("woken", f, 1, 5000);
    pthread_join(t, NULL);
    read(p[0], b, 1);
    int64_t before = now_ns(CLOCK_MONOTONIC);
    show_poll("timeout", f, 1, 30);
    SHOW(now_ns(CLOCK_MONOTONIC) - before >= 30000000);
    SHOW(poll(NULL, 0, 1));
    SHOW(syscall(SYS_poll, BAD, 1, 0));
    struct rlimit rl;
    getrlimit(RLIMIT_NOFILE, &rl);
    SHOW(syscall(SYS_poll, f, rl.rlim_cur + 1, 0));
    pthread_create(&t, NULL, kill_later, NULL);
    show_poll("interrupted", f, 1, 5000);
    pthread_join(t, NULL);
    SHOW(hits);
}

static void ppolls(void)
{
    int p[2];
    pipe(p);
    struct pollfd f = {p[0], POLLIN, 0};
    struct timespec ts = {0, 20000000};
    sigset_t block, none, old;
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    hits = 0;
    SHOW(syscall(SYS_ppoll, &f, 1, &ts, NULL, 8));
    SHOW(ts.tv_sec + ts.tv_nsec);
    ts = (struct timespec){0, 1000000000};
    SHOW(syscall(SYS_ppoll, &f, 1, &ts, NULL, 8));
    ts = (struct timespec){-1, 0};
    SHOW(syscall(SYS_ppoll, &f, 1, &ts, NULL, 8));
    SHOW(syscall(SYS_ppoll, &f, 1, BAD, NULL, 8));
    ts = (struct timespec){0, 1};
    SHOW(syscall(SYS_ppoll, &f, 1, &ts, &none, 4));
    SHOW(syscall(SYS_ppoll, &f, 1, &ts, BAD, 8));
    sigprocmask(SIG_BLOCK, &block, &old);
    kill(getpid(), SIGUSR1);
    SHOW(hits);
    ts = (struct timespec){5, 0};
    SHOW(syscall(SYS_ppoll, &f, 1, &ts, &none, 8));
    SHOW(hits);
    SHOW(ts.tv_sec == 4 || ts.tv_sec == 5);
    sigprocmask(SIG_SETMASK, NULL, &block);
    SHOW(sigismember(&block, SIGUSR1));
    /* A pending signal that the mask lets through, but something is ready: the events win. */
    kill(getpid(), SIGUSR1);
    write(p[1], "x", 1);
    SHOW(syscall(SYS_ppoll, &f, 1, &ts, &none, 8));
    SHOW(hits);
    sigprocmask(SIG_SETMASK, &old, NULL);
    SHOW(hits);
}

static void selects(void)
{
    int p[2], q[2];
    fd_set r, w, x;
    pipe2(p, O_NONBLOCK);
    pipe(q);
    struct timeval tv = {0, 20000};
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_ZERO(&x);
    FD_SET(p[0], &r);
    FD_SET(p[1], &w);
    FD_SET(p[0], &x);
    FD_SET(q[0], &r);
    SHOW(select(q[1] + 1, &r, &w, &x, &tv));
    SHOW(FD_ISSET(p[0], &r) + FD_ISSET(p[1], &w) * 2 + FD_ISSET(p[0], &x) * 4 + FD_ISSET(q[0], &r) * 8);
    SHOW(tv.tv_usec > 0);
    write(p[1], "a", 1);
    FD_ZERO(&r);
    FD_SET(p[0], &r);
    FD_SET(q[0], &r);
    SHOW(select(q[1] + 1, &r, NULL, NULL, NULL));
    SHOW(FD_ISSET(p[0], &r) + FD_ISSET(q[0], &r) * 8);
    FD_ZERO(&r);
    FD_SET(q[0], &r);
    tv = (struct timeval){0, 20000};
    SHOW(select(q[1] + 1, &r, NULL, NULL, &tv));
    SHOW(FD_ISSET(q[0], &r));
    SHOW(tv.tv_sec + tv.tv_usec);
    SHOW(select(-1, NULL, NULL, NULL, &tv));
    tv = (struct timeval){0, -1};
    SHOW(select(0, NULL, NULL, NULL, &tv));
    tv = (struct timeval){0, 2000000};
    FD_ZERO(&r);
    FD_SET(p[0], &r);
    SHOW(syscall(SYS_select, q[1] + 1, &r, NULL, NULL, &tv));
    /* A closed descriptor is an error within the table, and not looked at beyond it; the table never shrinks. */
    SHOW(dup2(0, 300));
    close(300);
    FD_ZERO(&r);
    FD_SET(200, &r);
    tv = (struct timeval){0, 0};
    SHOW(select(201, &r, NULL, NULL, &tv));
    FD_ZERO(&r);
    FD_SET(1000, &r);
    SHOW(select(1001, &r, NULL, NULL, &tv));
    SHOW(FD_ISSET(1000, &r));
    SHOW(syscall(SYS_select, 10, BAD, NULL, NULL, &tv));
    SHOW(syscall(SYS_select, 0, NULL, NULL, NULL, BAD));
    close(p[1]);
    read(p[0], &tv, 1);
    FD_ZERO(&r);
    FD_SET(p[0], &r);
    SHOW(select(p[0] + 1, &r, NULL, NULL, NULL));

    sigset_t block, none;
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, NULL);
    hits = 0;
    kill(getpid(), SIGUSR1);
    struct timespec ts = {5, 0};
    struct {
        const void *set;
        size_t size;
    } mask = {&none, 8};
    FD_ZERO(&r);
    FD_SET(q[0], &r);
    SHOW(syscall(SYS_pselect6, q[0] + 1, &r, NULL, NULL, &ts, &mask));
    SHOW(hits);
    mask.size = 16;
    SHOW(syscall(SYS_pselect6, q[0] + 1, &r, NULL, NULL, &ts, &mask));
    SHOW(syscall(SYS_pselect6, q[0] + 1, &r, NULL, NULL, &ts, BAD));
    ts = (struct timespec){0, 10000000};
    SHOW(syscall(SYS_pselect6, q[0] + 1, &r, NULL, NULL, &ts, NULL));
    SHOW(ts.tv_sec + ts.tv_nsec);
}

/* As many entries as may be, up to more than a kernel could want in one piece of memory. */
static void many(void)
{
    struct rlimit limit = {70000, 70000};
    int p[2], full = 0;
    if (setrlimit(RLIMIT_NOFILE, &limit)) { /* not everywhere may root do this */
        getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = limit.rlim_max < 70000 ? limit.rlim_max : 70000;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    int n = (int)limit.rlim_cur;
    struct pollfd *f = calloc((size_t)n + 1, sizeof(*f));
    pipe(p);
    for (int i = 0; i < n; i++) {
        f[i] = (struct pollfd){i % 100 == 7 ? p[1] : p[0], POLLIN | POLLOUT, 0};
        full += f[i].fd == p[1];
    }
    SHOW(poll(f, (nfds_t)n, -1) == full);
    int last = (n - 8) / 100 * 100 + 7;
    printf("%x %x %x\n", f[6].revents, f[7].revents, f[last].revents);
    SHOW(write(p[1], "x", 1));
    SHOW(poll(f, (nfds_t)n, -1) == n);
    SHOW(poll(f, (nfds_t)n + 1, -1));
    free(f);
}

int main(void)
{
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &sa, NULL);
    main_thread = pthread_self();
    polls();
    ppolls();
    selects();
    many();
    return 0;
}
