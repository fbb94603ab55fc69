/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX message queues. Messages are kept by priority, oldest first among equals. A message goes to the receiver that waits longest; a
 * sender that finds no room waits with its message. A message that comes to the empty queue while nobody waits for it is told to
 * who asked for it, once.
 */
#include <linux/capability.h>
#include <linux/eventpoll.h>
#include "fs/ipc/mqueue.h"
#include "kernel/heap.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/signal.h"
#include "kernel/timer.h"

struct mqueue {
    struct spinlock lock;   /* everything below but what never changes */
    u64 capacity, size;     /* messages, and bytes of one; never change */
    u64 count, bytes;
    struct list messages;   /* struct ipc_message: highest priority first */
    struct list senders, receivers; /* struct mqueue_wait */
    struct wait_queue poll;
    struct process *owner;  /* who is told; reference; NULL: nobody */
    struct mqueue_notification notification;
    struct list link;       /* all queues; all_lock */
    u64 charged;            /* bytes that count against RLIMIT_MSGQUEUE of user */
    u32 user;
};

struct mqueue_wait {
    struct ipc_waiter waiter;
    struct ipc_message *message; /* a sender's, or what a receiver got */
};

int (*mqueue_tell_socket)(struct file *f, void *cookie, size_t length);

static struct list all = LIST_INIT(all);
static struct spinlock all_lock = SPINLOCK_INIT(LOCK_IPC);
static u64 queue_count;
static const struct inode_ops file_inode_ops, directory_inode_ops;

static struct mqueue *queue_of(const struct file *f)
{
    return f->inode->private;
}

/* ------------------------------------------------------------ making and freeing */

/* What Linux reckons a queue to cost: messages and their administration. */
#define MESSAGE_COST  48
#define PRIORITY_COST 48

static bool charge(struct mqueue *q)
{
    u64 limit = current_process()->limits[RLIMIT_MSGQUEUE].rlim_cur, used = 0;
    struct mqueue *other;

    q->user = current_thread()->cred.uid;
    q->charged = q->capacity * (MESSAGE_COST + q->size) + MIN(q->capacity, (u64)MQ_PRIO_MAX) * PRIORITY_COST;
    spin_lock(&all_lock);
    list_for_each(other, &all, link)
        used += other->user == q->user ? other->charged : 0;
    bool fits = used + q->charged <= limit;
    if (fits)
        list_add_tail(&all, &q->link);
    spin_unlock(&all_lock);
    return fits;
}

/* A place among the queues, which create_queue() fills or gives back. */
static bool reserve(bool privileged)
{
    spin_lock(&all_lock);
    bool free = privileged || queue_count < ipc_limits.mq.queues;
    queue_count += free;
    spin_unlock(&all_lock);
    return free;
}

static void give_back(void)
{
    spin_lock(&all_lock);
    queue_count--;
    spin_unlock(&all_lock);
}

/* Once a place is reserved. */
static struct mqueue *make_queue(s64 messages, s64 size, bool privileged)
{
    if (messages <= 0 || size <= 0 || (u64)messages > (privileged ? MQ_MESSAGES_MAX : ipc_limits.mq.messages) ||
        (u64)size > (privileged ? MQ_SIZE_MAX : ipc_limits.mq.size))
        return ERR_PTR(-EINVAL);
    struct mqueue *q = kzalloc(sizeof(*q));
    if (!q)
        return ERR_PTR(-ENOMEM);
    q->capacity = (u64)messages;
    q->size = (u64)size;
    spin_init(&q->lock, LOCK_IPC);
    list_init(&q->messages);
    list_init(&q->senders);
    list_init(&q->receivers);
    wait_queue_init(&q->poll);
    if (!charge(q)) {
        kfree(q);
        return ERR_PTR(-EMFILE);
    }
    return q;
}

