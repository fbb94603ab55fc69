/* SPDX-License-Identifier: BSD-2-Clause */
/* memory_end WAY: uses up the memory of the machine in that way. Status 3 if a call says that there is no more. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define MB (1ul << 20)

static char block[65536];

static void none_left(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerrorname_np(errno));
    exit(3);
}

static char *map(size_t n, int flags)
{
    char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    if (p == MAP_FAILED)
        none_left("mmap");
    return p;
}

static void *sleeper(void *arg)
{
    pause();
    return arg;
}

/* What terminals took before there was no more memory comes out of their masters. */
static void one_terminal(void)
{
    static int masters[1000], n;
    static long taken;
    struct termios raw;
    ssize_t moved;
    int slave = -1;

    if (!n)
        memset(map(9 * MB, 0), 1, 9 * MB);
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (master >= 0 && !unlockpt(master))
        slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (slave >= 0 && n < 1000) {
        tcgetattr(slave, &raw);
        cfmakeraw(&raw);
        tcsetattr(slave, TCSANOW, &raw);
        masters[n++] = master;
        while ((moved = write(slave, block, 300)) > 0)
            taken += moved;
        if (errno == EAGAIN)
            return;
    }
    int why = errno;
    for (int i = 0; i < n; i++)
        while ((moved = read(masters[i], block, sizeof(block))) > 0)
            taken -= moved;
    if (taken) {
        fprintf(stderr, "%ld bytes lost\n", taken);
        exit(9);
    }
    errno = why;
    none_left("terminals");
}

static void one(const char *way)
{
    static int n;
    static char *place;
    char name[64];
    int fds[2];
    pthread_t t;
    pthread_attr_t a;
    struct epoll_event e = {.events = EPOLLIN};
    n++;
    if (!strcmp(way, "touch")) {
        memset(map(MB, 0), 1, MB);
    } else if (!strcmp(way, "pages")) {
        memset(map(4096, 0), 1, 4096);
    } else if (!strcmp(way, "populate")) {
        map(MB, MAP_POPULATE);
    } else if (!strcmp(way, "lock")) {
        if (mlock(map(MB, 0), MB))
            none_left("mlock");
    } else if (!strcmp(way, "heap")) {
        char *p = malloc(50000);
        if (!p)
            none_left("malloc");
        memset(p, 1, 50000);
    } else if (!strcmp(way, "sparse")) { /* page tables */
        if (!place)
            place = map(1ul << 40, MAP_NORESERVE);
        place[n * 2 * MB] = 1;
    } else if (!strcmp(way, "regions")) {
        if (!place)
            place = map(1ul << 40, MAP_NORESERVE);
        if (mprotect(place + 2 * n * 4096ul, 4096, PROT_READ))
            none_left("mprotect");
    } else if (!strcmp(way, "kernel-copies")) { /* the kernel's own access brings the page in */
        if (getcwd(map(MB, 0), MB) == NULL || read(open("/dev/zero", O_RDONLY), map(MB, 0), MB) < 0)
            none_left("read");
    } else if (!strcmp(way, "file")) {
        static int fd = -1;
        if (fd < 0)
            fd = open("/tmp/memory_end", O_RDWR | O_CREAT, 0600);
        if (write(fd, block, sizeof(block)) <= 0) /* the one before may have been short */
            none_left("write");
    } else if (!strcmp(way, "memfd")) {
        int fd = memfd_create("end", 0);
        if (fd < 0 || ftruncate(fd, 4 * MB) || fallocate(fd, 0, 0, 4 * MB))
            none_left("memfd");
    } else if (!strcmp(way, "shared")) {
        char *p = mmap(NULL, MB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
            none_left("mmap");
        memset(p, 1, MB);
    } else if (!strcmp(way, "names")) {
        snprintf(name, sizeof(name), "/tmp/a-long-enough-name-of-a-file-%d", n);
        if (mkdir(name, 0700))
            none_left("mkdir");
    } else if (!strcmp(way, "pipes")) {
        if (pipe2(fds, O_NONBLOCK))
            none_left("pipe");
        while (write(fds[1], block, 4096) > 0)
            ;
        if (errno != EAGAIN)
            none_left("write");
    } else if (!strcmp(way, "sockets")) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds))
            none_left("socketpair");
        while (write(fds[1], block, 4096) > 0)
            ;
        if (errno != EAGAIN)
            none_left("write");
    } else if (!strcmp(way, "terminals")) {
        one_terminal();
    } else if (!strcmp(way, "epolls")) {
        static int event = -1;
        if (event < 0)
            pipe(fds), event = fds[0];
        int fd = epoll_create1(0);
        if (fd < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, event, &e))
            none_left("epoll");
    } else if (!strcmp(way, "threads")) {
        pthread_attr_init(&a);
        pthread_attr_setstacksize(&a, 65536);
        errno = pthread_create(&t, &a, sleeper, NULL);
        if (errno)
            none_left("pthread_create");
    } else if (!strcmp(way, "timers")) {
        timer_t timer;
        if (timer_create(CLOCK_MONOTONIC, NULL, &timer))
            none_left("timer_create");
    } else if (!strcmp(way, "signals")) {
        sigset_t set;
        sigfillset(&set);
        sigprocmask(SIG_BLOCK, &set, NULL);
        if (sigqueue(getpid(), SIGRTMIN, (union sigval){0}))
            none_left("sigqueue");
    } else {
        fprintf(stderr, "what is %s?\n", way);
        exit(9);
    }
}

int main(int argc, char **argv)
{
    (void)argc;
    for (;;)
        one(argv[1]);
}
