/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page cache: data of files and block devices whose home is elsewhere (EROFS, 9p, disks), kept in pages under read,
 * write and mmap alike. A cached file's inode->object is one of these; a file system only says how pages are filled and
 * written back. Clean pages that nobody maps are given up, oldest first, when memory is short.
 *
 * Pages of one object are found by index in a radix tree under the object's lock. A page being filled is in the tree
 * already and marked so: who else wants it waits. No lock is held while the file system's functions run or while a
 * buffer of the program is touched.
 */
#ifndef FS_PAGE_CACHE_H
#define FS_PAGE_CACHE_H

#include "kernel/memory_object.h"

struct io;
struct file;

/*
 * What a file system gives. read and write run without any lock of the kernel's held, but in the program's threads,
 * the cache's own ones and, when memory is short, in any thread that writes: they may sleep, and they touch no memory
 * of the program. n is at most 64. Several calls may run at once, never two for one page.
 */
struct page_cache_ops {
    /*
     * Fills pages[0..n), the addresses of n whole pages of the file from index on, with the file's bytes; what lies past the
     * file's end, or what the file system knows as such while the cache knows better, is zeroed. 0, or negative errno: then none of them is kept, and the cache asks again for
     * the one page that was wanted.
     */
    int (*read)(struct memory_object *o, u64 index, unsigned n, void *const pages[]);
    /*
     * Writes the same back; bytes: how many, from the first page's start (the last page may be partial at the file's end).
     * Pages may change while it runs; they are written again then. NULL: the object is never dirty (read-only file system).
     */
    int (*write)(struct memory_object *o, u64 index, unsigned n, void *const pages[], u64 bytes);
    /*
     * A page that lies in memory for ever and may be read there (an image that is a boot module): its address, or 0. Its bytes
     * past the file's end are zero. Atomic, and always the same answer. NULL: none.
     */
    paddr_t (*in_place)(struct memory_object *o, u64 index);
    /* The object's last reference is gone, its pages are too: free private. Does not wait for I/O. May be NULL. */
    void (*destroy)(struct memory_object *o);
};

/* An object of refs 1 and size bytes; private is the file system's (page_cache_private). NULL: out of memory. */
struct memory_object *page_cache_create(const struct page_cache_ops *ops, u64 size, void *private);
void *page_cache_private(const struct memory_object *o);

/*
 * Reads at offset into io as far as the file and io go, reading ahead when the accesses are sequential. Bytes, 0 at the end,
 * -EIO or what the file system says, -EFAULT, -EINTR if the thread must end.
 */
ssize page_cache_read(struct memory_object *o, struct io *io, u64 offset);
/*
 * Writes io at offset into the cache and makes the pages dirty; grows the object (the file system's own limits are checked
 * by the caller, who holds the inode's lock). Bytes or negative errno. Only with ops->write.
 */
ssize page_cache_write(struct memory_object *o, struct io *io, u64 offset);
/*
 * New size: pages past it leave the cache and all mappings, dirty or not; the tail of the last one is zeroed. The caller holds
 * the inode's lock.
 */
int page_cache_truncate(struct memory_object *o, u64 size);
/*
 * Writes dirty pages of [first, last) (indices) back and waits for it. 0, or the first error of a write-back since the last
 * call, whoever had asked for it; pages whose write failed count as clean. Afterwards the first store of the program
 * to a mapped page faults again, so that it is known as dirty.
 */
int page_cache_sync(struct memory_object *o, u64 first, u64 last);
/* Writes back all that is dirty now (sync(2), the end of the VM). Errors stay for the files' own fsync. */
void page_cache_sync_all(void);
/* Drops clean pages of [first, last) that nobody uses (POSIX_FADV_DONTNEED). */
void page_cache_drop(struct memory_object *o, u64 first, u64 last);
/* The file changed at its home: drops all clean pages of [first, last), from mappings too. Dirty ones stay: sync first. */
void page_cache_invalidate(struct memory_object *o, u64 first, u64 last);
/*
 * Starts to bring [first, last) in (readahead(2), MADV_WILLNEED, POSIX_FADV_WILLNEED), as far as a megabyte; failures do not
 * matter. Does not wait.
 */
void page_cache_read_ahead(struct memory_object *o, u64 first, u64 last);
/* Pages in all page caches now, for /proc/meminfo; *dirty of them are not written back. */
u64 page_cache_pages(u64 *dirty);

/* struct file_ops.read and .mmap of a file whose inode->object is cached; an atime that is due is set. */
ssize page_cache_file_read(struct file *f, struct io *io, u64 *pos, int rwf);
struct memory_object *page_cache_file_mmap(struct file *f, u64 offset, u64 length, u32 prot, u32 map_flags);

#endif
