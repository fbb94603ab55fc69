/* SPDX-License-Identifier: BSD-2-Clause */
/* See network_script.h. Here: the program in the VM, time and memory. The peers' part is network_peer.c's. */
#include <linux/tcp.h>
#include "kernel/lib/string.h"
#include "net/inet.h"
#include "tests/unit/libc.h"
#include "tests/unit/network_host.h"
#include "tests/unit/network_peer.h"
#include "tests/unit/network_script.h"

#define SOCKETS 8

static struct open_socket {
    struct socket *s;
    u64 received, sent;
} sockets[SOCKETS];

static struct socket *listener, *datagrams4, *datagrams6;

/* ------------------------------------------------------------ the program */

static void message_init(struct message *m, void *data, size_t n)
{
    memset(m, 0, sizeof(*m));
    m->flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    io_init_kernel(&m->io, data, n);
}

static void address_of_vm(bool v6, u8 *to)
{
    static const u8 a4[4] = HOST_ADDRESS4, a6[16] = HOST_ADDRESS6;
    memcpy(to, v6 ? a6 : a4, v6 ? 16 : 4);
}

static struct socket_address name_of(bool v6, u8 last, u16 port)
{
    struct socket_address a = {.length = v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in)};
    u8 ip[16];
    address_of_vm(v6, ip);
    ip[v6 ? 15 : 3] = last;
    a.family = v6 ? AF_INET6 : AF_INET;
    a.bytes[2] = (u8)(port >> 8);
    a.bytes[3] = (u8)port;
    memcpy(a.bytes + (v6 ? 8 : 4), ip, v6 ? 16 : 4);
    return a;
}

static void close_socket(struct socket **s)
{
    if (*s) {
        (*s)->ops->close(*s);
        socket_put(*s);
    }
    *s = NULL;
}

static struct open_socket *free_slot(void)
{
    struct open_socket *o = &sockets[script_byte() % SOCKETS];
    close_socket(&o->s);
    memset(o, 0, sizeof(*o));
    return o;
}

static u16 port_of(const struct open_socket *o)
{
    return inet_of(o->s)->remote.port;
}

static void take_connection(void)
{
    struct socket *s = listener ? socket_accept(listener, 0) : NULL;
    if (s && !IS_ERR(s))
        free_slot()->s = s;
}

