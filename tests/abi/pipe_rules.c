/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipes and FIFOs: capacity, atomic writes, packets, blocking, end of file, EPIPE; splice, tee,
 * vmsplice, sendfile. */
#include "file_check.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <time.h>

static char buf[200000];
static int p[2], q[2];

static int events(int fd)
{
    struct pollfd f = {.fd = fd, .events = POLLIN | POLLOUT};

    return poll(&f, 1, 0) < 0 ? -1 : f.revents;
}

static void capacity(void)
{
    long n = 0, total = 0;
    int count;

    SHOW(pipe2(p, O_NONBLOCK));
    SHOW(fcntl(p[0], F_GETPIPE_SZ));
    SHOW(read(p[0], buf, 1));
    while ((n = write(p[1], buf, 1)) > 0)
        total += n;
    printf("one byte at a time: %ld %s\n", total, strerrorname_np(errno));
    SHOW(ioctl(p[0], FIONREAD, &count));
    printf("FIONREAD %d\n", count);
    printf("events %x %x\n", events(p[0]), events(p[1]));
    SHOW(read(p[0], buf, 4095));
    printf("events %x %x\n", events(p[0]), events(p[1]));
    SHOW(write(p[1], buf, 1));
    SHOW(read(p[0], buf, 1));
    printf("events %x %x\n", events(p[0]), events(p[1]));
    SHOW(write(p[1], buf, 5000));
    SHOW(write(p[1], buf, 1));
    SHOW(read(p[0], buf, sizeof(buf)));
    SHOW(write(p[1], buf, sizeof(buf)));
    SHOW(read(p[0], buf, sizeof(buf)));
    SHOW(write(p[1], buf, 4097));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 4096));
    SHOW(read(p[0], buf, sizeof(buf)));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 4096));
    SHOW(fcntl(p[0], F_GETPIPE_SZ));
    SHOW(write(p[1], buf, 10000));
    SHOW(fcntl(p[1], F_SETPIPE_SZ, 100000));
    SHOW(fcntl(p[1], F_GETPIPE_SZ));
    SHOW(write(p[1], buf, 200000));
    SHOW(fcntl(p[1], F_SETPIPE_SZ, (1u << 31) + 1));
    SHOW(fcntl(0, F_GETPIPE_SZ) == 65536 || errno == EBADF);
    close(p[0]), close(p[1]);
}

static void ends(void)
{
    struct stat st;

    SHOW(pipe(p));
    SHOW(write(p[0], "x", 1));
    SHOW(read(p[1], buf, 1));
    SHOW(lseek(p[0], 0, SEEK_SET));
    SHOW(pread(p[0], buf, 1, 0));
    SHOW(ftruncate(p[1], 0));
    SHOW(fsync(p[0]));
    SHOW(fallocate(p[1], 0, 0, 1));
    SHOW(fstat(p[0], &st));
    printf("%o %ld %ld\n", st.st_mode, (long)st.st_size, (long)st.st_nlink);
    SHOW(write(p[1], "abc", 3));
    SHOW(write(p[1], BAD_PTR, 3));
    SHOW(read(p[0], BAD_PTR, 3));
    SHOW(write(p[1], "", 0));
    SHOW(read(p[0], buf, 0));
    SHOW(close(p[1]));
    printf("events %x\n", events(p[0]));
    SHOW(read(p[0], buf, 10));
    printf("events %x\n", events(p[0]));
    SHOW(read(p[0], buf, 10));
    close(p[0]);
    signal(SIGPIPE, SIG_IGN);
    SHOW(pipe(p));
    close(p[0]);
    printf("events %x\n", events(p[1]));
    SHOW(write(p[1], "x", 1));
    SHOW(write(p[1], "", 0));
    close(p[1]);
    SHOW(pipe2(p, 0x40000000));
    SHOW(pipe2(BAD_PTR, 0));
    SHOW(pipe2(p, O_CLOEXEC | O_NONBLOCK));
    SHOW(fcntl(p[0], F_GETFD));
    SHOW(fcntl(p[0], F_GETFL));
    SHOW(fcntl(p[1], F_GETFL));
    close(p[0]), close(p[1]);
}

