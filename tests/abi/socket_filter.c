/* SPDX-License-Identifier: BSD-2-Clause */
/* SO_ATTACH_FILTER and its fellows, on sockets of UDP and raw ones. */
#include "sock.h"
#include <linux/filter.h>
#include <net/ethernet.h>

#ifndef SO_LOCK_FILTER
#define SO_LOCK_FILTER 44
#endif

static char buffer[1000];

static int attach(int fd, struct sock_filter *f, size_t n)
{
    struct sock_fprog p = {(unsigned short)n, f};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p);
}
#define ATTACH(fd, ...) attach(fd, (struct sock_filter[]){__VA_ARGS__}, sizeof((struct sock_filter[]){__VA_ARGS__}) / sizeof(struct sock_filter))
#define RETURN(n) BPF_STMT(BPF_RET | BPF_K, n)
#define LOAD(size, at) BPF_STMT(BPF_LD | BPF_##size | BPF_ABS, (unsigned)(at))
#define IS(n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, n, 1, 0)

static void get(int fd, socklen_t room)
{
    struct sock_filter f[8] = {0};
    CALL("get", getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, room ? f : NULL, &room));
    printf("%d instructions", room);
    for (unsigned i = 0; i < room && i < 8; i++)
        printf(" %x:%x", f[i].code, f[i].k);
    printf("\n");
}

/* Does x get this, and how much of it? */
static void try(const char *what, int x, const char *data)
{
    int y = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in a = local_name(x);
    sendto(y, data, strlen(data), 0, (void *)&a, sizeof a);
    settle();
    memset(buffer, 0, sizeof buffer);
    long r = recv(x, buffer, sizeof buffer, MSG_DONTWAIT | MSG_TRUNC);
    if (r < 0)
        printf("%s: %s\n", what, strerrorname_np(errno));
    else
        printf("%s: %ld '%s'\n", what, r, buffer);
    close(y);
}

int main(void)
{
    int x = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in a = at("127.0.10.1", 0);
    bind(x, (void *)&a, sizeof a);
    SHOW(setsockopt(x, SOL_SOCKET, SO_DETACH_FILTER, &a, 4));
    SHOW(setsockopt(x, SOL_SOCKET, SO_DETACH_FILTER, &a, 0));
    get(x, 8);
    SHOW(ATTACH(x, RETURN(0)));
    get(x, 0);
    get(x, 8);
    try("none", x, "hello");
    SHOW(ATTACH(x, RETURN(-1)));
    try("all", x, "hello");
    SHOW(ATTACH(x, RETURN(10)));
    try("cut", x, "hello");
    SHOW(ATTACH(x, RETURN(3)));
    try("cut to nothing", x, "hello");
    SHOW(ATTACH(x, LOAD(B, 8), IS('k'), RETURN(0), RETURN(-1)));
    get(x, 2);
    get(x, 4);
    try("not wanted", x, "hello");
    try("wanted", x, "keep");
    SHOW(ATTACH(x, LOAD(H, 4), IS(8 + 6), RETURN(0), RETURN(-1)));
    try("longer", x, "seven..");
    try("as long", x, "six...");
    SHOW(ATTACH(x, BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), IS(8 + 6), RETURN(0), RETURN(-1)));
    try("as long", x, "six...");
    SHOW(ATTACH(x, LOAD(W, 100), RETURN(-1)));
    try("outside", x, "hello");
    SHOW(ATTACH(x, LOAD(W, SKF_AD_OFF + SKF_AD_PROTOCOL), IS(ETHERTYPE_IP), RETURN(0), RETURN(-1)));
    try("of IPv4", x, "hello");
    SHOW(ATTACH(x, LOAD(W, SKF_AD_OFF + SKF_AD_IFINDEX), IS(1), RETURN(0), RETURN(-1)));
    try("by lo", x, "hello");
    SHOW(ATTACH(x, LOAD(H, SKF_AD_OFF + SKF_AD_HATYPE), IS(772), RETURN(0), RETURN(-1)));
    try("of its kind", x, "hello");
    SHOW(ATTACH(x, BPF_STMT(BPF_LD | BPF_IMM, 17), BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 8), IS(1), RETURN(0), RETURN(-1)));
    try("a remainder", x, "hello");
    SHOW(ATTACH(x, LOAD(W, SKF_AD_OFF + 3), RETURN(-1)));
    SHOW(ATTACH(x, BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 0), RETURN(-1)));
    SHOW(ATTACH(x, LOAD(B, 0)));
    SHOW(ATTACH(x, BPF_STMT(0xffff, 0), RETURN(1)));
    SHOW(attach(x, BAD, 2));
    SHOW(attach(x, NULL, 2));
    SHOW(attach(x, (struct sock_filter[]){RETURN(1)}, 0));
    SHOW(attach(x, (struct sock_filter[]){RETURN(1)}, 4097));
    SHOW(setsockopt(x, SOL_SOCKET, SO_ATTACH_FILTER, &a, 8));
    SHOW(setsockopt(x, SOL_SOCKET, SO_ATTACH_FILTER, BAD, sizeof(struct sock_fprog)));
    try("as before", x, "hello");
    SHOW(setsockopt(x, SOL_SOCKET, SO_DETACH_FILTER, &a, 4));
    try("detached", x, "hello");
    SHOW(set_int(x, SOL_SOCKET, SO_LOCK_FILTER, 0));
    SHOW(ATTACH(x, RETURN(10)));
    SHOW(set_int(x, SOL_SOCKET, SO_LOCK_FILTER, 1));
    SHOW(get_int(x, SOL_SOCKET, SO_LOCK_FILTER));
    SHOW(ATTACH(x, RETURN(-1)));
    SHOW(setsockopt(x, SOL_SOCKET, SO_DETACH_FILTER, &a, 4));
    SHOW(set_int(x, SOL_SOCKET, SO_LOCK_FILTER, 0));
    try("locked", x, "hello");
    close(x);
    int raw = socket(AF_INET, SOCK_RAW, 253);
    a = at("127.0.10.2", 0);
    bind(raw, (void *)&a, sizeof a);
    SHOW(ATTACH(raw, LOAD(B, 20), IS('k'), RETURN(0), RETURN(22)));
    sendto(raw, "hello", 5, 0, (void *)&a, sizeof a);
    sendto(raw, "keep", 4, 0, (void *)&a, sizeof a);
    settle();
    memset(buffer, 0, sizeof buffer);
    SHOW(recv(raw, buffer, sizeof buffer, MSG_DONTWAIT));
    printf("%s\n", buffer + 20);
    SHOW(recv(raw, buffer, sizeof buffer, MSG_DONTWAIT));
    close(raw);
    int t = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(setsockopt(t, SOL_SOCKET, SO_DETACH_FILTER, &a, 4));
    close(t);
    return 0;
}