static void start_connection(void)
{
    struct conversation *c = script_conversation();
    struct open_socket *o = free_slot();
    c->v6 = script_byte() & 1;
    peer_meets(c);
    struct socket_address to = name_of(c->v6, 1, (u16)(FIRST_PORT + (c - conversations)));
    struct socket *s = socket_create(c->v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    if (IS_ERR(s))
        return;
    o->s = s;
    if (s->ops->connect(s, &to, true) != -EINPROGRESS)
        return;
    peer_answer();
    host_network_work();
    peer_greets(c);
}

static void receive(struct open_socket *o, size_t n)
{
    static u8 data[65536];
    struct message m;
    message_init(&m, data, MIN(n, sizeof(data)));
    ssize got = socket_receive(o->s, &m);
    for (ssize i = 0; i < got && !peer_changed; i++) {
        if (data[i] != peer_byte(port_of(o), (u32)(o->received + (u64)i)))
            frame_wrong("a program received other bytes than were sent");
    }
    if (got > 0)
        o->received += (u64)got;
}

static void transmit(struct open_socket *o, size_t n)
{
    static u8 data[65536];
    n = MIN(n, sizeof(data));
    for (size_t i = 0; i < n; i++)
        data[i] = vm_byte(port_of(o), o->sent + i);
    struct message m;
    message_init(&m, data, n);
    m.flags |= n % 3 == 0 ? MSG_MORE : 0;
    ssize done = socket_send(o->s, &m);
    if (done > 0)
        o->sent += (u64)done;
}

static void call(void)
{
    struct open_socket *o = &sockets[script_byte() % SOCKETS];
    u8 which = script_byte();
    int value = script_byte();
    if (!o->s)
        return;
    switch (which & 15) {
    case 0 ... 4:
        receive(o, script_length());
        break;
    case 5 ... 9:
        transmit(o, script_length());
        break;
    case 10:
        o->s->ops->shutdown(o->s, 1 + value % 3);
        break;
    case 11:
        close_socket(&o->s);
        break;
    case 12:
        o->s->options.linger.l_onoff = 1;
        close_socket(&o->s);
        break;
    case 13:
        inet_of(o->s)->options.tcp_bits ^= 1ull << TCP_NODELAY;
        o->s->options.bits ^= 1ull << SO_KEEPALIVE;
        inet_of(o->s)->options.keep_idle = 1 + value;
        network_tcp_options(inet_of(o->s));
        break;
    case 14:
        inet_of(o->s)->options.user_timeout = value * 1000;
        inet_of(o->s)->options.tcp_bits ^= 1ull << TCP_CORK;
        network_tcp_options(inet_of(o->s));
        break;
    default:
        o->s->options.receive_buffer = value * 256;
        o->s->options.receive_locked = true;
        o->s->ops->poll(o->s);
    }
}

static void send_datagram(u8 kind)
{
    static u8 data[65536];
    bool v6 = kind & 1;
    struct socket *s = v6 ? datagrams6 : datagrams4;
    struct message m;
    message_init(&m, data, MIN(script_length(), (size_t)65000));
    m.name = name_of(v6, kind & 2 ? script_byte() : 1, script_word() | 1);
    if (kind & 4) {
        memset(m.name.bytes + (v6 ? 8 : 4), 0, v6 ? 16 : 4);
        memcpy(m.name.bytes + (v6 ? 8 : 4), v6 ? "\xff\2" : "\xe0\1\2\4", v6 ? 2 : 4);
    }
    if (s)
        socket_send(s, &m);
}

static void take_datagrams(struct socket *s)
{
    static u8 data[65536];
    struct message m;
    do {
        message_init(&m, data, sizeof(data));
    } while (s && socket_receive(s, &m) >= 0);
}

static const u8 groups[2][16] = {{[10] = 0xff, [11] = 0xff, [12] = 224, [13] = 1, [14] = 2, [15] = 3}, {0xff, 2, [15] = 0x55}};

static struct socket *bound(int family, int type, u16 port)
{
    struct socket *s = socket_create(family, type, 0);
    struct socket_address a = name_of(family == AF_INET6, 0, port);
    memset(a.bytes + 4, 0, sizeof(a.bytes) - 4);
    if (s->ops->bind(s, &a))
        frame_wrong("no socket can be bound");
    return s;
}

/* ------------------------------------------------------------ all of it */

static void step(void)
{
    u8 what = script_byte();
    if (peer_step(what & 31))
        return;
    switch (what & 31) {
    case 20 ... 21:
        take_connection();
        break;
    case 22:
        start_connection();
        break;
    case 23 ... 26:
        call();
        break;
    case 27:
        send_datagram(script_byte());
        take_datagrams(datagrams4);
        take_datagrams(datagrams6);
        break;
    case 28:
        host_network_pass((script_byte() + 1ull) * NSEC_PER_MSEC << (what >> 5));
        break;
    case 29:
        host_network_hold(what >> 5 & 1);
        break;
    case 30:
        host_memory_end(what >> 5 < 4 ? script_byte() : 0);
        host_memory_free((what >> 5) * 14);
        break;
    case 31:
        if (what >> 5 == 0)
            host_network_link(false);
        else
            host_network_link(true);
        break;
    }
}

static void begin(void)
{
    listener = bound(AF_INET6, SOCK_STREAM, STREAM_PORT);
    listener->ops->listen(listener, 3);
    datagrams4 = bound(AF_INET, SOCK_DGRAM, DATAGRAM_PORT);
    datagrams6 = bound(AF_INET6, SOCK_DGRAM, DATAGRAM_PORT + 1);
    network_group(groups[0], true);
    network_group(groups[1], true);
    peer_begin();
}

/* All is closed, and what is left gives up. */
static void finish(void)
{
    host_memory_end(0);
    host_memory_free(100);
    host_network_hold(false);
    host_network_link(true);
    for (unsigned i = 0; i < SOCKETS; i++)
        close_socket(&sockets[i].s);
    close_socket(&listener);
    close_socket(&datagrams4);
    close_socket(&datagrams6);
    network_group(groups[0], false);
    network_group(groups[1], false);
    peer_finish();
    host_network_pass(130 * NSEC_PER_SEC);
    host_network_restart();
}

void network_script_play(const u8 *data, size_t n)
{
    static size_t blocks;
    if (!host_sent) {
        host_network_start();
        host_sent = peer_look;
        host_network_restart();
        begin();
        send_datagram(0); /* what is made for the first one stays */
        finish();
        blocks = host_memory_blocks();
    }
    host_random_seed(1);
    script_at = data;
    script_end = data + n;
    begin();
    bool further = script_byte() & 1;
    if (further)
        host_network_further(true);
    while (script_at < script_end) {
        step();
        host_network_work();
        peer_answer();
    }
    finish();
    if (further) {
        host_network_further(false);
        host_network_restart();
    }
    /* A connection whose end the peer was not told of keeps trying: 15 times, at most some 200 s apart. */
    for (unsigned minutes = 0; host_memory_blocks() != blocks && minutes < 90; minutes++)
        host_network_pass(60 * NSEC_PER_SEC);
    if (host_memory_blocks() != blocks) {
        printf("network: %zu blocks of memory are left, %zu before\n", host_memory_blocks(), blocks);
        host_memory_show();
        frame_wrong("memory is lost");
    }
}
