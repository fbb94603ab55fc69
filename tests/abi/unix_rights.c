/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors and credentials on their way through AF_UNIX sockets: how many, which kinds, what a failed or a cut
 * receive leaves behind, who may say that he is whom, and what nobody can reach any more.
 */
#include "sock.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>

static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
static _Alignas(8) char control[4096];
static struct iovec one = {"x", 1};
static struct msghdr out;
static size_t used;

/* Control messages are collected with add() and go with the next push(). */
static void add(int level, int type, const void *data, size_t n)
{
    struct cmsghdr *c = (void *)(control + used);
    *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(n), .cmsg_level = level, .cmsg_type = type};
    memcpy(CMSG_DATA(c), data, n);
    used += CMSG_SPACE(n);
}

static void add_fds(const int *fds, int n)
{
    add(SOL_SOCKET, SCM_RIGHTS, fds, sizeof *fds * (size_t)n);
}

static long push(int s, const char *text)
{
    one = (struct iovec){(void *)text, strlen(text)};
    out = (struct msghdr){.msg_iov = &one, .msg_iovlen = 1, .msg_control = used ? control : NULL, .msg_controllen = used};
    long r = sendmsg(s, &out, MSG_NOSIGNAL | MSG_DONTWAIT);
    int e = errno;
    used = 0;
    errno = e;
    return r;
}

static int got[300], taken;

