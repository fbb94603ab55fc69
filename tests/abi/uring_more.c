/* SPDX-License-Identifier: BSD-2-Clause */
/* io_uring: sockets, paths, registered files and buffers, provided buffers, registrations, rings that tell each other. */
#include "uring.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static char dir[] = "/tmp/uringXXXXXX";
static char scratch[64 * 1024] __attribute__((aligned(4096)));

static void paths(struct ring *r)
{
    struct stat st;
    struct statx stx;
    char buf[16] = "";

    if (!mkdtemp(dir))
        exit(1);
    int d = open(dir, O_DIRECTORY);
    entry_rw(r, IORING_OP_MKDIRAT, 1, d, "sub", 0755, 0);
    DO("mkdirat", r, 1);
    entry_rw(r, IORING_OP_MKDIRAT, 2, d, "sub", 0755, 0);
    DO("mkdirat again", r, 1);
    entry_rw(r, IORING_OP_OPENAT, 3, d, "sub/f", 0644, 0)->open_flags = O_CREAT | O_RDWR;
    CALL("openat", submit(r, 1));
    int fd = wait_next(r).res;
    printf("%s\n", fd >= 0 ? "open" : strerrorname_np(-fd));
    entry_rw(r, IORING_OP_WRITE, 4, fd, "contents", 8, 0);
    DO("write", r, 1);
    entry_rw(r, IORING_OP_STATX, 5, d, "sub/f", STATX_SIZE, (uintptr_t)&stx);
    DO("statx", r, 1);
    printf("size %llu\n", (unsigned long long)stx.stx_size);
    entry_rw(r, IORING_OP_RENAMEAT, 6, d, "sub/f", (unsigned)d, (uintptr_t) "sub/g");
    DO("renameat", r, 1);
    entry_rw(r, IORING_OP_SYMLINKAT, 7, d, "sub/g", 0, (uintptr_t) "link");
    DO("symlinkat", r, 1);
    entry_rw(r, IORING_OP_LINKAT, 8, d, "sub/g", (unsigned)d, (uintptr_t) "hard");
    DO("linkat", r, 1);
    entry_rw(r, IORING_OP_CLOSE, 9, fd, NULL, 0, 0);
    DO("close", r, 1);
    entry_rw(r, IORING_OP_CLOSE, 10, fd, NULL, 0, 0);
    DO("close again", r, 1);
    entry_rw(r, IORING_OP_CLOSE, 11, r->fd, NULL, 0, 0);
    DO("close of the ring", r, 1);
    SHOW(fstatat(d, "link", &st, 0));
    printf("links %ld size %ld\n", (long)st.st_nlink, (long)st.st_size);
    entry_rw(r, IORING_OP_OPENAT, 12, d, "nothing", 0, 0);
    DO("openat of nothing", r, 1);
    entry_rw(r, IORING_OP_OPENAT, 13, d, BAD, 0, 0);
    DO("bad path", r, 1);

    /* Open into a slot, read from it, close it: one chain. */
    int none[4] = {-1, -1, -1, -1};
    SHOW(reg(r->fd, IORING_REGISTER_FILES, none, 4));
    SHOW(reg(r->fd, IORING_REGISTER_FILES, none, 4));
    struct io_uring_sqe *s = entry_rw(r, IORING_OP_OPENAT, 20, d, "hard", 0, 0);
    s->file_index = 2;
    s->flags = IOSQE_IO_LINK;
    entry_rw(r, IORING_OP_READ, 21, 1, buf, 16, 0)->flags = IOSQE_IO_HARDLINK | IOSQE_FIXED_FILE;
    entry(r, IORING_OP_CLOSE, 22, 0)->file_index = 2;
    CALL("chain on a slot", submit(r, 3));
    show_completions(r, 3);
    printf("%s\n", buf);
    for (int i = 0; i < 5; i++) {
        entry_rw(r, IORING_OP_OPENAT, 30, d, "hard", 0, 0)->file_index = IORING_FILE_INDEX_ALLOC;
        CALL("open in any slot", submit(r, 1));
        show_completions(r, 1);
    }
    entry(r, IORING_OP_CLOSE, 31, 0)->file_index = 3;
    entry(r, IORING_OP_CLOSE, 32, 0)->file_index = 9;
    CALL("closes", submit(r, 1));
    show_completions(r, 2);
    int update[2] = {d, -1};
    struct io_uring_files_update u = {.offset = 2, .fds = (uintptr_t)update};
    SHOW(reg(r->fd, IORING_REGISTER_FILES_UPDATE, &u, 2));
    u.offset = 3;
    SHOW(reg(r->fd, IORING_REGISTER_FILES_UPDATE, &u, 2));
    entry_rw(r, IORING_OP_READ, 33, 3, buf, 16, 0)->flags = IOSQE_FIXED_FILE;
    entry_rw(r, IORING_OP_READ, 34, 2, buf, 16, 0)->flags = IOSQE_FIXED_FILE;
    entry_rw(r, IORING_OP_READ, 35, 99, buf, 16, 0)->flags = IOSQE_FIXED_FILE;
    CALL("slots", submit(r, 3));
    show_completions(r, 3);
    SHOW(reg(r->fd, IORING_UNREGISTER_FILES, NULL, 0));
    SHOW(reg(r->fd, IORING_UNREGISTER_FILES, NULL, 0));

    entry_rw(r, IORING_OP_UNLINKAT, 40, d, "sub", 0, 0);
    entry_rw(r, IORING_OP_UNLINKAT, 41, d, "sub/g", 0, 0);
    entry_rw(r, IORING_OP_UNLINKAT, 42, d, "link", 0, 0);
    entry_rw(r, IORING_OP_UNLINKAT, 43, d, "hard", 0, 0);
    DO("unlinkat", r, 4);
    entry_rw(r, IORING_OP_UNLINKAT, 44, d, "sub", 0, 0)->unlink_flags = AT_REMOVEDIR;
    DO("rmdir", r, 1);
    close(d);
    rmdir(dir);
}

