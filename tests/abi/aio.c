/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux AIO: contexts, requests of each kind, events, eventfd, errors. */
#include "abi.h"
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/uio.h>

static aio_context_t context;
static int fd;
static char text[64];

static long setup(unsigned n, aio_context_t *c)
{
    return syscall(SYS_io_setup, n, c);
}

static long submit(long n, struct iocb **list)
{
    return syscall(SYS_io_submit, context, n, list);
}

static long get(long least, long most, struct io_event *e, struct timespec *t)
{
    return syscall(SYS_io_getevents, context, least, most, e, t);
}

static struct iocb request(int op, int file, void *buf, size_t n, off_t offset)
{
    return (struct iocb){.aio_lio_opcode = (unsigned short)op, .aio_fildes = (unsigned)file, .aio_buf = (uintptr_t)buf, .aio_nbytes = n,
                         .aio_offset = offset, .aio_data = 0x1234, .aio_key = 77};
}

/* Submits one request and shows what comes of it. */
static void one(const char *what, struct iocb r)
{
    struct iocb *list[] = {&r};
    struct io_event e[4];
    struct timespec t = {1, 0};
    errno = 0;
    long n = submit(1, list);
    printf("%s: submit %ld %s", what, n, n < 0 ? strerrorname_np(errno) : "");
    if (n == 1) {
        n = get(1, 4, e, &t);
        printf(", events %ld", n);
        if (n == 1)
            printf(" data %llx obj %d res %lld res2 %lld key %u", (unsigned long long)e[0].data, e[0].obj == (uintptr_t)&r, (long long)e[0].res,
                   (long long)e[0].res2, r.aio_key);
    }
    printf("\n");
}

static void contexts(void)
{
    aio_context_t c = 1, other = 0;
    SHOW(setup(10, &c));
    c = 0;
    SHOW(setup(0, &c));
    SHOW(setup(1u << 28, &c));
    SHOW(setup(100, BAD));
    SHOW(setup(100, &c));
    SHOW(setup(100, &other));
    SHOW(c != other && c && other);
    SHOW(syscall(SYS_io_destroy, other));
    SHOW(syscall(SYS_io_destroy, other));
    SHOW(syscall(SYS_io_destroy, 0));
    SHOW(syscall(SYS_io_destroy, &other));
    context = c;
}

