/* SPDX-License-Identifier: BSD-2-Clause */
/* What /proc/self/fdinfo says of event files, without the numbers that differ by run. */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include "abi.h"

static char text[4096];

static void load(int fd)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    int in = open(path, O_RDONLY);
    ssize_t n = in < 0 ? 0 : read(in, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = 0;
    close(in);
}

/* Lines but for identities of inodes and mounts, and times that run. */
static void show(const char *what, int fd)
{
    load(fd);
    printf("-- %s\n", what);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char *inode = strstr(line, " ino:");
        if (!strncmp(line, "ino:", 4) || !strncmp(line, "mnt_id:", 7) || !strncmp(line, "eventfd-id", 10))
            *strchr(line, ':') = 0;
        else if (!strncmp(line, "it_value: (", 11) && strcmp(line, "it_value: (0, 0)"))
            strchr(line, '(')[4] = 0;
        else if (inode)
            *inode = 0;
        puts(line);
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/*
 * The lines of /proc/locks about the file, or of fdinfo, from their kind on, without numbers of ours. Linux has the locks that each CPU's
 * threads made together: which come first depends on where this one ran.
 */
static void find_lock(const char *where, const struct stat *st, const char *kind)
{
    char here[64], line[256], found[8][256];
    FILE *f;
    int pid, n = 0;

    snprintf(here, sizeof(here), " %02x:%02x:%lu ", major(st->st_dev), minor(st->st_dev), st->st_ino);
    f = fopen(where, "r");
    while (f && n < 8 && fgets(line, sizeof(line), f)) {
        char *at = strstr(line, here), *from = strstr(line, kind);
        if (!at || !from)
            continue;
        *at = 0;
        pid = atoi(strrchr(from, ' '));
        *strrchr(from, ' ') = 0;
        snprintf(found[n++], sizeof(found[0]), "%s: %s pid %s range %s", kind, from, pid == getpid() ? "own" : pid == -1 ? "-1" : "other", at + strlen(here));
    }
    qsort(found, (size_t)n, sizeof(found[0]), by_text);
    for (int i = 0; i < n; i++)
        fputs(found[i], stdout);
    printf("%d of %s\n", n, kind);
    if (f)
        fclose(f);
}

static void locks(void)
{
    struct flock record = {.l_type = F_WRLCK, .l_start = 5, .l_len = 10}, open_file = {.l_type = F_RDLCK, .l_start = 100};
    char path[64], other[64];
    struct stat st;
    int a = memfd_create("locked", 0), b;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", a);
    b = open(path, O_RDWR);
    fstat(a, &st);
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", a);
    snprintf(other, sizeof(other), "/proc/self/fdinfo/%d", b);
    SHOW(fcntl(a, F_SETLK, &record));
    SHOW(flock(a, LOCK_SH));
    SHOW(flock(b, LOCK_SH));
    SHOW(fcntl(b, F_OFD_SETLK, &open_file));
    for (int round = 0; round < 3; round++) {
        find_lock("/proc/locks", &st, "POSIX");
        find_lock("/proc/locks", &st, "FLOCK");
        find_lock("/proc/locks", &st, "OFDLCK");
        find_lock(path, &st, "lock:");
        find_lock(other, &st, "FLOCK");
        find_lock(other, &st, "OFDLCK");
        record.l_type = F_UNLCK;
        record.l_start = 7;
        record.l_len = 2;
        if (!round)
            SHOW(fcntl(a, F_SETLK, &record));
        else
            SHOW(flock(a, LOCK_UN));
    }
    close(b);
    find_lock("/proc/locks", &st, "FLOCK");
    find_lock("/proc/locks", &st, "OFDLCK");
}

int main(void)
{
    struct itimerspec i = {{1, 5}, {100, 700000000}}, off = {{0, 0}, {0, 0}}, past = {{0, 0}, {0, 1}};
    struct epoll_event v = {EPOLLIN | EPOLLET, {.u64 = 0x1234567890}}, once = {EPOLLOUT | EPOLLONESHOT, {.u64 = ~0ull}};
    sigset_t mask;
    int pair[2];
    close_range(3, ~0u, 0);
    int event = eventfd(5, EFD_SEMAPHORE | EFD_CLOEXEC), plain = eventfd(0, EFD_NONBLOCK), timer = timerfd_create(CLOCK_MONOTONIC, 0);
    show("semaphore", event);
    show("eventfd", plain);
    eventfd_write(plain, 0xfedcba987654321);
    show("eventfd, full", plain);
    show("timer, new", timer);
    timerfd_settime(timer, 0, &i, NULL);
    show("timer, set", timer);
    i.it_value.tv_sec = 1l << 33;
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &i, NULL);
    load(timer);
    printf("absolute: %s\n", strstr(text, "settime flags: 01\n") ? "flags 1" : text);
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &past, NULL);
    sleep_ms(10);
    show("timer, expired", timer);
    timerfd_settime(timer, 0, &off, NULL);
    show("timer, off", timer);
    int real = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    timerfd_settime(real, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &i, NULL);
    show("realtime", real);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    sigaddset(&mask, SIGKILL);
    sigaddset(&mask, SIGRTMAX);
    show("signalfd", signalfd(-1, &mask, 0));
    int poll = epoll_create1(EPOLL_CLOEXEC);
    show("epoll, empty", poll);
    epoll_ctl(poll, EPOLL_CTL_ADD, event, &v);
    show("epoll", poll);
    epoll_ctl(poll, EPOLL_CTL_DEL, event, &v);
    if (pipe(pair))
        return 1;
    epoll_ctl(poll, EPOLL_CTL_ADD, pair[1], &once);
    show("epoll of a pipe", poll);
    epoll_wait(poll, &v, 1, 0);
    show("after its one event", poll);
    struct stat st;
    unsigned long ino;
    char *at;
    load(poll);
    fstat(pair[1], &st);
    printf("inode is fstat's: %d\n", (at = strstr(text, " ino:")) && sscanf(at, " ino:%lx", &ino) == 1 && ino == st.st_ino);
    show("pipe", pair[0]);
    show("no such", 999);
    locks();
    return 0;
}
