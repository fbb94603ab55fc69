/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V shared memory: shmget(2), shmat(2), shmctl(2). A segment is a file without a name whose object has the segment's
 * length; attaching maps it. The segment holds one reference on the file, each mapping another, and the file's memory goes with the
 * last of them: a segment that is removed stays while it is attached. Every part of a mapping that was cut counts as attached.
 */
#include <linux/capability.h>
#include <asm-generic/hugetlb_encode.h>
#include <linux/mman.h>
#include "fs/ipc/shm.h"
#include "fs/tmpfs/tmpfs.h"
#include "kernel/address_space.h"
#include "kernel/heap.h"
#include "kernel/lib/printf.h"
#include "kernel/page.h"

struct shm_segment {
    struct ipc_object ipc;
    struct file *file;  /* reference */
    u64 size;           /* bytes */
    u64 attached;       /* mappings, and calls of shmat on their way */
    s64 attach_time, detach_time;
    s32 creator, last;  /* process ids */
};

static u64 total_pages; /* of all segments; table's lock */
static u64 locked_pages; /* of those locked; table's lock */

static long make(const struct ipc_request *r);
static int fits(const struct ipc_object *o, const struct ipc_request *r);

struct ipc_table shm_table = IPC_TABLE(SHMMNI, make, fits);

static struct shm_segment *segment_of(const struct ipc_object *o)
{
    return container_of(o, struct shm_segment, ipc);
}

static u64 pages_of(const struct shm_segment *s)
{
    return ALIGN_UP(s->size, PAGE_SIZE) >> PAGE_SHIFT;
}

/* ------------------------------------------------------------ the file */

static void unlock_pages(struct shm_segment *s)
{
    if (s->ipc.mode & SHM_LOCKED)
        locked_pages -= pages_of(s);
    s->ipc.mode &= ~(u32)SHM_LOCKED;
}

/* Takes s out of the table if it is removed and not attached; true: the caller puts its file, without the lock. Locked. */
static bool forget(struct shm_segment *s)
{
    if (s->attached || !(s->ipc.mode & SHM_DEST))
        return false;
    unlock_pages(s);
    ipc_remove(&shm_table, &s->ipc);
    total_pages -= pages_of(s);
    return true;
}

static void count(struct shm_segment *s, int change)
{
    spin_lock(&shm_table.lock);
    s->attached += (u64)(s64)change;
    s->last = ipc_pid();
    *(change > 0 ? &s->attach_time : &s->detach_time) = ipc_time();
    bool gone = forget(s);
    struct file *f = s->file;
    spin_unlock(&shm_table.lock);
    if (gone)
        file_put(f);
}

static void mapped(struct file *f, int change)
{
    count(f->private, change);
}

static struct memory_object *map(struct file *f, u64 offset, u64 length, u32 prot, u32 map_flags)
{
    return tmpfs_file_ops.mmap(f, offset, length, prot, map_flags);
}

static int sync(struct file *f, bool data_only)
{
    return 0;
}

static void release(struct file *f)
{
    kfree(f->private);
}

static const struct file_ops shm_file_ops = {
    .kind = "tmpfs",
    .mmap = map,
    .fsync = sync,
    .mapped = mapped,
    .release = release,
};

/* ------------------------------------------------------------ shmget */

static int fits(const struct ipc_object *o, const struct ipc_request *r)
{
    return r->size > segment_of(o)->size ? -EINVAL : 0;
}

/* No huge pages are reserved: as a Linux with vm.nr_hugepages at 0. */
static long refuse_huge(u32 flags)
{
    u32 shift = flags >> HUGETLB_FLAG_ENCODE_SHIFT & HUGETLB_FLAG_ENCODE_MASK;

    if (shift && shift != 21 && shift != 30)
        return -EINVAL;
    return capable(CAP_IPC_LOCK) ? -ENOMEM : -EPERM;
}

static struct file *make_file(s32 key, u64 size)
{
    char name[16];

