/* SPDX-License-Identifier: BSD-2-Clause */
/* The red-black tree: its invariants and summaries after every change. sources: kernel/lib/rbtree.c */
#include <string.h>
#include "kernel/lib/rbtree.h"
#include "tests/unit/test.h"

#define N 300

struct item {
    struct rb_node node;
    u64 key, value;
    u64 count, largest; /* augment: nodes and largest value below */
    bool in;
};

static struct item *item_of(struct rb_node *n)
{
    return container_of(n, struct item, node);
}

static bool counting = true; /* a count changes all the way up; without it, summaries stay the same early */

static bool summarize(struct rb_node *n)
{
    struct item *i = item_of(n), old = *i;
    i->count = 1;
    i->largest = i->value;
    for (int side = 0; side < 2; side++) {
        struct rb_node *c = side ? n->right : n->left;
        if (c) {
            i->count += item_of(c)->count;
            i->largest = MAX(i->largest, item_of(c)->largest);
        }
    }
    return (counting && i->count != old.count) || i->largest != old.largest;
}

/* Returns the black height; checks everything below n. */
static int check(struct rb_node *n, u64 low, u64 high, u64 *count, u64 *largest)
{
    *count = *largest = 0;
    if (!n)
        return 1;
    struct item *i = item_of(n);
    u64 lc, ll, rc, rl;
    CHECK(i->in && i->key >= low && i->key <= high);
    CHECK(!n->left || n->left->parent == n);
    CHECK(!n->right || n->right->parent == n);
    CHECK(!n->red || ((!n->left || !n->left->red) && (!n->right || !n->right->red)));
    int left = check(n->left, low, i->key, &lc, &ll), right = check(n->right, i->key, high, &rc, &rl);
    CHECK(left == right);
    *count = lc + rc + 1;
    *largest = MAX(i->value, MAX(ll, rl));
    CHECK((!counting || i->count == *count) && i->largest == *largest);
    return left + !n->red;
}

static void check_tree(struct rb_tree *t, u64 expected)
{
    u64 count, largest, walked = 0, back = 0;
    CHECK(!t->root || (!t->root->parent && !t->root->red));
    check(t->root, 0, UINT64_MAX, &count, &largest);
    CHECK(count == expected);
    struct rb_node *last = NULL;
    for (struct rb_node *n = rb_first(t); n; last = n, n = rb_next(n), walked++)
        CHECK(!last || item_of(last)->key <= item_of(n)->key);
    CHECK(last == rb_last(t));
    for (struct rb_node *n = rb_last(t); n; n = rb_prev(n))
        back++;
    CHECK(walked == expected && back == expected);
}

static void insert(struct rb_tree *t, struct item *i)
{
    struct rb_node **link = &t->root, *parent = NULL;
    while (*link) {
        parent = *link;
        link = i->key < item_of(parent)->key ? &parent->left : &parent->right;
    }
    i->in = true;
    rb_insert(t, &i->node, parent, link);
}

static void exercise(struct rb_tree *t, u64 keys)
{
    static struct item items[N], spare;
    u64 n = 0;
    memset(items, 0, sizeof(items));
    for (int step = 0; step < 6000; step++) {
        struct item *i = &items[test_random(N)];
        if (!i->in) {
            i->key = test_random(keys);
            i->value = test_random(1000);
            insert(t, i);
            n++;
        } else if (test_random(8) == 0) {
            i->value = test_random(1000);
            rb_augment_up(t, &i->node);
        } else if (test_random(8) == 0) {
            spare = *i;
            i->in = false;
            rb_replace(t, &i->node, &spare.node);
            check_tree(t, n);
            *i = spare;
            rb_replace(t, &spare.node, &i->node);
        } else {
            rb_remove(t, &i->node);
            i->in = false;
            n--;
        }
        check_tree(t, n);
    }
}

TEST(random_changes)
{
    struct rb_tree t = {NULL, summarize};
    exercise(&t, 1000000);
}

TEST(summaries_that_seldom_change)
{
    struct rb_tree t = {NULL, summarize};
    counting = false;
    exercise(&t, 1000000);
    counting = true;
}

TEST(equal_keys)
{
    struct rb_tree t = {NULL, summarize};
    exercise(&t, 3);
}

TEST(ascending_then_drained)
{
    static struct item items[N];
    struct rb_tree t = {NULL, summarize};
    for (int i = 0; i < N; i++) {
        items[i].key = items[i].value = (u64)i;
        insert(&t, &items[i]);
        check_tree(&t, (u64)i + 1);
    }
    for (int i = 0; i < N; i++) {
        rb_remove(&t, rb_first(&t));
        check_tree(&t, (u64)(N - i - 1));
    }
    CHECK(!t.root && !rb_first(&t) && !rb_last(&t));
}

TEST(without_augment)
{
    static struct item a, b;
    struct rb_tree t = {0};
    b.key = 1;
    insert(&t, &a);
    insert(&t, &b);
    rb_remove(&t, &a.node);
    CHECK(rb_first(&t) == &b.node && rb_last(&t) == &b.node);
}
