/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tmpfs that is full: of data (writes end short, stores are SIGBUS, fallocate takes nothing) and of names (nothing is made, nothing
 * moves); what gives room back. Run as root.
 */
#include "file_check.h"
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

#define PAGE 4096
#define PAGES 16 /* of the file system */

static char buf[2 * PAGES * PAGE];

static void free_pages(void)
{
    struct statfs s;

    statfs("m", &s);
    printf("  free: %ld pages\n", (long)s.f_bfree);
}

/* The number that are left is not shown: what of them a directory or an attribute takes differs among versions of Linux. */
static void has_names(void)
{
    struct statfs s;

    statfs("m", &s);
    printf("  names left: %s\n", s.f_ffree ? "some" : "none");
}

static void size_of(const char *name)
{
    struct stat st;

    if (lstat(name, &st))
        printf("  %s: %s\n", name, strerrorname_np(errno));
    else
        printf("  %s: %o size %ld blocks %ld links %ld device %u:%u\n", name, st.st_mode, S_ISDIR(st.st_mode) ? 0 : (long)st.st_size,
               S_ISREG(st.st_mode) ? (long)st.st_blocks : 0, (long)st.st_nlink, major(st.st_rdev), minor(st.st_rdev));
}

static sigjmp_buf bus;

static void bus_error(int signo, siginfo_t *info, void *context)
{
    (void)context;
    printf("  signal %d code %d\n", signo, info->si_code);
    siglongjmp(bus, 1);
}

/* How many pages from first on could be stored to, or read. */
static void touch(volatile char *map, int first, int last, int store)
{
    volatile int n = 0;

    if (!sigsetjmp(bus, 1))
        for (int i = first; i < last; i++, n++) {
            if (store)
                map[i * PAGE] = 'm';
            else
                (void)map[i * PAGE];
        }
    printf("  %s: %d pages\n", store ? "stored" : "read", n);
}

static void fill(int pages)
{
    int fd = open("m/filler", O_CREAT | O_TRUNC | O_WRONLY, 0600);

    printf("filled: %ld\n", (long)write(fd, buf, (size_t)pages * PAGE));
    close(fd);
}

static void writes(void)
{
    struct iovec two[2] = {{buf, 3 * PAGE}, {buf, 3 * PAGE}};
    int fd, other;

    SHOW_OK(fd = open("m/a", O_CREAT | O_RDWR, 0600));
    fill(12);
    free_pages();
    SHOW(pwrite(fd, buf, 10 * PAGE, 100));
    size_of("m/a");
    SHOW(pwrite(fd, buf, 1, 4 * PAGE));
    SHOW(pwrite(fd, buf, PAGE, 10 * PAGE));
    SHOW(pwrite(fd, buf, 2 * PAGE, 3 * PAGE + 10));
    SHOW(pwrite(fd, buf, 0, 100 * PAGE));
    size_of("m/a");
    free_pages();
    SHOW(ftruncate(fd, 0));
    free_pages();
    SHOW(pwritev(fd, two, 2, 0));
    SHOW(ftruncate(fd, PAGE + 1));
    free_pages();
    /* A hole takes nothing, nor does reading it. */
    SHOW(ftruncate(fd, 1 << 20));
    SHOW(pread(fd, buf, 8 * PAGE, 2 * PAGE));
    free_pages();
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
    free_pages();
    /* Open and without a name it keeps its pages. */
    SHOW(unlink("m/filler"));
    free_pages();
    SHOW_OK(other = open("m", O_TMPFILE | O_RDWR, 0600));
    SHOW(write(other, buf, sizeof(buf)));
    free_pages();
    close(other);
    free_pages();
    SHOW_OK(other = open("m/a", O_RDWR | O_TRUNC));
    free_pages();
    SHOW(unlink("m/a"));
    SHOW(write(other, buf, 5 * PAGE));
    free_pages();
    close(other);
    free_pages();
    SHOW(write(fd, buf, 1));
    close(fd);
    free_pages();
}

