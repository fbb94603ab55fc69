/* SPDX-License-Identifier: BSD-2-Clause */
/* POSIX shared memory and named semaphores, which the library builds on /dev/shm. */
#include "abi.h"
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/stat.h>

static char name[64];
static sem_t *shared;

static void memory(void)
{
    struct stat st;
    snprintf(name, sizeof(name), "/aril-test-%d", getpid());
    SHOW(shm_open(name, O_RDWR, 0));
    int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0640);
    SHOW(shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0640));
    SHOW(ftruncate(fd, 10000));
    SHOW(fstat(fd, &st));
    printf("mode %o size %ld links %d\n", st.st_mode, (long)st.st_size, (int)st.st_nlink);
    SHOW(fcntl(fd, F_GETFD));
    int again = shm_open(name, O_RDONLY, 0);
    char *a = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *b = mmap(NULL, 10000, PROT_READ, MAP_SHARED, again, 0);
    CALL("mmap for writing of a read-only descriptor", mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0) == MAP_FAILED ? -1 : 0);
    strcpy(a + 5000, "seen");
    printf("%s\n", b + 5000);
    SHOW(shm_unlink(name));
    SHOW(shm_unlink(name));
    SHOW(shm_open(name, O_RDWR, 0));
    strcpy(a + 5000, "still seen");
    printf("%s\n", b + 5000);
    SHOW(shm_open("/a/b", O_CREAT | O_RDWR, 0600));
    SHOW(shm_open("/", O_CREAT | O_RDWR, 0600));
    close(fd);
    close(again);
}

static void *poster(void *arg)
{
    sleep_ms(20);
    for (int i = 0; i < 3; i++)
        sem_post(shared);
    return NULL;
}

static void semaphores(void)
{
    pthread_t t;
    int value;
    struct timespec past = {1, 0};
    SHOW(sem_open(name, 0) == SEM_FAILED ? -1 : 0);
    shared = sem_open(name, O_CREAT | O_EXCL, 0600, 2);
    SHOW(sem_open(name, 0) == shared);
    CALL("sem_open, exclusive", sem_open(name, O_CREAT | O_EXCL, 0600, 2) == SEM_FAILED ? -1 : 0);
    SHOW(sem_trywait(shared));
    SHOW(sem_wait(shared));
    SHOW(sem_trywait(shared));
    SHOW(sem_timedwait(shared, &past));
    SHOW(sem_getvalue(shared, &value));
    SHOW(value);
    pthread_create(&t, NULL, poster, NULL);
    for (int i = 0; i < 3; i++)
        SHOW(sem_wait(shared));
    pthread_join(t, NULL);
    SHOW(sem_close(shared));
    SHOW(sem_close(shared));
    SHOW(sem_unlink(name));
    SHOW(sem_unlink(name));
}

int main(void)
{
    memory();
    semaphores();
    return 0;
}
