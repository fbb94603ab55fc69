/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inotify(7): instances, their watches and queues. One spinlock guards all of it: watches are on lists of inodes and in
 * trees of instances at once, and an event is short work.
 *
 * A watch holds a reference on its inode, so that a file system that keeps names while they are used keeps this one's.
 * References are dropped after the lock, which is why watches that end are first put on a list. Meanwhile nothing else
 * may hold the file system, so they hold it too; if it is on its way out already, notify_unmounted() drops them.
 */
#include <asm/ioctls.h>
#include <linux/eventpoll.h>
#include <linux/fs.h>
#include "fs/event.h"
#include "fs/generated.h"
#include "fs/notify.h"
#include "kernel/heap.h"
#include "kernel/lib/rbtree.h"
#include "kernel/lib/string.h"
#include "kernel/page.h"
#include "kernel/user.h"

#define WATCH_COST 1280 /* bytes that Linux reckons for a watch and its inode when it chooses a limit */

struct queued_event {
    struct list link;
    struct inotify_event event; /* as the program reads it, name and padding behind it */
};

struct inotify {
    struct list link;           /* instances */
    struct wait_queue wait;
    struct rb_tree watches;     /* by wd */
    int last_wd;
    struct list events;         /* oldest first */
    u32 queued, max_queued;     /* events */
    u32 bytes;                  /* of them */
    struct queued_event *overflow; /* in events once while there was no room for others */
};

struct inotify_watch {
    struct rb_node node;
    struct inotify_watch *next; /* of the inode; or of those that have ended */
    struct inotify *owner;
    struct inode *inode;        /* reference */
    int wd;
    u32 mask;                   /* events wanted, IN_ONESHOT, IN_EXCL_UNLINK */
};

static struct spinlock lock = SPINLOCK_INIT(LOCK_NOTIFY);
static struct list instances = LIST_INIT(instances);
static u32 instance_count;
static u32 limits[INOTIFY_LIMITS] = {[INOTIFY_QUEUED_EVENTS] = 16384, [INOTIFY_INSTANCES] = 128};
static const struct file_ops inotify_ops;

u32 inotify_limit(unsigned which)
{
    if (which == INOTIFY_WATCHES && !limits[which]) {
        struct page_stats stats;

        /* As Linux chooses: a hundredth of memory. */
        page_stats(&stats);
        return (u32)MAX(MIN(stats.total * PAGE_SIZE / 100 / WATCH_COST, (u64)1 << 20), (u64)8192);
    }
    return limits[which];
}

void inotify_set_limit(unsigned which, u32 value)
{
    WRITE_ONCE(limits[which], value);
}

/* ------------------------------------------------------------ the queue; locked */

static size_t event_size(const struct queued_event *e)
{
    return sizeof(e->event) + e->event.len;
}

static void enqueue(struct inotify *o, struct queued_event *e)
{
    list_add_tail(&o->events, &e->link);
    o->queued++;
    o->bytes += (u32)event_size(e);
    wait_wake_events(&o->wait, 1, EPOLLIN | EPOLLRDNORM);
}

static void overflow(struct inotify *o)
{
    if (list_empty(&o->overflow->link))
        enqueue(o, o->overflow);
}

/* An event that says what the newest in the queue says adds nothing. */
static bool repeats_last(const struct inotify *o, int wd, u32 mask, const char *name, size_t n)
{
    const struct inotify_event *last;

    if (list_empty(&o->events))
        return false;
    last = &list_entry(o->events.prev, struct queued_event, link)->event;
    return last->wd == wd && last->mask == mask && !(mask & IN_IGNORED) && !last->len == !n &&
           (!n || (strlen(last->name) == n && !memcmp(last->name, name, n)));
}

static void queue(struct inotify *o, int wd, u32 mask, const char *name, size_t n, u32 cookie)
{
    u32 length = n ? (u32)ALIGN_UP(n + 1, sizeof(struct inotify_event)) : 0;
    struct queued_event *e;

    if (o->queued >= o->max_queued) {
        overflow(o);
        return;
    }
    if (repeats_last(o, wd, mask, name, n))
        return;
    e = kzalloc(sizeof(*e) + length);
    if (!e) {
        overflow(o);
        return;
    }
    e->event = (struct inotify_event){.wd = wd, .mask = mask, .cookie = cookie, .len = length};
    memcpy(e->event.name, name, n);
    enqueue(o, e);
}

/* The oldest event if it fits: -EINVAL if not, NULL if there is none. */
static struct queued_event *dequeue(struct inotify *o, size_t room)
{
    struct queued_event *e;

    spin_lock(&lock);
    e = list_empty(&o->events) ? NULL : list_first(&o->events, struct queued_event, link);
    if (e && event_size(e) > room) {
        e = ERR_PTR(-EINVAL);
    } else if (e) {
        list_remove(&e->link);
        list_init(&e->link);
        o->queued--;
        o->bytes -= (u32)event_size(e);
    }
    spin_unlock(&lock);
    return e;
}

/* ------------------------------------------------------------ watches; locked */

