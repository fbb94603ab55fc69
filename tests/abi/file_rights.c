/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may do what to a file: every call by root, by owner, group and others, with single capabilities; set-id bits on write,
 * truncate, chown, chmod, link and creation; sticky and set-group-id directories; umask. Run as root.
 */
#include "file_check.h"
#include <grp.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <sys/mman.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/xattr.h>

static void become(int uid, int gid, const gid_t *groups, int n, uint64_t caps)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {{0}};

    syscall(SYS_setresuid, -1, 0, -1);
    /* all of them back */
    syscall(SYS_capget, &h, d);
    d[0].effective = d[0].permitted, d[1].effective = d[1].permitted;
    syscall(SYS_capset, &h, d);
    syscall(SYS_setgroups, n, groups);
    syscall(SYS_setresgid, -1, gid, -1);
    syscall(SYS_setresuid, -1, uid, -1);
    h.version = _LINUX_CAPABILITY_VERSION_3;
    syscall(SYS_capget, &h, d);
    d[0].effective = (uint32_t)caps & d[0].permitted, d[1].effective = (uint32_t)(caps >> 32) & d[1].permitted;
    if (syscall(SYS_capset, &h, d))
        perror("capset");
}

static void root(void)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {{0}};

    syscall(SYS_setresuid, -1, 0, -1);
    syscall(SYS_capget, &h, d);
    d[0].effective = d[0].permitted, d[1].effective = d[1].permitted;
    syscall(SYS_capset, &h, d);
    syscall(SYS_setresgid, -1, 0, -1);
    syscall(SYS_setgroups, 0, NULL);
}

#define CAP(x) (1ull << CAP_##x)
static const struct who {
    const char *name;
    int uid, gid, group;
    uint64_t caps;
} people[] = {
    {"root", 0, 0, -1, ~0ull},
    {"root without capabilities", 0, 0, -1, 0},
    {"owner", 1000, 5000, -1, 0},
    {"owner in the group", 1000, 2000, -1, 0},
    {"group", 1001, 2000, -1, 0},
    {"supplementary group", 1001, 3000, 2000, 0},
    {"other", 1002, 3000, -1, 0},
    {"DAC_OVERRIDE", 1002, 3000, -1, CAP(DAC_OVERRIDE)},
    {"DAC_READ_SEARCH", 1002, 3000, -1, CAP(DAC_READ_SEARCH)},
    {"FOWNER", 1002, 3000, -1, CAP(FOWNER)},
    {"CHOWN", 1002, 3000, -1, CAP(CHOWN)},
    {"FSETID", 1000, 5000, -1, CAP(FSETID)},
    {"MKNOD", 1002, 3000, -1, CAP(MKNOD)},
};

static int fd;
static char text[100];
static long ok(long r)
{
    if (r > 2)
        close((int)r);
    return r < 0 ? -1 : 0;
}

#define C(name, expr) static long name(void) { return (expr); }
C(read_it, ok(open("f", O_RDONLY)))
C(write_it, ok(open("f", O_WRONLY)))
C(noatime, ok(open("f", O_RDONLY | O_NOATIME)))
C(trunc_it, ok(open("f", O_RDONLY | O_TRUNC)))
C(path_it, ok(open("f", O_PATH)))
C(create_it, ok(open("f", O_CREAT | O_RDWR, 0600)))
C(access_r, access("f", R_OK))
C(access_x, access("f", X_OK))
C(eaccess_w, faccessat(AT_FDCWD, "f", W_OK, AT_EACCESS))
C(eaccess_x, syscall(SYS_faccessat2, AT_FDCWD, "f", X_OK, AT_EACCESS))
C(chmod_plain, chmod("f", 0604))
C(chmod_setid, chmod("f", 06775))
C(chmod_sticky, chmod("f", 01755))
C(chown_same, chown("f", 1000, 2000))
C(chown_none, chown("f", -1, -1))
C(chown_uid, chown("f", 1002, -1))
C(chown_gid_own, chown("f", -1, 3000))
C(chown_gid_2000, chown("f", -1, 2000))
C(chown_gid_5000, chown("f", -1, 5000))
C(chown_dir, chown("d", -1, 5000))
C(truncate_it, truncate("f", 1))
C(truncate_same, truncate("f", 4))
C(utimes_now, utimensat(AT_FDCWD, "f", NULL, 0))
static struct timespec t2[2] = {{1, 2}, {3, 4}}, t_omit[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}}, t_half[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}},
                       t_now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
