/* SPDX-License-Identifier: BSD-2-Clause */
/* mount and umount2: a tmpfs with limits, read-only, bind mounts; what a full file system says;
 * chroot. Run as root. */
#include "file_check.h"
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/statfs.h>

static char buf[65536];

static void limits(void)
{
    struct statfs s;
    struct stat st;
    int fd, other;

    SHOW(mkdir("m", 0755));
    SHOW(mount("none", "m", "tmpfs", 0, "size=64k,nr_inodes=6,mode=700,uid=5,gid=6"));
    SHOW(stat("m", &st));
    printf("%o %d %d\n", st.st_mode, st.st_uid, st.st_gid);
    SHOW(statfs("m", &s));
    printf("blocks %ld free %ld files %ld\n", (long)s.f_blocks, (long)s.f_bfree, (long)s.f_files);
    SHOW_OK(fd = open("m/a", O_CREAT | O_RDWR, 0600));
    SHOW(write(fd, buf, 50000));
    SHOW(write(fd, buf, 50000));
    SHOW(write(fd, buf, 1));
    SHOW(statfs("m", &s));
    printf("free %ld\n", (long)s.f_bfree);
    SHOW(pwrite(fd, buf, 100, 10));
    SHOW(pwrite(fd, buf, 10000, 1000000));
    SHOW(ftruncate(fd, 2000000));
    SHOW(ftruncate(fd, 8192));
    SHOW(statfs("m", &s));
    printf("free %ld\n", (long)s.f_bfree);
    SHOW(fallocate(fd, 0, 0, 65536));
    SHOW(fallocate(fd, 0, 0, 65537));
    SHOW_OK(other = open("m/b", O_CREAT | O_RDWR, 0600));
    SHOW(write(other, buf, 1));
    SHOW(mkdir("m/c", 0755));
    SHOW(mkdir("m/d", 0755));
    SHOW(mkdir("m/e", 0755));
    SHOW(mkdir("m/f", 0755));
    SHOW(open("m/g", O_CREAT | O_RDWR, 0600));
    SHOW(symlink("x", "m/h"));
    SHOW(rmdir("m/c"));
    SHOW(mkdir("m/f", 0755));
    SHOW(rename("m/a", "outside"));
    SHOW(link("m/a", "outside"));
    SHOW(umount2("m", 0));
    SHOW(unlink("m/a"));
    SHOW(write(other, buf, 1));
    close(fd);
    SHOW(write(other, buf, 1));
    close(other);
}

