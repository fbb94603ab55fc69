/* SPDX-License-Identifier: BSD-2-Clause */
/* FS_IOC_SETFLAGS on tmpfs: immutable, append-only, nodump, noatime; what each forbids. Run as root. */
#include "file_check.h"
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/xattr.h>

static int f, d;
static char buf[100];

static long closed(long fd)
{
    if (fd >= 0)
        close((int)fd);
    return fd < 0 ? -1 : 0;
}

static long set(int fd, int flags)
{
    return ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

static void show(int fd)
{
    struct fsxattr x = {0};
    struct statx sx;
    int flags = 0;

    SHOW(ioctl(fd, FS_IOC_GETFLAGS, &flags));
    printf("flags %x", flags);
    ioctl(fd, FS_IOC_FSGETXATTR, &x);
    statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &sx);
    printf(" xflags %x extsize %u nextents %u projid %u attributes %llx of %llx\n", x.fsx_xflags, x.fsx_extsize, x.fsx_nextents,
           x.fsx_projid, (long long)(sx.stx_attributes & 0x70ull), (long long)(sx.stx_attributes_mask & 0x70ull));
}

static void try_all(void)
{
    struct timespec t[2] = {{1, 0}, {2, 0}}, half[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
    char *m;

    SHOW(closed(open("d/f", O_RDONLY)));
    SHOW(closed(open("d/f", O_WRONLY)));
    SHOW(closed(open("d/f", O_RDWR | O_APPEND)));
    SHOW(closed(open("d/f", O_WRONLY | O_APPEND | O_TRUNC)));
    SHOW(closed(open("d/f", O_RDONLY | O_TRUNC)));
    SHOW(closed(open("d/f", O_CREAT | O_WRONLY, 0600)));
    SHOW(access("d/f", W_OK));
    SHOW(access("d", W_OK));
    SHOW(write(f, "x", 1));
    SHOW(pwrite(f, "x", 1, 0));
    SHOW(ftruncate(f, 1));
    SHOW(truncate("d/f", 1));
    SHOW(fallocate(f, 0, 0, 1));
    SHOW(fallocate(f, FALLOC_FL_KEEP_SIZE, 0, 1));
    SHOW(fallocate(f, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 1));
    SHOW(fcntl(f, F_SETFL, O_APPEND));
    SHOW(fcntl(f, F_SETFL, 0));
    SHOW((m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0)) == MAP_FAILED);
    SHOW(chmod("d/f", 0640));
    SHOW(fchmod(f, 0644));
    SHOW(chown("d/f", 1, 1));
    SHOW(chown("d/f", -1, -1));
    SHOW(utimensat(AT_FDCWD, "d/f", NULL, 0));
    SHOW(utimensat(AT_FDCWD, "d/f", t, 0));
    SHOW(utimensat(AT_FDCWD, "d/f", half, 0));
    SHOW(setxattr("d/f", "user.a", "b", 1, 0));
    SHOW(setxattr("d/f", "trusted.a", "b", 1, 0));
    SHOW(getxattr("d/f", "user.a", buf, 5));
    SHOW(removexattr("d/f", "user.a"));
    SHOW(removexattr("d/f", "trusted.a"));
    SHOW(link("d/f", "d/l"));
    SHOW(unlink("d/l"));
    SHOW(link("d/f", "l"));
    SHOW(unlink("l"));
    SHOW(rename("d/f", "d/g"));
    SHOW(rename("d/g", "d/f"));
    SHOW(rename("d/f", "f"));
    SHOW(rename("f", "d/f"));
    make_file("o", "over");
    SHOW(rename("o", "d/f"));
    unlink("o");
    SHOW(renameat2(AT_FDCWD, "d/e", AT_FDCWD, "d/f", RENAME_EXCHANGE));
    SHOW(renameat2(AT_FDCWD, "d/e", AT_FDCWD, "d/f", RENAME_EXCHANGE));
    SHOW(closed(open("d/new", O_CREAT | O_RDWR, 0600)));
    SHOW(unlink("d/new"));
    SHOW(mkdir("d/new", 0700));
    SHOW(rmdir("d/new"));
    SHOW(symlink("x", "d/new"));
    SHOW(unlink("d/new"));
    SHOW(closed(open("d", O_TMPFILE | O_RDWR, 0600)));
    SHOW(rmdir("d/e"));
    SHOW(mkdir("d/e", 0755));
    SHOW(rename("d", "d2"));
    SHOW(rename("d2", "d"));
    SHOW(chmod("d", 0755));
    SHOW(mount("d/e", "d/e", NULL, MS_BIND, NULL));
    SHOW(umount2("d/e", 0));
    SHOW(unlink("d/f"));
    if (access("d/f", F_OK))
        make_file("d/f", "again");
}

