/* SPDX-License-Identifier: BSD-2-Clause */
/* io_uring: setup with its errors, reading and writing, chains, what is polled, paths. */
#include "uring.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/uio.h>

static int setup(unsigned entries, unsigned flags, unsigned cq)
{
    struct io_uring_params p = {.flags = flags, .cq_entries = cq};
    int fd = (int)syscall(SYS_io_uring_setup, entries, &p);
    if (fd >= 0) {
        printf("entries %u %u ", p.sq_entries, p.cq_entries);
        close(fd);
        return 0;
    }
    return fd;
}

static void setups(void)
{
    SHOW(setup(0, 0, 0));
    SHOW(setup(1, 0, 0));
    SHOW(setup(5, 0, 0));
    SHOW(setup(32768, 0, 0));
    SHOW(setup(32769, 0, 0));
    SHOW(setup(32769, IORING_SETUP_CLAMP, 0));
    SHOW(setup(8, IORING_SETUP_CQSIZE, 0));
    SHOW(setup(8, IORING_SETUP_CQSIZE, 100));
    SHOW(setup(8, IORING_SETUP_CQSIZE, 4));
    SHOW(setup(8, IORING_SETUP_CQSIZE, 65537));
    SHOW(setup(8, IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP, 65537));
    SHOW(setup(8, 1u << 31, 0));
    SHOW(setup(8, IORING_SETUP_SQE128 | IORING_SETUP_CQE32, 0));
    SHOW(setup(8, IORING_SETUP_SINGLE_ISSUER, 0));
    SHOW(setup(8, IORING_SETUP_DEFER_TASKRUN, 0));
    SHOW(setup(8, IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER, 0));
    SHOW(setup(8, IORING_SETUP_TASKRUN_FLAG, 0));
    SHOW(setup(8, IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_COOP_TASKRUN, 0));
    SHOW(syscall(SYS_io_uring_setup, 4, BAD));
    SHOW(enter(-1, 0, 0, 0, NULL, 0));
    SHOW(enter(1, 0, 0, 1u << 30, NULL, 0));
    int fd = eventfd(0, 0);
    CALL("enter of another file", enter(fd, 0, 0, 0, NULL, 0));
    CALL("register of another file", reg(fd, IORING_REGISTER_PROBE, NULL, 0));
    close(fd);
}

static void maps(struct ring *r)
{
    SHOW(mmap(NULL, 4096, PROT_READ, MAP_SHARED, r->fd, 0x18000000) == MAP_FAILED ? -1 : 0);
    SHOW(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, r->fd, 0) == MAP_FAILED ? -1 : 0);
    SHOW(read(r->fd, r, 1));
    SHOW(lseek(r->fd, 0, SEEK_SET));
    printf("fields %u %u %u %u\n", *sq_field(r, r->p.sq_off.ring_mask), *sq_field(r, r->p.sq_off.ring_entries),
           *sq_field(r, r->p.cq_off.ring_mask), *sq_field(r, r->p.cq_off.ring_entries));
}

static void files(struct ring *r)
{
    char name[] = "/tmp/uringXXXXXX", buf[64] = "", two[64] = "";
    int fd = mkstemp(name);
    struct iovec v[2] = {{buf, 4}, {two, 60}};

    entry_rw(r, IORING_OP_WRITE, 1, fd, "hello world", 11, 0)->flags = IOSQE_IO_LINK;
    entry_rw(r, IORING_OP_READ, 2, fd, buf, 64, 6)->flags = 0;
    DO("write, read", r, 2);
    printf("%s\n", buf);
    entry_rw(r, IORING_OP_READV, 3, fd, v, 2, 0);
    DO("readv", r, 1);
    printf("%.4s %s\n", buf, two);
    entry_rw(r, IORING_OP_WRITE, 4, fd, "abc", 3, (uint64_t)-1);
    DO("write at the position", r, 1);
    SHOW(lseek(fd, 0, SEEK_CUR));
    entry_rw(r, IORING_OP_READ, 5, fd, BAD, 5, 0);
    entry_rw(r, IORING_OP_READ, 6, -1, buf, 5, 0);
    entry_rw(r, IORING_OP_READ, 7, fd, buf, 5, (uint64_t)-2);
    entry_rw(r, IORING_OP_READV, 8, fd, BAD, 2, 0);
    CALL("errors", submit(r, 0));
    show_completions(r, 4);
    entry(r, IORING_OP_FSYNC, 9, fd);
    entry(r, IORING_OP_FSYNC, 10, fd)->fsync_flags = IORING_FSYNC_DATASYNC;
    entry_rw(r, IORING_OP_FALLOCATE, 11, fd, (void *)100, 0, 0);
    DO("fsync, fallocate", r, 3);
    struct stat st;
    fstat(fd, &st);
    printf("size %ld\n", (long)st.st_size);
    close(fd);
    unlink(name);
}