static void pairs(struct ring *r)
{
    int s[2];
    char a[32] = "", b[32] = "";
    struct iovec v = {a, 8};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    entry_rw(r, IORING_OP_RECV, 1, s[0], a, 32, 0);
    CALL("recv", submit(r, 0));
    entry_rw(r, IORING_OP_SEND, 2, s[1], "hello", 5, 0);
    DO("send", r, 2);
    printf("%s\n", a);
    entry_rw(r, IORING_OP_RECV, 3, s[0], b, 10, 0)->msg_flags = MSG_WAITALL;
    CALL("recv all", submit(r, 0));
    SHOW(send(s[1], "12345", 5, 0));
    SHOW(send(s[1], "67890", 5, 0));
    show_completions(r, 1);
    printf("%s\n", b);
    entry_rw(r, IORING_OP_RECV, 4, s[0], b, 10, 0)->msg_flags = MSG_DONTWAIT;
    DO("recv without waiting", r, 1);
    entry_rw(r, IORING_OP_RECVMSG, 5, s[0], &m, 1, 0);
    CALL("recvmsg", submit(r, 0));
    struct iovec w = {"message", 7};
    struct msghdr n = {.msg_iov = &w, .msg_iovlen = 1};
    entry_rw(r, IORING_OP_SENDMSG, 6, s[1], &n, 1, 0);
    DO("sendmsg", r, 2);
    printf("%.7s\n", a);
    fcntl(s[0], F_SETFL, O_NONBLOCK);
    entry_rw(r, IORING_OP_RECV, 7, s[0], b, 10, 0);
    CALL("recv of a non-blocking socket", submit(r, 0));
    entry(r, IORING_OP_SHUTDOWN, 8, s[1])->len = SHUT_WR;
    DO("shutdown", r, 2);
    entry_rw(r, IORING_OP_SEND, 9, s[1], "x", 1, 0);
    DO("send after it", r, 1);
    entry_rw(r, IORING_OP_RECV, 10, 0, b, 10, 0);
    entry_rw(r, IORING_OP_READ, 11, s[1], b, 10, 0)->flags = IOSQE_ASYNC;
    CALL("not a socket, and a read by a worker", submit(r, 0));
    entry_rw(r, IORING_OP_WRITE, 12, s[0], "w", 1, 0);
    CALL("write", submit(r, 0));
    struct cqe c[3] = {wait_next(r), wait_next(r), wait_next(r)};
    qsort(c, 3, sizeof(c[0]), by_user_data);
    show_cqe(&c[1]);
    show_cqe(&c[2]);
    close(s[0]);
    close(s[1]);
}

