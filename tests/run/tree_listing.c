/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree_listing [-m IMAGE] DIRECTORY: everything about each file below DIRECTORY that a file system has to keep, a line each, sorted: type
 * and mode, size, links, owner, device, time, target, checksums of the content by read, pread and mmap, attributes. With -m it
 * mounts IMAGE there first. It ends with the number of files. tree_listing -a FILE gives FILE some attributes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static unsigned files;

static unsigned checksum(unsigned sum, const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum = (sum ^ p[i]) * 16777619u;
    return sum;
}

/* In order, by reads of odd sizes. */
static unsigned by_read(int fd)
{
    static unsigned char buf[100000];
    static const size_t sizes[] = {1, 4096, 511, 70000, 100000, 12345};
    unsigned sum = 0, i = 0;
    ssize_t n;
    while ((n = read(fd, buf, sizes[i++ % 6])) > 0)
        sum = checksum(sum, buf, (size_t)n);
    return n < 0 ? (unsigned)-errno : sum;
}

/* Out of order: pieces from both ends towards the middle. */
static unsigned by_pread(int fd, off_t size)
{
    static unsigned char buf[30000];
    unsigned sum = 0;
    for (off_t low = 0, high = size; low < high;) {
        off_t n = high - low < (off_t)sizeof(buf) ? high - low : (off_t)sizeof(buf);
        if (pread(fd, buf, (size_t)n, high - n) != n)
            return (unsigned)-errno;
        sum = checksum(sum, buf, (size_t)n);
        high -= n;
        n = high - low < 5000 ? high - low : 5000;
        if (n && pread(fd, buf, (size_t)n, low) != n)
            return (unsigned)-errno;
        sum = checksum(sum, buf, (size_t)n);
        low += n;
    }
    return sum;
}

static sigjmp_buf bus;

static void bus_error(int signo)
{
    siglongjmp(bus, 1);
}

/* With what is between the end and the page's end, which is zero. What cannot be read is a signal. */
static unsigned by_mmap(int fd, off_t size)
{
    size_t length = ((size_t)size + 4095) & ~4095ul;
    unsigned char *p = size ? mmap(NULL, length, PROT_READ, size & 1 ? MAP_SHARED : MAP_PRIVATE, fd, 0) : NULL;
    volatile unsigned sum = (unsigned)-EFAULT;
    if (p == MAP_FAILED)
        return (unsigned)-errno;
    signal(SIGBUS, bus_error);
    if (!sigsetjmp(bus, 1))
        sum = checksum(0, p, length);
    if (p)
        munmap(p, length);
    return sum;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void show_xattrs(const char *path)
{
    char list[20000], value[70000], *names[1000];
    unsigned n = 0;
    ssize_t length = llistxattr(path, list, sizeof(list));
    for (char *p = list; length > 0 && p < list + length; p += strlen(p) + 1)
        names[n++] = p;
    qsort(names, n, sizeof(*names), compare);
    for (unsigned i = 0; i < n; i++) {
        ssize_t size = lgetxattr(path, names[i], value, sizeof(value));
        printf(" %s=%zd:%08x", names[i], size, size > 0 ? checksum(0, (unsigned char *)value, (size_t)size) : 0);
    }
}

static void show(const char *path, const char *shown)
{
    struct stat st;
    char target[5000] = "";

    files++;
    if (lstat(path, &st)) {
        printf("%s: error %d\n", shown, errno);
        return;
    }
    printf("%s: %o", shown, st.st_mode);
    if (!S_ISDIR(st.st_mode))
        printf(" size %lld", (long long)st.st_size);
    printf(" links %lu owner %u:%u mtime %lld", (unsigned long)st.st_nlink, st.st_uid, st.st_gid, (long long)st.st_mtim.tv_sec);
    if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
        printf(" device %u:%u", major(st.st_rdev), minor(st.st_rdev));
    if (S_ISLNK(st.st_mode) && readlink(path, target, sizeof(target) - 1) > 0)
        printf(" -> %s", target);
    if (S_ISREG(st.st_mode)) {
        int fd = open(path, O_RDONLY);
        if (fd < 0) {
            printf(" open: error %d", errno);
        } else {
            printf(" %08x", by_mmap(fd, st.st_size));
            printf(" %08x", by_read(fd));
            printf(" %08x", by_pread(fd, st.st_size));
            close(fd);
        }
    }
    show_xattrs(path);
    printf("\n");
}

static void walk(const char *path, const char *shown)
{
    unsigned n = 0, room = 16;
    char **names = malloc(room * sizeof(*names));
    struct dirent *e;
    DIR *d = opendir(path);

    if (!d) {
        printf("%s: opendir: error %d\n", shown, errno);
        return;
    }
    while ((e = readdir(d))) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        if (n == room)
            names = realloc(names, (room *= 2) * sizeof(*names));
        names[n++] = strdup(e->d_name);
    }
    closedir(d);
    qsort(names, n, sizeof(*names), compare);
    for (unsigned i = 0; i < n; i++) {
        size_t room_for = strlen(path) + strlen(names[i]) + 2;
        char *child = malloc(room_for), *child_shown = malloc(room_for);
        struct stat st;
        snprintf(child, room_for, "%s/%s", path, names[i]);
        snprintf(child_shown, room_for, "%s/%s", shown, names[i]);
        show(child, child_shown);
        if (lstat(child, &st) == 0 && S_ISDIR(st.st_mode))
            walk(child, child_shown);
        free(child);
        free(child_shown);
        free(names[i]);
    }
    free(names);
}

static int add_attributes(const char *path)
{
    static char large[3000];
    memset(large, 'x', sizeof(large));
    return setxattr(path, "user.one", "1", 1, 0) || setxattr(path, "user.empty", "", 0, 0) ||
           setxattr(path, "user.large", large, sizeof(large), 0);
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "-a"))
        return add_attributes(argv[2]);
    if (argc == 4 && !strcmp(argv[1], "-m")) {
        mkdir(argv[3], 0755);
        if (mount(argv[2], argv[3], "erofs", MS_RDONLY, NULL)) {
            printf("mount: error %d\n", errno);
            return 1;
        }
    }
    walk(argv[argc - 1], "");
    printf("%u files\n", files);
    return 0;
}
