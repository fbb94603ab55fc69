/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptor tables: small integers to open files.
 *
 * Lookup takes no lock. It reads the slot, takes a reference unless the count is 0, and reads the
 * slot again: if it still holds the same file, the reference is on the file that the descriptor
 * names. That is safe because memory of a struct file is only reused for another struct file, and
 * because arrays that growth leaves behind live as long as the table. Changes are made under the
 * table's lock.
 */
#include <linux/close_range.h>
#include <linux/fcntl.h>
#include "fs/file.h"
#include "fs/file_lock.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/process.h"

#define INITIAL_FDS 64u        /* select(2) shows the capacity: Linux starts there and doubles, too */
#define MAXIMUM_FDS (1u << 20) /* fs.nr_open */
#define WORD_BITS   64u

struct fd_array {
    u32 capacity;           /* a multiple of WORD_BITS */
    struct fd_array *older; /* left behind by growth; freed with the table */
    u64 *open_bits, *cloexec_bits;
    struct file *slot[];
};

struct fd_table {
    u32 refs;
    u32 first_maybe_free;   /* every descriptor below is in use */
    struct spinlock lock;   /* LOCK_FD_TABLE */
    struct fd_array *array; /* read without the lock */
};

static struct fd_array *array_create(u32 capacity)
{
    u32 words = capacity / WORD_BITS;
    size_t slots = sizeof(struct fd_array) + capacity * sizeof(struct file *);
    struct fd_array *a = kzalloc(slots + 2 * words * sizeof(u64));

    if (!a)
        return NULL;
    a->capacity = capacity;
    a->open_bits = (u64 *)((char *)a + slots);
    a->cloexec_bits = a->open_bits + words;
    return a;
}

struct fd_table *fd_table_create(void)
{
    struct fd_table *t = kzalloc(sizeof(*t));

    if (!t)
        return NULL;
    t->array = array_create(INITIAL_FDS);
    if (!t->array) {
        kfree(t);
        return NULL;
    }
    t->refs = 1;
    spin_init(&t->lock, LOCK_FD_TABLE);
    return t;
}

void fd_table_get(struct fd_table *t)
{
    __atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
}

static bool test_bit(const u64 *bits, u32 i)
{
    return bits[i / WORD_BITS] >> (i % WORD_BITS) & 1;
}

static void change_bit(u64 *bits, u32 i, bool value)
{
    u64 mask = 1ull << (i % WORD_BITS);

    bits[i / WORD_BITS] = value ? bits[i / WORD_BITS] | mask : bits[i / WORD_BITS] & ~mask;
}

/* Replaces the array by one that has room for fd. Table locked. */
static int grow(struct fd_table *t, u32 fd)
{
    struct fd_array *old = t->array, *new;
    u32 capacity = old->capacity * 2;
    u32 words = old->capacity / WORD_BITS;

    while (capacity <= fd)
        capacity *= 2;
    new = array_create(capacity);
    if (!new)
        return -ENOMEM;
    memcpy(new->slot, old->slot, old->capacity * sizeof(struct file *));
    memcpy(new->open_bits, old->open_bits, words * sizeof(u64));
    memcpy(new->cloexec_bits, old->cloexec_bits, words * sizeof(u64));
    new->older = old;
    __atomic_store_n(&t->array, new, __ATOMIC_RELEASE);
    return 0;
}

/* Lowest free descriptor >= from; may be the capacity. Table locked. */
static u32 find_free(const struct fd_array *a, u32 from)
{
    for (u32 fd = from; fd < a->capacity;) {
        u64 free_bits = ~a->open_bits[fd / WORD_BITS] >> (fd % WORD_BITS);

        if (free_bits)
            return fd + (u32)__builtin_ctzll(free_bits);
        fd = (fd / WORD_BITS + 1) * WORD_BITS;
    }
    return MAX(from, a->capacity);
}

static u32 limit_now(void)
{
    u64 limit = current_process()->limits[RLIMIT_NOFILE].rlim_cur;

    return (u32)MIN(limit, (u64)MAXIMUM_FDS);
}

