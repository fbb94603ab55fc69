/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading directories of an overlay. One that is merged of several is listed as a whole when it is
 * read from its start, and the list kept until the file is rewound or closed: positions in it stay
 * what they are whatever happens to the directory. One that is a single real directory is read
 * straight from that.
 */
#include "fs/overlay/overlay.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"

#define TYPE_OF(mode) ((u8)(((mode) & S_IFMT) >> 12))
#define FIRST 2 /* after "." and ".." */

struct entry {
    struct entry *next; /* of its hash chain */
    u64 ino;
    u32 hash;
    u16 length;
    u8 type;
    bool upper;         /* a directory of the upper tree that takes the number of a lower twin */
    bool hidden;        /* a whiteout */
    char name[];
};

struct overlay_listing {
    struct entry **entries, **chains;
    u32 count, room, mask; /* mask + 1 chains, none while entries is NULL */
    u32 visible;
};

/* ------------------------------------------------------------ listing */

static u32 hash_of(const char *name, size_t n)
{
    u32 h = (u32)n;

    while (n--)
        h = (h ^ (u8)*name++) * 0x01000193u;
    return h ^ h >> 15;
}

void overlay_list_free(struct overlay_listing *l)
{
    for (u32 k = 0; k < l->count; k++)
        kfree(l->entries[k]);
    kfree(l->entries);
    kfree(l->chains);
    kfree(l);
}

static bool grow(struct overlay_listing *l)
{
    u32 room = l->room ? l->room * 2 : 32;
    struct entry **entries = kmalloc(room * sizeof(*entries));
    struct entry **chains = kzalloc(room * sizeof(*chains));

    if (!entries || !chains) {
        kfree(entries);
        kfree(chains);
        return false;
    }
    if (l->count)
        memcpy(entries, l->entries, l->count * sizeof(*entries));
    for (u32 k = 0; k < l->count; k++) {
        entries[k]->next = chains[entries[k]->hash & (room - 1)];
        chains[entries[k]->hash & (room - 1)] = entries[k];
    }
    kfree(l->entries);
    kfree(l->chains);
    l->entries = entries;
    l->chains = chains;
    l->room = room;
    l->mask = room - 1;
    return true;
}

static struct entry *find(const struct overlay_listing *l, u32 hash, const char *name, size_t n)
{
    struct entry *e = l->entries ? l->chains[hash & l->mask] : NULL;

    while (e && (e->hash != hash || e->length != n || memcmp(e->name, name, n)))
        e = e->next;
    return e;
}

/* Reading one layer's directory. */
struct scan {
    struct overlay *o;
    struct overlay_listing *list;
    struct dentry *dir; /* the real one */
    bool upper;
    bool any;           /* the call gave something */
    int error;
};

/* What name is in the layer: reference or NULL. */
static struct inode *child(const struct scan *s, const char *name, size_t n)
{
    struct dentry *d = path_lookup_child(s->dir, name, n, false);
    struct inode *i = IS_ERR(d) ? NULL : d->inode;

    if (i) {
        inode_get(i);
        dentry_put(d);
    }
    return i;
}

static bool is_whiteout(const struct scan *s, const char *name, size_t n, u8 type)
{
    struct inode *i = type == TYPE_OF(S_IFCHR) ? child(s, name, n) : NULL;
    bool whiteout = i && overlay_is_whiteout(i);

    if (i)
        inode_put(i);
    return whiteout;
}

/* The number that the entry's object shows if nothing is merged with it. */
static u64 number_of(const struct scan *s, const char *name, size_t n, u64 ino, u8 type)
{
    struct inode *i = s->upper && type != TYPE_OF(S_IFDIR) ? child(s, name, n) : NULL;
    u64 number;

    if (!i)
        return overlay_number(s->o, s->dir->super, ino);
    number = overlay_upper_number(s->o, i);
    inode_put(i);
    return number;
}

static bool is_dot(const char *name, size_t n)
{
    return name[0] == '.' && (n == 1 || (n == 2 && name[1] == '.'));
}

