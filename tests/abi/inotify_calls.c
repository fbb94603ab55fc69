/* SPDX-License-Identifier: BSD-2-Clause */
/* inotify(7): errors, flags of watches, what read(2), poll(2) and epoll(7) see of the queue, limits. */
#include "inotify.h"
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mount.h>

static void errors(void)
{
    int in = inotify_init1(IN_NONBLOCK), wd;
    char name[NAME_MAX + 2], b[64];

    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    SHOW_OK(inotify_init1(1));
    SHOW_OK(inotify_init1(IN_NONBLOCK | IN_CLOEXEC | 1 << 30));
    SHOW(fcntl(in, F_GETFL));
    SHOW(fcntl(in, F_GETFD));
    SHOW(inotify_add_watch(in, ".", 0));
    SHOW(inotify_add_watch(in, ".", 1 << 30 >> 14 | IN_MODIFY)); /* bit 16 is unused */
    SHOW(inotify_add_watch(in, ".", IN_ONLYDIR));
    SHOW(inotify_add_watch(in, ".", IN_MASK_ADD | IN_MASK_CREATE | IN_OPEN));
    SHOW(inotify_add_watch(-1, ".", IN_OPEN));
    SHOW(inotify_add_watch(-1, ".", 0));
    SHOW(inotify_add_watch(1000, BAD_PTR, IN_OPEN));
    SHOW(inotify_add_watch(0, ".", IN_OPEN));
    SHOW(inotify_add_watch(in, BAD_PTR, IN_OPEN));
    SHOW(inotify_add_watch(in, NULL, IN_OPEN));
    SHOW(inotify_add_watch(in, "", IN_OPEN));
    SHOW(inotify_add_watch(in, "none", IN_OPEN));
    SHOW(inotify_add_watch(in, name, IN_OPEN));
    make_file("f", "x");
    symlink("f", "l");
    symlink(".", "ld");
    SHOW(inotify_add_watch(in, "f/x", IN_OPEN));
    SHOW(inotify_add_watch(in, "f", IN_OPEN | IN_ONLYDIR));
    SHOW(inotify_add_watch(in, "l", IN_OPEN | IN_ONLYDIR));
    SHOW(inotify_add_watch(in, "ld", IN_OPEN | IN_ONLYDIR | IN_DONT_FOLLOW));
    SHOW(inotify_rm_watch(in, 1));
    SHOW(inotify_rm_watch(in, -1));
    SHOW(inotify_rm_watch(in, 1000));
    SHOW(inotify_rm_watch(-1, 1));
    SHOW(inotify_rm_watch(0, 1));
    SHOW(wd = inotify_add_watch(in, "f", IN_OPEN));
    SHOW(inotify_add_watch(in, "f", IN_OPEN | IN_MASK_CREATE));
    SHOW(inotify_add_watch(in, "l", IN_OPEN | IN_MASK_CREATE));
    SHOW(inotify_add_watch(in, "l", IN_OPEN | IN_MASK_CREATE | IN_DONT_FOLLOW));
    SHOW(inotify_add_watch(in, "l", IN_ACCESS));
    SHOW(inotify_rm_watch(in, wd));
    SHOW(inotify_rm_watch(in, wd));
    drain(in, "after removal");
    SHOW(inotify_add_watch(in, "f", IN_OPEN));
    SHOW(lseek(in, 0, SEEK_SET));
    SHOW(lseek(in, 5, SEEK_CUR));
    SHOW(pread(in, b, sizeof(b), 0));
    SHOW(write(in, "x", 1));
    SHOW(ftruncate(in, 0));
    SHOW(ioctl(in, 0x1234, 0));
    SHOW(ioctl(in, FIONREAD, BAD_PTR));
    SHOW(unlink("ld"));
    SHOW(unlink("l"));
    SHOW(unlink("f"));
    drain(in, "the end");
    SHOW(close(in));
    SHOW(inotify_add_watch(in, ".", IN_OPEN));
}

/* Permission to read is wanted. */
static void permission(void)
{
    int in = inotify_init1(IN_NONBLOCK);

    make_file("f", "x");
    mkdir("d", 0700);
    make_file("d/x", "x");
    chmod("f", 0200);
    chmod(".", 0711);
    if (syscall(SYS_setresuid, -1, 1000, -1))
        perror("setresuid");
    SHOW(inotify_add_watch(in, "f", IN_OPEN));
    SHOW(inotify_add_watch(in, "d", IN_OPEN));
    SHOW(inotify_add_watch(in, "d/x", IN_OPEN));
    syscall(SYS_setresuid, -1, 0, -1);
    SHOW(inotify_add_watch(in, "f", IN_OPEN));
    unlink("d/x"), rmdir("d"), unlink("f");
    chmod(".", 0700);
    close(in);
}

static void touch(const char *name)
{
    close(open(name, O_RDONLY));
}

