/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls on the address space: mmap(2) and its relatives. Argument checks here, the work in kernel/address_space*.c. */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/personality.h>
#include "fs/file.h"
#include "fs/memfd.h"
#include "fs/uring/uring.h"
#include "fs/vfs.h"
#include "kernel/address_space.h"
#include "net/socket.h"
#include "syscalls/syscall.h"

#define PROT_RWX (PROT_READ | PROT_WRITE | PROT_EXEC)

/* Flags that MAP_SHARED ignores when it does not know them; MAP_SHARED_VALIDATE accepts these only. */
#define LEGACY_FLAGS                                                                                   \
    (MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE |            \
     MAP_UNINITIALIZED | MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK |     \
     MAP_STACK | MAP_HUGETLB | MAP_32BIT | (MAP_HUGE_MASK << MAP_HUGE_SHIFT))

static struct address_space *space(void)
{
    return current_process()->space;
}

static u32 region_flags_of(u32 flags)
{
    u32 r = 0;
    if (flags & MAP_GROWSDOWN)
        r |= REGION_GROWSDOWN;
    if (flags & MAP_NORESERVE)
        r |= REGION_NORESERVE;
    if (flags & MAP_STACK)
        r |= REGION_STACK;
    if (flags & MAP_DENYWRITE) /* the dynamic loader's mark; it forbids nothing */
        r |= REGION_IMAGE;
    if (flags & MAP_LOCKED)
        r |= REGION_LOCKED;
    return r;
}

/* There are no reserved huge pages: what a Linux with vm.nr_hugepages=0 answers. */
static long refuse_hugetlb(u64 length, u32 flags)
{
    unsigned shift = flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;
    if (length == 0 || (shift && shift != 21 && shift != 30) || !(flags & MAP_TYPE))
        return -EINVAL;
    return -ENOMEM;
}

/* Nothing is executed from a mount with noexec, nor from what is on no mount (pipes, sockets) but memfds. */
static bool forbids_exec(const struct file *f)
{
    if (uring_of(f) || socket_of_file(f)) /* sockets that can be mapped, too */
        return true;
    return f->mount && f->mount != mount_anonymous() ? f->mount->flags & MS_NOEXEC : !f->ops->mmap;
}

/* personality(2): what may be read may be executed as well. */
static bool read_implies_exec(u32 prot)
{
    return prot & PROT_READ && current_process()->personality & READ_IMPLIES_EXEC;
}

/* Fills in what is mapped, for a mapping of f; the object's reference is the caller's to drop. */
static long map_file(struct file *f, struct mapping *m, u32 flags)
{
    u32 type = flags & MAP_TYPE;
    u32 seals = memfd_seals(f);

    /* What has positions ends at 2^63, and sockets; the rest Linux lets go on. */
    bool positions = f->inode && (S_ISREG(f->inode->mode) || S_ISBLK(f->inode->mode));
    if (m->offset > (positions || socket_of_file(f) ? INT64_MAX : UINT64_MAX) - ALIGN_UP(m->length, PAGE_SIZE))
        return -EOVERFLOW;
    if (type == MAP_SHARED_VALIDATE && (flags & ~(u32)(LEGACY_FLAGS | MAP_FIXED_NOREPLACE)))
        return -EOPNOTSUPP;
    if (type == MAP_SHARED || type == MAP_SHARED_VALIDATE) {
        if ((m->prot & PROT_WRITE) && !(f->mode & FILE_WRITE))
            return -EACCES;
        if (f->mode & FILE_WRITE && f->inode && f->inode->flags & FS_APPEND_FL)
            return -EACCES;
        m->flags |= REGION_SHARED;
        if (!(f->mode & FILE_WRITE))
            m->max_prot &= ~(u32)PROT_WRITE;
    } else if (type != MAP_PRIVATE) {
        return -EINVAL;
    }
    if (!(f->mode & FILE_READ))
        return -EACCES;
    if (forbids_exec(f)) {
        if (m->prot & PROT_EXEC)
            return -EPERM;
        m->max_prot &= ~(u32)PROT_EXEC;
    }
    if (!f->ops->mmap)
        return -ENODEV;
    if (flags & MAP_GROWSDOWN)
        return -EINVAL;
    if ((m->flags & REGION_SHARED) && (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))) {
        if (m->prot & PROT_WRITE)
            return -EPERM;
        m->max_prot &= ~(u32)PROT_WRITE;
    }
    struct memory_object *o = f->ops->mmap(f, m->offset, m->length, m->prot, flags);
    if (IS_ERR(o))
        return PTR_ERR(o);
    if (f->inode && S_ISREG(f->inode->mode))
        inode_touch_atime(f);
    m->object = o;
    m->file = o ? f : NULL;
    return 0;
}

