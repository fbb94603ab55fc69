/* SPDX-License-Identifier: BSD-2-Clause */
/* A thread's root, working directory and umask, which others may share. */
#include <linux/sched.h>
#include "fs/ipc/ipc.h"
#include "fs/vfs.h"
#include "kernel/heap.h"
#include "kernel/init.h"

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
    return current_thread()->fs;
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

u32 fs_umask(void)
{
    struct fs_context *c = context();

    return c ? READ_ONCE(c->umask) : 0;
}

struct fs_context *thread_fs(struct thread *t)
{
    struct fs_context *c;

    spin_lock_irq(&t->process->lock);
    c = t->fs;
    if (c)
        fs_context_get(c);
    spin_unlock_irq(&t->process->lock);
    return c;
}

struct fd_table *thread_files(struct thread *t)
{
    struct fd_table *files;

    spin_lock_irq(&t->process->lock);
    files = t->files;
    if (files)
        fd_table_get(files);
    spin_unlock_irq(&t->process->lock);
    return files;
}

int fs_unshare(void)
{
    struct thread *me = current_thread();
    struct fs_context *old = me->fs, *copy;

    if (__atomic_load_n(&old->refs, __ATOMIC_ACQUIRE) == 1)
        return 0;
    copy = fs_context_copy(old);
    if (!copy)
        return -ENOMEM;
    spin_lock_irq(&me->process->lock);
    me->fs = copy;
    spin_unlock_irq(&me->process->lock);
    fs_context_put(old);
    return 0;
}

/* For kernel/clone.c. */
static int share(struct thread *t, u64 flags)
{
    struct thread *me = current_thread();

    if (flags & CLONE_FILES)
        fd_table_get(t->files = me->files);
    else
        t->files = fd_table_copy(me->files);
    if (flags & CLONE_FS)
        fs_context_get(t->fs = me->fs);
    else
        t->fs = fs_context_copy(me->fs);
    return t->files && t->fs && (!(flags & CLONE_SYSVSEM) || sem_undo_share(t)) ? 0 : -ENOMEM;
}

void (*thread_exit_uring)(bool all);

/* For kernel/exit.c. */
static void release(struct thread *t)
{
    if (t->uring)
        thread_exit_uring(false);
    struct fd_table *files = t->files;
    struct fs_context *fs = t->fs;

    spin_lock_irq(&t->process->lock);
    t->files = NULL;
    t->fs = NULL;
    spin_unlock_irq(&t->process->lock);
    if (files)
        fd_table_put(files);
    if (fs)
        fs_context_put(fs);
    sem_undo_release(t);
}

static void context_init(void)
{
    thread_share_files = share;
    thread_exit_files = release;
}
INIT_CALL(INIT_FILES, context_init);

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
