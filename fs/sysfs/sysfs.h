/* SPDX-License-Identifier: BSD-2-Clause */
/* /sys: what programs ask of the machine's shape. */
#ifndef FS_SYSFS_SYSFS_H
#define FS_SYSFS_SYSFS_H

#include "fs/generated.h"

extern const struct file_system_type sysfs_type;

#define FILE(file, function) {.name = file, .mode = S_IFREG | 0444, .show = function}

/* Files that say "0" and "1"; fs/sysfs/sysfs.c. */
int sysfs_show_zero(struct text *t, const struct generated_ref *r);
int sysfs_show_one(struct text *t, const struct generated_ref *r);

/* Names in /sys/block, /sys/class/block and /sys/dev/block; fs/sysfs/block.c. */
int sysfs_find_disk(const struct generated_ref *r, const char *name, size_t n, struct generated_ref *child);
bool sysfs_list_disks(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME], const struct generated_node **node);
int sysfs_find_block(const struct generated_ref *r, const char *name, size_t n, struct generated_ref *child);
bool sysfs_list_blocks(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME], const struct generated_node **node);
int sysfs_find_number(const struct generated_ref *r, const char *name, size_t n, struct generated_ref *child);
bool sysfs_list_numbers(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME], const struct generated_node **node);

/* Names in /sys/class/net, and of network devices in /sys/devices; net/sysfs.c. */
int sysfs_find_net(const struct generated_ref *r, const char *name, size_t n, struct generated_ref *child);
bool sysfs_list_net(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME], const struct generated_node **node);
int sysfs_find_device(const struct generated_ref *r, const char *name, size_t n, struct generated_ref *child);
bool sysfs_list_devices(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME], const struct generated_node **node);

#endif
