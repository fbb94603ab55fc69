/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpus: 4
 * Threads start and end, map and unmap, open and close, while others read what /proc says about just that: no line is torn,
 * addresses ascend, and what was there all the time is never missing.
 */
#include "file_check.h"
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>

#define ROUNDS 60

static atomic_int stop, torn, missing, starts;
static char *lasting;
static int lasting_fd;

static void bad(atomic_int *what, const char *line)
{
    if (!atomic_fetch_add(what, 1))
        fprintf(stderr, "%.200s\n", line);
}

static long slurp(const char *path, char *to, size_t room)
{
    int fd = open(path, O_RDONLY);
    long n = 0, got;

    if (fd < 0)
        return -1;
    while ((got = read(fd, to + n, room - 1 - (size_t)n)) > 0)
        n += got;
    to[n] = 0;
    close(fd);
    return got < 0 ? -1 : n;
}

/* All lines of maps or smaps: regions ascend, keys have values. */
static void check_maps(char *text, bool details)
{
    unsigned long last = 0, start, end, offset, inode;
    unsigned major, minor;
    char permissions[5];
    bool found = false;

    for (char *line = text, *next; *line; line = next) {
        next = strchr(line, '\n');
        if (!next) {
            bad(&torn, line);
            return;
        }
        *next++ = 0;
        if (sscanf(line, "%lx-%lx %4s %lx %x:%x %lu", &start, &end, permissions, &offset, &major, &minor, &inode) == 7) {
            if (end <= start || end <= last) /* on Linux a region that was merged with one shown before comes whole */
                bad(&torn, line);
            last = end;
            found |= start <= (unsigned long)lasting && end >= (unsigned long)lasting + 4096;
        } else if (!details || !strchr(line, ':')) {
            bad(&torn, line);
        }
    }
    if (!found)
        bad(&missing, "maps");
}

static void *read_maps(void *arg)
{
    size_t room = 4 << 20;
    char *text = malloc(room);

    for (int k = 0; k < ROUNDS; k++)
        if (slurp(arg, text, room) <= 0)
            bad(&missing, arg);
        else
            check_maps(text, strstr(arg, "smaps") != NULL);
    free(text);
    return NULL;
}

/* The main thread and this one are in task/ each time; the others come and go while they are looked at. */
static void *read_tasks(void *arg)
{
    char path[300], text[4096];
    int self = gettid();

    (void)arg;
    for (int k = 0; k < ROUNDS; k++) {
        DIR *d = opendir("/proc/self/task");
        struct dirent *e;
        int found = 0, last = 0;

        while ((e = readdir(d))) {
            int tid = atoi(e->d_name);

            if (!tid)
                continue;
            if (tid == last) /* numbers start anew, so they need not ascend */
                bad(&torn, e->d_name);
            last = tid;
            found += tid == self || tid == getpid();
            snprintf(path, sizeof(path), "/proc/self/task/%d/%s", tid, k % 2 ? "stat" : "status");
            long n = slurp(path, text, sizeof(text));
            if (n < 0 && errno != ENOENT && errno != ESRCH)
                bad(&torn, strerror(errno));
            if (n == 0 || (n > 0 && text[n - 1] != '\n'))
                bad(&torn, text);
            if (n > 0 && k % 2 && atoi(text) != tid)
                bad(&torn, text);
        }
        closedir(d);
        if (found != 2)
            bad(&missing, "task");
    }
    return NULL;
}

static void *read_descriptors(void *arg)
{
    char path[300], target[300];

    (void)arg;
    for (int k = 0; k < ROUNDS; k++) {
        DIR *d = opendir(k % 2 ? "/proc/self/fd" : "/proc/self/fdinfo");
        struct dirent *e;
        bool found = false;
        int last = -1;

        while ((e = readdir(d))) {
            int fd = atoi(e->d_name);

            if (e->d_name[0] == '.')
                continue;
            if (fd <= last)
                bad(&torn, e->d_name);
            last = fd;
            found |= fd == lasting_fd;
            snprintf(path, sizeof(path), "/proc/self/%s/%d", k % 2 ? "fd" : "fdinfo", fd);
            long n = k % 2 ? readlink(path, target, sizeof(target)) : slurp(path, target, sizeof(target));
            if (n <= 0 && errno != ENOENT)
                bad(&torn, strerror(errno));
            if (n > 0 && !(k % 2) && strncmp(target, "pos:\t", 5))
                bad(&torn, target);
        }
        closedir(d);
        if (!found)
            bad(&missing, "fd");
    }
    return NULL;
}

/* Threads read one open file from its start at the same time: each gets all of it. */
static void *read_together(void *arg)
{
    char first[4096], *pages = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *text = pages + 4000;
    long all = pread(*(int *)arg, first, sizeof(first), 0);

    for (int k = 0; k < 2 * ROUNDS; k++) {
        madvise(pages, 2 * 4096, MADV_DONTNEED); /* a fault on the way makes the copying last */
        if (pread(*(int *)arg, text, 4096, 0) != all || memcmp(text, first, (size_t)all))
            bad(&torn, "limits");
    }
    return NULL;
}

static void *map(void *arg)
{
    (void)arg;
    while (!stop) {
        char *m = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        m[0] = 1;
        mprotect(m + 4096, 4096, PROT_READ);
        m[9 * 4096] = 1;
        munmap(m + 8 * 4096, 4096);
        munmap(m, 16 * 4096);
    }
    return NULL;
}

static void *open_and_close(void *arg)
{
    (void)arg;
    while (!stop) {
        int p[2], fd = open("/dev/null", O_RDONLY);

        if (pipe(p) == 0)
            close(p[0]), close(p[1]);
        close(fd);
    }
    return NULL;
}

static void *nothing(void *arg)
{
    return arg;
}

static void *start(void *arg)
{
    (void)arg;
    while (!stop) {
        pthread_t t[3];

        for (int k = 0; k < 3; k++)
            if (pthread_create(&t[k], NULL, nothing, NULL))
                abort();
        for (int k = 0; k < 3; k++)
            pthread_join(t[k], NULL);
        starts++;
    }
    return NULL;
}

int main(void)
{
    pthread_t readers[7], makers[4];
    int together = open("/proc/self/limits", O_RDONLY);
    void *(*const make[4])(void *) = {map, map, open_and_close, start};

    lasting = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    lasting_fd = open("/dev/zero", O_RDONLY);
    for (int k = 0; k < 4; k++)
        pthread_create(&makers[k], NULL, make[k], NULL);
    pthread_create(&readers[0], NULL, read_maps, "/proc/self/maps");
    pthread_create(&readers[1], NULL, read_maps, "/proc/self/smaps");
    pthread_create(&readers[2], NULL, read_tasks, NULL);
    pthread_create(&readers[3], NULL, read_descriptors, NULL);
    pthread_create(&readers[4], NULL, read_maps, "/proc/thread-self/maps");
    pthread_create(&readers[5], NULL, read_together, &together);
    pthread_create(&readers[6], NULL, read_together, &together);
    for (int k = 0; k < 7; k++)
        pthread_join(readers[k], NULL);
    stop = 1;
    for (int k = 0; k < 4; k++)
        pthread_join(makers[k], NULL);
    printf("torn %d, missing %d, threads were started %d\n", torn, missing, starts > 0);
    return 0;
}