int main(void)
{
    int flags, s, p[2];

    if (unshare(CLONE_NEWNS) == 0)
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    enter_scratch();
    mkdir("d", 0755), mkdir("d/e", 0755);
    static const int list[] = {0, FS_IMMUTABLE_FL, FS_APPEND_FL, FS_IMMUTABLE_FL | FS_APPEND_FL, FS_NODUMP_FL | FS_NOATIME_FL};
    for (int on_directory = 0; on_directory < 2; on_directory++)
        for (unsigned k = 0; k < sizeof(list) / sizeof(*list); k++) {
            printf("--- %s %x\n", on_directory ? "directory" : "file", list[k]);
            make_file("d/f", "text");
            SHOW_OK(f = open("d/f", O_RDWR));
            SHOW_OK(d = open("d", O_RDONLY));
            SHOW(set(on_directory ? d : f, list[k]));
            show(f), show(d);
            try_all();
            SHOW(set(d, 0));
            SHOW(set(f, 0));
            close(f), close(d);
        }
    SHOW_OK(f = open("d/f", O_RDONLY));
    SHOW_OK(d = open("d", O_RDONLY));
    for (int k = 0; k < 2; k++) {
        struct timespec old[2] = {{1, 0}, {2, 0}};
        struct stat st;

        SHOW(set(f, k ? FS_NOATIME_FL : 0));
        SHOW(utimensat(AT_FDCWD, "d/f", old, 0));
        SHOW(pread(f, buf, 1, 0));
        fstat(f, &st);
        printf("the read is noted: %d\n", st.st_atim.tv_sec > 1);
    }
    SHOW(set(f, 0));
    SHOW(set(f, FS_COMPR_FL));
    SHOW(set(f, FS_SYNC_FL | FS_IMMUTABLE_FL));
    SHOW(set(f, -1));
    SHOW(ioctl(f, FS_IOC_SETFLAGS, NULL));
    SHOW(ioctl(f, FS_IOC_GETFLAGS, NULL));
    struct fsxattr x = {0};
    SHOW(ioctl(f, FS_IOC_FSSETXATTR, &x));
    x.fsx_projid = 5;
    SHOW(ioctl(f, FS_IOC_FSSETXATTR, &x));
    x = (struct fsxattr){.fsx_xflags = FS_XFLAG_NODUMP};
    SHOW(ioctl(f, FS_IOC_FSSETXATTR, &x));
    show(f);
    x.fsx_xflags = FS_XFLAG_NODEFRAG;
    SHOW(ioctl(f, FS_IOC_FSSETXATTR, &x));
    SHOW(ioctl(f, FS_IOC_GETVERSION, &flags));
    SHOW(set(d, FS_NODUMP_FL | FS_NOATIME_FL | FS_APPEND_FL));
    make_file("d/inherits", "");
    mkdir("d/sub", 0755);
    s = open("d/inherits", O_RDONLY), show(s), close(s);
    s = open("d/sub", O_RDONLY), show(s), close(s);
    SHOW(set(d, 0));
    SHOW(unlink("d/inherits"));
    SHOW(rmdir("d/sub"));
    /* who may */
    SHOW(chown("d/f", 1000, 1000));
    SHOW(syscall(SYS_setresuid, -1, 1000, -1));
    SHOW(set(f, FS_NODUMP_FL));
    SHOW(set(f, FS_IMMUTABLE_FL));
    SHOW(set(f, FS_NODUMP_FL | FS_APPEND_FL));
    SHOW(set(d, FS_NODUMP_FL));
    show(f);
    SHOW(syscall(SYS_setresuid, -1, 0, -1));
    SHOW(set(f, FS_IMMUTABLE_FL));
    SHOW(chown("d/f", 1000, 1000));
    SHOW(syscall(SYS_setresuid, -1, 1000, -1));
    SHOW(set(f, 0));
    SHOW(set(f, FS_IMMUTABLE_FL | FS_NODUMP_FL));
    SHOW(utimensat(AT_FDCWD, "d/f", NULL, 0));
    SHOW(syscall(SYS_setresuid, -1, 0, -1));
    SHOW(set(f, 0));
    /* kinds of files */
    mkfifo("fifo", 0600);
    s = open("fifo", O_RDWR);
    SHOW(ioctl(s, FS_IOC_GETFLAGS, &flags));
    close(s);
    if (pipe(p))
        exit(2);
    SHOW(ioctl(p[0], FS_IOC_GETFLAGS, &flags));
    s = open("/dev/null", O_RDWR);
    SHOW(ioctl(s, FS_IOC_GETFLAGS, &flags));
    s = open("/proc/self/stat", O_RDONLY);
    SHOW(ioctl(s, FS_IOC_GETFLAGS, &flags));
    s = memfd_create("m", 0);
    SHOW(ioctl(s, FS_IOC_GETFLAGS, &flags));
    SHOW(set(s, FS_IMMUTABLE_FL));
    SHOW(write(s, "x", 1));
    SHOW(ftruncate(s, 5));
    SHOW(fallocate(s, 0, 0, 10));
    SHOW(fchmod(s, 0600));
    /* a read-only mount */
    SHOW(mount("d", "d", NULL, MS_BIND, NULL));
    SHOW(mount(NULL, "d", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    s = open("d/f", O_RDONLY);
    SHOW(set(s, 0));
    SHOW(ioctl(s, FS_IOC_GETFLAGS, &flags));
    close(s);
    SHOW(umount2("d", 0));
    close(f), close(d);
    unlink("d/f"), rmdir("d/e"), rmdir("d"), unlink("fifo");
    leave_scratch();
    return 0;
}
