/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc and /sys read in every way: by the byte, from the middle, directories in small pieces, and by an ordinary user. */
#include "file_check.h"
#include <dirent.h>
#include <grp.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define CALL(what, call) show_(what, (long)(call))

static char whole[1 << 16], piece[1 << 16];

static long slurp_by(const char *path, char *to, size_t step)
{
    int fd = open(path, O_RDONLY);
    long n = 0, got = fd < 0 ? -1 : 0;

    while (fd >= 0 && (got = read(fd, to + n, step)) > 0)
        n += got;
    to[n] = 0;
    if (fd >= 0)
        close(fd);
    return got < 0 ? -1 : n;
}

static void texts(void)
{
    static const char *const steady[] = {
        "/proc/self/limits", "/proc/self/cmdline", "/proc/self/environ", "/proc/self/auxv", "/proc/self/mountinfo",
        "/proc/self/cgroup", "/proc/version", "/proc/filesystems", "/proc/swaps", "/proc/sys/kernel/osrelease",
        "/sys/devices/system/cpu/online",
    };

    for (unsigned k = 0; k < sizeof(steady) / sizeof(steady[0]); k++) {
        long n = slurp_by(steady[k], whole, sizeof(whole) - 1), by_7 = slurp_by(steady[k], piece, 7);
        bool same = n > 0 && by_7 == n && !memcmp(whole, piece, (size_t)n);
        int fd = open(steady[k], O_RDONLY);

        for (long at = 0; same && at < n; at += 13) {
            long got = pread(fd, piece, 5, at);
            same = got > 0 && got <= 5 && !memcmp(piece, whole + at, (size_t)got);
        }
        printf("%s: the same in pieces %d, behind its end %ld\n", steady[k], same, (long)pread(fd, piece, 5, n));
        close(fd);
    }
}

struct entry {
    unsigned long ino;
    long off;
    unsigned short size;
    unsigned char type;
    char name[];
};

/* Names of a directory, read with a buffer of this size; "." and ".." first. Counts those whose type is not what lstat says. */
static long names(const char *path, size_t size, char *to, int *wrong)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY);
    static char buf[8192];
    long n, at = 0;

    while ((n = syscall(SYS_getdents64, fd, buf, size)) > 0)
        for (long k = 0; k < n; k += ((struct entry *)(buf + k))->size) {
            struct entry *e = (struct entry *)(buf + k);
            struct stat st;

            at += sprintf(to + at, "%s\n", e->name);
            if (!fstatat(fd, e->name, &st, AT_SYMLINK_NOFOLLOW) && e->type != DT_UNKNOWN && e->type != (st.st_mode & S_IFMT) >> 12)
                ++*wrong;
        }
    close(fd);
    return n < 0 ? -1 : at;
}

static void directories(void)
{
    static const char *const paths[] = {"/proc/self", "/proc/self/ns", "/proc/self/fdinfo", "/proc/self/task", "/proc/sys",
                                        "/sys", "/sys/devices/system/cpu/cpu0/topology", "/sys/devices/system/node"};

    for (unsigned k = 0; k < sizeof(paths) / sizeof(paths[0]); k++) {
        int wrong = 0;
        long n = names(paths[k], 8192, whole, &wrong), small = names(paths[k], 72, piece, &wrong);

        printf("%s: the same in pieces %d, types wrong %d, dots first %d\n", paths[k],
               n > 5 && small == n && !memcmp(whole, piece, (size_t)n), wrong, !memcmp(whole, ".\n..\n", 5));
    }
    int wrong = 0;
    CALL("a buffer too small for a name", names("/proc/self", 16, piece, &wrong));
    DIR *d = opendir("/proc/self");
    readdir(d), readdir(d), readdir(d);
    long at = telldir(d);
    char first[256];
    strcpy(first, readdir(d)->d_name);
    while (readdir(d))
        ;
    seekdir(d, at);
    printf("seekdir leads back: %d\n", !strcmp(first, readdir(d)->d_name));
    rewinddir(d);
    printf("rewinddir: %s\n", readdir(d)->d_name);
    closedir(d);
}

static void waiting(void)
{
    int fd = open("/proc/self/status", O_RDONLY), epoll = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN};

    SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e));
    printf("mmap: %s\n", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? strerrorname_np(errno) : "ok");
    SHOW(fsync(fd));
    close(fd), close(epoll);
}

static void try_open(const char *path, int flags)
{
    int fd = open(path, flags);
    char c;
    long n = fd < 0 ? 0 : flags == O_RDONLY ? (read(fd, &c, 1) < 0 ? -1 : 0) : 0;

    printf("%s %s: %s\n", path, flags == O_RDONLY ? "reading" : "writing", fd < 0 || n < 0 ? strerrorname_np(errno) : "ok");
    if (fd >= 0)
        close(fd);
}

static void as_user(const char *who)
{
    static const char *const read_only[] = {
        "/proc/self/status", "/proc/self/maps", "/proc/self/smaps", "/proc/self/smaps_rollup", "/proc/self/environ",
        "/proc/self/auxv", "/proc/self/mem", "/proc/self/pagemap", "/proc/self/personality", "/proc/self/syscall",
        "/proc/self/mountstats", "/proc/self/cmdline", "/proc/self/fdinfo/0", "/proc/self/limits",
        "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches", "/proc/meminfo",
    };
    static const char *const written[] = {
        "/proc/self/comm", "/proc/self/oom_score_adj", "/proc/self/coredump_filter", "/proc/self/clear_refs",
        "/proc/self/timerslack_ns", "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches", "/proc/sys/vm/overcommit_memory",
        "/proc/version", "/proc/self/status",
    };
    struct stat st;
    int fd;
    DIR *d;

    printf("%s\n", who);
    for (unsigned k = 0; k < sizeof(read_only) / sizeof(read_only[0]); k++)
        try_open(read_only[k], O_RDONLY);
    for (unsigned k = 0; k < sizeof(written) / sizeof(written[0]); k++)
        try_open(written[k], O_WRONLY);
    SHOW(stat("/proc/self/status", &st));
    printf("owner %u:%u\n", st.st_uid, st.st_gid);
    SHOW(stat("/proc/self", &st));
    printf("of the directory %u:%u\n", st.st_uid, st.st_gid);
    d = opendir("/proc/self/fd");
    printf("fd: %s\n", d ? "ok" : strerrorname_np(errno));
    if (d)
        closedir(d);
    SHOW(readlink("/proc/self/exe", whole, sizeof(whole)) > 0);
    SHOW(access("/proc/self/environ", R_OK));
    fd = open("/proc/self/oom_score_adj", O_WRONLY);
    if (fd >= 0) {
        SHOW(write(fd, "100", 3));
        SHOW(write(fd, "50", 2));
        close(fd);
    }
}

int main(void)
{
    texts();
    directories();
    waiting();
    as_user("root");
    if (setgroups(0, NULL) || setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
        return 1;
    as_user("a user, not to be looked into");
    SHOW(prctl(PR_GET_DUMPABLE));
    prctl(PR_SET_DUMPABLE, 1);
    as_user("a user");
    return 0;
}
