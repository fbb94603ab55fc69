/* SPDX-License-Identifier: BSD-2-Clause */
/* memfd_create(2) and file seals (fcntl(2), "File Sealing"). */
#ifndef FS_MEMFD_H
#define FS_MEMFD_H

#include "fs/file.h"

/* 0, or -EINVAL: MFD_* flags that nobody knows or that exclude each other. */
int memfd_check_flags(u32 flags);
/* A memfd file named name (at most 249 bytes) with flags as checked, or ERR_PTR: -ENODEV (size of huge pages), -ENOMEM. */
struct file *memfd_create(const char *name, u32 flags);
/* Made with MFD_HUGETLB. */
bool memfd_is_huge(const struct file *f);
/* F_SEAL_* in force on f, 0 for files that know none. */
u32 memfd_seals(const struct file *f);
/* F_GET_SEALS: the seals, or -EINVAL. */
long memfd_get_seals(struct file *f);
/* F_ADD_SEALS: 0, -EPERM (read-only descriptor, sealed), -EINVAL, -EBUSY (F_SEAL_WRITE while mapped writable and shared). */
long memfd_add_seals(struct file *f, u32 seals);

#endif
