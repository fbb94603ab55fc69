/* SPDX-License-Identifier: BSD-2-Clause */
/* Extended attributes: namespaces, kinds of files, sizes, flags, lists, the l- and f-forms, ACL names. Run as root. */
#include "file_check.h"
#include <sys/mman.h>
#include <sys/xattr.h>

static char value[70000], name[600], list[70000];

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The list in order of names. */
static void show_list(const char *path)
{
    char *names[50];
    int count = 0;
    ssize_t n = llistxattr(path, list, sizeof(list));

    printf("%s %zd:", path, n);
    for (ssize_t at = 0; at < n && count < 50; at += (ssize_t)strlen(list + at) + 1)
        names[count++] = list + at;
    qsort(names, count, sizeof(*names), by_name);
    for (int k = 0; k < count; k++)
        printf(" %s", names[k]);
    printf("\n");
}

static void namespaces(const char *path)
{
    static const char *const names[] = {
        "user.a", "user.", "user", "trusted.a", "trusted.", "security.a", "security.", "security.capability", "security.selinux", "security.ima", "security.evm", "security.apparmor", "system.a", "system.",
        "system.nfs4_acl", "btrfs.a", "os2.a", "a", "", ".", "User.a", "trusted.overlay.opaque", "user.overlay.opaque", "user..", "user.a/b", "user.\n",
    };

    printf("--- %s\n", path);
    for (unsigned k = 0; k < sizeof(names) / sizeof(*names); k++) {
        printf("\"%s\"\n", names[k]);
        SHOW(lgetxattr(path, names[k], value, 100));
        SHOW(lsetxattr(path, names[k], "value", 5, 0));
        SHOW(lgetxattr(path, names[k], value, 100));
        SHOW(lremovexattr(path, names[k]));
        SHOW(lremovexattr(path, names[k]));
        SHOW(lsetxattr(path, names[k], "value", 5, XATTR_REPLACE));
    }
    show_list(path);
}

static void sizes(void)
{
    SHOW(setxattr("f", "user.a", "12345", 5, 0));
    SHOW(getxattr("f", "user.a", value, 4));
    SHOW(getxattr("f", "user.a", value, 5));
    SHOW(getxattr("f", "user.a", value, 0));
    SHOW(getxattr("f", "user.a", NULL, 0));
    SHOW(getxattr("f", "user.a", NULL, 10));
    SHOW(getxattr("f", "user.a", BAD_PTR, 10));
    SHOW(getxattr("f", "user.a", value, 1 << 30));
    SHOW(getxattr("f", "user.a", value, (size_t)-1));
    SHOW(setxattr("f", "user.a", "x", 1, XATTR_CREATE));
    SHOW(setxattr("f", "user.b", "x", 1, XATTR_REPLACE));
    SHOW(setxattr("f", "user.b", "x", 1, XATTR_CREATE | XATTR_REPLACE));
    SHOW(setxattr("f", "user.a", "x", 1, XATTR_CREATE | XATTR_REPLACE));
    SHOW(setxattr("f", "user.a", "x", 1, 4));
    SHOW(setxattr("f", "user.a", "", 0, 0));
    SHOW(getxattr("f", "user.a", value, 5));
    SHOW(setxattr("f", "user.a", NULL, 0, 0));
    SHOW(getxattr("f", "user.a", value, 5));
    SHOW(setxattr("f", "user.a", NULL, 5, 0));
    SHOW(setxattr("f", "user.a", BAD_PTR, 5, 0));
    SHOW(setxattr("f", "user.a", BAD_PTR, 70000, 0));
    SHOW(setxattr("f", "user.a", value, 65536, 0));
    SHOW(getxattr("f", "user.a", value, 65536));
    SHOW(getxattr("f", "user.a", value, 65535));
    SHOW(getxattr("f", "user.a", value, 70000));
    SHOW(setxattr("f", "user.a", value, 65537, 0));
    SHOW(setxattr("f", "user.a", value, (size_t)-1, 0));
    strcpy(name, "user.");
    memset(name + 5, 'n', 500);
    for (int n = 254; n <= 257; n++) {
        name[n] = 0;
        SHOW(setxattr("f", name, "x", 1, 0));
        SHOW(getxattr("f", name, value, 1));
        SHOW(removexattr("f", name));
        name[n] = 'n';
    }
    SHOW(setxattr("f", BAD_PTR, "x", 1, 0));
    SHOW(setxattr("f", NULL, "x", 1, 0));
    SHOW(getxattr("f", BAD_PTR, value, 1));
    SHOW(removexattr("f", BAD_PTR));
    SHOW(setxattr(BAD_PTR, "user.a", "x", 1, 0));
    SHOW(setxattr("none", "user.a", "x", 1, 0));
    SHOW(setxattr("none", "nonsense", "x", 1, 0));
    SHOW(setxattr("none", "", "x", 1, 0));
    SHOW(setxattr("none", "user.a", value, 70000, 0));
    SHOW(getxattr("none", "user.a", value, 1));
    SHOW(listxattr("none", list, 1));
    SHOW(removexattr("f", "user.a"));
    SHOW(setxattr("f", "user.one", "1", 1, 0));
    SHOW(setxattr("f", "user.two", "22", 2, 0));
    SHOW(setxattr("f", "trusted.three", "333", 3, 0));
    SHOW(setxattr("f", "security.four", "4444", 4, 0));
    SHOW(listxattr("f", NULL, 0));
    SHOW(listxattr("f", list, 0));
    SHOW(listxattr("f", list, 1));
    SHOW(listxattr("f", list, 44));
    SHOW(listxattr("f", list, 45));
    SHOW(listxattr("f", list, 46));
    SHOW(listxattr("f", BAD_PTR, 100));
    SHOW(listxattr("f", list, 1 << 30));
    show_list("f");
}

