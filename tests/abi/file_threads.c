/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/* Many threads at one tree: what each finds may differ from run to run, what must hold at the end
 * may not. */
#include "file_check.h"
#include <dirent.h>
#include <pthread.h>

#define THREADS 4
#define ROUNDS 300

static long failures;

static void expect(int ok)
{
    if (!ok)
        __atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
}

static void run(const char *what, void *(*fn)(void *))
{
    pthread_t t[THREADS];

    failures = 0;
    for (long k = 0; k < THREADS; k++)
        pthread_create(&t[k], NULL, fn, (void *)k);
    for (int k = 0; k < THREADS; k++)
        pthread_join(t[k], NULL);
    printf("%s: failures %ld\n", what, failures);
}

/* Appends are whole: each record lands once and in one piece. */
static void *append(void *arg)
{
    int fd = open("log", O_CREAT | O_WRONLY | O_APPEND, 0600);
    char record[64];

    memset(record, 'a' + (char)(long)arg, sizeof(record));
    for (int k = 0; k < ROUNDS; k++)
        expect(write(fd, record, sizeof(record)) == sizeof(record));
    close(fd);
    return NULL;
}

static void check_log(void)
{
    char record[64];
    int fd = open("log", O_RDONLY), n = 0, torn = 0;

    while (read(fd, record, sizeof(record)) == sizeof(record)) {
        n++;
        for (size_t k = 1; k < sizeof(record); k++)
            if (record[k] != record[0]) {
                torn++;
                break;
            }
    }
    printf("records %d, torn %d\n", n, torn);
    close(fd);
    unlink("log");
}

/* One name is made by exactly one thread each round. */
static int made[ROUNDS];

static void *exclusive(void *arg)
{
    char name[20];

    (void)arg;
    for (int k = 0; k < ROUNDS; k++) {
        snprintf(name, sizeof(name), "x%d", k);
        int fd = open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
        if (fd >= 0)
            __atomic_add_fetch(&made[k], 1, __ATOMIC_RELAXED);
        else
            expect(errno == EEXIST);
        close(fd);
    }
    return NULL;
}

static int removed[ROUNDS];

static void *remove_all(void *arg)
{
    char name[20];

    (void)arg;
    for (int k = 0; k < ROUNDS; k++) {
        snprintf(name, sizeof(name), "x%d", k);
        if (unlink(name) == 0)
            __atomic_add_fetch(&removed[k], 1, __ATOMIC_RELAXED);
        else
            expect(errno == ENOENT);
    }
    return NULL;
}

/* Renames, exchanges, links and directories among a few names; only the expected errnos. */
static void *tangle(void *arg)
{
    unsigned seed = (unsigned)(long)arg + 1;
    char a[20], b[20];
    struct stat st;

    for (int k = 0; k < ROUNDS * 4; k++) {
        snprintf(a, sizeof(a), "t%d/n%d", rand_r(&seed) % 3, rand_r(&seed) % 5);
        snprintf(b, sizeof(b), "t%d/n%d", rand_r(&seed) % 3, rand_r(&seed) % 5);
        int r = 0, fd;
        switch (rand_r(&seed) % 9) {
        case 0:
            fd = open(a, O_CREAT | O_RDWR, 0600);
            if (fd < 0) {
                r = -1;
                break;
            }
            expect(write(fd, "x", 1) == 1);
            close(fd);
            break;
        case 1:
            r = unlink(a);
            break;
        case 2:
            r = rename(a, b);
            break;
        case 3:
            r = renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
            break;
        case 4:
            r = link(a, b);
            break;
        case 5:
            r = mkdir(a, 0700);
            break;
        case 6:
            r = rmdir(a);
            break;
        case 7:
            r = stat(a, &st);
            expect(r || st.st_nlink < 20);
            break;
        case 8: {
            DIR *d = opendir(a[1] == '0' ? "t0" : "t1");
            while (d && readdir(d))
                ;
            if (d)
                closedir(d);
        }
        }
        if (r)
            expect(errno == ENOENT || errno == EEXIST || errno == EISDIR || errno == ENOTDIR ||
                   errno == ENOTEMPTY || errno == EPERM || errno == EINVAL);
    }
    return NULL;
}

