/* SPDX-License-Identifier: BSD-2-Clause */
/* SO_ATTACH_FILTER on AF_UNIX and netlink sockets: the filter sees the message. */
#include "sock.h"
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#ifndef SO_LOCK_FILTER
#define SO_LOCK_FILTER 44
#endif

static int attach(int fd, struct sock_filter *f, size_t n)
{
    struct sock_fprog p = {(unsigned short)n, f};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p);
}
#define ATTACH(fd, ...) attach(fd, (struct sock_filter[]){__VA_ARGS__}, sizeof((struct sock_filter[]){__VA_ARGS__}) / sizeof(struct sock_filter))
#define RETURN(n) BPF_STMT(BPF_RET | BPF_K, n)
#define LOAD(size, at) BPF_STMT(BPF_LD | BPF_##size | BPF_ABS, (unsigned)(at))
#define IS(n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, n, 1, 0)

static char buffer[1000];

static void try(int from, int to, const char *data)
{
    printf("%s: sent %zd", data, send(from, data, strlen(data), MSG_DONTWAIT | MSG_NOSIGNAL));
    int ready = events(to) & POLLIN;
    memset(buffer, 0, sizeof buffer);
    ssize_t r = recv(to, buffer, sizeof buffer, MSG_DONTWAIT);
    printf(", ready %d, %zd %s '%s'\n", ready, r, r < 0 ? strerrorname_np(errno) : "bytes", buffer);
}

static void kind(const char *name, int type)
{
    int v[2];
    printf("-- %s\n", name);
    SHOW(socketpair(AF_UNIX, type, 0, v));
    SHOW(setsockopt(v[1], SOL_SOCKET, SO_DETACH_FILTER, v, 4));
    SHOW(ATTACH(v[1], LOAD(B, 0), IS('k'), RETURN(0), RETURN(-1)));
    try(v[0], v[1], "keep");
    try(v[0], v[1], "drop");
    try(v[1], v[0], "drop");
    try(v[0], v[1], "");
    SHOW(ATTACH(v[1], RETURN(3)));
    try(v[0], v[1], "shortened");
    try(v[0], v[1], "");
    SHOW(ATTACH(v[1], BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_RET | BPF_A, 0)));
    try(v[0], v[1], "all of it");
    SHOW(ATTACH(v[1], RETURN(0)));
    /* What nobody wants takes no room, and the files it carries are closed. */
    for (int i = 0; i < 1000; i++) {
        if (type != SOCK_STREAM && send(v[0], buffer, 500, MSG_DONTWAIT) != 500) {
            printf("no. %d: %s\n", i, strerrorname_np(errno));
            break;
        }
    }
    int p[2];
    SHOW(pipe(p));
    union {
        struct cmsghdr h;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.h = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    memcpy(CMSG_DATA(&control.h), &p[1], sizeof(int));
    struct msghdr m = {.msg_iov = &(struct iovec){"x", 1}, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    if (type != SOCK_STREAM) {
        SHOW(sendmsg(v[0], &m, MSG_DONTWAIT));
        close(p[1]);
        SHOW(read(p[0], buffer, 1));
    }
    SHOW(setsockopt(v[1], SOL_SOCKET, SO_LOCK_FILTER, &(int){1}, 4));
    SHOW(setsockopt(v[1], SOL_SOCKET, SO_DETACH_FILTER, v, 4));
    try(v[0], v[1], "keep");
    close(v[0]);
    close(v[1]);
    close(p[0]);
}

static void ask(int s, int type)
{
    struct {
        struct nlmsghdr h;
        struct ifinfomsg i;
    } request = {{sizeof request, (unsigned short)type, NLM_F_REQUEST | NLM_F_ACK, 7, 0}, {.ifi_index = 1}};
    SHOW(send(s, &request, sizeof request, 0));
    for (;;) {
        ssize_t r = recv(s, buffer, sizeof buffer, MSG_DONTWAIT);
        if (r < 0)
            break;
        printf("a message of type %d\n", ((struct nlmsghdr *)buffer)->nlmsg_type);
    }
}

int main(void)
{
    kind("datagram", SOCK_DGRAM);
    kind("seqpacket", SOCK_SEQPACKET);
    kind("stream", SOCK_STREAM);
    printf("-- netlink\n");
    int s = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    ask(s, RTM_GETLINK);
    SHOW(ATTACH(s, LOAD(H, 4), IS(htons(NLMSG_ERROR)), RETURN(0), RETURN(-1)));
    ask(s, RTM_GETLINK);
    SHOW(ATTACH(s, RETURN(0)));
    ask(s, RTM_GETLINK);
    SHOW(setsockopt(s, SOL_SOCKET, SO_DETACH_FILTER, &s, 4));
    ask(s, RTM_GETLINK);
    close(s);
    return 0;
}
