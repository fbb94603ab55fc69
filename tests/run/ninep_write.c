/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes a tree in every way that a file system has, and prints results: run on Linux in an empty folder and in the VM in one
 * mounted by 9p, the output must be the same, and so must be the folders afterwards.
 *     ninep_write DIR          works in DIR
 *     ninep_write 9p TAG OPTIONS   mounts TAG on /mnt and works there
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include "tests/abi/abi.h"

static char buffer[1 << 16];

static long put(const char *path, int flags, int mode, const char *text)
{
    int fd = open(path, O_WRONLY | flags, mode);
    long n = fd < 0 ? -1 : write(fd, text, strlen(text));

    if (fd >= 0)
        close(fd);
    return n;
}

static void get(const char *path)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, buffer, sizeof(buffer) - 1);

    if (n < 0)
        printf("%s: %s\n", path, strerrorname_np(errno));
    else
        printf("%s: %zd bytes '%.*s'\n", path, n, n > 60 ? 60 : (int)n, buffer);
    if (fd >= 0)
        close(fd);
}

static void stat_of(const char *path)
{
    struct stat st;

    if (lstat(path, &st))
        printf("%s: %s\n", path, strerrorname_np(errno));
    else
        printf("%s: mode %o uid %u gid %u nlink %ld size %ld\n", path, st.st_mode, st.st_uid, st.st_gid, (long)st.st_nlink,
               S_ISDIR(st.st_mode) ? 0l : (long)st.st_size);
}

static void files(void)
{
    SHOW(put("a", O_CREAT | O_EXCL, 0644, "first"));
    SHOW(put("a", O_CREAT | O_EXCL, 0644, "again"));
    SHOW(put("a", O_CREAT, 0600, "FI"));
    get("a");
    SHOW(put("a", O_APPEND, 0, " and more"));
    get("a");
    SHOW(put("a", O_TRUNC, 0, "short"));
    get("a");
    SHOW(put("none", 0, 0, ""));
    SHOW(put("none/b", O_CREAT, 0644, ""));
    SHOW(put("a/b", O_CREAT, 0644, ""));
    SHOW(put("readonly", O_CREAT | O_EXCL, 0444, "mode without w"));
    stat_of("readonly");
    SHOW(truncate("a", 2));
    get("a");
    SHOW(truncate("a", 10));
    stat_of("a");
    SHOW(truncate("a", 0));
    get("a");
    SHOW(truncate("none", 0));
    SHOW(truncate(".", 0));
    SHOW(chmod("a", 04711));
    stat_of("a");
    SHOW(chown("a", 12, 34));
    stat_of("a");
    SHOW(mknod("node", S_IFREG | 0640, 0));
    stat_of("node");
    SHOW(put("node", 0, 0, "into a node"));
    get("node");
    umask(077);
    SHOW(put("masked", O_CREAT, 0666, ""));
    stat_of("masked");
    umask(022);
    SHOW(open("a", O_RDONLY | O_DIRECTORY));
    SHOW(open("a/", O_RDONLY));
}

static void names(void)
{
    SHOW(mkdir("d", 0755));
    SHOW(mkdir("d", 0755));
    SHOW(mkdir("d/e", 02775));
    stat_of("d");
    stat_of("d/e");
    SHOW(put("d/e/f", O_CREAT, 0644, "below"));
    SHOW(rmdir("d"));
    SHOW(rmdir("d/e/f"));
    SHOW(unlink("d"));
    SHOW(link("d/e/f", "d/g"));
    stat_of("d/g");
    SHOW(put("d/g", O_APPEND, 0, " twice"));
    get("d/e/f");
    SHOW(link("d/e/f", "d/g"));
    SHOW(link("d", "dd"));
    SHOW(unlink("d/e/f"));
    stat_of("d/g");
    get("d/g");
    SHOW(symlink("d/g", "s"));
    SHOW(symlink("other", "s"));
    get("s");
    memset(buffer, 0, 100);
    SHOW(readlink("s", buffer, 100));
    puts(buffer);
    SHOW(rename("d/g", "d/h"));
    get("s");
    SHOW(rename("d", "moved"));
    get("moved/h");
    get("d/h");
    SHOW(put("x", O_CREAT, 0644, "x"));
    SHOW(put("y", O_CREAT, 0644, "yy"));
    SHOW(rename("x", "y"));
    get("y");
    get("x");
    SHOW(rename("y", "moved"));
    SHOW(rename("moved", "y"));
    SHOW(rename("moved", "moved/e/in"));
    SHOW(mkdir("full", 0755));
    SHOW(put("full/f", O_CREAT, 0644, ""));
    SHOW(rename("moved", "full"));
    SHOW(mkdir("empty", 0755));
    SHOW(rename("moved/e", "empty"));
    stat_of("empty");
    SHOW(renameat2(AT_FDCWD, "y", AT_FDCWD, "full/f", RENAME_NOREPLACE));
    SHOW(unlink("none"));
    SHOW(rmdir("empty"));
    stat_of("empty");
}

