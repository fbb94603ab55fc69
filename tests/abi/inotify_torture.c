/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inotify(7) while everything happens at once: threads make, rename, remove and watch files of the same few names and close
 * instances, others read what is told. Each event must be well formed, and of a watch that has ended nothing more may come.
 * cpus: 4
 */
#include "inotify.h"
#include <poll.h>
#include <pthread.h>

#define ROUNDS  400
#define NAMES   6
#define WORKERS 4
#define WATCHES (1 << 16)

static int shared;
static unsigned char ended[WATCHES];
static volatile int done;
static long bad, total;

static void name_of(char *name, unsigned n)
{
    sprintf(name, n & 1 ? "d/%u" : "e/%u", n / 2 % NAMES);
}

static void *work(void *arg)
{
    unsigned seed = (unsigned)(long)arg;
    char a[32], b[32];

    for (int k = 0; k < ROUNDS; k++) {
        int own, fd;

        name_of(a, (unsigned)rand_r(&seed));
        name_of(b, (unsigned)rand_r(&seed));
        switch (rand_r(&seed) % 8) {
        case 0:
        case 1:
            fd = open(a, O_CREAT | O_RDWR, 0644);
            if (fd >= 0) {
                if (write(fd, "x", 1) < 0)
                    bad++;
                close(fd);
            }
            break;
        case 2:
            rename(a, b);
            break;
        case 3:
            unlink(a), rmdir(a);
            break;
        case 4:
            inotify_add_watch(shared, a, IN_ALL_EVENTS | (k & 1 ? IN_ONESHOT : 0));
            break;
        case 5:
            inotify_rm_watch(shared, rand_r(&seed) % 200 + 3);
            break;
        case 6:
            own = inotify_init1(IN_NONBLOCK);
            inotify_add_watch(own, a, IN_ALL_EVENTS);
            inotify_add_watch(own, "d", IN_ALL_EVENTS);
            link(b, a);
            close(own);
            break;
        case 7:
            mkdir(a, 0755);
            renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
            break;
        }
    }
    return NULL;
}

static void check(const struct inotify_event *e)
{
    total++;
    if (e->mask & IN_Q_OVERFLOW) {
        if (e->wd != -1)
            bad++;
        return;
    }
    if (e->wd < 1 || e->wd >= WATCHES || ended[e->wd] || e->len % 16)
        bad++;
    if (e->len && (!e->name[0] || e->name[e->len - 1] || strlen(e->name) >= e->len))
        bad++;
    if (!(e->mask & (IN_MOVED_FROM | IN_MOVED_TO)) != !e->cookie)
        bad++;
    if (e->mask & IN_IGNORED && e->wd > 0 && e->wd < WATCHES)
        ended[e->wd] = 1;
}

static void *listen_(void *arg)
{
    static char buffer[1 << 14] __attribute__((aligned(8)));
    struct pollfd p = {.fd = shared, .events = POLLIN};

    for (;;) {
        ssize_t n = read(shared, buffer, sizeof(buffer));

        if (n < 0 && errno == EAGAIN) {
            if (done)
                return NULL;
            poll(&p, 1, 10);
            continue;
        }
        for (char *at = buffer; at < buffer + n; at += sizeof(struct inotify_event) + ((struct inotify_event *)at)->len)
            check((struct inotify_event *)at);
    }
}

int main(void)
{
    pthread_t workers[WORKERS], listener;
    char name[32];

    enter_scratch();
    mkdir("d", 0755), mkdir("e", 0755);
    shared = inotify_init1(IN_NONBLOCK);
    SHOW(inotify_add_watch(shared, "d", IN_ALL_EVENTS));
    SHOW(inotify_add_watch(shared, "e", IN_ALL_EVENTS));
    pthread_create(&listener, NULL, listen_, NULL);
    for (long k = 0; k < WORKERS; k++)
        pthread_create(&workers[k], NULL, work, (void *)(k + 1));
    for (int k = 0; k < WORKERS; k++)
        pthread_join(workers[k], NULL);
    done = 1;
    pthread_join(listener, NULL);
    printf("events came: %d, bad ones: %ld\n", total > 100, bad);
    for (unsigned k = 0; k < 2 * NAMES; k++) {
        name_of(name, k);
        unlink(name), rmdir(name);
    }
    rmdir("d"), rmdir("e");
    close(shared);
    leave_scratch();
    return 0;
}