static struct mqueue *create_queue(const struct mq_attr *attr)
{
    bool privileged = capable(CAP_SYS_RESOURCE);
    s64 messages = attr ? attr->mq_maxmsg : (s64)MIN(ipc_limits.mq.messages, ipc_limits.mq.default_messages);
    s64 size = attr ? attr->mq_msgsize : (s64)MIN(ipc_limits.mq.size, ipc_limits.mq.default_size);

    if (!reserve(privileged))
        return ERR_PTR(-ENOSPC);
    struct mqueue *q = make_queue(messages, size, privileged);
    if (IS_ERR(q))
        give_back();
    return q;
}

static void free_queue(struct mqueue *q)
{
    struct ipc_message *m;

    spin_lock(&all_lock);
    list_remove(&q->link);
    queue_count--;
    spin_unlock(&all_lock);
    while ((m = list_first(&q->messages, struct ipc_message, link))) {
        list_remove(&m->link);
        kfree(m);
    }
    kfree(q);
}

/* ------------------------------------------------------------ notification */

/* Takes the notification out; who tells it does so without the lock, and frees by forget(). Locked. */
static struct process *take_notification(struct mqueue *q, struct mqueue_notification *n)
{
    struct process *owner = q->owner;

    *n = q->notification;
    q->owner = NULL;
    return owner;
}

static void forget(struct process *owner, struct mqueue_notification *n)
{
    if (n->socket)
        file_put(n->socket);
    process_put(owner);
}

static void tell(struct process *owner, struct mqueue_notification *n)
{
    siginfo_t info;

    if (n->how == SIGEV_SIGNAL && n->signo) {
        signal_info_user(&info, n->signo, SI_MESGQ);
        info.si_value = n->value;
        signal_send_process(owner, n->signo, &info);
    } else if (n->how == SIGEV_THREAD) {
        n->cookie[NOTIFY_COOKIE_LEN - 1] = NOTIFY_WOKENUP;
        mqueue_tell_socket(n->socket, n->cookie, sizeof(n->cookie));
    }
    forget(owner, n);
}

/* The running process does not want to be told any more. */
static void end_notification(struct mqueue *q)
{
    struct mqueue_notification n;
    struct process *owner = NULL;

    spin_lock(&q->lock);
    if (q->owner == current_process())
        owner = take_notification(q, &n);
    spin_unlock(&q->lock);
    if (!owner)
        return;
    if (n.how == SIGEV_THREAD) {
        n.cookie[NOTIFY_COOKIE_LEN - 1] = NOTIFY_REMOVED;
        mqueue_tell_socket(n.socket, n.cookie, sizeof(n.cookie));
    }
    forget(owner, &n);
}

int mqueue_notify(struct file *f, const struct mqueue_notification *n)
{
    struct mqueue *q = queue_of(f);
    int error = 0;

    if (!n) {
        end_notification(q);
        return 0;
    }
    spin_lock(&q->lock);
    if (q->owner) {
        error = -EBUSY;
    } else {
        q->notification = *n;
        q->owner = current_process();
        process_get(q->owner);
        f->inode->atime = f->inode->ctime = (s64)clock_realtime();
    }
    spin_unlock(&q->lock);
    return error;
}

/* ------------------------------------------------------------ messages */

static void insert(struct mqueue *q, struct ipc_message *m)
{
    struct list *at = q->messages.prev;

    while (at != &q->messages && list_entry(at, struct ipc_message, link)->type < m->type)
        at = at->prev;
    list_insert_between(&m->link, at, at->next);
    q->count++;
    q->bytes += m->size;
}

static void wake_poll(struct mqueue *q, u32 events)
{
    wait_wake_events(&q->poll, ~0u, events);
}

/* What both calls do when they cannot go on. Locked. */
static long wait_for(struct mqueue *q, struct file *f, struct mqueue_wait *w, struct list *waiters, nsec_t deadline)
{
    if (f->flags & O_NONBLOCK)
        return -EAGAIN;
    ipc_waiter_init(&w->waiter, waiters);
    long result = ipc_wait(&q->lock, &w->waiter, deadline, true);
    return result == -EINTR ? -ERESTARTSYS : result;
}