/* Some servers can make no special files: QEMU 7.2.22 takes the descriptor it needs for that for an attack (ENXIO). */
static void special(void)
{
    if (mknod("fifo", S_IFIFO | 0600, 0) && errno == ENXIO) {
        puts("no special files");
        return;
    }
    unlink("fifo");
    SHOW(mknod("fifo", S_IFIFO | 0600, 0));
    stat_of("fifo");
    int fd = open("fifo", O_RDWR);
    SHOW(write(fd, "through", 7));
    SHOW(read(fd, buffer, 100));
    close(fd);
    SHOW(mknod("null", S_IFCHR | 0666, 0x103));
    stat_of("null");
    SHOW(put("null", 0, 0, "gone"));
    struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "socket"};
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(bind(s, (void *)&to, sizeof(to)));
    close(s);
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(connect(s, (void *)&to, sizeof(to)));
    SHOW(open("socket", O_RDONLY));
    close(s);
}

/* A file without a name goes on. */
static void unlinked(void)
{
    struct stat st;
    int fd = open("gone", O_RDWR | O_CREAT, 0600);

    SHOW(write(fd, "0123456789", 10));
    SHOW(unlink("gone"));
    SHOW(fstat(fd, &st));
    printf("nlink %ld size %ld\n", (long)st.st_nlink, (long)st.st_size);
    SHOW(pread(fd, buffer, 100, 4));
    SHOW(pwrite(fd, "ABC", 3, 20));
    SHOW(pread(fd, buffer, 100, 0));
    printf("%.10s %d %.3s\n", buffer, buffer[15], buffer + 20);
    SHOW(ftruncate(fd, 5));
    SHOW(ftruncate(fd, 30));
    SHOW(pread(fd, buffer, 100, 0));
    printf("%.5s %d %d\n", buffer, buffer[5], buffer[20]);
    SHOW(fsync(fd));
    SHOW(fstat(fd, &st));
    printf("size %ld\n", (long)st.st_size);
    SHOW(open("gone", O_RDONLY));
    SHOW(put("gone", O_CREAT | O_EXCL, 0644, "another"));
    SHOW(pread(fd, buffer, 100, 0));
    close(fd);
    get("gone");
}

static void mapped(void)
{
    int fd = open("mapped", O_RDWR | O_CREAT, 0644), other;
    char *p;

    SHOW(ftruncate(fd, 10000));
    p = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    memcpy(p, "by store", 8);
    memcpy(p + 8190, "across pages", 12);
    SHOW(pread(fd, buffer, 8, 0));
    printf("%.8s\n", buffer);
    SHOW(pwrite(fd, "by write", 8, 100));
    printf("%.8s\n", p + 100);
    SHOW(msync(p, 12288, MS_SYNC));
    other = open("mapped", O_RDONLY);
    SHOW(pread(other, buffer, 12, 8190));
    printf("%.12s\n", buffer);
    close(other);
    close(fd);
    memcpy(p + 5000, "after close", 11);
    munmap(p, 12288);
    fd = open("mapped", O_RDONLY);
    SHOW(pread(fd, buffer, 11, 5000));
    printf("%.11s\n", buffer);
    close(fd);
    stat_of("mapped");
}

