/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names on tmpfs against a model: create, remove, link, rename with its flags, lookup and listing; then the same with
 * memory running out at any allocation, which must leave the tree as it was; and nothing may be left behind.
 * sources: fs/dentry.c fs/dentry_cache.c fs/notify.c fs/inode.c fs/path.c fs/path_of.c fs/mount.c fs/context.c fs/names.c fs/rename.c fs/open.c
 * sources: fs/file.c fs/io.c fs/fd_table.c fs/seek.c fs/anonymous.c fs/device.c fs/file_lock.c fs/tmpfs/super.c
 * sources: fs/tmpfs/directory.c fs/tmpfs/file.c fs/tmpfs/xattr.c kernel/memory_object.c kernel/ram_object.c
 * sources: kernel/region.c kernel/patch.c kernel/address_space.c kernel/address_space_map.c kernel/address_space_protect.c
 * sources: kernel/address_space_remap.c kernel/address_space_advise.c kernel/address_space_lock.c kernel/fault.c
 * sources: kernel/fault_anonymous.c kernel/fault_object.c kernel/zap.c
 * sources: kernel/ram_object_io.c kernel/ram_object_size.c kernel/lib/radix.c kernel/lib/rbtree.c kernel/page.c
 * sources: kernel/lib/printf.c platform/x86/paging.c tests/unit/memory_host.c tests/unit/vfs_host.c tests/unit/host.c
 */
#include <string.h>
#include "tests/unit/memory_host.h"
#include "tests/unit/test.h"
#include "tests/unit/vfs_host.h"

/* The model: directories and files by number; 0 is the root, -1 nothing. */
#define NAMES 4
#define NODES 400

static struct node {
    bool dir;
    int child[NAMES];
    int links;
} node[NODES];
static int nodes;

static int new_node(bool dir)
{
    CHECK(nodes < NODES);
    node[nodes].dir = dir;
    node[nodes].links = 0;
    memset(node[nodes].child, -1, sizeof(node[nodes].child));
    return nodes++;
}

/*
 * A place for a name: up to three components below the root. Long names make the dentries allocate.
 * /
 */
struct place {
    int parent; /* node, or -errno */
    int name;
    char path[300];
};

static const char *const names[NAMES] = {
    "a", "bb", "a name that is too long for the inside of a dentry, by some",
    "another long name, to be swapped with the one before it"};

static struct place random_place(void)
{
    struct place p = {0};
    int depth = (int)test_random(3);

    for (int k = 0; k < depth; k++) {
        int n = (int)test_random(NAMES);

        strcat(strcat(p.path, "/"), names[n]);
        if (p.parent < 0)
            continue;
        if (!node[p.parent].dir)
            p.parent = -ENOTDIR;
        else
            p.parent = node[p.parent].child[n] < 0 ? -ENOENT : node[p.parent].child[n];
    }
    if (p.parent >= 0 && !node[p.parent].dir)
        p.parent = -ENOTDIR;
    p.name = (int)test_random(NAMES);
    strcat(strcat(p.path, "/"), names[p.name]);
    return p;
}

static int *slot(const struct place *p)
{
    return &node[p->parent].child[p->name];
}

static bool empty(int n)
{
    for (int k = 0; k < NAMES; k++)
        if (node[n].child[k] >= 0)
            return false;
    return true;
}

static bool below(int n, int ancestor)
{
    if (n == ancestor)
        return true;
    for (int k = 0; k < NAMES; k++)
        if (node[ancestor].dir && node[ancestor].child[k] >= 0 && below(n, node[ancestor].child[k]))
            return true;
    return false;
}

/* ------------------------------------------------------------ what each call should say */

static int expect_make(const struct place *p)
{
    return p->parent < 0 ? p->parent : *slot(p) >= 0 ? -EEXIST : 0;
}

static int expect_remove(const struct place *p, bool dir)
{
    if (p->parent < 0)
        return p->parent;
    if (*slot(p) < 0)
        return -ENOENT;
    if (node[*slot(p)].dir != dir)
        return dir ? -ENOTDIR : -EISDIR;
    return dir && !empty(*slot(p)) ? -ENOTEMPTY : 0;
}

static int expect_rename(const struct place *a, const struct place *b, unsigned flags)
{
    int from, to;

    if (a->parent < 0)
        return a->parent;
    if (b->parent < 0)
        return b->parent;
    from = *slot(a);
    to = *slot(b);
    if (from < 0)
        return -ENOENT;
    if (flags == HOST_NOREPLACE && to >= 0)
        return -EEXIST;
    if (flags == HOST_EXCHANGE && to < 0)
        return -ENOENT;
    if (below(b->parent, from))
        return -EINVAL;
    if (to >= 0 && below(a->parent, to))
        return flags == HOST_EXCHANGE ? -EINVAL : -ENOTEMPTY;
    if (from == to || to < 0 || flags == HOST_EXCHANGE)
        return 0;
    if (node[from].dir != node[to].dir)
        return node[from].dir ? -ENOTDIR : -EISDIR;
    return node[to].dir && !empty(to) ? -ENOTEMPTY : 0;
}

