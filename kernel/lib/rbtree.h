/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Red-black tree with nodes embedded in the caller's structures. Ordered by the caller: an insert
 * walks down by itself and links the node where the search ended, then rebalances. An optional
 * augment callback keeps a per-subtree summary (for free-gap search) correct. The caller locks.
 * Source: Cormen et al., Introduction to Algorithms, chapters 13 and 14.
 */
#ifndef KERNEL_LIB_RBTREE_H
#define KERNEL_LIB_RBTREE_H

#include "kernel/types.h"

struct rb_node {
    struct rb_node *parent, *left, *right;
    bool red;
};

/* Recomputes node's summary from its own value and its children's summaries; true if it changed. */
typedef bool (*rb_augment_t)(struct rb_node *node);

struct rb_tree {
    struct rb_node *root;
    rb_augment_t augment; /* may be NULL */
};

/* Links node at *link (a NULL child pointer of parent, or &tree->root with parent NULL) and rebalances. */
void rb_insert(struct rb_tree *t, struct rb_node *node, struct rb_node *parent, struct rb_node **link);
void rb_remove(struct rb_tree *t, struct rb_node *node);
/* Puts new exactly where old is; their keys must sort alike. */
void rb_replace(struct rb_tree *t, struct rb_node *old, struct rb_node *new);
/* Re-runs augment from node upwards as far as summaries change, after node's own value changed. node may be NULL. */
void rb_augment_up(struct rb_tree *t, struct rb_node *node);
struct rb_node *rb_first(const struct rb_tree *t);
struct rb_node *rb_last(const struct rb_tree *t);
struct rb_node *rb_next(const struct rb_node *n);
struct rb_node *rb_prev(const struct rb_node *n);

#endif