static void read_only(void)
{
    SHOW(mount("none", "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
    SHOW(open("m/new", O_CREAT | O_RDWR, 0600));
    SHOW(open("m/b", O_RDWR));
    SHOW(close(open("m/b", O_RDONLY)));
    SHOW(mkdir("m/new", 0755));
    SHOW(mkdir("m/b", 0755));
    SHOW(unlink("m/b"));
    SHOW(rmdir("m/d"));
    SHOW(rename("m/b", "m/x"));
    SHOW(chmod("m/b", 0600));
    SHOW(chown("m/b", 0, 0));
    SHOW(truncate("m/b", 0));
    SHOW(access("m/b", W_OK));
    SHOW(access("m/b", R_OK));
    SHOW(utimensat(AT_FDCWD, "m/b", NULL, 0));
    SHOW(mount("none", "m", NULL, MS_REMOUNT, NULL));
    SHOW(close(open("m/new", O_CREAT | O_RDWR, 0600)));
    SHOW(mount("none", "m", NULL, MS_REMOUNT | MS_NODEV | MS_NOEXEC, NULL));
    SHOW(mknod("m/null", S_IFCHR | 0666, 0x103));
    SHOW(unlink("m/d"));
    SHOW(rmdir("m/d"));
    SHOW(mknod("m/null", S_IFCHR | 0666, 0x103));
    SHOW(open("m/null", O_RDWR));
    SHOW(chmod("m/b", 0755));
    SHOW(access("m/b", X_OK));
}

static void binds(void)
{
    struct stat a, b;
    int fd;

    SHOW(mkdir("n", 0755));
    make_file("file", "one");
    make_file("file2", "two");
    SHOW(mount("m", "n", NULL, MS_BIND, NULL));
    SHOW(stat("m/b", &a));
    SHOW(stat("n/b", &b));
    printf("same %d\n", a.st_ino == b.st_ino && a.st_dev == b.st_dev);
    SHOW(rename("m/b", "n/c"));
    SHOW(mount("file2", "file", NULL, MS_BIND, NULL));
    fd = open("file", O_RDONLY);
    SHOW(read(fd, buf, 3));
    printf("%.3s\n", buf);
    close(fd);
    SHOW(unlink("file"));
    SHOW(rename("file2", "file"));
    SHOW(umount2("file", 0));
    fd = open("file", O_RDONLY);
    SHOW(read(fd, buf, 3));
    printf("%.3s\n", buf);
    close(fd);
    SHOW(mount("m", "file", NULL, MS_BIND, NULL));
    SHOW(mount("none", "n", NULL, MS_BIND, NULL));
    SHOW(rmdir("n"));
    SHOW(umount2("n/.", 0));
    SHOW(umount2("n", 0));
    fd = open("m/c", O_CREAT | O_RDWR, 0600);
    SHOW(umount2("m", MNT_DETACH));
    SHOW(access("m/c", F_OK));
    SHOW(write(fd, "still", 5));
    SHOW(pread(fd, buf, 10, 0));
    close(fd);
    SHOW(umount2("m", 0));
    SHOW(umount2("none", 0));
    SHOW(umount2("m", 0x100));
    SHOW(mount("none", "m", "nofs", 0, NULL));
    SHOW(mount("none", "none", "tmpfs", 0, NULL));
    SHOW(mount("none", "file", "tmpfs", 0, NULL));
    SHOW(mount("none", "m", "tmpfs", 0, "size=x"));
    SHOW(mount("none", "m", "tmpfs", 0, "nonsense=1"));
    SHOW(mount("none", "m", "tmpfs", 0, BAD_PTR));
    unlink("file"), unlink("file2"), rmdir("n");
}

static void change_root(void)
{
    char cwd[PATH_MAX];
    int out = open(".", O_RDONLY), top = open("/", O_RDONLY);

    SHOW(mkdir("m/sub", 0755));
    SHOW(symlink("/sub", "m/link"));
    SHOW(symlink("../../../sub", "m/up"));
    SHOW(chroot("none"));
    SHOW(chroot("m"));
    SHOW(access("/sub", F_OK));
    SHOW(access("/link", F_OK));
    SHOW(access("/up", F_OK));
    SHOW(access("/m", F_OK));
    SHOW(access("../m", F_OK));
    SHOW(chdir("/sub"));
    SHOW(access("../../../sub", F_OK));
    SHOW(syscall(SYS_getcwd, cwd, sizeof(cwd)));
    printf("%s\n", cwd);
    SHOW(fchdir(out));
    SHOW(access("m", F_OK));
    SHOW(syscall(SYS_getcwd, cwd, sizeof(cwd)) > 0);
    printf("%.14s\n", cwd);
    SHOW(fchdir(top));
    SHOW(chroot("."));
    SHOW(fchdir(out));
    unlink("m/link"), unlink("m/up"), rmdir("m/sub");
    close(out), close(top);
}

/* First and second field of /proc/mounts of the newest mounts. */
static void show_sources(int n)
{
    static char text[65536];
    int fd = open("/proc/self/mounts", O_RDONLY);
    long all = 0, got;

    while ((got = read(fd, text + all, sizeof(text) - 1 - (size_t)all)) > 0)
        all += got;
    close(fd);
    text[all] = 0;
    char *at = text + all;
    for (int i = 0; i < n; i++) {
        at--;
        while (at > text && at[-1] != '\n')
            at--;
        char *end = strchr(at, ' ');
        printf("%.*s on %s", (int)(end - at), at, strrchr(strndupa(end + 1, strcspn(end + 1, " ")), '/') + 1);
        printf(" of type %.*s\n", (int)strcspn(strchr(end + 1, ' ') + 1, " "), strchr(end + 1, ' ') + 1);
    }
}

/* What was mounted is named as mount(2) was told, for each mount. */
static void sources(void)
{
    static const char *const places[] = {"m", "m/a", "m/b", "m/c", "m/d", "m/e"};

    SHOW(mount("my own name", "m", "tmpfs", 0, NULL));
    for (int i = 1; i < 6; i++)
        mkdir(places[i], 0755);
    SHOW(mount(NULL, "m/a", "tmpfs", 0, NULL));
    SHOW(mount("other", "m/b", "proc", 0, NULL));
    SHOW(mount("", "m/c", "tmpfs", 0, NULL));
    SHOW(mount("m/a", "m/d", NULL, MS_BIND, NULL));
    SHOW(mount("renamed", "m/d", NULL, MS_REMOUNT, NULL));
    SHOW(mount("m/b", "m/e", NULL, MS_BIND, NULL));
    show_sources(6);
    /* A place that is mounted on several times stays one until the last is gone. */
    for (int i = 0; i < 3; i++)
        SHOW(mount("again", "m/a", "tmpfs", 0, NULL));
    for (int i = 0; i < 3; i++) {
        SHOW(umount("m/a"));
        SHOW(rmdir("m/a"));
    }
    for (int i = 5; i >= 0; i--)
        SHOW(umount(places[i]));
}

int main(void)
{
    enter_scratch();
    /* On Linux a mount namespace of its own; a VM has nobody to hide from. */
    if (unshare(CLONE_NEWNS) == 0)
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    limits();
    read_only();
    binds();
    change_root();
    sources();
    SHOW(rmdir("m"));
    leave_scratch();
    return 0;
}
