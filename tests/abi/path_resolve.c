/* SPDX-License-Identifier: BSD-2-Clause */
/* statx: masks, attributes, kinds of objects; openat2: RESOLVE_* with every shape of a path, flags, sizes. Run as root. */
#include "overlay.h"
#include <linux/openat2.h>
#include <linux/stat.h>
#include <sys/sysmacros.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

static struct statx x;

static void show(int dirfd, const char *path, int flags, unsigned mask)
{
    memset(&x, 0x5a, sizeof(x));
    long r = syscall(SYS_statx, dirfd, path, flags, mask, &x);

    printf("%s flags %x mask %x: ", path ? path : "NULL", flags, mask);
    if (r) {
        printf("%s\n", strerrorname_np(errno));
        return;
    }
    printf("mask %x attributes %llx of %llx mode %o nlink %u uid %u gid %u size %lld blksize %u blocks %lld rdev %u:%u", x.stx_mask & 0x3fff & (mask & (STATX_MTIME | STATX_CTIME) ? ~0u : ~(STATX_MTIME | STATX_CTIME)),
           (long long)x.stx_attributes, (long long)x.stx_attributes_mask & 0x302874ull, x.stx_mode, x.stx_nlink, x.stx_uid, x.stx_gid, S_ISDIR(x.stx_mode) ? 0 : (long long)x.stx_size,
           x.stx_blksize, (long long)x.stx_blocks, x.stx_rdev_major, x.stx_rdev_minor);
    printf(" btime %d mnt %d dio %u %u\n", x.stx_btime.tv_sec != 0 && x.stx_btime.tv_nsec < 1000000000u, x.stx_mnt_id != 0, x.stx_dio_mem_align, x.stx_dio_offset_align);
}

