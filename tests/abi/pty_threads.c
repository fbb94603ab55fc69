/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/* Pseudo-terminals made, opened by name, used and closed by several threads at once. */
#include "pty.h"
#include <pthread.h>

#define ROUNDS 60

static volatile int shared = -1; /* the master of a pair that others try to open */
static volatile int finish;
static long opened;

static void *intrude(void *arg)
{
    char bytes[64];

    while (!finish) {
        char name[32];
        unsigned number;
        int fd;

        if (ioctl(shared, TIOCGPTN, &number))
            continue;
        snprintf(name, sizeof(name), "/dev/pts/%u", number);
        fd = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
            continue;
        __atomic_fetch_add(&opened, 1, __ATOMIC_RELAXED);
        write(fd, "slave\n", 6);
        poll_now(fd);
        read(fd, bytes, sizeof(bytes));
        ioctl(fd, TCFLSH, TCIOFLUSH);
        close(fd);
    }
    return arg;
}

static void *make(void *arg)
{
    struct winsize w = {.ws_row = 24};

    for (int k = 0; k < ROUNDS; k++) {
        int zero = 0, fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
        char bytes[64];

        if (fd < 0) {
            printf("open: %s\n", strerrorname_np(errno));
            break;
        }
        ioctl(fd, TIOCSPTLCK, &zero);
        shared = fd;
        long before = __atomic_load_n(&opened, __ATOMIC_RELAXED);
        for (int j = 0; j < 20; j++) {
            write(fd, "master\n\003", 8);
            read(fd, bytes, sizeof(bytes));
            w.ws_col = (unsigned short)j;
            ioctl(fd, TIOCSWINSZ, &w);
            poll_now(fd);
        }
        /* Until others have had a slave open while the pair was there. */
        for (int j = 0; j < 2000 && __atomic_load_n(&opened, __ATOMIC_RELAXED) == before; j++) {
            shared = fd;
            usleep(500);
        }
        close(fd);
    }
    return NULL;
}

#define LINE 1500

static void *write_lines(void *arg)
{
    char line[LINE];
    int fd = *(int *)arg;

    memset(line, 'a' + __atomic_fetch_add(&opened, 1, __ATOMIC_RELAXED), LINE);
    for (int k = 0; k < 100; k++)
        if (write(fd, line, LINE) != LINE)
            printf("write: %s\n", strerrorname_np(errno));
    return NULL;
}

/* What one write(2) puts out stays together. */
static void whole_writes(void)
{
    int m = open("/dev/ptmx", O_RDWR | O_NOCTTY), zero = 0, fd, torn = 0;
    long left = 3 * 100 * LINE, run = 0;
    pthread_t writers[3];
    char bytes[4096], last = 0;

    ioctl(m, TIOCSPTLCK, &zero);
    fd = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    for (int k = 0; k < 3; k++)
        pthread_create(&writers[k], NULL, write_lines, &fd);
    while (left > 0) {
        long n = read(m, bytes, sizeof(bytes));

        if (n <= 0)
            break;
        for (long k = 0; k < n; k++, run++)
            if (bytes[k] != last) {
                torn += run % LINE != 0;
                last = bytes[k];
                run = 0;
            }
        left -= n;
    }
    for (int k = 0; k < 3; k++)
        pthread_join(writers[k], NULL);
    printf("left %ld, torn %d\n", left, torn);
    close(fd), close(m);
}

int main(void)
{
    pthread_t makers[2], intruders[2];

    setsid();
    for (int k = 0; k < 2; k++) {
        pthread_create(&makers[k], NULL, make, NULL);
        pthread_create(&intruders[k], NULL, intrude, NULL);
    }
    for (int k = 0; k < 2; k++)
        pthread_join(makers[k], NULL);
    finish = 1;
    for (int k = 0; k < 2; k++)
        pthread_join(intruders[k], NULL);
    printf("opened in each round: %d\n", opened >= ROUNDS);
    opened = 0;
    whole_writes();
    return 0;
}
