/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that make a descriptor, when there is none to be had: they change nothing. */
#include "sock.h"
#include <mqueue.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

static struct rlimit old;

static void limit(int spare)
{
    setrlimit(RLIMIT_NOFILE, &old);
    int next = dup(1);
    close(next);
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)(next + spare), old.rlim_max});
}

static void *wait_in_accept(void *arg)
{
    return (void *)(long)accept((int)(long)arg, NULL, NULL);
}

int main(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0limit"};
    struct stat st;
    sigset_t set;
    int s[2], l = socket(AF_UNIX, SOCK_STREAM, 0), dir = open(".", O_RDONLY | O_DIRECTORY), p[2];
    sigemptyset(&set);
    getrlimit(RLIMIT_NOFILE, &old);
    bind(l, (void *)&a, 8);
    listen(l, 5);
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    int f = open("full", O_CREAT | O_WRONLY, 0600);
    write(f, "text", 4);
    mq_unlink("/fd_limit");

    limit(0);
    SHOW(open("made", O_CREAT | O_RDWR, 0600));
    SHOW(openat(dir, "made", O_CREAT | O_EXCL | O_RDWR, 0600));
    SHOW(open("full", O_WRONLY | O_TRUNC));
    SHOW(creat("full", 0600));
    SHOW(open("nowhere/x", O_RDONLY));
    SHOW(open(BAD, O_RDONLY));
    SHOW(open(".", O_TMPFILE | O_RDWR, 0600));
    SHOW(access("made", F_OK));
    SHOW(stat("full", &st));
    SHOW(st.st_size);
    SHOW((long)mq_open("/fd_limit", O_CREAT | O_RDWR, 0600, NULL));
    SHOW((long)mq_open("/nothing", O_RDWR));
    SHOW(accept(l, NULL, NULL));
    SHOW(socket(AF_UNIX, SOCK_STREAM, 0));
    SHOW(socket(AF_UNIX, 99, 0));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
    SHOW(pipe(p));
    SHOW(eventfd(0, 0));
    SHOW(epoll_create1(0));
    SHOW(timerfd_create(CLOCK_MONOTONIC, 0));
    SHOW(signalfd(-1, &set, 0));
    SHOW(inotify_init1(0));
    SHOW(memfd_create("x", 0));
    SHOW((int)syscall(SYS_pidfd_open, getpid(), 0));
    SHOW(dup(0));
    SHOW(dup2(0, 9999) >= 0);
    limit(1);
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
    SHOW(pipe(p));
    SHOW(open("made", O_CREAT | O_RDWR | O_CLOEXEC, 0600) >= 0);
    SHOW(open("made again", O_CREAT | O_RDWR, 0600));
    setrlimit(RLIMIT_NOFILE, &old);
    SHOW((long)mq_open("/fd_limit", O_RDWR));
    SHOW(access("made again", F_OK));

    /* A descriptor that a blocked call has put aside is no other's, and not open. */
    pthread_t t;
    void *result;
    int next = dup(1), c = socket(AF_UNIX, SOCK_STREAM, 0);
    close(next);
    pthread_create(&t, NULL, wait_in_accept, (void *)(long)l);
    sleep_ms(50);
    SHOW(dup(1) > next);
    SHOW(fcntl(next, F_GETFD));
    SHOW(close(next));
    SHOW(dup2(1, next));
    SHOW(syscall(SYS_close_range, next, next, 0));
    SHOW(connect(c, (void *)&a, 8));
    pthread_join(t, &result);
    SHOW((int)(long)result - next);
    SHOW(fcntl(next, F_GETFD));
    return 0;
}
