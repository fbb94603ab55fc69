/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Red-black tree. NULL stands for the black leaf. Summaries (augment) are right again when insert, remove and replace
 * return: each recomputes from the lowest changed node upwards till one stays the same, and every rotation its two nodes.
 */
#include "kernel/lib/rbtree.h"

static bool is_red(const struct rb_node *n)
{
    return n && n->red;
}

static void augment(struct rb_tree *t, struct rb_node *n)
{
    if (t->augment)
        t->augment(n);
}

void rb_augment_up(struct rb_tree *t, struct rb_node *n)
{
    if (t->augment)
        while (n && t->augment(n))
            n = n->parent;
}

/* The same for a node that is new in its place: what it says of itself till now means nothing. */
static void augment_new(struct rb_tree *t, struct rb_node *n)
{
    augment(t, n);
    rb_augment_up(t, n->parent);
}

/* Puts new (may be NULL) where old hangs below its parent. */
static void set_in_parent(struct rb_tree *t, struct rb_node *old, struct rb_node *new)
{
    struct rb_node *p = old->parent;
    if (!p)
        t->root = new;
    else if (p->left == old)
        p->left = new;
    else
        p->right = new;
    if (new)
        new->parent = p;
}

static void rotate_left(struct rb_tree *t, struct rb_node *x)
{
    struct rb_node *y = x->right;
    set_in_parent(t, x, y);
    x->right = y->left;
    if (x->right)
        x->right->parent = x;
    y->left = x;
    x->parent = y;
    augment(t, x);
    augment(t, y);
}

static void rotate_right(struct rb_tree *t, struct rb_node *x)
{
    struct rb_node *y = x->left;
    set_in_parent(t, x, y);
    x->left = y->right;
    if (x->left)
        x->left->parent = x;
    y->right = x;
    x->parent = y;
    augment(t, x);
    augment(t, y);
}

void rb_insert(struct rb_tree *t, struct rb_node *n, struct rb_node *parent, struct rb_node **link)
{
    n->parent = parent;
    n->left = n->right = NULL;
    n->red = true;
    *link = n;
    augment_new(t, n);

    while (is_red(n->parent)) {
        struct rb_node *p = n->parent, *g = p->parent;
        bool left = p == g->left;
        struct rb_node *uncle = left ? g->right : g->left;
        if (is_red(uncle)) {
            p->red = uncle->red = false;
            g->red = true;
            n = g;
            continue;
        }
        if (n == (left ? p->right : p->left)) {
            n = p;
            if (left)
                rotate_left(t, n);
            else
                rotate_right(t, n);
            p = n->parent;
        }
        p->red = false;
        g->red = true;
        if (left)
            rotate_right(t, g);
        else
            rotate_left(t, g);
    }
    t->root->red = false;
}

/* x (may be NULL), child of parent, lacks one black: Cormen's delete fix-up. */
static void remove_fixup(struct rb_tree *t, struct rb_node *x, struct rb_node *parent)
{
    while (parent && !is_red(x)) {
        bool left = x == parent->left;
        struct rb_node *w = left ? parent->right : parent->left;
        if (w->red) {
            w->red = false;
            parent->red = true;
            if (left)
                rotate_left(t, parent);
            else
                rotate_right(t, parent);
            w = left ? parent->right : parent->left;
        }
        struct rb_node *near = left ? w->left : w->right, *far = left ? w->right : w->left;
        if (!is_red(near) && !is_red(far)) {
            w->red = true;
            x = parent;
            parent = x->parent;
            continue;
        }
        if (!is_red(far)) {
            near->red = false;
            w->red = true;
            if (left)
                rotate_right(t, w);
            else
                rotate_left(t, w);
            far = w;
            w = near;
        }
        w->red = parent->red;
        parent->red = false;
        far->red = false;
        if (left)
            rotate_left(t, parent);
        else
            rotate_right(t, parent);
        return;
    }
    if (x)
        x->red = false;
}

void rb_remove(struct rb_tree *t, struct rb_node *z)
{
    struct rb_node *x, *parent, *moved = NULL;
    bool removed_red;

    if (!z->left || !z->right) {
        x = z->left ? z->left : z->right;
        parent = z->parent;
        removed_red = z->red;
        set_in_parent(t, z, x);
    } else {
        struct rb_node *y = z->right; /* successor takes z's place and colour */
        while (y->left)
            y = y->left;
        removed_red = y->red;
        x = y->right;
        parent = y->parent;
        if (parent == z) {
            parent = y;
        } else {
            set_in_parent(t, y, x);
            y->right = z->right;
            y->right->parent = y;
        }
        set_in_parent(t, z, y);
        y->left = z->left;
        y->left->parent = y;
        y->red = z->red;
        moved = y;
    }
    rb_augment_up(t, parent);
    if (moved)
        augment_new(t, moved);
    if (!removed_red)
        remove_fixup(t, x, parent);
    z->parent = z->left = z->right = NULL;
}

void rb_replace(struct rb_tree *t, struct rb_node *old, struct rb_node *new)
{
    *new = *old;
    set_in_parent(t, old, new);
    if (new->left)
        new->left->parent = new;
    if (new->right)
        new->right->parent = new;
    augment_new(t, new);
}

struct rb_node *rb_first(const struct rb_tree *t)
{
    struct rb_node *n = t->root;
    while (n && n->left)
        n = n->left;
    return n;
}

struct rb_node *rb_last(const struct rb_tree *t)
{
    struct rb_node *n = t->root;
    while (n && n->right)
        n = n->right;
    return n;
}

struct rb_node *rb_next(const struct rb_node *n)
{
    if (n->right) {
        struct rb_node *r = n->right;
        while (r->left)
            r = r->left;
        return r;
    }
    while (n->parent && n == n->parent->right)
        n = n->parent;
    return n->parent;
}

struct rb_node *rb_prev(const struct rb_node *n)
{
    if (n->left) {
        struct rb_node *l = n->left;
        while (l->right)
            l = l->right;
        return l;
    }
    while (n->parent && n == n->parent->left)
        n = n->parent;
    return n->parent;
}
