/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Generated trees (fs/generated.h). Names are looked up each time; an inode number is a hash of the
 * path, so that it is the same each time. A file's text is made at its first read and again when it
 * is read from the start.
 */
#include <linux/eventpoll.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include "fs/generated.h"
#include "kernel/heap.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/user.h"

#define DYNAMIC_START 0x10000u /* directory positions of names that no table has */

static const struct inode_ops generated_inode_ops, generated_own_ops, generated_link_ops, generated_jump_ops;
static const struct file_ops generated_file_ops, generated_event_ops, generated_directory_ops;

/* ------------------------------------------------------------ text */

static bool text_room(struct text *t, size_t n)
{
    size_t size = t->size ? t->size : 1024;
    char *data;

    while (size < t->used + n + 1)
        size *= 2;
    if (size == t->size)
        return true;
    data = t->failed ? NULL : krealloc(t->data, t->size, size);
    if (!data) {
        t->failed = true;
        return false;
    }
    t->data = data;
    t->size = size;
    return true;
}

void text_append(struct text *t, const void *data, size_t n)
{
    if (!text_room(t, n))
        return;
    memcpy(t->data + t->used, data, n);
    t->used += n;
}

void text_printf(struct text *t, const char *format, ...)
{
    va_list ap, again;
    int n;

    if (!text_room(t, 128))
        return;
    va_start(ap, format);
    va_copy(again, ap);
    n = vsnprintf(t->data + t->used, t->size - t->used, format, ap);
    if ((size_t)n >= t->size - t->used) {
        if (text_room(t, (size_t)n))
            vsnprintf(t->data + t->used, t->size - t->used, format, again);
        else
            n = 0;
    }
    t->used += (size_t)n;
    va_end(again);
    va_end(ap);
}

void text_pad(struct text *t, size_t mark, size_t column)
{
    while (!t->failed && t->used - mark < column)
        text_append(t, " ", 1);
}

/* ------------------------------------------------------------ files */

static void text_free(struct text *t)
{
    if (t)
        kfree(t->data);
    kfree(t);
}

/* Makes the file's text anew. Position lock held. */
static int generate(struct file *f)
{
    const struct generated_ref *r = generated_ref_of(f->inode);
    struct text *t = kzalloc(sizeof(*t)), *old = f->private;
    int error;

    if (!t)
        return -ENOMEM;
    error = r->node->show(t, r);
    if (!error && t->failed)
        error = -ENOMEM;
    if (error) {
        text_free(t);
        return error;
    }
    if (old) { /* poll may be looking at what it has seen */
        kfree(old->data);
        old->data = t->data;
        old->size = t->size;
        old->used = t->used;
        kfree(t);
    } else {
        f->private = t;
    }
    return 0;
}

/* Position lock held. */
static ssize read_text(struct file *f, struct io *io, u64 *pos)
{
    struct text *t = f->private;
    int error;

    if (!t || !t->data || *pos == 0) {
        error = generate(f);
        if (error)
            return error;
        t = f->private;
    }
    if (*pos >= t->used)
        return 0;
    ssize n = io_copy_to(io, t->data + *pos, t->used - *pos);
    if (n > 0)
        *pos += (u64)n;
    return n;
}

static ssize read_generated(struct file *f, struct io *io, u64 *pos, int rwf)
{
    bool own = pos == &f->position; /* else pread(2), which comes without the lock */
    ssize n;

    if (!generated_ref_of(f->inode)->node->show)
        return -EINVAL;
    if (!own)
        mutex_lock(&f->position_lock);
    n = read_text(f, io, pos);
    if (!own)
        mutex_unlock(&f->position_lock);
    return n;
}

static ssize write_generated(struct file *f, struct io *io, u64 *pos, int rwf)
{
    const struct generated_ref *r = generated_ref_of(f->inode);
    size_t n = MIN(io->left, PAGE_SIZE - 1);
    char *data;
    ssize got;
    int error;

    if (!r->node->store)
        return -EIO;
    data = kmalloc(n + 1);
    if (!data)
        return -ENOMEM;
    got = io_copy_from(io, data, n);
    if (got >= 0) {
        data[got] = 0;
        error = r->node->store(r, data, (size_t)got);
        if (error)
            got = error;
        else
            *pos += (u64)got;
    }
    kfree(data);
    return got;
}

static s64 seek_generated(struct file *f, s64 offset, int whence)
{
    if (whence == SEEK_END && !f->inode->size) /* the text has none before it is read */
        return -EINVAL;
    return file_seek_in(f, offset, whence, f->inode->size);
}

static void release_generated(struct file *f)
{
    text_free(f->private);
}

static struct generated_events *events_of(struct file *f)
{
    return (struct generated_events *)generated_ref_of(f->inode)->node->data;
}

static struct wait_queue *event_queue(struct file *f)
{
    return &events_of(f)->queue;
}

static u32 poll_events(struct file *f)
{
    u64 now = __atomic_load_n(&events_of(f)->changes, __ATOMIC_SEQ_CST);
    struct text *t = f->private;

    return EPOLLIN | EPOLLRDNORM | (__atomic_exchange_n(&t->seen, now, __ATOMIC_RELAXED) != now ? EPOLLERR | EPOLLPRI : 0);
}

