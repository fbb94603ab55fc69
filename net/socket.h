/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets. A socket is a reference-counted object with one table of operations; its file (fs/file.h) is a
 * thin cover, because a socket exists before accept(2) gives it a descriptor and may be looked at by its peer
 * after its file is closed. Families register here: net/unix.c, net/inet_tcp.c, net/inet_udp.c, net/netlink.c.
 */
#ifndef NET_SOCKET_H
#define NET_SOCKET_H

#include <linux/socket.h>
#include <linux/net.h>
#include <linux/uio.h>
#include <linux/eventpoll.h>
#include <asm/socket.h>
#include "fs/file.h"
#include "kernel/types.h"
#include "kernel/process.h"

/* Since Linux 6.5; not yet in every system's headers. */
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#define SO_PEERPIDFD 77
#endif

/* What <linux/socket.h> leaves to the C library: socket(2), send(2), recv(2). */
#define AF_UNSPEC      0
#define AF_UNIX        1
#define AF_INET        2
#define AF_INET6       10
#define AF_NETLINK     16
#define SOCK_STREAM    1
#define SOCK_DGRAM     2
#define SOCK_RAW       3
#define SOCK_SEQPACKET 5
#define SOCK_TYPE_MASK 0xf
#define SOCK_CLOEXEC   02000000
#define SOCK_NONBLOCK  04000
#define SOL_SOCKET_LEVEL SOL_SOCKET
#define SOL_IP         0
#define SOL_TCP        6
#define SOL_UDP        17
#define SOL_IPV6       41
#define MSG_OOB          0x1
#define MSG_PEEK         0x2
#define MSG_DONTROUTE    0x4
#define MSG_CTRUNC       0x8
#define MSG_TRUNC        0x20
#define MSG_DONTWAIT     0x40
#define MSG_EOR          0x80
#define MSG_WAITALL      0x100
#define MSG_CONFIRM      0x800
#define MSG_ERRQUEUE     0x2000
#define MSG_NOSIGNAL     0x4000
#define MSG_MORE         0x8000
#define MSG_WAITFORONE   0x10000
#define MSG_ZEROCOPY     0x4000000
#define MSG_FASTOPEN     0x20000000
#define MSG_CMSG_CLOEXEC 0x40000000
#define SHUT_READ  1 /* bits, as the kernel keeps them: how + 1 of shutdown(2) */
#define SHUT_WRITE 2
#define SHUT_BOTH  3
#define SCM_RIGHTS      1
#define SCM_CREDENTIALS 2
#define SCM_PIDFD       4

/* A socket address of any family. */
struct socket_address {
    union {
        u16 family;
        u8 bytes[128];
    };
    int length;
};

struct ucred {
    u32 pid, uid, gid;
};

struct linger {
    int l_onoff, l_linger;
};

struct passed_files;

/* One send or receive, the kernel's form of struct msghdr. */
struct message {
    struct io io;
    int flags;                    /* MSG_* of the call; MSG_DONTWAIT also stands for O_NONBLOCK */
    struct socket_address name;   /* send: destination (length 0: none); receive: the source is left here */
    bool want_name;               /* receive: the caller asked for the source */
    struct passed_files *passed;  /* send: files to pass; the send takes them over on success */
    struct ucred credentials;     /* send: of the sender */
    bool has_credentials;         /* given by SCM_CREDENTIALS */
    u16 hops, traffic_class;      /* UDP send: given with the message, plus 1; 0: the socket's */
    u8 source[16];                /* the same: address to send from, and interface to send by (0: the socket's) */
    bool has_source;
    int interface;
    bool has_stamps;              /* send: SO_TIMESTAMPING's flags of the kind TX were given with it: these */
    u32 stamps;
    void *control;                /* receive: the program's control buffer */
    size_t control_size, control_used;
    int result_flags;             /* receive: msg_flags */
};

/* Options that are one bit each (SOL_SOCKET); bit numbers in struct socket_options.bits. */
#define OPTION_PASSPIDFD 0 /* SO_PASSPIDFD, whose number is too large */
struct socket_options {
    u64 bits;                    /* 1 << SO_*, for boolean options below 64 */
    int send_buffer, receive_buffer; /* as reported: twice what was set */
    bool send_locked, receive_locked; /* set by the program: no automatic tuning */
    int receive_low_water;
    nsec_t receive_timeout, send_timeout; /* NSEC_NEVER: none */
    struct linger linger;
    u32 timestamping;            /* SO_TIMESTAMPING */
    int priority, mark, busy_poll, incoming_cpu, bound_interface;
    int peek_offset;             /* SO_PEEK_OFF: where MSG_PEEK begins; negative: always at the front */
    u64 max_pacing_rate;
    u8 rehash;
};
#define OPTION_SET(s, option) ((s)->options.bits >> (option) & 1)