static int expect_link(const struct place *a, const struct place *b)
{
    if (a->parent < 0)
        return a->parent;
    if (*slot(a) < 0)
        return -ENOENT;
    if (expect_make(b))
        return expect_make(b);
    return node[*slot(a)].dir ? -EPERM : 0;
}

/* ------------------------------------------------------------ one step on both */

/* With scarce memory a call may also fail for that, and then changes nothing. */
static bool agrees(int got, int want, bool scarce)
{
    if (scarce && (got == -ENOMEM || got == -ENFILE))
        return false;
    CHECK(got == want);
    return got == 0;
}

static void step(bool scarce)
{
    struct place a = random_place(), b = random_place();
    unsigned flags;

    host_kmalloc_budget = scarce ? 1 + test_random(12) : 0;
    switch (test_random(6)) {
    case 0:
        if (agrees(host_create(a.path), expect_make(&a), scarce)) {
            *slot(&a) = new_node(false);
            node[*slot(&a)].links = 1;
        }
        break;
    case 1:
        if (agrees(vfs_mkdir(HOST_CWD, a.path, 0755), expect_make(&a), scarce))
            *slot(&a) = new_node(true);
        break;
    case 2:
        if (agrees(vfs_unlink(HOST_CWD, a.path), expect_remove(&a, false), scarce)) {
            node[*slot(&a)].links--;
            *slot(&a) = -1;
        }
        break;
    case 3:
        if (agrees(vfs_rmdir(HOST_CWD, a.path), expect_remove(&a, true), scarce))
            *slot(&a) = -1;
        break;
    case 4:
        flags = (unsigned)test_random(3);
        if (agrees(vfs_rename(HOST_CWD, a.path, HOST_CWD, b.path, flags),
                   expect_rename(&a, &b, flags), scarce)) {
            int from = *slot(&a), to = *slot(&b);

            if (from == to)
                break;
            *slot(&a) = flags == HOST_EXCHANGE ? to : -1;
            if (flags != HOST_EXCHANGE && to >= 0)
                node[to].links--;
            *slot(&b) = from;
        }
        break;
    case 5:
        if (agrees(vfs_link(HOST_CWD, a.path, HOST_CWD, b.path, 0), expect_link(&a, &b), scarce)) {
            *slot(&b) = *slot(&a);
            node[*slot(&b)].links++;
        }
        break;
    }
    host_kmalloc_budget = 0;
}

/* The whole tree is as the model says: names, kinds, links, and listings without doubles. */
static void compare(int n, const char *path)
{
    int subdirs = 0;

    for (int k = 0; k < NAMES; k++) {
        int child = node[n].child[k], links = 0;
        char full[8192];
        bool dir = false;

        snprintf(full, sizeof(full), "%s/%s", path, names[k]);
        CHECK(host_lookup(full, &dir, &links) == (child < 0 ? -ENOENT : 0));
        if (child < 0)
            continue;
        CHECK(dir == node[child].dir);
        if (dir) {
            subdirs++;
            compare(child, full);
        } else {
            CHECK(links == node[child].links);
        }
    }
    CHECK(host_count(path[0] ? path : "/") == NAMES - (int)(node[n].child[0] < 0) -
                                                  (node[n].child[1] < 0) - (node[n].child[2] < 0) -
                                                  (node[n].child[3] < 0));
    bool dir;
    int links;
    CHECK(host_lookup(path[0] ? path : "/", &dir, &links) == 0 && links == 2 + subdirs);
}

static void remove_tree(const char *path)
{
    for (int k = 0; k < NAMES; k++) {
        char full[8192];

        snprintf(full, sizeof(full), "%s/%s", path, names[k]);
        if (vfs_unlink(HOST_CWD, full) == -EISDIR) {
            remove_tree(full);
            CHECK(vfs_rmdir(HOST_CWD, full) == 0);
        }
    }
}

static void play(bool scarce)
{
    nodes = 0;
    new_node(true);
    for (int k = 0; k < 3000 && nodes < NODES - 2; k++) {
        step(scarce);
        if (k % 100 == 0)
            compare(0, "");
    }
    compare(0, "");
    remove_tree("");
}

TEST(names_follow_the_model)
{
    host_vfs();
    for (int k = 0; k < 10; k++)
        play(false);
}

TEST(names_survive_lack_of_memory)
{
    host_vfs();
    for (int k = 0; k < 20; k++)
        play(true);
}

/*
 * Files and dentries wait in pools to be used again, so the first run of a sequence may keep some,
 * the second none.
 */
TEST(nothing_is_left_behind)
{
    unsigned long before;

    host_vfs();
    test_seed = 12345;
    play(false);
    before = host_kmalloc_count;
    test_seed = 12345;
    play(false);
    CHECK(host_kmalloc_count == before);
    /* Thousands of failed calls: a block lost in some of them would show. */
    for (int k = 0; k < 20; k++)
        play(true);
    CHECK(host_kmalloc_count < before + 50);
}
