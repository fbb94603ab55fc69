/* SPDX-License-Identifier: BSD-2-Clause */
/* getdents(2) and getdents64(2). */
#include "fs/notify.h"
#include "kernel/lib/string.h"
#include "syscalls/syscall.h"

long sys_getdents(const struct syscall_args *a);
long sys_getdents64(const struct syscall_args *a);

#define NAME_OFFSET64 19 /* inode 8, offset 8, length 2, type 1 */
#define NAME_OFFSET   18 /* inode 8, offset 8, length 2; the type is the record's last byte */

struct listing {
    char *user;
    s64 left;     /* an int's: of a size beyond 2 GiB nothing */
    bool old_form;
    long error;   /* of the entry that did not fit or could not be stored */
    bool any;
};

static bool emit(void *arg, const char *name, size_t n, u64 next, u64 ino, u8 type)
{
    struct listing *l = arg;
    size_t head = l->old_form ? NAME_OFFSET : NAME_OFFSET64;
    size_t length = ALIGN_UP(head + n + (l->old_form ? 2 : 1), 8);
    char record[NAME_OFFSET64 + NAME_MAX + 10] __attribute__((aligned(8)));

    if ((s64)length > l->left) {
        l->error = -EINVAL;
        return false;
    }
    /* Behind the name: 9 bytes at most. */
    *(u64 *)(record + length - 16) = *(u64 *)(record + length - 8) = 0;
    memcpy(record, &ino, 8);
    memcpy(record + 8, &next, 8);
    record[16] = (char)length;
    record[17] = (char)(length >> 8);
    if (l->old_form)
        record[length - 1] = (char)type;
    else
        record[18] = (char)type;
    memcpy(record + head, name, n);
    if (copy_to_user(l->user, record, length)) {
        l->error = -EFAULT;
        return false;
    }
    l->user += length;
    l->left -= (s64)length;
    l->any = true;
    return true;
}

static long list_directory(const struct syscall_args *a, bool old_form)
{
    struct listing l = {.user = ARG_PTR(a, 1), .left = ARG_INT(a, 2), .old_form = old_form};
    struct file *f = fd_get(ARG_INT(a, 0));
    long result;

    if (!f)
        return -EBADF;
    if (!f->ops->readdir) {
        result = -ENOTDIR;
    } else if (f->dentry && f->dentry->unlinked) {
        result = -ENOENT;
    } else {
        mutex_lock(&f->position_lock);
        result = f->ops->readdir(f, &f->position, emit, &l);
        mutex_unlock(&f->position_lock);
        if (f->inode)
            inode_touch_atime(f);
        notify_file(f, IN_ACCESS);
        if (l.any)
            result = ARG_INT(a, 2) - l.left;
        else if (!result)
            result = l.error;
    }
    file_put(f);
    return result;
}

long sys_getdents(const struct syscall_args *a)
{
    return list_directory(a, true);
}

long sys_getdents64(const struct syscall_args *a)
{
    return list_directory(a, false);
}