static long map_anonymous(struct mapping *m, u32 flags)
{
    switch (flags & MAP_TYPE) {
    case MAP_PRIVATE:
        return 0;
    case MAP_SHARED:
        if (flags & MAP_GROWSDOWN)
            return -EINVAL;
        m->flags |= REGION_SHARED;
        m->offset = 0;
        m->object = ram_object_create(ALIGN_UP(m->length, PAGE_SIZE));
        return m->object ? 0 : -ENOMEM;
    default:
        return -EINVAL;
    }
}

long sys_mmap(const struct syscall_args *a)
{
    u32 prot = ARG_U32(a, 2), flags = ARG_U32(a, 3);
    struct file *f = NULL;
    struct mapping m = {
        .address = ARG_U64(a, 0),
        .length = ARG_U64(a, 1),
        .prot = prot & PROT_RWX,
        .max_prot = PROT_RWX,
        .flags = region_flags_of(flags),
        .offset = ARG_U64(a, 5),
        .fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE),
        .replace = !(flags & MAP_FIXED_NOREPLACE),
        .below_2g = flags & MAP_32BIT,
        .populate = (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE,
    };

    if (m.offset & ~PAGE_MASK)
        return -EINVAL;
    if (!(flags & MAP_ANONYMOUS)) {
        f = fd_get(ARG_INT(a, 4));
        if (!f)
            return -EBADF;
    } else if (flags & MAP_HUGETLB) {
        return refuse_hugetlb(m.length, flags);
    }
    long result = f && (flags & MAP_HUGETLB) && !memfd_is_huge(f) ? -EINVAL : address_space_check(&m);
    if (read_implies_exec(prot) && !(f && forbids_exec(f)))
        m.prot |= PROT_EXEC;
    if (!result)
        result = f ? map_file(f, &m, flags) : map_anonymous(&m, flags);
    if (!result)
        result = address_space_map(space(), &m);
    if (m.object)
        memory_object_put(m.object); /* the region has its own */
    if (f)
        file_put(f);
    return result;
}

long sys_munmap(const struct syscall_args *a)
{
    return address_space_unmap(space(), ARG_U64(a, 0), ARG_U64(a, 1));
}

long sys_mprotect(const struct syscall_args *a)
{
    u64 prot = ARG_U64(a, 2);

    return address_space_protect_more(space(), ARG_U64(a, 0), ARG_U64(a, 1), prot, read_implies_exec((u32)prot) ? PROT_EXEC : 0);
}

long sys_mremap(const struct syscall_args *a)
{
    return address_space_remap(space(), ARG_U64(a, 0), ARG_U64(a, 1), ARG_U64(a, 2), ARG_U64(a, 3), ARG_U64(a, 4));
}

long sys_madvise(const struct syscall_args *a)
{
    return address_space_advise(space(), ARG_U64(a, 0), ARG_U64(a, 1), ARG_INT(a, 2));
}

long sys_brk(const struct syscall_args *a)
{
    return (long)address_space_brk(space(), ARG_U64(a, 0));
}

long sys_mincore(const struct syscall_args *a)
{
    vaddr_t start = ARG_U64(a, 0);
    u64 length = ARG_U64(a, 1), pages = (length >> PAGE_SHIFT) + ((length & ~PAGE_MASK) != 0);
    u8 *out = ARG_PTR(a, 2);
    u8 vec[256];

    if (start & ~PAGE_MASK)
        return -EINVAL;
    if (length > USER_SPACE_END || start > USER_SPACE_END - length)
        return -ENOMEM;
    if (!user_range_ok(out, pages))
        return -EFAULT;
    while (pages) {
        size_t n = MIN(pages, sizeof(vec));
        int error = address_space_mincore(space(), start, n, vec);
        if (error)
            return error;
        if (copy_to_user(out, vec, n))
            return -EFAULT;
        start += n * PAGE_SIZE;
        out += n;
        pages -= n;
    }
    return 0;
}