static void tcp(struct ring *r)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, peer;
    socklen_t n = sizeof(at), pn = sizeof(peer);
    char buf[16] = "";

    entry(r, IORING_OP_SOCKET, 1, AF_INET)->off = SOCK_STREAM;
    CALL("socket", submit(r, 1));
    int l = wait_next(r).res;
    SHOW(bind(l, (struct sockaddr *)&at, sizeof(at)));
    SHOW(listen(l, 8));
    SHOW(getsockname(l, (struct sockaddr *)&at, &n));
    entry_rw(r, IORING_OP_ACCEPT, 2, l, &peer, 0, (uintptr_t)&pn);
    CALL("accept", submit(r, 0));
    int c = socket(AF_INET, SOCK_STREAM, 0);
    entry_rw(r, IORING_OP_CONNECT, 3, c, &at, 0, sizeof(at));
    CALL("connect", submit(r, 2));
    struct cqe x = wait_next(r), y = wait_next(r);
    int a = x.user_data == 2 ? x.res : y.res;
    printf("connect %d accept %s length %u\n", x.user_data == 2 ? y.res : x.res, a >= 0 ? "good" : strerrorname_np(-a), pn);
    entry_rw(r, IORING_OP_SEND, 4, c, "over tcp", 8, 0)->flags = IOSQE_IO_LINK;
    entry_rw(r, IORING_OP_RECV, 5, a, buf, 16, 0);
    DO("send, recv", r, 2);
    printf("%s\n", buf);
    close(a);
    close(c);

    entry(r, IORING_OP_ACCEPT, 6, l)->ioprio = IORING_ACCEPT_MULTISHOT;
    CALL("multishot accept", submit(r, 0));
    for (int i = 0; i < 3; i++) {
        c = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(c, (struct sockaddr *)&at, sizeof(at)))
            exit(1);
        x = wait_next(r);
        printf("%s flags %#x\n", x.res >= 0 ? "accepted" : strerrorname_np(-x.res), x.flags);
        close(x.res);
        close(c);
    }
    entry(r, IORING_OP_ASYNC_CANCEL, 7, l)->cancel_flags = IORING_ASYNC_CANCEL_FD;
    DO("cancelled by file", r, 2);
    close(l);
    c = socket(AF_INET, SOCK_STREAM, 0);
    entry_rw(r, IORING_OP_CONNECT, 8, c, &at, 0, sizeof(at));
    DO("refused", r, 1);
    close(c);
}

