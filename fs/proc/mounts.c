/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/mounts, mountinfo and mountstats, proc(5). */
#include <linux/mount.h>
#include "fs/proc/proc.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/list.h"

/* Mounts are collected with references first: their paths cannot be made under the tree's lock. */
struct collection {
    struct mount **mount;
    unsigned n, room;
};

static bool collect(struct mount *m, void *arg)
{
    struct collection *c = arg;

    if (c->n == c->room)
        return false;
    mount_get(m);
    c->mount[c->n++] = m;
    return true;
}

static void release(struct collection *c)
{
    while (c->n)
        mount_put(c->mount[--c->n]);
    kfree(c->mount);
}

/* All mounts, however many there are. 0 or -ENOMEM. */
static int collect_all(struct collection *c)
{
    *c = (struct collection){.room = 64};
    for (;;) {
        c->mount = kmalloc(c->room * sizeof(struct mount *));
        if (!c->mount)
            return -ENOMEM;
        if (mount_for_each(collect, c))
            return 0;
        release(c);
        c->room *= 2;
    }
}

/* Blanks and backslashes of a path are escaped, as both files do. */
static void show_escaped(struct text *t, const char *s)
{
    for (; *s; s++) {
        if (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\\')
            text_printf(t, "\\%03o", (unsigned char)*s);
        else
            text_append(t, s, 1);
    }
}

/* A mount's flags, a file system's, or both: first those of the file system. */
static void show_flags(struct text *t, u32 flags)
{
    static const struct {
        u32 flag;
        const char *name;
    } names[] = {
        {MS_SYNCHRONOUS, ",sync"}, {MS_DIRSYNC, ",dirsync"}, {MS_MANDLOCK, ",mand"},
        {MS_LAZYTIME, ",lazytime"}, {MS_NOSUID, ",nosuid"}, {MS_NODEV, ",nodev"},
        {MS_NOEXEC, ",noexec"}, {MS_NOATIME, ",noatime"}, {MS_NODIRATIME, ",nodiratime"},
    };

    text_printf(t, flags & MS_RDONLY ? "ro" : "rw");
    for (unsigned k = 0; k < ARRAY_SIZE(names); k++)
        if (flags & names[k].flag)
            text_printf(t, "%s", names[k].name);
    if (!(flags & (MS_NOATIME | MS_STRICTATIME)))
        text_printf(t, ",relatime");
    if (flags & MS_NOSYMFOLLOW)
        text_printf(t, ",nosymfollow");
}

static void show_super_options(struct text *t, struct super *s)
{
    char *options = s->ops->options ? kmalloc(PAGE_SIZE) : NULL;

    if (!options)
        return;
    s->ops->options(s, options, PAGE_SIZE);
    text_printf(t, "%s", options);
    kfree(options);
}

static void show_mount(struct text *t, struct mount *m, const char *at, char *path)
{
    show_escaped(t, mount_source(m));
    text_printf(t, " ");
    show_escaped(t, at);
    text_printf(t, " %s ", m->super->type);
    show_flags(t, m->flags | m->super->flags);
    show_super_options(t, m->super);
    text_printf(t, " 0 0\n");
}

static void show_mountinfo(struct text *t, struct mount *m, const char *at, char *path)
{
    struct path_ref root = {m, m->root};
    struct dentry *d = m->root;

    text_printf(t, "%d %d %u:%u ", m->id, m->parent ? m->parent->id : m->id,
                (unsigned)(m->super->dev >> 8) & 0xfff, (unsigned)m->super->dev & 0xff);
    /* What part of the file system is mounted: "/", or the directory that was bound. */
    if (d == m->super->root)
        text_printf(t, "/");
    else if (d->parent == m->super->root)
        text_printf(t, "/%s%s", d->name, d->unlinked ? "//deleted" : "");
    else if (vfs_path_of(&root, path, PATH_MAX) > 0)
        show_escaped(t, path);
    text_printf(t, " ");
    show_escaped(t, at);
    text_printf(t, " ");
    show_flags(t, m->flags);
    text_printf(t, "%s - %s ", m->flags & MS_UNBINDABLE ? " unbindable" : "", m->super->type);
    show_escaped(t, mount_source(m));
    text_printf(t, " ");
    show_flags(t, m->super->flags | MS_STRICTATIME);
    show_super_options(t, m->super);
    text_printf(t, "\n");
}

static void show_mountstats(struct text *t, struct mount *m, const char *at, char *path)
{
    text_printf(t, "device ");
    show_escaped(t, mount_source(m));
    text_printf(t, " mounted on ");
    show_escaped(t, at);
    text_printf(t, " with fstype %s\n", m->super->type);
}

/* path: room for a path. */
static int show(struct text *t, void (*line)(struct text *t, struct mount *m, const char *at, char *path))
{
    struct collection c;
    char *path = kmalloc(2 * PATH_MAX);

    if (!path || collect_all(&c)) {
        kfree(path);
        return -ENOMEM;
    }
    for (unsigned k = 0; k < c.n; k++) {
        struct path_ref at = {c.mount[k], c.mount[k]->root};

        if (vfs_path_of(&at, path, PATH_MAX) > 0 && path[0] == '/') {
            /* What is mounted may have lost its name elsewhere: that is not the mount point's. */
            if (at.dentry->unlinked && strlen(path) > sizeof(" (deleted)") - 1)
                path[strlen(path) - (sizeof(" (deleted)") - 1)] = '\0';
            line(t, c.mount[k], path, path + PATH_MAX);
        }
    }
    release(&c);
    kfree(path);
    return 0;
}

int proc_mounts(struct text *t, const struct generated_ref *r)
{
    return show(t, show_mount);
}

int proc_mountinfo(struct text *t, const struct generated_ref *r)
{
    return show(t, show_mountinfo);
}

int proc_mountstats(struct text *t, const struct generated_ref *r)
{
    return show(t, show_mountstats);
}
