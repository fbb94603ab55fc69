/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel heap: size classes carved from pages, per-CPU free lists; larger blocks straight from the page
 * allocator. Memory is 16-byte aligned (64 for sizes that are multiples of 64). Debug builds poison freed memory and check it.
 */
#ifndef KERNEL_HEAP_H
#define KERNEL_HEAP_H

#include "kernel/types.h"

void heap_init(void);
/* NULL when out of memory. Atomic. */
void *kmalloc(size_t n);
void *kzalloc(size_t n);
void *krealloc(void *p, size_t old_size, size_t new_size);
void kfree(void *p); /* NULL is fine */
char *kstrdup(const char *s);
/* Bytes handed out now. */
size_t heap_used(void);

#endif