    snprintf(name, sizeof(name), "SYSV%08x", (u32)key);
    struct file *f = tmpfs_anonymous_file(name, O_RDWR, F_SEAL_SEAL);
    if (!IS_ERR(f))
        f->inode->object->size = size; /* nobody has seen it yet */
    return f;
}

static void count_pages(s64 change)
{
    spin_lock(&shm_table.lock);
    total_pages += (u64)change;
    spin_unlock(&shm_table.lock);
}

static long make(const struct ipc_request *r)
{
    u64 pages = (r->size >> PAGE_SHIFT) + ((r->size & ~PAGE_MASK) != 0);
    struct page_stats memory;

    if (r->size == 0 || r->size > ipc_limits.shm_max)
        return -EINVAL;
    if (total_pages + pages > ipc_limits.shm_all || total_pages + pages < pages)
        return -ENOSPC;
    if (r->flags & SHM_HUGETLB)
        return refuse_huge(r->flags);
    if (r->size > INT64_MAX)
        return -EINVAL;
    page_stats(&memory);
    if (pages > memory.total && !(r->flags & SHM_NORESERVE))
        return -ENOMEM;
    struct shm_segment *s = kzalloc(sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->file = make_file(r->key, r->size);
    if (IS_ERR(s->file)) {
        long error = PTR_ERR(s->file);
        kfree(s);
        return error;
    }
    struct file *f = s->file;
    f->ops = &shm_file_ops;
    f->private = s;
    s->size = r->size;
    s->creator = ipc_pid();
    file_get(f); /* ours: the segment may be removed as soon as it is in the table */
    count_pages((s64)pages);
    long id = ipc_add(&shm_table, &s->ipc, r);
    if (id < 0) {
        count_pages(-(s64)pages);
        file_put(f);
    } else {
        f->inode->ino = (u64)id; /* what /proc/PID/maps shows */
    }
    file_put(f);
    return id;
}

/* ------------------------------------------------------------ shmat */

/* Where to map, from what the program says: 0 or -EINVAL. */
static int choose_place(struct mapping *m, vaddr_t address, u32 flags)
{
    if (!address)
        return flags & SHM_REMAP ? -EINVAL : 0;
    if (address & ~PAGE_MASK) {
        if (!(flags & SHM_RND))
            return -EINVAL;
        address &= PAGE_MASK;
        if (!address && (flags & SHM_REMAP))
            return -EINVAL;
    }
    m->address = address;
    m->fixed = true;
    m->replace = flags & SHM_REMAP;
    return 0;
}

long shm_attach(s32 id, vaddr_t address, u32 flags)
{
    struct mapping m = {
        .prot = PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) | (flags & SHM_EXEC ? PROT_EXEC : 0),
        .flags = REGION_SHARED | REGION_ATTACHED,
    };
    u32 mode = (flags & SHM_RDONLY ? 0444 : 0666) | (flags & SHM_EXEC ? 0111 : 0);
    long result = id < 0 ? -EINVAL : choose_place(&m, address, flags);

    if (result)
        return result;
    spin_lock(&shm_table.lock);
    struct ipc_object *o = ipc_find(&shm_table, id);
    struct shm_segment *s = segment_of(o);
    if (IS_ERR(o))
        result = PTR_ERR(o);
    else if (!ipc_permits(o, mode))
        result = -EACCES;
    else
        s->attached++; /* it must not go meanwhile */
    spin_unlock(&shm_table.lock);
    if (result)
        return result;

    m.file = s->file;
    m.object = m.file->inode->object;
    m.length = s->size;
    m.max_prot = PROT_READ | PROT_EXEC | (m.prot & PROT_WRITE);
    if (m.fixed && !m.replace && m.address + m.length < m.address)
        result = -EINVAL;
    else
        result = address_space_map(current_process()->space, &m);

    spin_lock(&shm_table.lock);
    s->attached--;
    bool gone = forget(s);
    spin_unlock(&shm_table.lock);
    if (gone)
        file_put(m.file);
    return result == -EEXIST ? -EINVAL : result;
}

/* ------------------------------------------------------------ shmctl */

