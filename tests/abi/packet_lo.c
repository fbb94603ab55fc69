/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_PACKET on lo: what its sockets see of datagrams and pings, and what they say themselves. Filters keep other traffic of a Linux that
 * does more than this test out.
 */
#include "sock.h"
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <sys/mman.h>

#define PORT 43977

static char buffer[70000];

static long send_udp(const void *data, size_t n)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = at("127.0.9.9", PORT);
    long r = sendto(fd, data, n, 0, (void *)&to, sizeof to);
    close(fd);
    return r;
}

/* UDP to our port, at most `keep` bytes of it; offset: where IP's header begins. */
static int attach(int fd, unsigned offset, unsigned keep)
{
    struct sock_filter f[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, offset + 9),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 4),
        BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, offset),
        BPF_STMT(BPF_LD | BPF_H | BPF_IND, offset + 2),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PORT, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, keep),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog p = {sizeof f / sizeof *f, f};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p);
}

static int listener(int type, int protocol, unsigned keep)
{
    int fd = socket(AF_PACKET, type, 0);
    if (attach(fd, type == SOCK_RAW ? 14 : 0, keep))
        perror("filter");
    struct sockaddr_ll a = {.sll_family = AF_PACKET, .sll_protocol = htons((uint16_t)protocol), .sll_ifindex = 1};
    if (bind(fd, (void *)&a, sizeof a))
        perror("bind");
    return fd;
}

static void show_address(const struct sockaddr_ll *a, socklen_t n)
{
    printf(" from family %d protocol %04x index %d hardware %d type %d, %d+%d bytes:", a->sll_family, ntohs(a->sll_protocol), a->sll_ifindex,
           a->sll_hatype, a->sll_pkttype, n, a->sll_halen);
    for (int i = 0; i < 6; i++)
        printf("%02x", a->sll_addr[i]);
}

static void show(const char *what, int fd, size_t room, int flags)
{
    struct sockaddr_ll from;
    char space[256];
    struct iovec v = {buffer, room};
    struct msghdr m = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &v, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    settle();
    long r = recvmsg(fd, &m, MSG_DONTWAIT | flags);
    if (r < 0) {
        printf("%s: %s\n", what, strerrorname_np(errno));
        return;
    }
    printf("%s: %ld flags %x;", what, r, m.msg_flags);
    show_address(&from, m.msg_namelen);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        struct tpacket_auxdata *a = (void *)CMSG_DATA(c);
        printf(" level %d type %d: status %x length %d of %d, header at %d and %d", c->cmsg_level, c->cmsg_type, a->tp_status & TP_STATUS_USER,
               a->tp_snaplen, a->tp_len, a->tp_mac, a->tp_net);
    }
    printf("\n");
}

static void names(void)
{
    struct sockaddr_ll a = {0};
    socklen_t n = sizeof a;
    SHOW(socket(AF_PACKET, SOCK_STREAM, 0));
    SHOW(socket(AF_PACKET, SOCK_SEQPACKET, 0));
    int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_IP));
    SHOW(get_int(fd, SOL_SOCKET, SO_TYPE));
    SHOW(get_int(fd, SOL_SOCKET, SO_DOMAIN));
    SHOW(getsockname(fd, (void *)&a, &n));
    printf("%d", n);
    show_address(&a, n);
    printf("\n");
    n = sizeof a;
    SHOW(getpeername(fd, (void *)&a, &n));
    a = (struct sockaddr_ll){.sll_family = AF_PACKET, .sll_ifindex = 1};
    SHOW(bind(fd, (void *)&a, 19));
    SHOW(bind(fd, (void *)&a, 20));
    n = sizeof a;
    SHOW(getsockname(fd, (void *)&a, &n));
    printf("%d", n);
    show_address(&a, n);
    printf("\n");
    a.sll_family = AF_INET;
    SHOW(bind(fd, (void *)&a, 20));
    a.sll_family = AF_PACKET;
    a.sll_ifindex = 4000;
    SHOW(bind(fd, (void *)&a, 20));
    SHOW(connect(fd, (void *)&a, 20));
    SHOW(listen(fd, 1));
    SHOW(accept(fd, NULL, NULL));
    SHOW(shutdown(fd, SHUT_RDWR));
    SHOW(recv(fd, buffer, 1, MSG_OOB));
    SHOW(recv(fd, buffer, 1, MSG_WAITALL | MSG_DONTWAIT));
    SHOW(recv(fd, buffer, 1, MSG_ERRQUEUE));
    printf("%p\n", mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0));
    printf("%s\n", strerrorname_np(errno));
    close(fd);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    CALL("mmap of another", mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0));
    close(fd);
}

