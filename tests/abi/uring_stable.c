/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * io_uring: what an entry points to may go once it was submitted (IORING_FEAT_SUBMIT_STABLE). Each request begins after a read of a
 * pipe that ends only when its arguments have been overwritten. Then buffers of a group that several requests wait for.
 */
#include "uring.h"
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/xattr.h>

static int gate[2];
static char scratch[4096];

/* The next entry of r begins when open_gate() is called. */
static void behind_gate(struct ring *r)
{
    static char c;
    entry_rw(r, IORING_OP_READ, 1, gate[0], &c, 1, 0)->flags = IOSQE_IO_LINK;
}

static void open_gate(struct ring *r, const char *what)
{
    if (write(gate[1], "g", 1) != 1)
        exit(1);
    printf("%s\n", what);
    show_completions(r, 2);
}

static struct sockaddr_un name_of(const char *name)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "aril-%d-%s", getpid(), name);
    return a;
}

static void messages(struct ring *r)
{
    int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM, 0), c = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct sockaddr_un to = name_of("to"), other = name_of("other");
    char buf[64] = "", wrong[64] = "";
    struct iovec v = {"by message", 10};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_name = &to, .msg_namelen = sizeof(to)};

    if (bind(a, (struct sockaddr *)&to, sizeof(to)) || bind(c, (struct sockaddr *)&other, sizeof(other)))
        exit(1);
    behind_gate(r);
    entry_rw(r, IORING_OP_SENDMSG, 2, b, &m, 1, 0);
    CALL("sendmsg", submit(r, 0));
    to = other;
    v.iov_base = BAD;
    memset(&m, 0xff, sizeof(m));
    open_gate(r, "with its header, vector and name gone");
    SHOW(recv(a, buf, 64, MSG_DONTWAIT));
    printf("%s\n", buf);

    to = name_of("to");
    behind_gate(r);
    struct io_uring_sqe *s = entry_rw(r, IORING_OP_SEND, 3, b, "by address", 10, (uintptr_t)&to);
    s->addr_len = sizeof(to);
    CALL("send", submit(r, 0));
    to = other;
    open_gate(r, "with its address gone");
    SHOW(recv(a, buf, 64, MSG_DONTWAIT));
    printf("%s\n", buf);
    SHOW(recv(c, buf, 64, MSG_DONTWAIT));

    memset(buf, 0, sizeof(buf));
    v = (struct iovec){buf, 64};
    m = (struct msghdr){.msg_iov = &v, .msg_iovlen = 1};
    entry_rw(r, IORING_OP_RECVMSG, 4, a, &m, 1, 0);
    CALL("recvmsg", submit(r, 0));
    v.iov_base = wrong;
    m.msg_iov = BAD;
    to = name_of("to");
    SHOW(sendto(b, "received", 8, 0, (struct sockaddr *)&to, sizeof(to)));
    show_completions(r, 1);
    printf("%s|%s\n", buf, wrong);
    entry_rw(r, IORING_OP_SENDMSG, 5, b, BAD, 1, 0);
    entry_rw(r, IORING_OP_SENDMSG, 6, -1, BAD, 1, 0);
    CALL("bad messages", submit(r, 0));
    show_completions(r, 1);
    CALL("the rest", submit(r, 0));
    show_completions(r, 1);
    s = entry_rw(r, IORING_OP_SEND, 7, b, "x", 1, 0x10);
    s->addr_len = 20;
    DO("bad address", r, 1);
    s = entry_rw(r, IORING_OP_SEND, 8, b, "x", 1, (uintptr_t)&to);
    s->addr_len = 200;
    DO("long address", r, 1);
    close(a);
    close(b);
    close(c);
}