static void forms(void)
{
    int fd = open("f", O_RDONLY), w = open("f", O_WRONLY), d = open("d", O_RDONLY), p[2];

    SHOW(setxattr("l", "user.l", "x", 1, 0));
    show_list("f");
    SHOW(lsetxattr("l", "user.l", "x", 1, 0));
    SHOW(lsetxattr("l", "trusted.l", "x", 1, 0));
    show_list("l");
    SHOW(listxattr("l", list, 1000) > 0);
    SHOW(lgetxattr("l", "trusted.l", value, 10));
    SHOW(getxattr("l", "trusted.l", value, 10));
    SHOW(removexattr("l", "trusted.l"));
    SHOW(lremovexattr("l", "trusted.l"));
    SHOW(fsetxattr(fd, "user.fd", "x", 1, 0));
    SHOW(fsetxattr(w, "user.w", "x", 1, 0));
    SHOW(fgetxattr(w, "user.fd", value, 10));
    SHOW(fsetxattr(d, "user.d", "x", 1, 0));
    show_list("d");
    SHOW(fremovexattr(d, "user.d"));
    SHOW(flistxattr(d, list, 100));
    SHOW(fsetxattr(-1, "user.d", "x", 1, 0));
    SHOW(fsetxattr(-1, "", "x", 1, 0));
    SHOW(fsetxattr(-1, "user.d", value, 70000, 0));
    SHOW(fgetxattr(-1, "user.d", value, 1));
    SHOW(flistxattr(-1, list, 100));
    SHOW(fremovexattr(-1, "user.d"));
    if (pipe(p))
        exit(2);
    SHOW(fsetxattr(p[0], "user.d", "x", 1, 0));
    SHOW(fgetxattr(p[0], "user.d", value, 1));
    SHOW(fsetxattr(p[0], "trusted.d", "x", 1, 0));
    SHOW(flistxattr(p[0], list, 100));
    int m = memfd_create("m", 0);
    SHOW(fsetxattr(m, "user.d", "xyz", 3, 0));
    SHOW(fgetxattr(m, "user.d", value, 10));
    SHOW(flistxattr(m, list, 100));
    SHOW(setxattr("/proc/self/status", "user.a", "b", 1, 0));
    SHOW(getxattr("/proc/self/status", "user.a", value, 1));
    SHOW(listxattr("/proc/self/status", list, 100));
    SHOW(setxattr("/proc/self/status", "trusted.a", "b", 1, 0));
    SHOW(getxattr("/proc/self/status", "trusted.a", value, 1));
    SHOW(getxattr("/proc/self/status", "security.capability", value, 1));
    /* names survive a rename, and go with the file */
    SHOW(setxattr("f", "user.keep", "k", 1, 0));
    SHOW(rename("f", "g"));
    SHOW(getxattr("g", "user.keep", value, 10));
    SHOW(unlink("g"));
    SHOW(fgetxattr(fd, "user.keep", value, 10));
    SHOW(fsetxattr(fd, "user.more", "k", 1, 0));
    SHOW(flistxattr(fd, list, 1000) > 0);
    make_file("f", "");
    show_list("f");
    close(fd), close(w), close(d), close(m), close(p[0]), close(p[1]);
}

int main(void)
{
    enter_scratch();
    make_file("f", "text");
    mkdir("d", 0755);
    symlink("f", "l");
    mkfifo("fifo", 0644);
    mknod("dev", S_IFCHR | 0644, 0x103);
    namespaces("f"), namespaces("d"), namespaces("l"), namespaces("fifo"), namespaces("dev");
    sizes();
    forms();
    SHOW(syscall(SYS_setresuid, -1, 1000, -1));
    namespaces("f");
    SHOW(syscall(SYS_setresuid, -1, 0, -1));
    SHOW(setxattr("f", "trusted.t", "v", 1, 0));
    SHOW(setxattr("f", "security.s", "v", 1, 0));
    SHOW(setxattr("f", "user.u", "v", 1, 0));
    SHOW(chown("f", 1000, 1000));
    SHOW(syscall(SYS_setresuid, -1, 1000, -1));
    namespaces("f");
    SHOW(syscall(SYS_setresuid, -1, 0, -1));
    SHOW(chmod(".", 0711)); /* others shall get at the files */
    SHOW(syscall(SYS_setresuid, -1, 1000, -1));
    show_list("f");
    SHOW(setxattr("dev", "os2.a", "v", 1, 0));
    SHOW(setxattr("dev", "system.a", "v", 1, 0));
    SHOW(syscall(SYS_setresuid, -1, 0, -1));
    unlink("f"), unlink("l"), unlink("fifo"), unlink("dev"), rmdir("d");
    leave_scratch();
    return 0;
}