/* One recvmsg with room bytes for control; the descriptors are left in got. */
static void pull(int s, size_t n, size_t room, int flags)
{
    static _Alignas(8) char in[4096];
    char b[64] = {0};
    struct iovec v = {b, n};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = in, .msg_controllen = room};
    long r = recvmsg(s, &m, flags | MSG_DONTWAIT);
    taken = 0;
    printf("  %ld%s%s '%s' flags %x control %zu", r, r < 0 ? " " : "", r < 0 ? strerrorname_np(errno) : "", b, m.msg_flags,
           r < 0 ? 0 : m.msg_controllen);
    for (struct cmsghdr *c = r < 0 ? NULL : CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        printf(" [%d %zu]", c->cmsg_type, (size_t)c->cmsg_len);
        if (c->cmsg_type == SCM_RIGHTS) {
            memcpy(got + taken, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
            taken += (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        } else if (c->cmsg_type == SCM_CREDENTIALS && c->cmsg_len == CMSG_LEN(sizeof(struct ucred))) {
            struct ucred u;
            memcpy(&u, CMSG_DATA(c), sizeof u);
            printf(" %s %u %u", u.pid == getpid() ? "mine" : "other", u.uid, u.gid);
        }
    }
    printf("\n");
    fflush(stdout);
}

static void drop(void)
{
    while (taken)
        close(got[--taken]);
}

static int lowest(void)
{
    int fd = dup(1);
    close(fd);
    return fd;
}

static void counts(int type)
{
    int s[2], fds[254], before = lowest();
    printf("counts, type %d\n", type);
    for (int i = 0; i < 254; i++)
        fds[i] = 1;
    socketpair(AF_UNIX, type, 0, s);
    add_fds(fds, 253);
    SHOW(push(s[0], "most"));
    pull(s[1], 10, 4096, 0);
    SHOW(taken);
    drop();
    add_fds(fds, 254);
    SHOW(push(s[0], "too many"));
    add_fds(fds, 250), add_fds(fds, 3);
    SHOW(push(s[0], "in two"));
    pull(s[1], 10, 4096, 0);
    SHOW(taken);
    drop();
    add_fds(fds, 250), add_fds(fds, 4);
    SHOW(push(s[0], "too many in two"));
    add_fds(fds, 0);
    SHOW(push(s[0], "none"));
    pull(s[1], 10, 4096, 0);
    add(SOL_SOCKET, SCM_RIGHTS, fds, 6);
    SHOW(push(s[0], "one and a half"));
    pull(s[1], 20, 4096, 0);
    drop();
    /* Bad ones: nothing goes out, nothing stays. */
    fds[3] = -1;
    add_fds(fds, 5);
    SHOW(push(s[0], "bad"));
    fds[3] = 9999;
    add_fds(fds, 5);
    SHOW(push(s[0], "bad"));
    fds[3] = 1;
    add_fds(fds, 2), add(SOL_SOCKET, 99, fds, 4);
    SHOW(push(s[0], "bad type"));
    add_fds(fds, 2), add(SOL_IP, 1, fds, 4);
    SHOW(push(s[0], "of another level"));
    pull(s[1], 20, 4096, 0);
    drop();
    SHOW(sendmsg(-1, &out, 0));
    pull(s[1], 10, 4096, 0);
    /* What there is room for. */
    for (size_t room = 0; room <= 40; room += 4) {
        fds[0] = fds[1] = fds[2] = s[0];
        add_fds(fds, 3);
        push(s[0], "room");
        printf("  room %zu", room);
        pull(s[1], 10, room, room & 8 ? MSG_CMSG_CLOEXEC : 0);
        for (int i = 0; i < taken; i++)
            printf("%s%d", i ? " " : "    close-on-exec ", fcntl(got[i], F_GETFD));
        if (taken)
            printf("\n");
        drop();
    }
    /* A receiver who has no descriptor left. */
    struct rlimit old, tight;
    getrlimit(RLIMIT_NOFILE, &old);
    for (int spare = 0; spare < 3; spare++) {
        tight = (struct rlimit){(rlim_t)(lowest() + spare), old.rlim_max};
        add_fds(fds, 2);
        push(s[0], "limit");
        setrlimit(RLIMIT_NOFILE, &tight);
        pull(s[1], 10, 4096, 0);
        setrlimit(RLIMIT_NOFILE, &old);
        drop();
    }
    pull(s[1], 10, 4096, 0);
    close(s[0]), close(s[1]);
    SHOW(lowest() == before);
}

static void kinds(void)
{
    int s[2], p[2], fds[6];
    struct stat a, b;
    char c;
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s);
    pipe(p);
    fds[0] = open(".", O_RDONLY | O_DIRECTORY);
    fds[1] = open("/", O_PATH);
    fds[2] = p[0];
    fds[3] = p[1];
    fds[4] = epoll_create1(0);
    fds[5] = s[1];
    add_fds(fds, 6);
    SHOW(push(s[0], "kinds"));
    for (int i = 0; i < 5; i++)
        close(fds[i]);
    pull(s[1], 10, 4096, 0);
    SHOW(fcntl(got[1], F_GETFL) & O_PATH);
    SHOW(fstat(got[1], &a));
    SHOW(stat("/", &b));
    SHOW(a.st_ino == b.st_ino);
    SHOW(read(got[1], &c, 1));
    SHOW(write(got[3], "p", 1));
    SHOW(read(got[2], &c, 1));
    SHOW(epoll_ctl(got[4], EPOLL_CTL_ADD, got[2], &(struct epoll_event){.events = EPOLLIN}));
    drop();
    /* One description, two descriptors: the position is shared, flags too. */
    int f = open("shared", O_CREAT | O_RDWR, 0600);
    write(f, "abcdef", 6);
    lseek(f, 1, SEEK_SET);
    add_fds(&f, 1);
    push(s[0], "x");
    pull(s[1], 10, 4096, 0);
    SHOW(read(got[0], &c, 1));
    SHOW(lseek(f, 0, SEEK_CUR));
    SHOW(fcntl(got[0], F_SETFL, O_APPEND));
    SHOW(fcntl(f, F_GETFL) & O_APPEND);
    drop();
    close(f);
    close(s[0]), close(s[1]);
}

/* Files are closed with the message that nobody took. */
static void discarded(int type)
{
    int s[2], p[2];
    char c;
    printf("discarded, type %d\n", type);
    for (int how = 0; how < 6; how++) {
        socketpair(AF_UNIX, type, 0, s);
        pipe2(p, O_NONBLOCK);
        add_fds(&p[1], 1);
        push(s[0], "x");
        close(p[1]);
        errno = 0;
        long still = read(p[0], &c, 1);
        int e = errno;
        if (how == 0)
            read(s[1], &c, 1);
        else if (how == 1)
            recv(s[1], &c, 1, MSG_PEEK);
        else if (how == 2)
            pull(s[1], 1, 0, 0);
        else if (how == 3)
            close(s[1]);
        else if (how == 4)
            shutdown(s[1], SHUT_RD);
        else
            close(s[0]);
        errno = 0;
        long after = read(p[0], &c, 1);
        printf("  way %d: %ld %s, then %ld %s\n", how, still, e ? strerrorname_np(e) : "-", after, errno ? strerrorname_np(errno) : "-");
        if (how != 5)
            close(s[0]);
        if (how != 3)
            close(s[1]);
        SHOW(read(p[0], &c, 1));
        close(p[0]);
    }
}

