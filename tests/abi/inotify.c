/* SPDX-License-Identifier: BSD-2-Clause */
/* inotify(7): which event each call causes, on the object and in its directory, and in which order. */
#include "inotify.h"
#include <dirent.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <utime.h>

static int in;

static int opened(const char *path, int flags)
{
    return open(path, flags, 0644);
}

static void list(const char *path)
{
    DIR *d = opendir(path);

    while (readdir(d))
        ;
    closedir(d);
}

static void data(void)
{
    char b[16] = "";
    struct iovec v[2] = {{b, 4}, {b, 4}};
    int fd;

    CAUSES(in, fd = opened("d/f", O_CREAT | O_RDWR));
    CAUSES(in, write(fd, "abcdefgh", 8));
    CAUSES(in, pwrite(fd, "abcd", 4, 0));
    CAUSES(in, writev(fd, v, 2));
    CAUSES(in, write(fd, "", 0));
    CAUSES(in, pread(fd, b, 4, 0));
    CAUSES(in, preadv(fd, v, 2, 0));
    CAUSES(in, pread(fd, b, 4, 1000));
    CAUSES(in, preadv(fd, v, 2, 1000));
    CAUSES(in, pread(fd, b, 0, 0));
    CAUSES(in, ftruncate(fd, 4096));
    CAUSES(in, ftruncate(fd, 4096));
    CAUSES(in, truncate("d/f", 100));
    CAUSES(in, fallocate(fd, 0, 0, 8192));
    CAUSES(in, fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 4096));
    CAUSES(in, fsync(fd));
    CAUSES(in, lseek(fd, 0, SEEK_SET));
    CAUSES(in, close(dup(fd)));
    char *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CAUSES(in, m[0] = 1);
    CAUSES(in, close(fd));
    CAUSES(in, munmap(m, 4096));
    CAUSES(in, close(opened("d/f", O_RDONLY)));
    CAUSES(in, close(opened("d/f", O_WRONLY)));
    CAUSES(in, close(opened("d/f", O_WRONLY | O_TRUNC)));
    CAUSES(in, close(opened("d/f", O_WRONLY | O_CREAT | O_TRUNC)));
    CAUSES(in, close(opened("d/f", O_PATH)));
    CAUSES(in, close(opened("d/f", O_RDWR | O_CREAT | O_EXCL)));
    CAUSES(in, close(opened("d", O_TMPFILE | O_RDWR)));

    int a = opened("d/f", O_RDWR), b2 = opened("other", O_CREAT | O_RDWR);
    ftruncate(a, 100);
    drain(in, "two files");
    CAUSES(in, sendfile(b2, a, NULL, 10));
    CAUSES(in, copy_file_range(b2, &(off_t){0}, a, &(off_t){50}, 5, 0));
    CAUSES(in, copy_file_range(a, &(off_t){0}, b2, &(off_t){50}, 5, 0));
    close(a), close(b2);
    drain(in, "closed");
}

static void attributes(void)
{
    struct timespec both[2] = {{1, 0}, {2, 0}}, a[2] = {{1, 0}, {0, UTIME_OMIT}},
                    m[2] = {{0, UTIME_OMIT}, {5, 0}}, none[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};

    CAUSES(in, chmod("d/f", 0600));
    CAUSES(in, chmod("d/f", 0600));
    CAUSES(in, chown("d/f", getuid(), getgid()));
    CAUSES(in, chown("d/f", -1, -1));
    CAUSES(in, utimensat(AT_FDCWD, "d/f", both, 0));
    CAUSES(in, utimensat(AT_FDCWD, "d/f", a, 0));
    CAUSES(in, utimensat(AT_FDCWD, "d/f", m, 0));
    CAUSES(in, utimensat(AT_FDCWD, "d/f", none, 0));
    CAUSES(in, utime("d/f", NULL));
    CAUSES(in, chmod("d", 0700));
    CAUSES(in, setxattr("d", "trusted.a", "b", 1, 0));
    CAUSES(in, setxattr("d/f", "trusted.a", "b", 1, 0));
    CAUSES(in, removexattr("d/f", "trusted.a"));
    CAUSES(in, removexattr("d/f", "trusted.a"));
    CAUSES(in, chmod("d/f", 04777));
    CAUSES(in, truncate("d/f", 10));
}

