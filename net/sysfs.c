/* SPDX-License-Identifier: BSD-2-Clause */
/* /sys/class/net and the devices that it leads to: lo, and eth0 if there is a network device. r->arg: the interface's index. */
#include <linux/stat.h>
#include "fs/sysfs/sysfs.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "net/interface.h"

enum what {
    ADDRESS, BROADCAST, CARRIER, DUPLEX, FLAGS, INDEX, NAME_ASSIGN, MTU, OPERSTATE, SPEED, TYPE, UEVENT,
    RX_BYTES, RX_PACKETS, RX_DROPPED, MULTICAST, TX_BYTES, TX_PACKETS, TX_DROPPED,
};

static void show_mac(struct text *t, const u8 *m)
{
    text_printf(t, "%02x:%02x:%02x:%02x:%02x:%02x\n", m[0], m[1], m[2], m[3], m[4], m[5]);
}

static int show(struct text *t, const struct generated_ref *r)
{
    static const u8 none[6], all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct interface i;
    u64 n = 0;
    if (!interface_get((int)r->arg, &i))
        return -ENODEV;
    bool ethernet = i.flags & INTERFACE_BROADCAST, up = i.flags & INTERFACE_UP;
    switch ((enum what)*(const u8 *)r->node->data) {
    case ADDRESS:
        show_mac(t, i.mac);
        return 0;
    case BROADCAST:
        show_mac(t, ethernet ? all : none);
        return 0;
    case CARRIER:
        if (!up)
            return -EINVAL;
        n = i.running;
        break;
    case DUPLEX:
    case SPEED:
        /* A virtio device without a word about its link has neither. */
        if (!ethernet || !up)
            return -EINVAL;
        text_printf(t, *(const u8 *)r->node->data == SPEED ? "-1\n" : "unknown\n");
        return 0;
    case FLAGS:
        text_printf(t, "0x%x\n", i.flags & ~(u32)(INTERFACE_RUNNING | INTERFACE_LOWER_UP));
        return 0;
    case INDEX:
        n = (u64)i.index;
        break;
    case NAME_ASSIGN:
        n = ethernet ? 1 : 2; /* by the kernel, as it came; for ever */
        break;
    case MTU:
        n = i.mtu;
        break;
    case OPERSTATE:
        text_printf(t, "%s\n", !ethernet ? "unknown" : interface_operstate(&i) == 6 ? "up" : "down");
        return 0;
    case TYPE:
        n = i.type;
        break;
    case UEVENT:
        text_printf(t, "INTERFACE=%s\nIFINDEX=%d\n", i.name, i.index);
        return 0;
    case RX_BYTES:
        n = i.rx_bytes;
        break;
    case RX_PACKETS:
        n = i.rx_frames;
        break;
    case RX_DROPPED:
        n = i.rx_dropped;
        break;
    case MULTICAST:
        n = i.rx_multicast;
        break;
    case TX_BYTES:
        n = i.tx_bytes;
        break;
    case TX_PACKETS:
        n = i.tx_frames;
        break;
    case TX_DROPPED:
        n = i.tx_dropped;
        break;
    }
    text_printf(t, "%llu\n", (unsigned long long)n);
    return 0;
}

/* flags and mtu. */
static int store(const struct generated_ref *r, char *data, size_t n)
{
    struct interface i;
    const char *end;
    u64 value;
    bool flags = *(const u8 *)r->node->data == FLAGS;
    if (parse_u64(data, &end, 0, &value) || (*end && *end != '\n') || value > UINT32_MAX)
        return -EINVAL;
    if (!interface_get((int)r->arg, &i))
        return -ENODEV;
    u32 kept = INTERFACE_RUNNING | INTERFACE_LOWER_UP;
    return interface_change(&i, flags ? (u32)value | (i.flags & kept) : i.flags, flags ? i.mtu : (u32)value);
}

#define SHOW(file, what)   {.name = file, .mode = S_IFREG | 0444, .show = show, .data = &(const u8){what}}
#define CHANGE(file, what) {.name = file, .mode = S_IFREG | 0644, .show = show, .store = store, .data = &(const u8){what}}
#define TEXT(file, string) {.name = file, .mode = S_IFREG | 0444, .show = generated_show_string, .data = string}
#define DIRECTORY(file, table) {.name = file, .mode = S_IFDIR | 0555, .children = table}

static ssize link_subsystem(const struct generated_ref *r, char *buf, size_t n)
{
    return scnprintf(buf, n, "../../../../class/net");
}

static const struct generated_node no_files[] = {{0}};
static const struct generated_node queue_files[] = {DIRECTORY("rx-0", no_files), DIRECTORY("tx-0", no_files), {0}};