static void touch(struct file *f, bool sent)
{
    struct inode *i = f->inode;

    i->ctime = (s64)clock_realtime();
    *(sent ? &i->mtime : &i->atime) = i->ctime;
}

long mqueue_send(struct file *f, struct ipc_message *m, nsec_t deadline)
{
    struct mqueue *q = queue_of(f);
    struct mqueue_wait w = {.message = m}, *receiver;
    struct mqueue_notification n;
    struct process *owner = NULL;
    bool inserted = false;
    long result = 0;

    spin_lock(&q->lock);
    if (q->count == q->capacity) {
        result = wait_for(q, f, &w, &q->senders, deadline);
    } else if ((receiver = list_first(&q->receivers, struct mqueue_wait, waiter.link))) {
        receiver->message = m;
        ipc_wake(&receiver->waiter, 0);
    } else {
        insert(q, m);
        inserted = true;
        if (q->owner && q->count == 1)
            owner = take_notification(q, &n);
    }
    if (!result)
        touch(f, true);
    spin_unlock(&q->lock);
    if (inserted)
        wake_poll(q, EPOLLIN | EPOLLRDNORM);
    if (owner)
        tell(owner, &n);
    return result;
}

struct ipc_message *mqueue_receive(struct file *f, size_t room, nsec_t deadline)
{
    struct mqueue *q = queue_of(f);
    struct mqueue_wait w = {0}, *sender;
    bool freed = false;
    long result = 0;

    if (room < q->size)
        return ERR_PTR(-EMSGSIZE);
    spin_lock(&q->lock);
    struct ipc_message *m = list_first(&q->messages, struct ipc_message, link);
    if (m) {
        list_remove(&m->link);
        q->count--;
        q->bytes -= m->size;
        sender = list_first(&q->senders, struct mqueue_wait, waiter.link);
        if (sender) {
            insert(q, sender->message);
            ipc_wake(&sender->waiter, 0);
        } else {
            freed = true;
        }
    } else {
        result = wait_for(q, f, &w, &q->receivers, deadline);
        m = w.message;
    }
    if (!result)
        touch(f, false);
    spin_unlock(&q->lock);
    if (freed)
        wake_poll(q, EPOLLOUT | EPOLLWRNORM);
    return result ? ERR_PTR(result) : m;
}

u64 mqueue_message_size(struct file *f)
{
    return queue_of(f)->size;
}

void mqueue_attributes(struct file *f, const struct mq_attr *new, struct mq_attr *old)
{
    struct mqueue *q = queue_of(f);

    spin_lock(&q->lock);
    *old = (struct mq_attr){
        .mq_flags = f->flags & O_NONBLOCK,
        .mq_maxmsg = (long)q->capacity,
        .mq_msgsize = (long)q->size,
        .mq_curmsgs = (long)q->count,
    };
    if (new) {
        WRITE_ONCE(f->flags, (f->flags & ~(u32)O_NONBLOCK) | ((u32)new->mq_flags & O_NONBLOCK));
        f->inode->atime = f->inode->ctime = (s64)clock_realtime();
    }
    spin_unlock(&q->lock);
}

/* ------------------------------------------------------------ the file */

static ssize read_state(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct mqueue *q = queue_of(f);
    char text[80];
    struct pid_and_signal { int how, signo, pid; } n = {0};

    spin_lock(&q->lock);
    if (q->owner) {
        n = (struct pid_and_signal){q->notification.how, q->notification.signo, q->owner->pid};
        if (n.how != SIGEV_SIGNAL)
            n.signo = 0;
    }
    u64 bytes = q->bytes;
    spin_unlock(&q->lock);
    size_t length = (size_t)scnprintf(text, sizeof(text), "QSIZE:%-10llu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
                                      (unsigned long long)bytes, n.how, n.signo, n.pid);
    if (*pos >= length)
        return 0;
    ssize done = io_copy_to(io, text + *pos, length - *pos);
    if (done > 0)
        *pos += (u64)done;
    return done;
}

