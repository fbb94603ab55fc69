/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * getdents, getdents64 and lseek on directories: positions that hold while names come and go, small buffers, removed
 * directories, types, both forms of record. Also getcwd, fchdir and chroot at their edges. Run as root.
 */
#include "overlay.h"
#include <sys/mman.h>

struct entry {
    uint64_t ino;
    int64_t next;
    unsigned short length;
    unsigned char type;
    char name[];
};

static char buf[65536];

static long list(int fd, size_t n)
{
    return syscall(SYS_getdents64, fd, buf, n);
}

/* Reads all names in steps of n bytes; how many, and whether each came once. */
static void read_all(int fd, size_t n, const char *what)
{
    static char seen[3000];
    int count = 0, twice = 0, odd = 0, calls = 0;
    long got;

    memset(seen, 0, sizeof(seen));
    while ((got = list(fd, n)) > 0) {
        calls++;
        for (long at = 0; at < got;) {
            struct entry *e = (struct entry *)(buf + at);
            int k;

            if (e->length % 8 || e->length < 24 || at + e->length > got)
                odd++;
            count++;
            if (sscanf(e->name, "n%d", &k) == 1 && k >= 0 && k < 3000 && seen[k]++)
                twice++;
            at += e->length;
        }
    }
    printf("%s: %d names, %d twice, %d odd, ends with %ld\n", what, count, twice, odd, got);
}

static void make(int from, int to)
{
    char name[20];

    for (int k = from; k < to; k++) {
        snprintf(name, sizeof(name), "many/n%d", k);
        close(open(name, O_CREAT | O_WRONLY, 0600));
    }
}

static void take(int from, int to, int step)
{
    char name[20];

    for (int k = from; k < to; k += step) {
        snprintf(name, sizeof(name), "many/n%d", k);
        unlink(name);
    }
}

static void seeking(void)
{
    off_t at[200];
    char names[200][20];
    int n = 0, fd, wrong = 0;
    long got;

    make_dir("many");
    make(0, 1000);
    fd = open("many", O_RDONLY);
    read_all(fd, sizeof(buf), "all at once");
    SHOW(list(fd, sizeof(buf)));
    SHOW(lseek(fd, 0, SEEK_SET));
    read_all(fd, 100, "in small steps");
    SHOW(lseek(fd, 0, SEEK_SET));
    /* positions told by entries lead to the next */
    got = list(fd, 6000);
    for (long k = 0; k < got && n < 100;) {
        struct entry *e = (struct entry *)(buf + k);

        at[n] = e->next;
        snprintf(names[n++], 20, "%.19s", e->name);
        k += e->length;
    }
    for (int k = 0; k + 1 < n; k += 7) {
        if (lseek(fd, at[k], SEEK_SET) != at[k])
            wrong++;
        list(fd, 200);
        if (strcmp(((struct entry *)buf)->name, names[k + 1]))
            wrong++;
    }
    printf("wrong after seeking: %d\n", wrong);
    /* names go while it is read */
    SHOW(lseek(fd, 0, SEEK_SET));
    list(fd, 2000);
    take(0, 1000, 2);
    while (list(fd, 3000) > 0)
        ;
    SHOW(lseek(fd, 0, SEEK_SET));
    read_all(fd, 777, "then");
    make(1000, 1500);
    SHOW(lseek(fd, 0, SEEK_SET));
    read_all(fd, 5000, "then more");
    /* deleting what was read is what rm does */
    SHOW(lseek(fd, 0, SEEK_SET));
    for (int rounds = 0; rounds < 100 && (got = list(fd, 1000)) > 0; rounds++)
        for (long k = 0; k < got;) {
            struct entry *e = (struct entry *)(buf + k);
            char name[300];

            snprintf(name, sizeof(name), "many/%s", e->name);
            unlink(name);
            k += e->length;
        }
    SHOW(lseek(fd, 0, SEEK_SET));
    read_all(fd, 5000, "left");
    SHOW(lseek(fd, -1, SEEK_SET));
    SHOW(lseek(fd, 0, SEEK_END) >= 0);
    SHOW(lseek(fd, 0, SEEK_DATA));
    SHOW(lseek(fd, 0, SEEK_HOLE));
    SHOW(lseek(fd, 0, 9));
    SHOW(lseek(fd, 1, SEEK_SET));
    SHOW(lseek(fd, 1, SEEK_CUR));
    SHOW(lseek(fd, -5, SEEK_CUR));
    read_all(fd, 5000, "after the dots");
    close(fd);
    SHOW(rmdir("many"));
}

