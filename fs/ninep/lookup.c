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
/*
 * So many names missed in a directory, or found one by one, all names in it are asked for: not there again costs nothing then,
 * and when a part of what it has was looked up, the rest comes along.
 */
#define MISSES     3u
#define HITS       4u
#define HITS_PART  16u
#define LONG_DIRECTORY (16u << 10) /* bytes: too long for that */

/* An object wanted: the last of n names from where the walk begins. */
struct wanted {
    const struct ninep_name *names;
    unsigned n;
    struct wanted *parent; /* what one name less leads to; may be NULL */
    struct ninep_fid *fid; /* NULL if it was not found */
    struct ninep_attr attr;
    nsec_t asked;          /* when attr was asked for */
    u8 type;               /* of its qid */
    int error;
    struct ninep_call *call, *readlink;
    char *target;          /* of a symlink, if there was room to ask for it */
};

static void send(struct ninep_client *c, struct wanted *w, unsigned n)
{
    struct ninep_call *calls[NINEP_BATCH];
    unsigned count = 0;

    for (unsigned k = 0; k < n; k++) {
        if (w[k].call)
            calls[count++] = w[k].call;
        if (w[k].readlink)
            calls[count++] = w[k].readlink;
    }
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
        w[k].type = w[k].error ? 0 : qids[got - 1].type;
        if (w[k].error) {
            ninep_fid_discard(c, w[k].fid);
            w[k].fid = NULL;
        }
        ninep_call_free(w[k].call);
        w[k].call = NULL;
    }
}

/* The answer to a step of its own: the error stays -EAGAIN if it went well this time. */
static void ask_why(struct ninep_client *c, struct wanted *w)
{
    struct ninep_qid qid;
    int got = ninep_walk_result(w->call, 1, &qid);

    if (got == 1) {
        ninep_fid_put(c, w->fid);
    } else {
        ninep_fid_discard(c, w->fid);
        w->error = got;
    }
    w->fid = NULL;
    ninep_call_free(w->call);
    w->call = NULL;
}

/*
 * The second round: attributes of what was found, and where symlinks lead to. Of the first name that was not found on the
 * way: a walk of that step alone, which says why.
 */
static void ask_all(struct ninep_client *c, struct wanted *w, unsigned n)
{
    for (unsigned k = 0; k < n; k++) {
        struct wanted *parent = w[k].parent;

        w[k].asked = platform_clock();
        if (!w[k].error) {
            w[k].call = ninep_getattr_call(c, w[k].fid);
            if (w[k].call && w[k].type == NINEP_QID_SYMLINK && n <= NINEP_BATCH / 2)
                w[k].readlink = ninep_readlink_call(c, w[k].fid);
        } else if (w[k].error == -EAGAIN && parent && parent->fid && parent->type == NINEP_QID_DIRECTORY) {
            w[k].fid = ninep_fid_new(c);
            w[k].call = w[k].fid ? ninep_walk_call(c, parent->fid, w[k].fid, &w[k].names[w[k].n - 1], 1) : NULL;
        }
    }
    send(c, w, n);
    for (unsigned k = 0; k < n; k++) {
        if (w[k].error && w[k].call)
            ask_why(c, &w[k]);
        if (w[k].error)
            continue;
        w[k].error = w[k].call ? ninep_getattr_result(w[k].call, &w[k].attr) : -ENOMEM;
        if (w[k].error) {
            ninep_fid_put(c, w[k].fid);
            w[k].fid = NULL;
        } else if (w[k].readlink) {
            w[k].target = ninep_readlink_result(w[k].readlink);
        }
        ninep_call_free(w[k].call);
        ninep_call_free(w[k].readlink);
        w[k].call = w[k].readlink = NULL;
    }
}

/* The inode of an object found; its fid and target are taken over. Reference, or ERR_PTR. */
static struct inode *inode_of(struct ninep_super *fs, struct wanted *w)
{
    struct inode *i = ninep_inode(fs, w->fid, &w->attr, w->asked);