static void packets(void)
{
    SHOW(pipe2(p, O_DIRECT | O_NONBLOCK));
    SHOW(fcntl(p[1], F_GETFL));
    SHOW(write(p[1], "one", 3));
    SHOW(write(p[1], "three", 5));
    SHOW(write(p[1], buf, 5000));
    SHOW(read(p[0], buf, 2));
    SHOW(read(p[0], buf, 100));
    SHOW(read(p[0], buf, 10000));
    SHOW(read(p[0], buf, 10000));
    SHOW(read(p[0], buf, 10000));
    close(p[0]), close(p[1]);
}

static void *late_writer(void *arg)
{
    struct timespec t = {0, 30000000};

    nanosleep(&t, NULL);
    return (void *)write(*(int *)arg, buf, 100000);
}

static void *late_close(void *arg)
{
    struct timespec t = {0, 30000000};

    nanosleep(&t, NULL);
    close(*(int *)arg);
    return NULL;
}

static void blocking(void)
{
    pthread_t t;
    void *wrote;
    long total = 0, n;

    SHOW(pipe(p));
    pthread_create(&t, NULL, late_writer, &p[1]);
    while (total < 100000 && (n = read(p[0], buf, 7777)) > 0)
        total += n;
    pthread_join(t, &wrote);
    printf("read %ld wrote %ld\n", total, (long)wrote);
    pthread_create(&t, NULL, late_close, &p[1]);
    SHOW(read(p[0], buf, 10));
    pthread_join(t, NULL);
    close(p[0]);
    SHOW(pipe(p));
    pthread_create(&t, NULL, late_close, &p[0]);
    SHOW(write(p[1], buf, 65536));
    SHOW(write(p[1], buf, 1));
    pthread_join(t, NULL);
    close(p[1]);
}

static void on_alarm(int signo)
{
    (void)signo;
}

static void interrupted(void)
{
    struct sigaction sa = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &sa, NULL);
    SHOW(pipe(p));
    ualarm(20000, 0);
    SHOW(read(p[0], buf, 1));
    ualarm(20000, 0);
    SHOW(write(p[1], buf, 70000));
    close(p[0]), close(p[1]);
}

static void *open_reader(void *arg)
{
    int fd = open(arg, O_RDONLY);
    char c = 0;

    if (read(fd, &c, 1) != 1)
        c = '?';
    close(fd);
    return (void *)(long)c;
}

static void fifos(void)
{
    pthread_t t;
    void *got;
    int r, w;

    SHOW(mkfifo("fifo", 0600));
    SHOW(open("fifo", O_WRONLY | O_NONBLOCK));
    SHOW_OK(r = open("fifo", O_RDONLY | O_NONBLOCK));
    SHOW(read(r, buf, 1));
    printf("events %x\n", events(r));
    SHOW_OK(w = open("fifo", O_WRONLY | O_NONBLOCK));
    SHOW(read(r, buf, 1));
    SHOW(write(w, "hi", 2));
    SHOW(close(w));
    printf("events %x\n", events(r));
    SHOW(read(r, buf, 10));
    SHOW(read(r, buf, 10));
    printf("events %x\n", events(r));
    close(r);
    SHOW_OK(r = open("fifo", O_RDWR));
    SHOW(write(r, "both", 4));
    SHOW(read(r, buf, 10));
    close(r);
    pthread_create(&t, NULL, open_reader, "fifo");
    SHOW_OK(w = open("fifo", O_WRONLY));
    SHOW(write(w, "Z", 1));
    pthread_join(t, &got);
    printf("reader got %c\n", (char)(long)got);
    close(w);
    SHOW_OK(r = open("fifo", O_RDONLY | O_NONBLOCK | O_TRUNC));
    SHOW(lseek(r, 0, SEEK_CUR));
    close(r);
    unlink("fifo");
}

