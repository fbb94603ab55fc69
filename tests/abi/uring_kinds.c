/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * io_uring: kinds of requests and rings that the other tests leave out: recvmsg multishot, sends with notices, splice and tee, files
 * passed between rings, tags, big entries, cancellation by everything, an eventfd that hears of workers only.
 */
#include "uring.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>

static char scratch[4096];

static void pair(int s[2], int type)
{
    if (socketpair(AF_UNIX, type, 0, s))
        exit(1);
}

static void receive_messages(struct ring *r)
{
    struct io_uring_buf_ring *br = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct io_uring_buf_reg br_reg = {.ring_addr = (uintptr_t)br, .ring_entries = 4, .bgid = 1};
    struct io_uring_buf *bufs = (struct io_uring_buf *)br;
    struct msghdr m = {.msg_namelen = 16, .msg_controllen = 32}, huge = {.msg_controllen = 1ul << 40};
    int s[2];

    pair(s, SOCK_DGRAM);
    SHOW(reg(r->fd, IORING_REGISTER_PBUF_RING, &br_reg, 1));
    for (int i = 0; i < 3; i++) {
        bufs[i].addr = (uintptr_t)(scratch + 256 * i);
        bufs[i].len = 256;
        bufs[i].bid = (unsigned short)(10 + i);
    }
    __atomic_store_n(&br->tail, 3, __ATOMIC_RELEASE);
    struct io_uring_sqe *e = entry_rw(r, IORING_OP_RECVMSG, 1, s[0], &m, 1, 0);
    e->ioprio = IORING_RECV_MULTISHOT;
    e->flags = IOSQE_BUFFER_SELECT;
    e->buf_group = 1;
    CALL("recvmsg multishot", submit(r, 0));
    for (int i = 0; i < 4; i++) {
        if (send(s[1], "message", (size_t)(7 - i), 0) != 7 - i)
            exit(1);
        struct cqe c = wait_next(r);
        show_cqe(&c);
        if (c.res > 0) {
            const char *b = scratch + 256 * ((c.flags >> 16) - 10);
            const struct io_uring_recvmsg_out *o = (const void *)b;
            printf("name %u control %u payload %u flags %#x %.*s\n", o->namelen, o->controllen, o->payloadlen, o->flags,
                   (int)o->payloadlen, b + sizeof(*o) + 16 + 32);
        }
    }
    e = entry_rw(r, IORING_OP_RECVMSG, 2, s[0], &m, 1, 0);
    e->ioprio = IORING_RECV_MULTISHOT;
    DO("without buffers", r, 1);
    e = entry_rw(r, IORING_OP_RECVMSG, 3, s[0], &huge, 1, 0);
    e->ioprio = IORING_RECV_MULTISHOT;
    e->flags = IOSQE_BUFFER_SELECT;
    e->buf_group = 1;
    DO("too much control", r, 1);
    close(s[0]);
    close(s[1]);
}

/* Prints two completions of one request in the order they came. */
static void in_order(struct ring *r, const char *what)
{
    CALL(what, submit(r, 0));
    for (int i = 0; i < 2; i++) {
        struct cqe c = wait_next(r);
        show_cqe(&c);
        if (!(c.flags & IORING_CQE_F_MORE))
            break;
    }
}

static void sends_with_notice(struct ring *r)
{
    int s[2];
    struct iovec v = {scratch, 3};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

    pair(s, SOCK_STREAM);
    entry_rw(r, IORING_OP_SEND_ZC, 1, s[0], "zero", 4, 0);
    in_order(r, "send_zc on what cannot");
    entry_rw(r, IORING_OP_SENDMSG_ZC, 2, s[0], &m, 1, 0);
    in_order(r, "sendmsg_zc on what cannot");
    entry_rw(r, IORING_OP_SEND_ZC, 3, s[0], "x", 1, 0)->flags = IOSQE_CQE_SKIP_SUCCESS;
    DO("send_zc that tells nothing", r, 1);
    close(s[0]);
    close(s[1]);

    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(at);
    s[0] = socket(AF_INET, SOCK_DGRAM, 0);
    s[1] = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(s[1], (struct sockaddr *)&at, n) || getsockname(s[1], (struct sockaddr *)&at, &n) ||
        connect(s[0], (struct sockaddr *)&at, n))
        exit(1);
    entry_rw(r, IORING_OP_SEND_ZC, 4, s[0], "zero", 4, 0);
    in_order(r, "send_zc");
    SHOW(recv(s[1], scratch, 64, 0));
    close(s[0]);
    close(s[1]);
}

