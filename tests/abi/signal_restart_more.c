/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rest of signal(7)'s list: blocking calls interrupted by a handler without and with SA_RESTART, and by a stop with a
 * continue and no handler. Each line: what the call gave, and whether it went on to its end.
 */
#include "abi.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

static pthread_t main_thread;
static int mode; /* 0: handler, 1: handler with SA_RESTART, 2: stop and continue */
static timer_t continue_timer;
static volatile int handled;
static void (*finish)(void);

static int in_pipe[2], full_pipe[2], pair[2], listener, event, signal_fd, timer_fd, epoll, lock_fd, other_lock_fd;
static uint32_t pi_word, word;

static void handler(int signo)
{
    handled++;
}

static void nothing(void) {}
static void feed_pipe(void) { write(in_pipe[1], "x", 1); }
static void drain_pipe(void)
{
    char buf[4096];
    read(full_pipe[0], buf, sizeof(buf));
}
static void feed_pair(void) { write(pair[1], "x", 1); }
static void feed_event(void)
{
    uint64_t one = 1;
    write(event, &one, 8);
}
static void connect_there(void)
{
    struct sockaddr_storage a;
    socklen_t n = sizeof(a);
    getsockname(listener, (void *)&a, &n);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    connect(fd, (void *)&a, n);
    close(fd);
}
static void raise_usr2(void) { kill(getpid(), SIGUSR2); }
static void unlock_file(void) { flock(other_lock_fd, LOCK_UN); }
static void unlock_range(void)
{
    struct flock l = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    fcntl(other_lock_fd, F_OFD_SETLK, &l);
}
static volatile int waiting;

static void wake_word(void)
{
    while (waiting && !syscall(SYS_futex, &word, FUTEX_WAKE, 1, 0, 0, 0)) /* a stopped waiter is not in the queue */
        sleep_ms(1);
}

static long wait_word(void)
{
    long r = syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
    waiting = 0;
    return r;
}

static void *pester(void *arg)
{
    sleep_ms(40);
    if (mode == 2) {
        struct itimerspec in = {.it_value = {0, 40000000}};
        timer_settime(continue_timer, 0, &in, NULL);
        kill(getpid(), SIGSTOP);
        sleep_ms(40);
    } else {
        pthread_kill(main_thread, SIGUSR1);
        sleep_ms(40);
    }
    ((void (*)(void))arg)();
    return NULL;
}

#define TRY(what, how, expr)                                                                        \
    do {                                                                                            \
        pthread_t pester_;                                                                              \
        handled = 0;                                                                                \
        finish = how;                                                                               \
        int64_t start_ = now_ns(CLOCK_MONOTONIC);                                                   \
        pthread_create(&pester_, NULL, pester, (void *)finish);                                     \
        errno = 0;                                                                                  \
        long r = (long)(expr);                                                                      \
        int e = errno, whole_ = now_ns(CLOCK_MONOTONIC) - start_ >= 75000000;                       \
        pthread_join(pester_, NULL);                                                                \
        if (r == -1 && e == EINTR)                                                                  \
            printf("%s: EINTR, handled %d\n", what, handled);                                       \
        else                                                                                        \
            printf("%s: %ld %s, handled %d, to the end %d\n", what, r, r == -1 ? strerrorname_np(e) : "", handled, whole_); \
        fflush(stdout);                                                                             \
        clean();                                                                                    \
    } while (0)

static void clean(void)
{
    char buf[65536];
    int fds[] = {in_pipe[0], pair[0], event, signal_fd, timer_fd};
    for (unsigned i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
        struct pollfd p = {fds[i], POLLIN, 0};
        if (poll(&p, 1, 0) > 0)
            read(fds[i], buf, sizeof(buf));
    }
    fcntl(full_pipe[1], F_SETFL, O_NONBLOCK);
    while (write(full_pipe[1], buf, 4096) > 0)
        ;
    fcntl(full_pipe[1], F_SETFL, 0);
    fcntl(listener, F_SETFL, O_NONBLOCK);
    int fd;
    while ((fd = accept(listener, NULL, NULL)) >= 0)
        close(fd);
    fcntl(listener, F_SETFL, 0);
}

static struct timespec ms(long n)
{
    return (struct timespec){n / 1000, n % 1000 * 1000000};
}

static struct timespec after(clockid_t clock, long n)
{
    int64_t t = now_ns(clock) + n * 1000000ll;
    return (struct timespec){t / 1000000000, t % 1000000000};
}