static void forms(void)
{
    int fd, f;

    make_dir("kinds");
    make_file("kinds/a-file-of-a-name-of-length", "");
    make_dir("kinds/dir");
    symlink("x", "kinds/link");
    mkfifo("kinds/fifo", 0600);
    mknod("kinds/char", S_IFCHR | 0600, 0x103);
    mknod("kinds/block", S_IFBLK | 0600, 0x700);
    mknod("kinds/socket", S_IFSOCK | 0600, 0);
    for (int form = 0; form < 2; form++) {
        char lines[20][80];
        int n = 0;
        long got;

        fd = open("kinds", O_RDONLY);
        got = syscall(form ? SYS_getdents64 : SYS_getdents, fd, buf, sizeof(buf));
        for (long at = 0; at < got;) {
            struct entry *e = (struct entry *)(buf + at);
            char *o = buf + at;
            int length = form ? e->length : *(unsigned short *)(o + 16);

            snprintf(lines[n++], 80, "%s length %d type %d", form ? e->name : o + 18, length, form ? e->type : o[length - 1]);
            at += length;
        }
        for (int round = 0; round < n; round++)
            for (int k = 0; k + 1 < n; k++)
                if (strcmp(lines[k], lines[k + 1]) > 0) {
                    char t[80];
                    strcpy(t, lines[k]), strcpy(lines[k], lines[k + 1]), strcpy(lines[k + 1], t);
                }
        for (int k = 0; k < n; k++)
            printf("%s\n", lines[k]);
        close(fd);
    }
    fd = open("kinds", O_RDONLY);
    for (size_t n = 0; n < 60; n += 4)
        printf("%zu: %ld %s\n", n, syscall(SYS_getdents64, fd, buf, n), strerrorname_np(errno)), lseek(fd, 0, SEEK_SET), errno = 0;
    SHOW(syscall(SYS_getdents64, fd, BAD_PTR, 1000));
    SHOW(syscall(SYS_getdents64, fd, BAD_PTR, 0));
    SHOW(syscall(SYS_getdents, fd, BAD_PTR, 1000));
    SHOW(syscall(SYS_getdents64, -1, buf, 1000));
    f = open("kinds/a-file-of-a-name-of-length", O_RDONLY);
    SHOW(syscall(SYS_getdents64, f, buf, 1000));
    SHOW(read(fd, buf, 10));
    SHOW(pread(fd, buf, 10, 0));
    SHOW(write(fd, buf, 10));
    SHOW(ftruncate(fd, 0));
    SHOW(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED);
    SHOW(fallocate(fd, 0, 0, 10));
    SHOW(fsync(fd));
    close(f), close(fd);
    unlink("kinds/a-file-of-a-name-of-length"), rmdir("kinds/dir"), unlink("kinds/link"), unlink("kinds/fifo"), unlink("kinds/char");
    unlink("kinds/block"), unlink("kinds/socket");
    fd = open("kinds", O_RDONLY);
    struct stat st;
    SHOW(fstat(fd, &st));
    printf("nlink %ld size %ld\n", (long)st.st_nlink, (long)st.st_size);
    SHOW(rmdir("kinds"));
    SHOW(syscall(SYS_getdents64, fd, buf, 1000));
    SHOW(fstat(fd, &st));
    printf("nlink %ld size %ld\n", (long)st.st_nlink, (long)st.st_size);
    SHOW(fchmod(fd, 0700));
    SHOW(openat(fd, "x", O_CREAT | O_RDWR, 0600));
    SHOW(openat(fd, ".", O_TMPFILE | O_RDWR, 0600));
    SHOW(mkdirat(fd, "x", 0700));
    SHOW(faccessat(fd, ".", F_OK, 0));
    SHOW(faccessat(fd, "..", F_OK, 0));
    SHOW(symlinkat("x", fd, "x"));
    SHOW(linkat(AT_FDCWD, "/dev/null", fd, "x", 0));
    SHOW(renameat(AT_FDCWD, "none", fd, "x"));
    SHOW(unlinkat(fd, "x", 0));
    close(fd);
}

