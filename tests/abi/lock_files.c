/* SPDX-License-Identifier: BSD-2-Clause */
/* File locks: OFD and flock conflicts, ranges, conversion, waiting; POSIX locks within one process.
 */
#include "file_check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <time.h>

static int a, b;

static struct flock lk(int type, long start, long length)
{
    return (struct flock){
        .l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
}

static long ofd(int fd, int cmd, int type, long start, long length)
{
    struct flock l = lk(type, start, length);

    return fcntl(fd, cmd, &l);
}

static void show_get(int fd, int cmd, int type, long start, long length)
{
    struct flock l = lk(type, start, length);
    int r = fcntl(fd, cmd, &l);

    if (r)
        printf("get: %s\n", strerrorname_np(errno));
    else
        printf("get: type %d whence %d start %ld len %ld pid %d\n", l.l_type, l.l_whence,
               (long)l.l_start, (long)l.l_len,
               l.l_type == F_UNLCK   ? 0
               : l.l_pid == getpid() ? 1
                                     : l.l_pid);
}

static void ranges(void)
{
    SHOW(ofd(a, F_OFD_SETLK, F_WRLCK, 10, 10));
    SHOW(ofd(b, F_OFD_SETLK, F_WRLCK, 15, 1));
    SHOW(ofd(b, F_OFD_SETLK, F_RDLCK, 19, 5));
    SHOW(ofd(b, F_OFD_SETLK, F_RDLCK, 20, 5));
    SHOW(ofd(b, F_OFD_SETLK, F_WRLCK, 0, 10));
    show_get(b, F_OFD_GETLK, F_WRLCK, 0, 0);
    show_get(a, F_OFD_GETLK, F_WRLCK, 0, 0);
    show_get(a, F_OFD_GETLK, F_RDLCK, 22, 1);
    /* Splitting, joining, weakening. */
    SHOW(ofd(a, F_OFD_SETLK, F_UNLCK, 14, 2));
    show_get(b, F_OFD_GETLK, F_WRLCK, 10, 0);
    show_get(b, F_OFD_GETLK, F_WRLCK, 14, 0);
    SHOW(ofd(b, F_OFD_SETLK, F_WRLCK, 14, 2));
    SHOW(ofd(b, F_OFD_SETLK, F_UNLCK, 14, 2));
    SHOW(ofd(a, F_OFD_SETLK, F_RDLCK, 12, 6));
    show_get(b, F_OFD_GETLK, F_RDLCK, 10, 0);
    show_get(b, F_OFD_GETLK, F_WRLCK, 12, 3);
    show_get(b, F_OFD_GETLK, F_RDLCK, 12, 8);
    SHOW(ofd(a, F_OFD_SETLK, F_UNLCK, 0, 0));
    show_get(b, F_OFD_GETLK, F_WRLCK, 0, 0);
    SHOW(ofd(b, F_OFD_SETLK, F_WRLCK, 100, -50));
    show_get(a, F_OFD_GETLK, F_WRLCK, 0, 0);
    SHOW(ofd(b, F_OFD_SETLK, F_UNLCK, 0, 0));
    SHOW(ofd(b, F_OFD_SETLK, F_WRLCK, 10, -50));
    SHOW(ofd(b, F_OFD_SETLK, F_WRLCK, -1, 5));
    SHOW(ofd(b, F_OFD_SETLK, F_WRLCK, INT64_MAX, 5));
    SHOW(ofd(b, F_OFD_SETLK, 7, 0, 5));
    SHOW(ofd(-1, F_OFD_SETLK, F_WRLCK, 0, 5));
    SHOW(fcntl(b, F_OFD_SETLK, BAD_PTR));
    {
        struct flock l = lk(F_WRLCK, 0, 1);
        l.l_pid = 1;
        SHOW(fcntl(b, F_OFD_SETLK, &l));
        l.l_whence = 9;
        l.l_pid = 0;
        SHOW(fcntl(b, F_OFD_SETLK, &l));
        l.l_whence = SEEK_END;
        l.l_start = -2;
        SHOW(fcntl(b, F_OFD_SETLK, &l));
    }
    show_get(a, F_OFD_GETLK, F_WRLCK, 0, 0);
    SHOW(ofd(b, F_OFD_SETLK, F_UNLCK, 0, 0));
}

static void modes(void)
{
    int r = open("f", O_RDONLY), w = open("f", O_WRONLY);

    SHOW(ofd(r, F_OFD_SETLK, F_WRLCK, 0, 1));
    SHOW(ofd(w, F_OFD_SETLK, F_RDLCK, 0, 1));
    SHOW(ofd(r, F_OFD_SETLK, F_RDLCK, 0, 1));
    SHOW(ofd(w, F_OFD_SETLK, F_WRLCK, 0, 1));
    SHOW(close(r));
    SHOW(ofd(w, F_OFD_SETLK, F_WRLCK, 0, 1));
    close(w);
    show_get(a, F_OFD_GETLK, F_WRLCK, 0, 0);
}

static void posix(void)
{
    int c;

    SHOW(ofd(a, F_SETLK, F_WRLCK, 0, 10));
    SHOW(ofd(b, F_SETLK, F_WRLCK, 5, 10));
    show_get(a, F_GETLK, F_WRLCK, 0, 0);
    show_get(a, F_OFD_GETLK, F_WRLCK, 0, 0);
    SHOW(ofd(a, F_OFD_SETLK, F_RDLCK, 3, 1));
    /* Closing any descriptor of the file drops them all. */
    c = open("f", O_RDONLY);
    close(c);
    show_get(a, F_OFD_GETLK, F_WRLCK, 0, 0);
    SHOW(ofd(a, F_GETLK, F_UNLCK, 0, 0));
}

static void flocks(void)
{
    int c = dup(a);

    SHOW(flock(a, LOCK_EX));
    SHOW(flock(b, LOCK_EX | LOCK_NB));
    SHOW(flock(b, LOCK_SH | LOCK_NB));
    SHOW(flock(c, LOCK_EX | LOCK_NB));
    SHOW(flock(a, LOCK_SH));
    SHOW(flock(b, LOCK_SH | LOCK_NB));
    SHOW(flock(a, LOCK_EX | LOCK_NB));
    SHOW(flock(b, LOCK_UN));
    SHOW(flock(a, LOCK_EX | LOCK_NB));
    SHOW(flock(c, LOCK_UN));
    SHOW(flock(b, LOCK_EX | LOCK_NB));
    SHOW(flock(b, LOCK_UN));
    SHOW(flock(b, 0));
    SHOW(flock(b, LOCK_SH | LOCK_EX));
    SHOW(flock(-1, LOCK_SH));
    close(c);
}

static void *later(void *arg)
{
    struct timespec t = {0, 30000000};

    nanosleep(&t, NULL);
    if (arg)
        ofd(a, F_OFD_SETLK, F_UNLCK, 0, 0);
    else
        flock(a, LOCK_UN);
    return NULL;
}

static void on_alarm(int signo)
{
    (void)signo;
}

static void waiting(void)
{
    struct sigaction sa = {.sa_handler = on_alarm};
    pthread_t t;

    SHOW(ofd(a, F_OFD_SETLK, F_WRLCK, 0, 0));
    pthread_create(&t, NULL, later, "x");
    SHOW(ofd(b, F_OFD_SETLKW, F_WRLCK, 5, 1));
    pthread_join(t, NULL);
    SHOW(flock(a, LOCK_EX));
    pthread_create(&t, NULL, later, NULL);
    SHOW(flock(b, LOCK_SH));
    pthread_join(t, NULL);
    sigaction(SIGALRM, &sa, NULL);
    ualarm(30000, 0);
    SHOW(ofd(a, F_OFD_SETLKW, F_WRLCK, 0, 0));
    ualarm(30000, 0);
    SHOW(flock(a, LOCK_EX));
}

int main(void)
{
    enter_scratch();
    make_file("f", "0123456789");
    a = open("f", O_RDWR);
    b = open("f", O_RDWR);
    ranges();
    modes();
    posix();
    flocks();
    waiting();
    unlink("f");
    leave_scratch();
    return 0;
}