long sys_msync(const struct syscall_args *a)
{
    return address_space_sync(space(), ARG_U64(a, 0), ARG_U64(a, 1), ARG_INT(a, 2));
}

long sys_mlock(const struct syscall_args *a)
{
    return address_space_lock_range(space(), ARG_U64(a, 0), ARG_U64(a, 1), true, false);
}

long sys_mlock2(const struct syscall_args *a)
{
    int flags = ARG_INT(a, 2);
    if (flags & ~MLOCK_ONFAULT)
        return -EINVAL;
    return address_space_lock_range(space(), ARG_U64(a, 0), ARG_U64(a, 1), true, flags & MLOCK_ONFAULT);
}

long sys_munlock(const struct syscall_args *a)
{
    return address_space_lock_range(space(), ARG_U64(a, 0), ARG_U64(a, 1), false, false);
}

long sys_mlockall(const struct syscall_args *a)
{
    int flags = ARG_INT(a, 0);
    return flags ? address_space_lock_all(space(), flags) : -EINVAL;
}

long sys_munlockall(const struct syscall_args *a)
{
    return address_space_lock_all(space(), 0);
}

/* remap_file_pages(2), as Linux emulates it since 4.0: a new mapping over the old one. */
long sys_remap_file_pages(const struct syscall_args *a)
{
    vaddr_t start = ARG_U64(a, 0) & PAGE_MASK;
    u64 size = ARG_U64(a, 1) & PAGE_MASK, index = ARG_U64(a, 3);
    struct address_space *as = space();
    struct mapping m = {.address = start, .length = size, .offset = index << PAGE_SHIFT, .fixed = true, .replace = true};
    long result = -EINVAL;

    if (ARG_U64(a, 2) || start + size <= start || index + (size >> PAGE_SHIFT) < index ||
        index >= UINT64_MAX >> PAGE_SHIFT)
        return -EINVAL;
    rwlock_read_lock(&as->lock);
    struct region *r = region_find(as, start);
    if (r && r->start <= start && start + size <= r->end && (r->flags & REGION_SHARED)) {
        m.prot = r->prot;
        m.max_prot = r->max_prot;
        m.flags = r->flags;
        m.object = r->object;
        m.file = r->file;
        m.populate = !(ARG_U64(a, 4) & MAP_NONBLOCK);
        memory_object_get(m.object);
        if (m.file)
            region_file_get(m.file);
        result = 0;
    }
    rwlock_read_unlock(&as->lock);
    if (result)
        return result;
    result = address_space_map(as, &m);
    memory_object_put(m.object);
    if (m.file)
        region_file_put(m.file);
    return result < 0 ? result : 0;
}

/* memfd_create(2) allows names of 249 bytes. */
#define MEMFD_NAME_MAX 249

long sys_memfd_create(const struct syscall_args *a)
{
    u32 flags = ARG_U32(a, 1);
    char name[MEMFD_NAME_MAX + 1];
    int error = memfd_check_flags(flags);
    if (error)
        return error;
    ssize n = copy_string_from_user(name, ARG_PTR(a, 0), sizeof(name));
    if (n < 0)
        return n == -ENAMETOOLONG ? -EINVAL : n;
    struct file *f = memfd_create(name, flags);
    if (IS_ERR(f))
        return PTR_ERR(f);
    int fd = fd_install(f, 0, flags & MFD_CLOEXEC ? O_CLOEXEC : 0);
    if (fd < 0)
        file_put(f);
    return fd;
}

/* Protection keys as a CPU without them has it: none to allocate, only key -1 (none) to set. */
long sys_pkey_alloc(const struct syscall_args *a)
{
    return -EINVAL;
}

long sys_pkey_free(const struct syscall_args *a)
{
    return -EINVAL;
}

long sys_pkey_mprotect(const struct syscall_args *a)
{
    if (ARG_INT(a, 3) != -1)
        return -EINVAL;
    return sys_mprotect(a);
}
