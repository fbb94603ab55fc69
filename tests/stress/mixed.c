/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stress: what threads share besides memory. Raw futexes (PI with timeouts, requeue, requeue to PI, waitv, wake-op), storms of
 * threads, timers of all kinds that signal all the while, pipes, sockets, eventfds, epoll, files. Tokens and counters
 * must come out even.
 */
#include "stress.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>

#define WORKERS 10

static uint32_t pi_word, condition, requeue_target, pi_target, op_words[2], waitv_words[3];
static long pi_count, pi_target_count;
static unsigned long pi_expected, pi_target_expected, signals;
static int pipes[2], pair[2], event, epoll;
static uint64_t put_in, taken_out;
static int tids[WORKERS], started;

static long futex(uint32_t *word, int op, uint32_t value, const void *timeout, uint32_t *second, uint32_t third)
{
    return syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, timeout, second, third);
}

static struct timespec from_now(clockid_t clock, long ns)
{
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_nsec += ns;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static void on_signal(int signo)
{
    (void)signo;
    __atomic_add_fetch(&signals, 1, __ATOMIC_RELAXED);
}

/* With the word owned by this thread. */
static void unlock_pi(uint32_t *word)
{
    uint32_t me = (uint32_t)syscall(SYS_gettid);
    if (!__atomic_compare_exchange_n(word, &me, 0, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) &&
        futex(word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0))
        FAIL("FUTEX_UNLOCK_PI");
}

static void lock_pi(uint64_t *seed, uint32_t *word, long *count, unsigned long *expected)
{
    struct timespec t = from_now(CLOCK_REALTIME, pick(seed, 2000000));
    uint32_t free_word = 0;
    if (pick(seed, 2) || !__atomic_compare_exchange_n(word, &free_word, (uint32_t)syscall(SYS_gettid), 0, __ATOMIC_SEQ_CST,
                                                      __ATOMIC_SEQ_CST)) {
        unsigned how = pick(seed, 3);
        if (futex(word, how == 0 ? FUTEX_TRYLOCK_PI : FUTEX_LOCK_PI, 0, how == 1 ? &t : NULL, NULL, 0)) {
            if (errno != EWOULDBLOCK && errno != ETIMEDOUT && errno != EINTR)
                FAIL("FUTEX_LOCK_PI");
            return;
        }
    }
    ++*count;
    if (pick(seed, 4) == 0)
        sched_yield();
    __atomic_add_fetch(expected, 1, __ATOMIC_RELAXED);
    unlock_pi(word);
}

static void requeue(uint64_t *seed)
{
    struct timespec t = from_now(CLOCK_MONOTONIC, 1000000 + pick(seed, 3000000));
    uint32_t now = __atomic_load_n(&condition, __ATOMIC_SEQ_CST);
    long r;
    switch (pick(seed, 5)) {
    case 0:
        r = futex(&condition, FUTEX_WAIT_BITSET, now, &t, NULL, FUTEX_BITSET_MATCH_ANY);
        break;
    case 1:
        __atomic_add_fetch(&condition, 1, __ATOMIC_SEQ_CST);
        r = futex(&condition, FUTEX_CMP_REQUEUE, 1, (void *)5l, &requeue_target, now + 1);
        break;
    case 2:
        r = futex(&requeue_target, FUTEX_WAKE, pick(seed, 4), NULL, NULL, 0);
        break;
    case 3:
        r = futex(&condition, FUTEX_WAIT_REQUEUE_PI, now, &t, &pi_target, 0);
        if (!r) {
            pi_target_count++;
            __atomic_add_fetch(&pi_target_expected, 1, __ATOMIC_RELAXED);
            unlock_pi(&pi_target);
        }
        break;
    default:
        __atomic_add_fetch(&condition, 1, __ATOMIC_SEQ_CST);
        r = futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)3l, &pi_target, now + 1);
    }
    /* EINVAL: waiters of the other kind are on the same futex. */
    if (r < 0 && errno != EAGAIN && errno != ETIMEDOUT && errno != EINTR && errno != EINVAL)
        FAIL("requeue");
}