static void requests(void)
{
    struct iovec vec[2] = {{text, 4}, {text + 10, 4}}, bad_vec[1] = {{BAD, 10}};
    struct iocb r;
    int pipes[2], reading = open("/dev/zero", O_RDONLY);
    one("write", request(IOCB_CMD_PWRITE, fd, "some data to be read", 20, 100));
    one("read", request(IOCB_CMD_PREAD, fd, text, 9, 105));
    printf("%.9s\n", text);
    one("read at the end", request(IOCB_CMD_PREAD, fd, text, 50, 110));
    one("read beyond", request(IOCB_CMD_PREAD, fd, text, 50, 5000));
    one("readv", request(IOCB_CMD_PREADV, fd, vec, 2, 100));
    printf("%.4s %.4s\n", text, text + 10);
    one("writev", request(IOCB_CMD_PWRITEV, fd, vec, 2, 0));
    one("fsync", request(IOCB_CMD_FSYNC, fd, NULL, 0, 0));
    one("fdatasync", request(IOCB_CMD_FDSYNC, fd, NULL, 0, 0));
    one("fsync with a buffer", request(IOCB_CMD_FSYNC, fd, text, 0, 0));
    one("noop", request(IOCB_CMD_NOOP, fd, NULL, 0, 0));
    one("unknown", request(99, fd, NULL, 0, 0));
    one("no file", request(IOCB_CMD_PREAD, -1, text, 1, 0));
    one("write to what is read", request(IOCB_CMD_PWRITE, reading, text, 1, 0));
    one("read of a device", request(IOCB_CMD_PREAD, reading, text, 5, 7));
    one("bad buffer", request(IOCB_CMD_PREAD, fd, BAD, 10, 100));
    one("kernel's buffer", request(IOCB_CMD_PREAD, fd, (void *)-4096l, 10, 100));
    one("bad vector", request(IOCB_CMD_PREADV, fd, BAD, 1, 100));
    one("bad buffer in a vector", request(IOCB_CMD_PREADV, fd, bad_vec, 1, 100));
    one("negative offset", request(IOCB_CMD_PREAD, fd, text, 10, -1));
    one("negative size", request(IOCB_CMD_PREAD, fd, text, (size_t)-1, 0));
    r = request(IOCB_CMD_PREAD, fd, text, 1, 0);
    r.aio_reserved2 = 1;
    one("reserved", r);
    r = request(IOCB_CMD_PREAD, fd, text, 1, 0);
    r.aio_rw_flags = 0x40000000;
    one("unknown RWF", r);
    r.aio_rw_flags = RWF_HIPRI;
    one("RWF_HIPRI", r);
    r = request(IOCB_CMD_PWRITE, fd, "end", 3, 0);
    r.aio_rw_flags = RWF_APPEND;
    one("RWF_APPEND", r);
    one("after it", request(IOCB_CMD_PREAD, fd, text, 10, 120));
    printf("%.3s\n", text);
    if (pipe(pipes))
        return;
    one("pipe write", request(IOCB_CMD_PWRITE, pipes[1], "piped", 5, 99));
    one("pipe read", request(IOCB_CMD_PREAD, pipes[0], text, 60, 99));
    one("pipe fsync", request(IOCB_CMD_FSYNC, pipes[0], NULL, 0, 0));
    close(pipes[0]);
    signal(SIGPIPE, SIG_IGN);
    one("broken pipe", request(IOCB_CMD_PWRITE, pipes[1], "piped", 5, 0));
    close(pipes[1]);
    int directory = open("/", O_RDONLY | O_DIRECTORY);
    one("directory", request(IOCB_CMD_PREAD, directory, text, 5, 0));
    close(directory);
    close(reading);
}

static void lists(void)
{
    struct iocb r[5], *list[6];
    struct io_event e[8];
    struct timespec zero = {0, 0}, soon = {0, 5000000};
    for (int i = 0; i < 5; i++) {
        r[i] = request(IOCB_CMD_PREAD, i == 3 ? -1 : fd, text, 5, 100);
        r[i].aio_data = (unsigned)i;
        list[i] = &r[i];
    }
    SHOW(submit(5, list));
    SHOW(get(3, 8, e, NULL));
    printf("%lld %lld %lld\n", (long long)e[0].data, (long long)e[1].data, (long long)e[2].data);
    list[1] = BAD;
    SHOW(submit(2, list));
    SHOW(submit(1, list + 1));
    SHOW(submit(1, BAD));
    SHOW(submit(0, BAD));
    SHOW(submit(-1, list));
    SHOW(get(0, 8, e, NULL));
    SHOW(get(0, 8, e, NULL));
    SHOW(get(1, 8, e, &zero));
    SHOW(get(1, 8, e, &soon));
    SHOW(get(1, 8, e, BAD));
    SHOW(get(2, 1, e, &zero));
    SHOW(get(-1, 1, e, &zero));
    SHOW(get(0, 0, e, &zero));
    list[1] = &r[1];
    SHOW(submit(2, list));
    SHOW(get(1, 1, BAD, &zero));
    SHOW(get(1, 1, e, &zero));
    SHOW(get(2, 8, e, &soon));
    SHOW(syscall(SYS_io_submit, 0, 1, list));
    SHOW(syscall(SYS_io_submit, &zero, 1, list));
    SHOW(syscall(SYS_io_getevents, 0, 0, 1, e, NULL));
    SHOW(syscall(SYS_io_cancel, context, &r[0], e));
    SHOW(syscall(SYS_io_cancel, context, BAD, e));
    SHOW(syscall(SYS_io_cancel, 0, &r[0], e));
    SHOW(syscall(SYS_io_pgetevents, context, 0, 1, e, &zero, NULL));
    SHOW(syscall(SYS_io_pgetevents, context, 0, 1, e, &zero, BAD));
}

