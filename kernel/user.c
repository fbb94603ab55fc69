/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies between the kernel and the program: the range check, then the platform's copy with fault recovery. What
 * the faults do is kernel/fault.c's. Callers hold no spinlock and no address-space lock.
 */
#include "kernel/lib/string.h"
#include "kernel/user.h"

size_t copy_from_user_partial(void *to, const void *from, size_t n)
{
    return user_range_ok(from, n) ? platform_copy_user(to, from, n) : n;
}

size_t copy_to_user_partial(void *to, const void *from, size_t n)
{
    return user_range_ok(to, n) ? platform_copy_user(to, from, n) : n;
}

int copy_from_user(void *to, const void *from, size_t n)
{
    return copy_from_user_partial(to, from, n) ? -EFAULT : 0;
}

int copy_to_user(void *to, const void *from, size_t n)
{
    return copy_to_user_partial(to, from, n) ? -EFAULT : 0;
}

int clear_user(void *to, size_t n)
{
    return !user_range_ok(to, n) || platform_clear_user(to, n) ? -EFAULT : 0;
}

ssize copy_string_from_user(char *to, const char *from, size_t size)
{
    size_t done = 0;
    while (done < size) {
        /* Up to the end of the page: the string may end right before memory that is not there. */
        size_t part = MIN(size - done, PAGE_SIZE - ((vaddr_t)(from + done) & (PAGE_SIZE - 1)));
        size_t got = part - copy_from_user_partial(to + done, from + done, part);
        char *end = memchr(to + done, 0, got);
        if (end)
            return end - to;
        if (got < part)
            return -EFAULT;
        done += part;
    }
    return -ENAMETOOLONG;
}
