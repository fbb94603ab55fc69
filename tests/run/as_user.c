/* SPDX-License-Identifier: BSD-2-Clause */
/* Who a program is and what it may do: run on Linux by setpriv and in the VM by --user. argv[1]: a folder that it may write to. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static void result(const char *what, long r)
{
    printf("%s: %s\n", what, r < 0 ? strerrorname_np(errno) : "ok");
}
#define TRY(expr) result(#expr, (long)(expr))

static void file(const char *folder, const char *name)
{
    char path[4096];
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0644);
    result(name, fd);
    if (fd >= 0 && write(fd, "text\n", 5) == 5 && !fstat(fd, &st))
        printf("owner %u:%u mode %o size %ld\n", st.st_uid, st.st_gid, st.st_mode, (long)st.st_size);
    result("chmod", chmod(path, 0600));
    result("chown to user 0", chown(path, 0, 0));
    snprintf(path, sizeof(path), "%s/%s.d", folder, name);
    result("mkdir", mkdir(path, 0755));
    if (!stat(path, &st))
        printf("owner %u:%u mode %o\n", st.st_uid, st.st_gid, st.st_mode);
}

int main(int argc, char **argv)
{
    uid_t r, e, s;
    gid_t rg, eg, sg, groups[100];
    char line[300];
    struct stat st;
    getresuid(&r, &e, &s);
    getresgid(&rg, &eg, &sg);
    printf("uid %u %u %u gid %u %u %u fs %d %d home %s\n", r, e, s, rg, eg, sg, setfsuid(-1), setfsgid(-1), getenv("HOME"));
    int n = getgroups(100, groups);
    for (int i = 0; i < n; i++)
        printf("group %u\n", groups[i]);
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof(line), f))
        if (!strncmp(line, "Uid", 3) || !strncmp(line, "Gid", 3) || !strncmp(line, "Groups", 6) || !strncmp(line, "CapInh", 6) ||
            !strncmp(line, "CapPrm", 6) || !strncmp(line, "CapEff", 6) || !strncmp(line, "CapAmb", 6))
            fputs(line, stdout);
    static const char *const own[] = {"/proc/self", "/proc/self/maps", "/proc/self/fd", "/proc/self/environ", "/proc/self/fd/1"};
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (!stat(own[i], &st))
            printf("%s is %u:%u\n", own[i], st.st_uid, st.st_gid);
    TRY(open("/proc/self/mem", O_RDWR));
    TRY(open("/proc/self/environ", O_RDONLY));
    TRY(open("/dev/stdout", O_WRONLY));
    TRY(open("/dev/stderr", O_WRONLY));
    TRY(open("/dev/null", O_RDWR));
    TRY(open("/proc/sys/kernel/hostname", O_WRONLY));
    TRY(open("/etc/shadow", O_RDONLY));
    TRY(open("/etc/passwd", O_RDONLY));
    TRY(open("/etc/passwd", O_RDWR));
    TRY(open("/etc/new", O_RDWR | O_CREAT, 0600));
    TRY(setuid(0));
    TRY(setuid(getuid()));
    TRY(setgid(0));
    TRY(setgroups(0, NULL));
    TRY(chroot("/"));
    TRY(mount("none", "/tmp", "tmpfs", 0, NULL));
    TRY(umount("/proc"));
    TRY(sethostname("x", 1));
    TRY(setpriority(PRIO_PROCESS, 0, -5));
    TRY(mknod("/tmp/device", S_IFCHR | 0600, makedev(1, 3)));
    TRY(kill(getpid(), 0));
    char temporary[] = "/tmp/as-user-XXXXXX";
    if (mkdtemp(temporary)) {
        file(temporary, "tmpfs");
        strcat(temporary, "/tmpfs.d");
        rmdir(temporary);
        strcpy(strrchr(temporary, '/'), "/tmpfs");
        unlink(temporary);
        *strrchr(temporary, '/') = 0;
        rmdir(temporary);
    }
    file(argv[1], "file");
    return 0;
}
