/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mount tree. Mounts are few and change rarely: one spinlock guards the tree, and a walk takes
 * it only where a dentry says that something is mounted on it, or at a mount's root on the way up.
 */
#include <linux/mount.h>
#include "fs/notify.h"
#include "kernel/heap.h"
#include "kernel/log.h"

static struct spinlock tree_lock = SPINLOCK_INIT(LOCK_MOUNT);
static struct list mounts = LIST_INIT(mounts);
struct mount *root_mount;

void path_get(const struct path_ref *p)
{
    mount_get(p->mount);
    dentry_get(p->dentry);
}

void path_put(struct path_ref *p)
{
    if (p->dentry)
        dentry_put(p->dentry);
    if (p->mount)
        mount_put(p->mount);
    p->dentry = NULL;
    p->mount = NULL;
}

void mount_get(struct mount *m)
{
    __atomic_add_fetch(&m->refs, 1, __ATOMIC_RELAXED);
}

void super_get(struct super *s)
{
    __atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED);
}

bool super_try_get(struct super *s)
{
    u32 refs = __atomic_load_n(&s->refs, __ATOMIC_RELAXED);

    while (refs)
        if (__atomic_compare_exchange_n(&s->refs, &refs, refs + 1, true, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

void super_put(struct super *s)
{
    if (__atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) || !s->ops->destroy)
        return;
    if (notify_wanted())
        notify_unmounted(s);
    if (s->keep_names)
        dentry_drop_below(s->root);
    s->ops->destroy(s);
}

void mount_put(struct mount *m)
{
    if (__atomic_sub_fetch(&m->refs, 1, __ATOMIC_ACQ_REL))
        return;
    ASSERT(!m->parent);
    dentry_put(m->root);
    super_put(m->super);
    kfree(m);
}

struct mount *mount_create(struct super *s, struct dentry *root, u32 flags)
{
    static int last_id;
    struct mount *m = kzalloc(sizeof(*m));

    if (!m)
        return NULL;
    m->refs = 1;
    m->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
    m->super = s;
    dentry_get(root);
    m->root = root;
    m->flags = flags;
    list_init(&m->link);
    list_init(&m->children);
    list_init(&m->sibling);
    return m;
}

struct mount *mount_anonymous(void)
{
    static struct mount *anonymous;
    static const struct super_ops ops = {.put_inode = anonymous_put_inode};
    static struct super super = {.refs = 1, .type = "anon_inodefs", .source = "none", .ops = &ops};
    struct mount *m = READ_ONCE(anonymous);

    if (m)
        return m;
    m = kzalloc(sizeof(*m));
    if (!m)
        return NULL;
    m->refs = 1;
    m->super = &super;
    list_init(&m->children);
    if (!super.dev)
        super.dev = super_new_dev();
    anonymous = m;
    return m;
}

int mount_attach(const struct path_ref *at, struct super *s, struct dentry *root, u32 flags)
{
    struct mount *m;

    if (at && !S_ISDIR(at->dentry->inode->mode) != !S_ISDIR(root->inode->mode))
        return -ENOTDIR;
    m = mount_create(s, root, flags);
    if (!m)
        return -ENOMEM;
    if (at) {
        path_get(at);
        m->parent = at->mount;
        m->mountpoint = at->dentry;
    }
    spin_lock(&tree_lock);
    if (at) {
        at->dentry->mountpoint = true;
        list_add_tail(&at->mount->children, &m->sibling);
    } else {
        root_mount = m;
    }
    list_add_tail(&mounts, &m->link);
    spin_unlock(&tree_lock);
    return 0;
}

int mount_replace_root(struct super *s)
{
    struct mount *old = root_mount, *new = mount_create(s, s->root, 0), *m;

    if (!new)
        return -ENOMEM;
    while ((m = list_first(&old->children, struct mount, sibling))) {
        struct dentry *was = m->mountpoint;
        struct dentry *d = path_lookup_child(s->root, was->name, was->name_length, false);

        if (IS_ERR(d))
            return (int)PTR_ERR(d);
        spin_lock(&tree_lock);
        mount_get(new);
        m->parent = new;
        m->mountpoint = d;
        d->mountpoint = true;
        was->mountpoint = false;
        list_remove(&m->sibling);
        list_add_tail(&new->children, &m->sibling);
        spin_unlock(&tree_lock);
        dentry_put(was);
        mount_put(old);
    }
    spin_lock(&tree_lock);
    new->id = old->id;
    list_remove(&old->link);
    list_add_head(&mounts, &new->link);
    root_mount = new;
    spin_unlock(&tree_lock);
    mount_put(old);
    return 0;
}

/* Some mount is on d. Locked. */
static bool still_mountpoint(const struct dentry *d)
{
    struct mount *m;

    list_for_each(m, &mounts, link)
        if (m->mountpoint == d)
            return true;
    return false;
}

/* Takes m out of the tree; what it held of its parent goes to *was. Locked. */
static void unlink_mount(struct mount *m, struct path_ref *was)
{
    was->mount = m->parent;
    was->dentry = m->mountpoint;
    m->parent = NULL;
    m->mountpoint = NULL;
    list_remove(&m->link);
    list_remove(&m->sibling);
    if (was->dentry)
        was->dentry->mountpoint = still_mountpoint(was->dentry);
}

int mount_detach(struct mount *m, bool lazy)
{
    struct path_ref was = {0};
    u32 expected = 2; /* the tree's and the caller's */

    for (;;) {
        struct mount *child;

        spin_lock(&tree_lock);
        if (!m->parent) {
            spin_unlock(&tree_lock);
            return -EINVAL;
        }
        child = list_first(&m->children, struct mount, sibling);
        if (!lazy && (child || __atomic_load_n(&m->refs, __ATOMIC_ACQUIRE) > expected)) {
            spin_unlock(&tree_lock);
            return -EBUSY;
        }
        if (!child) {
            unlink_mount(m, &was);
            spin_unlock(&tree_lock);
            break;
        }
        unlink_mount(child, &was);
        spin_unlock(&tree_lock);
        path_put(&was);
        mount_put(child);
    }
    path_put(&was);
    mount_put(m);
    return 0;
}

bool mount_cross_down(struct path_ref *p)
{
    struct mount *m, *found = NULL;
    struct path_ref old = *p;

    if (likely(!READ_ONCE(p->dentry->mountpoint)))
        return false;
    spin_lock(&tree_lock);
    list_for_each(m, &p->mount->children, sibling)
        if (m->mountpoint == p->dentry)
            found = m;
    if (found)
        mount_get(found);
    spin_unlock(&tree_lock);
    if (!found)
        return false;
    dentry_get(found->root);
    *p = (struct path_ref){found, found->root};
    path_put(&old);
    return true;
}

bool mount_cross_up(struct path_ref *p)
{
    struct path_ref up = {0}, old = *p;

    if (p->dentry != p->mount->root)
        return false;
    spin_lock(&tree_lock);
    if (p->mount->parent) {
        up = (struct path_ref){p->mount->parent, p->mount->mountpoint};
        path_get(&up);
    }
    spin_unlock(&tree_lock);
    if (!up.mount)
        return false;
    *p = up;
    path_put(&old);
    return true;
}

bool mount_for_each(bool (*fn)(struct mount *m, void *arg), void *arg)
{
    struct mount *m;
    bool all = true;

    spin_lock(&tree_lock);
    list_for_each(m, &mounts, link) {
        all = fn(m, arg);
        if (!all)
            break;
    }
    spin_unlock(&tree_lock);
    return all;
}

int mount_want_write(const struct path_ref *p)
{
    if (p->mount->flags & MS_RDONLY || p->dentry->super->flags & SUPER_READ_ONLY)
        return -EROFS;
    return 0;
}
