/* SPDX-License-Identifier: BSD-2-Clause */
/* overlay_wrap PROGRAM ARGS...: runs a program with an overlay on /dev/shm, in the VM or on Linux as root. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static int make(const char *path)
{
    return mkdir(path, 0) || chmod(path, 01777);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 125;
    if (unshare(CLONE_NEWNS) == 0) /* the VM has one namespace and no need of more */
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    if (mount("layers", "/dev/shm", "tmpfs", 0, NULL) || make("/dev/shm/low") || make("/dev/shm/up") ||
        make("/dev/shm/work") ||
        mount("o", "/dev/shm", "overlay", 0, "lowerdir=/dev/shm/low,upperdir=/dev/shm/up,workdir=/dev/shm/work")) {
        perror("overlay");
        return 125;
    }
    execv(argv[1], argv + 1);
    perror(argv[1]);
    return 126;
}