C(utimes_set, utimensat(AT_FDCWD, "f", t2, 0))
C(utimes_omit, utimensat(AT_FDCWD, "f", t_omit, 0))
C(utimes_half, utimensat(AT_FDCWD, "f", t_half, 0))
C(utimes_nows, utimensat(AT_FDCWD, "f", t_now, 0))
C(set_user, setxattr("f", "user.a", "b", 1, 0))
C(get_user, ok(getxattr("f", "user.a", text, 9)))
C(set_user_dir, setxattr("d", "user.a", "b", 1, 0))
C(set_user_sticky, setxattr("s", "user.a", "b", 1, 0))
C(set_trusted, setxattr("f", "trusted.a", "b", 1, 0))
C(get_trusted, ok(getxattr("f", "trusted.b", text, 9)))
C(set_security, setxattr("f", "security.a", "b", 1, 0))
C(list_it, listxattr("f", text, 100))
C(link_it, link("f", "w/l"))
C(link_setid, link("setid", "w/l"))
C(link_fifo, link("fifo", "w/l"))
C(unlink_it, unlink("d/f"))
C(unlink_sticky, unlink("s/f"))
C(unlink_sticky_mine, unlink("s/m"))
C(rmdir_sticky, rmdir("s/d"))
C(rename_sticky, rename("s/f", "s/x"))
C(rename_over_sticky, rename("w/m", "s/f"))
C(rename_into, rename("w/m", "d/m"))
C(rename_dir, rename("w/dir", "w2/dir"))
C(rename_dir_same, rename("w/dir", "w/dir2"))
C(exchange_sticky, renameat2(AT_FDCWD, "s/f", AT_FDCWD, "s/m", RENAME_EXCHANGE))
C(whiteout, renameat2(AT_FDCWD, "w/m", AT_FDCWD, "w/m2", RENAME_WHITEOUT))
C(mkdir_w, mkdir("w/new", 07777))
C(mkdir_d, mkdir("d/new", 0777))
C(mkdir_sg, mkdir("sg/new", 0777))
C(create_sg, ok(open("sg/new", O_CREAT | O_RDWR, 06777)))
C(create_sg_mask, (umask(077), fd = open("sg/new", O_CREAT | O_RDWR, 02777), umask(022), ok(fd)))
C(create_sg_nox, ok(open("sg/new", O_CREAT | O_RDWR, 02767)))
C(tmpfile_sg, (fd = open("sg", O_TMPFILE | O_RDWR, 02777), ok(fd) < 0 ? -1 : 0))
C(mknod_sg, mknod("sg/new", S_IFIFO | 02777, 0))
C(symlink_sg, symlink("x", "sg/new"))
C(mknod_dev, mknod("w/new", S_IFCHR | 0600, 0x103))
C(mknod_whiteout, mknod("w/new", S_IFCHR | 0600, 0))
C(mknod_sock, mknod("w/new", S_IFSOCK | 0600, 0))
C(write_setid, (fd = open("setid", O_WRONLY)) < 0 ? -1 : (int)write(fd, "x", 1) + 0 * close(fd))
C(write_none, (fd = open("setid", O_WRONLY)) < 0 ? -1 : (int)write(fd, "x", 0) + 0 * close(fd))
C(trunc_setid, ok(open("setid", O_WRONLY | O_TRUNC)))
C(truncate_setid, truncate("setid", 2))
C(fallocate_setid, (fd = open("setid", O_WRONLY)) < 0 ? -1 : fallocate(fd, 0, 0, 10) + 0 * close(fd))
C(chown_setid, chown("setid", -1, 2000))
C(chown_setid_none, chown("setid", -1, -1))
C(chown_setgid_nox, chown("nox", 1000, 2000))
C(write_nox, (fd = open("nox", O_WRONLY)) < 0 ? -1 : (int)write(fd, "x", 1) + 0 * close(fd))
C(chmod_setid_dir, chmod("sg", 02770))
C(chown_setid_dir, chown("sg", -1, 2000))
C(search, access("closed/f", F_OK))
C(search_eff, faccessat(AT_FDCWD, "closed/f", F_OK, AT_EACCESS))
C(chdir_closed, chdir("closed"))
C(list_closed, ok(open("closed", O_RDONLY)))
C(open_below, ok(open("closed/f", O_RDONLY)))
C(fsuid_open, (setfsuid(1000), fd = open("f", O_RDWR), setfsuid(geteuid()), ok(fd)))

#define E(x) {#x, x}
static const struct {
    const char *name;
    long (*call)(void);
} calls[] = {
    E(read_it), E(write_it), E(noatime), E(trunc_it), E(path_it), E(create_it), E(access_r), E(access_x), E(eaccess_w), E(eaccess_x),
    E(chmod_plain), E(chmod_setid), E(chmod_sticky), E(chown_same), E(chown_none), E(chown_uid), E(chown_gid_own),
    E(chown_gid_2000), E(chown_gid_5000), E(chown_dir), E(truncate_it), E(truncate_same), E(utimes_now), E(utimes_set),
    E(utimes_omit), E(utimes_half), E(utimes_nows), E(set_user), E(get_user), E(set_user_dir), E(set_user_sticky), E(set_trusted),
    E(get_trusted), E(set_security), E(list_it), E(link_it), E(link_setid), E(link_fifo), E(unlink_it), E(unlink_sticky),
    E(unlink_sticky_mine), E(rmdir_sticky), E(rename_sticky), E(rename_over_sticky), E(rename_into), E(rename_dir),
    E(rename_dir_same), E(exchange_sticky), E(whiteout), E(mkdir_w), E(mkdir_d), E(mkdir_sg), E(create_sg), E(create_sg_mask),
    E(create_sg_nox), E(tmpfile_sg), E(mknod_sg), E(symlink_sg), E(mknod_dev), E(mknod_whiteout), E(mknod_sock), E(write_setid),
    E(write_none), E(trunc_setid), E(truncate_setid), E(fallocate_setid), E(chown_setid), E(chown_setid_none), E(chown_setgid_nox),
    E(write_nox), E(chmod_setid_dir), E(chown_setid_dir), E(search), E(search_eff), E(chdir_closed), E(list_closed), E(open_below),
    E(fsuid_open),
};

