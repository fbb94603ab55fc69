/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VFS on the host (tests/unit/vfs_host.h). Includes kernel headers only: their struct stat is
 * not the C library's.
 */
#include "fs/tmpfs/tmpfs.h"
#include "fs/async.h"
#include "fs/block_device.h"
#include "fs/file_lock.h"
#include "fs/ipc/ipc.h"
#include "fs/notify.h"
#include "kernel/address_space.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/signal.h"
#include "kernel/timer.h"
#include "tests/unit/memory_host.h"
#include "tests/unit/vfs_host.h"

void host_vfs(void)
{
    static bool done;
    struct super *s;

    host_machine();
    if (done)
        return;
    done = true;
    mutex_init(&rename_lock, LOCK_RENAME);
    s = tmpfs_create("tmpfs", "none", 0755, 0, 0);
    ASSERT(!IS_ERR(s) && !mount_attach(NULL, s, s->root, 0, NULL));
}

int host_create(const char *path)
{
    struct file *f = vfs_open(AT_FDCWD, path, O_CREAT | O_EXCL | O_RDWR, 0644);

    if (IS_ERR(f))
        return (int)PTR_ERR(f);
    file_put(f);
    return 0;
}

int host_lookup(const char *path, bool *dir, int *links)
{
    struct path_ref at;
    int error = path_find(AT_FDCWD, path, 0, 0, &at);

    if (error)
        return error;
    *dir = S_ISDIR(at.dentry->inode->mode);
    *links = (int)at.dentry->inode->nlink;
    path_put(&at);
    return 0;
}

struct listing {
    u64 last;
    int n;
};

static bool count_name(void *arg, const char *name, size_t length, u64 next, u64 ino, u8 type)
{
    struct listing *l = arg;

    ASSERT(next > l->last);
    l->last = next;
    l->n++;
    return true;
}

int host_count(const char *path)
{
    struct listing l = {0};
    struct file *f = vfs_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
    u64 pos = 0;

    ASSERT(!IS_ERR(f));
    f->ops->readdir(f, &pos, count_name, &l);
    file_put(f);
    return l.n - 2;
}

static struct file *owners[8];

static struct flock range(int start, int n, int type)
{
    static const short types[] = {F_UNLCK, F_RDLCK, F_WRLCK};

    return (struct flock){.l_type = types[type], .l_start = start, .l_len = n};
}

void host_lock_open(int n)
{
    for (int k = 0; k < n; k++) {
        owners[k] = vfs_open(AT_FDCWD, "/locked", O_CREAT | O_RDWR, 0644);
        ASSERT(!IS_ERR(owners[k]));
    }
}

int host_lock(int owner, int start, int n, int type)
{
    struct flock l = range(start, n, type);

    return file_lock_fcntl(owners[owner], F_OFD_SETLK, &l);
}

bool host_lock_would_wait(int owner, int start, int n, int type)
{
    struct flock l = range(start, n, type);

    ASSERT(file_lock_fcntl(owners[owner], F_OFD_GETLK, &l) == 0);
    return l.l_type != F_UNLCK;
}

void host_lock_close(int owner)
{
    file_put(owners[owner]);
}

/* ------------------------------------------------------------ what the rest of the kernel gives */

nsec_t clock_realtime(void)
{
    static nsec_t now = 1;

    return now += 1000;
}

void signal_info_user(siginfo_t *info, int signo, int code)
{
}

int signal_send_thread(struct thread *t, int signo, const siginfo_t *info)
{
    panic("a signal");
}

int fifo_open(struct inode *i, struct file *f)
{
    return -ENXIO;
}

/* Nothing here sleeps or comes from a program: one thread, kernel strings. */
void wait_queue_init(struct wait_queue *q)
{
    list_init(&q->waiters);
}

void wait_wake_events(struct wait_queue *q, unsigned n, u32 events)
{
}

void waiter_init(struct waiter *w, bool exclusive)
{
    panic("a wait");
}

void wait_add(struct wait_queue *q, struct waiter *w)
{
}

void wait_remove(struct wait_queue *q, struct waiter *w)
{
}

void wait_prepare(enum wait_mode mode)
{
}

int wait_sleep(nsec_t deadline)
{
    panic("a sleep");
}

void wait_finish(void)
{
}

size_t platform_clear_user(void *to, size_t n)
{
    return n;
}

int copy_from_user(void *to, const void *from, size_t n)
{
    return -EFAULT;
}

ssize copy_string_from_user(char *to, const char *from, size_t size)
{
    return -EFAULT;
}

char *kstrdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = kmalloc(n);

    return copy ? memcpy(copy, s, n) : NULL;
}

bool credentials_list(const struct credentials *c, u32 gid)
{
    return false;
}

int (*thread_share_files)(struct thread *t, u64 flags);
void (*thread_exit_files)(struct thread *t);

/* No disks here. */
int block_device_open(struct inode *i, struct file *f)
{
    return -ENXIO;
}

/* Nobody watches anything here. */
bool sem_undo_share(struct thread *t)
{
    return true;
}

void sem_undo_release(struct thread *t)
{
}

void notify_tell(struct inode *i, u32 mask, const char *name, size_t n, u32 cookie, bool unlinked)
{
}

void notify_end(struct inode *i)
{
}

void notify_unmounted(struct super *s)
{
}

void async_forget(struct file *f)
{
}
