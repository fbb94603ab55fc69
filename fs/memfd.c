/* SPDX-License-Identifier: BSD-2-Clause */
/* memfd: a tmpfs file that no directory names, and the seals that tmpfs files carry. What a seal forbids, tmpfs and mmap check. */
#include <linux/falloc.h>
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

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC)

/*
 * MFD_HUGETLB: a file of hugetlbfs on a machine that has reserved no huge pages (vm.nr_hugepages is 0). It can have a size, but
 * no memory: only holes are read, and neither fallocate nor mmap finds a page.
 */
#define HUGE_PAGE(f) ((f)->inode->size)

static ssize huge_read(struct file *f, struct io *io, u64 *pos, int rwf)
{
    return tmpfs_file_ops.read(f, io, pos, rwf);
}

static s64 huge_seek(struct file *f, s64 offset, int whence)
{
    return tmpfs_file_ops.seek(f, offset, whence);
}

static int huge_truncate(struct file *f, u64 size)
{
    return size & (HUGE_PAGE(f) - 1) ? -EINVAL : tmpfs_file_ops.truncate(f, size);
}

static int huge_allocate(struct file *f, int mode, u64 offset, u64 length)
{
    return mode & FALLOC_FL_PUNCH_HOLE ? tmpfs_file_ops.fallocate(f, mode, offset, length)
           : mode & ~FALLOC_FL_KEEP_SIZE ? -EOPNOTSUPP : -ENOSPC;
}

static struct memory_object *huge_map(struct file *f, u64 offset, u64 length, u32 prot, u32 map_flags)
{
    return ERR_PTR(offset & (HUGE_PAGE(f) - 1) ? -EINVAL : -ENOMEM);
}

static int huge_stat(struct file *f, struct stat *st)
{
    int error = inode_stat(f->inode, st);
    st->st_blksize = (s64)HUGE_PAGE(f);
    return error;
}

static const struct file_ops huge_file_ops = {
    .kind = "hugetlbfs",
    .splice = SPLICE_SOURCE,
    .read = huge_read,
    .seek = huge_seek,
    .truncate = huge_truncate,
    .fallocate = huge_allocate,
    .mmap = huge_map,
    .fstat = huge_stat,
};

bool memfd_is_huge(const struct file *f)
{
    return f->ops == &huge_file_ops;
}

int memfd_check_flags(u32 flags)
{
    u32 known = MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC;
    if (flags & MFD_HUGETLB)
        known |= MFD_HUGETLB | ((u32)MFD_HUGE_MASK << MFD_HUGE_SHIFT);
    return (flags & ~known) || (flags & (MFD_NOEXEC_SEAL | MFD_EXEC)) == (MFD_NOEXEC_SEAL | MFD_EXEC) ? -EINVAL : 0;
}

struct file *memfd_create(const char *name, u32 flags)
{
    char label[6 + 250];
    u32 seals = flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL) ? 0 : F_SEAL_SEAL;
    u32 shift = flags & MFD_HUGETLB ? flags >> MFD_HUGE_SHIFT & MFD_HUGE_MASK : 0;

    if (shift && shift != 21 && shift != 30) /* the page sizes of the CPU */
        return ERR_PTR(-ENODEV);
    if (flags & MFD_NOEXEC_SEAL)
        seals |= F_SEAL_EXEC;
    snprintf(label, sizeof(label), "memfd:%s", name);
    struct file *f = tmpfs_anonymous_file(label, O_RDWR, seals);
    if (!IS_ERR(f) && (flags & MFD_NOEXEC_SEAL))
        f->inode->mode &= ~0111u;
    if (!IS_ERR(f) && (flags & MFD_HUGETLB)) {
        f->ops = &huge_file_ops;
        f->inode->size = 1ull << (shift ? shift : 21); /* not used else: the object has the length */
    }
    return f;
}

static bool has_seals(const struct file *f)
{
    return (f->ops == &tmpfs_file_ops || f->ops == &huge_file_ops) && f->inode;
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
    if ((seals & F_SEAL_EXEC) && (i->mode & 0111)) /* an executable file that stays so is complete */
        seals |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
    if (i->seals & F_SEAL_SEAL)
        error = -EPERM;
    else if ((seals & F_SEAL_WRITE) && !(i->seals & F_SEAL_WRITE) &&
             __atomic_load_n(&i->object->writable_mappings, __ATOMIC_RELAXED))
        error = -EBUSY;
    if (!error)
        WRITE_ONCE(i->seals, i->seals | seals);
    if (i->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
        WRITE_ONCE(i->object->sealed, true);
    mutex_unlock(&i->lock);
    return error;
}