static void dir(const char *name, int mode, int uid, int gid)
{
    if (mkdir(name, 0700) || chown(name, uid, gid) || chmod(name, mode))
        perror(name);
}

static void file(const char *name, int mode, int uid, int gid)
{
    make_file(name, "text");
    if (chown(name, uid, gid) || chmod(name, mode))
        perror(name);
}

static const char *const all[] = {
    "f", "setid", "nox", "fifo", "d/f", "d/m", "d/new", "s/f", "s/m", "s/x", "s/d", "w/m", "w/m2", "w/l", "w/dir", "w/dir2",
    "w/new", "w2/dir", "sg/new", "closed/f", "d", "s", "w", "w2", "sg", "closed",
};
#define ALL (sizeof(all) / sizeof(*all))

static void build(int mode)
{
    for (unsigned k = 0; k < ALL; k++)
        if (unlink(all[k]) && errno == EISDIR)
            rmdir(all[k]);
    file("f", mode, 1000, 2000);
    setxattr("f", "user.a", "b", 1, 0);
    setxattr("f", "trusted.b", "b", 1, 0);
    file("setid", 06777, 1000, 2000);
    file("nox", 02666, 1000, 2000);
    mkfifo("fifo", 0666);
    dir("d", 0755, 1000, 2000);
    dir("s", 01777, 1000, 2000);
    dir("w", 0777, 0, 0);
    dir("w2", 0777, 0, 0);
    dir("sg", 02777, 0, 2000);
    dir("closed", 0600, 1000, 2000);
    file("d/f", 0644, 1000, 2000);
    file("s/f", 0666, 0, 0);
    file("s/m", 0666, 1002, 3000);
    dir("s/d", 0755, 1001, 2000);
    file("w/m", 0666, 1002, 3000);
    dir("w/dir", 0755, 1000, 2000);
    file("closed/f", 0666, 0, 0);
}

/* What a call left behind: modes and owners. */
static void show_state(void)
{
    static char before[4000];
    char now[4000] = "", *at = now;
    struct stat st;

    for (unsigned k = 0; k < ALL; k++)
        if (!lstat(all[k], &st))
            at += sprintf(at, " %s %o %d:%d %ld;", all[k], st.st_mode, st.st_uid, st.st_gid, S_ISDIR(st.st_mode) ? 0 : (long)st.st_size);
    if (!before[0]) {
        strcpy(before, now);
        return;
    }
    /* only what changed */
    for (char *n = now, *b = before; *n || *b;) {
        char *ne = strchrnul(n, ';'), *be = strchrnul(b, ';');

        if (ne - n == be - b && !strncmp(n, b, ne - n)) {
            n = ne + !!*ne, b = be + !!*be;
            continue;
        }
        char *bs = strchr(b + 1, ' '), *ns = strchr(n + 1, ' ');
        if (bs && ns && bs - b == ns - n && !strncmp(n, b, ns - n)) {
            printf("%.*s", (int)(ne - n), n);
            n = ne + !!*ne, b = be + !!*be;
        } else if (*b && (!*n || !strstr(now, ({ static char w[50]; snprintf(w, sizeof(w), "%.*s ", (int)(bs - b), b); w; })))) {
            printf(" -%.*s", (int)(bs - b - 1), b + 1);
            b = be + !!*be;
        } else {
            printf(" +%.*s", (int)(ne - n), n);
            n = ne + !!*ne;
        }
    }
    before[0] = 0;
}

int main(void)
{
    static const int modes[] = {0750, 0044, 0404};

    enter_scratch();
    if (chmod(".", 0777))
        exit(2);
    int home = open(".", O_RDONLY);
    for (unsigned m = 0; m < 3; m++)
        for (unsigned c = 0; c < sizeof(calls) / sizeof(*calls); c++) {
            if (m && c > 34)
                continue;
            for (unsigned p = 0; p < sizeof(people) / sizeof(*people); p++) {
                const struct who *w = &people[p];
                gid_t g = (gid_t)w->group;
                long r;
                int e;

                build(modes[m]);
                show_state();
                become(w->uid, w->gid, &g, w->group >= 0, w->caps);
                r = calls[c].call();
                e = errno;
                root();
                if (fchdir(home))
                    exit(2);
                printf("%o %s, %s: %s", modes[m], calls[c].name, w->name, r < 0 ? strerrorname_np(e) : "ok");
                show_state();
                printf("\n");
            }
        }
    for (unsigned k = 0; k < ALL; k++)
        if (unlink(all[k]) && errno == EISDIR)
            rmdir(all[k]);
    leave_scratch();
    return 0;
}
