/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP_DEFER_ACCEPT: a connection is there to accept when it has something to read, or when the time is over. */
#include "sock.h"
#include <sys/epoll.h>
#include <time.h>

static int listener(int backlog, int seconds)
{
    int l = tcp_listener(backlog);
    set_int(l, IPPROTO_TCP, TCP_DEFER_ACCEPT, seconds);
    fcntl(l, F_SETFL, O_NONBLOCK);
    return l;
}

static int client_of(int l)
{
    struct sockaddr_in a = local_name(l);
    int c = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c, (void *)&a, sizeof a))
        printf("connect: %s\n", strerrorname_np(errno));
    return c;
}

static int state(int fd)
{
    struct tcp_info i = {0};
    socklen_t n = sizeof i;
    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &n);
    return i.tcpi_state;
}

static void nothing(const char *what, int l)
{
    settle();
    int s = accept(l, NULL, NULL);
    printf("%s: ready %d, accept %s\n", what, events(l), s < 0 ? strerrorname_np(errno) : "a connection");
    close(s);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Accepts, and shows what the connection has to read. */
static void accepted(const char *what, int l)
{
    char data[100] = "";
    struct pollfd p = {l, POLLIN, 0};
    int ready = poll(&p, 1, 5000);
    int s = accept(l, NULL, NULL);
    ssize_t n = recv(s, data, sizeof data - 1, MSG_DONTWAIT);
    printf("%s: ready %d, %s, %zd bytes '%s' %s\n", what, ready, s < 0 ? strerrorname_np(errno) : "accepted", n, data, n < 0 ? strerrorname_np(errno) : "");
    if (n > 0) {
        printf("answer %zd\n", send(s, "answer", 6, 0));
    }
    close(s);
}

static void reset(int fd)
{
    struct linger linger = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(fd);
}

static void *late_data(void *arg)
{
    sleep_ms(50);
    send(*(int *)arg, "late", 4, 0);
    return NULL;
}

int main(void)
{
    static const int seconds[] = {-1, 0, 1, 2, 3, 4, 7, 8, 30, 31, 32, 60, 100, 1000, 29000, 100000};
    int l = tcp_listener(5), c, d;
    for (unsigned i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        printf("%d: %d", seconds[i], set_int(l, IPPROTO_TCP, TCP_DEFER_ACCEPT, seconds[i]));
        printf(" %ld\n", get_int(l, IPPROTO_TCP, TCP_DEFER_ACCEPT));
    }
    close(l);

    l = listener(5, 30);
    c = client_of(l);
    nothing("connected", l);
    printf("state %d, events %#x\n", state(c), events(c));
    SHOW(send(c, "hello", 5, 0));
    accepted("data", l);
    close(c);

    c = client_of(l);
    shutdown(c, SHUT_RD);
    nothing("shut for reading", l);
    shutdown(c, SHUT_WR);
    accepted("shut for writing", l);
    close(c);
    c = client_of(l);
    close(c);
    accepted("closed", l);
    c = client_of(l);
    reset(c);
    nothing("reset", l);
    c = client_of(l);
    connect(c, (void *)&(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr));
    nothing("disconnected", l);
    close(c);

    /* In the order in which data comes. */
    c = client_of(l);
    d = client_of(l);
    send(d, "second", 6, 0);
    accepted("first of all", l);
    send(c, "first", 5, MSG_NOSIGNAL);
    accepted("then", l);
    close(c);
    close(d);

    /* Who waits is woken. */
    fcntl(l, F_SETFL, 0);
    c = client_of(l);
    pthread_t t;
    pthread_create(&t, NULL, late_data, &c);
    int s = accept(l, NULL, NULL);
    char data[10] = "";
    recv(s, data, sizeof data - 1, 0);
    printf("a thread that waited: '%s'\n", data);
    pthread_join(t, NULL);
    close(s);
    close(c);
    fcntl(l, F_SETFL, O_NONBLOCK);
    int e = epoll_create1(0);
    struct epoll_event w = {.events = EPOLLIN | EPOLLET};
    epoll_ctl(e, EPOLL_CTL_ADD, l, &w);
    c = client_of(l);
    printf("epoll: %d", epoll_wait(e, &w, 1, 20));
    send(c, "x", 1, 0);
    printf(" %d", epoll_wait(e, &w, 1, 1000));
    printf(" %d\n", epoll_wait(e, &w, 1, 20));
    accepted("epoll", l);
    close(c);
    close(e);

    /* The listener is gone. */
    c = client_of(l);
    close(l);
    settle();
    printf("without a listener: state %d, events %#x\n", state(c), events(c));
    printf("send %zd", send(c, "x", 1, MSG_NOSIGNAL));
    settle();
    printf(", state %d, events %#x, %s\n", state(c), events(c), strerrorname_np(so_error(c)));
    close(c);

    /* The time is over. */
    l = listener(5, 1);
    fcntl(l, F_SETFL, 0);
    c = client_of(l);
    double start = now();
    s = accept(l, NULL, NULL);
    double took = now() - start;
    printf("the time: %s\n", took > 0.8 && took < 4 ? "about a second" : took < 0.8 ? "at once" : "too long");
    SHOW(recv(s, data, 1, MSG_DONTWAIT));
    printf("state %d %d\n", state(c), state(s));
    close(s);
    close(c);
    fcntl(l, F_SETFL, O_NONBLOCK);
    e = epoll_create1(0);
    w.events = EPOLLIN;
    epoll_ctl(e, EPOLL_CTL_ADD, l, &w);
    c = client_of(l);
    d = client_of(l);
    printf("epoll: %d", epoll_wait(e, &w, 1, 100));
    printf(" %d\n", epoll_wait(e, &w, 1, 4000));
    sleep_ms(300);
    accepted("one", l);
    accepted("two", l);
    close(c);
    close(d);
    close(e);
    close(l);
    return 0;
}