/*
 * A free descriptor >= from with its slot present, marked open: fd, -EMFILE or -ENOMEM. Table
 * locked.
 */
static int reserve(struct fd_table *t, u32 from, u32 limit, bool cloexec)
{
    u32 fd = find_free(t->array, MAX(from, t->first_maybe_free));

    if (fd >= limit)
        return -EMFILE;
    if (fd >= t->array->capacity && grow(t, fd))
        return -ENOMEM;
    change_bit(t->array->open_bits, fd, true);
    change_bit(t->array->cloexec_bits, fd, cloexec);
    if (from <= t->first_maybe_free)
        t->first_maybe_free = fd + 1;
    return (int)fd;
}

static void publish(struct fd_table *t, int fd, struct file *f)
{
    __atomic_store_n(&t->array->slot[fd], f, __ATOMIC_RELEASE);
}

static void set_free(struct fd_table *t, u32 fd)
{
    change_bit(t->array->open_bits, fd, false);
    change_bit(t->array->cloexec_bits, fd, false);
    t->first_maybe_free = MIN(t->first_maybe_free, fd);
}

/* Empties a slot and gives its file with the table's reference, NULL if it was free or reserved. Table locked. */
static struct file *take_out(struct fd_table *t, u32 fd)
{
    struct fd_array *a = t->array;
    struct file *f = fd < a->capacity ? a->slot[fd] : NULL;

    if (!f)
        return NULL;
    publish(t, (int)fd, NULL);
    set_free(t, fd);
    return f;
}

/* What every close of a descriptor does once the slot is empty. */
static void closed(struct fd_table *t, struct file *f)
{
    if (f->inode && READ_ONCE(f->inode->locks) && !(f->mode & FILE_PATH))
        file_lock_descriptor_closed(f, t);
    if (f->ops->close)
        f->ops->close(f);
    file_put(f);
}

void fd_table_put(struct fd_table *t)
{
    if (__atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL))
        return;
    for (u32 fd = 0; fd < t->array->capacity; fd++) {
        struct file *f = t->array->slot[fd];

        if (f) {
            publish(t, (int)fd, NULL);
            closed(t, f);
        }
    }
    for (struct fd_array *a = t->array, *older; a; a = older) {
        older = a->older;
        kfree(a);
    }
    kfree(t);
}

struct fd_table *fd_table_copy(struct fd_table *t)
{
    struct fd_table *copy = fd_table_create();
    struct fd_array *a;
    u32 n;

    if (!copy)
        return NULL;
    spin_lock(&t->lock);
    a = t->array;
    n = a->capacity;
    while (n && !a->slot[n - 1])
        n--;
    if (n > copy->array->capacity && grow(copy, n - 1)) {
        spin_unlock(&t->lock);
        fd_table_put(copy);
        return NULL;
    }
    for (u32 fd = 0; fd < n; fd++) {
        if (!a->slot[fd])
            continue;
        file_get(a->slot[fd]);
        copy->array->slot[fd] = a->slot[fd];
        change_bit(copy->array->open_bits, fd, true);
        change_bit(copy->array->cloexec_bits, fd, test_bit(a->cloexec_bits, fd));
    }
    spin_unlock(&t->lock);
    return copy;
}

/* The file that is lent to the running thread under fd, which is none of a table; NULL: none. */
static struct file *lent_file(u32 fd)
{
    const struct lent *l = current_thread()->lent;
    struct file *f = !l ? NULL : fd == (u32)FD_LENT ? l->file : fd == (u32)FD_LENT_SECOND ? l->second : NULL;

    if (f)
        file_get(f);
    return f;
}

