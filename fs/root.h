/* SPDX-License-Identifier: BSD-2-Clause */
/* What the VM's tree is made of beside the boot archive: its lower layer and volumes. fs/root.c. */
#ifndef FS_ROOT_H
#define FS_ROOT_H

#include "kernel/types.h"

struct super;

/*
 * A new instance of a file system that file_systems[] has, as mount(2) would make it. ERR_PTR; -ENODEV: no such type.
 */
struct super *mount_new(const char *type, const char *source, const char *options);
/* Whether root= names a lower layer: else the tmpfs of the boot archive is all there is. */
bool root_has_lower(void);
/* The boot archive's .aril/root.erofs, in memory for ever. */
void root_set_image(const void *data, u64 size);
/*
 * Where the archive's member path (of PATH_MAX bytes) goes so that it is found beside what an image has: the directories that lead
 * to it may be symbolic links there, and with follow it itself. Changed in place. 0 or negative errno.
 */
int root_place(char *path, bool follow);
/* Attributes for a directory that is only made for what is below it: those in the image, if it is there. */
void root_directory_attributes(const char *path, u32 *mode, u32 *uid, u32 *gid, s64 *mtime);
/*
 * Puts the VM's root together once the boot archive is unpacked: an overlay of that over what the parameter root= names.
 * Ends the VM when that cannot be.
 */
void root_compose(void);
/* What others put into the root besides the archive, by vfs_boot_file(), before it is composed; in the program's first thread. May be NULL. */
extern void (*root_fill)(void);
/* Mounts the volumes of .aril/volumes, whose text this is; makes their mount points. Ends the VM when one cannot be. */
void root_mount_volumes(const char *text, u64 size);
/* Makes directory path and its missing parents, 0755. 0 or negative errno. */
int root_make_directory(const char *path);

#endif
