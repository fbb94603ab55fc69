/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets as files, the accept queue, and what all families share. */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/sockios.h>
#include <linux/stat.h>
#include <asm/ioctls.h>
#include "fs/async.h"
#include "fs/vfs.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/signal.h"
#include "kernel/user.h"
#include "net/packet.h"

/* ------------------------------------------------------------ which there are */

/* Those of IP are found by their ports. */
static struct spinlock list_lock = SPINLOCK_INIT(LOCK_SOCKET_LIST);
static struct list all = LIST_INIT(all);
static u32 counts[SOCKET_KINDS]; /* atomic */

static bool is_listed(enum socket_kind kind)
{
    return kind == SOCKETS_UNIX_STREAM || kind == SOCKETS_UNIX || kind == SOCKETS_NETLINK || kind == SOCKETS_PACKET;
}

enum socket_kind socket_kind_of(const struct socket *s)
{
    bool v6 = s->family == AF_INET6;
    switch (s->family) {
    case AF_UNIX:
        return s->type == SOCK_STREAM ? SOCKETS_UNIX_STREAM : SOCKETS_UNIX;
    case AF_NETLINK:
        return SOCKETS_NETLINK;
    case AF_INET:
    case AF_INET6:
        break;
    default:
        return SOCKETS_PACKET;
    }
    if (s->type == SOCK_STREAM)
        return v6 ? SOCKETS_TCP6 : SOCKETS_TCP;
    if (s->type == SOCK_RAW)
        return v6 ? SOCKETS_RAW6 : SOCKETS_RAW;
    if (s->protocol == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
        return v6 ? SOCKETS_PING6 : SOCKETS_PING;
    return v6 ? SOCKETS_UDP6 : SOCKETS_UDP;
}

unsigned socket_count(enum socket_kind kind)
{
    return READ_ONCE(counts[kind]);
}

/* A reference, unless the last is gone. */
static bool try_get(struct socket *s)
{
    u32 refs = READ_ONCE(s->refs);
    while (refs && !__atomic_compare_exchange_n(&s->refs, &refs, refs + 1, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
    return refs;
}

unsigned socket_snapshot(enum socket_kind kind, struct socket **list, unsigned max)
{
    struct socket *s;
    unsigned n = 0;
    spin_lock(&list_lock);
    list_for_each(s, &all, all_link) {
        if (socket_kind_of(s) == kind && (n >= max || try_get(s))) {
            if (n < max)
                list[n] = s;
            n++;
        }
    }
    spin_unlock(&list_lock);
    return n;
}

static void leave_list(struct socket *s)
{
    enum socket_kind kind = socket_kind_of(s);
    __atomic_sub_fetch(&counts[kind], 1, __ATOMIC_RELAXED);
    if (is_listed(kind)) {
        spin_lock(&list_lock);
        list_remove(&s->all_link);
        spin_unlock(&list_lock);
    }
}

/* ------------------------------------------------------------ life */

void socket_init(struct socket *s, const struct socket_ops *ops, int family, int type, int protocol)
{
    s->refs = 1;
    s->ops = ops;
    s->family = (u16)family;
    s->type = (u16)type;
    s->protocol = protocol;
    s->ino = file_anonymous_ino();
    s->mode = S_IFSOCK | 0777;
    s->uid = current_thread()->cred.fsuid;
    s->gid = current_thread()->cred.fsgid;
    spin_init(&s->lock, LOCK_SOCKET);
    mutex_init(&s->read_lock, LOCK_FS);
    wait_queue_init(&s->wait);
    wait_queue_init(&s->room);
    list_init(&s->accept_queue);
    list_init(&s->accept_link);
    list_init(&s->all_link);
    socket_options_init(s);
    enum socket_kind kind = socket_kind_of(s);
    __atomic_add_fetch(&counts[kind], 1, __ATOMIC_RELAXED);
    if (is_listed(kind)) {
        spin_lock(&list_lock);
        list_add_tail(&all, &s->all_link);
        spin_unlock(&list_lock);
    }
}

void socket_get(struct socket *s)
{
    __atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED);
}

void socket_put(struct socket *s)
{
    if (__atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL))
        return;
    leave_list(s);
    group_list_put(s->peer_groups);
    kfree(s->filter);
    s->ops->destroy(s);
}

/* Takes over the reference on groups. */
static void set_peer(struct socket *s, const struct ucred *credentials, struct group_list *groups)
{
    spin_lock(&s->lock);
    struct group_list *old = s->peer_groups;
    s->peer_credentials = *credentials;
    s->peer_groups = groups;
    spin_unlock(&s->lock);
    group_list_put(old);
}

void socket_peer_current(struct socket *s)
{
    const struct credentials *c = &current_thread()->cred;
    struct ucred effective = {.pid = (u32)current_process()->pid, .uid = c->euid, .gid = c->egid};
    set_peer(s, &effective, group_list_get(c->groups));
}

void socket_peer_copy(struct socket *s, struct socket *from)
{
    spin_lock(&from->lock);
    struct ucred credentials = from->peer_credentials;
    struct group_list *groups = group_list_get(from->peer_groups);
    spin_unlock(&from->lock);
    set_peer(s, &credentials, groups);
}

struct socket *socket_create(int family, int type, int protocol)
{
    if (family < 0 || family >= 46)
        return ERR_PTR(-EAFNOSUPPORT);
    if (type < 0 || type >= 11)
        return ERR_PTR(-EINVAL);
    switch (family) {
    case AF_UNIX:
        return unix_create(type, protocol);
    case AF_INET:
    case AF_INET6:
        return inet_create(family, type, protocol);
    case AF_NETLINK:
        return netlink_create(type, protocol);
    case AF_PACKET:
        return packet_create(type, protocol);
    default:
        return ERR_PTR(-EAFNOSUPPORT);
    }
}

/* ------------------------------------------------------------ errors, deadlines, peeks */

int socket_take_error(struct socket *s)
{
    return READ_ONCE(s->error) ? -__atomic_exchange_n(&s->error, 0, __ATOMIC_ACQ_REL) : 0;
}

void socket_set_error(struct socket *s, int error)
{
    __atomic_store_n(&s->error, error, __ATOMIC_RELEASE);
}

static nsec_t deadline_after(nsec_t timeout, int flags)
{
    if (flags & MSG_DONTWAIT)
        return 0;
    return timeout == NSEC_NEVER ? NSEC_NEVER : platform_clock() + timeout;
}

nsec_t socket_receive_deadline(struct socket *s, int flags)
{
    return deadline_after(s->options.receive_timeout, flags);
}

nsec_t socket_send_deadline(struct socket *s, int flags)
{
    return deadline_after(s->options.send_timeout, flags);
}

int socket_wait_error(int error, nsec_t deadline)
{
    if (error == -ETIMEDOUT)
        return -EAGAIN;
    return error == -ERESTARTSYS && deadline != NSEC_NEVER ? -EINTR : error;
}

size_t socket_peek_offset(const struct socket *s, int flags)
{
    int offset = READ_ONCE(s->options.peek_offset);
    return flags & MSG_PEEK && offset > 0 ? (size_t)offset : 0;
}

void socket_peek_move(struct socket *s, int flags, size_t n)
{
    if (likely(READ_ONCE(s->options.peek_offset) < 0))
        return;
    spin_lock(&s->lock);
    s64 to = (s64)s->options.peek_offset + (flags & MSG_PEEK ? (s64)n : -(s64)n);
    if (s->options.peek_offset >= 0)
        s->options.peek_offset = (int)MAX(to, (s64)0);
    spin_unlock(&s->lock);
}

/* ------------------------------------------------------------ the accept queue */

static struct socket *take_connection(struct socket *s)
{
    if (s->ops->accepting)
        s->ops->accepting(s);
    spin_lock(&s->lock);
    struct socket *c = list_first(&s->accept_queue, struct socket, accept_link);
    if (c) {
        list_remove(&c->accept_link);
        s->accept_count--;
    }
    spin_unlock(&s->lock);
    return c;
}

struct socket *socket_accept(struct socket *s, nsec_t deadline)
{
    if (!READ_ONCE(s->listening))
        return ERR_PTR(-EINVAL);
    struct socket *c = take_connection(s);
    if (!c) {
        if (!deadline)
            return ERR_PTR(-EAGAIN);
        int error = wait_event_exclusive_if(
            &s->wait, (c = take_connection(s)) || !READ_ONCE(s->listening) || READ_ONCE(s->refusing), deadline,
            WAIT_INTERRUPTIBLE, true);
        if (error)
            return ERR_PTR(socket_wait_error(error, deadline));
        if (!c)
            return ERR_PTR(-EINVAL);
    }
    c->unaccepted = false;
    if (s->ops->accepted)
        s->ops->accepted(s, c);
    wait_wake_one(&s->room);
    return c;
}

void socket_accept_flush(struct socket *s)
{
    struct socket *c;
    while ((c = take_connection(s))) {
        c->ops->close(c);
        socket_put(c);
    }
    wait_wake_all(&s->room);
}

/* ------------------------------------------------------------ transfers */

ssize socket_send(struct socket *s, struct message *m)
{
    ssize n = s->ops->send ? s->ops->send(s, m) : -EOPNOTSUPP;
    if (unlikely(n == -EPIPE && s->ops->sigpipe && !(m->flags & MSG_NOSIGNAL))) {
        siginfo_t info;
        signal_info_user(&info, SIGPIPE, SI_USER);
        signal_send_thread(current_thread(), SIGPIPE, &info);
    }
    return n;
}

ssize socket_receive(struct socket *s, struct message *m)
{
    return s->ops->receive ? s->ops->receive(s, m) : -EOPNOTSUPP;
}

/* ------------------------------------------------------------ the file */

static int file_flags(const struct file *f, int rwf)
{
    return (f->flags & O_NONBLOCK) || (rwf & RWF_NOWAIT) ? MSG_DONTWAIT : 0;
}

static ssize socket_file_read(struct file *f, struct io *io, u64 *pos, int rwf)
{
    if (!io->left)
        return 0;
    struct message m = {.io = *io, .flags = file_flags(f, rwf)};
    ssize n = socket_receive(f->private, &m);
    *io = m.io;
    return n;
}

static ssize socket_file_write(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct socket *s = f->private;
    /* file_write() raises SIGPIPE for EPIPE. */
    struct message m = {.io = *io, .flags = file_flags(f, rwf) | MSG_NOSIGNAL};
    ssize n = socket_send(s, &m);
    *io = m.io;
    return n;
}

static u32 socket_file_poll(struct file *f)
{
    struct socket *s = f->private;
    return s->ops->poll(s);
}

static struct wait_queue *socket_file_queue(struct file *f)
{
    return &((struct socket *)f->private)->wait;
}

static long socket_file_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
    struct socket *s = f->private;
    s64 n;
    switch (cmd) {
    case FIONREAD: /* SIOCINQ */
        if (!s->ops->readable_bytes)
            return -ENOTTY;
        n = (s64)s->ops->readable_bytes(s);
        return n < 0 ? n : put_user((int)n, (int *)arg);
    case TIOCOUTQ: /* SIOCOUTQ */
        if (!s->ops->unsent_bytes)
            return -ENOTTY;
        n = (s64)s->ops->unsent_bytes(s);
        return n < 0 ? n : put_user((int)n, (int *)arg);
    case FIOSETOWN:
    case SIOCSPGRP: {
        int pid;
        if (get_user(pid, (int *)arg))
            return -EFAULT;
        return async_set_owner_number(f, pid);
    }
    case FIOGETOWN:
    case SIOCGPGRP:
        return put_user(async_owner_number(f), (int *)arg);
    default:
        if (s->ops->ioctl) {
            long result = s->ops->ioctl(s, cmd, arg);
            if (result != -ENOTTY)
                return result;
        }
        return interface_ioctl(cmd, arg);
    }
}