/* Changes are told from here on. */
static int open_events(struct file *f)
{
    struct text *t = kzalloc(sizeof(*t));

    if (!t)
        return -ENOMEM;
    f->ops = &generated_event_ops;
    f->private = t;
    t->seen = __atomic_load_n(&events_of(f)->changes, __ATOMIC_SEQ_CST);
    return 0;
}

/* ------------------------------------------------------------ directories */

static u64 child_ino(const struct inode *dir, const char *name, size_t n)
{
    u64 h = dir->ino * 0x9e3779b97f4a7c15ull;

    for (size_t k = 0; k < n; k++)
        h = (h ^ (u8)name[k]) * 0x100000001b3ull;
    return (h ^ h >> 32) & 0x7fffffff;
}

/* Files of a thread belong to whom it acts for, or to user 0 if it shall not be looked into. Source: proc(5), /proc/PID. */
static void owner_of(const struct generated_ref *r, struct inode *i)
{
    bool open = i->mode == (S_IFDIR | 0555) || r->process->dumpable;
    struct thread *t = open ? thread_find(r->tid ? r->tid : r->process->pid) : NULL;

    i->uid = t ? t->cred.euid : 0;
    i->gid = t ? t->cred.egid : 0;
    if (t)
        thread_put(t);
}

/* False: what a directory is about has ended. */
static bool is_alive(const struct generated_ref *r)
{
    struct thread *t = r->process ? thread_find(r->tid ? r->tid : r->process->pid) : NULL;
    bool alive = !r->process || (t && t->process == r->process);

    if (t)
        thread_put(t);
    return alive;
}

/* An inode for r, whose process reference it takes over. */
static struct inode *make_inode(struct super *s, const struct generated_ref *r, u64 ino)
{
    const struct inode_ops *ops = r->node->mode & GENERATED_OWN ? &generated_own_ops
                                  : !S_ISLNK(r->node->mode) ? &generated_inode_ops
                                  : r->node->follow       ? &generated_jump_ops
                                                          : &generated_link_ops;
    struct generated_ref *copy = kmalloc(sizeof(*copy));
    struct inode *i = copy ? inode_create(s, ops, r->node->mode & 0xffff, NULL) : NULL;

    if (!i) {
        kfree(copy);
        return NULL;
    }
    *copy = *r;
    copy->strict |= (r->node->mode & GENERATED_STRICT) != 0;
    i->private = copy;
    i->ino = ino;
    if (r->process)
        owner_of(r, i);
    else
        i->uid = i->gid = 0;
    i->nlink = S_ISDIR(i->mode) ? 2 : 1;
    if (s->magic == SYSFS_MAGIC && S_ISREG(i->mode))
        i->size = PAGE_SIZE; /* what a file may have at most */
    i->btime = 0;
    return i;
}

static bool hidden(const struct generated_ref *dir, const struct generated_node *n)
{
    return dir->tid && n->mode & GENERATED_LEADER;
}

static int lookup_generated(struct inode *dir, struct dentry *d)
{
    const struct generated_ref *r = generated_ref_of(dir);
    struct generated_ref child = {.process = r->process, .tid = r->tid, .strict = r->strict, .arg = r->arg};
    const struct generated_node *n = r->node->children;
    int error;

    if (!is_alive(r))
        return -ENOENT;
    for (; n && n->name; n++)
        if (!strcmp(n->name, d->name) && !hidden(r, n)) {
            child.node = n;
            if (child.process)
                process_get(child.process);
            break;
        }
    if (!child.node) {
        error = r->node->find ? r->node->find(r, d->name, d->name_length, &child) : -ENOENT;
        if (error)
            return error;
    }
    d->inode = make_inode(dir->super, &child, child_ino(dir, d->name, d->name_length));
    if (!d->inode) {
        if (child.process)
            process_put(child.process);
        return -ENOMEM;
    }
    return 0;
}

static int list_generated(struct file *f, u64 *pos,
                          bool (*emit)(void *arg, const char *name, size_t len, u64 next, u64 ino,
                                       u8 type),
                          void *arg)
{
    struct inode *dir = f->inode;
    const struct generated_ref *r = generated_ref_of(dir);
    const struct generated_node *n = r->node->children;
    u64 skip = *pos > 2 ? *pos - 2 : 0;

    if (!is_alive(r))
        return -ENOENT;

    if (*pos == 0 && (!emit(arg, ".", 1, 1, dir->ino, 4) || !(*pos = 1)))
        return 0;
    if (*pos == 1 && (!emit(arg, "..", 2, 2, f->dentry->parent->inode->ino, 4) || !(*pos = 2)))
        return 0;
    for (u64 at = 0; n && n->name && *pos < DYNAMIC_START; n++, at++) {
        size_t length = strlen(n->name);

        if (at < skip || hidden(r, n))
            continue;
        if (!emit(arg, n->name, length, at + 3, child_ino(dir, n->name, length),
                  (u8)(n->mode >> 12 & 15)))
            return 0;
        *pos = at + 3;
    }
    if (!r->node->list)
        return 0;
    for (u64 cursor = *pos > DYNAMIC_START ? *pos - DYNAMIC_START : 0;; cursor++) {
        const struct generated_node *node;
        char name[GENERATED_NAME];
        size_t length;

        if (!r->node->list(r, &cursor, name, &node))
            return 0;
        length = strlen(name);
        if (!emit(arg, name, length, DYNAMIC_START + cursor + 1, child_ino(dir, name, length),
                  (u8)(node->mode >> 12 & 15)))
            return 0;
        *pos = DYNAMIC_START + cursor + 1;
    }
}