static void round_of_calls(void)
{
    char buf[4096];
    struct epoll_event e;
    struct pollfd p = {in_pipe[0], POLLIN, 0};
    struct timespec t;
    struct { const void *set; size_t size; } no_mask = {NULL, 8};
    uint64_t none = 0;
    fd_set set;
    struct sigaction sa = {.sa_handler = handler, .sa_flags = mode == 1 ? SA_RESTART : 0};
    sigaction(SIGUSR1, &sa, NULL);
    puts(mode == 0 ? "without SA_RESTART" : mode == 1 ? "SA_RESTART" : "stopped and continued");

    TRY("write to a full pipe", drain_pipe, write(full_pipe[1], buf, 4096));
    TRY("readv", feed_pipe, readv(in_pipe[0], &(struct iovec){buf, 10}, 1));
    TRY("recv", feed_pair, recv(pair[0], buf, 10, 0));
    TRY("recvmsg", feed_pair, recvmsg(pair[0], &(struct msghdr){.msg_iov = &(struct iovec){buf, 10}, .msg_iovlen = 1}, 0));
    TRY("accept", connect_there, accept(listener, NULL, NULL) >= 0 ? 0 : -1);
    TRY("read eventfd", feed_event, read(event, buf, 8));
    TRY("read signalfd", raise_usr2, read(signal_fd, buf, sizeof(struct signalfd_siginfo)));
    struct itimerspec in = {.it_value = ms(160)};
    timerfd_settime(timer_fd, 0, &in, NULL);
    TRY("read timerfd", nothing, read(timer_fd, buf, 8));
    t = ms(500);
    TRY("ppoll", feed_pipe, syscall(SYS_ppoll, &p, 1, &t, NULL, 8));
    printf("  time left %d\n", t.tv_nsec < 500000000 && t.tv_nsec > 100000000);
    TRY("ppoll with a mask", feed_pipe, syscall(SYS_ppoll, &p, 1, NULL, &none, 8));
    FD_ZERO(&set);
    FD_SET(in_pipe[0], &set);
    t = ms(500);
    TRY("pselect6", feed_pipe, syscall(SYS_pselect6, in_pipe[0] + 1, &set, NULL, NULL, &t, &no_mask));
    struct timeval tv = {0, 200000};
    FD_SET(in_pipe[0], &set);
    TRY("select with a timeout", nothing, syscall(SYS_select, in_pipe[0] + 1, &set, NULL, NULL, &tv));
    TRY("poll to its timeout", nothing, poll(&p, 1, 200));
    TRY("epoll_pwait", feed_pipe, syscall(SYS_epoll_pwait, epoll, &e, 1, 500, NULL, 8));
    t = ms(500);
    TRY("epoll_pwait2", feed_pipe, syscall(SYS_epoll_pwait2, epoll, &e, 1, &t, &none, 8));
    TRY("flock", unlock_file, (flock(other_lock_fd, LOCK_EX), flock(lock_fd, LOCK_EX)));
    flock(lock_fd, LOCK_UN);
    flock(other_lock_fd, LOCK_UN);
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET}, l2 = l;
    TRY("F_OFD_SETLKW", unlock_range, (fcntl(other_lock_fd, F_OFD_SETLK, &l2), fcntl(lock_fd, F_OFD_SETLKW, &l)));
    l.l_type = F_UNLCK;
    fcntl(lock_fd, F_OFD_SETLK, &l);
    fcntl(other_lock_fd, F_OFD_SETLK, &l);
    waiting = 1;
    TRY("futex without timeout", wake_word, wait_word());
    t = ms(200);
    TRY("futex to its timeout", nothing, syscall(SYS_futex, &word, FUTEX_WAIT, 0, &t, NULL, 0));
    t = after(CLOCK_REALTIME, 200);
    TRY("futex bitset, realtime", nothing,
        syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &t, NULL, -1));
    struct { uint64_t val, uaddr; uint32_t flags, reserved; } v = {0, (uintptr_t)&word, 2 /* FUTEX_32 */, 0};
    t = after(CLOCK_MONOTONIC, 200);
    TRY("futex_waitv to its timeout", nothing, syscall(449, &v, 1, 0, &t, CLOCK_MONOTONIC));
    t = after(CLOCK_REALTIME, 200);
    TRY("futex lock_pi to its timeout", nothing, syscall(SYS_futex, &pi_word, FUTEX_LOCK_PI, 0, &t, NULL, 0));
    t = ms(200);
    TRY("nanosleep", nothing, syscall(SYS_nanosleep, &t, NULL));
    t = after(CLOCK_REALTIME, 200);
    TRY("clock_nanosleep absolute", nothing, syscall(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL));
    uint64_t winch = 1ull << (SIGWINCH - 1);
    t = ms(200);
    TRY("rt_sigtimedwait", nothing, syscall(SYS_rt_sigtimedwait, &winch, NULL, &t, 8));
    if (mode != 2) {
        TRY("rt_sigsuspend", nothing, syscall(SYS_rt_sigsuspend, &none, 8));
        TRY("pause", nothing, pause());
    }
}

/* Owns a PI futex as long as it lives. */
static void *owner(void *arg)
{
    syscall(SYS_futex, &pi_word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    *(volatile int *)arg = 1;
    for (;;)
        pause();
    return NULL;
}

int main(void)
{
    static volatile int owned;
    pthread_t t;
    sigset_t blocked;
    struct sigevent continue_event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGCONT};
    main_thread = pthread_self();
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    timer_create(CLOCK_MONOTONIC, &continue_event, &continue_timer);
    pthread_create(&t, NULL, owner, (void *)&owned);
    while (!owned)
        sleep_ms(1);
    pipe(in_pipe);
    pipe(full_pipe);
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr any = {.sa_family = AF_UNIX};
    bind(listener, &any, sizeof(any.sa_family));
    listen(listener, 4);
    event = eventfd(0, 0);
    signal_fd = signalfd(-1, &blocked, 0);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, 0);
    epoll = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN};
    epoll_ctl(epoll, EPOLL_CTL_ADD, in_pipe[0], &e);
    lock_fd = open("restart.tmp", O_RDWR | O_CREAT, 0600);
    other_lock_fd = open("restart.tmp", O_RDWR);
    clean();
    for (mode = 0; mode < 3; mode++)
        round_of_calls();
    unlink("restart.tmp");
    SHOW(syscall(SYS_restart_syscall));
    return 0;
}