static void buffers(struct ring *r)
{
    struct iovec v[2] = {{scratch, 4096}, {scratch + 8192, 4096}};
    int s[2];

    SHOW(reg(r->fd, IORING_REGISTER_BUFFERS, v, 2));
    SHOW(reg(r->fd, IORING_REGISTER_BUFFERS, v, 2));
    if (pipe(s))
        exit(1);
    memcpy(scratch, "fixed!", 6);
    entry_rw(r, IORING_OP_WRITE_FIXED, 1, s[1], scratch, 6, 0)->flags = IOSQE_IO_LINK;
    entry_rw(r, IORING_OP_READ_FIXED, 2, s[0], scratch + 8192 + 100, 6, 0)->buf_index = 1;
    DO("fixed", r, 2);
    printf("%.6s\n", scratch + 8192 + 100);
    entry_rw(r, IORING_OP_READ_FIXED, 3, s[0], scratch, 6, 0)->buf_index = 1;
    DO("outside of the buffer", r, 1);
    entry_rw(r, IORING_OP_READ_FIXED, 4, s[0], scratch, 6, 0)->buf_index = 2;
    DO("no such buffer", r, 1);
    SHOW(reg(r->fd, IORING_UNREGISTER_BUFFERS, NULL, 0));
    SHOW(reg(r->fd, IORING_UNREGISTER_BUFFERS, NULL, 0));
    v[0].iov_base = BAD;
    SHOW(reg(r->fd, IORING_REGISTER_BUFFERS, v, 1));
    close(s[0]);
    close(s[1]);

    /* Provided buffers. */
    socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
    struct io_uring_sqe *e = entry_rw(r, IORING_OP_PROVIDE_BUFFERS, 10, 3, scratch, 64, 5);
    e->buf_group = 7;
    DO("provide", r, 1);
    for (int i = 0; i < 4; i++) {
        char text[2] = {(char)('a' + i), 0};
        if (send(s[1], text, 2, 0) != 2)
            exit(1);
        e = entry_rw(r, IORING_OP_RECV, 11, s[0], NULL, 64, 0);
        e->flags = IOSQE_BUFFER_SELECT;
        e->buf_group = 7;
        CALL("recv into a provided buffer", submit(r, 1));
        struct cqe c = wait_next(r);
        show_cqe(&c);
        if (c.flags & IORING_CQE_F_BUFFER)
            printf("%s\n", scratch + ((c.flags >> 16) - 5) * 64);
    }
    entry(r, IORING_OP_REMOVE_BUFFERS, 12, 2)->buf_group = 7;
    DO("remove", r, 1);
    entry(r, IORING_OP_REMOVE_BUFFERS, 13, 2)->buf_group = 8;
    DO("remove of none", r, 1);
    recv(s[0], scratch, 64, MSG_DONTWAIT);

    /* A ring of buffers, with a multishot recv. */
    struct io_uring_buf_ring *br = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct io_uring_buf_reg br_reg = {.ring_addr = (uintptr_t)br, .ring_entries = 4, .bgid = 3};
    struct io_uring_buf *bufs = (struct io_uring_buf *)br; /* in C++ and C the same: the tail lies in the first one's resv */
    SHOW(reg(r->fd, IORING_REGISTER_PBUF_RING, &br_reg, 1));
    SHOW(reg(r->fd, IORING_REGISTER_PBUF_RING, &br_reg, 1));
    for (int i = 0; i < 4; i++) {
        bufs[i].addr = (uintptr_t)(scratch + 256 * i);
        bufs[i].len = 256;
        bufs[i].bid = (unsigned short)(40 + i);
    }
    __atomic_store_n(&br->tail, 4, __ATOMIC_RELEASE);
    e = entry(r, IORING_OP_RECV, 14, s[0]);
    e->ioprio = IORING_RECV_MULTISHOT;
    e->flags = IOSQE_BUFFER_SELECT;
    e->buf_group = 3;
    CALL("multishot recv", submit(r, 0));
    for (int i = 0; i < 5; i++) {
        char text[2] = {(char)('A' + i), 0};
        if (send(s[1], text, 2, 0) != 2)
            exit(1);
        struct cqe c = wait_next(r);
        show_cqe(&c);
        if (c.res > 0)
            printf("%s\n", scratch + ((c.flags >> 16) - 40) * 256);
    }
    SHOW(reg(r->fd, IORING_UNREGISTER_PBUF_RING, &br_reg, 1));
    close(s[0]);
    close(s[1]);
}

