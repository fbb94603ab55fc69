/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access to the program's memory: range checks plus fault recovery. Every pointer from the program goes
 * through here. All may sleep (a page may have to be brought in) and need interrupts enabled and no spinlock held.
 */
#ifndef KERNEL_USER_H
#define KERNEL_USER_H

#include "kernel/types.h"
#include "platform/platform.h"

/* True if [p, p+n) lies in the program's range of addresses (says nothing about mappings); nothing is nowhere in the kernel's. */
static inline bool user_range_ok(const void *p, size_t n)
{
    u64 a = (u64)p;
    return n <= USER_SPACE_END && a <= USER_SPACE_END - n &&
           (a >= KERNEL_SPACE_END || a + n <= KERNEL_SPACE_START || !n);
}

/* 0 or -EFAULT. */
int copy_from_user(void *to, const void *from, size_t n);
int copy_to_user(void *to, const void *from, size_t n);
int clear_user(void *to, size_t n);
/* Copies as much as possible; returns bytes NOT copied. */
size_t copy_from_user_partial(void *to, const void *from, size_t n);
size_t copy_to_user_partial(void *to, const void *from, size_t n);
/* Copies a NUL-terminated string of at most size bytes with its NUL: length without NUL, -EFAULT, or -ENAMETOOLONG. */
ssize copy_string_from_user(char *to, const char *from, size_t size);

#define get_user(value, p) copy_from_user(&(value), (p), sizeof(value))
#define put_user(value, p)                              \
    ({                                                  \
        __typeof__(*(p)) _v = (value);                  \
        copy_to_user((void *)(p), &_v, sizeof(_v));     \
    })

#endif