static void descriptors_and_names(struct ring *r)
{
    int ep = epoll_create1(0), e = eventfd(1, 0);
    struct epoll_event v = {.events = EPOLLIN, .data.u64 = 42}, got;
    char file[] = "/tmp/uringXXXXXX", name[32] = "user.aril", value[32] = "before", path[32];
    int fd = mkstemp(file);

    behind_gate(r);
    entry_rw(r, IORING_OP_EPOLL_CTL, 2, ep, &v, EPOLL_CTL_ADD, (uint64_t)e);
    CALL("epoll_ctl", submit(r, 0));
    memset(&v, 0, sizeof(v));
    open_gate(r, "with its event gone");
    SHOW(epoll_wait(ep, &got, 1, 0));
    printf("%llu\n", (unsigned long long)got.data.u64);
    entry_rw(r, IORING_OP_EPOLL_CTL, 3, ep, NULL, EPOLL_CTL_DEL, (uint64_t)e);
    DO("removed", r, 1);
    entry_rw(r, IORING_OP_EPOLL_CTL, 4, -1, BAD, EPOLL_CTL_ADD, (uint64_t)e);
    DO("bad event", r, 1);
    close(ep);
    close(e);

    strcpy(path, file);
    behind_gate(r);
    struct io_uring_sqe *s = entry_rw(r, IORING_OP_SETXATTR, 5, 0, name, 6, (uintptr_t)value);
    s->addr3 = (uintptr_t)path;
    CALL("setxattr", submit(r, 0));
    strcpy(value, "after!");
    strcpy(name, "user.no");
    strcpy(path, "/no");
    open_gate(r, "with name, value and path gone");
    memset(scratch, 0, 32);
    SHOW(getxattr(file, "user.aril", scratch, 32));
    printf("%s\n", scratch);
    strcpy(name, "user.fd");
    behind_gate(r);
    s = entry_rw(r, IORING_OP_FSETXATTR, 6, fd, name, 6, (uintptr_t)value);
    s->xattr_flags = XATTR_CREATE;
    CALL("fsetxattr", submit(r, 0));
    strcpy(name, "user.no");
    open_gate(r, "with its name gone");
    SHOW(fgetxattr(fd, "user.fd", scratch, 32));
    strcpy(name, "user.fd");
    memset(scratch, 0, 32);
    behind_gate(r);
    entry_rw(r, IORING_OP_FGETXATTR, 7, fd, name, 32, (uintptr_t)scratch);
    CALL("fgetxattr", submit(r, 0));
    strcpy(name, "user.no");
    open_gate(r, "with its name gone");
    printf("%s\n", scratch);
    strcpy(path, file);
    s = entry_rw(r, IORING_OP_GETXATTR, 8, 0, "user.aril", 0, 0);
    s->addr3 = (uintptr_t)path;
    DO("getxattr, size", r, 1);
    s = entry_rw(r, IORING_OP_GETXATTR, 9, 0, "user.none", 32, (uintptr_t)scratch);
    s->addr3 = (uintptr_t)path;
    DO("getxattr of none", r, 1);
    s = entry_rw(r, IORING_OP_GETXATTR, 10, 0, "user.aril", 32, (uintptr_t)scratch);
    s->addr3 = (uintptr_t)path;
    s->xattr_flags = 1;
    DO("getxattr with flags", r, 1);
    entry_rw(r, IORING_OP_FSETXATTR, 11, -1, BAD, 6, (uintptr_t)value);
    DO("bad name", r, 1);
    entry_rw(r, IORING_OP_FSETXATTR, 12, fd, "user.x", 6, 0x10);
    DO("bad value", r, 1);
    close(fd);
    unlink(file);
}

/* ------------------------------------------------------------ buffers of a group */

static struct io_uring_buf_ring *provide(struct ring *r, int group, int n)
{
    struct io_uring_buf_ring *br = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct io_uring_buf_reg br_reg = {.ring_addr = (uintptr_t)br, .ring_entries = 16, .bgid = (unsigned short)group};
    struct io_uring_buf *bufs = (struct io_uring_buf *)br;

