/* SPDX-License-Identifier: BSD-2-Clause */
/* Each resource limit that no test of its own has: what it forbids, with which errno or signal. And getrusage(2), times(2). */
#include "abi.h"
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/times.h>

static void limit(int resource, rlim_t soft)
{
    struct rlimit l;

    getrlimit(resource, &l);
    l.rlim_cur = soft < l.rlim_max ? soft : l.rlim_max;
    if (setrlimit(resource, &l))
        perror("setrlimit");
}

/* As far as the hard limit goes. */
static void lift(int resource)
{
    limit(resource, RLIM_INFINITY);
}

static volatile sig_atomic_t seen;

static void note(int signal)
{
    seen = signal;
}

/* What happened is told afterwards: standard output may be a file that the limit holds for, too. */
static struct result {
    const char *what;
    long result;
    int error, signal;
} results[10];
static unsigned count;

static void keep(const char *what, long result)
{
    results[count++] = (struct result){what, result, errno, seen};
    seen = 0;
}
#define KEEP(call) keep(#call, call)

static void file_size(void)
{
    int fd = memfd_create("limited", 0);
    char block[100] = "";

    signal(SIGXFSZ, note);
    limit(RLIMIT_FSIZE, 150);
    KEEP(write(fd, block, 100));
    KEEP(write(fd, block, 100));
    KEEP(write(fd, block, 100));
    KEEP(ftruncate(fd, 151));
    KEEP(ftruncate(fd, 150));
    KEEP(fallocate(fd, 0, 0, 200));
    KEEP(pwrite(fd, block, 100, 1000));
    signal(SIGXFSZ, SIG_IGN);
    KEEP(pwrite(fd, block, 1, 150));
    KEEP(pwrite(fd, block, 100, 149));
    lift(RLIMIT_FSIZE);
    for (unsigned k = 0; k < count; k++) {
        abi_show(results[k].what, results[k].result, results[k].error);
        printf("signal: %s\n", results[k].signal == SIGXFSZ ? "SIGXFSZ" : results[k].signal ? "other" : "none");
    }
    close(fd);
}

static void signals(void)
{
    union sigval v = {0};
    struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    sigset_t set, old;
    timer_t timer;

    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &old);
    /* Others of the same user count, on Linux: none is what is sure. */
    limit(RLIMIT_SIGPENDING, 0);
    SHOW(sigqueue(getpid(), SIGRTMIN, v));
    SHOW(sigqueue(getpid(), SIGUSR1, v));
    SHOW(kill(getpid(), SIGUSR1));
    SHOW(timer_create(CLOCK_MONOTONIC, &e, &timer));
    sigpending(&set);
    printf("pending: %d %d\n", sigismember(&set, SIGRTMIN), sigismember(&set, SIGUSR1));
    lift(RLIMIT_SIGPENDING);
    SHOW(sigqueue(getpid(), SIGRTMIN, v));
    while (!sigpending(&set) && (sigismember(&set, SIGRTMIN) || sigismember(&set, SIGUSR1)))
        sigwaitinfo(&set, NULL);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static void queues(void)
{
    struct mq_attr a = {.mq_maxmsg = 10, .mq_msgsize = 100};

    limit(RLIMIT_MSGQUEUE, 0);
    CALL("queue beyond the limit", mq_open("/aril-limits", O_CREAT | O_RDWR, 0600, &a));
    lift(RLIMIT_MSGQUEUE);
    mqd_t q = mq_open("/aril-limits", O_CREAT | O_RDWR, 0600, &a);
    printf("within it: %d\n", q >= 0);
    mq_close(q);
    mq_unlink("/aril-limits");
}

static void *nothing(void *arg)
{
    return arg;
}

