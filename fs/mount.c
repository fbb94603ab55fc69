/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mount tree. Mounts are few and change rarely: one spinlock guards the tree, and a walk takes
 * it only where a dentry says that something is mounted on it, or at a mount's root on the way up.
 * Its shape changes with LOCK_RENAME held as well, so that who holds that may walk it.
 */
#include <linux/mount.h>
#include "fs/generated.h"
#include "fs/notify.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"

#define MOUNT_MAX 100000 /* as fs.mount-max of Linux's sysctl */

static struct spinlock tree_lock = SPINLOCK_INIT(LOCK_MOUNT);
static struct list mounts = LIST_INIT(mounts);
static u32 mount_count; /* in the list */
struct mount *root_mount;
struct generated_events mount_events = {.queue = {SPINLOCK_INIT(LOCK_WAIT_QUEUE), LIST_INIT(mount_events.queue.waiters)}};

void mount_changed(void)
{
    __atomic_add_fetch(&mount_events.changes, 1, __ATOMIC_SEQ_CST);
    wait_wake_all(&mount_events.queue);
}

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

struct super *super_single(struct super **only, struct super *(*create)(void))
{
    static struct mutex making = MUTEX_INIT(LOCK_SINGLE);
    struct super *s;

    mutex_lock(&making);
    s = *only ? *only : create();
    if (!IS_ERR(s)) {
        *only = s;
        super_get(s);
    }
    mutex_unlock(&making);
    return s;
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
    if (unlikely(READ_ONCE(m->expiring)))
        WRITE_ONCE(m->expiring, false);
    mount_put_unused(m);
}

void mount_put_unused(struct mount *m)
{
    if (__atomic_sub_fetch(&m->refs, 1, __ATOMIC_ACQ_REL))
        return;
    ASSERT(!m->parent);
    dentry_put(m->root);
    super_put(m->super);
    kfree(m->source);
    kfree(m);
}

