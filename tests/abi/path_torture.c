/* SPDX-License-Identifier: BSD-2-Clause */
/* Path resolution: dots, slashes, links, loops, lengths, permissions, openat2's RESOLVE flags. */
#include "file_check.h"
#include <linux/openat2.h>

static long open2(int dirfd, const char *path, uint64_t flags, uint64_t resolve)
{
    struct open_how how = {.flags = flags, .resolve = resolve};
    long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

    if (fd >= 0)
        close((int)fd);
    return fd < 0 ? -1 : 0;
}

static long try_open(const char *path, int flags)
{
    int fd = open(path, flags, 0644);

    if (fd >= 0)
        close(fd);
    return fd < 0 ? -1 : 0;
}

static void show_cwd(void)
{
    char buf[PATH_MAX];

    printf("cwd in scratch: %s\n",
           getcwd(buf, sizeof(buf)) ? buf + strlen("/dev/shm/abi-XXXXXX") : "none");
}

static void dots(void)
{
    SHOW(mkdir("d", 0755));
    SHOW(mkdir("d/e", 0755));
    make_file("d/f", "x");
    SHOW(access("d/./e/../f", F_OK));
    SHOW(access("d//e///", F_OK));
    SHOW(access("d/f/", F_OK));
    SHOW(access("d/f/.", F_OK));
    SHOW(access("d/f/..", F_OK));
    SHOW(access("d/none/..", F_OK));
    SHOW(access("", F_OK));
    SHOW(access("/../../..", F_OK));
    SHOW(access("/../dev/./null", F_OK));
    SHOW(access("d/.", F_OK));
    SHOW(access("d/e/..", F_OK));
    SHOW(mkdir("d/.", 0755));
    SHOW(mkdir("d/..", 0755));
    SHOW(mkdir("/", 0755));
    SHOW(mkdir("d/new/", 0755));
    SHOW(rmdir("d/new/"));
    SHOW(rmdir("d/."));
    SHOW(rmdir("d/e/.."));
    SHOW(rmdir("/"));
    SHOW(unlink("d/."));
    SHOW(unlink("d/e"));
    SHOW(unlink("d/f/"));
    SHOW(unlink("d/e/"));
    SHOW(unlink("d/none/"));
    SHOW(rmdir("d/f"));
    SHOW(rmdir("d"));
    SHOW(rmdir("none"));
    SHOW(try_open("d/f/", O_RDONLY));
    SHOW(try_open("d/new/", O_CREAT | O_RDWR));
    SHOW(try_open("d/", O_RDONLY));
    SHOW(try_open("d", O_RDWR));
    SHOW(try_open("d", O_CREAT | O_RDONLY));
    SHOW(try_open(".", O_CREAT | O_RDWR));
    SHOW(try_open(".", O_CREAT | O_EXCL | O_RDWR));
    SHOW(try_open("d/f", O_DIRECTORY));
    SHOW(try_open("d/f", O_CREAT | O_EXCL | O_RDWR));
    SHOW(try_open("d/none", O_RDWR));
    SHOW(try_open("none/none", O_CREAT | O_RDWR));
    SHOW(try_open("d/f/x", O_CREAT | O_RDWR));
}

static void links(void)
{
    char text[40];
    struct stat st;

    SHOW(symlink("d/f", "lf"));
    SHOW(symlink("d", "ld"));
    SHOW(symlink("none", "ln"));
    SHOW(symlink("ld/e/../f", "lm"));
    SHOW(symlink("self", "self"));
    SHOW(symlink("b", "a"));
    SHOW(symlink("a", "b"));
    SHOW(symlink("", "empty"));
    SHOW(symlink("x", "d"));
    SHOW(symlink("x", "new/"));
    SHOW(symlink("new-by-link", "lc"));
    SHOW(access("lf", F_OK));
    SHOW(access("lf/", F_OK));
    SHOW(access("ld/", F_OK));
    SHOW(access("ld/f", F_OK));
    SHOW(access("ln", F_OK));
    SHOW(access("lm", F_OK));
    SHOW(access("self", F_OK));
    SHOW(access("self/x", F_OK));
    SHOW(access("a", F_OK));
    SHOW(lstat("a", &st));
    printf("%o %ld\n", st.st_mode, (long)st.st_size);
    SHOW(lstat("ld/", &st));
    printf("%o\n", st.st_mode);
    SHOW(lstat("ln/", &st));
    SHOW(readlink("lm", text, 4));
    printf("%.4s\n", text);
    SHOW(readlink("lm", text, sizeof(text)));
    SHOW(readlink("lm", text, 0));
    SHOW(readlink("lm", BAD_PTR, 10));
    SHOW(readlink("d", text, 10));
    SHOW(readlink("none", text, 10));
    SHOW(readlink("ld/", text, 10));
    SHOW(try_open("lf", O_NOFOLLOW));
    SHOW(try_open("lf", O_NOFOLLOW | O_PATH));
    SHOW(try_open("ld", O_NOFOLLOW | O_DIRECTORY));
    SHOW(try_open("ld", O_NOFOLLOW | O_DIRECTORY | O_PATH));
    SHOW(try_open("ld/", O_NOFOLLOW));
    SHOW(try_open("ln", O_RDONLY));
    SHOW(try_open("lc", O_CREAT | O_EXCL | O_RDWR));
    SHOW(try_open("lc", O_CREAT | O_RDWR));
    SHOW(access("new-by-link", F_OK));
    SHOW(unlink("new-by-link"));
    SHOW(try_open("self", O_CREAT | O_RDWR));
    SHOW(mkdir("ln", 0755));
    SHOW(mkdir("ln/", 0755));
    SHOW(rmdir("ld"));
    SHOW(rmdir("ld/"));
    SHOW(unlink("lc"));
}