static void attributes(void)
{
    struct timespec times[2] = {{1000000000, 123456789}, {-5, 500000000}};
    struct stat st;

    SHOW(put("attr", O_CREAT, 0644, "x"));
    SHOW(utimensat(AT_FDCWD, "attr", times, 0));
    SHOW(stat("attr", &st));
    printf("%ld.%09ld %ld.%09ld\n", st.st_atim.tv_sec, st.st_atim.tv_nsec, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    SHOW(setxattr("attr", "user.a", "value", 5, 0));
    SHOW(setxattr("attr", "user.a", "other", 5, XATTR_CREATE));
    SHOW(setxattr("attr", "user.b", "other", 5, XATTR_REPLACE));
    SHOW(setxattr("attr", "user.b", buffer, 2000, 0));
    SHOW(getxattr("attr", "user.a", buffer, 100));
    SHOW(getxattr("attr", "user.a", buffer, 3));
    SHOW(getxattr("attr", "user.a", NULL, 0));
    SHOW(removexattr("attr", "user.a"));
    SHOW(removexattr("attr", "user.a"));
    SHOW(getxattr("attr", "user.a", buffer, 100));
    SHOW(getxattr("attr", "user.b", buffer, 4000));
}

static void locks(void)
{
    int a = open("attr", O_RDWR), b = open("attr", O_RDWR);
    struct flock l = {.l_type = F_WRLCK, .l_len = 10};

    SHOW(flock(a, LOCK_EX));
    SHOW(flock(b, LOCK_EX | LOCK_NB));
    SHOW(flock(a, LOCK_UN));
    SHOW(flock(b, LOCK_EX | LOCK_NB));
    SHOW(fcntl(a, F_OFD_SETLK, &l));
    SHOW(fcntl(b, F_OFD_SETLK, &l));
    close(a);
    SHOW(fcntl(b, F_OFD_SETLK, &l));
    close(b);
}

static void directory(void)
{
    char name[40];
    struct dirent *e;
    int removed = 0, left = 0;
    DIR *d;

    SHOW(mkdir("many", 0755));
    for (int i = 0; i < 700; i++) {
        snprintf(name, sizeof(name), "many/some-longer-name-%d", i);
        put(name, O_CREAT, 0644, name);
    }
    d = opendir("many");
    while ((e = readdir(d)))
        if (e->d_name[0] != '.') {
            snprintf(name, sizeof(name), "many/%s", e->d_name);
            removed += unlink(name) == 0;
        }
    rewinddir(d);
    while ((e = readdir(d)))
        left++;
    closedir(d);
    printf("removed %d, left %d\n", removed, left);
    SHOW(rmdir("many"));
}

#define MODEL_SIZE 300000
static unsigned long long seed = 88172645463325252ull;
static unsigned long rnd(unsigned long n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % n;
}

/* A file against a model of it in memory: what differs is said. */
static void torture(int rounds)
{
    static unsigned char model[MODEL_SIZE], seen[MODEL_SIZE + 1];
    size_t size = 0;
    int fd = open("model", O_RDWR | O_CREAT | O_TRUNC, 0644), bad = 0;

    for (int r = 0; r < rounds && !bad; r++) {
        size_t at = rnd(MODEL_SIZE), n = rnd(rnd(10) ? 5000 : 120000);
        int what = (int)rnd(10);

        if (n > MODEL_SIZE - at)
            n = MODEL_SIZE - at;
        if (what < 4) {
            for (size_t i = 0; i < n; i++)
                buffer[i % sizeof(buffer)] = (char)(seen[i] = (unsigned char)rnd(256));
            if (pwrite(fd, seen, n, (off_t)at) != (ssize_t)n)
                bad = 1;
            memcpy(model + at, seen, n);
            if (n && at + n > size)
                size = at + n;
        } else if (what == 4) {
            if (ftruncate(fd, (off_t)at))
                bad = 2;
            if (at < size)
                memset(model + at, 0, size - at);
            size = at;
        } else if (what == 5 && size) {
            unsigned char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

            for (size_t i = 0; i < 50; i++) {
                size_t k = rnd(size);

                p[k] = model[k] = (unsigned char)rnd(256);
            }
            munmap(p, size);
        } else if (what == 6) {
            close(fd);
            fd = open("model", O_RDWR);
        } else if (what == 7) {
            struct stat st;

            if (fstat(fd, &st) || (size_t)st.st_size != size)
                bad = 3;
        } else {
            ssize_t got = pread(fd, seen, n, (off_t)at), want = at < size ? (ssize_t)(n < size - at ? n : size - at) : 0;

            if (got != want || memcmp(seen, model + at, (size_t)want))
                bad = 4;
        }
        if (bad)
            printf("round %d, operation %d, at %zu, %zu bytes, size %zu: wrong (%d)\n", r, what, at, n, size, bad);
    }
    close(fd);
    fd = open("model", O_RDONLY);
    if (read(fd, seen, sizeof(seen)) != (ssize_t)size || memcmp(seen, model, size))
        printf("the file is not what was written\n");
    close(fd);
    printf("model of %zu bytes\n", size);
}

int main(int argc, char **argv)
{
    if (argc == 4) {
        mkdir("/mnt", 0755);
        SHOW(mount(argv[2], "/mnt", "9p", 0, "trans=virtio,unknown") == -1 && errno == EINVAL);
        SHOW(mount(argv[2], "/mnt", "9p", 0, "version=9p2000.u") == -1 && errno == EINVAL);
        if (mount(argv[2], "/mnt", "9p", 0, argv[3]) || mount(argv[2], "/tmp", "9p", 0, "") != -1 || errno != EBUSY)
            return 1;
        argv[1] = "/mnt";
    } else {
        puts("argv[2], \"/mnt\"");
        puts("");
    }
    if (chdir(argv[1]))
        return 1;
    files();
    names();
    unlinked();
    mapped();
    attributes();
    locks();
    directory();
    torture(2000);
    special();
    return 0;
}