static void with_eventfd(void)
{
    int told = eventfd(0, 0);
    uint64_t n = 0;
    struct iocb r[3], *list[3];
    struct io_event e[4];
    for (int i = 0; i < 3; i++) {
        r[i] = request(IOCB_CMD_PREAD, fd, text, 5, 100);
        r[i].aio_flags = IOCB_FLAG_RESFD;
        r[i].aio_resfd = (unsigned)told;
        list[i] = &r[i];
    }
    SHOW(submit(3, list));
    SHOW(get(3, 4, e, NULL));
    SHOW(read(told, &n, 8));
    SHOW(n);
    r[0].aio_resfd = (unsigned)fd;
    SHOW(submit(1, list));
    r[0].aio_resfd = (unsigned)-1;
    SHOW(submit(1, list));
    close(told);
}

/* ------------------------------------------------------------ threads */

static long waited;
static int error;
static volatile int tid;

static void *waiter(void *arg)
{
    struct io_event e[4];
    tid = (int)syscall(SYS_gettid);
    waited = get(2, 4, e, NULL);
    error = errno;
    return NULL;
}

static void sleeping(void)
{
    char path[64], c = 0;
    while (!tid)
        sleep_ms(1);
    while (c != 'S') {
        sleep_ms(2);
        snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
        FILE *f = fopen(path, "r");
        if (!f || fscanf(f, "%*d (%*[^)]) %c", &c) != 1)
            c = 0;
        if (f)
            fclose(f);
    }
    tid = 0;
}

static void on_signal(int signo)
{
}

static void threads(void)
{
    struct iocb r = request(IOCB_CMD_PREAD, fd, text, 5, 100), *list[] = {&r};
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    pthread_t t;
    sigaction(SIGUSR1, &sa, NULL);
    pthread_create(&t, NULL, waiter, NULL);
    sleeping();
    submit(1, list);
    submit(1, list);
    pthread_join(t, NULL);
    SHOW(waited);
    pthread_create(&t, NULL, waiter, NULL);
    sleeping();
    pthread_kill(t, SIGUSR1);
    pthread_join(t, NULL);
    printf("signal: %ld %s\n", waited, strerrorname_np(error));
    pthread_create(&t, NULL, waiter, NULL);
    sleeping();
    submit(1, list);
    sleep_ms(5);
    pthread_kill(t, SIGUSR1);
    pthread_join(t, NULL);
    printf("signal after one: %ld\n", waited);
    pthread_create(&t, NULL, waiter, NULL);
    sleeping();
    SHOW(syscall(SYS_io_destroy, context));
    pthread_join(t, NULL);
    printf("destroyed: %ld %s\n", waited, strerrorname_np(error));
}

/* More than fit in the context's room for events, which nobody fetches. */
static void full(void)
{
    struct iocb r = request(IOCB_CMD_PREAD, fd, text, 5, 100), *list[] = {&r};
    struct io_event e[64];
    long n = 0, got = 0, k;
    struct timespec zero = {0, 0};
    context = 0;
    SHOW(setup(10, &context));
    while (submit(1, list) == 1)
        n++;
    error = errno;
    SHOW(error == EAGAIN && n >= 10);
    while ((k = get(0, 64, e, &zero)) > 0)
        got += k;
    SHOW(got == n);
    SHOW(submit(1, list));
}

static long read_number(const char *path)
{
    long n = -1;
    FILE *f = fopen(path, "r");
    if (!f || fscanf(f, "%ld", &n) != 1)
        n = -1;
    if (f)
        fclose(f);
    return n;
}

/* What /proc tells of all contexts. Others may have some on the machine where this is tried first: ours are many. */
static void total(void)
{
    aio_context_t many = 0;
    long before = read_number("/proc/sys/fs/aio-nr");
    SHOW(setup(2000, &many));
    long n = read_number("/proc/sys/fs/aio-nr") - before;
    printf("a context counts: %d\n", n >= 1900 && n <= 2100);
    SHOW(syscall(SYS_io_destroy, many));
    many = 0;
    SHOW(setup((unsigned)read_number("/proc/sys/fs/aio-max-nr") + 1, &many));
}

int main(void)
{
    fd = memfd_create("data", 0);
    contexts();
    requests();
    lists();
    with_eventfd();
    threads();
    full();
    total();
    return 0;
}