static void chains(struct ring *r)
{
    for (int i = 0; i < 3; i++)
        entry(r, IORING_OP_NOP, 20 + i, -1)->flags = i < 2 ? IOSQE_IO_LINK : 0;
    DO("chain", r, 3);
    entry(r, IORING_OP_FSYNC, 30, -1)->flags = IOSQE_IO_LINK;
    entry(r, IORING_OP_NOP, 31, -1)->flags = IOSQE_IO_LINK;
    entry(r, IORING_OP_NOP, 32, -1);
    entry(r, IORING_OP_NOP, 33, -1);
    DO("failing chain", r, 4);
    entry(r, IORING_OP_FSYNC, 40, -1)->flags = IOSQE_IO_HARDLINK;
    entry(r, IORING_OP_NOP, 41, -1);
    DO("hard chain", r, 2);
    entry(r, IORING_OP_NOP, 50, -1)->flags = IOSQE_IO_LINK;
    entry(r, IORING_OP_NOP, 51, -1)->flags = IOSQE_IO_LINK | 0x80;
    entry(r, IORING_OP_NOP, 52, -1);
    CALL("bad entry in a chain", submit(r, 0));
    show_completions(r, 2);
    CALL("the rest", submit(r, 0));
    show_completions(r, 1);
    entry(r, 200, 60, -1);
    entry(r, IORING_OP_NOP, 61, -1);
    CALL("bad entry", submit(r, 0));
    show_completions(r, 1);
    CALL("the rest", submit(r, 0));
    show_completions(r, 1);
    entry(r, IORING_OP_NOP, 70, -1)->flags = IOSQE_CQE_SKIP_SUCCESS;
    entry(r, IORING_OP_NOP, 71, -1);
    CALL("skip", submit(r, 1));
    show_completions(r, 1);
}

static void polled(struct ring *r)
{
    int fds[2];
    char buf[16] = "";

    if (pipe(fds))
        exit(1);
    entry_rw(r, IORING_OP_READ, 1, fds[0], buf, 16, 0);
    CALL("read of an empty pipe", submit(r, 0));
    SHOW(write(fds[1], "data", 4));
    show_completions(r, 1);
    printf("%s\n", buf);
    entry(r, IORING_OP_POLL_ADD, 2, fds[0])->poll32_events = POLLIN;
    CALL("poll", submit(r, 0));
    SHOW(write(fds[1], "x", 1));
    show_completions(r, 1);
    entry(r, IORING_OP_POLL_ADD, 3, fds[1])->poll32_events = POLLOUT;
    DO("poll of what is ready", r, 1);
    SHOW(read(fds[0], buf, 16));
    entry_rw(r, IORING_OP_READ, 4, fds[0], buf, 16, 0);
    entry(r, IORING_OP_ASYNC_CANCEL, 5, -1)->addr = 4;
    DO("cancel", r, 2);
    entry(r, IORING_OP_ASYNC_CANCEL, 6, -1)->addr = 4;
    DO("cancel of none", r, 1);
    entry(r, IORING_OP_POLL_ADD, 7, fds[0])->poll32_events = POLLIN;
    entry(r, IORING_OP_POLL_REMOVE, 8, -1)->addr = 7;
    DO("poll removed", r, 2);
    entry_rw(r, IORING_OP_POLL_ADD, 9, fds[0], NULL, IORING_POLL_ADD_MULTI, 0)->poll32_events = POLLIN;
    CALL("multishot poll", submit(r, 0));
    for (int i = 0; i < 3; i++) {
        if (write(fds[1], "y", 1) != 1)
            exit(1);
        show_completions(r, 1);
        if (read(fds[0], buf, 16) != 1)
            exit(1);
    }
    entry(r, IORING_OP_POLL_REMOVE, 10, -1)->addr = 9;
    DO("removed", r, 2);
    close(fds[1]);
    entry_rw(r, IORING_OP_READ, 11, fds[0], buf, 16, 0);
    DO("end of the pipe", r, 1);
    close(fds[0]);

    struct epoll_event e = {.events = EPOLLIN};
    int ep = epoll_create1(0);
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, r->fd, &e));
    SHOW(epoll_wait(ep, &e, 1, 0));
    entry(r, IORING_OP_NOP, 12, -1);
    CALL("nop", submit(r, 0));
    SHOW(epoll_wait(ep, &e, 1, 0));
    show_completions(r, 1);
    SHOW(epoll_wait(ep, &e, 1, 0));
    close(ep);
}