static void seen(void)
{
    int raw = listener(SOCK_RAW, ETH_P_ALL, 0xffff), cooked = listener(SOCK_DGRAM, ETH_P_IP, 24), other = listener(SOCK_RAW, ETH_P_ARP, 0xffff);
    int one = 1;
    SHOW(setsockopt(raw, SOL_PACKET, PACKET_AUXDATA, &one, sizeof one));
    SHOW(setsockopt(cooked, SOL_PACKET, PACKET_AUXDATA, &one, sizeof one));
    SHOW(get_int(raw, SOL_PACKET, PACKET_AUXDATA));
    SHOW(send_udp("hello", 5));
    settle();
    printf("%x %x %x\n", events(raw), events(cooked), events(other));
    show("raw, leaving", raw, sizeof buffer, 0);
    struct ether_header *e = (void *)buffer;
    struct ip *ip = (void *)(e + 1);
    struct udphdr *u = (void *)(ip + 1);
    printf("type %04x, header %d length %d ttl %d protocol %d to %s, port %d length %d: %.5s\n", ntohs(e->ether_type), ip->ip_hl, ntohs(ip->ip_len),
           ip->ip_ttl, ip->ip_p, inet_ntoa(ip->ip_dst), ntohs(u->dest), ntohs(u->len), (char *)(u + 1));
    show("raw, coming", raw, 20, MSG_TRUNC);
    show("raw", raw, 20, 0);
    show("cooked", cooked, 100, MSG_TRUNC);
    show("cooked", cooked, 100, 0);
    show("other", other, 100, 0);
    SHOW(send_udp(buffer, 3000));
    settle();
    struct tpacket_stats s;
    socklen_t n = sizeof s;
    SHOW(getsockopt(cooked, SOL_PACKET, PACKET_STATISTICS, &s, &n));
    printf("%d %d, %d bytes\n", s.tp_packets, s.tp_drops, n);
    n = 4;
    SHOW(getsockopt(cooked, SOL_PACKET, PACKET_STATISTICS, &s, &n));
    printf("%d, %d bytes\n", s.tp_packets, n);
    SHOW(set_int(raw, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1));
    SHOW(set_int(raw, SOL_PACKET, PACKET_IGNORE_OUTGOING, 2));
    while (recv(raw, buffer, 1, MSG_DONTWAIT) > 0)
        ;
    SHOW(send_udp("hello", 5));
    show("raw, coming only", raw, 100, 0);
    show("raw", raw, 100, 0);
    close(raw), close(cooked), close(other);
}

static void members(void)
{
    int fd = socket(AF_PACKET, SOCK_RAW, 0);
    struct packet_mreq m = {.mr_ifindex = 1, .mr_type = PACKET_MR_PROMISC};
    SHOW(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof m));
    SHOW(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, 8));
    SHOW(setsockopt(fd, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &m, sizeof m));
    SHOW(setsockopt(fd, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &m, sizeof m));
    SHOW(setsockopt(fd, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &m, sizeof m));
    m.mr_alen = 7;
    SHOW(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof m));
    m.mr_ifindex = 4000;
    SHOW(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof m));
    SHOW(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, BAD, sizeof m));
    SHOW(setsockopt(fd, SOL_PACKET, 99, &m, sizeof m));
    SHOW(get_int(fd, SOL_PACKET, 99));
    SHOW(set_int(fd, SOL_SOCKET, 99, 1));
    close(fd);
}

static void sent(void)
{
    int fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP)), raw = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_IP)), u = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in a = at("127.0.9.10", 0), from;
    bind(u, (void *)&a, sizeof a);
    a = local_name(u);
    struct {
        struct ether_header e;
        struct iphdr ip;
        struct udphdr udp;
        char data[4];
    } __attribute__((packed)) f = {0};
    f.e.ether_type = htons(ETH_P_IP);
    f.ip = (struct iphdr){.version = 4, .ihl = 5, .tot_len = htons(32), .ttl = 9, .protocol = IPPROTO_UDP, .saddr = inet_addr("127.0.9.11"), .daddr = a.sin_addr.s_addr};
    uint32_t sum = 0;
    for (int i = 0; i < 10; i++)
        sum += ((uint16_t *)&f.ip)[i];
    sum = (sum & 0xffff) + (sum >> 16);
    f.ip.check = (uint16_t)~(sum + (sum >> 16));
    f.udp = (struct udphdr){.source = htons(77), .dest = a.sin_port, .len = htons(12)};
    memcpy(f.data, "made", 4);
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = 1, .sll_halen = 6};
    SHOW(send(raw, &f, sizeof f, 0));
    SHOW(sendto(raw, &f, sizeof f, 0, (void *)&to, 19));
    SHOW(sendto(raw, &f, 13, 0, (void *)&to, sizeof to));
    SHOW(sendto(raw, buffer, 65551, 0, (void *)&to, sizeof to));
    to.sll_ifindex = 4000;
    SHOW(sendto(raw, &f, sizeof f, 0, (void *)&to, sizeof to));
    to.sll_ifindex = 1;
    SHOW(sendto(raw, &f, sizeof f, 0, (void *)&to, sizeof to));
    settle();
    socklen_t n = sizeof from;
    SHOW(recvfrom(u, buffer, 100, MSG_DONTWAIT, (void *)&from, &n));
    printf("%.4s from %s:%d\n", buffer, inet_ntoa(from.sin_addr), ntohs(from.sin_port));
    SHOW(sendto(fd, &f.ip, sizeof f - 14, 0, (void *)&to, sizeof to));
    settle();
    SHOW(recv(u, buffer, 100, MSG_DONTWAIT));
    SHOW(bind(raw, (void *)&to, sizeof to));
    SHOW(send(raw, &f, sizeof f, 0));
    settle();
    SHOW(recv(u, buffer, 100, MSG_DONTWAIT));
    close(fd), close(raw), close(u);
}

