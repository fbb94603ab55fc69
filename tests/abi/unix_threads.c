/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/*
 * AF_UNIX sockets in the hands of many threads: what is sent just before the end arrives, descriptors in flight while cycles
 * of them are collected, listeners that go while others connect, peers that change, peeks beside reads, urgent bytes.
 */
#include "sock.h"
#include <stdatomic.h>
#include <sys/eventfd.h>

static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET};

/* ------------------------------------------------------------ the last words */

struct hand {
    atomic_int fd; /* of the next round; -1: none; -2: no more */
};

static void *say_and_go(void *arg)
{
    struct hand *h = arg;
    int fd;
    while ((fd = atomic_load(&h->fd)) != -2) {
        if (fd < 0) {
            sched_yield();
            continue;
        }
        atomic_store(&h->fd, -1);
        send(fd, "last", 4, MSG_NOSIGNAL);
        close(fd);
    }
    return NULL;
}

static void last_words(void)
{
    for (int k = 0; k < 3; k++) {
        struct hand h = {-1};
        pthread_t t;
        int lost = 0, s[2];
        pthread_create(&t, NULL, say_and_go, &h);
        for (int i = 0; i < 2000; i++) {
            char b[8];
            if (k == 2)
                tcp_pair(s);
            else
                socketpair(AF_UNIX, types[k], 0, s);
            atomic_store(&h.fd, s[0]);
            lost += recv(s[1], b, 8, 0) != 4 || recv(s[1], b, 8, 0) != 0;
            close(s[1]);
        }
        atomic_store(&h.fd, -2);
        pthread_join(t, NULL);
        printf("last words lost: %d\n", lost);
    }
}

/* ------------------------------------------------------------ descriptors */

static long pass(int s, const int *fds, int n)
{
    _Alignas(8) char control[CMSG_SPACE(4 * sizeof(int))];
    struct iovec v = {"x", 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)n)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int) * (size_t)n), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)n);
    return sendmsg(s, &m, MSG_NOSIGNAL);
}

/* Receives with room for n; closes what came. How many came. */
static int take(int s, int n, int flags)
{
    _Alignas(8) char control[CMSG_SPACE(4 * sizeof(int))];
    char b;
    struct iovec v = {&b, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)n)};
    int count = 0, fds[4];
    if (recvmsg(s, &m, flags) <= 0)
        return -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_type != SCM_RIGHTS)
            continue;
        count = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(fds, CMSG_DATA(c), sizeof(int) * (size_t)count);
        for (int i = 0; i < count; i++)
            if (close(fds[i]))
                printf("a bad descriptor came\n");
    }
    return count;
}

static void *make_cycles(void *arg)
{
    for (int i = 0; i < 400; i++) {
        int a[2], b[2], type = i & 1 ? SOCK_STREAM : SOCK_DGRAM;
        if (socketpair(AF_UNIX, type, 0, a) || socketpair(AF_UNIX, type, 0, b)) {
            printf("socketpair: %s\n", strerrorname_np(errno));
            continue;
        }
        int across[2] = {b[1], a[1]};
        pass(a[0], across, 2);
        pass(b[0], across, 2);
        if (i % 3 == 0) {
            if (take(a[1], 2, MSG_PEEK) != 2 || take(a[1], 2, 0) != 2)
                printf("lost a descriptor\n");
        }
        close(a[0]), close(b[0]), close(a[1]), close(b[1]);
    }
    return NULL;
}

static int relay[2];

static void *pass_on(void *arg)
{
    for (int i = 0; i < 600; i++) {
        int s[2];
        socketpair(AF_UNIX, SOCK_STREAM, 0, s);
        /* A descriptor in a socket that is on its way itself. */
        if (pass(s[0], &s[0], 1) != 1 || pass(relay[0], &s[1], 1) != 1)
            printf("pass: %s\n", strerrorname_np(errno));
        close(s[0]), close(s[1]);
    }
    return NULL;
}

static void *collect(void *arg)
{
    long n = 0;
    for (int i = 0; i < 600; i++)
        n += take(relay[1], 1, 0);
    return (void *)n;
}

static void descriptors(void)
{
    pthread_t t[4];
    void *n1, *n2;
    int first = dup(1), last;
    close(first);
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, relay);
    pthread_create(&t[0], NULL, make_cycles, NULL);
    pthread_create(&t[1], NULL, pass_on, NULL);
    pthread_create(&t[2], NULL, collect, NULL);
    pthread_create(&t[3], NULL, make_cycles, NULL);
    pthread_join(t[0], NULL);
    pthread_join(t[1], &n1);
    pthread_join(t[2], &n2);
    pthread_join(t[3], NULL);
    close(relay[0]), close(relay[1]);
    last = dup(1);
    close(last);
    printf("descriptors received %ld, left open %d\n", (long)n2, last - first);
}