static void registrations(struct ring *r)
{
    int e = eventfd(0, EFD_NONBLOCK), d = open("/", O_DIRECTORY);
    uint64_t count = 0;

    SHOW(reg(r->fd, IORING_REGISTER_EVENTFD, &e, 1));
    SHOW(reg(r->fd, IORING_REGISTER_EVENTFD, &e, 1));
    entry(r, IORING_OP_NOP, 1, -1);
    DO("nop", r, 1);
    SHOW(read(e, &count, 8) == 8 && count > 0);
    SHOW(reg(r->fd, IORING_UNREGISTER_EVENTFD, NULL, 0));
    SHOW(reg(r->fd, IORING_UNREGISTER_EVENTFD, NULL, 0));
    CALL("eventfd that is none", reg(r->fd, IORING_REGISTER_EVENTFD, &d, 1));
    SHOW(reg(r->fd, 1000, NULL, 0));
    int id = reg(r->fd, IORING_REGISTER_PERSONALITY, NULL, 0);
    printf("personality %d\n", id);
    entry(r, IORING_OP_NOP, 2, -1)->personality = (unsigned short)id;
    DO("nop", r, 1);
    SHOW(reg(r->fd, IORING_UNREGISTER_PERSONALITY, NULL, (unsigned)id));
    SHOW(reg(r->fd, IORING_UNREGISTER_PERSONALITY, NULL, (unsigned)id));
    entry(r, IORING_OP_NOP, 3, -1)->personality = (unsigned short)id;
    DO("nop", r, 1);
    SHOW(reg(r->fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0));
    unsigned workers[2] = {0, 0};
    SHOW(reg(r->fd, IORING_REGISTER_IOWQ_MAX_WORKERS, workers, 2));
    struct io_uring_rsrc_update ring = {.offset = ~0u, .data = (unsigned)r->fd};
    SHOW(reg(r->fd, IORING_REGISTER_RING_FDS, &ring, 1));
    printf("index %u\n", ring.offset);
    entry(r, IORING_OP_NOP, 4, -1);
    __atomic_store_n(sq_field(r, r->p.sq_off.tail), r->tail, __ATOMIC_RELEASE);
    CALL("by the registered ring", enter((int)ring.offset, 1, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_REGISTERED_RING, NULL, 0));
    show_completions(r, 1);
    CALL("one that is not", enter(7, 0, 0, IORING_ENTER_REGISTERED_RING, NULL, 0));
    ring.data = 0;
    SHOW(reg(r->fd, IORING_UNREGISTER_RING_FDS, &ring, 1));
    struct io_uring_sync_cancel_reg c = {.addr = 99, .fd = -1, .timeout = {-1, -1}};
    SHOW(reg(r->fd, IORING_REGISTER_SYNC_CANCEL, &c, 1));
    close(e);
    close(d);
}

static void restrictions(void)
{
    struct ring r;
    struct io_uring_restriction allowed[2] = {
        {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_NOP},
        {.opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = 0},
    };

    ring_open(&r, 8, IORING_SETUP_R_DISABLED);
    entry(&r, IORING_OP_NOP, 1, -1);
    CALL("enter of a disabled ring", submit(&r, 0));
    SHOW(reg(r.fd, IORING_REGISTER_RESTRICTIONS, allowed, 2));
    SHOW(reg(r.fd, IORING_REGISTER_RESTRICTIONS, allowed, 2));
    SHOW(reg(r.fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0));
    SHOW(reg(r.fd, IORING_REGISTER_PERSONALITY, NULL, 0));
    DO("nop", &r, 1);
    entry(&r, IORING_OP_POLL_ADD, 2, 0);
    DO("what is not allowed", &r, 1);
    close(r.fd);
}

static void messages(struct ring *r)
{
    struct ring other;

    ring_open(&other, 8, 0);
    entry_rw(r, IORING_OP_MSG_RING, 1, other.fd, NULL, 42, 77);
    DO("message", r, 1);
    show_completions(&other, 1);
    entry_rw(r, IORING_OP_MSG_RING, 2, 1, NULL, 42, 77);
    DO("to what is no ring", r, 1);
    close(other.fd);
}

int main(void)
{
    struct ring r;

    ring_open(&r, 8, 0);
    paths(&r);
    pairs(&r);
    tcp(&r);
    buffers(&r);
    registrations(&r);
    restrictions();
    messages(&r);
    return 0;
}
