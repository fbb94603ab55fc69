/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding names. An object costs two round trips, a walk and its attributes; where several are wanted (all components of
 * a path of which nothing is known, the neighbours of a name in a directory that is being gone through), each of the
 * two is sent for all of them at once.
 */
#include "fs/ninep/ninep.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"

#define NEIGHBOURS 31u

/* An object wanted: the last of n names from where the walk begins. */
struct wanted {
    const struct ninep_name *names;
    unsigned n;
    struct ninep_fid *fid; /* NULL if it was not found */
    struct ninep_attr attr;
    int error;
    struct ninep_call *call;
};

static void send(struct ninep_client *c, struct wanted *w, unsigned n)
{
    struct ninep_call *calls[NINEP_BATCH];
    unsigned count = 0;

    for (unsigned k = 0; k < n; k++)
        if (w[k].call)
            calls[count++] = w[k].call;
    if (count)
        ninep_run(c, calls, count);
}

/* The first round: walks. */
static void walk_all(struct ninep_client *c, struct ninep_fid *from, struct wanted *w, unsigned n)
{
    struct ninep_qid qids[NINEP_MAX_WALK];

    for (unsigned k = 0; k < n; k++) {
        w[k].fid = ninep_fid_new(c);
        w[k].call = w[k].fid ? ninep_walk_call(c, from, w[k].fid, w[k].names, w[k].n) : NULL;
    }
    send(c, w, n);
    for (unsigned k = 0; k < n; k++) {
        int got = w[k].call ? ninep_walk_result(w[k].call, w[k].n, qids) : -ENOMEM;

        /* Not all of the way: what stopped the last step is not said. */
        w[k].error = got < 0 ? got : got < (int)w[k].n ? -EAGAIN : 0;
        if (w[k].error) {
            ninep_fid_discard(c, w[k].fid);
            w[k].fid = NULL;
        }
        ninep_call_free(w[k].call);
        w[k].call = NULL;
    }
}

/* The second round: attributes of what was found. */
static void ask_all(struct ninep_client *c, struct wanted *w, unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        w[k].call = w[k].error ? NULL : ninep_getattr_call(c, w[k].fid);
    send(c, w, n);
    for (unsigned k = 0; k < n; k++) {
        if (w[k].error)
            continue;
        w[k].error = w[k].call ? ninep_getattr_result(w[k].call, &w[k].attr) : -ENOMEM;
        if (w[k].error) {
            ninep_fid_put(c, w[k].fid);
            w[k].fid = NULL;
        }
        ninep_call_free(w[k].call);
        w[k].call = NULL;
    }
}

static void find_all(struct inode *dir, struct wanted *w, unsigned n)
{
    struct ninep_client *c = &ninep_super_of(dir->super)->client;
    struct ninep_fid *from = ninep_fid_of(dir);

    walk_all(c, from, w, n);
    ask_all(c, w, n);
    ninep_fid_put(c, from);
}

struct inode *ninep_find(struct inode *dir, const struct dentry *d)
{
    struct ninep_name name = ninep_name_of(d);
    struct wanted w = {.names = &name, .n = 1};

    find_all(dir, &w, 1);
    return w.error ? ERR_PTR(w.error) : ninep_inode(ninep_super_of(dir->super), w.fid, &w.attr);
}

/*
 * Makes dir's name known as the object found, or as missing (found NULL), unless something is known of it. Inode of dir
 * locked. The dentry with a reference, or NULL.
 */
static struct dentry *make_known(struct dentry *dir, struct ninep_name name, struct wanted *found)
{
    struct ninep_super *fs = ninep_super_of(dir->super);
    struct dentry *d = dentry_find(dir, name.s, name.length);
    struct inode *i = NULL;

    if (d || dir->unlinked) {
        if (found)
            ninep_fid_put(&fs->client, found->fid);
        return d;
    }
    if (found)
        i = ninep_inode(fs, found->fid, &found->attr);
    d = IS_ERR(i) ? ERR_PTR(-ENOMEM) : dentry_create(dir, name.s, name.length);
    if (IS_ERR(d)) {
        if (i && !IS_ERR(i))
            inode_put(i);
        return NULL;
    }
    d->inode = i;
    dentry_hash(d);
    return d;
}

/* ------------------------------------------------------------ one name, and its neighbours */

/* Names that follow number k in the listing and of which nothing is known; how many. */
static unsigned neighbours(struct dentry *dir, const struct ninep_listing *l, s64 k, struct ninep_name *names, unsigned max)
{
    struct ninep_entry e;
    unsigned n = 0;

    for (u64 at = (u64)k + 1; n < max && ninep_listing_entry(l, at, &e); at++) {
        struct dentry *known = dentry_find(dir, e.name, e.length);

        if (known)
            dentry_put(known);
        else if (!(e.name[0] == '.' && (e.length == 1 || (e.length == 2 && e.name[1] == '.'))))
            names[n++] = (struct ninep_name){e.name, e.length};
    }
    return n;
}

