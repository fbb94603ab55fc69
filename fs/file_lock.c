/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Advisory file locks (fs/file_lock.h). Record locks of one owner never overlap; an owner is the
 * descriptor table for POSIX locks and the open file for OFD locks, and the two kinds respect each
 * other. flock(2) locks live beside them. One spinlock guards all lists: locks are held for long
 * and taken rarely.
 */
#include <linux/fs.h>
#include "fs/file_lock.h"
#include "kernel/heap.h"
#include "kernel/wait.h"

struct file_lock {
    struct list link;
    struct list all_link; /* all_locks */
    const void *owner;
    const struct inode *inode;
    const struct file *file; /* through which it was taken; may be gone */
    u64 start, end; /* bytes, end included; flock: 0 and INT64_MAX */
    int type;       /* F_RDLCK or F_WRLCK */
    int pid;        /* as F_GETLK tells; -1 for OFD */
    bool is_flock;
};

struct file_lock_list {
    struct list records, flocks;
    struct wait_queue changed; /* a lock went away or became weaker */
    u32 generation;            /* how often that happened */
};

/* Somebody sleeps for a POSIX lock: who, and on whom. For deadlock detection. */
struct blocked {
    struct list link;
    const void *owner, *blocker;
};

static struct spinlock lock_lock = SPINLOCK_INIT(LOCK_FILE_LOCKS);
static struct list all_blocked = LIST_INIT(all_blocked);
static struct list all_locks = LIST_INIT(all_locks); /* the newest first */

/* The inode's lists, made at the first lock. NULL: out of memory. */
static struct file_lock_list *lists_of(struct inode *i)
{
    struct file_lock_list *l = __atomic_load_n(&i->locks, __ATOMIC_ACQUIRE), *other = NULL;