static int new_id(void)
{
    static int last;

    return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

struct mount *mount_create(struct super *s, struct dentry *root, u32 flags, const char *source)
{
    size_t length = source ? strlen(source) + 1 : 0;
    char *copy = source ? kmalloc(length) : NULL;
    struct mount *m = copy || !source ? kzalloc(sizeof(*m)) : NULL;

    if (!m) {
        kfree(copy);
        return NULL;
    }
    if (source)
        memcpy(copy, source, length);
    m->source = copy;
    m->refs = 1;
    m->id = new_id();
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
    m->id = new_id();
    m->super = &super;
    list_init(&m->children);
    if (!super.dev)
        super.dev = super_new_dev();
    anonymous = m;
    return m;
}

/* Puts m, which is in no tree, on a place; tree_lock held. */
static void hang(struct mount *m, const struct path_ref *at)
{
    path_get(at);
    m->parent = at->mount;
    m->mountpoint = at->dentry;
    WRITE_ONCE(at->dentry->mountpoint, at->dentry->mountpoint + 1);
    list_add_tail(&at->mount->children, &m->sibling);
}

/* The mount after m in the tree of top, parents first; without those below m if over. */
static struct mount *next_mount(struct mount *top, struct mount *m, bool over)
{
    if (!over && !list_empty(&m->children))
        return list_first(&m->children, struct mount, sibling);
    for (; m != top; m = m->parent)
        if (m->sibling.next != &m->parent->children)
            return list_entry(m->sibling.next, struct mount, sibling);
    return NULL;
}

/* Whether something may be mounted there: 0, -ENOENT (a name or tree that is gone), -ENOTDIR. LOCK_RENAME held. */
static int may_hang(const struct mount *m, const struct path_ref *at)
{
    const struct mount *top = at->mount;

    while (top->parent)
        top = top->parent;
    if (top != root_mount || at->dentry->unlinked)
        return -ENOENT;
    return !S_ISDIR(at->dentry->inode->mode) != !S_ISDIR(m->root->inode->mode) ? -ENOTDIR : 0;
}

int mount_graft(struct mount *tree, const struct path_ref *at)
{
    u32 n = 0;
    int error;

    mutex_lock(&rename_lock);
    error = at ? may_hang(tree, at) : 0;
    for (struct mount *m = tree; m; m = next_mount(tree, m, false))
        n++;
    /* A tree bound into itself doubles what there is. */
    if (!error && mount_count + n > MOUNT_MAX)
        error = -ENOSPC;
    if (!error) {
        mount_count += n;
        spin_lock(&tree_lock);
        if (at)
            hang(tree, at);
        else
            root_mount = tree;
        for (struct mount *m = tree; m; m = next_mount(tree, m, false))
            list_add_tail(&mounts, &m->link);
        spin_unlock(&tree_lock);
    }
    mutex_unlock(&rename_lock);
    if (!error)
        mount_changed();
    return error;
}

int mount_attach(const struct path_ref *at, struct super *s, struct dentry *root, u32 flags, const char *source)
{
    struct mount *m = mount_create(s, root, flags, source);
    int error = m ? mount_graft(m, at) : -ENOMEM;

    if (error && m) {
        super_get(s); /* stays the caller's */
        mount_put(m);
    }
    return error;
}

int mount_replace_root(struct super *s)
{
    struct mount *old = root_mount, *new = mount_create(s, s->root, 0, NULL), *m;

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
        d->mountpoint++;
        was->mountpoint--;
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

/* Takes m out of the tree; what it held of its parent goes to *was. Locked. */
static void unlink_mount(struct mount *m, struct path_ref *was)
{
    was->mount = m->parent;
    was->dentry = m->mountpoint;
    m->parent = NULL;
    m->mountpoint = NULL;
    mount_count -= !list_empty(&m->link);
    list_remove(&m->link);
    list_remove(&m->sibling);
    if (was->dentry)
        WRITE_ONCE(was->dentry->mountpoint, was->dentry->mountpoint - 1);
}

/* Takes the tree of top apart, deepest first. LOCK_RENAME held. */
static void dismantle(struct mount *top)
{
    struct path_ref was;
    struct mount *m;

    do {
        m = top;
        spin_lock(&tree_lock);
        while (!list_empty(&m->children))
            m = list_first(&m->children, struct mount, sibling);
        unlink_mount(m, &was);
        spin_unlock(&tree_lock);
        path_put(&was);
        mount_put(m);
    } while (m != top);
}

int mount_detach(struct mount *m, enum detach_how how)
{
    int error = 0;

    mutex_lock(&rename_lock);
    if (!m->parent)
        error = -EINVAL;
    else if (how != DETACH_LAZY && (!list_empty(&m->children) || __atomic_load_n(&m->refs, __ATOMIC_ACQUIRE) > 2))
        error = -EBUSY; /* others than the tree and the caller use it */
    else if (how == DETACH_EXPIRED && !m->expiring)
        error = -EAGAIN;
    if (!error)
        dismantle(m);
    else if (error == -EAGAIN)
        WRITE_ONCE(m->expiring, true);
    mutex_unlock(&rename_lock);
    if (!error)
        mount_changed();
    return error;
}

struct mount *mount_copy(const struct path_ref *from, bool recursive)
{
    struct mount *top = from->mount, *copy = NULL, *m;
    bool over = false;

    mutex_lock(&rename_lock);
    for (m = top; m; m = recursive ? next_mount(top, m, over) : NULL) {
        over = m != top && (m->flags & MS_UNBINDABLE || (m->parent == top && !dentry_is_below(m->mountpoint, from->dentry)));
        if (over)
            continue;
        super_get(m->super);
        m->copy = mount_create(m->super, m == top ? from->dentry : m->root, m->flags, m->source);
        if (!m->copy) {
            super_put(m->super);
            break;
        }
        if (m == top) {
            copy = m->copy;
            continue;
        }
        struct path_ref at = {m->parent->copy, m->mountpoint};
        spin_lock(&tree_lock);
        hang(m->copy, &at);
        spin_unlock(&tree_lock);
    }
    if (m && copy)
        dismantle(copy);
    mutex_unlock(&rename_lock);
    return m || !copy ? ERR_PTR(-ENOMEM) : copy;
}

void mount_discard(struct mount *tree)
{
    mutex_lock(&rename_lock);
    dismantle(tree);
    mutex_unlock(&rename_lock);
}

int mount_move(struct mount *m, const struct path_ref *at)
{
    struct path_ref was = {0};
    int error;

    mutex_lock(&rename_lock);
    error = may_hang(m, at) == -ENOENT ? -ENOENT : may_hang(m, at) ? -EINVAL : 0;
    for (const struct mount *up = at->mount; up && !error; up = up->parent)
        if (up == m)
            error = -ELOOP;
    if (!error && !m->parent)
        error = -EINVAL;
    if (!error) {
        spin_lock(&tree_lock);
        was = (struct path_ref){m->parent, m->mountpoint};
        list_remove(&m->sibling);
        hang(m, at);
        WRITE_ONCE(was.dentry->mountpoint, was.dentry->mountpoint - 1);
        spin_unlock(&tree_lock);
    }
    mutex_unlock(&rename_lock);
    path_put(&was);
    if (!error)
        mount_changed();
    return error;
}

void mount_set_unbindable(struct mount *top, bool unbindable, bool recursive)
{
    mutex_lock(&rename_lock);
    for (struct mount *m = top; m; m = recursive ? next_mount(top, m, false) : NULL)
        WRITE_ONCE(m->flags, unbindable ? m->flags | MS_UNBINDABLE : m->flags & ~(u32)MS_UNBINDABLE);
    mutex_unlock(&rename_lock);
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