static s64 seek(struct file *f, s64 offset, int whence)
{
    return file_seek_in(f, offset, whence, f->inode->size);
}

static u32 poll(struct file *f)
{
    struct mqueue *q = queue_of(f);
    u64 count = READ_ONCE(q->count);

    return (count ? EPOLLIN | EPOLLRDNORM : 0) | (count < q->capacity ? EPOLLOUT | EPOLLWRNORM : 0);
}

static struct wait_queue *poll_queue(struct file *f)
{
    return &queue_of(f)->poll;
}

static void closed(struct file *f)
{
    end_notification(queue_of(f));
}

const struct file_ops mqueue_file_ops = {
    .kind = "mqueue",
    .read = read_state,
    .seek = seek,
    .poll = poll,
    .poll_queue = poll_queue,
    .close = closed,
};

static int open_queue(struct inode *i, struct file *f)
{
    f->ops = &mqueue_file_ops;
    return 0;
}

static const struct inode_ops file_inode_ops = {.open = open_queue};

/* ------------------------------------------------------------ the file system */

#define MQUEUE_MAGIC 0x19800202 /* statfs(2); in no header */
#define NAME_SIZE 20 /* what a name adds to the directory's size */
#define FILE_SIZE 80 /* of each queue; nothing depends on it */

static struct super *only;
static struct mount *mounted; /* outside of the tree: what mq_open(3) looks at */

/* A queue with this name, which d gets. Directory locked. */
static int create_named(struct inode *dir, struct dentry *d, u32 mode, const struct mq_attr *attr)
{
    struct mqueue *q = create_queue(attr);

    if (IS_ERR(q))
        return (int)PTR_ERR(q);
    struct inode *i = inode_create(dir->super, &file_inode_ops, S_IFREG | (mode & 07777), dir);
    if (!i) {
        free_queue(q);
        return -ENOMEM;
    }
    i->private = q;
    i->size = FILE_SIZE;
    d->inode = i;
    dentry_get(d); /* while the name exists */
    dir->size += NAME_SIZE;
    dir->mtime = dir->ctime = dir->atime = (s64)clock_realtime();
    return 0;
}

static int create(struct inode *dir, struct dentry *d, u32 mode, u64 rdev)
{
    return create_named(dir, d, mode, NULL);
}

static int unlink(struct inode *dir, struct dentry *d)
{
    dir->size -= NAME_SIZE;
    dir->mtime = dir->ctime = dir->atime = (s64)clock_realtime();
    __atomic_sub_fetch(&d->inode->nlink, 1, __ATOMIC_RELAXED);
    dentry_put(d);
    return 0;
}

static const struct file_ops directory_ops = {.kind = "mqueue", .seek = directory_seek, .readdir = dentry_readdir};

static int open_directory(struct inode *i, struct file *f)
{
    f->ops = &directory_ops;
    return 0;
}

static const struct inode_ops directory_inode_ops = {.open = open_directory, .create = create, .unlink = unlink};

static void put_inode(struct inode *i)
{
    if (i->private)
        free_queue(i->private);
}

static const struct super_ops super_ops = {.put_inode = put_inode};