static void flags(void)
{
    int in = inotify_init1(IN_NONBLOCK), wd, fd;

    make_file("f", "x");
    mkdir("d", 0755);
    SHOW(wd = inotify_add_watch(in, "f", IN_OPEN));
    CAUSES(in, touch("f"));
    SHOW(inotify_add_watch(in, "f", IN_CLOSE | IN_MASK_ADD) == wd);
    CAUSES(in, touch("f"));
    SHOW(inotify_add_watch(in, "f", IN_CLOSE) == wd);
    CAUSES(in, touch("f"));
    SHOW(inotify_add_watch(in, "f", IN_OPEN | IN_CLOSE | IN_ONESHOT) == wd);
    CAUSES(in, touch("f"));
    CAUSES(in, touch("f"));
    SHOW(inotify_rm_watch(in, wd));
    SHOW(inotify_add_watch(in, "f", IN_CLOSE | IN_ONESHOT));
    SHOW(inotify_add_watch(in, "f", IN_MODIFY | IN_MASK_ADD));
    CAUSES(in, touch("f"));
    SHOW(inotify_add_watch(in, "d", IN_ALL_EVENTS | IN_EXCL_UNLINK));
    fd = open("d/x", O_CREAT | O_RDWR, 0644);
    SHOW(inotify_add_watch(in, "d/x", IN_ALL_EVENTS | IN_EXCL_UNLINK));
    drain(in, "opened");
    CAUSES(in, write(fd, "x", 1));
    CAUSES(in, unlink("d/x"));
    CAUSES(in, write(fd, "x", 1));
    CAUSES(in, fchmod(fd, 0600));
    CAUSES(in, close(fd));
    /* A mask without events hears of the end only. */
    SHOW(inotify_add_watch(in, "f", IN_IGNORED));
    CAUSES(in, touch("f"));
    CAUSES(in, unlink("f"));
    CAUSES(in, rmdir("d"));
    close(in);
}

static void queue(void)
{
    int in = inotify_init1(IN_NONBLOCK), n, wd;
    char b[4096];
    const char *lengths[] = {"a", "fifteen-letters", "sixteen-letters-", "thirty-one-letters-make-this-up",
                             "thirty-two-letters-make-this-one"};
    struct pollfd p = {.fd = in, .events = POLLIN | POLLOUT | POLLRDNORM};

    make_file("f", "x");
    SHOW(wd = inotify_add_watch(in, "f", IN_OPEN | IN_CLOSE));
    SHOW(inotify_add_watch(in, ".", IN_CREATE | IN_DELETE));
    SHOW(poll(&p, 1, 0));
    /* Equal neighbours are one. */
    int fds[4];
    for (int k = 0; k < 4; k++)
        fds[k] = open("f", O_RDONLY);
    SHOW(ioctl(in, FIONREAD, &n));
    SHOW(n);
    SHOW(poll(&p, 1, 0));
    SHOW(p.revents);
    for (int k = 0; k < 4; k++)
        close(fds[k]);
    drain(in, "four opens, four closes");
    for (int k = 0; k < 2; k++)
        touch("f");
    drain(in, "two opens and closes");
    for (int k = 0; k < 5; k++)
        make_file(lengths[k], "");
    SHOW(ioctl(in, FIONREAD, &n));
    SHOW(n);
    drain(in, "names");
    for (int k = 0; k < 5; k++)
        unlink(lengths[k]);
    /* Too short a buffer; one that takes some of them. */
    SHOW(read(in, b, 0));
    SHOW(read(in, b, 16));
    SHOW(read(in, b, 31));
    SHOW(read(in, b, 32));
    SHOW(read(in, b, 100));
    SHOW(read(in, BAD_PTR, 4096));
    drain(in, "what is left");
    SHOW(read(in, b, 0));
    /* Padding is zero. */
    memset(b, 0xff, sizeof(b));
    make_file("pad", "");
    n = (int)read(in, b, sizeof(b));
    for (int k = sizeof(struct inotify_event) + 3; k < n; k++)
        if (b[k])
            printf("padding at %d is %d\n", k, b[k]);
    unlink("pad");
    drain(in, "pad");
    /* Removal does not take queued events along. */
    touch("f");
    SHOW(inotify_rm_watch(in, wd));
    SHOW(inotify_add_watch(in, "f", IN_OPEN));
    touch("f");
    drain(in, "across removal");
    unlink("f");
    close(in);
}

static int epoll_now(int ep)
{
    struct epoll_event e;
    int n = epoll_wait(ep, &e, 1, 0);

    return n == 1 ? (int)e.events : n;
}

static void ready(void)
{
    int in = inotify_init1(IN_NONBLOCK), level = epoll_create1(0), edge = epoll_create1(0);
    char b[64];

    epoll_ctl(level, EPOLL_CTL_ADD, in, &(struct epoll_event){.events = EPOLLIN});
    epoll_ctl(edge, EPOLL_CTL_ADD, in, &(struct epoll_event){.events = EPOLLIN | EPOLLET});
    SHOW(inotify_add_watch(in, ".", IN_CREATE | IN_DELETE));
    SHOW(epoll_now(level));
    SHOW(epoll_now(edge));
    make_file("a", "");
    make_file("b", "");
    SHOW(epoll_now(level));
    SHOW(epoll_now(edge));
    SHOW(epoll_now(level));
    SHOW(epoll_now(edge));
    SHOW(read(in, b, 32));
    SHOW(epoll_now(level));
    SHOW(epoll_now(edge));
    unlink("a");
    SHOW(epoll_now(edge));
    SHOW(read(in, b, 64));
    SHOW(epoll_now(level));
    SHOW(epoll_now(edge));
    unlink("b");
    SHOW(epoll_now(edge));
    close(in), close(level), close(edge);
}

