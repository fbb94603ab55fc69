/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of AF_UNIX sockets: the table of what is bound, by inode (path names) or by bytes and type (abstract names). */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/sockios.h>
#include <linux/stat.h>
#include "kernel/heap.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/random.h"
#include "net/control.h"
#include "net/unix.h"

#define BUCKETS 128

static struct spinlock names_lock = SPINLOCK_INIT(LOCK_SOCKET);
static struct list names[BUCKETS]; /* unix_socket.name_link; zero until first used */

static struct list *bucket(u64 hash)
{
    struct list *l = &names[hash % BUCKETS];
    if (!l->next)
        list_init(l);
    return l;
}

static struct list *inode_bucket(const struct inode *i)
{
    return bucket((u64)i >> 6);
}

static struct list *abstract_bucket(const struct unix_name *n, int type)
{
    u64 hash = (u64)type;
    for (int i = 0; i < n->length; i++)
        hash = hash * 31 + ((const u8 *)&n->address)[i];
    return bucket(hash);
}

void unix_name_put(struct unix_name *n)
{
    if (n && __atomic_sub_fetch(&n->refs, 1, __ATOMIC_ACQ_REL) == 0)
        kfree(n);
}

void unix_fill_name(const struct unix_name *n, struct socket_address *a)
{
    if (n) {
        memcpy(a->bytes, &n->address, (size_t)n->length);
        a->length = n->length;
    } else {
        a->family = AF_UNIX;
        a->length = UNIX_PATH_OFFSET;
    }
}

static bool is_abstract(const struct unix_name *n)
{
    return n->address.sun_path[0] == 0;
}

/* The address as a name: path names end with one NUL that counts, abstract ones are taken as they are. */
bool unix_is_address(const struct socket_address *a)
{
    return a->length > UNIX_PATH_OFFSET && a->length <= (int)sizeof(struct sockaddr_un) && a->family == AF_UNIX;
}

static int parse(const struct socket_address *a, struct unix_name *n)
{
    if (!unix_is_address(a))
        return -EINVAL;
    memset(&n->address, 0, sizeof(n->address));
    memcpy(&n->address, a->bytes, (size_t)a->length);
    n->length = a->length;
    if (!is_abstract(n))
        n->length = UNIX_PATH_OFFSET + (int)strnlen(n->address.sun_path, sizeof(n->address.sun_path)) + 1;
    return 0;
}

/* names_lock held. */
static struct unix_socket *find_abstract(const struct unix_name *n, int type)
{
    struct unix_socket *u;
    list_for_each(u, abstract_bucket(n, type), name_link) {
        if (!u->inode && u->base.type == type && u->name->length == n->length &&
            !memcmp(&u->name->address, &n->address, (size_t)n->length))
            return u;
    }
    return NULL;
}

/* names_lock held. */
static struct unix_socket *find_inode(const struct inode *i)
{
    struct unix_socket *u;
    list_for_each(u, inode_bucket(i), name_link) {
        if (u->inode == i)
            return u;
    }
    return NULL;
}

/* Enters u under n (and inode, at path) unless it has a name. 0, -EINVAL, -EADDRINUSE. */
static int enter(struct unix_socket *u, struct unix_name *n, struct inode *inode, const struct path_ref *path)
{
    int error = 0;
    spin_lock(&names_lock);
    if (u->name) {
        error = -EINVAL;
    } else if (!inode && find_abstract(n, u->base.type)) {
        error = -EADDRINUSE;
    } else {
        u->inode = inode;
        if (inode)
            u->path = *path;
        list_add_tail(inode ? inode_bucket(inode) : abstract_bucket(n, u->base.type), &u->name_link);
        __atomic_store_n(&u->name, n, __ATOMIC_RELEASE);
    }
    spin_unlock(&names_lock);
    return error;
}

static int bind_path(struct unix_socket *u, struct unix_name *n)
{
    char path[sizeof(n->address.sun_path) + 1] = {0};
    struct path_ref at;
    memcpy(path, n->address.sun_path, sizeof(n->address.sun_path));
    int error = vfs_create_node(AT_FDCWD, path, S_IFSOCK | 0777, 0);
    if (error)
        return error == -EEXIST ? -EADDRINUSE : error;
    error = path_find(AT_FDCWD, path, 0, 0, &at);
    if (error)
        return error;
    struct inode *i = at.dentry->inode;
    inode_get(i);
    error = enter(u, n, i, &at);
    if (error) {
        path_put(&at);
        vfs_unlink(AT_FDCWD, path);
        inode_put(i);
    }
    return error;
}

