/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/net: the multicast groups that interfaces are in, by what sockets have joined and by themselves (RFC 1112, RFC 4291 2.8). */
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "net/interface.h"
#include "net/proc.h"

#define OWN_GROUPS (3 + INTERFACE_ADDRESSES) /* of an interface */
#define REPORTED   0x4                       /* flags of /proc/net/igmp6: routers are told; they are never */
#define UNREPORTED 0x8

static const u8 all_hosts[16] = {[10] = 0xff, 0xff, 224, 0, 0, 1}, all_nodes[16] = {0xff, 0x02, [15] = 1},
                all_nodes_here[16] = {0xff, 0x01, [15] = 1};

struct groups {
    unsigned n;
    struct inet_membership list[];
};

static void add(struct groups *all, const u8 ip[16], int interface)
{
    struct inet_membership *m = all->list;
    while (m < all->list + all->n && (m->interface != interface || !ip_equal(m->ip, ip)))
        m++;
    if (m == all->list + all->n) {
        *m = (struct inet_membership){.interface = interface};
        memcpy(m->ip, ip, 16);
        all->n++;
    }
    m->users++;
}

/* What interface i is in: each group once, with how many sockets and addresses want it. NULL: no memory. The caller frees it. */
static struct groups *groups_of(const struct interface *i)
{
    unsigned max = inet_groups_get(NULL, 0) + 16;
    struct inet_membership *joined = kmalloc(max * sizeof(*joined));
    struct groups *all = kmalloc(sizeof(*all) + (max + OWN_GROUPS) * sizeof(all->list[0]));
    if (!joined || !all) {
        kfree(joined);
        kfree(all);
        return NULL;
    }
    unsigned n = MIN(inet_groups_get(joined, max), max);
    all->n = 0;
    for (unsigned k = 0; k < n; k++) {
        if (joined[k].interface == i->index)
            add(all, joined[k].ip, i->index);
    }
    kfree(joined);
    for (unsigned k = 0; k < all->n / 2; k++) { /* the last that was new comes first */
        struct inet_membership *other = &all->list[all->n - 1 - k], m = *other;
        *other = all->list[k];
        all->list[k] = m;
    }
    for (unsigned k = 0; k < i->n_addresses; k++) {
        const u8 *ip = i->addresses[k].ip;
        u8 solicited[16] = {0xff, 0x02, [11] = 1, 0xff, ip[13], ip[14], ip[15]};
        if (!ip_is_v4(ip) && i->index != LOOPBACK_INDEX)
            add(all, solicited, i->index);
    }
    add(all, all_hosts, i->index);
    add(all, all_nodes, i->index);
    add(all, all_nodes_here, i->index);
    return all;
}

/* Calls show for each interface. */
static int each_interface(struct text *t, void (*show)(struct text *t, const struct interface *i, const struct groups *all))
{
    for (int index = 1; index <= INTERFACES; index++) {
        struct interface i;
        if (!interface_get(index, &i))
            continue;
        struct groups *all = groups_of(&i);
        if (!all)
            return -ENOMEM;
        show(t, &i, all);
        kfree(all);
    }
    return 0;
}

static void show_v4(struct text *t, const struct interface *i, const struct groups *all)
{
    unsigned n = 0;
    for (unsigned k = 0; k < all->n; k++)
        n += ip_is_v4(all->list[k].ip);
    text_printf(t, "%d\t%s", i->index, i->name);
    for (size_t length = strlen(i->name); length < 10; length++)
        text_printf(t, " ");
    text_printf(t, ": %5u      V3\n", n);
    for (unsigned k = 0; k < all->n; k++) {
        u32 word;
        memcpy(&word, all->list[k].ip + 12, 4);
        if (ip_is_v4(all->list[k].ip))
            text_printf(t, "\t\t\t\t%08X %5u 0:00000000\t\t0\n", word, all->list[k].users);
    }
}

int proc_net_igmp(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n");
    return each_interface(t, show_v4);
}

/* "2    eth0            ", as all lists of this kind begin */
static void put_interface(struct text *t, const struct interface *i)
{
    size_t mark = t->used;
    text_printf(t, "%d", i->index);
    text_pad(t, mark, 4);
    mark = t->used;
    text_printf(t, " %s", i->name);
    text_pad(t, mark, 16);
    text_printf(t, " ");
}

static void show_v6(struct text *t, const struct interface *i, const struct groups *all)
{
    for (unsigned k = 0; k < all->n; k++) {
        const struct inet_membership *m = &all->list[k];
        bool here = (m->ip[1] & 15) < 2, nodes = ip_equal(m->ip, all_nodes);
        if (ip_is_v4(m->ip))
            continue;
        put_interface(t, i);
        for (unsigned b = 0; b < 16; b++)
            text_printf(t, "%02x", m->ip[b]);
        text_printf(t, " %5u %08X 0\n", m->users, here ? UNREPORTED : nodes ? REPORTED | UNREPORTED : REPORTED);
    }
}

int proc_net_igmp6(struct text *t, const struct generated_ref *r)
{
    return each_interface(t, show_v6);
}

/* The Ethernet addresses of those groups (RFC 1112 6.4, RFC 2464 7). */
static void show_ethernet(struct text *t, const struct interface *i, const struct groups *all)
{
    for (unsigned k = 0; k < all->n; k++) {
        const u8 *ip = all->list[k].ip;
        if (i->index == LOOPBACK_INDEX || ip_equal(ip, all_nodes_here))
            continue;
        put_interface(t, i);
        text_printf(t, "1     0     ");
        if (ip_is_v4(ip))
            text_printf(t, "01005e%02x%02x%02x\n", ip[13] & 0x7f, ip[14], ip[15]);
        else
            text_printf(t, "3333%02x%02x%02x%02x\n", ip[12], ip[13], ip[14], ip[15]);
    }
}

int proc_net_dev_mcast(struct text *t, const struct generated_ref *r)
{
    return each_interface(t, show_ethernet);
}
