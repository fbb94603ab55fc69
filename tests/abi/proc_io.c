/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/PID/io counts calls and bytes; /proc/PID/schedstat, /proc/softirqs and /proc/buddyinfo have the form they have on Linux.
 * flags: -lpthread
 */
#define _GNU_SOURCE
#include "abi.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

static char text[8192];
static long before[4], own; /* rchar, wchar, syscr, syscw; bytes of the last look, which is counted as well */

static void look(int fd, const char *what)
{
    long now[4];
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

    text[n < 0 ? 0 : n] = 0;
    if (sscanf(text, "rchar: %ld\nwchar: %ld\nsyscr: %ld\nsyscw: %ld\n", now, now + 1, now + 2, now + 3) != 4) {
        printf("not understood: %s\n", text);
        exit(1);
    }
    if (what)
        printf("%s: read %ld, %ld calls; written %ld, %ld calls\n", what, now[0] - before[0] - own, now[2] - before[2] - 1,
               now[1] - before[1], now[3] - before[3]);
    memcpy(before, now, sizeof(now));
    own = n;
}

/* The names of the lines, without numbers. */
static void names(const char *path, int per_line)
{
    FILE *f = fopen(path, "r");
    char line[4000], word[100];

    while (f && fgets(line, sizeof(line), f)) {
        int at, k = 0;
        printf("%s:", path);
        for (char *p = line; k < per_line && sscanf(p, "%99s%n", word, &at) == 1; p += at, k++)
            printf(" %s", word);
        printf("\n");
    }
    if (f)
        fclose(f);
}

static int work[2];

static void *worker(void *arg)
{
    for (int i = 0; i < 5; i++)
        if (write(work[1], "abc", 3) != 3)
            exit(1);
    return arg;
}

int main(void)
{
    char buffer[100];
    struct iovec v[2] = {{buffer, 10}, {buffer + 10, 20}};
    int pipes[2], sockets[2];
    pthread_t t;

    setvbuf(stdout, malloc(1 << 16), _IOFBF, 1 << 16);
    int fd = open("/proc/self/io", O_RDONLY), own_fd = open("/proc/thread-self/io", O_RDONLY);
    SHOW(pipe(pipes));
    SHOW(pipe(work));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
    names("/proc/self/io", 1);
    look(fd, NULL);
    look(fd, "nothing");
    write(pipes[1], buffer, 100);
    look(fd, "write");
    read(pipes[0], buffer, 40);
    look(fd, "read");
    readv(pipes[0], v, 2);
    look(fd, "readv");
    writev(pipes[1], v, 2);
    look(fd, "writev");
    write(-1, buffer, 1);
    read(pipes[1], buffer, 1);
    look(fd, "bad descriptors");
    writev(-1, v, 1);
    preadv(pipes[0], v, 1, 0);
    look(fd, "bad descriptors of vectors");
    fcntl(pipes[0], F_SETFL, O_NONBLOCK);
    read(pipes[0], buffer, 100);
    read(pipes[0], buffer, 100);
    look(fd, "nothing there");
    send(sockets[0], buffer, 50, 0);
    recv(sockets[1], buffer, 20, 0);
    look(fd, "send and recv");
    read(sockets[1], buffer, 100);
    look(fd, "read of a socket");
    int zero = open("/proc/self/exe", O_RDONLY);
    sendfile(pipes[1], zero, NULL, 64);
    look(fd, "sendfile");
    pread(zero, buffer, 100, 0);
    look(fd, "pread");
    look(own_fd, NULL);
    pthread_create(&t, NULL, worker, NULL);
    pthread_join(t, NULL);
    look(own_fd, "of a thread, what another wrote");
    before[0] = before[1] = before[2] = before[3] = own = 0;
    look(fd, NULL);
    pthread_create(&t, NULL, worker, NULL);
    pthread_join(t, NULL);
    look(fd, "of a process, what a thread that ended wrote");

    long ran, waited, turns, ran2;
    FILE *f = fopen("/proc/self/schedstat", "r");
    printf("schedstat: %d fields\n", f ? fscanf(f, "%ld %ld %ld\n", &ran, &waited, &turns) : -1);
    fclose(f);
    for (volatile int i = 0; i < 10000000; i++)
        ;
    usleep(1000);
    f = fopen("/proc/thread-self/schedstat", "r");
    printf("schedstat: %d fields", fscanf(f, "%ld %ld %ld\n", &ran2, &waited, &turns));
    printf(", time %s, %s\n", ran2 > ran ? "passes" : "stands still", turns > 0 && waited >= 0 ? "turns" : "no turns");
    fclose(f);
    names("/proc/softirqs", 1);
    f = fopen("/proc/buddyinfo", "r");
    int fields = 0, node, any = 0;
    while (f && fgets(text, sizeof(text), f)) {
        char zone[20], *p = text;
        int at;
        unsigned long blocks;
        if (sscanf(p, "Node %d, zone %19s%n", &node, zone, &at) != 2)
            printf("buddyinfo: %s", text);
        p += at;
        for (fields = 0; sscanf(p, "%lu%n", &blocks, &at) == 1; p += at, fields++)
            any |= blocks > 0;
    }
    printf("buddyinfo: %d orders, %s\n", fields, any ? "free blocks" : "nothing is free");
    return 0;
}