    w->fid = NULL;
    if (!IS_ERR(i) && fs->keep && w->target)
        ninep_keep_target(ninep_node_of(i), w->target);
    else
        kfree(w->target);
    w->target = NULL;
    return i;
}

/* Gives up what was not made an inode of. */
static void free_wanted(struct ninep_client *c, struct wanted *w, unsigned n)
{
    for (unsigned k = 0; k < n; k++) {
        ninep_fid_put(c, w[k].fid);
        kfree(w[k].target);
    }
    kfree(w);
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
    return w.error ? ERR_PTR(w.error) : inode_of(ninep_super_of(dir->super), &w);
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

    if (d || dir->unlinked)
        return d;
    if (found)
        i = inode_of(fs, found);
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

/* Names that follow number k in the listing, till `end`, and of which nothing is known; how many. */
static unsigned neighbours(struct dentry *dir, const struct ninep_listing *l, u64 k, u64 end, struct ninep_name *names, unsigned max)
{
    struct ninep_entry e;
    unsigned n = 0;

    for (u64 at = k + 1; n < max && at < end && ninep_listing_entry(l, at, &e); at++) {
        struct dentry *known = dentry_find(dir, e.name, e.length);

        if (known)
            dentry_put(known);
        else if (!(e.name[0] == '.' && (e.length == 1 || (e.length == 2 && e.name[1] == '.'))))
            names[n++] = (struct ninep_name){e.name, e.length};
    }
    return n;
}

/*
 * Somebody goes through the directory name by name: finds d, number k, and what comes after it; without a streak, what else there is.
 * The result of looking d up; *done false: there was no memory, to be done the plain way.
 */
static int find_neighbours(struct inode *dir, struct dentry *d, s64 k, bool *done)
{
    struct ninep_node *n = dir->private;
    struct ninep_name names[NEIGHBOURS + 1] = {ninep_name_of(d)};
    bool streak = n->streak > 1;
    unsigned most = MIN(NEIGHBOURS, !streak || n->streak > 4 ? NEIGHBOURS : 1u << n->streak);
    unsigned count = 1 + neighbours(d->parent, n->listing, (u64)k, UINT64_MAX, names + 1, most);
    if (!streak)
        count += neighbours(d->parent, n->listing, UINT64_MAX, (u64)k, names + count, most + 1 - count);
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
        i = inode_of(n->fs, &w[0]);
        if (IS_ERR(i))
            error = (int)PTR_ERR(i);
        else
            d->inode = i;
    }
    if (streak)
        n->last_found = k + count - 1;
    free_wanted(&n->fs->client, w, count);
    return error;
}

/* A name is not there, or is. Inode locked. */
static void count_lookup(struct inode *dir, bool hit)
{
    struct ninep_node *n = dir->private;
    struct ninep_listing *l;

    if (!n->fs->keep || (hit ? ++n->hits != HITS : ++n->misses != MISSES) || n->listing || dir->size > LONG_DIRECTORY)
        return;
    l = ninep_listing_get(dir); /* which keeps it */
    if (!IS_ERR(l))
        ninep_listing_put(l);
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
        if (n->streak > 1 || (n->hits >= HITS && n->hits >= ninep_listing_count(n->listing) / HITS_PART))
            error = find_neighbours(dir, d, k, &done);
        if (done)
            return error == -ENOENT ? 0 : error;
    }
    i = ninep_find(dir, d);
    if (!IS_ERR(i))
        d->inode = i;
    else if (i != ERR_PTR(-ENOENT))
        error = (int)PTR_ERR(i);
    if (!error)
        count_lookup(dir, d->inode != NULL);
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
        w[k].parent = k ? &w[k - 1] : NULL;
    }
    find_all(dir->inode, w, n);
    dentry_get(dir);
    for (k = 0; k < n && dir; k++) {
        bool missing = w[k].error == -ENOENT;
        struct dentry *next = NULL;

        if (S_ISDIR(dir->inode->mode) && (!w[k].error || missing)) {
            mutex_lock(&dir->inode->lock);
            next = make_known(dir, names[k], missing ? NULL : &w[k]);
            mutex_unlock(&dir->inode->lock);
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
    free_wanted(&fs->client, w, n);
}