static void memory(void)
{
    size_t page = 4096, big = 64 << 20;
    void *p;

    limit(RLIMIT_AS, big);
    p = mmap(NULL, 2 * big, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("beyond RLIMIT_AS: %s\n", p == MAP_FAILED ? strerrorname_np(errno) : "mapped");
    lift(RLIMIT_AS);
    limit(RLIMIT_DATA, big);
    p = mmap(NULL, 2 * big, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("beyond RLIMIT_DATA: %s\n", p == MAP_FAILED ? strerrorname_np(errno) : "mapped");
    p = mmap(NULL, 2 * big, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("read-only: %s\n", p == MAP_FAILED ? strerrorname_np(errno) : "mapped");
    SHOW(mprotect(p, 2 * big, PROT_READ | PROT_WRITE));
    munmap(p, 2 * big);
    p = sbrk(2 * (long)big);
    printf("break: %s\n", p == (void *)-1 ? strerrorname_np(errno) : "moved");
    lift(RLIMIT_DATA);
    p = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munlockall();
    if (seteuid(1000))
        perror("seteuid");
    limit(RLIMIT_MEMLOCK, page);
    SHOW(mlock(p, 2 * page));
    SHOW(mlock(p, page));
    limit(RLIMIT_MEMLOCK, 0);
    SHOW(mlock((char *)p + page, page));
    SHOW(munlock(p, page));
    if (seteuid(0))
        perror("seteuid");
    munmap(p, 4 * page);
}

/* As a user without rights. */
static void priorities(void)
{
    struct sched_param param = {.sched_priority = 5};
    struct rlimit l = {1, 1}, more = {2, 2};
    pthread_t t;

    limit(RLIMIT_RTPRIO, 0);
    limit(RLIMIT_NICE, 0);
    limit(RLIMIT_CORE, 0);
    SHOW(setpriority(PRIO_PROCESS, 0, 10));
    if (setresuid(12345, 12345, 12345))
        perror("setresuid");
    SHOW(sched_setscheduler(0, SCHED_FIFO, &param));
    SHOW(setpriority(PRIO_PROCESS, 0, 11));
    SHOW(setpriority(PRIO_PROCESS, 0, 5));
    SHOW(setpriority(PRIO_PROCESS, 0, 4));
    SHOW(getpriority(PRIO_PROCESS, 0));
    SHOW(setrlimit(RLIMIT_CORE, &l));
    SHOW(setrlimit(RLIMIT_CORE, &more));
    SHOW(setrlimit(RLIMIT_NPROC, &l));
    CALL("a thread more than RLIMIT_NPROC", pthread_create(&t, NULL, nothing, NULL) == EAGAIN);
}

static void usage(void)
{
    size_t n = 64 << 12;
    struct rusage before, now, thread, children;
    struct tms t;
    volatile unsigned long work = 0;
    clock_t ticks = times(NULL);
    char *p;

    getrusage(RUSAGE_SELF, &before);
    p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(p, n, MADV_NOHUGEPAGE);
    for (size_t at = 0; at < n; at += 4096)
        p[at] = 1;
    for (int k = 0; k < 20; k++)
        sleep_ms(5); /* on a busy machine, some are over before they began */
    for (int64_t end = now_ns(CLOCK_PROCESS_CPUTIME_ID) + 60000000; now_ns(CLOCK_PROCESS_CPUTIME_ID) < end;)
        for (int k = 0; k < 10000; k++)
            work++;
    getrusage(RUSAGE_SELF, &now);
    getrusage(RUSAGE_THREAD, &thread);
    getrusage(RUSAGE_CHILDREN, &children);
    double user = (double)now.ru_utime.tv_sec + (double)now.ru_utime.tv_usec / 1e6;
    double system = (double)now.ru_stime.tv_sec + (double)now.ru_stime.tv_usec / 1e6;
    printf("time: %d, faults: %d, sleeps: %d, memory: %d\n", user + system >= 0.06 && user + system < 60,
           now.ru_minflt > before.ru_minflt, now.ru_nvcsw >= before.ru_nvcsw + 5, now.ru_maxrss > 256 && now.ru_maxrss < 1 << 20);
    printf("the thread is no more than the process: %d\n", thread.ru_minflt <= now.ru_minflt && thread.ru_nvcsw <= now.ru_nvcsw);
    printf("children: %ld %ld %ld\n", children.ru_utime.tv_usec, children.ru_minflt, children.ru_maxrss);
    printf("clock moves: %d\n", times(&t) - ticks >= 5);
    printf("ticks: %d, of children: %ld %ld\n", t.tms_utime + t.tms_stime >= 5, (long)t.tms_cutime, (long)t.tms_cstime);
    SHOW(syscall(SYS_times, NULL) > 0);
    SHOW(syscall(SYS_times, BAD));
    SHOW(getrusage(RUSAGE_SELF, (struct rusage *)BAD));
    SHOW(syscall(SYS_getrusage, 7, &now));
    munmap(p, n);
}

int main(void)
{
    struct rlimit l = {2, 1};

    SHOW(setrlimit(RLIMIT_CORE, &l));
    SHOW(syscall(SYS_setrlimit, 16, &l));
    SHOW(syscall(SYS_getrlimit, -1, &l));
    usage();
    file_size();
    signals();
    queues();
    memory();
    priorities();
    return 0;
}
