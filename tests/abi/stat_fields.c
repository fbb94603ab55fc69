/* SPDX-License-Identifier: BSD-2-Clause */
/* stat, statx, chmod, chown, times, xattr: what a file is said to be. */
#include "file_check.h"
#include <sys/xattr.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <utime.h>
#include <sys/time.h>

static struct stat st;

static void show_mode(const char *path)
{
    if (lstat(path, &st))
        printf("%s: %s\n", path, strerrorname_np(errno));
    else
        printf("%s: mode %o nlink %ld uid %d gid %d size %ld rdev %lx\n", path, st.st_mode,
               (long)st.st_nlink, st.st_uid, st.st_gid, S_ISDIR(st.st_mode) ? 0 : (long)st.st_size,
               (long)st.st_rdev);
}

static void modes(void)
{
    make_file("f", "hello");
    show_mode("f");
    SHOW(mkdir("d", 0777));
    show_mode("d");
    SHOW(mkdir("d/a", 01777));
    show_mode("d");
    show_mode("d/a");
    SHOW(link("f", "g"));
    show_mode("g");
    SHOW(symlink("f", "s"));
    show_mode("s");
    SHOW(mkfifo("p", 0666));
    show_mode("p");
    SHOW(mknod("n", S_IFCHR | 0644, makedev(1, 3)));
    show_mode("n");
    SHOW(mknod("big", S_IFBLK | 0600, makedev(300, 70000)));
    show_mode("big");
    SHOW(mknod("r", 0600, 0));
    show_mode("r");
    SHOW(mknod("so", S_IFSOCK | 0600, 0));
    show_mode("so");
    SHOW(mknod("dd", S_IFDIR | 0600, 0));
    SHOW(mknod("l", S_IFLNK | 0600, 0));
    SHOW(open("so", O_RDONLY));
    SHOW(open("big", O_RDONLY));
    SHOW(umask(077));
    SHOW(mkdir("m", 0777));
    show_mode("m");
    SHOW(umask(01777));
    SHOW(umask(022));
    SHOW(chmod("f", 07777));
    show_mode("f");
    SHOW(chmod("f", 0200777));
    show_mode("f");
    SHOW(chmod("none", 0777));
    SHOW(chmod("s", 0640));
    show_mode("f");
    SHOW(fchmodat(AT_FDCWD, "f", 0600, 0));
    SHOW(chown("f", 12, 34));
    show_mode("f");
    SHOW(chown("f", -1, 56));
    show_mode("f");
    SHOW(chmod("f", 06755));
    SHOW(chown("f", 1, -1));
    show_mode("f");
    SHOW(lchown("s", 3, 4));
    show_mode("s");
    show_mode("f");
    SHOW(fchownat(AT_FDCWD, "s", 5, 6, AT_SYMLINK_NOFOLLOW));
    show_mode("s");
    SHOW(fchownat(AT_FDCWD, "s", 5, 6, 0x8000));
    SHOW(chmod("d", 02755));
    SHOW(chown("d", 0, 77));
    show_mode("d");
    SHOW(mkdir("d/sub", 0755));
    show_mode("d/sub");
    make_file("d/file", "");
    show_mode("d/file");
    SHOW(fchmod(-1, 0));
    SHOW(stat("f", BAD_PTR));
    SHOW(fstat(-1, &st));
    unlink("d/file"), rmdir("d/sub"), rmdir("d/a"), rmdir("d"), rmdir("m");
    unlink("g"), unlink("s"), unlink("p"), unlink("n"), unlink("big"), unlink("r"), unlink("so");
    show_mode("f");
}