static struct inotify_watch *find(struct inotify *o, int wd)
{
    struct rb_node *n = o->watches.root;

    while (n) {
        struct inotify_watch *w = container_of(n, struct inotify_watch, node);

        if (w->wd == wd)
            return w;
        n = wd < w->wd ? n->left : n->right;
    }
    return NULL;
}

static void insert(struct inotify *o, struct inotify_watch *new)
{
    struct rb_node **link = &o->watches.root, *parent = NULL;

    /* Numbers are not used again before all others were. */
    do
        o->last_wd = o->last_wd == INT32_MAX ? 1 : o->last_wd + 1;
    while (unlikely(find(o, o->last_wd) != NULL));
    new->wd = o->last_wd;
    while (*link) {
        parent = *link;
        link = new->wd < container_of(parent, struct inotify_watch, node)->wd ? &parent->left : &parent->right;
    }
    rb_insert(&o->watches, &new->node, parent, link);
    new->next = new->inode->watches;
    new->inode->watches = new;
    WRITE_ONCE(notify_watches, notify_watches + 1);
}

static struct inotify_watch *orphans; /* ended in file systems that nobody holds, for notify_unmounted(); they still count */

/* Takes w out of everything, to the list of ended ones or to the orphans. */
static void end(struct inotify_watch *w, struct inotify_watch **ended)
{
    struct inotify_watch **link = &w->inode->watches;

    while (*link != w)
        link = &(*link)->next;
    *link = w->next;
    rb_remove(&w->owner->watches, &w->node);
    queue(w->owner, w->wd, IN_IGNORED, NULL, 0, 0);
    if (super_try_get(w->inode->super))
        WRITE_ONCE(notify_watches, notify_watches - 1);
    else
        ended = &orphans;
    w->next = *ended;
    *ended = w;
}

/* Not locked. held: end() has a reference on the file system of each. */
static void free_ended(struct inotify_watch *ended, bool held)
{
    struct inotify_watch *next;

    for (; ended; ended = next) {
        struct super *s = ended->inode->super;

        next = ended->next;
        inode_put(ended->inode);
        kfree(ended);
        if (held)
            super_put(s);
    }
}

/* ------------------------------------------------------------ what the VFS tells */

void notify_tell(struct inode *i, u32 mask, const char *name, size_t n, u32 cookie, bool unlinked)
{
    struct inotify_watch *w, *next, *ended = NULL;

    if (mask & (IN_DELETE_SELF | IN_MOVE_SELF))
        mask &= ~(u32)IN_ISDIR;
    spin_lock(&lock);
    for (w = i->watches; w; w = next) {
        next = w->next;
        if (!(w->mask & mask & IN_ALL_EVENTS) || (unlinked && w->mask & IN_EXCL_UNLINK))
            continue;
        queue(w->owner, w->wd, mask, name, n, cookie);
        if (w->mask & IN_ONESHOT)
            end(w, &ended);
    }
    spin_unlock(&lock);
    free_ended(ended, true);
}

void notify_end(struct inode *i)
{
    struct inotify_watch *ended = NULL;

    if (!READ_ONCE(i->watches))
        return;
    spin_lock(&lock);
    while (i->watches)
        end(i->watches, &ended);
    spin_unlock(&lock);
    free_ended(ended, true);
}

void notify_unmounted(struct super *s)
{
    struct inotify_watch *ended = NULL, **link = &orphans, *w;
    struct inotify *o;

    spin_lock(&lock);
    list_for_each(o, &instances, link) {
        struct rb_node *n, *next;

        for (n = rb_last(&o->watches); n; n = next) {
            next = rb_prev(n);
            w = container_of(n, struct inotify_watch, node);
            if (w->inode->super != s)
                continue;
            queue(o, w->wd, IN_UNMOUNT | (S_ISDIR(w->inode->mode) ? IN_ISDIR : 0), NULL, 0, 0);
            end(w, NULL);
        }
    }
    while ((w = *link)) {
        if (w->inode->super != s) {
            link = &w->next;
            continue;
        }
        *link = w->next;
        w->next = ended;
        ended = w;
        WRITE_ONCE(notify_watches, notify_watches - 1);
    }
    spin_unlock(&lock);
    free_ended(ended, false);
}

/* ------------------------------------------------------------ the calls */

int inotify_add(struct file *f, struct inode *i, u32 mask)
{
    const u32 kept = IN_ALL_EVENTS | IN_ONESHOT | IN_EXCL_UNLINK;
    struct inotify_watch *w, *new = kzalloc(sizeof(*new));
    struct inotify *o = f->private;
    int result;

    if (!new)
        return -ENOMEM;
    spin_lock(&lock);
    for (w = i->watches; w && w->owner != o; w = w->next)
        ;
    if (w && mask & IN_MASK_CREATE) {
        result = -EEXIST;
    } else if (w) {
        w->mask = (mask & IN_MASK_ADD ? w->mask : 0) | (mask & kept);
        result = w->wd;
    } else if (notify_watches >= inotify_limit(INOTIFY_WATCHES)) {
        result = -ENOSPC;
    } else {
        new->owner = o;
        new->mask = mask & kept;
        inode_get(i);
        new->inode = i;
        insert(o, new);
        result = new->wd;
        new = NULL;
    }
    spin_unlock(&lock);
    kfree(new);
    return result;
}