/* Directories go into each other from two sides at once: no loop, nothing lost. */
static void *nest(void *arg)
{
    for (int k = 0; k < ROUNDS; k++) {
        if ((long)arg % 2 == 0) {
            if (rename("p", "q/p") && errno != ENOENT && errno != EINVAL)
                expect(0);
            rename("q/p", "p");
        } else {
            if (rename("q", "p/q") && errno != ENOENT && errno != EINVAL)
                expect(0);
            rename("p/q", "q");
        }
    }
    return NULL;
}

/* Links of every file agree with the names that are found. */
static void check_tree(void)
{
    struct {
        ino_t ino;
        long links, names;
    } seen[64];
    int n = 0, wrong = 0;
    char path[40];
    struct stat st;

    for (int d = 0; d < 3; d++)
        for (int k = 0; k < 5; k++) {
            snprintf(path, sizeof(path), "t%d/n%d", d, k);
            if (lstat(path, &st) || S_ISDIR(st.st_mode))
                continue;
            int at = 0;
            while (at < n && seen[at].ino != st.st_ino)
                at++;
            if (at == n) {
                seen[n].ino = st.st_ino;
                seen[n].links = (long)st.st_nlink;
                seen[n++].names = 0;
            }
            seen[at].names++;
        }
    for (int k = 0; k < n; k++)
        wrong += seen[k].links != seen[k].names;
    for (int d = 0; d < 3; d++) {
        int subdirs = 0;
        for (int k = 0; k < 5; k++) {
            snprintf(path, sizeof(path), "t%d/n%d", d, k);
            if (!lstat(path, &st) && S_ISDIR(st.st_mode))
                subdirs++;
        }
        snprintf(path, sizeof(path), "t%d", d);
        stat(path, &st);
        wrong += (int)st.st_nlink != 2 + subdirs;
    }
    printf("tree: wrong link counts %d\n", wrong);
}

/* Depth first, as what is in t0..t2 differs from run to run. */
static void clean(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    char path[PATH_MAX];

    while (d && (e = readdir(d))) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        if (unlink(path))
            clean(path);
    }
    if (d)
        closedir(d);
    expect(rmdir(dir) == 0);
}

/* Writers and readers of pipes: every byte arrives once. */
static int p[2];
static long sent, received;

static void *pump(void *arg)
{
    char block[1000];
    long n, total = 0;

    memset(block, 1, sizeof(block));
    if ((long)arg % 2) {
        for (int k = 0; k < ROUNDS; k++)
            total += write(p[1], block, (size_t)(k * 37 % 1000 + 1));
        __atomic_add_fetch(&sent, total, __ATOMIC_RELAXED);
    } else {
        while ((n = read(p[0], block, sizeof(block))) > 0) {
            for (long k = 0; k < n; k++)
                total += block[k];
        }
        __atomic_add_fetch(&received, total, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void pipes(void)
{
    pthread_t t[THREADS];

    if (pipe(p))
        return;
    for (long k = 0; k < THREADS; k++)
        pthread_create(&t[k], NULL, pump, (void *)k);
    pthread_join(t[1], NULL);
    pthread_join(t[3], NULL);
    close(p[1]);
    pthread_join(t[0], NULL);
    pthread_join(t[2], NULL);
    close(p[0]);
    printf("pipe: all there %d\n", sent == received);
}

int main(void)
{
    int once = 1;

    enter_scratch();
    run("append", append);
    check_log();
    run("exclusive", exclusive);
    run("remove", remove_all);
    for (int k = 0; k < ROUNDS; k++)
        once &= made[k] == 1 && removed[k] == 1;
    printf("each made and removed once: %d\n", once);
    mkdir("t0", 0700), mkdir("t1", 0700), mkdir("t2", 0700);
    run("tangle", tangle);
    check_tree();
    clean("t0"), clean("t1"), clean("t2");
    mkdir("p", 0700), mkdir("q", 0700);
    run("nest", nest);
    failures = 0;
    if (!access("p", F_OK))
        clean("p");
    if (!access("q", F_OK))
        clean("q");
    printf("clean: failures %ld\n", failures);
    pipes();
    leave_scratch();
    return 0;
}
