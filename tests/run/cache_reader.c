/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache_reader FILE THREADS [-w]: threads read FILE, whose byte at n is n / 4096 * 7 + n, at random places, by read and by mmap, and say
 * where it is wrong. With -w each also changes bytes of a page column of its own, by write and through a shared mapping, and syncs
 * now and then; at the end all of them are looked at.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUNDS 400

static const char *path;
static size_t size;
static int writing;

static unsigned char content(size_t at)
{
    return (unsigned char)(at / 4096 * 7 + at);
}

static void fail(const char *what, size_t at)
{
    printf("%s is wrong at %zu\n", what, at);
    exit(1);
}

/* The byte of each page that thread n writes. */
static size_t column(size_t page, int n)
{
    return page * 4096 + 100 + (size_t)n * 8;
}

static int is_column(size_t at)
{
    return writing && at % 4096 >= 100 && at % 4096 < 300 && (at % 4096 - 100) % 8 == 0;
}

static void *work(void *arg)
{
    int n = (int)(long)arg, fd = open(path, writing ? O_RDWR : O_RDONLY);
    unsigned long seed = (unsigned long)n * 7919 + 1;
    static __thread unsigned char buf[65536];
    int protection = writing ? PROT_READ | PROT_WRITE : PROT_READ;
    unsigned char *p = mmap(NULL, size, protection, MAP_SHARED, fd, 0);
    size_t pages = size / 4096;

    if (fd < 0 || p == MAP_FAILED) {
        perror("open, mmap");
        exit(1);
    }
    for (int i = 0; i < ROUNDS; i++) {
        seed = seed * 6364136223846793005ul + 1442695040888963407ul;
        size_t at = (seed >> 20) % (size - 1), page = at / 4096;
        if (i % 2) {
            if (p[at] != content(at) && !is_column(at))
                fail("mmap", at);
        } else {
            ssize_t got = pread(fd, buf, sizeof(buf), (off_t)at);
            if (got <= 0)
                fail("pread's result", at);
            for (ssize_t k = 0; k < got; k += 61)
                if (buf[k] != content(at + (size_t)k) && !is_column(at + (size_t)k))
                    fail("pread", at + (size_t)k);
        }
        if (!writing || page >= pages)
            continue;
        unsigned char value = (unsigned char)(content(column(page, n)) + 1);
        if (i % 4 == 1)
            p[column(page, n)] = value;
        else if (pwrite(fd, &value, 1, (off_t)column(page, n)) != 1)
            fail("pwrite's result", at);
        unsigned char seen = p[column(page, n)];
        if (pread(fd, buf, 1, (off_t)column(page, n)) != 1)
            fail("pread's result", column(page, n));
        if (seen != value || buf[0] != value) {
            printf("round %d: %u was %s, mmap has %u, pread %u\n", i, value, i % 4 == 1 ? "stored" : "written", seen, buf[0]);
            fail("a changed byte", column(page, n));
        }
        if (i % 97 == 0 && (i & 1 ? msync(p, size, MS_SYNC) : fsync(fd)))
            perror("sync");
    }
    munmap(p, size);
    close(fd);
    return NULL;
}

/* What a page column holds, on disk or in memory: its old or its new value. */
static unsigned long count_written(int threads)
{
    int fd = open(path, O_RDONLY);
    unsigned long written = 0;
    unsigned char buf[4096];

    for (size_t page = 0; page < size / 4096; page++) {
        if (pread(fd, buf, sizeof(buf), (off_t)(page * 4096)) != sizeof(buf))
            fail("pread's result", page * 4096);
        for (int n = 1; n <= threads; n++) {
            unsigned char old = content(column(page, n)), now = buf[column(page, n) % 4096];
            if (now != old && now != (unsigned char)(old + 1))
                fail("a column", column(page, n));
            written += now != old;
        }
    }
    close(fd);
    return written;
}

int main(int argc, char **argv)
{
    pthread_t threads[16];
    struct stat st;
    int n = atoi(argv[2]);

    path = argv[1];
    writing = argc > 3;
    if (stat(path, &st)) {
        perror("stat");
        return 1;
    }
    size = (size_t)st.st_size;
    for (int i = 1; i <= n; i++)
        pthread_create(&threads[i], NULL, work, (void *)(long)i);
    for (int i = 1; i <= n; i++)
        pthread_join(threads[i], NULL);
    printf("done, %lu written\n", count_written(n));
    return 0;
}
