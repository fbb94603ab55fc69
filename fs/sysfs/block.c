/* SPDX-License-Identifier: BSD-2-Clause */
/* /sys/block, /sys/class/block and /sys/dev/block: disks and partitions, what lsblk(8) and fio ask for. */
#include "fs/block_device.h"
#include "fs/sysfs/sysfs.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"

/* r->arg: the device's number in order. */
static const struct block_device *device_of(const struct generated_ref *r)
{
    return block_device_at((unsigned)r->arg);
}

static int show_size(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%llu\n", (unsigned long long)device_of(r)->sectors);
    return 0;
}

static int show_start(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%llu\n", (unsigned long long)device_of(r)->start);
    return 0;
}

static int show_partition(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%u\n", device_of(r)->partition);
    return 0;
}

static int show_ro(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%d\n", device_of(r)->read_only);
    return 0;
}

static int show_dev(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%u:%u\n", BLOCK_MAJOR, device_of(r)->minor);
    return 0;
}

static int show_uevent(struct text *t, const struct generated_ref *r)
{
    const struct block_device *d = device_of(r);

    text_printf(t, "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\nDEVTYPE=%s\n", BLOCK_MAJOR, d->minor, d->name,
                d->partition ? "partition" : "disk");
    if (d->partition)
        text_printf(t, "PARTN=%u\n", d->partition);
    return 0;
}

static int show_block_size(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%u\n", device_of(r)->info->block_size);
    return 0;
}

static int show_granularity(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%u\n", device_of(r)->info->discard_granularity);
    return 0;
}

static int show_discard_max(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%llu\n", (unsigned long long)device_of(r)->info->max_discard_sectors * SECTOR_SIZE);
    return 0;
}

static int show_cache(struct text *t, const struct generated_ref *r)
{
    text_printf(t, device_of(r)->info->can_flush ? "write back\n" : "write through\n");
    return 0;
}

static int show_scheduler(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "[none]\n");
    return 0;
}

static int show_serial(struct text *t, const struct generated_ref *r)
{
    char serial[BLOCK_SERIAL_SIZE + 1];
    int error = block_serial(device_of(r), serial);

    if (!error)
        text_printf(t, "%s", serial);
    return error;
}

static void add_usage(struct block_usage *all, const struct block_usage *u)
{
    for (int write = 0; write < 2; write++) {
        all->count[write] += READ_ONCE(u->count[write]);
        all->sectors[write] += READ_ONCE(u->sectors[write]);
        all->time[write] += READ_ONCE(u->time[write]);
    }
}

void block_show_usage(struct text *t, const struct block_device *d, const char *format)
{
    struct block_usage all = {0};
    u64 ms[2];

    add_usage(&all, &d->usage);
    for (unsigned i = 0; !d->partition && block_device_at(i); i++)
        if (block_device_at(i)->partition && block_device_at(i)->disk == d->disk)
            add_usage(&all, &block_device_at(i)->usage);
    for (int write = 0; write < 2; write++)
        ms[write] = all.time[write] / NSEC_PER_MSEC;
    /* Nothing is merged here, and requests are not counted while they run. The rest is about discards and flushes. */
    const u64 numbers[17] = {all.count[0], 0, all.sectors[0], ms[0], all.count[1], 0, all.sectors[1], ms[1], 0,
                             ms[0] + ms[1], ms[0] + ms[1]};
    for (size_t k = 0; k < ARRAY_SIZE(numbers); k++)
        text_printf(t, format, numbers[k]);
    text_printf(t, "\n");
}

static int show_stat(struct text *t, const struct generated_ref *r)
{
    block_show_usage(t, device_of(r), "%8lu ");
    return 0;
}

static const struct generated_node queue_files[] = {
    FILE("discard_granularity", show_granularity),
    FILE("discard_max_bytes", show_discard_max),
    FILE("hw_sector_size", show_block_size),
    FILE("logical_block_size", show_block_size),
    FILE("minimum_io_size", show_block_size),
    FILE("optimal_io_size", sysfs_show_zero),
    FILE("physical_block_size", show_block_size),
    FILE("rotational", sysfs_show_one),
    FILE("scheduler", show_scheduler),
    FILE("write_cache", show_cache),
    {0},
};

