/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/net/fib_trie: the routes of IPv4 as a tree by the bits of their destinations. Programs look there for the addresses of the machine
 * ("/32 host LOCAL"). It is made for whoever reads: a node for each bit in which destinations differ.
 */
#include <linux/rtnetlink.h>
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "net/proc.h"
#include "net/route.h"

static u32 key_of(const struct route *r)
{
    u32 key;
    memcpy(&key, r->to + 12, 4);
    return __builtin_bswap32(key);
}

static void put(struct text *t, unsigned depth, const char *what, u32 key)
{
    text_printf(t, "%*s%s%u.%u.%u.%u", 2 + 3 * (int)depth, "", what, key >> 24, key >> 16 & 255, key >> 8 & 255, key & 255);
}

static const char *scope_name(u8 scope)
{
    return scope == RT_SCOPE_UNIVERSE ? "universe" : scope == RT_SCOPE_LINK ? "link" : scope == RT_SCOPE_HOST ? "host" : "nowhere";
}

static void put_leaf(struct text *t, unsigned depth, const struct route *list, unsigned n)
{
    static const char *const types[] = {
        [RTN_UNICAST] = "UNICAST",     [RTN_LOCAL] = "LOCAL",             [RTN_BROADCAST] = "BROADCAST", [RTN_MULTICAST] = "MULTICAST",
        [RTN_BLACKHOLE] = "BLACKHOLE", [RTN_UNREACHABLE] = "UNREACHABLE", [RTN_PROHIBIT] = "PROHIBIT",   [RTN_THROW] = "THROW",
    };
    put(t, depth, "|-- ", key_of(list));
    text_printf(t, "\n");
    for (unsigned k = 0; k < n; k++)
        text_printf(t, "%*s/%u %s %s\n", 5 + 3 * (int)depth, "", list[k].length, scope_name(list[k].scope), types[list[k].type]);
}

/* The first bit in which the destinations of a sorted list differ; 32: none. */
static unsigned fork_of(const struct route *list, unsigned n)
{
    u32 all = key_of(&list[0]) ^ key_of(&list[n - 1]);
    return all ? (unsigned)__builtin_clz(all) : 32;
}

static void put_tree(struct text *t, unsigned depth, const struct route *list, unsigned n)
{
    unsigned bit = fork_of(list, n), left = 0;
    if (bit == 32) {
        put_leaf(t, depth, list, n);
        return;
    }
    while (!(key_of(&list[left]) >> (31 - bit) & 1))
        left++;
    unsigned full = bit == 31 ? 0 : (fork_of(list, left) == bit + 1) + (fork_of(list + left, n - left) == bit + 1);
    put(t, depth, "+-- ", bit ? key_of(list) & UINT32_MAX << (32 - bit) : 0);
    text_printf(t, "/%u 1 %u 0\n", bit, full);
    put_tree(t, depth + 1, list, left);
    put_tree(t, depth + 1, list + left, n - left);
}

int proc_net_fib_trie(struct text *t, const struct generated_ref *r)
{
    struct route *list = kmalloc(ROUTES_MAX * sizeof(*list));
    if (!list)
        return -ENOMEM;
    unsigned n = MIN(routes_get(list, ROUTES_MAX), (unsigned)ROUTES_MAX), v4 = 0;
    while (v4 < n && list[v4].v4)
        v4++;
    routes_sort(list, v4);
    /* Without rules, both tables are one. */
    for (int k = 0; k < 2 && v4; k++) {
        text_printf(t, k ? "Local:\n" : "Main:\n");
        put_tree(t, 0, list, v4);
    }
    kfree(list);
    return 0;
}