static bool collect(void *arg, const char *name, size_t n, u64 next, u64 ino, u8 type)
{
    struct scan *s = arg;
    struct overlay_listing *l = s->list;
    u32 hash = hash_of(name, n);
    struct entry *e = find(l, hash, name, n);

    s->any = true;
    if (is_dot(name, n))
        return true;
    if (e) {
        if (e->upper && type == TYPE_OF(S_IFDIR))
            e->ino = overlay_number(s->o, s->dir->super, ino);
        e->upper = false;
        return true;
    }
    e = l->count < l->room || grow(l) ? kmalloc(sizeof(*e) + n) : NULL;
    if (!e) {
        s->error = -ENOMEM;
        return false;
    }
    *e = (struct entry){.next = l->chains[hash & l->mask],
                        .ino = number_of(s, name, n, ino, type),
                        .hash = hash,
                        .length = (u16)n,
                        .type = type,
                        .hidden = is_whiteout(s, name, n, type)};
    memcpy(e->name, name, n);
    if (s->upper && type == TYPE_OF(S_IFDIR)) {
        struct inode *i = child(s, name, n);

        e->upper = i && !overlay_is_opaque(i);
        if (i)
            inode_put(i);
    }
    l->chains[hash & l->mask] = e;
    l->entries[l->count++] = e;
    l->visible += !e->hidden;
    return true;
}

static int read_layer(struct scan *s)
{
    struct file *rf = kmalloc(sizeof(*rf));
    u64 pos = 0;
    int error = rf ? overlay_open_real(rf, s->dir->inode, s->dir, O_RDONLY | O_DIRECTORY) : -ENOMEM;

    if (error) {
        kfree(rf);
        return error;
    }
    do {
        s->any = false;
        error = rf->ops->readdir ? rf->ops->readdir(rf, &pos, collect, s) : -ENOTDIR;
        if (!error)
            error = s->error;
    } while (!error && s->any);
    overlay_close_real(rf);
    kfree(rf);
    return error;
}

struct overlay_listing *overlay_list(struct inode *i)
{
    struct overlay_node *n = overlay_node(i);
    struct scan s = {.o = overlay_of(i), .list = kzalloc(sizeof(struct overlay_listing))};
    int error = 0;

    if (!s.list)
        return ERR_PTR(-ENOMEM);
    if (overlay_upper(i)) {
        s.dir = n->upper_dir;
        s.upper = true;
        error = read_layer(&s);
        s.upper = false;
    }
    for (u32 k = 0; k < n->n_lowers && !error; k++) {
        s.dir = n->lowers[k];
        error = read_layer(&s);
    }
    if (!error)
        return s.list;
    overlay_list_free(s.list);
    return ERR_PTR(error);
}

bool overlay_list_is_empty(const struct overlay_listing *l)
{
    return !l->visible;
}

int overlay_clear_whiteouts(const struct overlay_listing *l, struct dentry *up)
{
    int error = 0;

    for (u32 k = 0; k < l->count && !error; k++) {
        const struct entry *e = l->entries[k];
        struct dentry *d = path_lookup_child(up, e->name, e->length, true);

        if (IS_ERR(d))
            continue; /* a lower tree's */
        if (!overlay_is_whiteout(d->inode))
            error = -ENOTEMPTY;
        else
            error = up->inode->ops->unlink(up->inode, d);
        if (!error)
            dentry_unhash(d);
        dentry_put(d);
    }
    return error;
}

/* ------------------------------------------------------------ open directories */

/* f->private once it is read; guarded by f's position lock. */
struct open_directory {
    struct overlay_listing *list; /* NULL: straight from real */
    struct file real;
    struct dentry *dir;           /* of real */
};

typedef bool (*emit_fn)(void *arg, const char *name, size_t len, u64 next, u64 ino, u8 type);