static void show_cwd(const char *what)
{
    char cwd[PATH_MAX + 10];
    long n = syscall(SYS_getcwd, cwd, sizeof(cwd));

    printf("%s: ", what);
    if (n < 0)
        printf("%s\n", strerrorname_np(errno));
    else if (strstr(cwd, "/dev/shm/abi-"))
        printf("%ld %.*s in scratch%s\n", n, (int)(strstr(cwd, "/dev") - cwd), cwd, strstr(cwd, "/abi-") + 11);
    else
        printf("%ld %s\n", n, cwd);
}

static void directories(void)
{
    int home = open(".", O_RDONLY), root = open("/", O_RDONLY), d, p;
    char name[256], cwd[20];

    SHOW(syscall(SYS_getcwd, cwd, 0));
    SHOW(syscall(SYS_getcwd, cwd, 5));
    SHOW(syscall(SYS_getcwd, BAD_PTR, 4096));
    SHOW(syscall(SYS_getcwd, NULL, 4096));
    SHOW(syscall(SYS_getcwd, NULL, 1));
    show_cwd("here");
    make_dir("jail"), make_dir("jail/in"), make_dir("out");
    SHOW(chdir("jail/in"));
    show_cwd("inside");
    SHOW(rename("../../jail", "../../prison"));
    show_cwd("renamed");
    SHOW(chdir("../.."));
    SHOW(rename("prison", "jail"));
    /* too long */
    memset(name, 'd', 250), name[250] = 0;
    int depth = 0;
    while (depth < 20 && mkdir(name, 0755) == 0 && chdir(name) == 0)
        depth++;
    printf("%d deep\n", depth);
    show_cwd("deep");
    SHOW(open("x", O_CREAT | O_RDWR, 0600) < 0);
    SHOW(unlink("x"));
    while (depth-- > 0)
        if (chdir("..") || rmdir(name))
            perror(name);
    show_cwd("back");
    /* chroot */
    SHOW_OK(d = open("out", O_RDONLY));
    SHOW_OK(p = open("out", O_PATH));
    SHOW(chroot("jail"));
    show_cwd("outside of the root");
    SHOW(chdir("/"));
    show_cwd("root");
    SHOW(chdir("in/../../.."));
    show_cwd("still root");
    SHOW(fchdir(d));
    show_cwd("out");
    SHOW(access("../jail", F_OK));
    SHOW(access("../../../../../..", F_OK));
    SHOW(fchdir(p));
    SHOW(readlink("/proc/self/cwd", buf, 100));
    SHOW(fchdir(home));
    SHOW(fchdir(root));
    SHOW(chroot("."));
    SHOW(fchdir(home));
    show_cwd("free");
    int n = (int)readlink("/proc/self/root", buf, 100);
    printf("root %.*s\n", n, buf);
    SHOW(rmdir("jail/in"));
    SHOW(rmdir("jail"));
    SHOW(fchdir(d));
    SHOW(rmdir("../out"));
    show_cwd("removed");
    n = (int)readlink("/proc/self/cwd", buf, 100);
    printf("cwd%.*s\n", n > 19 ? n - 19 : 0, buf + 19);
    SHOW(chdir("."));
    SHOW(chdir(".."));
    show_cwd("parent of the removed");
    SHOW(fchdir(d));
    SHOW(chroot("."));
    SHOW(access("/", F_OK));
    SHOW(access("/x", F_OK));
    SHOW(mkdir("/x", 0700));
    SHOW(fchdir(root));
    SHOW(chroot("."));
    SHOW(fchdir(home));
    SHOW(chdir(""));
    SHOW(chroot(""));
    SHOW(chdir(BAD_PTR));
    SHOW(fchdir(-1));
    SHOW(fchdir(999));
    SHOW(fchdir(AT_FDCWD));
    SHOW(umask(0777));
    SHOW(umask(01777));
    SHOW(umask(-1));
    SHOW(umask(022));
    close(home), close(root), close(d), close(p);
}

int main(void)
{
    enter_scratch();
    seeking();
    forms();
    directories();
    leave_scratch();
    return 0;
}
