/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * More names than a small VM remembers: files of an overlay are looked up, changed and missed at random by several
 * threads, and each must be what it was, with its number, as often as it is forgotten and found again. Then everything
 * must have been given back.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES 15000
#define DIRS 50
#define THREADS 3
#define LOOKS 15000
#define ROUNDS 4

static uint64_t number[FILES];
static long failures;
static int changing; /* files are written to, and copied up by that */

static void file_name(char *path, const char *top, int k)
{
    sprintf(path, "%s/dir%d/file%d", top, k % DIRS, k);
}

static void fail(const char *what, const char *path)
{
    if (__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED) < 10)
        printf("%s: %s\n", what, path);
}

static void *look(void *arg)
{
    uint64_t state = (uint64_t)arg * 7919 + 1;
    struct stat st;
    char path[100];

    for (int n = 0; n < LOOKS; n++) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        int k = (int)(state >> 33) % FILES, fd;

        file_name(path, "m", k);
        switch (state >> 60) {
        case 0:
            fd = open(path, changing ? O_RDWR : O_RDONLY);
            if (fd < 0 || (changing && write(fd, "x", 1) != 1))
                fail("not to be opened or written", path);
            close(fd);
            break;
        case 1:
        case 2:
            strcat(path, "-not");
            if (!stat(path, &st))
                fail("exists", path);
            break;
        default:
            if (stat(path, &st) || st.st_ino != number[k])
                fail("not what it was", path);
        }
    }
    return NULL;
}

static long free_kilobytes(void)
{
    char text[400] = "";
    int fd = open("/proc/meminfo", O_RDONLY);
    char *at;

    if (read(fd, text, sizeof(text) - 1) < 0)
        return 0;
    close(fd);
    at = strstr(text, "MemFree:");
    return at ? atol(at + 8) : 0;
}

static void round_of(int round)
{
    pthread_t t[THREADS];
    struct stat st;
    char path[100];

    if (mount("o", "m", "overlay", 0, "lowerdir=low,upperdir=up,workdir=work"))
        fail("mount", "m");
    for (int k = 0; k < FILES; k++) {
        file_name(path, "m", k);
        if (stat(path, &st) || (round && st.st_ino != number[k]))
            fail("not what it was", path);
        number[k] = st.st_ino;
    }
    for (long k = 0; k < THREADS; k++)
        pthread_create(&t[k], NULL, look, (void *)k);
    for (int k = 0; k < THREADS; k++)
        pthread_join(t[k], NULL);
    if (umount2("m", 0))
        fail("umount", "m");
}

int main(void)
{
    long first = 0, last;
    char path[100];

    mkdir("/scratch", 0755);
    if (mount("layers", "/scratch", "tmpfs", 0, "size=60m,nr_inodes=40000") || chdir("/scratch"))
        return 2;
    mkdir("low", 0755), mkdir("up", 0755), mkdir("work", 0755), mkdir("m", 0755);
    for (int k = 0; k < DIRS; k++) {
        sprintf(path, "low/dir%d", k);
        mkdir(path, 0755);
    }
    for (int k = 0; k < FILES; k++) {
        file_name(path, "low", k);
        close(open(path, O_CREAT | O_WRONLY, 0644));
    }
    for (int round = 0; round < ROUNDS; round++) {
        changing = round == 0;
        round_of(round);
        last = free_kilobytes();
        if (round == 1)
            first = last;
    }
    printf("%ld failures, %s\n", failures, first - last < 500 ? "memory given back" : "memory lost");
    if (first - last >= 500)
        printf("%ld KiB\n", first - last);
    return failures != 0;
}