/* A chain of 40 links is followed, 41 are too many. */
static void loops(void)
{
    char name[20], target[20];

    make_file("end", "");
    strcpy(target, "end");
    for (int k = 1; k <= 41; k++) {
        snprintf(name, sizeof(name), "c%d", k);
        if (symlink(target, name))
            perror(name);
        strcpy(target, name);
    }
    SHOW(access("c39", F_OK));
    SHOW(access("c40", F_OK));
    SHOW(access("c41", F_OK));
    for (int k = 1; k <= 41; k++) {
        snprintf(name, sizeof(name), "c%d", k);
        unlink(name);
    }
    unlink("end");
}

static void lengths(void)
{
    static char name[300], path[5000];

    memset(name, 'n', sizeof(name));
    name[255] = 0;
    SHOW(mkdir(name, 0755));
    SHOW(rmdir(name));
    name[255] = 'n';
    name[256] = 0;
    SHOW(mkdir(name, 0755));
    SHOW(access(name, F_OK));
    for (int k = 0; k < 2047; k++)
        memcpy(path + 2 * k, "./", 3);
    SHOW(access(path, F_OK));
    strcat(path, "d");
    SHOW(access(path, F_OK));
    strcat(path, "d");
    SHOW(access(path, F_OK));
    SHOW(access(BAD_PTR, F_OK));
    SHOW(access(NULL, F_OK));
}

static void relative(void)
{
    int d = open("d", O_RDONLY), f = open("d/f", O_RDONLY), p = open("d", O_PATH), fd;
    struct stat st;

    SHOW(faccessat(d, "f", F_OK, 0));
    SHOW(faccessat(d, "../d/f", F_OK, 0));
    SHOW(faccessat(f, "f", F_OK, 0));
    SHOW(faccessat(f, "", F_OK, AT_EMPTY_PATH));
    SHOW(faccessat(p, "f", F_OK, 0));
    SHOW(faccessat(-1, "f", F_OK, 0));
    SHOW(faccessat(-1, "/", F_OK, 0));
    SHOW(faccessat(d, "f", 8, 0));
    SHOW(faccessat(d, "f", F_OK, 0x8000));
    SHOW(fstatat(f, "", &st, AT_EMPTY_PATH));
    printf("%o\n", st.st_mode);
    SHOW(fstatat(f, "", &st, 0));
    SHOW(fstatat(AT_FDCWD, "", &st, AT_EMPTY_PATH));
    printf("%o\n", st.st_mode);
    SHOW(fstatat(f, "x", &st, AT_EMPTY_PATH));
    SHOW(fstatat(d, "e", &st, 0x8000));
    SHOW_OK(fd = openat(d, "g", O_CREAT | O_RDWR, 0600));
    close(fd);
    SHOW(unlinkat(d, "g", 0));
    SHOW(unlinkat(d, "e", 0));
    SHOW(unlinkat(d, "e", AT_REMOVEDIR));
    SHOW(unlinkat(d, "e", 0x8000));
    SHOW(mkdirat(d, "e", 0700));
    SHOW(fchdir(d));
    show_cwd();
    SHOW(chdir("e"));
    show_cwd();
    SHOW(rmdir("../e"));
    SHOW(access(".", F_OK));
    SHOW(access("..", F_OK));
    SHOW(access("x", F_OK));
    SHOW(mkdir("x", 0700));
    SHOW(try_open("x", O_CREAT | O_RDWR));
    show_cwd();
    SHOW(chdir("../.."));
    SHOW(chdir("d/f"));
    SHOW(fchdir(f));
    SHOW(fchdir(p));
    SHOW(chdir(".."));
    close(d), close(f), close(p);
}

