// SPDX-License-Identifier: BSD-2-Clause
/*
 * Init of a Linux guest for programs that need files: loads the modules that lie in /modules (numbered in their order),
 * makes the disk /dev/vda (an EROFS image) the root with the usual file systems, runs its arguments there, turns off.
 * An argument "--" is what Linux puts before those meant for init.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    reboot(RB_AUTOBOOT);
}

static void load_modules(void)
{
    struct dirent **names;
    int n = scandir("/modules", &names, NULL, alphasort);

    for (int i = 0; i < n; i++) {
        char path[300];

        if (names[i]->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "/modules/%s", names[i]->d_name);
        int fd = open(path, O_RDONLY);
        must(fd >= 0 && !syscall(SYS_finit_module, fd, "", 0), path);
        close(fd);
    }
}

int main(int argc, char **argv)
{
    static char *environment[] = {"PATH=/usr/bin:/bin", "HOME=/root", "GIT_TRACE_PERFORMANCE=1", "LC_ALL=C.UTF-8", NULL};
    struct stat st;

    load_modules();
    must(!mount("devtmpfs", "/dev", "devtmpfs", 0, NULL), "/dev");
    must(!stat("/dev/vda", &st), "/dev/vda");
    must(!mount("/dev/vda", "/root", "erofs", MS_RDONLY, NULL), "root");
    must(!mount("/dev", "/root/dev", NULL, MS_MOVE, NULL), "move /dev");
    must(!mkdir("/root/dev/shm", 01777) && !mount("tmpfs", "/root/dev/shm", "tmpfs", 0, NULL), "/dev/shm");
    must(!mount("proc", "/root/proc", "proc", 0, NULL), "/proc");
    must(!mount("tmpfs", "/root/tmp", "tmpfs", 0, NULL), "/tmp");
    must(!chdir("/root") && !chroot(".") && !chdir("/tmp"), "chroot");
    pid_t child = fork();
    if (child == 0) {
        execve(argv[1], argv + 1, environment);
        must(0, argv[1]);
    }
    waitpid(child, NULL, 0);
    sync();
    reboot(RB_AUTOBOOT);
}
