// SPDX-License-Identifier: BSD-2-Clause
/* Descriptors that tell of events, and the calls that wait for many of them. */
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "bench.h"

static void add(int fd)
{
    MUST(eventfd_write(fd, 1) == 0);
}

static void take(int fd)
{
    eventfd_t value;

    MUST(eventfd_read(fd, &value) == 0);
}

/* ------------------------------------------------------------------ eventfd */

static int ball[2];

static double run_eventfd(long n)
{
    int fd = eventfd(0, 0);

    uint64_t start = now();
    for (long i = n; i; i--) {
        add(fd);
        take(fd);
    }
    double each = since(start, n);
    close(fd);
    return each;
}

static void play_eventfd(int me, long n)
{
    while (n--) {
        if (!me)
            add(ball[1]);
        take(ball[me]);
        if (me)
            add(ball[0]);
    }
}

static double eventfd_players(long n, int one_cpu)
{
    ball[0] = eventfd(0, 0);
    ball[1] = eventfd(0, 0);
    double each = two(play_eventfd, n, one_cpu) / n;
    close(ball[0]);
    close(ball[1]);
    return each;
}

static double run_eventfd_one_cpu(long n)
{
    return eventfd_players(n, 1);
}

static double run_eventfd_any(long n)
{
    return eventfd_players(n, 0);
}

/* ------------------------------------------------------------------ many descriptors */

#define MANY 10000

static int watched[MANY];
static struct epoll_event events[MANY];

static void make_watched(int count)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < MANY + 100) {
        limit.rlim_cur = MANY + 100;
        if (limit.rlim_max < limit.rlim_cur)
            limit.rlim_max = limit.rlim_cur;
        MUST(!setrlimit(RLIMIT_NOFILE, &limit));
    }
    for (int i = 0; i < count; i++) {
        watched[i] = eventfd(0, EFD_NONBLOCK);
        MUST(watched[i] >= 0);
    }
}

static void close_watched(int count)
{
    for (int i = 0; i < count; i++)
        close(watched[i]);
}

static void watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    MUST(!epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

static int watch_all(int count)
{
    int epoll = epoll_create1(0);

    make_watched(count);
    for (int i = 0; i < count; i++)
        watch(epoll, watched[i]);
    return epoll;
}

/* One of them becomes ready, is found, and is read. */
static double epoll_one(long n, int count)
{
    int epoll = watch_all(count);

    uint64_t start = now();
    for (long i = 0; i < n; i++) {
        add(watched[i % count]);
        MUST(epoll_wait(epoll, events, 64, -1) == 1);
        take(events[0].data.fd);
    }
    double each = since(start, n);
    close(epoll);
    close_watched(count);
    return each;
}

static double run_epoll_one_of_10(long n)
{
    return epoll_one(n, 10);
}

static double run_epoll_one_of_many(long n)
{
    return epoll_one(n, MANY);
}

/* All are ready and stay so: a call that tells of all. */
static double epoll_all(long n, int count)
{
    int epoll = watch_all(count);

    for (int i = 0; i < count; i++)
        add(watched[i]);
    uint64_t start = now();
    for (long i = n; i; i--)
        MUST(epoll_wait(epoll, events, count, -1) == count);
    double each = since(start, n);
    close(epoll);
    close_watched(count);
    return each;
}

static double run_epoll_all_10(long n)
{
    return epoll_all(n, 10);
}

static double run_epoll_all_many(long n)
{
    return epoll_all(n, MANY);
}

static double run_epoll_none(long n)
{
    int epoll = watch_all(10);

    uint64_t start = now();
    for (long i = n; i; i--)
        MUST(epoll_wait(epoll, events, 64, 0) == 0);
    double each = since(start, n);
    close(epoll);
    close_watched(10);
    return each;
}

static double run_epoll_ctl(long n)
{
    int epoll = epoll_create1(0);

    make_watched(1);
    uint64_t start = now();
    for (long i = n; i; i--) {
        watch(epoll, watched[0]);
        MUST(!epoll_ctl(epoll, EPOLL_CTL_DEL, watched[0], NULL));
    }
    double each = since(start, n);
    close(epoll);
    close_watched(1);
    return each;
}

/* The last one is ready. */
static double poll_one(long n, int count)
{
    static struct pollfd list[1000];

    make_watched(count);
    for (int i = 0; i < count; i++)
        list[i] = (struct pollfd){watched[i], POLLIN, 0};
    add(watched[count - 1]);
    uint64_t start = now();
    for (long i = n; i; i--)
        MUST(poll(list, count, -1) == 1);
    double each = since(start, n);
    close_watched(count);
    return each;
}

static double run_poll_10(long n)
{
    return poll_one(n, 10);
}

static double run_poll_1000(long n)
{
    return poll_one(n, 1000);
}

/* ------------------------------------------------------------------ timerfd */

static double run_timerfd_set(long n)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec later = {.it_value = {1000, 0}};

    uint64_t start = now();
    for (long i = n; i; i--)
        MUST(!timerfd_settime(fd, 0, &later, NULL));
    double each = since(start, n);
    close(fd);
    return each;
}

/* A timer that is over when it is read. */
static double run_timerfd_read(long n)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec past = {.it_value = {0, 1}};
    uint64_t count;

    uint64_t start = now();
    for (long i = n; i; i--) {
        MUST(!timerfd_settime(fd, TFD_TIMER_ABSTIME, &past, NULL));
        MUST(read(fd, &count, sizeof(count)) == sizeof(count));
    }
    double each = since(start, n);
    close(fd);
    return each;
}

#define GAPS_MOST 2000

static _Atomic int stop;
static _Atomic long reads;
static double gaps[GAPS_MOST];
static int gap_count;

