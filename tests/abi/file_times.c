/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which times each call changes, of the file, its directory and the other directory of a rename; utimensat's values and
 * refusals; relatime, noatime, nodiratime, strictatime and read-only mounts. Run as root.
 */
#include "file_check.h"
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <time.h>
#include <utime.h>
#include <dirent.h>

static int fd, dfd;
static char buf[9000];
static volatile char sink;

#define C(name, ...) static long name(void) { return (__VA_ARGS__); }
static struct timespec set2[2] = {{1000, 5}, {2000, 6}}, omit2[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}},
                       only_a[2] = {{1000, 5}, {0, UTIME_OMIT}}, only_m[2] = {{0, UTIME_OMIT}, {1000, 5}}, now_a[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
C(c_nothing, 0)
C(c_stat, access("a/f", R_OK))
C(c_open_read, close(open("a/f", O_RDONLY)))
C(c_open_write, close(open("a/f", O_WRONLY)))
C(c_open_trunc, close(open("a/f", O_WRONLY | O_TRUNC)))
C(c_open_trunc_empty, close(open("a/empty", O_WRONLY | O_TRUNC)))
C(c_open_create, close(open("a/f", O_CREAT | O_WRONLY, 0600)))
C(c_create, close(open("a/new", O_CREAT | O_WRONLY, 0600)))
C(c_read, read(fd, buf, 2))
C(c_read_none, read(fd, buf, 0))
C(c_read_end, pread(fd, buf, 2, 100000))
C(c_pread, pread(fd, buf, 2, 0))
C(c_mmap_read, (sink = *(char *)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0), 0))
C(c_mmap_write, (((char *)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0))[0] = 'x', 0))
C(c_mmap_private, (((char *)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0))[0] = 'x', 0))
C(c_write, write(fd, "xy", 2))
C(c_write_none, write(fd, "xy", 0))
C(c_pwrite, pwrite(fd, "xy", 2, 10))
C(c_ftruncate, ftruncate(fd, 3))
C(c_ftruncate_same, ftruncate(fd, 4))
C(c_ftruncate_more, ftruncate(fd, 8000))
C(c_truncate, truncate("a/f", 3))
C(c_truncate_same, truncate("a/f", 4))
C(c_fallocate, fallocate(fd, 0, 0, 5000))
C(c_fallocate_keep, fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 5000))
C(c_fallocate_inside, fallocate(fd, 0, 0, 2))
C(c_punch, fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 2))
C(c_copy_range, copy_file_range(dfd, &(loff_t){0}, fd, &(loff_t){0}, 3, 0))
C(c_sendfile_from, sendfile(dfd, fd, &(off_t){0}, 3))
C(c_chmod, chmod("a/f", 0600))
C(c_chmod_same, chmod("a/f", 0644))
C(c_chown, chown("a/f", 5, 5))
C(c_chown_none, chown("a/f", -1, -1))
C(c_utimes, utimensat(AT_FDCWD, "a/f", NULL, 0))
C(c_utimes_set, utimensat(AT_FDCWD, "a/f", set2, 0))
C(c_utimes_omit, utimensat(AT_FDCWD, "a/f", omit2, 0))
C(c_utimes_atime, utimensat(AT_FDCWD, "a/f", only_a, 0))
C(c_utimes_mtime, utimensat(AT_FDCWD, "a/f", only_m, 0))
C(c_utimes_now_a, utimensat(AT_FDCWD, "a/f", now_a, 0))
C(c_setxattr, setxattr("a/f", "user.a", "b", 1, 0))
C(c_setxattr_fails, setxattr("a/f", "user.a", "b", 1, XATTR_REPLACE))
C(c_getxattr, getxattr("a/f", "user.x", buf, 5))
C(c_removexattr, removexattr("a/f", "user.x"))
C(c_removexattr_none, removexattr("a/f", "user.none"))
C(c_link, link("a/f", "a/l"))
C(c_link_other, link("a/f", "b/l"))
C(c_unlink, unlink("a/f"))
C(c_unlink_linked, unlink("a/h"))
C(c_rename, rename("a/f", "a/g"))
C(c_rename_same, rename("a/f", "a/f"))
C(c_rename_links, rename("a/f", "a/h"))
C(c_rename_other, rename("a/f", "b/f"))
C(c_rename_over, rename("a/f", "a/empty"))
C(c_rename_dir, rename("a/d", "b/d"))
C(c_rename_dir_same, rename("a/d", "a/d2"))
C(c_exchange, renameat2(AT_FDCWD, "a/f", AT_FDCWD, "b/g", RENAME_EXCHANGE))
C(c_whiteout, renameat2(AT_FDCWD, "a/f", AT_FDCWD, "b/new", RENAME_WHITEOUT))
C(c_mkdir, mkdir("a/new", 0755))
C(c_mkdir_fails, mkdir("a/f", 0755))
C(c_rmdir, rmdir("a/d"))
C(c_symlink, symlink("x", "a/new"))
C(c_readlink, readlink("a/s", buf, 10))
C(c_follow, access("a/s", F_OK))
C(c_open_link, close(open("a/s", O_RDONLY)))
C(c_mknod, mkfifo("a/new", 0600))
C(c_tmpfile, close(open("a", O_TMPFILE | O_RDWR, 0600)))
C(c_opendir, close(open("a", O_RDONLY)))
C(c_getdents, syscall(SYS_getdents64, dfd = open("a", O_RDONLY), buf, sizeof(buf)) < 0 ? -1 : close(dfd))
C(c_getdents_small, syscall(SYS_getdents64, dfd = open("a", O_RDONLY), buf, 5) < 0 ? close(dfd), -1 : 0)
static long c_getdents_end(void)
{
    dfd = open("e", O_RDONLY);
    syscall(SYS_getdents64, dfd, buf, sizeof(buf));
    struct timespec t[2] = {{100, 0}, {100, 0}};
    futimens(dfd, t);
    long r = syscall(SYS_getdents64, dfd, buf, sizeof(buf));
    close(dfd);
    return r;
}
C(c_chdir, chdir("a") + chdir(".."))
C(c_lookup, access("a/d/x", F_OK))
C(c_fsync, fsync(fd))
C(c_flock, lockf(fd, F_TEST, 1))

