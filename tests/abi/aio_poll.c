/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux AIO: polls, cancelling them, what is on its way when a context ends, and synchronizing. */
#include "abi.h"
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

static aio_context_t context;
static struct iocb control[4];

static struct iocb *request(int i, int op, int fd, unsigned events)
{
    control[i] = (struct iocb){.aio_lio_opcode = (unsigned short)op, .aio_fildes = (unsigned)fd, .aio_buf = events, .aio_data = 100u + (unsigned)i};
    return &control[i];
}

static long submit(struct iocb *r)
{
    return syscall(SYS_io_submit, context, 1, &r);
}

static long poll_for(int i, int fd, unsigned events)
{
    return submit(request(i, IOCB_CMD_POLL, fd, events));
}

/* What comes within a second, or at once if nothing is to come; bits: of the results those that are alike everywhere. */
static void events(const char *what, long n, long long bits)
{
    struct io_event e[4];
    struct timespec t = {n ? 1 : 0, 0};
    long got = syscall(SYS_io_getevents, context, n, 4, e, &t);
    printf("%s: %ld", what, got);
    for (long i = 0; i < got; i++)
        printf(" [%lld %d res %lld %lld]", (long long)e[i].data, e[i].obj == (uintptr_t)&control[e[i].data - 100], (long long)e[i].res & bits,
               (long long)e[i].res2);
    printf("\n");
    fflush(stdout);
}

static void files(void)
{
    int p[2], s[2], e = eventfd(0, 0), master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    char c;
    uint64_t value = 1;
    if (pipe(p) || socketpair(AF_UNIX, SOCK_STREAM, 0, s))
        return;
    SHOW(poll_for(0, p[0], POLLIN));
    events("an empty pipe", 0, ~0);
    SHOW(write(p[1], "x", 1));
    events("a full one", 1, ~0);
    SHOW(poll_for(0, p[0], POLLIN));
    events("still full", 1, ~0);
    SHOW(read(p[0], &c, 1));
    SHOW(poll_for(0, p[0], POLLIN));
    SHOW(write(p[1], "y", 1) + read(p[0], &c, 1));
    events("full for a while", 1, ~0);
    SHOW(poll_for(0, p[1], POLLOUT | POLLIN));
    events("writable", 1, ~0);
    SHOW(poll_for(0, p[0], POLLIN));
    close(p[1]);
    events("hung up", 1, ~0);
    SHOW(poll_for(1, s[0], POLLIN));
    SHOW(write(s[1], "z", 1));
    events("socket", 1, POLLIN | POLLHUP | POLLERR);
    SHOW(read(s[0], &c, 1));
    SHOW(poll_for(1, s[0], POLLIN));
    close(s[1]);
    events("closed", 1, POLLIN | POLLHUP | POLLERR);
    SHOW(poll_for(2, e, POLLIN));
    SHOW(write(e, &value, 8));
    events("eventfd", 1, ~0);
    int t = timerfd_create(CLOCK_MONOTONIC, 0), watch = epoll_create1(0);
    struct itimerspec soon = {{0, 0}, {0, 20000000}};
    timerfd_settime(t, 0, &soon, NULL);
    SHOW(poll_for(2, t, POLLIN));
    events("timer", 1, ~0);
    SHOW(poll_for(3, watch, POLLIN));
    SHOW(epoll_ctl(watch, EPOLL_CTL_ADD, e, &(struct epoll_event){.events = EPOLLIN}));
    events("epoll", 1, POLLIN);
    /* Those with one queue for each direction. */
    ioctl(master, TIOCSPTLCK, &(int){0});
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    SHOW(poll_for(0, slave, POLLIN));
    SHOW(poll_for(0, slave, POLLOUT));
    events("terminal", 1, ~0);
    SHOW(poll_for(0, master, POLLIN));
    char name[64];
    int fresh[2];
    if (pipe(fresh))
        return;
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fresh[0]);
    int both = open(name, O_RDWR);
    SHOW(poll_for(0, both, POLLIN));
    /* Nothing to wait for. */
    int regular = memfd_create("file", 0), null = open("/dev/null", O_RDONLY);
    SHOW(poll_for(0, regular, POLLIN));
    events("file", 1, ~0);
    SHOW(poll_for(0, regular, POLLPRI));
    SHOW(poll_for(0, null, POLLOUT));
    events("null", 1, ~0);
}

static void errors(int fd)
{
    struct iocb *r = request(0, IOCB_CMD_POLL, fd, POLLIN | 0x10000);
    SHOW(submit(r));
    r = request(0, IOCB_CMD_POLL, fd, POLLIN);
    r->aio_offset = 1;
    SHOW(submit(r));
    r = request(0, IOCB_CMD_POLL, fd, POLLIN);
    r->aio_nbytes = 1;
    SHOW(submit(r));
    r = request(0, IOCB_CMD_POLL, fd, POLLIN);
    r->aio_rw_flags = RWF_NOWAIT;
    SHOW(submit(r));
    r = request(0, IOCB_CMD_POLL, fd, POLLIN);
    r->aio_reqprio = -1;
    r->aio_flags = IOCB_FLAG_IOPRIO | 16;
    SHOW(submit(r));
    SHOW(poll_for(1, -1, POLLIN));
    int path = open("/", O_PATH);
    SHOW(poll_for(1, path, POLLIN));
    close(path);
}