static const struct generated_node partition_files[] = {
    FILE("dev", show_dev),
    FILE("partition", show_partition),
    FILE("ro", show_ro),
    FILE("size", show_size),
    FILE("start", show_start),
    FILE("stat", show_stat),
    FILE("uevent", show_uevent),
    {0},
};
static const struct generated_node partition_directory = {.mode = S_IFDIR | 0555, .children = partition_files};

/* The device of this name among the partitions of disk, or among the disks (NULL), or among all. */
static int find(const char *name, size_t n, const struct block_device *disk, bool all, u64 *number)
{
    for (unsigned i = 0; block_device_at(i); i++) {
        const struct block_device *d = block_device_at(i);
        bool here = all || (disk ? d->partition && d->disk == disk->disk : !d->partition);

        if (here && strlen(d->name) == n && !memcmp(d->name, name, n)) {
            *number = i;
            return 0;
        }
    }
    return -ENOENT;
}

/* The first such device at or after *cursor. */
static const struct block_device *list(const struct block_device *disk, bool all, u64 *cursor, char name[GENERATED_NAME])
{
    for (; block_device_at((unsigned)*cursor); ++*cursor) {
        const struct block_device *d = block_device_at((unsigned)*cursor);

        if (all || (disk ? d->partition && d->disk == disk->disk : !d->partition)) {
            snprintf(name, GENERATED_NAME, "%s", d->name);
            return d;
        }
    }
    return NULL;
}

static int find_partition(const struct generated_ref *r, const char *name, size_t n, struct generated_ref *child)
{
    child->node = &partition_directory;
    return find(name, n, device_of(r), false, &child->arg);
}

static bool list_partitions(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME], const struct generated_node **node)
{
    *node = &partition_directory;
    return list(device_of(r), false, cursor, name) != NULL;
}

static const struct generated_node disk_files[] = {
    FILE("dev", show_dev),
    FILE("hidden", sysfs_show_zero),
    {.name = "queue", .mode = S_IFDIR | 0555, .children = queue_files},
    FILE("removable", sysfs_show_zero),
    FILE("ro", show_ro),
    FILE("serial", show_serial),
    FILE("size", show_size),
    FILE("stat", show_stat),
    FILE("uevent", show_uevent),
    {0},
};
static const struct generated_node disk_directory = {
    .mode = S_IFDIR | 0555, .children = disk_files, .find = find_partition, .list = list_partitions};

int sysfs_find_disk(const struct generated_ref *r, const char *name, size_t n, struct generated_ref *child)
{
    child->node = &disk_directory;
    return find(name, n, NULL, false, &child->arg);
}

bool sysfs_list_disks(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME], const struct generated_node **node)
{
    *node = &disk_directory;
    return list(NULL, false, cursor, name) != NULL;
}

static ssize link_device(const struct generated_ref *r, char *buf, size_t n)
{
    const struct block_device *d = device_of(r);

    if (d->partition)
        return scnprintf(buf, n, "../../block/vd%c/%s", 'a' + d->disk, d->name);
    return scnprintf(buf, n, "../../block/%s", d->name);
}

static const struct generated_node device_link = {.mode = S_IFLNK | 0777, .readlink = link_device};

int sysfs_find_block(const struct generated_ref *r, const char *name, size_t n, struct generated_ref *child)
{
    child->node = &device_link;
    return find(name, n, NULL, true, &child->arg);
}

bool sysfs_list_blocks(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME], const struct generated_node **node)
{
    *node = &device_link;
    return list(NULL, true, cursor, name) != NULL;
}

/* /sys/dev/block: the same by number, "254:0". */
bool sysfs_list_numbers(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME], const struct generated_node **node)
{
    const struct block_device *d = block_device_at((unsigned)*cursor);

    *node = &device_link;
    if (d)
        snprintf(name, GENERATED_NAME, "%u:%u", BLOCK_MAJOR, d->minor);
    return d != NULL;
}

int sysfs_find_number(const struct generated_ref *r, const char *name, size_t n, struct generated_ref *child)
{
    char number[GENERATED_NAME];

    for (child->arg = 0; sysfs_list_numbers(r, &child->arg, number, &child->node); child->arg++)
        if (strlen(number) == n && !memcmp(number, name, n))
            return 0;
    return -ENOENT;
}