static void ring(void)
{
    int fd = listener(SOCK_RAW, ETH_P_ALL, 0xffff), v = TPACKET_V2;
    socklen_t n = sizeof v;
    SHOW(getsockopt(fd, SOL_PACKET, PACKET_HDRLEN, &v, &n));
    printf("%d\n", v);
    struct tpacket_req r = {.tp_block_size = 8192, .tp_block_nr = 2, .tp_frame_size = 2048, .tp_frame_nr = 8};
    SHOW(set_int(fd, SOL_PACKET, PACKET_VERSION, TPACKET_V2));
    SHOW(get_int(fd, SOL_PACKET, PACKET_VERSION));
    SHOW(set_int(fd, SOL_PACKET, PACKET_VERSION, 9));
    r.tp_frame_nr = 7;
    SHOW(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &r, sizeof r));
    r = (struct tpacket_req){.tp_block_size = 8193, .tp_block_nr = 2, .tp_frame_size = 2048, .tp_frame_nr = 8};
    SHOW(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &r, sizeof r));
    r = (struct tpacket_req){.tp_block_size = 8192, .tp_block_nr = 2, .tp_frame_size = 2040, .tp_frame_nr = 8};
    SHOW(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &r, sizeof r));
    r = (struct tpacket_req){.tp_block_size = 8192, .tp_block_nr = 2, .tp_frame_size = 2048, .tp_frame_nr = 8};
    SHOW(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &r, 8));
    SHOW(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &r, sizeof r));
    SHOW(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &r, sizeof r));
    SHOW(set_int(fd, SOL_PACKET, PACKET_VERSION, TPACKET_V1));
    CALL("short", (long)mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    CALL("elsewhere", (long)mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096));
    char *map = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    printf("%d %x\n", map != MAP_FAILED, events(fd));
    for (int i = 0; i < 5; i++)
        send_udp("ringing", 7);
    settle();
    printf("%x\n", events(fd));
    for (int i = 0; i < 8; i++) {
        struct tpacket2_hdr *h = (void *)(map + i * 2048);
        struct sockaddr_ll *a = (void *)(map + i * 2048 + TPACKET_ALIGN(sizeof *h));
        printf("%d: status %x length %d of %d at %d and %d, time %d;", i, h->tp_status & (TP_STATUS_USER | TP_STATUS_LOSING), h->tp_snaplen, h->tp_len,
               h->tp_mac, h->tp_net, h->tp_sec != 0);
        show_address(a, 20);
        printf(" %.7s\n", map + i * 2048 + h->tp_net + 28);
        h->tp_status = TP_STATUS_KERNEL;
    }
    struct tpacket_stats s;
    n = sizeof s;
    SHOW(getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &s, &n));
    printf("%d %d; %x\n", s.tp_packets, s.tp_drops, events(fd));
    static char large[3000];
    send_udp(large, sizeof large);
    settle();
    struct tpacket2_hdr *h = (void *)map;
    printf("status %x length %d of %d; %x\n", h->tp_status & (TP_STATUS_USER | TP_STATUS_LOSING), h->tp_snaplen, h->tp_len, events(fd));
    munmap(map, 16384);
    r = (struct tpacket_req){0};
    SHOW(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &r, sizeof r));
    close(fd);
}

int main(void)
{
    names();
    seen();
    members();
    sent();
    ring();
    SHOW(setgid(65534));
    SHOW(setuid(65534));
    SHOW(socket(AF_PACKET, SOCK_RAW, 0));
    SHOW(socket(AF_PACKET, SOCK_STREAM, 0));
    return 0;
}
