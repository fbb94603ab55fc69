/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every call that takes a path, with every shape a path can have: plain names, trailing slashes, dots, links to all of these,
 * names that miss. Each call starts from the same tree. With the argument "here" it works in the current directory, for
 * file systems other than tmpfs. Run as root.
 */
#include "file_check.h"
#include <dirent.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

static const char *const shapes[] = {
    "f", "f/", "f/.", "f/..", "f/x", "d", "d/", "d//", "d/.", "d/..", "d/x", "d/x/", "d/x/y", "full", "full/", "full/.",
    "lf", "lf/", "lf/.", "ld", "ld/", "ld/.", "ld/..", "ld/x", "dang", "dang/", "dang/.", "dang/x", "deep", "deep/", "self",
    "self/", "self/x", "none", "none/", "none/.", "none/..", "none/x", "fs", "ds", "ns", "ds/", "ns/", "", ".", "./", "..",
    "../", "/", "//", "/.", "/..", "fifo", "fifo/", "fifo/..", "lfifo", "abs", "abs/", "proc", "proc/", "...", "f ", "d/../f",
};
#define SHAPES (sizeof(shapes) / sizeof(*shapes))

static void clear(const char *path)
{
    DIR *d = opendir(path);

    for (struct dirent *e; d && (e = readdir(d));) {
        char name[600];

        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
        if (unlink(name) && errno == EISDIR) {
            clear(name);
            if (rmdir(name))
                perror(name);
        }
    }
    if (d)
        closedir(d);
}