struct socket;
struct byte_stream;

/* Whose address socket_ops.name tells. */
enum socket_name {
    NAME_OWN,
    NAME_PEER,     /* getpeername(2): ENOTCONN when a TCP connection is over */
    NAME_ACCEPTED, /* accept(2): the peer's, were it gone already */
};

struct socket_ops {
    bool filters; /* SO_ATTACH_FILTER decides what is received, as far as it does on Linux */
    bool stamps;   /* SO_TIMESTAMPING tells when something left */
    bool zerocopy; /* SO_ZEROCOPY may be set */
    /* NULL operations answer EOPNOTSUPP. Addresses are kernel copies with their length checked to be 0..128. */
    int (*bind)(struct socket *s, const struct socket_address *a);
    int (*listen)(struct socket *s, int backlog);
    int (*connect)(struct socket *s, const struct socket_address *a, bool nonblock);
    int (*name)(struct socket *s, struct socket_address *a, enum socket_name whose); /* fills a; 0 or errno */
    int (*pair)(struct socket *a, struct socket *b);
    ssize (*send)(struct socket *s, struct message *m);
    ssize (*receive)(struct socket *s, struct message *m);
    /* Control messages of a send that are not SOL_SOCKET's. NULL: ignored. */
    int (*send_control)(struct message *m, int level, int type, const void *data, size_t length);
    int (*shutdown)(struct socket *s, int how); /* SHUT_* bits */
    u32 (*poll)(struct socket *s);
    /* Somebody looks for a connection there: how many are due, and were put there. Called without locks. May be NULL. */
    unsigned (*accepting)(struct socket *listener);
    /* A connection left the accept queue: room for one more. Called without locks. May be NULL. */
    void (*accepted)(struct socket *listener, struct socket *connection);
    /* Options of levels other than SOL_SOCKET: value is the program's pointer. NULL: ENOPROTOOPT. */
    int (*set_option)(struct socket *s, int level, int option, const void *value, u32 length);
    int (*get_option)(struct socket *s, int level, int option, void *value, int *length);
    /* An option was set, of any level. May be NULL. */
    void (*option_changed)(struct socket *s);
    long (*ioctl)(struct socket *s, unsigned cmd, unsigned long arg);
    /* What mmap(2) maps, as file_ops.mmap. NULL: ENODEV. */
    struct memory_object *(*mmap)(struct socket *s, u64 offset, u64 length);
    u64 (*readable_bytes)(struct socket *s);   /* FIONREAD; negative errno */
    u64 (*unsent_bytes)(struct socket *s);     /* TIOCOUTQ */
    void (*close)(struct socket *s);           /* the file is gone: leave tables, tell the peer */
    void (*destroy)(struct socket *s);         /* last reference gone: free the object */
    bool sigpipe;                              /* EPIPE comes with SIGPIPE */
};

struct socket {
    u32 refs;                    /* atomic */
    const struct socket_ops *ops;
    u16 family, type;
    int protocol;
    u64 ino;                     /* of fstat(2), with the next two */
    u32 mode, uid, gid;
    struct list all_link;        /* in the list of those without a port table, under its lock */
    struct spinlock lock;        /* LOCK_SOCKET: family state, accept queue, datagram queue */
    struct mutex read_lock;      /* LOCK_FS: one reader takes data out at a time */
    struct wait_queue wait;      /* readers, writers, pollers */
    struct wait_queue room;      /* others that wait for room in this one's accept or datagram queue */
    int error;                   /* pending SO_ERROR, positive; atomic */
    struct socket_options options;
    struct ucred peer_credentials; /* SO_PEERCRED; pid 0: none */
    struct group_list *peer_groups; /* SO_PEERGROUPS; reference, NULL: none; changes under lock */

    /* listening stream sockets, under lock */
    bool listening;
    struct list accept_queue;    /* by accept_link; each holds a reference */
    struct list accept_link;
    unsigned accept_count, accept_limit;
    bool unaccepted;             /* a connection that is still in an accept queue */
    bool refusing;               /* shutdown(2) for reading ended, or forestalled, the listening of an AF_UNIX socket, which stays one */

