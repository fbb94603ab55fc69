/* SPDX-License-Identifier: BSD-2-Clause */
/* Control messages of sendmsg(2) and recvmsg(2) (cmsg(3)), and files on their way between AF_UNIX sockets. */
#ifndef NET_CONTROL_H
#define NET_CONTROL_H

#include "net/socket.h"

#define PASSED_MAX 253 /* SCM_MAX_FD of Linux */

/* Files in flight: referenced, in no descriptor table. */
struct passed_files {
    u32 refs;                  /* atomic: who carries it, and a collection that found it unreachable */
    unsigned count;
    struct passed_files *next; /* being freed */
    /* of sets that hold AF_UNIX sockets, while in a queue; net/unix_collect.c */
    struct socket *receiver;   /* whose queue */
    struct list held_link, all_link;
    struct passed_files *next_garbage;
    struct file *files[];
};

/* The kernel's struct cmsghdr, and the rounding that CMSG_* macros do. */
struct control_header {
    size_t length; /* with this header */
    int level, type;
};
#define CONTROL_ALIGN(n) (((n) + sizeof(size_t) - 1) & ~(sizeof(size_t) - 1))

/*
 * Reads the control buffer of a send into m->passed and m->credentials. Messages of other levels go to
 * extra (may be NULL: ignored). 0, -EINVAL, -EBADF, -EPERM, -ENOMEM, -ETOOMANYREFS.
 */
int control_import(struct message *m, const void *user, size_t length, bool unix_socket,
                   int (*extra)(struct message *m, int level, int type, const void *data, size_t length));
/* Appends one control message to the receiver's buffer; what does not fit sets MSG_CTRUNC. Sleeps. */
void control_put(struct message *m, int level, int type, const void *data, size_t length);
/* A second set of references, for MSG_PEEK. NULL: out of memory. */
struct passed_files *passed_copy(const struct passed_files *passed);
/* Closes files that nobody received. NULL is fine. Never recurses. */
void passed_free(struct passed_files *passed);
/* Closes the files of a set at once and leaves it empty. */
void passed_close(struct passed_files *passed);

/* A set goes into receiver's queue (called under the queue's lock), or has left it. */
void passed_take_off(struct passed_files *passed, struct socket *receiver);
void passed_land(struct passed_files *passed);
/*
 * Closes sockets that can be reached only through their own queues. Called at every close of an AF_UNIX socket, and
 * before files are sent. Sleeps.
 */
void unix_collect(bool sending);

/* What a message says of its sender by itself: the running process, real ids. */
struct ucred credentials_current(void);
/* What it says if neither end had asked when it was sent. */
extern const struct ucred credentials_unknown;
/* Does s ask who sent a message (SO_PASSCRED, SO_PASSPIDFD)? */
bool control_wants_sender(const struct socket *s);
/*
 * What a receiver is told of a message from who: credentials and files (taken over; NULL: none), a pidfd, as its options say. Sleeps.
 */
void control_put_message(struct socket *s, struct message *m, const struct ucred *who, struct passed_files *files);

#endif