static void *of_another_user(void *arg)
{
    int *s = arg;
    struct ucred u = {getpid(), 1000, 1000};
    syscall(SYS_setresgid, 1000, 1001, 1002);
    syscall(SYS_setresuid, 1000, 1001, 1002);
    static const unsigned ids[][2] = {{1000, 1000}, {1001, 1001}, {1002, 1002}, {0, 1000}, {1000, 0}, {1002, 1000}};
    for (int i = 0; i < 6; i++) {
        u.uid = ids[i][0], u.gid = ids[i][1];
        add(SOL_SOCKET, SCM_CREDENTIALS, &u, sizeof u);
        SHOW(push(s[0], "ids"));
        pull(s[1], 10, 4096, 0);
    }
    u = (struct ucred){1, 1000, 1000};
    add(SOL_SOCKET, SCM_CREDENTIALS, &u, sizeof u);
    SHOW(push(s[0], "pid"));
    SHOW(push(s[0], "by itself"));
    pull(s[1], 10, 4096, 0);
    struct ucred told;
    socklen_t n = sizeof told;
    int pair[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &told, &n);
    printf("pair made by another: %u %u\n", told.uid, told.gid);
    return NULL;
}

static void credentials(int type)
{
    int s[2];
    pthread_t t;
    struct ucred u = {getpid(), 0, 0};
    printf("credentials, type %d\n", type);
    socketpair(AF_UNIX, type, 0, s);
    SHOW(push(s[0], "before"));
    set_int(s[1], SOL_SOCKET, SO_PASSCRED, 1);
    pull(s[1], 10, 4096, 0);
    u.pid = 0;
    add(SOL_SOCKET, SCM_CREDENTIALS, &u, sizeof u);
    SHOW(push(s[0], "pid 0"));
    u = (struct ucred){getpid(), (unsigned)-1, 0};
    add(SOL_SOCKET, SCM_CREDENTIALS, &u, sizeof u);
    SHOW(push(s[0], "no user"));
    u = (struct ucred){getpid(), 0, (unsigned)-1};
    add(SOL_SOCKET, SCM_CREDENTIALS, &u, sizeof u);
    SHOW(push(s[0], "no group"));
    u = (struct ucred){getpid(), 4, 5};
    add(SOL_SOCKET, SCM_CREDENTIALS, &u, sizeof u - 1);
    SHOW(push(s[0], "short"));
    add(SOL_SOCKET, SCM_CREDENTIALS, &u, sizeof u + 1);
    SHOW(push(s[0], "long"));
    int e = eventfd(0, 0);
    add(SOL_SOCKET, SCM_CREDENTIALS, &u, sizeof u);
    add_fds(&e, 1);
    u.uid = 6;
    add(SOL_SOCKET, SCM_CREDENTIALS, &u, sizeof u);
    SHOW(push(s[0], "both"));
    pull(s[1], 10, 4096, 0);
    drop();
    close(e);
    /* What different users wrote is not read as one. */
    push(s[0], "a"), push(s[0], "b");
    add(SOL_SOCKET, SCM_CREDENTIALS, &u, sizeof u);
    push(s[0], "c");
    add(SOL_SOCKET, SCM_CREDENTIALS, &u, sizeof u);
    push(s[0], "d");
    push(s[0], "e");
    for (int i = 0; i < (type == SOCK_STREAM ? 3 : 5); i++)
        pull(s[1], 10, i == 1 ? 4096 : 8, 0);
    push(s[0], "a");
    add(SOL_SOCKET, SCM_CREDENTIALS, &u, sizeof u);
    push(s[0], "b");
    set_int(s[1], SOL_SOCKET, SO_PASSCRED, 0);
    pull(s[1], 10, 4096, 0);
    pull(s[1], 10, 4096, 0);
    set_int(s[1], SOL_SOCKET, SO_PASSCRED, 1);
    pthread_create(&t, NULL, of_another_user, s);
    pthread_join(t, NULL);
    close(s[0]), close(s[1]);
}