    struct socket_filter *filter; /* net/filter.h; under lock; NULL: none */
    u64 send_charge;             /* atomic: queued datagrams of ours, in bytes with overhead */

    /* connected stream sockets: set once, by the connecting side */
    struct byte_stream *stream;
    int side;                    /* which end of stream is ours */
};

/* Fills a zeroed object; the family's create calls it. Refs 1. */
void socket_init(struct socket *s, const struct socket_ops *ops, int family, int type, int protocol);
void socket_get(struct socket *s);
void socket_put(struct socket *s);

/* What is counted apart, as /proc/net/protocols has it. */
enum socket_kind { SOCKETS_PACKET, SOCKETS_PING6, SOCKETS_RAW6, SOCKETS_UDP6, SOCKETS_TCP6, SOCKETS_UNIX_STREAM, SOCKETS_UNIX, SOCKETS_PING,
                   SOCKETS_RAW, SOCKETS_UDP, SOCKETS_TCP, SOCKETS_NETLINK, SOCKET_KINDS };
enum socket_kind socket_kind_of(const struct socket *s);
/* How many there are. */
unsigned socket_count(enum socket_kind kind);
/* Those of a kind that has no port table: at most max into list, with references. Returns how many there are. Atomic. */
unsigned socket_snapshot(enum socket_kind kind, struct socket **list, unsigned max);

/* socket(2) without flags: a socket of refs 1 or ERR_PTR. */
struct socket *socket_create(int family, int type, int protocol);
/*
 * A file that owns the reference; open_flags O_NONBLOCK. NULL: out of memory (the reference stays). With s NULL one that
 * nobody may see before socket_file_attach() gives it its socket.
 */
struct file *socket_file_create(struct socket *s, u32 open_flags);
void socket_file_attach(struct file *f, struct socket *s);
/* The socket behind a file, NULL if it is none. */
struct socket *socket_of_file(const struct file *f);
/* Takes a connection from the accept queue: a socket whose reference the caller gets, ERR_PTR. Sleeps until deadline (0: not at all). */
struct socket *socket_accept(struct socket *s, nsec_t deadline);
/* Drops everything that was never accepted. */
void socket_accept_flush(struct socket *s);
/* Sends, raising SIGPIPE as the flags say. */
ssize socket_send(struct socket *s, struct message *m);
ssize socket_receive(struct socket *s, struct message *m);
/* SO_PEERCRED and SO_PEERGROUPS of s are the running thread's from now on; or what from says. */
void socket_peer_current(struct socket *s);
void socket_peer_copy(struct socket *s, struct socket *from);
/* Where a receive with these flags begins to peek, and the move of that place by n bytes that it saw or took. */
size_t socket_peek_offset(const struct socket *s, int flags);
void socket_peek_move(struct socket *s, int flags, size_t n);
/* Pending error as negative errno, cleared; 0. */
int socket_take_error(struct socket *s);
/* Sets the pending error (positive errno). Atomic. */
void socket_set_error(struct socket *s, int error);
/* Deadline of a receive or send with these MSG_* flags: 0 for a non-blocking one. */
nsec_t socket_receive_deadline(struct socket *s, int flags);
nsec_t socket_send_deadline(struct socket *s, int flags);
/* Turns what wait_event returned into what the call returns: EAGAIN after SO_*TIMEO, no restart with a timeout. */
int socket_wait_error(int error, nsec_t deadline);

/* SOL_SOCKET and dispatch to the family: net/options.c. value and length point to the program's memory. */
int socket_set_option(struct socket *s, int level, int option, const void *value, u32 length);
/* Do SO_TIMESTAMPING's flags want packets back, which are not kept, and not only their times? */
bool socket_stamps_packet(u32 flags);
int socket_get_option(struct socket *s, int level, int option, void *value, int *length);
void socket_options_init(struct socket *s);
/* Helpers for families: the first int of an option's value (-EINVAL if too short), and an int result cut to the caller's length. */
int option_read_int(const void *value, u32 length, int *out);
int option_write(void *value, int *user_length, const void *data, int length);
static inline int option_write_int(void *value, int *user_length, int n)
{
    return option_write(value, user_length, &n, sizeof(n));
}

/* ioctl(2) of network interfaces, on any socket: net/interface_ioctl.c. -ENOTTY: none of them. */
long interface_ioctl(unsigned cmd, unsigned long arg);

/* The families' create functions. */
struct socket *unix_create(int type, int protocol);
struct socket *inet_create(int family, int type, int protocol);
struct socket *netlink_create(int type, int protocol);

#endif
