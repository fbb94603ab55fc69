/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/* Descriptors that are looked up while they are closed, and while opens beside them fail half-way and let their file go. */
#include "abi.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

static volatile int stop;

static void *open_and_fail(void *arg)
{
    long wrong = 0;
    (void)arg;
    while (!stop) {
        int fd = open("fifo", O_RDWR);
        wrong += fd < 0;
        close(fd);
        wrong += open("lonely", O_WRONLY | O_NONBLOCK) != -1 || errno != ENXIO;
    }
    return (void *)wrong;
}

static void *look(void *arg)
{
    struct stat st;
    (void)arg;
    while (!stop)
        for (int fd = 3; fd < 7; fd++)
            fstat(fd, &st);
    return NULL;
}

int main(void)
{
    pthread_t t[4];
    void *wrong;
    SHOW(mkfifo("fifo", 0600));
    SHOW(mkfifo("lonely", 0600));
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, i < 2 ? open_and_fail : look, NULL);
    sleep_ms(1500);
    stop = 1;
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], &wrong);
        printf("wrong: %ld\n", (long)wrong);
    }
    return 0;
}