#define E(x) {#x + 2, x}
static const struct {
    const char *name;
    long (*call)(void);
} calls[] = {
    E(c_nothing), E(c_stat), E(c_open_read), E(c_open_write), E(c_open_trunc), E(c_open_trunc_empty), E(c_open_create), E(c_create),
    E(c_read), E(c_read_none), E(c_read_end), E(c_pread), E(c_mmap_read), E(c_mmap_write), E(c_mmap_private), E(c_write), E(c_write_none), E(c_pwrite),
    E(c_ftruncate), E(c_ftruncate_same), E(c_ftruncate_more), E(c_truncate), E(c_truncate_same), E(c_fallocate),
    E(c_fallocate_keep), E(c_fallocate_inside), E(c_punch), E(c_copy_range), E(c_sendfile_from), E(c_chmod), E(c_chmod_same),
    E(c_chown), E(c_chown_none), E(c_utimes), E(c_utimes_set), E(c_utimes_omit), E(c_utimes_atime), E(c_utimes_mtime), E(c_utimes_now_a),
    E(c_setxattr), E(c_setxattr_fails), E(c_getxattr), E(c_removexattr), E(c_removexattr_none), E(c_link), E(c_link_other),
    E(c_unlink), E(c_unlink_linked), E(c_rename), E(c_rename_same), E(c_rename_links), E(c_rename_other), E(c_rename_over),
    E(c_rename_dir), E(c_rename_dir_same), E(c_exchange), E(c_whiteout), E(c_mkdir), E(c_mkdir_fails), E(c_rmdir), E(c_symlink),
    E(c_readlink), E(c_follow), E(c_open_link), E(c_mknod), E(c_tmpfile), E(c_opendir), E(c_getdents), E(c_getdents_small),
    E(c_getdents_end), E(c_chdir), E(c_lookup), E(c_fsync), E(c_flock),
};

static const char *const objects[] = {"a", "b", "a/f", "a/empty", "a/h", "a/g", "a/l", "a/d", "a/d2", "a/s", "a/new", "b/f", "b/g", "b/l", "b/d", "b/new", "e"};
#define OBJECTS (sizeof(objects) / sizeof(*objects))