int unix_autobind(struct unix_socket *u)
{
    struct unix_name *n = kzalloc(sizeof(*n));
    if (!n)
        return -ENOMEM;
    n->refs = 1;
    n->address.sun_family = AF_UNIX;
    n->length = UNIX_PATH_OFFSET + 6;
    u32 first = (u32)random_u64();
    int error = -EADDRINUSE;
    for (u32 i = 0; error == -EADDRINUSE && i < 0x100000; i++) {
        snprintf(n->address.sun_path + 1, 6, "%05x", (first + i) & 0xfffff);
        error = enter(u, n, NULL, NULL);
    }
    if (error)
        kfree(n);
    return error == -EINVAL ? 0 : error; /* somebody else named it meanwhile */
}

int unix_autobind_sender(struct unix_socket *u)
{
    return control_wants_sender(&u->base) && !u->name ? unix_autobind(u) : 0;
}

int unix_bind(struct socket *s, const struct socket_address *a)
{
    struct unix_socket *u = unix_of(s);
    if (a->length == UNIX_PATH_OFFSET && a->family == AF_UNIX)
        return u->name ? 0 : unix_autobind(u);
    struct unix_name *n = kzalloc(sizeof(*n));
    if (!n)
        return -ENOMEM;
    n->refs = 1;
    int error = parse(a, n);
    if (!error)
        error = is_abstract(n) ? enter(u, n, NULL, NULL) : u->name ? -EINVAL : bind_path(u, n);
    if (error)
        kfree(n);
    return error;
}

void unix_unbind(struct unix_socket *u)
{
    spin_lock(&names_lock);
    struct inode *i = u->inode;
    list_remove(&u->name_link);
    u->inode = NULL;
    spin_unlock(&names_lock);
    if (i) {
        path_put(&u->path);
        inode_put(i);
    }
}

long unix_ioctl(struct socket *s, unsigned cmd, unsigned long arg)
{
    struct unix_socket *u = unix_of(s);
    if (cmd != SIOCUNIXFILE)
        return -ENOTTY;
    if (!capable(CAP_NET_ADMIN))
        return -EPERM;
    if (!u->inode) /* it is not unbound while its file can be used */
        return -ENOENT;
    struct file *f = vfs_open_path(&u->path, O_PATH);
    if (IS_ERR(f))
        return PTR_ERR(f);
    int fd = fd_install(f, 0, O_CLOEXEC);
    if (fd < 0)
        file_put(f);
    return fd;
}

static struct unix_socket *find_path(const struct unix_name *n)
{
    char path[sizeof(n->address.sun_path) + 1] = {0};
    struct path_ref at;
    memcpy(path, n->address.sun_path, sizeof(n->address.sun_path));
    int error = path_find(AT_FDCWD, path, FIND_FOLLOW, 0, &at);
    if (error)
        return ERR_PTR(error);
    struct inode *i = at.dentry->inode;
    struct unix_socket *u = NULL;
    error = inode_permission(i, MAY_WRITE);
    if (!error && S_ISSOCK(i->mode)) {
        spin_lock(&names_lock);
        u = find_inode(i);
        if (u)
            socket_get(&u->base);
        spin_unlock(&names_lock);
    }
    path_put(&at);
    return error ? ERR_PTR(error) : u ? u : ERR_PTR(-ECONNREFUSED);
}

struct unix_socket *unix_find(const struct socket_address *a, int type)
{
    struct unix_name n;
    struct unix_socket *u;
    int error = parse(a, &n);
    if (error)
        return ERR_PTR(error);
    if (is_abstract(&n)) {
        spin_lock(&names_lock);
        u = find_abstract(&n, type);
        if (u)
            socket_get(&u->base);
        spin_unlock(&names_lock);
        return u ? u : ERR_PTR(-ECONNREFUSED);
    }
    u = find_path(&n);
    if (!IS_ERR(u) && u->base.type != type) {
        socket_put(&u->base);
        return ERR_PTR(-EPROTOTYPE);
    }
    return u;
}