static void build(void)
{
    char here[PATH_MAX];

    clear(".");
    make_file("f", "text");
    make_file("g", "other");
    mkdir("d", 0755);
    mkdir("e", 0755);
    mkdir("full", 0755);
    make_file("full/in", "");
    symlink("f", "lf");
    symlink("d", "ld");
    symlink("missing", "dang");
    symlink("none/missing", "deep");
    symlink("self", "self");
    symlink("f/", "fs");
    symlink("d/", "ds");
    symlink("missing/", "ns");
    mkfifo("fifo", 0644);
    symlink("fifo", "lfifo");
    symlink("/proc/self/cwd", "proc");
    if (getcwd(here, sizeof(here) - 10)) {
        strcat(here, "/d");
        symlink(here, "abs");
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names there are, as letters of their types: what a call that went well has changed. */
static void digest(const char *path, unsigned *sum)
{
    DIR *d = opendir(path);
    char *names[64];
    int n = 0;

    for (struct dirent *e; d && (e = readdir(d));)
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") && n < 64)
            names[n++] = strdup(e->d_name);
    if (d)
        closedir(d);
    qsort(names, n, sizeof(*names), by_name);
    for (int k = 0; k < n; k++) {
        char name[600];
        struct stat st;

        snprintf(name, sizeof(name), "%s/%s", path, names[k]);
        lstat(name, &st);
        for (const char *c = name; *c; c++)
            *sum = *sum * 31 + (unsigned char)*c;
        *sum = *sum * 31 + st.st_mode;
        if (!S_ISDIR(st.st_mode))
            *sum = (*sum * 31 + (unsigned)st.st_nlink) * 31 + (S_ISLNK(st.st_mode) ? 0 : (unsigned)st.st_size);
        if (S_ISDIR(st.st_mode))
            digest(name, sum);
        free(names[k]);
    }
}

static int home; /* the directory that the tree is in */

static void each(const char *what, long (*call)(const char *path))
{
    printf("%s:\n", what);
    for (unsigned k = 0; k < SHAPES; k++) {
        unsigned before = 0, after = 0;
        long r;

        build();
        digest(".", &before);
        r = call(shapes[k]);
        printf("  \"%s\" %s", shapes[k], r < 0 ? strerrorname_np(errno) : "ok");
        if (r > 2) /* a descriptor */
            close((int)r);
        if (fchdir(home))
            exit(3);
        digest(".", &after);
        printf(before == after ? "\n" : " %u\n", after);
    }
}

/* "/" is the host's when the test runs there. */
static int is_root(const char *p)
{
    return p[0] == '/';
}

#define OPENER(name, flags) \
    static long name(const char *p) { return open(p, (flags) | O_NONBLOCK, 0640); }
OPENER(open_read, O_RDONLY)
OPENER(open_write, O_WRONLY)
OPENER(open_both, O_RDWR)
OPENER(open_trunc, O_RDONLY | O_TRUNC)
OPENER(open_directory, O_DIRECTORY)
OPENER(open_directory_write, O_DIRECTORY | O_WRONLY)
OPENER(open_nofollow, O_NOFOLLOW)
OPENER(open_nofollow_directory, O_NOFOLLOW | O_DIRECTORY)
OPENER(open_create, O_CREAT | O_RDWR)
OPENER(open_create_read, O_CREAT | O_RDONLY)
OPENER(open_create_excl, O_CREAT | O_EXCL | O_RDWR)
OPENER(open_create_nofollow, O_CREAT | O_NOFOLLOW | O_RDWR)
OPENER(open_create_trunc, O_CREAT | O_TRUNC | O_WRONLY)
OPENER(open_create_directory, O_CREAT | O_DIRECTORY)
OPENER(open_tmpfile, O_TMPFILE | O_RDWR)
OPENER(open_tmpfile_read, O_TMPFILE | O_RDONLY)
OPENER(open_tmpfile_nofollow, O_TMPFILE | O_RDWR | O_NOFOLLOW)
OPENER(open_path, O_PATH)
OPENER(open_path_nofollow, O_PATH | O_NOFOLLOW)
OPENER(open_path_directory, O_PATH | O_DIRECTORY)
OPENER(open_path_both, O_PATH | O_DIRECTORY | O_NOFOLLOW)
OPENER(open_path_create, O_PATH | O_CREAT)

static long call_mkdir(const char *p) { return mkdir(p, 0750); }
static long call_rmdir(const char *p) { return rmdir(p); }
static long call_unlink(const char *p) { return unlink(p); }
static long call_removedir(const char *p) { return unlinkat(AT_FDCWD, p, AT_REMOVEDIR); }
static long call_mknod(const char *p) { return mknod(p, S_IFREG | 0640, 0); }
static long call_mkfifo(const char *p) { return mkfifo(p, 0640); }
static long call_symlink(const char *p) { return symlink("f", p); }
static long call_link_from(const char *p) { return link(p, "new"); }
static long call_link_follow(const char *p) { return linkat(AT_FDCWD, p, AT_FDCWD, "new", AT_SYMLINK_FOLLOW); }
static long call_link_to(const char *p) { return link("g", p); }
static long call_link_slash(const char *p) { return link(p, "new/"); }
static long call_rename_from(const char *p) { return rename(p, "new"); }
static long call_rename_slash(const char *p) { return rename(p, "new/"); }
static long call_rename_below(const char *p) { return rename(p, "e/new"); }
static long call_rename_over_file(const char *p) { return rename(p, "g"); }
static long call_rename_over_dir(const char *p) { return rename(p, "e"); }
static long call_rename_over_full(const char *p) { return rename(p, "full"); }
static long call_rename_to(const char *p) { return rename("g", p); }
static long call_rename_dir_to(const char *p) { return rename("e", p); }
static long call_rename_dir_slash_to(const char *p) { return rename("e/", p); }
static long call_rename_full_to(const char *p) { return rename("full", p); }
static long call_noreplace(const char *p) { return renameat2(AT_FDCWD, "g", AT_FDCWD, p, RENAME_NOREPLACE); }
static long call_noreplace_dir(const char *p) { return renameat2(AT_FDCWD, "e", AT_FDCWD, p, RENAME_NOREPLACE); }
static long call_exchange(const char *p) { return renameat2(AT_FDCWD, "g", AT_FDCWD, p, RENAME_EXCHANGE); }
static long call_exchange_dir(const char *p) { return renameat2(AT_FDCWD, "full/", AT_FDCWD, p, RENAME_EXCHANGE); }
static long call_exchange_back(const char *p) { return renameat2(AT_FDCWD, p, AT_FDCWD, "full/in", RENAME_EXCHANGE); }
static long call_whiteout(const char *p) { return renameat2(AT_FDCWD, p, AT_FDCWD, "new", RENAME_WHITEOUT); }

static struct stat st;
static char text[300];
static long call_stat(const char *p) { return stat(p, &st); }
static long call_lstat(const char *p) { return lstat(p, &st); }
static long call_access(const char *p) { return access(p, F_OK); }
static long call_access_x(const char *p) { return access(p, X_OK); }
static long call_readlink(const char *p) { return readlink(p, text, sizeof(text)) < 0 ? -1 : 0; }
static long call_chdir(const char *p) { return chdir(p); }
static long call_chmod(const char *p) { return is_root(p) ? 0 : chmod(p, 0700); }
static long call_lchmod(const char *p) { return is_root(p) ? 0 : syscall(452, AT_FDCWD, p, 0700, AT_SYMLINK_NOFOLLOW); }
static long call_chown(const char *p) { return is_root(p) ? 0 : chown(p, 7, 7); }
static long call_lchown(const char *p) { return is_root(p) ? 0 : lchown(p, 7, 7); }
static long call_truncate(const char *p) { return truncate(p, 9); }
static long call_utimes(const char *p) { return is_root(p) ? 0 : utimensat(AT_FDCWD, p, NULL, 0); }
static long call_lutimes(const char *p) { return is_root(p) ? 0 : utimensat(AT_FDCWD, p, NULL, AT_SYMLINK_NOFOLLOW); }
static long call_statfs(const char *p) { struct statfs s; return statfs(p, &s); }
static long call_statx(const char *p) { struct statx s; return statx(AT_FDCWD, p, 0, STATX_BASIC_STATS, &s); }
static long call_setxattr(const char *p) { return is_root(p) ? 0 : setxattr(p, "user.a", "b", 1, 0); }
static long call_lsetxattr(const char *p) { return is_root(p) ? 0 : lsetxattr(p, "user.a", "b", 1, 0); }
static long call_getxattr(const char *p) { return getxattr(p, "user.a", text, 1); }
static long call_llistxattr(const char *p) { return llistxattr(p, text, 0) < 0 ? -1 : 0; }
static long call_execve(const char *p) { char *none[] = {NULL}; return execve(p, none, none); }
static long call_umount(const char *p) { return is_root(p) ? 0 : umount2(p, 0); }
static long call_umount_nofollow(const char *p) { return is_root(p) ? 0 : umount2(p, UMOUNT_NOFOLLOW); }

int main(int argc, char **argv)
{
    if (argc < 2)
        enter_scratch();
    umask(022);
    if (mkdir("w", 0755) || chdir("w"))
        exit(2);
    home = open(".", O_RDONLY);
    each("open", open_read);
    each("open O_WRONLY", open_write);
    each("open O_RDWR", open_both);
    each("open O_TRUNC", open_trunc);
    each("open O_DIRECTORY", open_directory);
    each("open O_DIRECTORY | O_WRONLY", open_directory_write);
    each("open O_NOFOLLOW", open_nofollow);
    each("open O_NOFOLLOW | O_DIRECTORY", open_nofollow_directory);
    each("open O_CREAT | O_RDWR", open_create);
    each("open O_CREAT", open_create_read);
    each("open O_CREAT | O_EXCL", open_create_excl);
    each("open O_CREAT | O_NOFOLLOW", open_create_nofollow);
    each("open O_CREAT | O_TRUNC", open_create_trunc);
    each("open O_CREAT | O_DIRECTORY", open_create_directory);
    each("open O_TMPFILE", open_tmpfile);
    each("open O_TMPFILE to read", open_tmpfile_read);
    each("open O_TMPFILE | O_NOFOLLOW", open_tmpfile_nofollow);
    each("open O_PATH", open_path);
    each("open O_PATH | O_NOFOLLOW", open_path_nofollow);
    each("open O_PATH | O_DIRECTORY", open_path_directory);
    each("open O_PATH | O_DIRECTORY | O_NOFOLLOW", open_path_both);
    each("open O_PATH | O_CREAT", open_path_create);
    each("mkdir", call_mkdir);
    each("rmdir", call_rmdir);
    each("unlink", call_unlink);
    each("unlinkat AT_REMOVEDIR", call_removedir);
    each("mknod", call_mknod);
    each("mkfifo", call_mkfifo);
    each("symlink", call_symlink);
    each("link from", call_link_from);
    each("link from, following", call_link_follow);
    each("link to", call_link_to);
    each("link to a name with a slash", call_link_slash);
    each("rename from", call_rename_from);
    each("rename to a name with a slash", call_rename_slash);
    each("rename to another directory", call_rename_below);
    each("rename over a file", call_rename_over_file);
    each("rename over a directory", call_rename_over_dir);
    each("rename over a full directory", call_rename_over_full);
    each("rename to", call_rename_to);
    each("rename a directory to", call_rename_dir_to);
    each("rename a directory with a slash to", call_rename_dir_slash_to);
    each("rename a full directory to", call_rename_full_to);
    each("RENAME_NOREPLACE", call_noreplace);
    each("RENAME_NOREPLACE of a directory", call_noreplace_dir);
    each("RENAME_EXCHANGE", call_exchange);
    each("RENAME_EXCHANGE of a directory", call_exchange_dir);
    each("RENAME_EXCHANGE with a file below", call_exchange_back);
    each("RENAME_WHITEOUT", call_whiteout);
    each("stat", call_stat);
    each("lstat", call_lstat);
    each("statx", call_statx);
    each("access", call_access);
    each("access X_OK", call_access_x);
    each("readlink", call_readlink);
    each("chdir", call_chdir);
    each("chmod", call_chmod);
    each("fchmodat2 AT_SYMLINK_NOFOLLOW", call_lchmod);
    each("chown", call_chown);
    each("lchown", call_lchown);
    each("truncate", call_truncate);
    each("utimensat", call_utimes);
    each("utimensat AT_SYMLINK_NOFOLLOW", call_lutimes);
    each("statfs", call_statfs);
    each("setxattr", call_setxattr);
    each("lsetxattr", call_lsetxattr);
    each("getxattr", call_getxattr);
    each("llistxattr", call_llistxattr);
    each("execve", call_execve);
    each("umount2", call_umount);
    each("umount2 UMOUNT_NOFOLLOW", call_umount_nofollow);
    clear(".");
    if (chdir("..") || rmdir("w"))
        perror("w");
    if (argc < 2)
        leave_scratch();
    return 0;
}