static void fill(const struct shm_segment *s, struct shmid64_ds *d)
{
    *d = (struct shmid64_ds){
        .shm_segsz = s->size,
        .shm_atime = s->attach_time,
        .shm_dtime = s->detach_time,
        .shm_ctime = s->ipc.changed,
        .shm_cpid = s->creator,
        .shm_lpid = s->last,
        .shm_nattch = s->attached,
    };
    ipc_stat(&s->ipc, &d->shm_perm);
}

static long lock_pages(struct shm_segment *s, bool lock)
{
    u64 limit = current_process()->limits[RLIMIT_MEMLOCK].rlim_cur;
    u32 euid = current_thread()->cred.euid;

    if (!capable(CAP_IPC_LOCK)) {
        if (euid != s->ipc.uid && euid != s->ipc.cuid)
            return -EPERM;
        if (lock && !limit)
            return -EPERM;
    }
    if (!lock) {
        unlock_pages(s);
    } else if (!(s->ipc.mode & SHM_LOCKED)) {
        if (!capable(CAP_IPC_LOCK) && (locked_pages + pages_of(s)) > limit >> PAGE_SHIFT)
            return -ENOMEM;
        s->ipc.mode |= SHM_LOCKED;
        locked_pages += pages_of(s);
    }
    return 0;
}

/* The command on a segment that was found. Locked. */
static long control(struct shm_segment *s, int cmd, struct shmid64_ds *d)
{
    switch (cmd) {
    case IPC_STAT:
    case SHM_STAT:
        if (!ipc_permits(&s->ipc, 0444))
            return -EACCES;
        /* fall through */
    case SHM_STAT_ANY:
        fill(s, d);
        return cmd == IPC_STAT ? 0 : s->ipc.id;
    case IPC_SET:
        return ipc_set(&s->ipc, &d->shm_perm);
    case IPC_RMID:
        s->ipc.mode |= SHM_DEST;
        s->ipc.key = IPC_PRIVATE; /* not to be found any more */
        return 0;
    default:
        return lock_pages(s, cmd == SHM_LOCK);
    }
}

long shm_control(s32 id, int cmd, struct shmid64_ds *d)
{
    struct file *f = NULL;

    spin_lock(&shm_table.lock);
    struct ipc_object *o = ipc_find_for(&shm_table, id, cmd, SHM_STAT, SHM_STAT_ANY);
    long result = IS_ERR(o) ? PTR_ERR(o) : control(segment_of(o), cmd, d);
    if (!IS_ERR(o) && forget(segment_of(o)))
        f = segment_of(o)->file;
    spin_unlock(&shm_table.lock);
    if (f)
        file_put(f);
    return result;
}

/* Pages of s that are in memory. */
static u64 resident(const struct shm_segment *s)
{
    return ram_object_pages(s->file->inode->object);
}

long shm_count(u32 *used, u64 *pages, u64 *resident_pages)
{
    struct ipc_object *o;

    *resident_pages = 0;
    spin_lock(&shm_table.lock);
    for (u64 place = 0; (o = (struct ipc_object *)radix_next(&shm_table.objects, &place)); place++)
        *resident_pages += resident(segment_of(o));
    *used = shm_table.used;
    *pages = total_pages;
    long highest = ipc_highest(&shm_table);
    spin_unlock(&shm_table.lock);
    return highest;
}

static void line(struct text *t, const struct ipc_object *o)
{
    const struct shm_segment *s = segment_of(o);

    text_printf(t, "%21llu %5u %5u  %5llu ", (unsigned long long)s->size, s->creator, s->last,
                (unsigned long long)s->attached);
    ipc_show_owner(t, o);
    text_printf(t, "%10lld %10lld %10lld %21llu %21u\n", (long long)s->attach_time, (long long)s->detach_time,
                (long long)o->changed, (unsigned long long)(resident(s) * PAGE_SIZE), 0);
}

int shm_show(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime"
                   "      ctime                   rss                  swap\n");
    ipc_show(&shm_table, t, line);
    return 0;
}
