/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Radix tree. Nodes exist only on the way to an entry; a node whose last entry goes is freed. The tree grows at the
 * root when a larger index arrives and does not shrink in height until it is empty.
 */
#include "kernel/heap.h"
#include "kernel/lib/radix.h"

#define BITS  6
#define SLOTS (1u << BITS)
_Static_assert(SLOTS == RADIX_RUN, "one leaf");

struct radix_node {
    u64 slot[SLOTS]; /* child pointers, values in the lowest level */
};

/* Counting entries instead would cost every node a word and so the next size class of the heap. */
static bool is_empty(const struct radix_node *n)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        if (n->slot[i])
            return false;
    }
    return true;
}

static unsigned slot_of(u64 index, unsigned level)
{
    return (index >> (level * BITS)) & (SLOTS - 1);
}

/* True if a tree of height levels can hold index. */
static bool covers(unsigned height, u64 index)
{
    return height * BITS >= 64 || index >> (height * BITS) == 0;
}

/* The slot of index, empty or not; NULL where its node does not exist. */
static u64 *find_slot(const struct radix_tree *t, u64 index)
{
    if (!t->root || !covers(t->height, index))
        return NULL;
    struct radix_node *n = t->root;
    for (unsigned level = t->height - 1; level > 0 && n; level--)
        n = (struct radix_node *)n->slot[slot_of(index, level)];
    return n ? &n->slot[slot_of(index, 0)] : NULL;
}

u64 radix_get(const struct radix_tree *t, u64 index)
{
    u64 *slot = find_slot(t, index);
    return slot ? *slot : 0;
}

u64 *radix_slot(const struct radix_tree *t, u64 index)
{
    u64 *slot = find_slot(t, index);
    return slot && *slot ? slot : NULL;
}

/* Makes the tree deep enough for index. */
static int grow(struct radix_tree *t, u64 index)
{
    if (!t->root) {
        t->height = 1;
        while (!covers(t->height, index))
            t->height++;
        t->root = kzalloc(sizeof(*t->root));
        return t->root ? 0 : -ENOMEM;
    }
    while (!covers(t->height, index)) {
        struct radix_node *n = kzalloc(sizeof(*n));
        if (!n)
            return -ENOMEM;
        n->slot[0] = (u64)t->root;
        t->root = n;
        t->height++;
    }
    return 0;
}

/* Frees the empty nodes on the path to index, from level up. */
static void prune(struct radix_tree *t, struct radix_node **path, u64 index, unsigned level)
{
    for (; is_empty(path[level]); level++) {
        kfree(path[level]);
        if (level + 1 == t->height) {
            t->root = NULL;
            t->height = 0;
            return;
        }
        path[level + 1]->slot[slot_of(index, level + 1)] = 0;
    }
}

int radix_set(struct radix_tree *t, u64 index, u64 value)
{
    struct radix_node *path[64 / BITS + 1];

    if (value == 0 && radix_get(t, index) == 0)
        return 0;
    if (grow(t, index) != 0)
        return -ENOMEM;
    struct radix_node *n = t->root;
    for (unsigned level = t->height - 1; level > 0; level--) {
        path[level] = n;
        u64 *slot = &n->slot[slot_of(index, level)];
        if (!*slot && !(*slot = (u64)kzalloc(sizeof(*n)))) {
            prune(t, path, index, level);
            return -ENOMEM;
        }
        n = (struct radix_node *)*slot;
    }
    path[0] = n;
    n->slot[slot_of(index, 0)] = value;
    if (value == 0)
        prune(t, path, index, 0);
    return 0;
}

/* Finds the first entry >= *index below n; the bits of *index above this subtree are right already. */
static u64 next_in(const struct radix_node *n, unsigned level, u64 *index)
{
    u64 span = 1ull << (level * BITS);
    for (unsigned i = slot_of(*index, level); i < SLOTS; i++) {
        if (n->slot[i]) {
            u64 value = level == 0 ? n->slot[i]
                                   : next_in((const struct radix_node *)n->slot[i], level - 1, index);
            if (value)
                return value;
        }
        if (i + 1 < SLOTS)
            *index = (*index & ~(span - 1)) + span;
    }
    return 0;
}

u64 radix_next(const struct radix_tree *t, u64 *index)
{
    if (!t->root || !covers(t->height, *index))
        return 0;
    return next_in(t->root, t->height - 1, index);
}

u64 radix_next_hole(const struct radix_tree *t, u64 from)
{
    while (radix_get(t, from))
        from++;
    return from;
}

static void destroy(struct radix_node *n, unsigned level)
{
    for (unsigned i = 0; level > 0 && i < SLOTS; i++) {
        if (n->slot[i])
            destroy((struct radix_node *)n->slot[i], level - 1);
    }
    kfree(n);
}

void radix_destroy(struct radix_tree *t)
{
    if (t->root)
        destroy(t->root, t->height - 1);
    t->root = NULL;
    t->height = 0;
}
