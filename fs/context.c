/* SPDX-License-Identifier: BSD-2-Clause */
/* A process's root, working directory and umask. */
#include "fs/vfs.h"
#include "kernel/heap.h"

struct fs_context *fs_context_create(void)
{
    struct fs_context *c = kzalloc(sizeof(*c));

    if (!c)
        return NULL;
    c->refs = 1;
    spin_init(&c->lock, LOCK_FS_CONTEXT);
    c->umask = 022;
    c->root = (struct path_ref){root_mount, root_mount->root};
    c->cwd = c->root;
    path_get(&c->root);
    path_get(&c->cwd);
    return c;
}

struct fs_context *fs_context_copy(struct fs_context *c)
{
    struct fs_context *copy = kzalloc(sizeof(*copy));

    if (!copy)
        return NULL;
    copy->refs = 1;
    spin_init(&copy->lock, LOCK_FS_CONTEXT);
    spin_lock(&c->lock);
    copy->umask = c->umask;
    copy->root = c->root;
    copy->cwd = c->cwd;
    path_get(&copy->root);
    path_get(&copy->cwd);
    spin_unlock(&c->lock);
    return copy;
}

void fs_context_get(struct fs_context *c)
{
    __atomic_add_fetch(&c->refs, 1, __ATOMIC_RELAXED);
}

void fs_context_put(struct fs_context *c)
{
    if (__atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL))
        return;
    path_put(&c->root);
    path_put(&c->cwd);
    kfree(c);
}

/* The caller's context; kernel threads have none and see the VM's root. */
static struct fs_context *context(void)
{
    struct process *p = current_process();

    return p ? p->fs : NULL;
}

static void reference(const struct path_ref *which, struct path_ref *out)
{
    struct fs_context *c = context();

    if (!c) {
        *out = (struct path_ref){root_mount, root_mount->root};
        path_get(out);
        return;
    }
    spin_lock(&c->lock);
    *out = *which;
    path_get(out);
    spin_unlock(&c->lock);
}

void fs_root(struct path_ref *out)
{
    reference(context() ? &context()->root : NULL, out);
}

void fs_cwd(struct path_ref *out)
{
    reference(context() ? &context()->cwd : NULL, out);
}

static void replace(struct path_ref *which, const struct path_ref *p)
{
    struct path_ref old;

    path_get(p);
    spin_lock(&context()->lock);
    old = *which;
    *which = *p;
    spin_unlock(&context()->lock);
    path_put(&old);
}

void fs_set_root(const struct path_ref *p)
{
    replace(&context()->root, p);
}

void fs_set_cwd(const struct path_ref *p)
{
    replace(&context()->cwd, p);
}