/* ------------------------------------------------------------ listeners and peers that go */

static atomic_int going;

static struct sockaddr_un at_name(const char *name)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    strcpy(a.sun_path + 1, name);
    return a;
}

static void *knock(void *arg)
{
    struct sockaddr_un a = at_name("goes");
    long odd = 0;
    while (!atomic_load(&going)) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        char b;
        if (connect(fd, (void *)&a, 7)) {
            odd += errno != ECONNREFUSED;
        } else {
            send(fd, "q", 1, MSG_NOSIGNAL);
            /* Served, or the listener went. */
            if (recv(fd, &b, 1, 0) < 0 && errno != ECONNRESET)
                odd++;
        }
        close(fd);
    }
    return (void *)odd;
}

static void listeners(void)
{
    struct sockaddr_un a = at_name("goes");
    pthread_t t[3];
    long odd = 0, served = 0;
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, knock, NULL);
    for (int i = 0; i < 150; i++) {
        int l = socket(AF_UNIX, SOCK_STREAM, 0);
        if (bind(l, (void *)&a, 7))
            printf("bind: %s\n", strerrorname_np(errno));
        listen(l, i % 3);
        for (int k = 0; k < i % 4; k++) {
            char b;
            int fd = accept(l, NULL, NULL);
            if (recv(fd, &b, 1, 0) == 1 && send(fd, &b, 1, MSG_NOSIGNAL) == 1)
                served++;
            close(fd);
        }
        close(l);
    }
    atomic_store(&going, 1);
    for (int i = 0; i < 3; i++) {
        void *r;
        pthread_join(t[i], &r);
        odd += (long)r;
    }
    printf("served %ld, odd %ld\n", served, odd);
}

static int hub;

static void *change_peers(void *arg)
{
    struct sockaddr_un a = at_name("hub"), none = {.sun_family = AF_UNSPEC};
    for (int i = 0; i < 500; i++) {
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        connect(fd, (void *)&a, 6);
        send(fd, "x", 1, MSG_NOSIGNAL);
        if (i & 1)
            connect(fd, (void *)&none, 2);
        send(fd, "y", 1, MSG_NOSIGNAL);
        events(fd);
        close(fd);
    }
    return NULL;
}

static void *drain(void *arg)
{
    char b;
    while (recv(hub, &b, 1, 0) == 1 && b != 'e')
        ;
    return NULL;
}

static void peers(void)
{
    struct sockaddr_un a = at_name("hub");
    pthread_t t[3], d;
    hub = socket(AF_UNIX, SOCK_DGRAM, 0);
    bind(hub, (void *)&a, 6);
    pthread_create(&d, NULL, drain, NULL);
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, change_peers, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    SHOW(sendto(fd, "e", 1, 0, (void *)&a, 6));
    pthread_join(d, NULL);
    close(fd), close(hub);
}

/* ------------------------------------------------------------ one stream, many users */

static int stream[2];

static void *write_all(void *arg)
{
    static const char text[64] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde";
    for (int i = 0; i < 3000; i++)
        if (send(stream[0], text, 64, i % 50 == 49 ? MSG_OOB : 0) != 64)
            printf("send: %s\n", strerrorname_np(errno));
    return NULL;
}

static void *peek_all(void *arg)
{
    char b[256];
    while (!atomic_load(&going)) {
        recv(stream[1], b, sizeof b, MSG_PEEK | MSG_DONTWAIT);
        recv(stream[1], b, 1, MSG_OOB | MSG_PEEK | MSG_DONTWAIT);
        events(stream[1]);
    }
    return NULL;
}

static void *read_all(void *arg)
{
    char b[1024];
    long sum = 0, n;
    while ((n = recv(stream[1], b, sizeof b, 0)) > 0)
        sum += n;
    return (void *)sum;
}

static void shared_stream(void)
{
    pthread_t w[2], p, r[2];
    long sum = 0;
    atomic_store(&going, 0);
    socketpair(AF_UNIX, SOCK_STREAM, 0, stream);
    set_int(stream[1], SOL_SOCKET, SO_OOBINLINE, 1);
    for (int i = 0; i < 2; i++) {
        pthread_create(&w[i], NULL, write_all, NULL);
        pthread_create(&r[i], NULL, read_all, NULL);
    }
    pthread_create(&p, NULL, peek_all, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(w[i], NULL);
    shutdown(stream[0], SHUT_WR);
    for (int i = 0; i < 2; i++) {
        void *n;
        pthread_join(r[i], &n);
        sum += (long)n;
    }
    atomic_store(&going, 1);
    pthread_join(p, NULL);
    printf("read %ld\n", sum);
    close(stream[0]), close(stream[1]);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    last_words();
    descriptors();
    listeners();
    peers();
    shared_stream();
    return 0;
}