static void timeouts(struct ring *r)
{
    struct __kernel_timespec ts = {0, 2000000}, longer = {1000, 0}, bad = {-1, 0};

    entry_rw(r, IORING_OP_TIMEOUT, 1, -1, &ts, 1, 0);
    DO("timeout", r, 1);
    entry_rw(r, IORING_OP_TIMEOUT, 2, -1, &longer, 1, 1);
    entry(r, IORING_OP_NOP, 3, -1);
    DO("counting timeout", r, 2);
    entry_rw(r, IORING_OP_TIMEOUT, 4, -1, &bad, 1, 0);
    DO("bad", r, 1);
    entry_rw(r, IORING_OP_TIMEOUT, 5, -1, &longer, 2, 0);
    DO("bad", r, 1);
    entry_rw(r, IORING_OP_TIMEOUT, 6, -1, &longer, 1, 0);
    entry(r, IORING_OP_TIMEOUT_REMOVE, 7, -1)->addr = 6;
    entry(r, IORING_OP_TIMEOUT_REMOVE, 8, -1)->addr = 6;
    DO("removed", r, 3);
    entry_rw(r, IORING_OP_TIMEOUT, 9, -1, &longer, 1, 0);
    struct io_uring_sqe *s = entry_rw(r, IORING_OP_TIMEOUT_REMOVE, 10, -1, (void *)9, 0, (uintptr_t)&ts);
    s->timeout_flags = IORING_TIMEOUT_UPDATE;
    DO("changed", r, 2);

    int fds[2];
    char c;
    if (pipe(fds))
        exit(1);
    entry_rw(r, IORING_OP_READ, 11, fds[0], &c, 1, 0)->flags = IOSQE_IO_LINK;
    entry_rw(r, IORING_OP_LINK_TIMEOUT, 12, -1, &ts, 1, 0);
    DO("limit that ends it", r, 2);
    entry(r, IORING_OP_NOP, 13, -1)->flags = IOSQE_IO_LINK;
    entry_rw(r, IORING_OP_LINK_TIMEOUT, 14, -1, &longer, 1, 0)->flags = IOSQE_IO_LINK;
    entry(r, IORING_OP_NOP, 15, -1);
    DO("limit not needed", r, 3);
    entry_rw(r, IORING_OP_READ, 16, fds[0], &c, 1, 0)->flags = IOSQE_IO_LINK;
    entry_rw(r, IORING_OP_LINK_TIMEOUT, 17, -1, &longer, 1, 0);
    CALL("limit", submit(r, 0));
    SHOW(write(fds[1], "z", 1));
    show_completions(r, 2);
    entry_rw(r, IORING_OP_LINK_TIMEOUT, 18, -1, &longer, 1, 0);
    DO("limit of nothing", r, 1);
    close(fds[0]);
    close(fds[1]);
    struct io_uring_getevents_arg arg = {.ts = (uintptr_t)&ts};
    CALL("wait with a time", enter(r->fd, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, sizeof(arg)));
    CALL("of a wrong size", enter(r->fd, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, 8));
}

static void drains(struct ring *r)
{
    struct __kernel_timespec ts = {0, 3000000};
    struct cqe c;

    entry_rw(r, IORING_OP_TIMEOUT, 1, -1, &ts, 1, 0);
    entry(r, IORING_OP_NOP, 2, -1)->flags = IOSQE_IO_DRAIN;
    entry(r, IORING_OP_NOP, 3, -1);
    CALL("drain", submit(r, 3));
    for (int i = 0; i < 3; i++) { /* in the order they come */
        c = wait_next(r);
        show_cqe(&c);
    }
}

static void overflows(struct ring *r)
{
    struct cqe c;
    int n = 0;

    for (int i = 0; i < 40; i++) {
        entry(r, IORING_OP_NOP, 100 + i, -1);
        if (submit(r, 0) != 1)
            printf("submit %d\n", i);
    }
    printf("flags %#x overflow %u\n", *sq_field(r, r->p.sq_off.flags), *sq_field(r, r->p.cq_off.overflow));
    for (; n < 40; n++) {
        c = wait_next(r);
        if (c.user_data != 100u + (unsigned)n)
            printf("%d: %llu\n", n, (unsigned long long)c.user_data);
    }
    printf("flags %#x overflow %u\n", *sq_field(r, r->p.sq_off.flags), *sq_field(r, r->p.cq_off.overflow));
}

int main(void)
{
    struct ring r;

    setups();
    ring_open(&r, 8, 0);
    maps(&r);
    files(&r);
    polled(&r);
    timeouts(&r);
    overflows(&r);
    chains(&r);
    close(r.fd);
    ring_open(&r, 8, 0); /* an entry that told nothing ends draining; and on Linux, what comes after draining may overtake */
    drains(&r);
    return 0;
}