static void wait_many(uint64_t *seed)
{
    struct futex_waitv v[3];
    memset(v, 0, sizeof(v));
    for (unsigned i = 0; i < 3; i++) {
        v[i].uaddr = (uintptr_t)&waitv_words[i];
        v[i].val = __atomic_load_n(&waitv_words[i], __ATOMIC_SEQ_CST);
        v[i].flags = FUTEX_32 | FUTEX_PRIVATE_FLAG;
    }
    struct timespec t = from_now(CLOCK_MONOTONIC, 2000000);
    if (pick(seed, 2)) {
        long r = syscall(449 /* futex_waitv */, v, 3, 0, &t, CLOCK_MONOTONIC);
        if (r < 0 && errno != EAGAIN && errno != ETIMEDOUT && errno != EINTR)
            FAIL("futex_waitv");
    } else {
        unsigned i = pick(seed, 3);
        __atomic_add_fetch(&waitv_words[i], 1, __ATOMIC_SEQ_CST);
        futex(&waitv_words[i], FUTEX_WAKE, 1, NULL, NULL, 0);
        futex(&op_words[0], FUTEX_WAKE_OP, 1, (void *)1l, &op_words[1], FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_GT, 0));
    }
}

static void *brief(void *arg)
{
    char *p = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0);
    p[PAGE] = 1;
    if ((uintptr_t)arg & 1)
        sched_yield();
    munmap(p, 4 * PAGE);
    return arg;
}

static void storm(uint64_t *seed)
{
    pthread_t t[24];
    pthread_attr_t a;
    unsigned n = 1 + pick(seed, 24);
    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, 32768);
    for (unsigned i = 0; i < n; i++)
        if (pthread_create(&t[i], &a, brief, (void *)(uintptr_t)i))
            FAIL("pthread_create in a storm");
    for (unsigned i = 0; i < n; i++) {
        void *result;
        if (pthread_join(t[i], &result) || result != (void *)(uintptr_t)i)
            FAIL("pthread_join");
    }
    pthread_attr_destroy(&a);
}

static void timers(uint64_t *seed)
{
    static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_PROCESS_CPUTIME_ID,
                                       CLOCK_THREAD_CPUTIME_ID};
    struct sigevent e = {.sigev_notify = pick(seed, 2) ? SIGEV_SIGNAL : SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN + 1};
    e._sigev_un._tid = (int)syscall(SYS_gettid);
    struct itimerspec v = {{0, 200000 + pick(seed, 2000000)}, {0, 1 + pick(seed, 1000000)}}, left;
    struct timespec nap = {0, pick(seed, 3000000)};
    timer_t t;
    if (pick(seed, 4) == 0) {
        struct itimerval real = {{0, 0}, {0, 500 + pick(seed, 2000)}};
        setitimer((int)pick(seed, 3), &real, NULL);
        return;
    }
    if (timer_create(clocks[pick(seed, 5)], &e, &t)) {
        if (errno == EAGAIN)
            return;
        FAIL("timer_create");
    }
    if (timer_settime(t, 0, &v, NULL) || (nanosleep(&nap, NULL) && errno != EINTR) || timer_gettime(t, &left))
        FAIL("timer");
    if (left.it_value.tv_sec || left.it_value.tv_nsec > 200000 + 2000000 + 1000000)
        FAIL("timer_gettime says %ld.%09ld", left.it_value.tv_sec, left.it_value.tv_nsec);
    if (timer_getoverrun(t) < 0 || timer_delete(t))
        FAIL("timer_delete");
}

static void read_all(int fd, uint64_t *value)
{
    long n;
    while ((n = read(fd, value, 8)) != 8)
        if (n >= 0 || errno != EINTR)
            FAIL("read gives %ld", n);
}

/* What a worker puts in, some worker takes out: there is always one for each that wants one. */
static void tokens(uint64_t *seed)
{
    uint64_t value = next_random(seed) & 0xffffff, one = 1;
    int way = (int)pick(seed, 3), in = way == 0 ? pipes[1] : pair[0], out = way == 0 ? pipes[0] : pair[1];
    struct epoll_event e;
    struct pollfd p = {out, POLLIN, 0};
    long n;
    if (way == 2) {
        if (write(event, &one, 8) != 8)
            FAIL("write to an eventfd");
        epoll_wait(epoll, &e, 1, (int)pick(seed, 3));
        read_all(event, &value);
        if (value != 1)
            FAIL("eventfd gives %lu", (unsigned long)value);
        return;
    }
    __atomic_add_fetch(&put_in, value, __ATOMIC_SEQ_CST);
    while ((n = write(in, &value, 8)) != 8)
        if (n >= 0 || errno != EINTR)
            FAIL("write gives %ld", n);
    if (pick(seed, 2))
        poll(&p, 1, (int)pick(seed, 3));
    read_all(out, &value);
    __atomic_add_fetch(&taken_out, value, __ATOMIC_SEQ_CST);
}