static void masks(void)
{
    static const unsigned list[] = {0, STATX_TYPE, STATX_MODE, STATX_SIZE, STATX_BASIC_STATS, STATX_BTIME, STATX_ALL, STATX_MNT_ID, STATX_DIOALIGN, 0x80000000, ~0u, 0x40000000};

    make_file("f", "text");
    make_dir("d");
    symlink("f", "l");
    mkfifo("fifo", 0600);
    mknod("dev", S_IFCHR | 0600, makedev(4000, 70000));
    for (unsigned k = 0; k < sizeof(list) / sizeof(*list); k++)
        show(AT_FDCWD, "f", 0, list[k]);
    show(AT_FDCWD, "d", 0, STATX_ALL), show(AT_FDCWD, "l", 0, STATX_ALL), show(AT_FDCWD, "l", AT_SYMLINK_NOFOLLOW, STATX_ALL);
    show(AT_FDCWD, "fifo", 0, STATX_ALL), show(AT_FDCWD, "dev", 0, STATX_ALL), show(AT_FDCWD, ".", 0, STATX_ALL), show(AT_FDCWD, "", AT_EMPTY_PATH, STATX_ALL);
    show(AT_FDCWD, "", 0, STATX_ALL), show(AT_FDCWD, NULL, 0, STATX_ALL), show(AT_FDCWD, NULL, AT_EMPTY_PATH, STATX_ALL);
    show(AT_FDCWD, "none", 0, STATX_ALL), show(-1, "f", 0, STATX_ALL), show(-1, "", AT_EMPTY_PATH, STATX_ALL), SHOW(syscall(SYS_statx, -1, "/", 0, 0, &x));
    show(AT_FDCWD, "f", AT_STATX_FORCE_SYNC, STATX_ALL), show(AT_FDCWD, "f", AT_STATX_DONT_SYNC, STATX_ALL), show(AT_FDCWD, "f", AT_STATX_SYNC_TYPE, STATX_ALL);
    show(AT_FDCWD, "f", AT_NO_AUTOMOUNT, STATX_ALL), show(AT_FDCWD, "f", AT_REMOVEDIR, STATX_ALL), show(AT_FDCWD, "f", AT_SYMLINK_FOLLOW, STATX_ALL);
    show(AT_FDCWD, "f", AT_RECURSIVE, STATX_ALL), show(AT_FDCWD, "f", 0x10000, STATX_ALL);
    SHOW(syscall(SYS_statx, AT_FDCWD, "f", 0, STATX_ALL, BAD_PTR));
    SHOW(syscall(SYS_statx, AT_FDCWD, BAD_PTR, 0, STATX_ALL, &x));
    static const char *const others[] = {"/dev/null", "/proc", "/proc/self/status", "/proc/self/fd", "/", "/dev", "/sys"};
    for (unsigned k = 0; k < sizeof(others) / sizeof(*others); k++) {
        if (syscall(SYS_statx, AT_FDCWD, others[k], 0, STATX_ALL, &x))
            printf("%s %s\n", others[k], strerrorname_np(errno));
        else
            printf("%s mask %x root %d mode %o\n", others[k], x.stx_mask & (STATX_BASIC_STATS | STATX_MNT_ID), !!(x.stx_attributes & STATX_ATTR_MOUNT_ROOT), x.stx_mode & S_IFMT);
    }
    int fds[4], p[2];
    if (pipe(p))
        exit(2);
    fds[0] = p[0], fds[1] = socket(AF_UNIX, SOCK_STREAM, 0), fds[2] = epoll_create1(0), fds[3] = eventfd(0, 0);
    for (int k = 0; k < 4; k++)
        show(fds[k], "", AT_EMPTY_PATH, STATX_ALL), show(fds[k], NULL, AT_EMPTY_PATH, STATX_ALL);
    make_dir("m");
    SHOW(mount("t", "m", "tmpfs", 0, NULL));
    show(AT_FDCWD, "m", 0, STATX_ALL), show(AT_FDCWD, "m/.", 0, STATX_ALL), show(AT_FDCWD, "m/..", 0, STATX_ALL);
    SHOW(umount2("m", 0));
    /* a file's birth does not change */
    long long born;
    show(AT_FDCWD, "f", 0, STATX_ALL), born = x.stx_btime.tv_sec * 1000000000ll + x.stx_btime.tv_nsec;
    usleep(15000);
    SHOW(chmod("f", 0600));
    SHOW(utimensat(AT_FDCWD, "f", (struct timespec[]){{1, 0}, {1, 0}}, 0));
    show(AT_FDCWD, "f", 0, STATX_ALL);
    printf("same birth %d, before the change %d\n", born == x.stx_btime.tv_sec * 1000000000ll + x.stx_btime.tv_nsec,
           x.stx_ctime.tv_sec * 1000000000ll + x.stx_ctime.tv_nsec > born);
}

static long open2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
    struct open_how how = {flags, mode, resolve};
    long fd;

    /* openat2(2): ".." is EAGAIN when something is renamed or mounted anywhere meanwhile; the caller tries again. */
    do
        fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
    while (fd < 0 && errno == EAGAIN && !(resolve & RESOLVE_CACHED));
    if (fd >= 0)
        close((int)fd);
    return fd < 0 ? -1 : 0;
}

