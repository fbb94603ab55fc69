/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory policies, as a Linux whose memory is all of one node has them: they are checked and remembered, and every page is on node 0
 * whatever they say.
 */
#include <linux/capability.h>
#include <linux/mempolicy.h>
#include "kernel/address_space.h"
#include "syscalls/syscall.h"

#define WORD_BITS 64u

/* The program's set of nodes into *nodes: 0, -EFAULT, or -EINVAL where it names one that cannot be. */
static int get_nodes(const u64 *user, u64 bits, u64 *nodes)
{
    u64 words, more;

    *nodes = 0;
    if (!user || --bits == 0)
        return 0;
    if (bits > PAGE_SIZE * 8)
        return -EINVAL;
    words = (bits + WORD_BITS - 1) / WORD_BITS;
    for (u64 k = 0; k < words; k++) {
        if (get_user(more, user + k))
            return -EFAULT;
        if (k == words - 1 && bits % WORD_BITS)
            more &= (1ull << bits % WORD_BITS) - 1;
        if (k && more)
            return -EINVAL;
        *nodes |= more;
    }
    return 0;
}

/* What a mode and a set of nodes come to, or -EINVAL. */
static int check_policy(u32 mode, u64 nodes)
{
    u32 flags = mode & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES);

    mode &= ~(u32)MPOL_MODE_FLAGS;
    if (mode >= MPOL_MAX || flags == (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES))
        return -EINVAL;
    if (mode == MPOL_DEFAULT)
        return nodes ? -EINVAL : MPOL_DEFAULT;
    if (mode == MPOL_LOCAL || (mode == MPOL_PREFERRED && !nodes))
        return nodes || flags ? -EINVAL : MPOL_LOCAL;
    /* Relative ones are counted round and round. */
    return (flags & MPOL_F_RELATIVE_NODES ? nodes : nodes & 1) ? (int)(mode | flags) : -EINVAL;
}

long sys_set_mempolicy(const struct syscall_args *a)
{
    u64 nodes;
    int error = ARG_INT(a, 0) < 0 ? -EINVAL : get_nodes(ARG_PTR(a, 1), ARG_U64(a, 2), &nodes);
    int policy = error ? error : check_policy(ARG_U32(a, 0), nodes);

    if (policy >= 0)
        current_thread()->memory_policy = (u32)policy;
    return policy < 0 ? policy : 0;
}

static bool is_mapped(vaddr_t start, vaddr_t end)
{
    struct address_space *as = current_process()->space;

    rwlock_read_lock(&as->lock);
    struct region *r = region_find(as, start);
    while (r && r->start <= start && r->end < end) {
        start = r->end;
        r = region_next(r);
    }
    bool all = r && r->start <= start;
    rwlock_read_unlock(&as->lock);
    return all;
}

long sys_mbind(const struct syscall_args *a)
{
    vaddr_t start = ARG_U64(a, 0), end = start + ALIGN_UP(ARG_U64(a, 1), PAGE_SIZE);
    u32 flags = ARG_U32(a, 5);
    u64 nodes;
    int error = ARG_INT(a, 2) < 0 ? -EINVAL : get_nodes(ARG_PTR(a, 3), ARG_U64(a, 4), &nodes);

    if (error)
        return error;
    if (flags & ~(u32)MPOL_MF_VALID)
        return -EINVAL;
    if ((flags & MPOL_MF_MOVE_ALL) && !capable(CAP_SYS_NICE))
        return -EPERM;
    if ((start & ~PAGE_MASK) || end < start)
        return -EINVAL;
    if (end == start)
        return 0;
    error = check_policy(ARG_U32(a, 2), nodes);
    if (error < 0)
        return error;
    return is_mapped(start, end) ? 0 : -EFAULT;
}

/* Stores a set of nodes of so many bits. */
static long put_nodes(u64 *user, u64 bits, u64 nodes)
{
    u64 bytes = ALIGN_UP(bits - 1, (u64)WORD_BITS) / 8;

    if (bytes > sizeof(nodes)) {
        if (bytes > PAGE_SIZE)
            return -EINVAL;
        if (clear_user(user + 1, bytes - sizeof(nodes)))
            return -EFAULT;
        bytes = sizeof(nodes);
    }
    return copy_to_user(user, &nodes, bytes) ? -EFAULT : 0;
}

long sys_get_mempolicy(const struct syscall_args *a)
{
    u32 flags = ARG_U32(a, 4), *user_policy = ARG_PTR(a, 0);
    u32 mode = flags & MPOL_F_ADDR ? MPOL_DEFAULT /* no mapping has its own */ : current_thread()->memory_policy;
    u64 *user_nodes = ARG_PTR(a, 1), address = ARG_U64(a, 3);
    bool has_nodes = mode != MPOL_DEFAULT && mode != MPOL_LOCAL;
    u8 byte;

    if (user_nodes && !ARG_U64(a, 2))
        return -EINVAL;
    if (flags & ~(u32)(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED))
        return -EINVAL;
    if (flags & MPOL_F_MEMS_ALLOWED) {
        if (flags & (MPOL_F_NODE | MPOL_F_ADDR))
            return -EINVAL;
        mode = 0;
        has_nodes = true;
    } else if (flags & MPOL_F_ADDR) {
        if (!is_mapped(address, address + 1) || ((flags & MPOL_F_NODE) && get_user(byte, (const u8 *)address)))
            return -EFAULT;
        if (flags & MPOL_F_NODE)
            mode = 0;
    } else if (address) {
        return -EINVAL;
    } else if (flags & MPOL_F_NODE) {
        if ((mode & ~(u32)MPOL_MODE_FLAGS) != MPOL_INTERLEAVE)
            return -EINVAL;
        mode = 0;
    }
    if (user_policy && put_user(mode, user_policy))
        return -EFAULT;
    return user_nodes ? put_nodes(user_nodes, ARG_U64(a, 2), has_nodes) : 0;
}