static struct memory_object *socket_file_mmap(struct file *f, u64 offset, u64 length, u32 prot, u32 map_flags)
{
    struct socket *s = f->private;
    return s->ops->mmap ? s->ops->mmap(s, offset, length) : ERR_PTR(-ENODEV);
}

static int socket_file_stat(struct file *f, struct stat *st)
{
    const struct socket *s = f->private;
    file_stat_anonymous(st, s->mode, s->ino);
    st->st_uid = s->uid;
    st->st_gid = s->gid;
    return 0;
}

static int socket_file_setattr(struct file *f, const struct inode_attr *a)
{
    struct socket *s = f->private;
    if (a->valid & ATTR_MODE)
        s->mode = S_IFSOCK | (a->mode & 07777);
    if (a->valid & ATTR_UID)
        s->uid = a->uid;
    if (a->valid & ATTR_GID)
        s->gid = a->gid;
    return 0;
}

static void socket_file_release(struct file *f)
{
    struct socket *s = f->private;
    if (!s)
        return; /* made for a connection that did not come */
    s->ops->close(s);
    socket_put(s);
}

static const struct file_ops socket_file_ops = {
    .kind = "socket",
    .splice = SPLICE_SOURCE | SPLICE_SINK,
    .read = socket_file_read,
    .write = socket_file_write,
    .ioctl = socket_file_ioctl,
    .poll = socket_file_poll,
    .poll_queue = socket_file_queue,
    .async = ASYNC_SOCKET,
    .mmap = socket_file_mmap,
    .fstat = socket_file_stat,
    .setattr = socket_file_setattr,
    .release = socket_file_release,
};

struct file *socket_file_create(struct socket *s, u32 open_flags)
{
    struct file *f = file_create(&socket_file_ops, O_RDWR | open_flags, NULL);
    if (f && s)
        socket_file_attach(f, s);
    return f;
}

void socket_file_attach(struct file *f, struct socket *s)
{
    f->private = s;
    if (!s->ops->sigpipe)
        f->mode |= FILE_QUIET;
}

struct socket *socket_of_file(const struct file *f)
{
    return f->ops == &socket_file_ops ? f->private : NULL;
}