static void cancelling(int reading, int writing)
{
    struct io_event e;
    char c;
    SHOW(syscall(SYS_io_cancel, context, &control[0], &e));
    events("cancelled", 1, ~0);
    SHOW(syscall(SYS_io_cancel, context, &control[0], &e));
    SHOW(poll_for(0, reading, 0));
    SHOW(poll_for(1, reading, POLLIN));
    SHOW(syscall(SYS_io_cancel, context, &control[1], NULL));
    events("one of two", 1, ~0);
    control[0].aio_key = 1;
    SHOW(syscall(SYS_io_cancel, context, &control[0], &e));
    control[0].aio_key = 0;
    SHOW(syscall(SYS_io_cancel, 0, &control[0], &e));
    SHOW(syscall(SYS_io_cancel, context, &control[0], BAD));
    events("the other", 1, ~0);
    SHOW(poll_for(0, reading, POLLIN));
    SHOW(write(writing, "x", 1));
    SHOW(syscall(SYS_io_cancel, context, &control[0], &e));
    events("too late", 1, ~0);
    SHOW(read(reading, &c, 1));
}

/* Many at once on one file; an eventfd is told of each. */
static void telling(int reading, int writing)
{
    int told = eventfd(0, EFD_NONBLOCK);
    struct pollfd p = {told, POLLIN, 0};
    uint64_t n = 0;
    char c;
    for (int i = 0; i < 4; i++) {
        struct iocb *r = request(i, IOCB_CMD_POLL, reading, i == 3 ? POLLHUP : POLLIN);
        r->aio_flags = IOCB_FLAG_RESFD;
        r->aio_resfd = (unsigned)told;
        SHOW(submit(r));
    }
    SHOW(read(told, &n, 8));
    SHOW(write(writing, "x", 1));
    while (n < 3) {
        uint64_t more = 0;
        poll(&p, 1, 1000);
        if (read(told, &more, 8) != 8)
            break;
        n += more;
    }
    SHOW(n);
    struct io_event e[4];
    SHOW(syscall(SYS_io_getevents, context, 0, 4, e, NULL));
    SHOW(syscall(SYS_io_cancel, context, &control[3], e));
    SHOW(poll(&p, 1, 1000));
    events("cancelled, told", 1, ~0);
    SHOW(read(reading, &c, 1));
    close(told);
}

static long waited;
static int error;

static void *waiter(void *arg)
{
    struct io_event e[2];
    struct timespec t = {5, 0};
    waited = syscall(SYS_io_getevents, context, 1, 1, e, &t);
    error = errno;
    return NULL;
}

/* Two threads wait, one event comes and then another: who waits is no matter. */
static void threads(int reading, int writing)
{
    pthread_t t[2];
    long sum = 0;
    char c;
    poll_for(0, reading, POLLIN);
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, waiter, NULL);
    sleep_ms(20);
    SHOW(write(writing, "x", 1) + read(reading, &c, 1));
    poll_for(1, reading, POLLIN);
    sleep_ms(20);
    SHOW(write(writing, "x", 1) + read(reading, &c, 1));
    for (int i = 0; i < 2; i++) {
        pthread_join(t[i], NULL);
        sum += waited;
    }
    SHOW(sum);
    poll_for(0, reading, POLLIN);
    pthread_create(&t[0], NULL, waiter, NULL);
    sleep_ms(20);
    SHOW(syscall(SYS_io_destroy, context));
    pthread_join(t[0], NULL);
    printf("destroyed: %s\n", waited < 0 ? strerrorname_np(error) : "no error");
    SHOW(write(writing, "x", 1) + read(reading, &c, 1));
}

static void synchronizing(void)
{
    int fd = open(".", O_TMPFILE | O_RDWR, 0600);
    if (fd < 0)
        fd = memfd_create("file", 0);
    struct iocb *list[4];
    for (int i = 0; i < 4; i++) {
        list[i] = request(i, i % 2 ? IOCB_CMD_FDSYNC : IOCB_CMD_FSYNC, fd, 0);
        SHOW(pwrite(fd, "data", 4, 4096 * i));
    }
    SHOW(syscall(SYS_io_submit, context, 4, list));
    struct io_event e[4];
    SHOW(syscall(SYS_io_getevents, context, 4, 4, e, NULL));
    SHOW(e[0].res | e[1].res | e[2].res | e[3].res);
    close(fd);
}

int main(void)
{
    int p[2], exits[2];
    SHOW(syscall(SYS_io_setup, 8, &context));
    files();
    if (pipe(p) || pipe(exits))
        return 1;
    errors(p[0]);
    cancelling(p[0], p[1]);
    telling(p[0], p[1]);
    synchronizing();
    threads(p[0], p[1]);
    context = 0;
    SHOW(syscall(SYS_io_setup, 8, &context));
    SHOW(poll_for(0, exits[0], POLLIN)); /* is there still at the end */
    return 0;
}
