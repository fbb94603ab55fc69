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
/*
 * Puts the VM's root together once the boot archive is unpacked: an overlay of that over what the parameter root= names.
 * image: the archive's .aril/root.erofs, in memory for ever, or NULL. Ends the VM when that cannot be.
 */
void root_compose(const void *image, u64 image_size);
/* Mounts the volumes of .aril/volumes, whose text this is; makes their mount points. Ends the VM when one cannot be. */
void root_mount_volumes(const char *text, u64 size);
/* Makes directory path and its missing parents, 0755. 0 or negative errno. */
int root_make_directory(const char *path);

#endif