/* Looks at the clock all the time. Where time is missing, somebody else had the CPU: the reader, if
 * it has read since. */
static void *onlooker(void *arg)
{
    pin(0);
    gap_count = 0;
    while (!atomic_load(&stop)) {
        long read_before = atomic_load(&reads);
        uint64_t before = now(), after = now();

        while (atomic_load(&reads) == read_before && !atomic_load(&stop)) {
            before = after;
            after = now();
        }
        if (gap_count < GAPS_MOST)
            gaps[gap_count++] = now() - before;
    }
    return NULL;
}

/* What a reader of a timer takes from its CPU with each expiration, interrupt, switches and read
 * together: the median. */
static double timer_cost(long n, long period)
{
    struct itimerspec each = {.it_value = {0, period}, .it_interval = {0, period}};
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    cpu_set_t before;
    uint64_t count;
    pthread_t t;

    pthread_getaffinity_np(pthread_self(), sizeof(before), &before);
    pin(0);
    atomic_store(&stop, 0);
    MUST(!pthread_create(&t, NULL, onlooker, NULL));
    MUST(!timerfd_settime(fd, 0, &each, NULL));
    for (long i = 0; i < n; i++) {
        MUST(read(fd, &count, sizeof(count)) == sizeof(count));
        atomic_fetch_add(&reads, 1);
    }
    atomic_store(&stop, 1);
    pthread_join(t, NULL);
    pthread_setaffinity_np(pthread_self(), sizeof(before), &before);
    close(fd);
    return gap_count ? percentile(gaps, gap_count, 50) : 0;
}

static double run_timerfd_1k(long n)
{
    return timer_cost(n, 1000000);
}

static double run_timerfd_5k(long n)
{
    return timer_cost(n, 200000);
}

/* ------------------------------------------------------------------ signalfd */

static double run_signalfd(long n)
{
    struct signalfd_siginfo info;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    MUST(!sigprocmask(SIG_BLOCK, &set, NULL));
    int fd = signalfd(-1, &set, 0);
    pid_t pid = getpid();
    uint64_t start = now();
    for (long i = n; i; i--)
        MUST(!kill(pid, SIGUSR2) && read(fd, &info, sizeof(info)) == sizeof(info));
    double each = since(start, n);
    close(fd);
    return each;
}

/* ------------------------------------------------------------------ io_uring */

/* ns for each nop, submitted and completed by one call for `batch` of them. */
static double run_uring(long n, unsigned batch)
{
    struct io_uring_params p = {0};
    int fd = (int)syscall(SYS_io_uring_setup, 32, &p);

    MUST(fd >= 0);
    size_t sq = p.sq_off.array + p.sq_entries * sizeof(unsigned), cq = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
    size_t size = sq > cq ? sq : cq, entries = p.sq_entries * sizeof(struct io_uring_sqe);
    char *rings = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQ_RING);
    struct io_uring_sqe *sqes = mmap(NULL, entries, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQES);
    MUST(rings != MAP_FAILED && sqes != MAP_FAILED);
    unsigned *tail = (unsigned *)(rings + p.sq_off.tail), *array = (unsigned *)(rings + p.sq_off.array);
    unsigned *head = (unsigned *)(rings + p.cq_off.head), *end = (unsigned *)(rings + p.cq_off.tail);

    uint64_t start = now();
    for (long left = n; left > 0; left -= batch) {
        for (unsigned i = 0; i < batch; i++) {
            unsigned at = (*tail + i) & (p.sq_entries - 1);
            sqes[at] = (struct io_uring_sqe){.opcode = IORING_OP_NOP, .user_data = at};
            array[at] = at;
        }
        __atomic_store_n(tail, *tail + batch, __ATOMIC_RELEASE);
        MUST(syscall(SYS_io_uring_enter, fd, batch, batch, IORING_ENTER_GETEVENTS, NULL, 0) == (long)batch);
        unsigned got = __atomic_load_n(end, __ATOMIC_ACQUIRE);
        MUST(got - *head == batch);
        __atomic_store_n(head, got, __ATOMIC_RELEASE);
    }
    double each = since(start, n);
    munmap(rings, size);
    munmap(sqes, entries);
    close(fd);
    return each;
}

static double run_uring_1(long n)
{
    return run_uring(n, 1);
}

static double run_uring_32(long n)
{
    return run_uring(n, 32);
}

const struct row event_rows[] = {
    {"eventfd, write and read", run_eventfd, 500, 0},
    {"eventfd to and fro, one CPU", run_eventfd_one_cpu, 200, 0},
    {"eventfd to and fro, any CPU", run_eventfd_any, 200, 0},
    {"epoll_wait, none of 10", run_epoll_none, 500, 0},
    {"epoll_wait, one of 10", run_epoll_one_of_10, 500, 0},
    {"epoll_wait, one of 10,000", run_epoll_one_of_many, 500, 0},
    {"epoll_wait, all of 10", run_epoll_all_10, 500, 0},
    {"epoll_wait, all of 10,000", run_epoll_all_many, 5, 0},
    {"epoll_ctl, add and remove", run_epoll_ctl, 500, 0},
    {"poll, last of 10", run_poll_10, 500, 0},
    {"poll, last of 1,000", run_poll_1000, 50, 0},
    {"timerfd_settime", run_timerfd_set, 500, 0},
    {"timerfd, set and read", run_timerfd_read, 500, 0},
    {"timerfd at 1 kHz, taken from the CPU", run_timerfd_1k, 300, 1},
    {"timerfd at 5 kHz, taken from the CPU", run_timerfd_5k, 1000, 1},
    {"signalfd, kill and read", run_signalfd, 500, 0},
    {"io_uring nop, 1 at a time", run_uring_1, 512, 0},
    {"io_uring nop, 32 at a time", run_uring_32, 3200, 0},
    {0},
};