static void files(uint64_t *seed)
{
    char name[40];
    uint32_t data[256], back[256];
    snprintf(name, sizeof(name), "/tmp/stress.%d", (int)syscall(SYS_gettid));
    int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    if (fd < 0 || timer < 0)
        FAIL("open %s", name);
    for (unsigned i = 0; i < 256; i++)
        data[i] = (uint32_t)next_random(seed);
    off_t at = pick(seed, 100000);
    struct itimerspec v = {{0, 100000}, {0, 100000}};
    uint64_t expired;
    timerfd_settime(timer, 0, &v, NULL);
    if (pwrite(fd, data, sizeof(data), at) != sizeof(data) || pread(fd, back, sizeof(back), at) != sizeof(back) ||
        memcmp(data, back, sizeof(data)))
        FAIL("a file does not hold what was written");
    if (read(timer, &expired, 8) < 0 && errno != EAGAIN)
        FAIL("read of a timerfd");
    if (unlink(name) || close(fd) || close(timer))
        FAIL("unlink");
}

static void *work(void *arg)
{
    uint64_t seed = (uint64_t)arg;
    tids[__atomic_fetch_add(&started, 1, __ATOMIC_SEQ_CST) % WORKERS] = (int)syscall(SYS_gettid);
    while (!stress_stop) {
        __atomic_add_fetch(&stress_operations, 1, __ATOMIC_RELAXED);
        switch (pick(&seed, 11)) {
        case 0: case 1:
            lock_pi(&seed, &pi_word, &pi_count, &pi_expected);
            break;
        case 2: case 3:
            requeue(&seed);
            break;
        case 4:
            lock_pi(&seed, &pi_target, &pi_target_count, &pi_target_expected);
            break;
        case 5:
            wait_many(&seed);
            break;
        case 6:
            storm(&seed);
            break;
        case 7:
            timers(&seed);
            break;
        case 8:
            tokens(&seed);
            break;
        case 9:
            files(&seed);
            break;
        default:
            syscall(SYS_tgkill, getpid(), tids[pick(&seed, WORKERS)], pick(&seed, 2) ? SIGUSR1 : SIGUSR2);
        }
    }
    return NULL;
}

static void settle(void)
{
    struct itimerval none = {{0, 0}, {0, 0}};
    for (int i = 0; i < 3; i++)
        setitimer(i, &none, NULL);
    struct pollfd p[3] = {{pipes[0], POLLIN, 0}, {pair[1], POLLIN, 0}, {event, POLLIN, 0}};
    if (poll(p, 3, 0))
        FAIL("tokens are left");
    if (put_in != taken_out)
        FAIL("tokens changed");
    if ((unsigned long)pi_count != pi_expected || (unsigned long)pi_target_count != pi_target_expected || pi_word || pi_target)
        FAIL("PI futexes: %ld %lu, %ld %lu, words %x %x", pi_count, pi_expected, pi_target_count, pi_target_expected, pi_word,
             pi_target);
    if (!signals)
        FAIL("no signals");
}

int main(int argc, char **argv)
{
    static const int used[] = {SIGALRM, SIGVTALRM, SIGPROF, SIGUSR1, SIGUSR2};
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    for (unsigned i = 0; i < sizeof(used) / sizeof(*used); i++) {
        sa.sa_flags = i == 4 ? 0 : SA_RESTART;
        sigaction(used[i], &sa, NULL);
    }
    sigaction(SIGRTMIN + 1, &sa, NULL);
    epoll = epoll_create1(0);
    event = eventfd(0, EFD_SEMAPHORE);
    struct epoll_event e = {.events = EPOLLIN};
    if (epoll < 0 || event < 0 || pipe(pipes) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, event, &e))
        FAIL("setup");
    return stress_main(argc, argv, WORKERS, work, settle);
}