static void set_limit(const char *name, const char *value)
{
    char path[100];
    int fd;

    snprintf(path, sizeof(path), "/proc/sys/fs/inotify/%s", name);
    fd = open(path, O_WRONLY);
    printf("%s = %s: %s\n", name, value, fd >= 0 && write(fd, value, strlen(value)) > 0 ? "set" : strerrorname_np(errno));
    close(fd);
}

static void get_limit(const char *name, char *value, size_t n)
{
    char path[100];
    ssize_t got;
    int fd;

    snprintf(path, sizeof(path), "/proc/sys/fs/inotify/%s", name);
    fd = open(path, O_RDONLY);
    got = read(fd, value, n - 1);
    value[got > 0 ? got : 0] = 0;
    close(fd);
}

static void overflow(void)
{
    char old[32], name[32];
    int in;

    get_limit("max_queued_events", old, sizeof(old));
    set_limit("max_queued_events", "-1");
    set_limit("max_queued_events", "x");
    set_limit("max_queued_events", "3\n");
    in = inotify_init1(IN_NONBLOCK);
    set_limit("max_queued_events", old);
    SHOW(inotify_add_watch(in, ".", IN_CREATE));
    for (int k = 0; k < 6; k++) {
        snprintf(name, sizeof(name), "f%d", k);
        make_file(name, "");
    }
    drain(in, "three, and the rest is lost");
    make_file("g", "");
    drain(in, "afterwards");
    unlink("g");
    for (int k = 0; k < 6; k++) {
        snprintf(name, sizeof(name), "f%d", k);
        unlink(name);
    }
    close(in);
}

static void numbers(void)
{
    char name[32];
    int in = inotify_init1(IN_NONBLOCK), a, b;

    for (int k = 0; k < 20; k++) {
        snprintf(name, sizeof(name), "f%d", k);
        make_file(name, "");
        if (inotify_add_watch(in, name, IN_ALL_EVENTS) != k + 1)
            printf("watch %d has another number\n", k + 1);
    }
    for (int k = 0; k < 20; k += 2)
        inotify_rm_watch(in, k + 1);
    SHOW(inotify_add_watch(in, "f0", IN_OPEN));
    a = inotify_init1(0), b = inotify_init1(0);
    SHOW(inotify_add_watch(a, "f0", IN_OPEN));
    SHOW(inotify_add_watch(b, "f0", IN_CLOSE));
    touch("f0");
    drain(in, "removed");
    close(a);
    touch("f0");
    for (int k = 0; k < 20; k++) {
        snprintf(name, sizeof(name), "f%d", k);
        unlink(name);
    }
    fcntl(b, F_SETFL, O_NONBLOCK);
    drain(b, "the other instance");
    close(b), close(in);
}

static void unmounted(void)
{
    int in = inotify_init1(IN_NONBLOCK);

    mkdir("m", 0755);
    if (mount("t", "m", "tmpfs", 0, NULL)) {
        perror("mount");
        return;
    }
    mkdir("m/d", 0755);
    make_file("m/f", "");
    SHOW(inotify_add_watch(in, "m", IN_ALL_EVENTS));
    SHOW(inotify_add_watch(in, "m/f", IN_OPEN));
    SHOW(umount("m"));
    drain(in, "unmounted");
    SHOW(inotify_rm_watch(in, 1));
    SHOW(rmdir("m"));
    close(in);
}

static void fdinfo(void)
{
    int in = inotify_init1(IN_NONBLOCK), n;
    char path[64], text[1024], expected[200];
    struct stat st;

    make_file("f", "");
    stat("f", &st);
    inotify_add_watch(in, "f", IN_OPEN | IN_CLOSE | IN_ONESHOT);
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", in);
    int fd = open(path, O_RDONLY);
    n = (int)read(fd, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = 0;
    close(fd);
    snprintf(expected, sizeof(expected), "inotify wd:1 ino:%lx sdev:%x mask:%x ignored_mask:0", (long)st.st_ino,
             (unsigned)(st.st_dev >> 8 << 20 | (st.st_dev & 0xff)), IN_OPEN | IN_CLOSE | IN_ONESHOT);
    printf("fdinfo: %s\n", strstr(text, expected) ? "shows the watch" : text);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", in);
    n = (int)readlink(path, text, sizeof(text));
    printf("link: %.*s\n", n, text);
    unlink("f");
    close(in);
}

int main(void)
{
    if (unshare(CLONE_NEWNS) == 0)
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    enter_scratch();
    errors();
    permission();
    flags();
    queue();
    ready();
    overflow();
    numbers();
    unmounted();
    fdinfo();
    leave_scratch();
    return 0;
}
