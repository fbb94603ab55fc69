/* SPDX-License-Identifier: BSD-2-Clause */
/* eventfd(2): counting, semaphore mode, blocking and non-blocking, limits, poll, errors. */
#include "abi.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

static int fd;

static long rd(void)
{
    uint64_t v;
    long n = read(fd, &v, 8);
    return n == 8 ? (long)v : n;
}

static long wr(uint64_t v)
{
    return write(fd, &v, 8);
}

static long events(void)
{
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLERR, 0};
    poll(&p, 1, 0);
    return p.revents;
}

static void *writer(void *arg)
{
    sleep_ms(20);
    wr((uint64_t)(long)arg);
    return NULL;
}

static void *reader(void *arg)
{
    sleep_ms(20);
    return (void *)rd();
}

int main(void)
{
    char small[4];
    uint64_t v = 1;
    pthread_t t;
    void *r;

    SHOW(syscall(SYS_eventfd2, 0, 0x10));
    SHOW(syscall(SYS_eventfd2, 5, EFD_NONBLOCK | EFD_CLOEXEC) >= 0);
    fd = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC);
    SHOW(fcntl(fd, F_GETFD));
    SHOW(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE));
    SHOW(events());
    SHOW(rd());
    SHOW(rd());
    SHOW(events());
    SHOW(wr(0));
    SHOW(rd());
    SHOW(wr(2));
    SHOW(wr(5));
    SHOW(rd());
    SHOW(wr(UINT64_MAX));
    SHOW(wr(UINT64_MAX - 1));
    SHOW(events());
    SHOW(wr(1));
    SHOW(rd());
    SHOW(read(fd, small, 4));
    SHOW(write(fd, small, 4));
    SHOW(wr(1));
    SHOW(read(fd, BAD, 8));
    SHOW(write(fd, BAD, 8));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(pread(fd, &v, 8, 0));
    SHOW(ftruncate(fd, 0));
    SHOW(fsync(fd));
    close(fd);

    fd = eventfd(3, EFD_SEMAPHORE);
    SHOW(rd());
    SHOW(rd());
    SHOW(rd());
    pthread_create(&t, NULL, writer, (void *)2);
    SHOW(rd());
    pthread_join(t, NULL);
    SHOW(rd());
    SHOW(wr(UINT64_MAX - 1));
    pthread_create(&t, NULL, reader, NULL);
    SHOW(wr(1));
    pthread_join(t, &r);
    SHOW((long)r);
    close(fd);

    fd = eventfd(0, 0);
    pthread_create(&t, NULL, writer, (void *)7);
    struct pollfd p = {fd, POLLIN, 0};
    SHOW(poll(&p, 1, 5000));
    SHOW(rd());
    pthread_join(t, NULL);
    SHOW(close(fd));
    SHOW(rd());
    return 0;
}