static void splices(void)
{
    struct iovec v[2] = {{"first", 5}, {"second", 6}};
    int f = open("f", O_CREAT | O_RDWR, 0600), a = open("f", O_WRONLY | O_APPEND),
        i = open("i", O_CREAT | O_RDWR, 0600);
    off_t in = 2, out = 100;

    SHOW(pipe(p));
    SHOW(pipe2(q, O_NONBLOCK));
    SHOW(vmsplice(p[1], v, 2, 0));
    SHOW(tee(p[0], q[1], 100, 0));
    SHOW(read(q[0], buf, 100));
    printf("%.11s\n", buf);
    SHOW(splice(p[0], NULL, f, NULL, 6, 0));
    SHOW(splice(p[0], NULL, f, &out, 100, 0));
    printf("out %ld\n", (long)out);
    SHOW(pread(f, buf, 200, 0));
    printf("%.6s %.5s\n", buf, buf + 100);
    SHOW(splice(f, &in, p[1], NULL, 4, 0));
    printf("in %ld\n", (long)in);
    SHOW(splice(p[0], NULL, q[1], NULL, 100, 0));
    SHOW(read(q[0], buf, 100));
    printf("%.4s\n", buf);
    SHOW(splice(p[0], NULL, q[1], NULL, 100, SPLICE_F_NONBLOCK));
    SHOW(splice(p[0], &in, q[1], NULL, 100, SPLICE_F_NONBLOCK));
    SHOW(splice(f, NULL, i, NULL, 100, 0));
    SHOW(splice(p[0], NULL, p[1], NULL, 100, 0));
    SHOW(splice(-1, NULL, p[1], NULL, 100, 0));
    SHOW(splice(p[1], NULL, f, NULL, 100, 0));
    SHOW(splice(f, NULL, p[1], NULL, 0, 0));
    SHOW(splice(f, NULL, p[1], NULL, 10, 0x100));
    SHOW(write(p[1], "tail", 4));
    SHOW(splice(p[0], NULL, a, NULL, 4, 0));
    SHOW(read(p[0], buf, 4));
    SHOW(tee(f, p[1], 10, 0));
    SHOW(tee(p[0], q[1], 10, SPLICE_F_NONBLOCK));
    SHOW(vmsplice(f, v, 2, 0));
    in = 0;
    SHOW(sendfile(i, f, &in, 6));
    printf("in %ld\n", (long)in);
    SHOW(lseek(f, 0, SEEK_SET));
    SHOW(sendfile(i, f, NULL, 3));
    SHOW(lseek(f, 0, SEEK_CUR));
    SHOW(pread(i, buf, 100, 0));
    printf("%.9s\n", buf);
    SHOW(sendfile(p[1], f, NULL, 2));
    SHOW(sendfile(a, f, NULL, 2));
    SHOW(sendfile(i, p[0], NULL, 2));
    SHOW(sendfile(i, -1, NULL, 2));
    SHOW(sendfile(i, a, NULL, 2));
    in = -1;
    SHOW(sendfile(i, f, &in, 2));
    SHOW(sendfile(i, f, BAD_PTR, 2));
    in = 0, out = 50;
    SHOW(copy_file_range(f, &in, i, &out, 6, 0));
    printf("%ld %ld\n", (long)in, (long)out);
    SHOW(copy_file_range(f, &in, f, &in, 6, 0));
    SHOW(copy_file_range(f, NULL, i, NULL, 6, 1));
    SHOW(copy_file_range(p[0], NULL, i, NULL, 6, 0));
    SHOW(copy_file_range(f, NULL, a, NULL, 6, 0));
    in = 100000;
    SHOW(copy_file_range(f, &in, i, NULL, 6, 0));
    close(f), close(a), close(i), close(p[0]), close(p[1]), close(q[0]), close(q[1]);
    unlink("f"), unlink("i");
}

int main(void)
{
    enter_scratch();
    capacity();
    ends();
    packets();
    blocking();
    interrupted();
    fifos();
    splices();
    leave_scratch();
    return 0;
}
