/* SPDX-License-Identifier: BSD-2-Clause */
/* memfd: a tmpfs file that no directory names, and the seals that tmpfs files carry. What a seal forbids, tmpfs and mmap check. */
#include <linux/fcntl.h>
#include <linux/memfd.h>
#include "fs/memfd.h"
#include "fs/tmpfs/tmpfs.h"
#include "kernel/lib/printf.h"

/* Linux 6.3; not yet in every system's headers. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#define MFD_EXEC        0x0010U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC)

struct file *memfd_create(const char *name, u32 flags)
{
    char label[6 + 250];
    u32 seals = flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL) ? 0 : F_SEAL_SEAL;

    if (flags & MFD_HUGETLB) /* as without reserved huge pages, told at once and not at the first access */
        return ERR_PTR(-ENOMEM);
    if ((flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC)) ||
        (flags & (MFD_NOEXEC_SEAL | MFD_EXEC)) == (MFD_NOEXEC_SEAL | MFD_EXEC))
        return ERR_PTR(-EINVAL);
    if (flags & MFD_NOEXEC_SEAL)
        seals |= F_SEAL_EXEC;
    snprintf(label, sizeof(label), "memfd:%s", name);
    struct file *f = tmpfs_anonymous_file(label, O_RDWR, seals);
    if (!IS_ERR(f) && (flags & MFD_NOEXEC_SEAL))
        f->inode->mode &= ~0111u;
    return f;
}

static bool has_seals(const struct file *f)
{
    return f->ops == &tmpfs_file_ops && f->inode;
}

u32 memfd_seals(const struct file *f)
{
    return has_seals(f) ? READ_ONCE(f->inode->seals) : 0;
}

long memfd_get_seals(struct file *f)
{
    return has_seals(f) ? (long)f->inode->seals : -EINVAL;
}

long memfd_add_seals(struct file *f, u32 seals)
{
    long error = 0;

    if (!(f->mode & FILE_WRITE))
        return -EPERM;
    if ((seals & ~(u32)ALL_SEALS) || !has_seals(f))
        return -EINVAL;
    struct inode *i = f->inode;
    mutex_lock(&i->lock);
    if (i->seals & F_SEAL_SEAL)
        error = -EPERM;
    else if ((seals & F_SEAL_WRITE) && !(i->seals & F_SEAL_WRITE) &&
             __atomic_load_n(&i->object->writable_mappings, __ATOMIC_RELAXED))
        error = -EBUSY;
    else if ((seals & F_SEAL_EXEC) && (i->mode & 0111)) /* an executable file that stays so is complete */
        seals |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
    if (!error)
        WRITE_ONCE(i->seals, i->seals | seals);
    mutex_unlock(&i->lock);
    return error;
}