static void build(void)
{
    for (unsigned k = OBJECTS; k--;)
        if (unlink(objects[k]) && errno == EISDIR)
            rmdir(objects[k]);
    mkdir("a", 0755), mkdir("b", 0755), mkdir("e", 0755), mkdir("a/d", 0755);
    make_file("a/f", "text");
    make_file("a/empty", "");
    make_file("b/g", "other");
    if (link("a/f", "a/h") || symlink("f", "a/s"))
        perror("link");
    setxattr("a/f", "user.x", "y", 1, 0);
}

static int later(struct timespec a, struct timespec b)
{
    return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

static long ahead; /* seconds by which mtime is set later */

/* age: of atime in seconds before the other times. */
static void each(const char *what, unsigned c, long older)
{
    static struct stat before[OBJECTS];
    int there[OBJECTS];
    struct timespec now;
    long r;

    build();
    fd = open("a/f", O_RDWR);
    dfd = open("b/g", O_RDWR);
    clock_gettime(CLOCK_REALTIME, &now);
    for (unsigned k = OBJECTS; k--;) {
        struct timespec t[2] = {{now.tv_sec - 50 - older, 7}, {now.tv_sec - 50 + ahead, 7}};

        there[k] = utimensat(AT_FDCWD, objects[k], t, AT_SYMLINK_NOFOLLOW) == 0;
    }
    for (unsigned k = 0; k < OBJECTS; k++)
        lstat(objects[k], &before[k]);
    usleep(12000);
    r = calls[c].call();
    printf("%s%s: %s", what, calls[c].name, r < 0 ? strerrorname_np(errno) : "ok");
    for (unsigned k = 0; k < OBJECTS; k++) {
        struct stat st;

        if (lstat(objects[k], &st))
            continue;
        if (!there[k] || st.st_ino != before[k].st_ino) {
            printf(" +%s", objects[k]);
            continue;
        }
        const char *changed[] = {
            later(st.st_atim, before[k].st_atim) ? "a" : later(before[k].st_atim, st.st_atim) ? "A" : "",
            later(st.st_mtim, before[k].st_mtim) ? "m" : later(before[k].st_mtim, st.st_mtim) ? "M" : "",
            later(st.st_ctim, before[k].st_ctim) ? "c" : "",
        };
        if (*changed[0] || *changed[1] || *changed[2])
            printf(" %s:%s%s%s", objects[k], changed[0], changed[1], changed[2]);
    }
    printf("\n");
    close(fd), close(dfd);
}

static void values(void)
{
    static const struct timespec list[][2] = {
        {{0, 0}, {0, 999999999}},
        {{-1, 0}, {-1, 999999999}},
        {{1ll << 31, 1}, {(1ll << 32) + 5, 2}},
        {{-(1ll << 31), 1}, {-(1ll << 31) - 1, 2}},
        {{9000000000ll, 1}, {4000000000ll, 2}},
        {{0, 1000000000}, {0, 0}},
        {{0, -1}, {0, 0}},
        {{0, 0}, {0, 1000000000}},
        {{5, UTIME_OMIT}, {0, -5}},
        {{1ll << 40, UTIME_OMIT}, {7, 8}},
    };
    struct timeval tv[2] = {{5, 999999}, {-5, 1}}, bad_tv[2] = {{5, 1000000}, {0, 0}}, bad_tv2[2] = {{0, 0}, {5, -1}};
    struct utimbuf ut = {77, -88};
    struct stat st;

    make_file("v", "x");
    symlink("v", "lv");
    for (unsigned k = 0; k < sizeof(list) / sizeof(*list); k++) {
        SHOW(utimensat(AT_FDCWD, "v", list[k], 0));
        stat("v", &st);
        printf("%ld.%09ld %ld.%09ld\n", st.st_atim.tv_sec, st.st_atim.tv_nsec, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    }
    SHOW(utimes("v", tv));
    stat("v", &st);
    printf("%ld.%09ld %ld.%09ld\n", st.st_atim.tv_sec, st.st_atim.tv_nsec, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    SHOW(syscall(SYS_utimes, "v", bad_tv));
    SHOW(syscall(SYS_utimes, "v", bad_tv2));
    SHOW(syscall(SYS_futimesat, AT_FDCWD, "v", tv));
    SHOW(syscall(SYS_futimesat, AT_FDCWD, "v", bad_tv));
    SHOW(syscall(SYS_futimesat, AT_FDCWD, NULL, tv));
    SHOW(syscall(SYS_futimesat, -1, NULL, tv));
    SHOW(syscall(SYS_futimesat, -1, "v", NULL));
    SHOW(syscall(SYS_utime, "v", &ut));
    stat("v", &st);
    printf("%ld.%09ld %ld.%09ld\n", st.st_atim.tv_sec, st.st_atim.tv_nsec, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    SHOW(syscall(SYS_utime, "v", BAD_PTR));
    SHOW(syscall(SYS_utime, "none", NULL));
    SHOW(utimensat(AT_FDCWD, "lv", set2, AT_SYMLINK_NOFOLLOW));
    lstat("lv", &st);
    printf("%ld.%09ld %ld.%09ld\n", st.st_atim.tv_sec, st.st_atim.tv_nsec, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    stat("v", &st);
    printf("%ld.%09ld %ld.%09ld\n", st.st_atim.tv_sec, st.st_atim.tv_nsec, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    SHOW(syscall(SYS_utimensat, AT_FDCWD, NULL, set2, 0));
    SHOW(syscall(SYS_utimensat, AT_FDCWD, NULL, omit2, 0));
    SHOW(syscall(SYS_utimensat, -1, "none", omit2, 0));
    SHOW(syscall(SYS_utimensat, -1, "none", omit2, 0x8000));
    SHOW(syscall(SYS_utimensat, AT_FDCWD, "v", set2, 0x8000));
    SHOW(syscall(SYS_utimensat, AT_FDCWD, "v", BAD_PTR, 0));
    SHOW(syscall(SYS_utimensat, AT_FDCWD, "", set2, 0));
    SHOW(syscall(SYS_utimensat, AT_FDCWD, "", NULL, AT_EMPTY_PATH));
    SHOW(syscall(SYS_utimensat, AT_FDCWD, BAD_PTR, set2, 0));
    unlink("v"), unlink("lv");
}

static void all(const char *what, const unsigned *only, unsigned n, long older)
{
    for (unsigned k = 0; k < n; k++)
        each(what, only ? only[k] : k, older);
}

int main(void)
{
    enum { N = sizeof(calls) / sizeof(*calls) };
    static unsigned readers[N];
    unsigned n = 0;

    for (unsigned k = 0; k < N; k++)
        if (calls[k].call == c_read || calls[k].call == c_read_end || calls[k].call == c_readlink || calls[k].call == c_follow ||
            calls[k].call == c_getdents || calls[k].call == c_mmap_read || calls[k].call == c_write || calls[k].call == c_getdents_end ||
            calls[k].call == c_pread || calls[k].call == c_read_none || calls[k].call == c_open_link || calls[k].call == c_sendfile_from ||
            calls[k].call == c_getdents_small || calls[k].call == c_chmod)
            readers[n++] = k;
    if (unshare(CLONE_NEWNS) == 0)
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    enter_scratch();
    SHOW(mkdir("m", 0755));
    SHOW(mount("t", "m", "tmpfs", 0, NULL));
    if (chdir("m"))
        exit(2);
    values();
    all("", NULL, N, 0);
    all("atime newer, ", readers, n, -100);
    ahead = 200;
    all("mtime newest, ", readers, n, -100);
    ahead = 0;
    all("atime a day old, ", readers, n, 24 * 3600 + 1);
    SHOW(mount(NULL, ".", NULL, MS_REMOUNT | MS_NOATIME, NULL));
    all("noatime, ", readers, n, 0);
    SHOW(mount(NULL, ".", NULL, MS_REMOUNT | MS_NODIRATIME, NULL));
    all("nodiratime, ", readers, n, 0);
    SHOW(mount(NULL, ".", NULL, MS_REMOUNT | MS_STRICTATIME, NULL));
    all("strictatime, ", readers, n, -100);
    SHOW(mount(NULL, ".", NULL, MS_REMOUNT | MS_STRICTATIME | MS_NODIRATIME, NULL));
    all("strictatime nodiratime, ", readers, n, -100);
    SHOW(mount(NULL, ".", NULL, MS_REMOUNT | MS_RELATIME, NULL));
    all("relatime, ", readers, n, -100);
    SHOW(mount(NULL, ".", NULL, MS_REMOUNT | MS_NOATIME | MS_STRICTATIME, NULL));
    all("noatime strictatime, ", readers, n, -100);
    if (chdir(".."))
        exit(2);
    SHOW(umount2("m", MNT_DETACH));
    SHOW(rmdir("m"));
    leave_scratch();
    return 0;
}
