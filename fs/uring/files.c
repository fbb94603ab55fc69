/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registered files: slots that requests name with IOSQE_FIXED_FILE. The array changes under submitting, its slots under the
 * ring's lock too, so that a request finds its file in any thread.
 */
#include "fs/uring/uring.h"
#include "kernel/heap.h"
#include "kernel/user.h"

struct file *uring_file(struct uring *ring, u32 index)
{
    struct file *f = NULL;

    spin_lock_irq(&ring->lock);
    if (index < ring->file_count && ring->files[index].file) {
        f = ring->files[index].file;
        file_get(f);
    }
    spin_unlock_irq(&ring->lock);
    return f;
}

/* Replaces what is in slot, telling of the tag of what was there. */
static bool replace(struct uring *ring, u32 slot, struct file *f, u64 tag)
{
    struct uring_file_slot old = {f, 0};

    spin_lock_irq(&ring->lock);
    if (slot < ring->file_count) { /* else they were unregistered just now */
        old = ring->files[slot];
        ring->files[slot] = (struct uring_file_slot){f, tag};
        ring->alloc_hint = slot + (f != NULL); /* where to look next for a free one */
    }
    spin_unlock_irq(&ring->lock);
    if (old.tag)
        uring_post(ring, old.tag, 0, 0, NULL, 0);
    if (old.file)
        file_put(old.file);
    return old.file;
}

s64 uring_file_install(struct uring *ring, struct file *f, u32 index)
{
    bool any = index == IORING_FILE_INDEX_ALLOC;
    u32 slot = index - 1;

    if (uring_of(f)) {
        file_put(f);
        return -EBADF;
    }
    spin_lock_irq(&ring->lock);
    if (any) {
        u32 n = ring->alloc_end - ring->alloc_first, from = MAX(ring->alloc_hint, ring->alloc_first) - ring->alloc_first;
        slot = ring->alloc_end;
        for (u32 i = 0; i < n; i++) {
            u32 at = ring->alloc_first + (from + i) % n;
            if (!ring->files[at].file) {
                slot = at;
                break;
            }
        }
        if (slot < ring->alloc_end) { /* nobody else gets it */
            ring->alloc_hint = slot + 1;
            ring->files[slot] = (struct uring_file_slot){f, 0};
        }
    }
    u32 count = ring->file_count, end = ring->alloc_end;
    spin_unlock_irq(&ring->lock);
    if (any && count && slot < end)
        return slot;
    if (any || slot >= count) {
        file_put(f);
        return !count ? -ENXIO : any ? -ENFILE : -EINVAL;
    }
    replace(ring, slot, f, 0);
    return 0;
}

int uring_file_remove(struct uring *ring, u32 slot)
{
    if (!ring->file_count)
        return -ENXIO;
    if (slot >= ring->file_count)
        return -EINVAL;
    return replace(ring, slot, NULL, 0) ? 0 : -EBADF;
}

void uring_files_drop(struct uring *ring)
{
    spin_lock_irq(&ring->lock);
    struct uring_file_slot *files = ring->files;
    u32 n = ring->file_count;
    ring->files = NULL;
    ring->file_count = ring->alloc_first = ring->alloc_end = 0;
    spin_unlock_irq(&ring->lock);
    for (u32 i = 0; i < n; i++) {
        if (files[i].tag && !ring->closed)
            uring_post(ring, files[i].tag, 0, 0, NULL, 0);
        if (files[i].file)
            file_put(files[i].file);
    }
    kfree(files);
}

/* The file for a registration of fd, or ERR_PTR; NULL: none (-1). */
static struct file *file_to_register(s32 fd)
{
    struct file *f = fd == -1 ? NULL : fd_get(fd);

    if (fd != -1 && !f)
        return ERR_PTR(-EBADF);
    if (f && uring_of(f)) {
        file_put(f);
        return ERR_PTR(-EBADF);
    }
    return f;
}

static long fill(struct uring_file_slot *files, const s32 *user_fds, const u64 *user_tags, u32 n)
{
    for (u32 i = 0; i < n; i++) {
        s32 fd = -1;

        if ((user_fds && get_user(fd, user_fds + i)) || (user_tags && get_user(files[i].tag, user_tags + i)))
            return -EFAULT;
        if (fd == -1 && files[i].tag)
            return -EINVAL;
        struct file *f = file_to_register(fd);
        if (IS_ERR(f))
            return PTR_ERR(f);
        files[i].file = f;
    }
    return 0;
}

long uring_files_register(struct uring *ring, const s32 *user_fds, const u64 *user_tags, u32 n, bool sparse)
{
    if (ring->files)
        return -EBUSY;
    if (!n)
        return -EINVAL;
    if (n > URING_FILES_MAX || n > current_process()->limits[RLIMIT_NOFILE].rlim_cur)
        return -EMFILE;
    struct uring_file_slot *files = kzalloc(n * sizeof(*files));
    if (!files)
        return -ENOMEM;
    long error = sparse ? 0 : fill(files, user_fds, user_tags, n);
    if (error) {
        for (u32 i = 0; i < n; i++)
            if (files[i].file)
                file_put(files[i].file);
        kfree(files);
        return error;
    }
    spin_lock_irq(&ring->lock);
    ring->files = files;
    ring->file_count = ring->alloc_end = n;
    ring->alloc_first = ring->alloc_hint = 0;
    spin_unlock_irq(&ring->lock);
    return 0;
}

long uring_files_unregister(struct uring *ring)
{
    if (!ring->files)
        return -ENXIO;
    uring_files_drop(ring);
    return 0;
}

long uring_files_update(struct uring *ring, u32 first, const s32 *user_fds, const u64 *user_tags, u32 n)
{
    long error = 0;
    u32 done;

    if (!ring->files)
        return -ENXIO;
    if (first + n < n)
        return -EOVERFLOW;
    if (first + n > ring->file_count)
        return -EINVAL;
    for (done = 0; done < n && !error; done++) {
        u64 tag = 0;
        s32 fd;

        if ((user_tags && get_user(tag, user_tags + done)) || get_user(fd, user_fds + done)) {
            error = -EFAULT;
        } else if ((fd == IORING_REGISTER_FILES_SKIP || fd == -1) && tag) {
            error = -EINVAL;
        } else if (fd != IORING_REGISTER_FILES_SKIP) {
            struct file *f = file_to_register(fd);
            if (IS_ERR(f))
                error = PTR_ERR(f);
            else
                replace(ring, first + done, f, tag);
        }
        if (error)
            break;
    }
    return done ? (long)done : error;
}

long uring_files_range(struct uring *ring, u32 first, u32 n)
{
    if (first + n < n)
        return -EOVERFLOW;
    if (first + n > ring->file_count)
        return -EINVAL;
    spin_lock_irq(&ring->lock);
    ring->alloc_first = ring->alloc_hint = first;
    ring->alloc_end = first + n;
    spin_unlock_irq(&ring->lock);
    return 0;
}