static const struct generated_node statistics_files[] = {
    FILE("collisions", sysfs_show_zero),
    SHOW("multicast", MULTICAST),
    SHOW("rx_bytes", RX_BYTES),
    FILE("rx_compressed", sysfs_show_zero),
    FILE("rx_crc_errors", sysfs_show_zero),
    SHOW("rx_dropped", RX_DROPPED),
    FILE("rx_errors", sysfs_show_zero),
    FILE("rx_fifo_errors", sysfs_show_zero),
    FILE("rx_frame_errors", sysfs_show_zero),
    FILE("rx_length_errors", sysfs_show_zero),
    FILE("rx_missed_errors", sysfs_show_zero),
    FILE("rx_nohandler", sysfs_show_zero),
    FILE("rx_over_errors", sysfs_show_zero),
    SHOW("rx_packets", RX_PACKETS),
    FILE("tx_aborted_errors", sysfs_show_zero),
    SHOW("tx_bytes", TX_BYTES),
    FILE("tx_carrier_errors", sysfs_show_zero),
    FILE("tx_compressed", sysfs_show_zero),
    SHOW("tx_dropped", TX_DROPPED),
    FILE("tx_errors", sysfs_show_zero),
    FILE("tx_fifo_errors", sysfs_show_zero),
    FILE("tx_heartbeat_errors", sysfs_show_zero),
    SHOW("tx_packets", TX_PACKETS),
    FILE("tx_window_errors", sysfs_show_zero),
    {0},
};

static const struct generated_node interface_files[] = {
    FILE("addr_assign_type", sysfs_show_zero),
    TEXT("addr_len", "6"),
    SHOW("address", ADDRESS),
    SHOW("broadcast", BROADCAST),
    SHOW("carrier", CARRIER),
    TEXT("dev_id", "0x0"),
    FILE("dev_port", sysfs_show_zero),
    FILE("dormant", sysfs_show_zero),
    SHOW("duplex", DUPLEX),
    CHANGE("flags", FLAGS),
    SHOW("ifindex", INDEX),
    SHOW("iflink", INDEX),
    FILE("link_mode", sysfs_show_zero),
    CHANGE("mtu", MTU),
    SHOW("name_assign_type", NAME_ASSIGN),
    FILE("netdev_group", sysfs_show_zero),
    SHOW("operstate", OPERSTATE),
    DIRECTORY("queues", queue_files),
    SHOW("speed", SPEED),
    DIRECTORY("statistics", statistics_files),
    {.name = "subsystem", .mode = S_IFLNK | 0777, .readlink = link_subsystem},
    TEXT("tx_queue_len", "1000"),
    SHOW("type", TYPE),
    SHOW("uevent", UEVENT),
    {0},
};

static const struct generated_node one = {.mode = S_IFDIR | 0555, .children = interface_files};

static ssize link_device(const struct generated_ref *r, char *buf, size_t n)
{
    return scnprintf(buf, n, r->arg == LOOPBACK_INDEX ? "../../devices/virtual/net/lo" : "../../devices/virtio0/net/eth0");
}

static const struct generated_node one_link = {.mode = S_IFLNK | 0777, .readlink = link_device};

/* The interface of this name; 0: none. */
static int index_of(const char *name, size_t n)
{
    char copy[16];
    struct interface i;
    if (n >= sizeof(copy))
        return 0;
    memcpy(copy, name, n);
    copy[n] = 0;
    return interface_find(copy, &i) ? i.index : 0;
}

int sysfs_find_net(const struct generated_ref *r, const char *name, size_t n, struct generated_ref *child)
{
    child->arg = (u64)index_of(name, n);
    child->node = &one_link;
    return child->arg ? 0 : -ENOENT;
}

bool sysfs_list_net(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME], const struct generated_node **node)
{
    struct interface i;
    if (!interface_get((int)*cursor + 1, &i))
        return false;
    snprintf(name, GENERATED_NAME, "%s", i.name);
    *node = &one_link;
    return true;
}

/* In /sys/devices/virtual/net, and in the device's own. */
static int find_lo(const struct generated_ref *r, const char *name, size_t n, struct generated_ref *child)
{
    child->arg = (u64)index_of(name, n);
    child->node = &one;
    return child->arg == LOOPBACK_INDEX ? 0 : -ENOENT;
}

static bool list_lo(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME], const struct generated_node **node)
{
    *node = &one;
    memcpy(name, "lo", 3);
    return *cursor == 0;
}

static int find_eth0(const struct generated_ref *r, const char *name, size_t n, struct generated_ref *child)
{
    child->arg = (u64)index_of(name, n);
    child->node = &one;
    return child->arg == OUTSIDE_INDEX ? 0 : -ENOENT;
}

static bool list_eth0(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME], const struct generated_node **node)
{
    *node = &one;
    memcpy(name, "eth0", 5);
    return *cursor == 0;
}

static const struct generated_node virtual_files[] = {
    {.name = "net", .mode = S_IFDIR | 0555, .children = no_files, .find = find_lo, .list = list_lo},
    {0},
};
static const struct generated_node virtual_devices = {.mode = S_IFDIR | 0555, .children = virtual_files};

static const struct generated_node device_files[] = {
    {.name = "net", .mode = S_IFDIR | 0555, .children = no_files, .find = find_eth0, .list = list_eth0},
    {0},
};
static const struct generated_node device = {.mode = S_IFDIR | 0555, .children = device_files};

/* In /sys/devices. */
int sysfs_find_device(const struct generated_ref *r, const char *name, size_t n, struct generated_ref *child)
{
    if (n == 7 && !memcmp(name, "virtual", 7)) {
        child->node = &virtual_devices;
        return 0;
    }
    child->node = &device;
    return n == 7 && !memcmp(name, "virtio0", 7) && index_of("eth0", 4) ? 0 : -ENOENT;
}

bool sysfs_list_devices(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME], const struct generated_node **node)
{
    *node = *cursor ? &device : &virtual_devices;
    memcpy(name, *cursor ? "virtio0" : "virtual", 8);
    return *cursor == 0 || (*cursor == 1 && index_of("eth0", 4));
}