static void forget(struct file *f)
{
    struct open_directory *d = f->private;

    if (!d)
        return;
    if (d->list)
        overlay_list_free(d->list);
    else
        overlay_close_real(&d->real);
    kfree(d);
    f->private = NULL;
}

/* The only real directory of i, or NULL: it is merged. */
static struct dentry *single_layer(const struct inode *i)
{
    const struct overlay_node *n = overlay_node(i);

    if (overlay_upper(i))
        return n->n_lowers ? NULL : n->upper_dir;
    return n->n_lowers == 1 ? n->lowers[0] : NULL;
}

static int prepare(struct file *f)
{
    struct open_directory *d = kzalloc(sizeof(*d));
    struct inode *i = f->inode;
    int error = 0;

    if (!d)
        return -ENOMEM;
    mutex_lock(&i->lock);
    d->dir = single_layer(i);
    if (d->dir) {
        error = overlay_open_real(&d->real, d->dir->inode, d->dir, O_RDONLY | O_DIRECTORY);
    } else {
        d->list = overlay_list(i);
        error = IS_ERR(d->list) ? (int)PTR_ERR(d->list) : 0;
    }
    mutex_unlock(&i->lock);
    if (error)
        kfree(d);
    else
        f->private = d;
    if (overlay_recording && !error && overlay_node(i)->n_lowers)
        overlay_tell("listed", f->dentry);
    return error;
}

static u64 parent_number(const struct file *f)
{
    return READ_ONCE(f->dentry->parent)->inode->ino;
}

static int emit_list(struct file *f, u64 *pos, emit_fn emit, void *arg)
{
    struct overlay_listing *l = ((struct open_directory *)f->private)->list;

    if (*pos == 0) {
        if (!emit(arg, ".", 1, 1, f->inode->ino, TYPE_OF(S_IFDIR)))
            return 0;
        *pos = 1;
    }
    if (*pos == 1) {
        if (!emit(arg, "..", 2, FIRST, parent_number(f), TYPE_OF(S_IFDIR)))
            return 0;
        *pos = FIRST;
    }
    for (; *pos - FIRST < l->count; ++*pos) {
        const struct entry *e = l->entries[*pos - FIRST];

        if (!e->hidden && !emit(arg, e->name, e->length, *pos + 1, e->ino, e->type))
            break;
    }
    return 0;
}

/* Passes a real directory's entries on. */
struct relay {
    struct scan scan;
    const struct file *f;
    emit_fn emit;
    void *arg;
};

static bool relay(void *arg, const char *name, size_t n, u64 next, u64 ino, u8 type)
{
    struct relay *r = arg;

    if (is_dot(name, n))
        ino = n == 1 ? r->f->inode->ino : parent_number(r->f);
    else if (is_whiteout(&r->scan, name, n, type))
        return true;
    else
        ino = number_of(&r->scan, name, n, ino, type);
    return r->emit(r->arg, name, n, next, ino, type);
}

static int read_directory(struct file *f, u64 *pos, emit_fn emit, void *arg)
{
    struct open_directory *d;
    int error = 0;

    if (*pos == 0)
        forget(f);
    if (!f->private)
        error = prepare(f);
    if (error)
        return error;
    d = f->private;
    if (!d->list) {
        struct relay r = {.scan = {.o = overlay_of(f->inode),
                                   .dir = d->dir,
                                   .upper = d->dir == overlay_node(f->inode)->upper_dir},
                          .f = f,
                          .emit = emit,
                          .arg = arg};

        return d->real.ops->readdir ? d->real.ops->readdir(&d->real, pos, relay, &r) : -ENOTDIR;
    }
    return emit_list(f, pos, emit, arg);
}

static int sync_nothing(struct file *f, bool data_only)
{
    return 0;
}

static const struct file_ops overlay_directory_ops = {
    .kind = "overlay",
    .seek = directory_seek,
    .readdir = read_directory,
    .fsync = sync_nothing,
    .release = forget,
};

int overlay_open_directory(struct inode *i, struct file *f)
{
    f->ops = &overlay_directory_ops;
    return 0;
}