static int open_generated(struct inode *i, struct file *f)
{
    const struct generated_ref *r = generated_ref_of(i);

    if (S_ISDIR(i->mode)) {
        f->ops = &generated_directory_ops;
        return 0;
    }
    if (r->strict && ((f->mode & FILE_WRITE && !(i->mode & 0222)) || (f->mode & FILE_READ && !(i->mode & 0444))))
        return -EACCES;
    if (r->node->mode & GENERATED_EVENTS)
        return open_events(f);
    f->ops = r->node->show || r->node->store ? &generated_file_ops : r->node->ops;
    return 0;
}

int generated_show_string(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%s\n", (const char *)r->node->data);
    return 0;
}

ssize generated_link_path(const struct generated_ref *r, char *buf, size_t n)
{
    struct path_ref at;
    int error = r->node->follow(r, &at);
    ssize length = error ? error : vfs_path_of(&at, buf, n);

    if (!error)
        path_put(&at);
    return length > 0 ? length - 1 : length;
}

static ssize read_generated_link(struct inode *i, char *buf, size_t n)
{
    const struct generated_ref *r = generated_ref_of(i);

    return r->node->readlink(r, buf, n);
}

static int follow_generated(struct inode *i, struct path_ref *to)
{
    const struct generated_ref *r = generated_ref_of(i);

    return r->node->follow(r, to);
}

/* Truncation by O_TRUNC is nothing to do; owners and modes stay as they are. */
static int set_attributes(struct inode *i, const struct inode_attr *a)
{
    return a->valid & (ATTR_MODE | ATTR_UID | ATTR_GID) ? -EPERM : 0;
}

/* A process may always look at its own; there is no other that might. */
static int own_permission(struct inode *i, int mask)
{
    return generated_ref_of(i)->process == current_process() ? 0 : -EACCES;
}

static void put_inode(struct inode *i)
{
    struct generated_ref *r = i->private;

    if (r && r->process)
        process_put(r->process);
    kfree(r);
}

static const struct file_ops generated_file_ops = {
    .kind = "proc",
    .splice = SPLICE_SOURCE | SPLICE_SINK,
    .read = read_generated,
    .write = write_generated,
    .seek = seek_generated,
    .release = release_generated,
};
static const struct file_ops generated_event_ops = {
    .kind = "proc",
    .splice = SPLICE_SOURCE | SPLICE_SINK,
    .read = read_generated,
    .write = write_generated,
    .seek = seek_generated,
    .poll = poll_events,
    .poll_queue = event_queue,
    .release = release_generated,
};
static const struct file_ops generated_directory_ops = {
    .kind = "proc",
    .seek = directory_seek,
    .readdir = list_generated,
};
static const struct inode_ops generated_inode_ops = {
    .lookup = lookup_generated,
    .open = open_generated,
    .setattr = set_attributes,
};
static const struct inode_ops generated_own_ops = {
    .lookup = lookup_generated,
    .open = open_generated,
    .setattr = set_attributes,
    .permission = own_permission,
};
static const struct inode_ops generated_link_ops = {.readlink = read_generated_link,
                                                    .setattr = set_attributes};
static const struct inode_ops generated_jump_ops = {
    .readlink = read_generated_link, .follow = follow_generated, .setattr = set_attributes};
static const struct super_ops generated_super_ops = {.put_inode = put_inode};

struct super *generated_create(const char *type, u64 magic, const struct generated_node *root)
{
    struct generated_ref ref = {.node = root};
    struct super *s = kzalloc(sizeof(*s));
    struct inode *i;

    if (!s)
        return ERR_PTR(-ENOMEM);
    *s = (struct super){.refs = 1,
                        .type = type,
                        .source = type,
                        .magic = magic,
                        .dev = super_new_dev(),
                        .block_size = PAGE_SIZE,
                        .ops = &generated_super_ops,
                        .volatile_names = true};
    i = make_inode(s, &ref, 1);
    if (i) {
        s->root = dentry_create_root(s, i);
        if (!IS_ERR(s->root))
            return s;
        inode_put(i);
    }
    kfree(s);
    return ERR_PTR(-ENOMEM);
}

bool generated_number(const char *name, size_t n, u64 *value)
{
    *value = 0;
    for (size_t k = 0; k < n; k++) {
        if (name[k] < '0' || name[k] > '9' || n > 10)
            return false;
        *value = *value * 10 + (u64)(name[k] - '0');
    }
    return n > 0 && (name[0] != '0' || n == 1);
}