static void names(void)
{
    CAUSES(in, mkdir("d/sub", 0755));
    CAUSES(in, mkdir("d/sub", 0755));
    CAUSES(in, list("d/sub"));
    CAUSES(in, list("d"));
    CAUSES(in, chmod("d/sub", 0700));
    CAUSES(in, symlink("f", "d/l"));
    CAUSES(in, close(opened("d/l", O_RDONLY)));
    CAUSES(in, lchown("d/l", getuid(), -1));
    CAUSES(in, mknod("d/fifo", S_IFIFO | 0600, 0));
    CAUSES(in, link("d/f", "d/f2"));
    CAUSES(in, link("d/f", "outside"));
    CAUSES(in, close(opened("outside", O_RDONLY)));
    CAUSES(in, rename("d/f2", "d/f3"));
    CAUSES(in, rename("d/f3", "d/f"));
    CAUSES(in, unlink("d/f3"));
    CAUSES(in, rename("d/l", "moved"));
    CAUSES(in, rename("moved", "d/l"));
    CAUSES(in, rename("d/sub", "sub"));
    CAUSES(in, rename("sub", "d/sub"));
    CAUSES(in, rename("d/l", "d/fifo"));
    CAUSES(in, renameat2(AT_FDCWD, "d/fifo", AT_FDCWD, "d/sub", RENAME_EXCHANGE));
    CAUSES(in, renameat2(AT_FDCWD, "d/fifo", AT_FDCWD, "d/sub", RENAME_EXCHANGE));
    CAUSES(in, renameat2(AT_FDCWD, "d/f", AT_FDCWD, "other", RENAME_EXCHANGE));
    CAUSES(in, renameat2(AT_FDCWD, "d/f", AT_FDCWD, "other", RENAME_EXCHANGE));
    CAUSES(in, rename("other", "d/fifo"));
    CAUSES(in, unlink("d/fifo"));
    CAUSES(in, rmdir("d/sub"));
    CAUSES(in, rmdir("d/sub"));
    CAUSES(in, unlink("outside"));
    CAUSES(in, rename("d", "dd"));
    CAUSES(in, rename("dd", "d"));
}

/* What happens to a watched file that loses its names while it is open. */
static void ends(void)
{
    int fd, sub;

    make_file("d/g", "g");
    drain(in, "made");
    printf("watch of d/g: %d\n", inotify_add_watch(in, "d/g", IN_ALL_EVENTS));
    CAUSES(in, unlink("d/g"));
    make_file("d/g", "g");
    drain(in, "made");
    printf("watch of d/g: %d\n", inotify_add_watch(in, "d/g", IN_ALL_EVENTS));
    CAUSES(in, fd = opened("d/g", O_RDWR));
    CAUSES(in, link("d/g", "d/h"));
    CAUSES(in, unlink("d/g"));
    CAUSES(in, write(fd, "x", 1));
    CAUSES(in, unlink("d/h"));
    CAUSES(in, write(fd, "x", 1));
    CAUSES(in, fchmod(fd, 0600));
    CAUSES(in, close(fd));
    mkdir("d/s", 0755);
    drain(in, "made");
    printf("watch of d/s: %d\n", sub = inotify_add_watch(in, "d/s", IN_ALL_EVENTS));
    CAUSES(in, close(opened("d/s/x", O_CREAT | O_WRONLY)));
    CAUSES(in, chmod("d/s", 0700));
    CAUSES(in, rename("d/s", "d/t"));
    CAUSES(in, rename("d/t/x", "d/x"));
    CAUSES(in, unlink("d/x"));
    CAUSES(in, rmdir("d/t"));
    mkdir("d/s", 0755);
    mkdir("d/u", 0755);
    drain(in, "made");
    printf("watch of d/s: %d\n", sub = inotify_add_watch(in, "d/s", IN_ALL_EVENTS));
    CAUSES(in, rename("d/u", "d/s"));
    CAUSES(in, rmdir("d/s"));
    make_file("d/v", "v");
    make_file("d/w", "w");
    drain(in, "made");
    printf("watch of d/v: %d\n", inotify_add_watch(in, "d/v", IN_ALL_EVENTS));
    CAUSES(in, rename("d/w", "d/v"));
    CAUSES(in, unlink("d/v"));
}

int main(void)
{
    enter_scratch();
    in = inotify_init1(IN_NONBLOCK);
    mkdir("d", 0755);
    SHOW(inotify_add_watch(in, "d", IN_ALL_EVENTS));
    data();
    SHOW(inotify_add_watch(in, "d/f", IN_ALL_EVENTS));
    data();
    attributes();
    names();
    ends();
    CAUSES(in, unlink("d/f"));
    CAUSES(in, rmdir("d"));
    leave_scratch();
    return 0;
}