static void resolve_flags(void)
{
    int d = open("d", O_RDONLY | O_DIRECTORY), fd;
    struct open_how how = {0};

    SHOW(mkdir("d/e", 0755));
    SHOW(symlink("/f", "d/abs"));
    SHOW(symlink("../d/f", "d/up"));
    SHOW(symlink("f", "d/rel"));
    SHOW(open2(d, "f", 0, RESOLVE_BENEATH));
    SHOW(open2(d, "../d/f", 0, RESOLVE_BENEATH));
    SHOW(open2(d, "e/../f", 0, RESOLVE_BENEATH));
    SHOW(open2(d, "/f", 0, RESOLVE_BENEATH));
    SHOW(open2(d, "abs", 0, RESOLVE_BENEATH));
    SHOW(open2(d, "up", 0, RESOLVE_BENEATH));
    SHOW(open2(d, "rel", 0, RESOLVE_BENEATH));
    SHOW(open2(d, "/f", 0, RESOLVE_IN_ROOT));
    SHOW(open2(d, "abs", 0, RESOLVE_IN_ROOT));
    SHOW(open2(d, "../../../f", 0, RESOLVE_IN_ROOT));
    SHOW(open2(d, "up", 0, RESOLVE_IN_ROOT));
    SHOW(open2(d, "rel", 0, RESOLVE_NO_SYMLINKS));
    SHOW(open2(d, "rel", O_PATH | O_NOFOLLOW, RESOLVE_NO_SYMLINKS));
    SHOW(open2(d, "f", 0, RESOLVE_NO_SYMLINKS));
    SHOW(open2(AT_FDCWD, "/dev/null", 0, RESOLVE_NO_XDEV));
    SHOW(open2(d, "../d/f", 0, RESOLVE_NO_XDEV));
    SHOW(open2(d, "f", 0, RESOLVE_BENEATH | RESOLVE_IN_ROOT));
    SHOW(open2(d, "f", 0, 0x1000));
    SHOW(open2(d, "f", 1ull << 40, 0));
    SHOW(open2(d, "f", O_PATH | O_RDWR, 0));
    SHOW(open2(d, "f", O_CREAT | O_DIRECTORY, 0));
    SHOW(open2(d, "f", O_CREAT, RESOLVE_CACHED));
    how.mode = 0644;
    SHOW(syscall(SYS_openat2, d, "f", &how, sizeof(how)));
    how.mode = 0;
    SHOW(syscall(SYS_openat2, d, "f", &how, 4));
    SHOW(syscall(SYS_openat2, d, "f", &how, 5000));
    SHOW(syscall(SYS_openat2, d, "f", BAD_PTR, sizeof(how)));
    {
        char big[64] = {0};
        SHOW_OK(fd = (int)syscall(SYS_openat2, d, "f", big, sizeof(big)));
        close(fd);
        big[40] = 1;
        SHOW(syscall(SYS_openat2, d, "f", big, sizeof(big)));
    }
    unlink("d/abs"), unlink("d/up"), unlink("d/rel"), rmdir("d/e");
    close(d);
}

static void permissions(void)
{
    make_file("d/f", "x");
    SHOW(chmod("d/f", 0));
    SHOW(access("d/f", R_OK | W_OK));
    SHOW(access("d/f", X_OK));
    SHOW(chmod("d", 0));
    SHOW(access("d/f", R_OK));
    SHOW(access("d", X_OK));
    SHOW(chmod("d", 0755));
    SHOW(setegid(1000));
    SHOW(seteuid(1000));
    SHOW(try_open("d/f", O_RDONLY));
    SHOW(try_open("d/g", O_CREAT | O_RDWR));
    SHOW(mkdir("d/g", 0755));
    SHOW(unlink("d/f"));
    SHOW(chmod("d/f", 0777));
    SHOW(chown("d/f", 1000, 1000));
    SHOW(access("d/f", R_OK));
    SHOW(faccessat(AT_FDCWD, "d/f", R_OK, AT_EACCESS));
    SHOW(seteuid(0));
    SHOW(setegid(0));
    SHOW(chmod("d", 01777));
    SHOW(chmod("d/f", 0644));
    SHOW(seteuid(1000));
    SHOW(try_open("d/f", O_RDONLY));
    SHOW(try_open("d/f", O_RDWR));
    SHOW(try_open("d/f", O_RDONLY | O_TRUNC));
    SHOW(try_open("d/f", O_RDONLY | O_NOATIME));
    SHOW(try_open("d/mine", O_CREAT | O_RDWR));
    SHOW(unlink("d/f"));
    SHOW(rename("d/f", "d/x"));
    SHOW(rename("d/mine", "d/f"));
    SHOW(unlink("d/mine"));
    SHOW(mknod("d/dev", S_IFCHR | 0600, 0x103));
    SHOW(mknod("d/fifo", S_IFIFO | 0600, 0));
    SHOW(unlink("d/fifo"));
    SHOW(chroot("/"));
    SHOW(seteuid(0));
    SHOW(chmod("d", 0700));
    SHOW(seteuid(1000));
    SHOW(access("d/f", F_OK));
    SHOW(faccessat(AT_FDCWD, "d/f", F_OK, AT_EACCESS));
    SHOW(try_open("d/f", O_RDONLY));
    SHOW(chdir("d"));
    SHOW(seteuid(0));
}

int main(void)
{
    enter_scratch();
    dots();
    links();
    loops();
    lengths();
    relative();
    resolve_flags();
    if (getuid() == 0)
        permissions();
    unlink("lf"), unlink("ld"), unlink("ln"), unlink("lm"), unlink("self"), unlink("a"),
        unlink("b");
    unlink("d/f");
    SHOW(rmdir("d"));
    leave_scratch();
    return 0;
}