static void splices(struct ring *r)
{
    int a[2], b[2], c[2];

    if (pipe(a) || pipe(b) || pipe(c) || write(a[1], "splice me", 9) != 9)
        exit(1);
    struct io_uring_sqe *e = entry_rw(r, IORING_OP_TEE, 1, b[1], NULL, 6, 0);
    e->splice_fd_in = a[0];
    DO("tee", r, 1);
    e = entry_rw(r, IORING_OP_SPLICE, 2, c[1], NULL, 9, (uint64_t)-1);
    e->splice_fd_in = a[0];
    e->splice_off_in = (uint64_t)-1;
    DO("splice", r, 1);
    memset(scratch, 0, 32);
    SHOW(read(b[0], scratch, 32));
    printf("%s\n", scratch);
    SHOW(read(c[0], scratch, 32));
    printf("%s\n", scratch);
    SHOW(reg(r->fd, IORING_REGISTER_FILES, a, 1));
    if (write(a[1], "again", 5) != 5)
        exit(1);
    e = entry_rw(r, IORING_OP_SPLICE, 3, c[1], NULL, 5, (uint64_t)-1);
    e->splice_fd_in = 0;
    e->splice_off_in = (uint64_t)-1;
    e->splice_flags = SPLICE_F_FD_IN_FIXED;
    DO("splice from a registered file", r, 1);
    SHOW(reg(r->fd, IORING_UNREGISTER_FILES, NULL, 0));
    e = entry_rw(r, IORING_OP_SPLICE, 4, c[1], NULL, 5, (uint64_t)-1);
    e->splice_fd_in = -1;
    e->splice_off_in = (uint64_t)-1;
    DO("splice from none", r, 1);
    e = entry_rw(r, IORING_OP_TEE, 5, c[1], NULL, 5, 3);
    e->splice_fd_in = a[0];
    DO("tee with a position", r, 1);
    e = entry_rw(r, IORING_OP_SPLICE, 6, c[1], NULL, 5, (uint64_t)-1);
    e->splice_fd_in = a[0];
    e->splice_flags = 1u << 20;
    DO("unknown flags", r, 1);
    for (int i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
        close(c[i]);
    }
}

static void passed_files(struct ring *r)
{
    struct ring other;
    int p[2], none[2] = {-1, -1};

    if (pipe(p) || write(p[1], "passed", 6) != 6)
        exit(1);
    ring_open(&other, 8, 0);
    SHOW(reg(r->fd, IORING_REGISTER_FILES, p, 1));
    SHOW(reg(other.fd, IORING_REGISTER_FILES, none, 2));
    for (int i = 0; i < 4; i++) {
        struct io_uring_sqe *e = entry_rw(r, IORING_OP_MSG_RING, (uint64_t)i, other.fd, (void *)IORING_MSG_SEND_FD, 0, 50 + (uint64_t)i);
        e->addr3 = i == 2 ? 7 : 0; /* from which slot */
        e->file_index = i == 0 ? 2 : i == 1 ? IORING_FILE_INDEX_ALLOC : i == 3 ? 9 : 1;
        DO("send a file", r, 1);
    }
    struct cqe c;
    while (next(&other, &c))
        show_cqe(&c);
    memset(scratch, 0, 32);
    entry_rw(&other, IORING_OP_READ, 9, 1, scratch, 6, (uint64_t)-1)->flags = IOSQE_FIXED_FILE;
    DO("read of it", &other, 1);
    printf("%s\n", scratch);
    SHOW(reg(r->fd, IORING_UNREGISTER_FILES, NULL, 0));
    close(other.fd);
    close(p[0]);
    close(p[1]);
}

static void tags(struct ring *r)
{
    int p[2];
    struct iovec v = {scratch, 64};
    uint64_t tag[2] = {70, 71};
    struct cqe c;

    if (pipe(p))
        exit(1);
    struct io_uring_rsrc_register files = {.nr = 2, .data = (uintptr_t)p, .tags = (uintptr_t)tag};
    struct io_uring_rsrc_register buffers = {.nr = 1, .data = (uintptr_t)&v, .tags = (uintptr_t)tag};
    SHOW(reg(r->fd, IORING_REGISTER_FILES2, &files, sizeof(files)));
    SHOW(reg(r->fd, IORING_REGISTER_BUFFERS2, &buffers, sizeof(buffers)));
    uint64_t new_tag = 80;
    struct io_uring_rsrc_update2 u = {.offset = 0, .data = (uintptr_t)p, .tags = (uintptr_t)&new_tag, .nr = 1};
    SHOW(reg(r->fd, IORING_REGISTER_FILES_UPDATE2, &u, sizeof(u)));
    c = wait_next(r);
    show_cqe(&c);
    u.data = (uintptr_t)&v;
    SHOW(reg(r->fd, IORING_REGISTER_BUFFERS_UPDATE, &u, sizeof(u)));
    c = wait_next(r);
    show_cqe(&c);
    SHOW(reg(r->fd, IORING_UNREGISTER_FILES, NULL, 0));
    show_completions(r, 2);
    SHOW(reg(r->fd, IORING_UNREGISTER_BUFFERS, NULL, 0));
    show_completions(r, 1);
    files.nr = 0;
    SHOW(reg(r->fd, IORING_REGISTER_FILES2, &files, sizeof(files)));
    files = (struct io_uring_rsrc_register){.nr = 1, .data = (uintptr_t)p, .resv2 = 1};
    SHOW(reg(r->fd, IORING_REGISTER_FILES2, &files, sizeof(files)));
    SHOW(reg(r->fd, IORING_REGISTER_FILES2, &files, 8));
    close(p[0]);
    close(p[1]);
}