static void resolving(void)
{
    static const struct {
        const char *name;
        uint64_t flag;
    } kinds[] = {{"none", 0}, {"XDEV", RESOLVE_NO_XDEV}, {"MAGIC", RESOLVE_NO_MAGICLINKS}, {"SYMLINKS", RESOLVE_NO_SYMLINKS}, {"BENEATH", RESOLVE_BENEATH},
                 {"IN_ROOT", RESOLVE_IN_ROOT}, {"BENEATH XDEV", RESOLVE_BENEATH | RESOLVE_NO_XDEV},
                 {"IN_ROOT XDEV", RESOLVE_IN_ROOT | RESOLVE_NO_XDEV}, {"IN_ROOT SYMLINKS", RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS}};
    static const char *const paths[] = {
        "f", "d/f", "d/../f", "..", "../r", "../r/f", "d/../..", "d/../../r/f", "/", "/f", "/..", "/../f", "//f", "lf", "labs", "lroot", "lup", "lout", "ldir/f", "ldir/../f", "m/f", "m/..", "m/../f", "m/lup",
        "/proc/self/fd/0", "proc/self/status", "magic", "magic/f", "none", "lnone", "self", "d/lup2", ".", "", "d/.", "f/", "f/..",
    };
    int r, file;

    make_dir("r"), make_dir("r/d"), make_dir("r/m");
    make_file("r/f", ""), make_file("r/d/f", "");
    symlink("f", "r/lf"), symlink("/f", "r/labs"), symlink("/", "r/lroot"), symlink("d/../f", "r/lup"), symlink("../r/f", "r/lout");
    symlink("d", "r/ldir"), symlink("/none", "r/lnone"), symlink("self", "r/self"), symlink("../../r/f", "r/d/lup2"), symlink("/proc/self/cwd", "r/magic");
    SHOW(mount("t", "r/m", "tmpfs", 0, NULL));
    make_file("r/m/f", ""), symlink("../f", "r/m/lup");
    r = open("r", O_RDONLY), file = open("f", O_RDONLY);
    for (unsigned k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
        for (unsigned p = 0; p < sizeof(paths) / sizeof(*paths); p++) {
            long a = open2(r, paths[p], O_PATH, 0, kinds[k].flag);
            int ea = errno;
            long b = open2(r, paths[p], O_PATH | O_NOFOLLOW, 0, kinds[k].flag);
            int eb = errno;
            long c = open2(AT_FDCWD, paths[p], O_PATH | O_DIRECTORY, 0, kinds[k].flag);
            int ec = errno;

            printf("%s \"%s\": %s %s %s\n", kinds[k].name, paths[p], a ? strerrorname_np(ea) : "ok", b ? strerrorname_np(eb) : "ok", c ? strerrorname_np(ec) : "ok");
        }
    SHOW(open2(file, "x", O_PATH, 0, RESOLVE_BENEATH));
    SHOW(open2(file, "/", O_PATH, 0, RESOLVE_IN_ROOT));
    SHOW(open2(-1, "/", O_PATH, 0, RESOLVE_IN_ROOT));
    SHOW(open2(-1, "/", O_PATH, 0, 0));
    SHOW(open2(r, "new", O_CREAT | O_RDWR, 0600, RESOLVE_BENEATH));
    SHOW(open2(r, "../new", O_CREAT | O_RDWR, 0600, RESOLVE_BENEATH));
    SHOW(open2(r, "/new2", O_CREAT | O_RDWR, 0600, RESOLVE_IN_ROOT));
    SHOW(open2(r, "lout", O_CREAT | O_RDWR, 0600, RESOLVE_BENEATH));
    SHOW(open2(r, "lnone", O_CREAT | O_RDWR, 0600, RESOLVE_IN_ROOT));
    SHOW(open2(r, "lnone", O_CREAT | O_RDWR | O_EXCL, 0600, RESOLVE_IN_ROOT));
    SHOW(open2(r, "../../x", O_CREAT | O_RDWR, 0600, RESOLVE_IN_ROOT));
    SHOW(open2(r, ".", O_TMPFILE | O_RDWR, 0600, RESOLVE_BENEATH));
    SHOW(open2(r, "..", O_TMPFILE | O_RDWR, 0600, RESOLVE_BENEATH));
    SHOW(open2(r, "lf", O_CREAT | O_RDWR, 0600, RESOLVE_NO_SYMLINKS));
    SHOW(unlinkat(r, "new", 0));
    SHOW(unlinkat(r, "new2", 0));
    SHOW(unlinkat(r, "none", 0));
    SHOW(unlinkat(r, "x", 0));
    printf("--- flags\n");
    static const uint64_t flags[] = {O_RDONLY, 3, O_CREAT, O_CREAT | O_DIRECTORY, O_TMPFILE, O_TMPFILE | O_RDWR, O_TMPFILE & ~O_DIRECTORY, O_PATH | O_CREAT, O_PATH | O_TRUNC, O_PATH | O_CLOEXEC,
                                     O_PATH | O_NOFOLLOW | O_DIRECTORY, O_PATH | O_RDWR, O_PATH | O_APPEND, O_PATH | O_NONBLOCK, O_SYNC, O_DSYNC, 04000000, O_NOCTTY, O_ASYNC, O_DIRECT, O_LARGEFILE | 0100000,
                                     O_EXCL, O_TRUNC, 1u << 31, 1ull << 32, 1ull << 63, O_NOATIME, 0x4, 0x10, 1 << 23, 1 << 24, 1 << 25};
    for (unsigned k = 0; k < sizeof(flags) / sizeof(*flags); k++) {
        printf("%llx:", (long long)flags[k]);
        for (int mode = 0; mode < 3; mode++) {
            static const uint64_t modes[] = {0, 0600, 010000};

            printf(" %s", open2(r, "f", flags[k], modes[mode], 0) ? strerrorname_np(errno) : "ok");
        }
        long old = openat(r, "f", (int)flags[k], 0600);
        printf(" openat %s %lx\n", old < 0 ? strerrorname_np(errno) : "ok", old < 0 ? 0l : (long)fcntl((int)old, F_GETFL));
        if (old >= 0)
            close((int)old);
    }
    static const uint64_t resolves[] = {0x20, 0x40, 0x80, 1ull << 32, RESOLVE_BENEATH | RESOLVE_IN_ROOT, RESOLVE_CACHED, RESOLVE_CACHED | RESOLVE_BENEATH};
    for (unsigned k = 0; k < sizeof(resolves) / sizeof(*resolves); k++)
        printf("resolve %llx: %s\n", (long long)resolves[k], open2(r, "f", 0, 0, resolves[k]) ? strerrorname_np(errno) : "ok");
    SHOW(open2(r, "f", O_TRUNC | O_RDWR, 0, RESOLVE_CACHED));
    SHOW(open2(r, "f", O_CREAT | O_RDWR, 0600, RESOLVE_CACHED));
    SHOW(open2(r, ".", O_TMPFILE | O_RDWR, 0600, RESOLVE_CACHED));
    /* A path that may not leave is refused before the descriptor is looked at, one that stays within is not. */
    SHOW(open2(-1, "/f", 0, 0, RESOLVE_BENEATH));
    SHOW(open2(-1, "/", O_PATH, 0, RESOLVE_BENEATH | RESOLVE_NO_XDEV));
    SHOW(open2(-1, "/f", 0, 0, RESOLVE_IN_ROOT));
    SHOW(open2(-1, "/", 0, 0, 0));
    SHOW(open2(-1, "f", 0, 0, RESOLVE_BENEATH));
    SHOW(open2(file, "/f", 0, 0, RESOLVE_BENEATH));
    SHOW(open2(file, "/f", 0, 0, RESOLVE_IN_ROOT));
    SHOW(open2(file, "f", 0, 0, RESOLVE_BENEATH));
    char big[5000] = {0};
    SHOW(syscall(SYS_openat2, r, "f", big, 0));
    SHOW(syscall(SYS_openat2, r, "f", big, 23));
    SHOW(syscall(SYS_openat2, r, "f", big, 4097));
    SHOW(syscall(SYS_openat2, r, "f", NULL, 24));
    big[25] = 1;
    SHOW(syscall(SYS_openat2, r, "f", big, 25) < 0 ? -1 : 0);
    SHOW(syscall(SYS_openat2, r, "f", big, 32));
    SHOW(syscall(SYS_openat2, r, "f", big, 4096));
    SHOW(umount2("r/m", 0));
    close(r), close(file);
}

static void edges(void)
{
    struct { unsigned bytes; int type; unsigned char data[128]; } h = {128, 0, {0}};
    int id = 0;

    SHOW(syscall(SYS_name_to_handle_at, AT_FDCWD, "f", &h, &id, 0x8));
    SHOW(syscall(SYS_name_to_handle_at, AT_FDCWD, "none", &h, &id, 0));
    SHOW(syscall(SYS_name_to_handle_at, AT_FDCWD, "", &h, &id, 0));
    SHOW(syscall(SYS_name_to_handle_at, -1, "", &h, &id, AT_EMPTY_PATH));
    SHOW(syscall(SYS_ustat, 0, &h));
}

int main(void)
{
    enter_layers("size=8m");
    masks();
    resolving();
    edges();
    leave_layers();
    return 0;
}