static void mappings(void)
{
    char *map, *own;
    int fd;

    SHOW_OK(fd = open("m/a", O_CREAT | O_RDWR, 0600));
    SHOW(ftruncate(fd, 2 * PAGES * PAGE));
    map = mmap(NULL, 2 * PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    own = mmap(NULL, 2 * PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    printf("mapped %d\n", map != MAP_FAILED && own != MAP_FAILED);
    fill(10);
    touch(map, 0, 3, 1);
    free_pages();
    touch(map, 0, 2 * PAGES, 1);
    free_pages();
    size_of("m/a");
    /* What is there can be changed, and copied. */
    touch(map, 0, 6, 1);
    touch(own, 0, 6, 1);
    touch(map, 6, 7, 1);
    touch(map, 2 * PAGES, 2 * PAGES + 1, 0);
    /* A call of the kernel that would have to store there. */
    SHOW(pread(open("/dev/zero", O_RDONLY), map + 20 * PAGE, 10, 0));
    SHOW(unlink("m/filler"));
    touch(map, 6, 16, 1);
    free_pages();
    SHOW(madvise(map, 8 * PAGE, MADV_REMOVE));
    free_pages();
    close(fd);
    SHOW(unlink("m/a"));
    free_pages();
    munmap(own, 2 * PAGES * PAGE);
    munmap(map, 2 * PAGES * PAGE);
    free_pages();
}

static void allocations(void)
{
    int fd;

    SHOW_OK(fd = open("m/a", O_CREAT | O_RDWR, 0600));
    SHOW(write(fd, buf, 2 * PAGE));
    fill(6);
    SHOW(fallocate(fd, 0, 0, 11 * PAGE));
    size_of("m/a");
    free_pages();
    SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, PAGE, 10 * PAGE));
    SHOW(fallocate(fd, 0, 0, 1ll << 40));
    size_of("m/a");
    SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 10 * PAGE));
    size_of("m/a");
    free_pages();
    /* It is there already. */
    SHOW(fallocate(fd, 0, 0, 10 * PAGE));
    SHOW(fallocate(fd, 0, 5 * PAGE, 5 * PAGE));
    SHOW(fallocate(fd, 0, 5 * PAGE, 5 * PAGE + 1));
    size_of("m/a");
    SHOW(pwrite(fd, buf, 8 * PAGE, 2 * PAGE));
    SHOW(pwrite(fd, buf, PAGE, 10 * PAGE));
    SHOW(posix_fallocate(fd, 10 * PAGE, 1));
    close(fd);
    unlink("m/a"), unlink("m/filler");
    free_pages();
}

static void transfers(void)
{
    int fd, from, within, p[2];
    loff_t in = 0, out = 0;

    SHOW_OK(from = open("source", O_CREAT | O_RDWR, 0600));
    SHOW(write(from, buf, 10 * PAGE));
    SHOW_OK(fd = open("m/a", O_CREAT | O_RDWR, 0600));
    SHOW_OK(within = open("m/source", O_CREAT | O_RDWR, 0600));
    SHOW(write(within, buf, 6 * PAGE));
    fill(6);
    /* How far these come before the end is Linux's choice by kernel version; that they end, and what is left, is not. */
    printf("copied some: %d\n", copy_file_range(within, &in, fd, &out, 6 * PAGE, 0) > 0);
    while (copy_file_range(within, &in, fd, &out, PAGE, 0) > 0)
        ;
    SHOW(copy_file_range(within, &in, fd, &out, PAGE, 0));
    printf("  copied %ld of %ld\n", (long)in, (long)out);
    size_of("m/a");
    free_pages();
    SHOW(ftruncate(fd, 0));
    lseek(fd, 0, SEEK_SET);
    lseek(from, 0, SEEK_SET);
    printf("sent some: %d\n", sendfile(fd, from, NULL, 10 * PAGE) > 0);
    SHOW(sendfile(fd, from, NULL, PAGE));
    size_of("m/a");
    free_pages();
    SHOW(ftruncate(fd, 0));
    lseek(fd, 0, SEEK_SET);
    SHOW(pipe(p));
    SHOW(write(p[1], buf, 8 * PAGE));
    SHOW(splice(p[0], NULL, fd, NULL, 8 * PAGE, 0));
    SHOW(splice(p[0], NULL, fd, NULL, 8 * PAGE, SPLICE_F_NONBLOCK));
    size_of("m/a");
    free_pages();
    SHOW(unlink("m/filler"));
    SHOW(splice(p[0], NULL, fd, NULL, 8 * PAGE, SPLICE_F_NONBLOCK));
    size_of("m/a");
    close(fd), close(from), close(within), close(p[0]), close(p[1]);
    unlink("m/a"), unlink("m/source"), unlink("source");
    free_pages();
}