/* Is the other end of the pipe p gone? Collecting may take a moment. */
static int collected(int p)
{
    struct pollfd f = {p, POLLIN, 0};
    for (int i = 0; i < 100; i++) {
        close(socket(AF_UNIX, SOCK_DGRAM, 0));
        if (poll(&f, 1, 20) > 0)
            return f.revents & POLLHUP ? 1 : -1;
    }
    return 0;
}

static socklen_t named(struct sockaddr_un *a, const char *name)
{
    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    strcpy(a->sun_path + 1, name);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
}

static void cycles(void)
{
    int s[2], p[2], fds[3];
    struct sockaddr_un a;
    for (int i = 0; i < 3; i++) {
        socketpair(AF_UNIX, types[i], 0, s);
        pipe(p);
        fds[0] = s[0], fds[1] = s[1], fds[2] = p[1];
        add_fds(fds, 3);
        push(s[0], "x");
        close(s[0]), close(s[1]), close(p[1]);
        SHOW(collected(p[0]));
        close(p[0]);
    }
    /* A listener in the queue of a connection that it never accepted. */
    int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
    bind(l, (void *)&a, named(&a, "embryo"));
    listen(l, 5);
    connect(c, (void *)&a, named(&a, "embryo"));
    pipe(p);
    fds[0] = l, fds[1] = c, fds[2] = p[1];
    add_fds(fds, 3);
    push(c, "x");
    close(l), close(c), close(p[1]);
    SHOW(collected(p[0]));
    close(p[0]);
    /* The same, but the listener can still be reached. */
    l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
    bind(l, (void *)&a, named(&a, "embryo"));
    listen(l, 5);
    connect(c, (void *)&a, named(&a, "embryo"));
    pipe(p);
    fds[0] = l, fds[1] = c, fds[2] = p[1];
    add_fds(fds, 3);
    push(c, "kept");
    close(c), close(p[1]);
    for (int i = 0; i < 4; i++)
        close(socket(AF_UNIX, SOCK_DGRAM, 0));
    struct pollfd f = {p[0], POLLIN, 0};
    SHOW(poll(&f, 1, 50));
    SHOW((c = accept(l, NULL, NULL)) >= 0);
    pull(c, 10, 4096, 0);
    SHOW(taken);
    drop();
    SHOW(poll(&f, 1, 0));
    close(c), close(l), close(p[0]);
    /* By way of an epoll instance: it holds no file, so there is no cycle. */
    socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
    pipe(p);
    int ep = epoll_create1(0);
    epoll_ctl(ep, EPOLL_CTL_ADD, s[1], &(struct epoll_event){.events = EPOLLIN});
    fds[0] = ep, fds[1] = s[1], fds[2] = p[1];
    add_fds(fds, 3);
    push(s[0], "x");
    close(ep), close(s[0]), close(s[1]), close(p[1]);
    SHOW(collected(p[0]));
    close(p[0]);
    /* Peeked at: what was handed out stays good. */
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    pipe(p);
    fds[0] = s[1], fds[1] = p[1];
    add_fds(fds, 2);
    push(s[0], "x");
    close(p[1]);
    pull(s[1], 1, 4096, MSG_PEEK);
    close(s[0]), close(s[1]);
    SHOW(write(got[1], "w", 1));
    pull(got[0], 1, 0, 0);
    close(got[0]), close(got[1]);
    char b;
    SHOW(read(p[0], &b, 1));
    SHOW(collected(p[0]));
    close(p[0]);
}

int main(void)
{
    for (int i = 0; i < 3; i++)
        counts(types[i]);
    kinds();
    for (int i = 0; i < 3; i++)
        discarded(types[i]);
    for (int i = 0; i < 3; i++)
        credentials(types[i]);
    cycles();
    return 0;
}