static struct file *lookup(struct fd_table *t, u32 fd)
{
    for (;;) {
        struct fd_array *a = __atomic_load_n(&t->array, __ATOMIC_ACQUIRE);
        struct file *f;
        u32 refs;

        if (fd >= a->capacity)
            return lent_file(fd);
        f = __atomic_load_n(&a->slot[fd], __ATOMIC_ACQUIRE);
        if (!f)
            return NULL;
        refs = __atomic_load_n(&f->refs, __ATOMIC_RELAXED);
        while (refs && !__atomic_compare_exchange_n(&f->refs, &refs, refs + 1, true,
                                                    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            ;
        if (!refs)
            continue;
        a = __atomic_load_n(&t->array, __ATOMIC_ACQUIRE);
        if (likely(__atomic_load_n(&a->slot[fd], __ATOMIC_ACQUIRE) == f))
            return f;
        file_put(f);
    }
}

struct file *fd_table_lookup(struct fd_table *t, int fd)
{
    return lookup(t, (u32)fd);
}

u32 fd_table_capacity(const struct fd_table *t)
{
    return __atomic_load_n(&t->array, __ATOMIC_ACQUIRE)->capacity;
}

struct file *fd_get_path(int fd)
{
    return lookup(current_thread()->files, (u32)fd);
}

struct file *fd_get(int fd)
{
    struct file *f = fd_get_path(fd);

    if (f && unlikely(f->mode & FILE_PATH)) {
        file_put(f);
        return NULL;
    }
    return f;
}

/* A descriptor made now is none: its file goes to who has the running thread make the call. */
static bool captures(void)
{
    const struct lent *lent = current_thread()->lent;

    return unlikely(lent != NULL) && lent->capture;
}

int fd_install(struct file *f, int from, u32 open_flags)
{
    struct fd_table *t = current_thread()->files;
    u32 limit = limit_now();
    int fd;

    if (captures()) {
        current_thread()->lent->captured = f;
        return 0;
    }
    spin_lock(&t->lock);
    fd = reserve(t, (u32)from, limit, open_flags & O_CLOEXEC);
    if (fd >= 0)
        publish(t, fd, f);
    spin_unlock(&t->lock);
    return fd;
}

int fd_reserve(u32 open_flags)
{
    struct fd_table *t = current_thread()->files;
    u32 limit = limit_now();
    int fd;

    if (captures())
        return 0;
    spin_lock(&t->lock);
    fd = reserve(t, 0, limit, open_flags & O_CLOEXEC);
    spin_unlock(&t->lock);
    return fd;
}

void fd_publish(int fd, struct file *f)
{
    struct fd_table *t = current_thread()->files;

    if (captures()) {
        current_thread()->lent->captured = f;
        return;
    }
    spin_lock(&t->lock);
    publish(t, fd, f);
    spin_unlock(&t->lock);
}

void fd_release(int fd)
{
    struct fd_table *t = current_thread()->files;

    if (captures())
        return;
    spin_lock(&t->lock);
    set_free(t, (u32)fd);
    spin_unlock(&t->lock);
}

int fd_finish(int fd, struct file *f)
{
    if (!IS_ERR(f))
        fd_publish(fd, f);
    else if (fd >= 0)
        fd_release(fd);
    return IS_ERR(f) ? (int)PTR_ERR(f) : fd;
}

int fd_install_pair(struct file *a, struct file *b, u32 open_flags, int fds[2])
{
    struct fd_table *t = current_thread()->files;
    u32 limit = limit_now();
    int first, second = -EMFILE;

    spin_lock(&t->lock);
    first = reserve(t, 0, limit, open_flags & O_CLOEXEC);
    if (first >= 0)
        second = reserve(t, 0, limit, open_flags & O_CLOEXEC);
    if (first >= 0 && second < 0)
        set_free(t, (u32)first);
    if (first >= 0 && second >= 0) {
        publish(t, first, a);
        publish(t, second, b);
    }
    spin_unlock(&t->lock);
    if (first < 0)
        return first;
    if (second < 0)
        return second;
    fds[0] = first;
    fds[1] = second;
    return 0;
}

int fd_close(int fd)
{
    struct fd_table *t = current_thread()->files;
    struct file *f;

    spin_lock(&t->lock);
    f = take_out(t, (u32)fd);
    spin_unlock(&t->lock);
    if (!f)
        return -EBADF;
    closed(t, f);
    return 0;
}

int fd_dup_to(struct file *f, int fd, u32 open_flags)
{
    struct fd_table *t = current_thread()->files;
    struct file *replaced;

    if (fd < 0 || (u32)fd >= limit_now())
        return -EBADF;
    spin_lock(&t->lock);
    if ((u32)fd >= t->array->capacity && grow(t, (u32)fd)) {
        spin_unlock(&t->lock);
        return -ENOMEM;
    }
    replaced = t->array->slot[fd];
    if (!replaced && test_bit(t->array->open_bits, (u32)fd)) {
        spin_unlock(&t->lock);
        return -EBUSY;
    }
    change_bit(t->array->open_bits, (u32)fd, true);
    change_bit(t->array->cloexec_bits, (u32)fd, open_flags & O_CLOEXEC);
    publish(t, fd, f);
    spin_unlock(&t->lock);
    if (replaced)
        closed(t, replaced);
    return fd;
}

int fd_unshare(void)
{
    struct thread *me = current_thread();
    struct fd_table *t = me->files, *copy;

    if (__atomic_load_n(&t->refs, __ATOMIC_ACQUIRE) == 1)
        return 0;
    copy = fd_table_copy(t);
    if (!copy)
        return -ENOMEM;
    spin_lock_irq(&me->process->lock);
    me->files = copy;
    spin_unlock_irq(&me->process->lock);
    fd_table_put(t);
    return 0;
}

int fd_close_range(unsigned first, unsigned last, unsigned flags)
{
    struct fd_table *t;
    int error;

    if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || first > last)
        return -EINVAL;
    if (flags & CLOSE_RANGE_UNSHARE) {
        error = fd_unshare();
        if (error)
            return error;
    }
    t = current_thread()->files;
    for (u32 fd = first;; fd++) {
        struct file *f = NULL;
        int open_fd = fd_next_open(t, (int)MIN(fd, (u32)INT32_MAX));

        if (open_fd < 0 || (u32)open_fd > last)
            return 0;
        fd = (u32)open_fd;
        spin_lock(&t->lock);
        if (!(flags & CLOSE_RANGE_CLOEXEC))
            f = take_out(t, fd);
        else if (t->array->slot[fd])
            change_bit(t->array->cloexec_bits, fd, true);
        spin_unlock(&t->lock);
        if (f)
            closed(t, f);
    }
}

bool fd_get_cloexec(int fd, bool *cloexec)
{
    struct fd_table *t = current_thread()->files;
    bool open_now;

    spin_lock(&t->lock);
    open_now = (u32)fd < t->array->capacity && t->array->slot[fd];
    if (open_now)
        *cloexec = test_bit(t->array->cloexec_bits, (u32)fd);
    spin_unlock(&t->lock);
    return open_now;
}

int fd_set_cloexec(int fd, bool cloexec)
{
    struct fd_table *t = current_thread()->files;
    int error = -EBADF;

    spin_lock(&t->lock);
    if ((u32)fd < t->array->capacity && t->array->slot[fd]) {
        change_bit(t->array->cloexec_bits, (u32)fd, cloexec);
        error = 0;
    }
    spin_unlock(&t->lock);
    return error;
}

void fd_close_on_exec(struct fd_table *t)
{
    for (int fd = 0; (fd = fd_next_open(t, fd)) >= 0; fd++) {
        struct file *f = NULL;

        spin_lock(&t->lock);
        if (test_bit(t->array->cloexec_bits, (u32)fd))
            f = take_out(t, (u32)fd);
        spin_unlock(&t->lock);
        if (f)
            closed(t, f);
    }
}

int fd_next_open(struct fd_table *t, int from)
{
    int found = -1;

    spin_lock(&t->lock);
    for (u32 fd = (u32)from; fd < t->array->capacity;) {
        u64 bits = t->array->open_bits[fd / WORD_BITS] >> (fd % WORD_BITS);

        if (bits) {
            fd += (u32)__builtin_ctzll(bits);
            if (fd < t->array->capacity && !t->array->slot[fd]) {
                fd++; /* reserved */
                continue;
            }
            found = fd < t->array->capacity ? (int)fd : -1;
            break;
        }
        fd = (fd / WORD_BITS + 1) * WORD_BITS;
    }
    spin_unlock(&t->lock);
    return found;
}