    if (l)
        return l;
    l = kzalloc(sizeof(*l));
    if (!l)
        return NULL;
    list_init(&l->records);
    list_init(&l->flocks);
    wait_queue_init(&l->changed);
    if (__atomic_compare_exchange_n(&i->locks, &other, l, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return l;
    kfree(l);
    return other;
}

static struct file_lock *find_conflict(struct list *locks, const void *owner, u64 start, u64 end,
                                       int type)
{
    struct file_lock *l;

    list_for_each(l, locks, link)
        if (l->owner != owner && l->start <= end && l->end >= start &&
            (type == F_WRLCK || l->type == F_WRLCK))
            return l;
    return NULL;
}

/* The first lock of the owner's own in the range. */
static struct file_lock *find_own(struct list *locks, const void *owner, u64 start, u64 end)
{
    struct file_lock *l;

    list_for_each(l, locks, link)
        if (l->owner == owner && l->start <= end && l->end >= start)
            return l;
    return NULL;
}

/* Everything but what it is to be. */
static struct file_lock *lock_new(const struct file *f, const void *owner, int type, int pid)
{
    struct file_lock *l = kmalloc(sizeof(*l));

    if (l)
        *l = (struct file_lock){.owner = owner, .inode = f->inode, .file = f, .end = INT64_MAX, .type = type, .pid = pid};
    return l;
}

/* One that is in the lists. */
static void lock_free(struct file_lock *l)
{
    list_remove(&l->link);
    list_remove(&l->all_link);
    kfree(l);
}

/*
 * Cuts [start, end] out of the owner's locks. *tail: a spare lock that is used up (and set to NULL)
 * when the range lies inside one lock. True if something was cut.
 */
static bool cut_range(struct list *locks, const void *owner, u64 start, u64 end,
                      struct file_lock **tail)
{
    struct file_lock *l, *next;
    bool any = false;

    list_for_each_safe(l, next, locks, link) {
        if (l->owner != owner || l->start > end || l->end < start)
            continue;
        any = true;
        if (l->start < start && l->end > end) {
            **tail = *l;
            (*tail)->start = end + 1;
            list_add_head(&l->link, &(*tail)->link);
            list_add_head(&l->all_link, &(*tail)->all_link);
            *tail = NULL;
            l->end = start - 1;
        } else if (l->start < start) {
            l->end = start - 1;
        } else if (l->end > end) {
            l->start = end + 1;
        } else {
            lock_free(l);
        }
    }
    return any;
}

/* Adds new, joined with the owner's locks of the same type that touch it. */
static void add_joined(struct list *locks, struct file_lock *new)
{
    struct file_lock *l, *next;
    struct list *place;

    list_add_head(&all_locks, &new->all_link);
    list_for_each_safe(l, next, locks, link) {
        if (l->owner != new->owner || l->type != new->type)
            continue;
        if (l->end + 1 == new->start)
            new->start = l->start;
        else if (new->end + 1 == l->start)
            new->end = l->end;
        else
            continue;
        lock_free(l);
    }
    place = locks->prev;
    /* An owner's locks stand together in order of their start: F_GETLK tells of the first. */
    list_for_each(l, locks, link) {
        if (l->owner != new->owner)
            continue;
        if (l->start > new->start) {
            list_add_tail(&l->link, &new->link);
            return;
        }
        place = &l->link;
    }
    list_insert_between(&new->link, place, place->next);
}

static void announce(struct file_lock_list *l)
{
    __atomic_add_fetch(&l->generation, 1, __ATOMIC_RELEASE);
    wait_wake_all(&l->changed);
}

/* Would owner wait, through others that wait, for itself? */
static bool would_deadlock(const void *owner, const void *blocker)
{
    for (int depth = 0; depth < 16; depth++) {
        const void *next = NULL;
        struct blocked *b;

        if (blocker == owner)
            return true;
        list_for_each(b, &all_blocked, link)
            if (b->owner == blocker)
                next = b->blocker;
        if (!next)
            return false;
        blocker = next;
    }
    return false;
}

struct request {
    const struct file *file;
    const void *owner;
    u64 start, end;
    int type, pid;
    bool wait, detect_deadlock;
};

/* Takes, changes or drops a record lock. */
static int set_record(struct file_lock_list *lists, const struct request *r)
{
    struct blocked me = {.owner = r->owner};
    struct file_lock *new = NULL, *spare = lock_new(r->file, r->owner, 0, 0), *c;
    int error = 0;
    bool released;
    u32 seen;

    if (r->type != F_UNLCK)
        new = lock_new(r->file, r->owner, r->type, r->pid);
    if (!spare || (!new && r->type != F_UNLCK)) {
        kfree(spare);
        kfree(new);
        return -ENOLCK;
    }
    if (new) {
        new->start = r->start;
        new->end = r->end;
    }
    list_init(&me.link);
    spin_lock(&lock_lock);
    while (r->type != F_UNLCK &&
           (c = find_conflict(&lists->records, r->owner, r->start, r->end, r->type))) {
        error = !r->wait                                                   ? -EAGAIN
                : r->detect_deadlock && would_deadlock(r->owner, c->owner) ? -EDEADLK
                                                                           : 0;
        if (error)
            break;
        me.blocker = c->owner;
        if (r->detect_deadlock)
            list_add_tail(&all_blocked, &me.link);
        seen = lists->generation;
        spin_unlock(&lock_lock);
        error = wait_event(&lists->changed, READ_ONCE(lists->generation) != seen, NSEC_NEVER,
                           WAIT_INTERRUPTIBLE);
        spin_lock(&lock_lock);
        list_remove(&me.link);
        if (error)
            break;
    }
    if (error) {
        spin_unlock(&lock_lock);
        kfree(spare);
        kfree(new);
        return error;
    }
    released = cut_range(&lists->records, r->owner, r->start, r->end, &spare);
    if (new)
        add_joined(&lists->records, new);
    spin_unlock(&lock_lock);
    if (released)
        announce(lists);
    kfree(spare);
    return 0;
}

/* The absolute range that a struct flock means. */
static int resolve_range(struct file *f, const struct flock *l, u64 *start, u64 *end)
{
    s64 base, last;

    switch (l->l_whence) {
    case SEEK_SET:
        base = 0;
        break;
    case SEEK_CUR:
        base = f->mode & FILE_SEEKABLE ? (s64)READ_ONCE(f->position) : 0;
        break;
    case SEEK_END:
        base = f->inode ? (s64)inode_size(f->inode) : 0;
        break;
    default:
        return -EINVAL;
    }
    if (__builtin_add_overflow(base, l->l_start, &base))
        return -EOVERFLOW;
    if (base < 0)
        return -EINVAL;
    last = INT64_MAX;
    if (l->l_len > 0) {
        if (__builtin_add_overflow(base, l->l_len - 1, &last))
            return -EOVERFLOW;
    } else if (l->l_len < 0) {
        last = base - 1;
        base += l->l_len;
        if (base < 0)
            return -EINVAL;
    }
    *start = (u64)base;
    *end = (u64)last;
    return 0;
}

static int get_lock(struct file *f, const struct request *r, struct flock *l)
{
    struct file_lock_list *lists = f->inode ? f->inode->locks : NULL;
    struct file_lock *c;

    l->l_type = F_UNLCK;
    if (!lists)
        return 0;
    spin_lock(&lock_lock);
    if (r->type == F_UNLCK)
        c = find_own(&lists->records, r->owner, r->start, r->end);
    else
        c = find_conflict(&lists->records, r->owner, r->start, r->end, r->type);
    if (c) {
        l->l_type = (short)c->type;
        l->l_whence = SEEK_SET;
        l->l_start = (s64)c->start;
        l->l_len = c->end == INT64_MAX ? 0 : (s64)(c->end - c->start + 1);
        l->l_pid = c->pid;
    }
    spin_unlock(&lock_lock);
    return 0;
}

int file_lock_fcntl(struct file *f, int cmd, struct flock *l)
{
    bool ofd = cmd >= F_OFD_GETLK, get = cmd == F_GETLK || cmd == F_OFD_GETLK;
    struct process *p = current_process();
    struct file_lock_list *lists;
    struct request r = {.file = f,
                        .owner = ofd ? (void *)f : (void *)current_thread()->files,
                        .type = l->l_type,
                        .pid = ofd ? -1 : p->pid,
                        .wait = cmd == F_SETLKW || cmd == F_OFD_SETLKW,
                        .detect_deadlock = !ofd};
    int error;

    /* Asked with F_UNLCK, F_OFD_GETLK tells of the file's own locks. */
    bool known = l->l_type == F_RDLCK || l->l_type == F_WRLCK || (l->l_type == F_UNLCK && cmd != F_GETLK);
    error = known || cmd != F_GETLK ? resolve_range(f, l, &r.start, &r.end) : 0;
    if (error)
        return error;
    if (!known)
        return -EINVAL;
    if (!get && l->l_type != F_UNLCK && !(f->mode & (l->l_type == F_RDLCK ? FILE_READ : FILE_WRITE)))
        return -EBADF;
    if (ofd && l->l_pid)
        return -EINVAL;
    if (get)
        return get_lock(f, &r, l);
    if (!f->inode) /* a socket and the like: there is no second file on it that could be in the way */
        return 0;
    lists = lists_of(f->inode);
    return lists ? set_record(lists, &r) : -ENOLCK;
}

/* ------------------------------------------------------------ flock(2) */

/* Drops the owner's flock lock. True if there was one. */
static bool drop_flock(struct file_lock_list *lists, const void *owner)
{
    struct file_lock *l;

    list_for_each(l, &lists->flocks, link)
        if (l->owner == owner) {
            lock_free(l);
            return true;
        }
    return false;
}

int file_lock_flock(struct file *f, int operation)
{
    int type = (operation & ~LOCK_NB) == LOCK_EX ? F_WRLCK : F_RDLCK, error = 0;
    struct file_lock_list *lists = f->inode ? lists_of(f->inode) : NULL;
    struct file_lock *new = NULL;
    bool dropped;

    if (!lists)
        return f->inode ? -ENOLCK : 0;
    if (!(operation & LOCK_UN)) {
        new = lock_new(f, f, type, current_process()->pid);
        if (!new)
            return -ENOLCK;
        new->is_flock = true;
    }
    spin_lock(&lock_lock);
    /* A conversion drops the old lock first; it is not atomic (flock(2)). */
    dropped = drop_flock(lists, f);
    while (new && find_conflict(&lists->flocks, f, 0, INT64_MAX, type)) {
        u32 seen = lists->generation;

        error = operation & LOCK_NB ? -EAGAIN : 0;
        if (error)
            break;
        spin_unlock(&lock_lock);
        if (dropped)
            announce(lists);
        seen += dropped;
        dropped = false;
        error = wait_event(&lists->changed, READ_ONCE(lists->generation) != seen, NSEC_NEVER,
                           WAIT_INTERRUPTIBLE);
        spin_lock(&lock_lock);
        if (error)
            break;
    }
    if (new && !error) {
        list_add_tail(&lists->flocks, &new->link);
        list_add_head(&all_locks, &new->all_link);
    }
    spin_unlock(&lock_lock);
    if (error)
        kfree(new);
    if (dropped)
        announce(lists);
    return error;
}

/* ------------------------------------------------------------ for /proc */

/* The nth row, if there is room for it. */
static void describe(const struct file_lock *l, size_t n, struct file_lock_row *rows, size_t max)
{
    if (n < max)
        rows[n] = (struct file_lock_row){.kind = l->is_flock ? "FLOCK " : l->pid < 0 ? "OFDLCK" : "POSIX ",
                                         .write = l->type == F_WRLCK,
                                         .pid = l->pid,
                                         .device = l->inode->super ? l->inode->super->dev : 0,
                                         .inode = l->inode->ino,
                                         .start = l->start,
                                  .end = l->end};
}

size_t file_locks_copy(const struct file *f, const struct fd_table *table, struct file_lock_row *rows, size_t max)
{
    struct file_lock_list *own = f && f->inode ? __atomic_load_n(&f->inode->locks, __ATOMIC_ACQUIRE) : NULL;
    struct file_lock *l;
    size_t n = 0;

    spin_lock(&lock_lock);
    if (!f)
        list_for_each(l, &all_locks, all_link)
            describe(l, n++, rows, max);
    for (struct list *locks = own ? &own->flocks : NULL; locks; locks = locks == &own->flocks ? &own->records : NULL)
        list_for_each(l, locks, link)
            if (l->file == f && (l->owner == f || l->owner == table))
                describe(l, n++, rows, max);
    spin_unlock(&lock_lock);
    return n;
}

/* ------------------------------------------------------------ the ends */

static void drop_records(struct file_lock_list *lists, const void *owner)
{
    struct file_lock *l, *next;
    bool any = false;

    spin_lock(&lock_lock);
    list_for_each_safe(l, next, &lists->records, link)
        if (l->owner == owner) {
            lock_free(l);
            any = true;
        }
    any |= drop_flock(lists, owner);
    spin_unlock(&lock_lock);
    if (any)
        announce(lists);
}

void file_lock_descriptor_closed(struct file *f, struct fd_table *table)
{
    drop_records(f->inode->locks, table);
}

void file_lock_released(struct file *f)
{
    drop_records(f->inode->locks, f);
}

void file_lock_inode_gone(struct inode *i)
{
    kfree(i->locks);
    i->locks = NULL;
}
