/* SPDX-License-Identifier: BSD-2-Clause */
/* execve of set-user-ID and set-group-ID programs and of those with capabilities; no_new_privs. Runs as root. */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include "abi.h"

static char self[4096];

static void copy_self(const char *name, uid_t uid, gid_t gid, mode_t mode)
{
    static char buffer[65536];
    int from = open(self, O_RDONLY), to = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0700);
    ssize_t n;
    while ((n = read(from, buffer, sizeof(buffer))) > 0)
        if (write(to, buffer, (size_t)n) != n)
            puts("cannot write");
    if (fchown(to, uid, gid) || fchmod(to, mode))
        puts("cannot change");
    close(from);
    close(to);
}

static void next(const char *file, const char *stage)
{
    char *argv[] = {"exec_ids", (char *)stage, NULL}, *envp[] = {NULL};
    CALL(stage, execve(file, argv, envp));
    exit(1);
}

static void show(const char *stage)
{
    uid_t u[3];
    gid_t g[3];
    getresuid(&u[0], &u[1], &u[2]);
    getresgid(&g[0], &g[1], &g[2]);
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0}};
    syscall(SYS_capget, &header, data);
    struct rlimit limit;
    getrlimit(RLIMIT_STACK, &limit);
    int pdeathsig = -1;
    prctl(PR_GET_PDEATHSIG, &pdeathsig);
    /* Which capabilities there are depends on the machine: those of some are looked at. */
    unsigned mask = 1u << CAP_CHOWN | 1u << CAP_SETUID | 1u << CAP_NET_BIND_SERVICE;
    printf("%s: uid %d %d %d gid %d %d %d secure %lu/%lu,%lu,%lu,%lu dumpable %d death %d caps %x %x %x ambient %d\n", stage,
           u[0], u[1], u[2], g[0], g[1], g[2], getauxval(AT_SECURE), getauxval(AT_UID), getauxval(AT_EUID), getauxval(AT_GID),
           getauxval(AT_EGID), prctl(PR_GET_DUMPABLE), pdeathsig, data[0].effective & mask, data[0].permitted & mask,
           data[0].inheritable & mask, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_BIND_SERVICE, 0, 0));
    printf("  personality %x stack %s fsuid %d keep %d\n", personality(0xffffffff) & 0x0440000, limit.rlim_cur == 8 << 20 ? "8M" : "other",
           setfsuid(-1), prctl(PR_GET_KEEPCAPS));
}

static void set_caps(const char *name, unsigned permitted, int effective)
{
    struct vfs_cap_data caps = {VFS_CAP_REVISION_2 | (effective ? VFS_CAP_FLAGS_EFFECTIVE : 0), {{permitted, 0}, {0, 0}}};
    SHOW(setxattr(name, "security.capability", &caps, sizeof(caps), 0));
}

int main(int argc, char **argv)
{
    const char *stage = argc > 1 ? argv[1] : "";
    setvbuf(stdout, NULL, _IONBF, 0);
    self[readlink("/proc/self/exe", self, sizeof(self) - 1)] = 0;
    if (*stage)
        show(stage);
    if (!*stage) {
        SHOW(chmod(".", 0777));
        copy_self("suid", 1000, 1001, 06755);
        copy_self("plain", 0, 0, 0755);
        copy_self("unreadable", 0, 0, 0711);
        copy_self("sgid-no-x", 1000, 1001, 02745);
        copy_self("root", 0, 0, 04755);
        copy_self("caps", 0, 0, 0755);
        set_caps("caps", 1u << CAP_NET_BIND_SERVICE, 1);
        copy_self("caps-quiet", 0, 0, 0755);
        set_caps("caps-quiet", 1u << CAP_NET_BIND_SERVICE, 0);
        struct rlimit limit = {16 << 20, RLIM_INFINITY};
        setrlimit(RLIMIT_STACK, &limit);
        personality(ADDR_NO_RANDOMIZE);
        prctl(PR_SET_PDEATHSIG, 10);
        next("plain", "root-plain");
    } else if (!strcmp(stage, "root-plain")) {
        next("suid", "root-suid");
    } else if (!strcmp(stage, "root-suid")) {
        SHOW(setresuid(0, 0, 0));
        next("sgid-no-x", "after-suid");
    } else if (!strcmp(stage, "after-suid")) {
        if (setresgid(0, 0, 0) || setgroups(0, NULL))
            puts("groups");
        prctl(PR_SET_KEEPCAPS, 1);
        SHOW(setresuid(2000, 2000, 2000));
        next("plain", "user-plain");
    } else if (!strcmp(stage, "user-plain")) {
        next("unreadable", "user-unreadable");
    } else if (!strcmp(stage, "user-unreadable")) {
        next("suid", "user-suid");
    } else if (!strcmp(stage, "user-suid")) {
        SHOW(setresuid(2000, 2000, 2000));
        next("root", "user-root");
    } else if (!strcmp(stage, "user-root")) {
        SHOW(setresuid(2000, 2000, 2000));
        next("caps", "user-caps");
    } else if (!strcmp(stage, "user-caps")) {
        next("caps-quiet", "user-caps-quiet");
    } else if (!strcmp(stage, "user-caps-quiet")) {
        next("root", "root-again");
    } else if (!strcmp(stage, "root-again")) {
        /* Ambient capabilities pass through. */
        struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
        struct __user_cap_data_struct data[2] = {{0}};
        SHOW(setresuid(0, 0, 0));
        syscall(SYS_capget, &header, data);
        data[0].inheritable |= 1u << CAP_NET_BIND_SERVICE;
        SHOW(syscall(SYS_capset, &header, data));
        SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0));
        SHOW(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP));
        SHOW(setresuid(2000, 2000, 2000));
        next("plain", "user-ambient");
    } else if (!strcmp(stage, "user-ambient")) {
        next("root", "root-clears-ambient");
    } else if (!strcmp(stage, "root-clears-ambient")) {
        SHOW(setresuid(2000, 2000, 2000));
        SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
        next("root", "no-new-privs");
    } else if (!strcmp(stage, "no-new-privs")) {
        next("caps", "no-new-caps");
    } else {
        SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    }
    return 0;
}