static void names(void)
{
    char name[32];
    int fd, made = 0;

    SHOW(mount("none", "m", "tmpfs", 0, "size=64k,nr_inodes=10,mode=755"));
    make_file("m/a", "a");
    make_file("m/b", "bb");
    SHOW(mkdir("m/d", 0755));
    do
        snprintf(name, sizeof(name), "m/fill%d", made++);
    while (mknod(name, S_IFREG | 0600, 0) == 0);
    printf("last: %s, %d made\n", strerrorname_np(errno), made - 1);
    has_names();
    SHOW(open("m/new", O_CREAT | O_RDWR, 0600));
    SHOW(open("m", O_TMPFILE | O_RDWR, 0600));
    SHOW(mkdir("m/new", 0755));
    SHOW(mkdir("m/d/new", 0755));
    SHOW(symlink("x", "m/new"));
    SHOW(mknod("m/new", S_IFIFO | 0600, 0));
    SHOW(mknod("m/new", S_IFCHR | 0600, makedev(1, 3)));
    SHOW(link("m/a", "m/new"));
    SHOW(mkdir("m/a", 0755));
    SHOW(link("m/a", "m/b"));
    SHOW(link("m/none", "m/new"));
    SHOW(renameat2(AT_FDCWD, "m/a", AT_FDCWD, "m/new", RENAME_WHITEOUT));
    size_of("m/a"), size_of("m/new");
    SHOW(renameat2(AT_FDCWD, "m/a", AT_FDCWD, "m/b", RENAME_WHITEOUT));
    size_of("m/a"), size_of("m/b");
    SHOW(renameat2(AT_FDCWD, "m/d", AT_FDCWD, "m/new", RENAME_WHITEOUT));
    size_of("m/d"), size_of("m/new");
    size_of("m");
    /* What needs no room. */
    SHOW(rename("m/a", "m/d/a"));
    SHOW(renameat2(AT_FDCWD, "m/d/a", AT_FDCWD, "m/b", RENAME_EXCHANGE));
    SHOW(rename("m/d/a", "m/a"));
    SHOW(close(open("m/a", O_CREAT | O_TRUNC | O_RDWR, 0600)));
    has_names();
    /* A second name takes one, and gives it back; whoever holds the file open does not. */
    SHOW(unlink("m/fill0"));
    has_names();
    SHOW(link("m/a", "m/second"));
    has_names();
    SHOW(link("m/a", "m/third"));
    size_of("m/a");
    SHOW_OK(fd = open("m/a", O_RDWR));
    SHOW(unlink("m/a"));
    SHOW(mkdir("m/new", 0755));
    SHOW(rmdir("m/new"));
    SHOW(unlink("m/second"));
    SHOW(mkdir("m/new", 0755));
    has_names();
    close(fd);
    has_names();
    /* A file without a name counts; given one, it counts once. */
    SHOW_OK(fd = open("m", O_TMPFILE | O_RDWR, 0600));
    has_names();
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    SHOW(linkat(AT_FDCWD, name, AT_FDCWD, "m/named", AT_SYMLINK_FOLLOW));
    SHOW(linkat(AT_FDCWD, name, AT_FDCWD, "m/again", AT_SYMLINK_FOLLOW));
    close(fd);
    SHOW(unlink("m/named"));
    has_names();
    /* One that is replaced. */
    SHOW(link("m/b", "m/c"));
    SHOW(rename("m/fill1", "m/c"));
    has_names();
    SHOW(rename("m/new", "m/d"));
    has_names();
    SHOW(renameat2(AT_FDCWD, "m/b", AT_FDCWD, "m/e", RENAME_WHITEOUT));
    size_of("m/b"), size_of("m/e");
    SHOW(umount2("m", 0));
}

int main(void)
{
    struct sigaction sa = {.sa_sigaction = bus_error, .sa_flags = SA_SIGINFO};

    sigaction(SIGBUS, &sa, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    memset(buf, 'd', sizeof(buf));
    enter_scratch();
    /* On Linux a mount namespace of its own; a VM has nobody to hide from. */
    if (unshare(CLONE_NEWNS) == 0)
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    SHOW(mkdir("m", 0755));
    SHOW(mount("none", "m", "tmpfs", 0, "size=64k,huge=never"));
    writes();
    mappings();
    allocations();
    transfers();
    SHOW(umount2("m", 0));
    names();
    SHOW(rmdir("m"));
    leave_scratch();
    return 0;
}