    SHOW(reg(r->fd, IORING_REGISTER_PBUF_RING, &br_reg, 1));
    for (int i = 0; i < n; i++) {
        bufs[i].addr = (uintptr_t)(scratch + 64 * i);
        bufs[i].len = 64;
        bufs[i].bid = (unsigned short)i;
    }
    __atomic_store_n(&br->tail, (unsigned short)n, __ATOMIC_RELEASE);
    return br;
}

/* As many requests as buffers wait, and each gets one of its own. */
static void shared_group(struct ring *r)
{
    enum { N = 8, ROUNDS = 50 };
    int p[N][2], bad = 0;
    struct io_uring_buf_ring *br = provide(r, 1, N);
    struct io_uring_buf *bufs = (struct io_uring_buf *)br;
    unsigned short tail = N;

    for (int i = 0; i < N; i++)
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, p[i]))
            exit(1);
    for (int round = 0; round < ROUNDS; round++) {
        unsigned seen = 0;
        for (int i = 0; i < N; i++) {
            struct io_uring_sqe *s = entry_rw(r, round & 1 ? IORING_OP_RECV : IORING_OP_READ, 100 + (unsigned)i, p[i][0], NULL, 64, 0);
            s->flags = IOSQE_BUFFER_SELECT | (round % 3 ? IOSQE_ASYNC : 0);
            s->buf_group = 1;
        }
        if (submit(r, 0) != N)
            exit(1);
        for (int i = 0; i < N; i++) {
            char text[2] = {(char)('a' + i), 0};
            if (send(p[i][1], text, 2, 0) != 2)
                exit(1);
        }
        for (int i = 0; i < N; i++) {
            struct cqe c = wait_next(r);
            unsigned id = c.flags >> 16;
            bad += c.res != 2 || !(c.flags & IORING_CQE_F_BUFFER) || id >= N || scratch[64 * id] != (char)('a' + c.user_data - 100);
            seen |= 1u << id;
            bufs[tail & 15].addr = (uintptr_t)(scratch + 64 * id);
            bufs[tail & 15].len = 64;
            bufs[tail & 15].bid = (unsigned short)id;
            __atomic_store_n(&br->tail, ++tail, __ATOMIC_RELEASE);
        }
        bad += seen != (1u << N) - 1;
    }
    printf("a buffer for each: %d wrong\n", bad);
    for (int i = 0; i < N; i++) {
        close(p[i][0]);
        close(p[i][1]);
    }
}

static void vectors(struct ring *r)
{
    int p[2];
    struct iovec v[2] = {{BAD, 5}, {BAD, 5}};

    provide(r, 2, 4);
    if (pipe(p) || write(p[1], "vectors", 7) != 7)
        exit(1);
    for (int i = 0; i < 3; i++) {
        struct io_uring_sqe *s = entry_rw(r, IORING_OP_READV, 1, p[0], i == 2 ? BAD : v, i == 1 ? 2 : 1, 0);
        s->flags = IOSQE_BUFFER_SELECT;
        s->buf_group = 2;
        DO("readv into a buffer of a group", r, 1);
    }
    printf("%.5s\n", scratch);
    v[0].iov_len = 0;
    struct io_uring_sqe *s = entry_rw(r, IORING_OP_READV, 1, p[0], v, 1, 0);
    s->flags = IOSQE_BUFFER_SELECT;
    s->buf_group = 2;
    DO("all of it", r, 1);
    s = entry_rw(r, IORING_OP_WRITEV, 1, p[1], v, 1, 0);
    s->flags = IOSQE_BUFFER_SELECT;
    DO("writev does not choose", r, 1);
    close(p[0]);
    close(p[1]);
}

int main(void)
{
    struct ring r;

    ring_open(&r, 8, 0);
    if (pipe(gate))
        return 1;
    messages(&r);
    descriptors_and_names(&r);
    shared_group(&r);
    vectors(&r);
    return 0;
}
