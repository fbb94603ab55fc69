/* SPDX-License-Identifier: BSD-2-Clause */
/* Doubly linked circular list with its head as sentinel. The caller locks. */
#ifndef KERNEL_LIST_H
#define KERNEL_LIST_H

#include "kernel/types.h"

struct list {
    struct list *next, *prev;
};

#define LIST_INIT(name) {&(name), &(name)}

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_insert_between(struct list *n, struct list *prev, struct list *next)
{
    n->prev = prev;
    n->next = next;
    prev->next = n;
    next->prev = n;
}

static inline void list_add_head(struct list *head, struct list *n)
{
    list_insert_between(n, head, head->next);
}

static inline void list_add_tail(struct list *head, struct list *n)
{
    list_insert_between(n, head->prev, head);
}

/* Removes n and leaves it empty, so that removing twice is harmless. */
static inline void list_remove(struct list *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    list_init(n);
}

#define list_entry(p, type, member) container_of(p, type, member)
#define list_first(head, type, member) \
    (list_empty(head) ? NULL : list_entry((head)->next, type, member))
#define list_for_each(pos, head, member)                                    \
    for (pos = list_entry((head)->next, __typeof__(*pos), member);          \
         &pos->member != (head);                                            \
         pos = list_entry(pos->member.next, __typeof__(*pos), member))
/* The same, but pos may be removed in the body. */
#define list_for_each_safe(pos, tmp, head, member)                          \
    for (pos = list_entry((head)->next, __typeof__(*pos), member),          \
        tmp = list_entry(pos->member.next, __typeof__(*pos), member);       \
         &pos->member != (head);                                            \
         pos = tmp, tmp = list_entry(tmp->member.next, __typeof__(*tmp), member))

#endif