/*
 * Somebody goes through the directory name by name: finds d and what comes after it. 0, or negative errno that d's own lookup
 * gave; false in *done: to be done the plain way.
 */
static int find_neighbours(struct inode *dir, struct dentry *d, s64 k, bool *done)
{
    struct ninep_node *n = dir->private;
    struct ninep_name names[NEIGHBOURS + 1] = {ninep_name_of(d)};
    unsigned most = MIN(NEIGHBOURS, n->streak > 4 ? NEIGHBOURS : 1u << n->streak);
    unsigned count = 1 + neighbours(d->parent, n->listing, k, names + 1, most);
    struct wanted *w = kzalloc(count * sizeof(*w));
    struct inode *i;
    int error;

    *done = w != NULL;
    if (!w)
        return 0;
    for (unsigned j = 0; j < count; j++) {
        w[j].names = &names[j];
        w[j].n = 1;
    }
    find_all(dir, w, count);
    for (unsigned j = 1; j < count; j++) {
        struct dentry *known = w[j].error ? NULL : make_known(d->parent, names[j], &w[j]);

        if (known)
            dentry_put(known);
    }
    error = w[0].error;
    if (!error) {
        i = ninep_inode(n->fs, w[0].fid, &w[0].attr);
        if (IS_ERR(i))
            error = (int)PTR_ERR(i);
        else
            d->inode = i;
    }
    n->last_found = k + count - 1;
    kfree(w);
    return error;
}

int ninep_lookup(struct inode *dir, struct dentry *d)
{
    struct ninep_node *n = dir->private;
    struct inode *i;
    int error = 0;

    if (n->listing) {
        s64 k = ninep_listing_find(n->listing, d->name, d->name_length);
        bool done = false;

        if (k < 0)
            return 0;
        n->streak = k > n->last_found && k <= n->last_found + 3 ? n->streak + 1 : 0;
        n->last_found = k;
        if (n->streak > 1)
            error = find_neighbours(dir, d, k, &done);
        if (done)
            return error == -ENOENT ? 0 : error;
    }
    i = ninep_find(dir, d);
    if (!IS_ERR(i))
        d->inode = i;
    else if (i != ERR_PTR(-ENOENT))
        error = (int)PTR_ERR(i);
    return error;
}

/* ------------------------------------------------------------ all of a path */

/* Splits off names that can be walked in one go. */
static unsigned split(const char *path, struct ninep_name *names)
{
    unsigned n = 0;

    while (n < NINEP_MAX_WALK) {
        const char *p = path;

        while (*p == '/')
            p++;
        for (path = p; *path && *path != '/'; path++)
            ;
        size_t length = (size_t)(path - p);
        if (length == 0 || length > NAME_MAX || (p[0] == '.' && (length == 1 || (length == 2 && p[1] == '.'))))
            break;
        names[n++] = (struct ninep_name){p, length};
    }
    return n;
}

void ninep_look_ahead(struct dentry *dir, const char *path)
{
    struct ninep_super *fs = ninep_super_of(dir->super);
    struct ninep_name names[NINEP_MAX_WALK];
    struct dentry *d;
    struct wanted *w;
    unsigned n, k;

    if (!fs->keep || !fs->read_only)
        return;
    n = split(path, names);
    d = n > 1 ? dentry_find(dir, names[0].s, names[0].length) : NULL;
    w = n > 1 && !d ? kzalloc(n * sizeof(*w)) : NULL;
    if (d)
        dentry_put(d);
    if (!w)
        return;
    for (k = 0; k < n; k++) {
        w[k].names = names;
        w[k].n = k + 1;
    }
    find_all(dir->inode, w, n);
    dentry_get(dir);
    for (k = 0; k < n && dir; k++) {
        bool missing = w[k].error == -ENOENT && k == 0;
        struct dentry *next = NULL;

        if (S_ISDIR(dir->inode->mode) && (!w[k].error || missing)) {
            mutex_lock(&dir->inode->lock);
            next = make_known(dir, names[k], missing ? NULL : &w[k]);
            mutex_unlock(&dir->inode->lock);
            w[k].fid = NULL;
        }
        dentry_put(dir);
        dir = next;
        if (next && !next->inode) {
            dentry_put(next);
            dir = NULL;
        }
    }
    if (dir)
        dentry_put(dir);
    for (k = 0; k < n; k++)
        ninep_fid_put(&fs->client, w[k].fid);
    kfree(w);
}
