/* SPDX-License-Identifier: BSD-2-Clause */
/* SO_TIMESTAMPING of datagrams that are sent: the times alone, from the error queue. */
#include "sock.h"
#include <time.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>

#define ALONE (SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY)

static struct sockaddr_in to;

/* What there is in the error queue of s. */
static void records(int s)
{
    settle();
    printf("events %#x\n", events(s));
    for (;;) {
        char control[200], byte;
        struct sockaddr_in6 name;
        struct msghdr m = {.msg_name = &name, .msg_namelen = sizeof name, .msg_iov = &(struct iovec){&byte, 1}, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        ssize_t r = recvmsg(s, &m, MSG_ERRQUEUE);
        if (r < 0)
            break;
        printf("%zd bytes, name of %d, flags %#x", r, m.msg_namelen, m.msg_flags);
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
            if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING) {
                struct timespec t[3], now;
                memcpy(t, CMSG_DATA(c), sizeof t);
                clock_gettime(CLOCK_REALTIME, &now);
                printf(", %d.%d: %s %ld %ld", c->cmsg_level, c->cmsg_type, now.tv_sec - t[0].tv_sec <= 5 ? "now" : "another time", t[1].tv_sec, t[2].tv_sec);
            } else {
                struct sock_extended_err e;
                memcpy(&e, CMSG_DATA(c), sizeof e);
                printf(", %d.%d of %zu: %s, origin %d, type %d, code %d, %u, %u", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len, strerrorname_np((int)e.ee_errno),
                       e.ee_origin, e.ee_type, e.ee_code, e.ee_info, e.ee_data);
            }
        }
        printf("\n");
    }
}

static void with(int s, const char *what, unsigned flags)
{
    printf("-- %s: %ld\n", what, (long)set_int(s, SOL_SOCKET, SO_TIMESTAMPING, (int)flags));
    SHOW(sendto(s, "hello", 5, 0, (void *)&to, sizeof to));
    SHOW(sendto(s, "again", 5, 0, (void *)&to, sizeof to));
    records(s);
}

static void given(int s, const char *what, unsigned flags, size_t size)
{
    union {
        struct cmsghdr h;
        char room[CMSG_SPACE(8)];
    } c = {.h = {.cmsg_len = CMSG_LEN(size), .cmsg_level = SOL_SOCKET, .cmsg_type = SO_TIMESTAMPING}};
    memcpy(CMSG_DATA(&c.h), &flags, sizeof flags);
    struct msghdr m = {.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &(struct iovec){"hello", 5}, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof c};
    ssize_t n = sendmsg(s, &m, 0);
    printf("-- given with it, %s: %zd %s\n", what, n, n < 0 ? strerrorname_np(errno) : "");
    records(s);
}

int main(void)
{
    int s = socket(AF_INET, SOCK_DGRAM, 0), x = socket(AF_INET, SOCK_DGRAM, 0);
    to = at("127.0.0.1", 0);
    bind(x, (void *)&to, sizeof to);
    to = local_name(x);
    with(s, "not what is sent", ALONE);
    with(s, "software", ALONE | SOF_TIMESTAMPING_TX_SOFTWARE);
    with(s, "scheduled", ALONE | SOF_TIMESTAMPING_TX_SCHED);
    with(s, "both, numbered", ALONE | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_OPT_ID);
    with(s, "numbered on", ALONE | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_OPT_ID);
    with(s, "acknowledged", ALONE | SOF_TIMESTAMPING_TX_ACK | SOF_TIMESTAMPING_OPT_ID);
    with(s, "no number", ALONE | SOF_TIMESTAMPING_TX_SOFTWARE);
    with(s, "numbered anew", ALONE | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_OPT_ID);
    with(s, "without its time", SOF_TIMESTAMPING_OPT_TSONLY | SOF_TIMESTAMPING_TX_SOFTWARE);
    with(s, "hardware", ALONE | SOF_TIMESTAMPING_TX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE);
    with(s, "numbered after that", ALONE | SOF_TIMESTAMPING_TX_HARDWARE | SOF_TIMESTAMPING_OPT_ID);
    with(s, "numbered after that", ALONE | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_OPT_ID);
    with(s, "statistics of packets", SOF_TIMESTAMPING_OPT_STATS);
    SHOW(set_int(s, SOL_SOCKET, SO_TIMESTAMPING, ALONE | SOF_TIMESTAMPING_OPT_ID));
    given(s, "software", SOF_TIMESTAMPING_TX_SOFTWARE, 4);
    given(s, "both", SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_SCHED, 4);
    given(s, "nothing", 0, 4);
    given(s, "no flag of those", SOF_TIMESTAMPING_SOFTWARE, 4);
    given(s, "too long", SOF_TIMESTAMPING_TX_SOFTWARE, 8);
    SHOW(set_int(s, SOL_SOCKET, SO_TIMESTAMPING, ALONE | SOF_TIMESTAMPING_TX_SOFTWARE));
    given(s, "nothing, for once", 0, 4);
    close(s);
    close(x);
    s = socket(AF_INET6, SOCK_DGRAM, 0);
    SHOW(set_int(s, SOL_SOCKET, SO_SELECT_ERR_QUEUE, 1));
    struct sockaddr_in6 six = at6("::1", 9);
    SHOW(set_int(s, SOL_SOCKET, SO_TIMESTAMPING, ALONE | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_OPT_ID));
    SHOW(sendto(s, "hello", 5, 0, (void *)&six, sizeof six));
    records(s);
    close(s);
    return 0;
}