/* The one instance, with its mount; made when first needed. 0 or -ENOMEM. */
static int need_super(void)
{
    static struct super super = {.refs = 1, .type = "mqueue", .source = "mqueue", .magic = MQUEUE_MAGIC, .block_size = PAGE_SIZE, .ops = &super_ops};
    static struct mutex making = MUTEX_INIT(LOCK_FS);
    int error = 0;

    mutex_lock(&making);
    if (!only) {
        struct inode *root = inode_create(&super, &directory_inode_ops, S_IFDIR | 01777, NULL);
        super.dev = super_new_dev();
        super.root = root ? dentry_create_root(&super, root) : ERR_PTR(-ENOMEM);
        if (!IS_ERR(super.root)) {
            root->uid = root->gid = 0;
            root->nlink = 2;
            root->size = 2 * NAME_SIZE;
            mounted = mount_create(&super, super.root, 0, NULL);
        }
        only = mounted ? &super : NULL;
        error = mounted ? 0 : -ENOMEM;
    }
    mutex_unlock(&making);
    return error;
}

static struct super *mount(const char *source, const char *options)
{
    int error = need_super();

    if (error)
        return ERR_PTR(error);
    super_get(only);
    return only;
}

const struct file_system_type mqueue_type = {.name = "mqueue", .mount = mount};

/* ------------------------------------------------------------ by name */

/* What a name must be: 0 or negative errno. */
static int check_name(const char *name)
{
    size_t n = strlen(name);

    if (!n)
        return -ENOENT;
    if (memchr(name, '/', n) || !strcmp(name, ".") || !strcmp(name, ".."))
        return -EACCES;
    return n > NAME_MAX ? -ENAMETOOLONG : need_super();
}

/* The queue's dentry, made if flags say so. Directory locked. */
static struct dentry *find_or_create(const char *name, u32 flags, u32 mode, const struct mq_attr *attr)
{
    static const int wanted[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE};
    struct dentry *root = only->root, *d = path_lookup_child(root, name, strlen(name), true);
    int error;

    if (d != ERR_PTR(-ENOENT)) {
        if (IS_ERR(d))
            return d;
        if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
            error = -EEXIST;
        else if ((flags & O_ACCMODE) == O_ACCMODE)
            error = -EINVAL;
        else
            error = inode_permission(d->inode, wanted[flags & O_ACCMODE]);
        if (!error)
            return d;
        dentry_put(d);
        return ERR_PTR(error);
    }
    if (!(flags & O_CREAT))
        return d;
    error = inode_permission(root->inode, MAY_WRITE | MAY_EXEC);
    if (error)
        return ERR_PTR(error);
    d = dentry_create(root, name, strlen(name));
    if (IS_ERR(d))
        return d;
    error = create_named(root->inode, d, inode_creation_mode(root->inode, mode), attr);
    if (error) {
        dentry_put(d);
        return ERR_PTR(error);
    }
    dentry_hash(d);
    return d;
}

struct file *mqueue_open(const char *name, u32 flags, u32 mode, const struct mq_attr *attr)
{
    int error = check_name(name);

    if (error)
        return ERR_PTR(error);
    mutex_lock(&only->root->inode->lock);
    struct dentry *d = find_or_create(name, flags, mode, attr);
    mutex_unlock(&only->root->inode->lock);
    if (IS_ERR(d))
        return (struct file *)d;
    /* Opened as it is: who made it may use it as asked, whatever its mode. */
    struct file *f = file_create(&mqueue_file_ops, flags, NULL);
    if (!f) {
        dentry_put(d);
        return ERR_PTR(-ENFILE);
    }
    f->mode |= FILE_SEEKABLE;
    f->dentry = d;
    f->inode = d->inode;
    f->mount = mounted;
    mount_get(mounted);
    return f;
}

int mqueue_unlink(const char *name)
{
    int error = check_name(name);

    if (error)
        return error;
    struct inode *dir = only->root->inode;
    mutex_lock(&dir->lock);
    struct dentry *d = path_lookup_child(only->root, name, strlen(name), true);
    error = IS_ERR(d) ? (int)PTR_ERR(d) : inode_may_delete(dir, d, false);
    if (!error) {
        unlink(dir, d);
        dentry_unhash(d);
    }
    mutex_unlock(&dir->lock);
    if (!IS_ERR(d))
        dentry_put(d);
    return error;
}