int inotify_remove(struct file *f, int wd)
{
    struct inotify_watch *w, *ended = NULL;

    spin_lock(&lock);
    w = find(f->private, wd);
    if (w)
        end(w, &ended);
    spin_unlock(&lock);
    free_ended(ended, true);
    return w ? 0 : -EINVAL;
}

static void inotify_fdinfo(struct file *f, struct text *t)
{
    struct inotify *o = f->private;

    spin_lock(&lock);
    for (struct rb_node *n = rb_first(&o->watches); n; n = rb_next(n)) {
        const struct inotify_watch *w = container_of(n, struct inotify_watch, node);
        u64 dev = w->inode->super->dev;

        /* The device as the kernel numbers it, not as stat(2) shows it. */
        text_printf(t, "inotify wd:%x ino:%llx sdev:%llx mask:%x ignored_mask:0\n", (unsigned)w->wd, (unsigned long long)w->inode->ino,
                    (unsigned long long)((dev >> 8 & 0xfff) << 20 | (dev & 0xff) | (dev >> 12 & 0xfff00)), w->mask);
    }
    spin_unlock(&lock);
}

/* ------------------------------------------------------------ the file */

static void free_event(struct inotify *o, struct queued_event *e)
{
    if (e != o->overflow)
        kfree(e);
}

static ssize inotify_read(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct inotify *o = f->private;
    ssize done = 0;

    for (;;) {
        struct queued_event *e = dequeue(o, io->left);
        size_t size;
        bool stored;
        int error;

        if (IS_ERR(e))
            return done ? done : PTR_ERR(e);
        if (e) {
            size = event_size(e);
            stored = io_copy_to(io, &e->event, size) == (ssize)size;
            free_event(o, e);
            if (!stored)
                return -EFAULT; /* whatever came before it, as on Linux */
            done += (ssize)size;
            continue;
        }
        if (done)
            return done;
        if (f->flags & O_NONBLOCK || rwf & RWF_NOWAIT)
            return -EAGAIN;
        error = wait_event(&o->wait, !list_empty(&o->events), NSEC_NEVER, WAIT_INTERRUPTIBLE);
        if (error)
            return error;
    }
}

static u32 inotify_poll(struct file *f)
{
    struct inotify *o = f->private;

    return READ_ONCE(o->queued) ? EPOLLIN | EPOLLRDNORM : 0;
}

static struct wait_queue *inotify_poll_queue(struct file *f)
{
    return &((struct inotify *)f->private)->wait;
}

static long inotify_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
    struct inotify *o = f->private;

    return cmd == FIONREAD ? put_user((int)READ_ONCE(o->bytes), (int *)arg) : -ENOTTY;
}

static void inotify_release(struct file *f)
{
    struct inotify *o = f->private;
    struct inotify_watch *ended = NULL;
    struct queued_event *e;
    struct rb_node *n;

    spin_lock(&lock);
    list_remove(&o->link);
    instance_count--;
    o->max_queued = 0; /* nothing more is queued */
    while ((n = rb_first(&o->watches)))
        end(container_of(n, struct inotify_watch, node), &ended);
    spin_unlock(&lock);
    free_ended(ended, true);
    while ((e = dequeue(o, SIZE_MAX)))
        free_event(o, e);
    kfree(o->overflow);
    kfree(o);
}

static const struct file_ops inotify_ops = {
    .kind = "anon_inode:inotify",
    .read = inotify_read,
    .seek = event_seek,
    .ioctl = inotify_ioctl,
    .poll = inotify_poll,
    .poll_queue = inotify_poll_queue,
    .async = ASYNC_OWNER,
    .fdinfo = inotify_fdinfo,
    .release = inotify_release,
};

bool file_is_inotify(const struct file *f)
{
    return f->ops == &inotify_ops;
}

struct file *inotify_file_create(u32 open_flags)
{
    struct inotify *o = kzalloc(sizeof(*o));
    struct queued_event *e = kzalloc(sizeof(*e));
    struct file *f = o && e ? file_create(&inotify_ops, O_RDONLY | open_flags, o) : NULL;
    bool room;

    if (!f) {
        kfree(o);
        kfree(e);
        return ERR_PTR(-ENOMEM);
    }
    wait_queue_init(&o->wait);
    list_init(&o->events);
    list_init(&e->link);
    e->event = (struct inotify_event){.wd = -1, .mask = IN_Q_OVERFLOW};
    o->overflow = e;
    o->max_queued = limits[INOTIFY_QUEUED_EVENTS];
    spin_lock(&lock);
    room = instance_count++ < limits[INOTIFY_INSTANCES];
    list_add_tail(&instances, &o->link);
    spin_unlock(&lock);
    if (room)
        return f;
    file_put(f);
    return ERR_PTR(-EMFILE);
}
