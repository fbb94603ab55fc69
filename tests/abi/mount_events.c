/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll and epoll of /proc/self/mounts and mountinfo: each open file is told once that the mounts have changed, by errors that
 * only poll makes go away. Run as root.
 */
#include "overlay.h"
#include <poll.h>
#include <sys/epoll.h>

static int mounts, info, stats;

static void polled(const char *when)
{
    struct pollfd p[] = {{.fd = mounts, .events = POLLIN | POLLPRI | POLLOUT}, {.fd = info, .events = POLLPRI}};

    printf("%s: %d", when, poll(p, 2, 0));
    printf(" %#x %#x\n", (unsigned)p[0].revents, (unsigned)p[1].revents);
}

static void events(void)
{
    struct epoll_event e = {.events = EPOLLPRI | EPOLLET};
    char line[10];
    int ep = epoll_create1(0);

    make_dir("a"), make_dir("b");
    mounts = open("/proc/self/mounts", O_RDONLY);
    info = open("/proc/self/mountinfo", O_RDONLY);
    stats = open("/proc/self/mountstats", O_RDONLY);
    polled("at first");
    SHOW(mount("t", "a", "tmpfs", 0, NULL));
    SHOW(pread(mounts, line, sizeof(line), 0));
    SHOW(read(mounts, line, sizeof(line)));
    polled("mounted");
    polled("again");
    SHOW(mount(NULL, "a", NULL, MS_REMOUNT | MS_NOEXEC, NULL));
    polled("remounted");
    SHOW(mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND, NULL));
    polled("the mount alone");
    SHOW(mount("a", "b", NULL, MS_BIND, NULL));
    polled("bound");
    SHOW(umount2("b", 0));
    polled("unmounted");
    SHOW(mount("nothing", "a/none", "tmpfs", 0, NULL));
    polled("failed");
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, mounts, &e));
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, stats, &e));
    SHOW(epoll_wait(ep, &e, 1, 0));
    SHOW(mount("a", "b", NULL, MS_BIND, NULL));
    SHOW(epoll_wait(ep, &e, 1, 5000));
    printf("%#x\n", e.events);
    SHOW(epoll_wait(ep, &e, 1, 0));
    SHOW(umount2("b", MNT_DETACH));
    SHOW(epoll_wait(ep, &e, 1, 5000));
    SHOW(umount2("a", 0));
    polled("at the end");
}

int main(void)
{
    enter_layers("size=8m");
    events();
    close(mounts);
    close(info);
    close(stats);
    leave_layers();
    return 0;
}