static void big_entries(void)
{
    struct ring r;

    ring_open(&r, 4, IORING_SETUP_SQE128 | IORING_SETUP_CQE32);
    struct io_uring_sqe *s = mmap(NULL, r.p.sq_entries * 128ul, PROT_READ | PROT_WRITE, MAP_SHARED, r.fd, IORING_OFF_SQES);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 4; i++) {
            struct io_uring_sqe *e = (struct io_uring_sqe *)((char *)s + 128 * i);
            memset(e, 0xee, 128);
            memset(e, 0, sizeof(*e));
            e->opcode = IORING_OP_NOP;
            e->user_data = 10 * round + i;
            sq_field(&r, r.p.sq_off.array)[i] = i;
        }
        r.tail += 4;
        CALL("four big entries", submit(&r, 4));
        unsigned *head = sq_field(&r, r.p.cq_off.head);
        for (unsigned i = 0; i < 4; i++, ++*head) {
            const struct cqe *c = (const struct cqe *)(r.rings + r.p.cq_off.cqes + 32ul * (*head & (r.p.cq_entries - 1)));
            show_cqe(c);
        }
    }
    close(r.fd);
}

static void cancellations(struct ring *r)
{
    static const struct { const char *what; unsigned flags, op; uint64_t user_data; } how[] = {
        {"all of a user_data", IORING_ASYNC_CANCEL_ALL, 0, 1},
        {"any", IORING_ASYNC_CANCEL_ANY, 0, 99},
        {"all of a file", IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_FD, 0, 99},
        {"by operation", IORING_ASYNC_CANCEL_OP | IORING_ASYNC_CANCEL_ALL, IORING_OP_POLL_ADD, 99},
        {"one by operation", IORING_ASYNC_CANCEL_OP, IORING_OP_READ, 99},
        {"by operation and user_data", IORING_ASYNC_CANCEL_OP | IORING_ASYNC_CANCEL_USERDATA | IORING_ASYNC_CANCEL_ALL, IORING_OP_POLL_ADD, 2},
        {"any and a file", IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_FD, 0, 99},
        {"unknown", 1u << 20, 0, 99},
    };
    int p[2], q[2];
    char c;

    for (unsigned i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
        if (pipe(p) || pipe(q))
            exit(1);
        entry(r, IORING_OP_POLL_ADD, 1, p[0])->poll32_events = POLLIN;
        entry_rw(r, IORING_OP_READ, 1, q[0], &c, 1, 0);
        entry(r, IORING_OP_POLL_ADD, 2, q[0])->poll32_events = POLLIN;
        submit(r, 0);
        struct io_uring_sqe *s = entry(r, IORING_OP_ASYNC_CANCEL, 50, p[0]);
        s->addr = how[i].user_data;
        s->cancel_flags = how[i].flags;
        s->len = how[i].op;
        submit(r, 0);
        sleep_ms(5);
        if (write(p[1], "x", 1) != 1 || write(q[1], "x", 1) != 1) /* what was not cancelled ends by itself */
            exit(1);
        printf("%s\n", how[i].what);
        show_completions(r, 4);
        for (int k = 0; k < 2; k++) {
            close(p[k]);
            close(q[k]);
        }
    }
}

static void eventfds(struct ring *r)
{
    int e = eventfd(0, EFD_NONBLOCK);
    uint64_t n;

    SHOW(reg(r->fd, IORING_REGISTER_EVENTFD_ASYNC, &e, 1));
    entry(r, IORING_OP_NOP, 1, -1);
    DO("nop", r, 1);
    SHOW(read(e, &n, 8));
    entry(r, IORING_OP_FSYNC, 2, e);
    DO("by a worker", r, 1);
    struct pollfd f = {e, POLLIN, 0};
    SHOW(poll(&f, 1, 1000));
    SHOW(read(e, &n, 8));
    SHOW(reg(r->fd, IORING_UNREGISTER_EVENTFD, NULL, 0));
    close(e);
}

int main(void)
{
    struct ring r;

    ring_open(&r, 8, 0);
    receive_messages(&r);
    sends_with_notice(&r);
    splices(&r);
    passed_files(&r);
    tags(&r);
    big_entries();
    cancellations(&r);
    eventfds(&r);
    return 0;
}
