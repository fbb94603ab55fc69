/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/* Which blocking calls a handler with and without SA_RESTART interrupts: signal(7). */
#include "abi.h"
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>

static pthread_t main_thread;
static volatile int handled, event;
static int feed[2];

static void handler(int signo)
{
    handled++;
}

/* Signals the main thread twice, then makes its call succeed by writing to the pipe. */
static void *pester(void *arg)
{
    sleep_ms(30);
    pthread_kill(main_thread, SIGUSR1);
    sleep_ms(30);
    if (arg) {
        write(feed[1], "x", 1);
        uint64_t one = 1;
        write(event, &one, 8);
    }
    return NULL;
}

#define PESTERED(finish, expr)                                             \
    do {                                                                   \
        pthread_t pester_thread;                                           \
        int before = handled;                                              \
        pthread_create(&pester_thread, NULL, pester, finish ? &feed : NULL);           \
        errno = 0;                                                         \
        long r = (long)(expr);                                             \
        int e = errno;                                                     \
        pthread_join(pester_thread, NULL);                                 \
        abi_show(#expr, r, e);                                             \
        printf("  handled %d\n", handled - before);                        \
        char drain[8];                                                     \
        struct pollfd p[2] = {{feed[0], POLLIN, 0}, {event, POLLIN, 0}};   \
        if (poll(p, 2, 0) > 0) {                                           \
            if (p[0].revents)                                              \
                read(feed[0], drain, 1);                                   \
            if (p[1].revents)                                              \
                read(event, drain, 8);                                     \
        }                                                                  \
    } while (0)

static void round_of_calls(int restart)
{
    char buf[8];
    struct timespec t, left;
    uint32_t word = 0;
    struct sigaction sa = {.sa_handler = handler, .sa_flags = restart};
    struct pollfd p = {feed[0], POLLIN, 0};
    struct epoll_event e;
    int epoll = epoll_create1(0), pair[2];
    fd_set set;
    sigaction(SIGUSR1, &sa, NULL);
    e.events = EPOLLIN;
    epoll_ctl(epoll, EPOLL_CTL_ADD, feed[0], &e);
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    printf("%s\n", restart ? "SA_RESTART" : "without SA_RESTART");

    PESTERED(1, read(feed[0], buf, 1));
    PESTERED(1, read(event, buf, 8));
    PESTERED(1, poll(&p, 1, 2000));
    PESTERED(1, poll(&p, 1, -1));
    FD_ZERO(&set);
    FD_SET(feed[0], &set);
    PESTERED(1, select(feed[0] + 1, &set, NULL, NULL, NULL));
    PESTERED(1, epoll_wait(epoll, &e, 1, 2000));
    t = (struct timespec){0, 100000000};
    PESTERED(0, syscall(SYS_nanosleep, &t, &left));
    printf("  time left %d\n", left.tv_nsec > 0 && left.tv_nsec < 90000000);
    PESTERED(0, syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, &left));
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec++;
    PESTERED(0, syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
    t = (struct timespec){0, 80000000};
    PESTERED(0, syscall(SYS_futex, &word, FUTEX_WAIT, 0, &t, NULL, 0));
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec++;
    PESTERED(0, syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &t, NULL, -1));
    PESTERED(0, pause());
    t = (struct timespec){0, 200000000};
    uint64_t none = 1ull << 40;
    PESTERED(0, syscall(SYS_rt_sigtimedwait, &none, NULL, &t, 8));
    struct timeval tv = {0, 200000};
    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
    PESTERED(0, recv(pair[0], buf, 1, 0));
    close(pair[0]);
    close(pair[1]);
    close(epoll);
}

int main(void)
{
    main_thread = pthread_self();
    pipe(feed);
    event = eventfd(0, 0);
    round_of_calls(0);
    round_of_calls(SA_RESTART);
    return 0;
}