static void show_times(const char *path)
{
    if (lstat(path, &st))
        printf("%s: %s\n", path, strerrorname_np(errno));
    else
        printf("%s: atime %ld.%09ld mtime %ld.%09ld\n", path, (long)st.st_atim.tv_sec,
               st.st_atim.tv_nsec, (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

static void times(void)
{
    struct timespec t[2] = {{1000, 5}, {2000, 999999999}}, before[2] = {{-5, 1}, {1ll << 33, 0}};
    struct timespec omit[2] = {{0, UTIME_OMIT}, {7, 0}}, bad[2] = {{0, 1000000000}, {0, 0}},
                    both[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
    struct timeval tv[2] = {{10, 20}, {30, 40}}, bad_tv[2] = {{10, 1000000}, {0, 0}};
    struct utimbuf ut = {111, 222};
    int fd = open("f", O_RDWR);

    SHOW(utimensat(AT_FDCWD, "f", t, 0));
    show_times("f");
    SHOW(utimensat(AT_FDCWD, "f", before, 0));
    show_times("f");
    SHOW(utimensat(AT_FDCWD, "f", omit, 0));
    show_times("f");
    SHOW(utimensat(AT_FDCWD, "f", bad, 0));
    SHOW(utimensat(AT_FDCWD, "none", both, 0));
    SHOW(utimensat(AT_FDCWD, "none", t, 0));
    SHOW(utimensat(AT_FDCWD, "f", t, 0x8000));
    SHOW(futimens(fd, t));
    show_times("f");
    SHOW(futimens(-1, t));
    SHOW(utimes("f", tv));
    show_times("f");
    SHOW(utimes("f", bad_tv));
    SHOW(utime("f", &ut));
    show_times("f");
    SHOW(utime("f", NULL));
    SHOW(symlink("f", "s"));
    SHOW(utimensat(AT_FDCWD, "s", t, AT_SYMLINK_NOFOLLOW));
    show_times("s");
    /* A write moves mtime and not atime; a read moves atime when it is not after mtime. */
    SHOW(futimens(fd, t));
    SHOW(write(fd, "x", 1));
    SHOW(fstat(fd, &st));
    printf("atime kept %d mtime moved %d\n", st.st_atim.tv_sec == 1000, st.st_mtim.tv_sec > 2000);
    SHOW(futimens(fd, t));
    {
        char c;
        SHOW(pread(fd, &c, 1, 0));
    }
    SHOW(fstat(fd, &st));
    printf("atime moved %d mtime kept %d\n", st.st_atim.tv_sec > 1000, st.st_mtim.tv_sec == 2000);
    close(fd);
    unlink("s");
}

static void statx_calls(void)
{
    struct statx x;

    SHOW(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS | STATX_BTIME, &x));
    printf("mask %x mode %o size %llu nlink %u uid %u\n",
           x.stx_mask & (STATX_BASIC_STATS | STATX_BTIME), x.stx_mode,
           (unsigned long long)x.stx_size, x.stx_nlink, x.stx_uid);
    SHOW(statx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_ALL, &x));
    SHOW(statx(AT_FDCWD, "f", 0, 0x80000000u, &x));
    SHOW(statx(AT_FDCWD, "f", 0x20000, STATX_ALL, &x));
    SHOW(statx(AT_FDCWD, "none", 0, STATX_ALL, &x));
    SHOW(statx(AT_FDCWD, "", AT_EMPTY_PATH, STATX_ALL, &x));
    SHOW(statx(-1, "", AT_EMPTY_PATH, STATX_ALL, &x));
    SHOW(statx(0, "", 0, STATX_ALL, &x));
    SHOW(statx(AT_FDCWD, "f", 0, STATX_ALL, BAD_PTR));
    SHOW(statx(AT_FDCWD, BAD_PTR, 0, STATX_ALL, &x));
}

static void attributes(void)
{
    char value[16], list[100];
    int fd = open("f", O_RDONLY), p = open("f", O_PATH);

    SHOW(setxattr("f", "user.one", "12345", 5, 0));
    SHOW(setxattr("f", "user.one", "12345", 5, XATTR_CREATE));
    SHOW(setxattr("f", "user.two", "12345", 5, XATTR_REPLACE));
    SHOW(setxattr("f", "user.one", "678", 3, XATTR_REPLACE));
    SHOW(setxattr("f", "user.empty", "", 0, XATTR_CREATE));
    SHOW(setxattr("f", "user.bad", "", 0, 7));
    SHOW(setxattr("f", "trusted.t", "tt", 2, 0));
    SHOW(setxattr("f", "nothing", "tt", 2, 0));
    SHOW(setxattr("f", "", "tt", 2, 0));
    SHOW(setxattr("f", "other.x", "tt", 2, 0));
    SHOW(setxattr("none", "user.x", "tt", 2, 0));
    SHOW(getxattr("f", "user.one", value, sizeof(value)));
    printf("%.3s\n", value);
    SHOW(getxattr("f", "user.one", value, 0));
    SHOW(getxattr("f", "user.one", value, 2));
    SHOW(getxattr("f", "user.none", value, 2));
    SHOW(fgetxattr(fd, "user.one", value, sizeof(value)));
    SHOW(fgetxattr(p, "user.one", value, sizeof(value)));
    SHOW(fgetxattr(-1, "user.one", value, sizeof(value)));
    SHOW(listxattr("f", list, 0) > 0);
    SHOW(listxattr("f", list, 3));
    SHOW(flistxattr(fd, list, sizeof(list)) > 0);
    SHOW(removexattr("f", "user.one"));
    SHOW(removexattr("f", "user.one"));
    SHOW(fremovexattr(fd, "user.empty"));
    SHOW(removexattr("f", "trusted.t"));
    SHOW(symlink("f", "s"));
    SHOW(lsetxattr("s", "user.x", "1", 1, 0));
    SHOW(lgetxattr("s", "user.x", value, 1));
    SHOW(setxattr("s", "user.x", "1", 1, 0));
    SHOW(getxattr("f", "user.x", value, 1));
    unlink("s");
    close(fd), close(p);
}

static void file_systems(void)
{
    struct statfs s;
    int fd = open("f", O_RDONLY);

    SHOW(statfs(".", &s));
    printf("type %lx bsize %ld namelen %ld\n", (long)s.f_type, (long)s.f_bsize, (long)s.f_namelen);
    SHOW(fstatfs(fd, &s));
    printf("type %lx\n", (long)s.f_type);
    SHOW(statfs("none", &s));
    SHOW(statfs(".", BAD_PTR));
    SHOW(fstatfs(-1, &s));
    SHOW(fsync(fd));
    SHOW(fdatasync(fd));
    SHOW(fsync(-1));
    SHOW(syncfs(fd));
    SHOW(syncfs(-1));
    SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
    SHOW(posix_fadvise(fd, 0, 0, 77));
    SHOW(readahead(fd, 0, 100));
    SHOW(readahead(-1, 0, 100));
    SHOW(sync_file_range(fd, 0, 100, SYNC_FILE_RANGE_WRITE));
    SHOW(sync_file_range(fd, -1, 100, SYNC_FILE_RANGE_WRITE));
    SHOW(sync_file_range(fd, 0, 100, 64));
    close(fd);
}

int main(void)
{
    enter_scratch();
    modes();
    times();
    statx_calls();
    attributes();
    file_systems();
    unlink("f");
    leave_scratch();
    return 0;
}
