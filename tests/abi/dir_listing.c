/* SPDX-License-Identifier: BSD-2-Clause */
/* Directories: listing with seek, changes while listing, many names, errors. */
#include "file_check.h"
#include <dirent.h>

struct entry64 {
    uint64_t ino;
    int64_t off;
    unsigned short length;
    unsigned char type;
    char name[];
};

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void show_sorted(DIR *d)
{
    char *names[64];
    int n = 0;
    struct dirent *e;

    while ((e = readdir(d)) && n < 64) {
        char text[300];
        snprintf(text, sizeof(text), "%s/%d", e->d_name, e->d_type);
        names[n++] = strdup(text);
    }
    qsort(names, (size_t)n, sizeof(*names), compare);
    for (int k = 0; k < n; k++)
        printf(" %s", names[k]);
    printf("\n");
}

static void small(void)
{
    DIR *d;
    long where;
    char first[300];
    struct dirent *e;

    make_file("file", "");
    mkdir("dir", 0755);
    if (symlink("x", "link") || mkfifo("fifo", 0600))
        perror("make");
    d = opendir(".");
    show_sorted(d);
    rewinddir(d);
    readdir(d);
    readdir(d);
    where = telldir(d);
    e = readdir(d);
    snprintf(first, sizeof(first), "%s", e ? e->d_name : "none");
    readdir(d);
    seekdir(d, where);
    e = readdir(d);
    printf("seek comes back: %d\n", e && !strcmp(first, e->d_name));
    closedir(d);
    unlink("file"), rmdir("dir"), unlink("link"), unlink("fifo");
}

/* Every name appears once, though others are removed and made meanwhile. */
static void many(void)
{
    static char seen[3000];
    int fd, n = 0, twice = 0, missing = 0;
    char name[20], buf[1000];
    long got;

    for (int k = 0; k < 3000; k++) {
        snprintf(name, sizeof(name), "n%d", k);
        make_file(name, "");
    }
    fd = open(".", O_RDONLY | O_DIRECTORY);
    while ((got = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
        for (long at = 0; at < got;) {
            struct entry64 *e = (void *)(buf + at);
            int k = e->name[0] == 'n' ? atoi(e->name + 1) : -1;

            if (k >= 0 && k < 3000) {
                twice += seen[k];
                seen[k] = 1;
                n++;
            }
            at += e->length;
        }
        /* Removing what was seen must not disturb the rest. */
        if (n > 100 && n < 200)
            for (int k = 0; k < 3000; k += 1)
                if (seen[k] == 1 && k % 2) {
                    snprintf(name, sizeof(name), "n%d", k);
                    unlink(name);
                }
    }
    for (int k = 0; k < 3000; k++)
        missing += !seen[k];
    printf("many: end %ld, twice %d, missing %d\n", got, twice, missing);
    close(fd);
    for (int k = 0; k < 3000; k++) {
        snprintf(name, sizeof(name), "n%d", k);
        unlink(name);
    }
}

static void errors(void)
{
    char buf[200];
    int d, f, p;

    make_file("f", "");
    mkdir("gone", 0755);
    d = open("gone", O_RDONLY);
    f = open("f", O_RDONLY);
    p = open(".", O_PATH);
    SHOW(syscall(SYS_getdents64, d, buf, 10));
    SHOW(syscall(SYS_getdents64, d, BAD_PTR, 100));
    SHOW(syscall(SYS_getdents64, f, buf, 100));
    SHOW(syscall(SYS_getdents64, p, buf, 100));
    SHOW(syscall(SYS_getdents64, -1, buf, 100));
    SHOW(syscall(SYS_getdents64, d, buf, 30));
    SHOW(syscall(SYS_getdents64, d, buf, 200));
    SHOW(syscall(SYS_getdents64, d, buf, 200));
    SHOW(lseek(d, 0, SEEK_SET));
    SHOW(lseek(d, 0, SEEK_END));
    SHOW(lseek(d, -1, SEEK_SET));
    SHOW(syscall(SYS_getdents, d, buf, 200));
    SHOW(rmdir("gone"));
    SHOW(lseek(d, 0, SEEK_SET));
    SHOW(syscall(SYS_getdents64, d, buf, 200));
    close(d), close(f), close(p);
    unlink("f");
}

int main(void)
{
    enter_scratch();
    small();
    many();
    errors();
    leave_scratch();
    return 0;
}
