/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading and writing a RAM object. Data goes straight between the object's pages and the buffer. No lock is held while
 * a buffer of the program is touched, because the fault it may cause can be one on this very object; a reference on
 * the page keeps it meanwhile.
 */
#include "kernel/lib/string.h"
#include "kernel/ram_object.h"
#include "kernel/user.h"

/* All three return the bytes NOT moved. */
static size_t copy_out(void *to, const void *from, size_t n, bool user)
{
    if (user)
        return copy_to_user_partial(to, from, n);
    memcpy(to, from, n);
    return 0;
}

static size_t copy_in(void *to, const void *from, size_t n, bool user)
{
    if (user)
        return copy_from_user_partial(to, from, n);
    memcpy(to, from, n);
    return 0;
}

static size_t zero_out(void *to, size_t n, bool user)
{
    if (user) {
        static const char zeros[256];
        for (size_t done = 0, left; done < n; done += sizeof(zeros)) {
            size_t part = MIN(n - done, sizeof(zeros));
            left = copy_to_user_partial((char *)to + done, zeros, part);
            if (left)
                return n - done - part + left;
        }
        return 0;
    }
    memset(to, 0, n);
    return 0;
}

/* A stretch of the object that can be read in one piece. */
struct piece {
    const char *data; /* NULL: zeros */
    struct page *page; /* holds a reference, or NULL */
    size_t n;
};

static void find_piece(struct ram_object *ro, u64 offset, size_t n, struct piece *p)
{
    u64 index = offset >> PAGE_SHIFT;
    size_t in_page = offset & (PAGE_SIZE - 1);
    bool own;

    p->n = MIN(n, PAGE_SIZE - in_page);
    p->page = NULL;
    paddr_t pa = ram_peek(ro, index, &own);
    if (own) {
        p->page = page_of(pa);
        page_get(p->page);
    } else if (pa && ro->in_place_covered == 0) {
        /* The module is there for ever: as much of it as is wanted. */
        p->n = MIN(n, (ro->in_place_pages << PAGE_SHIFT) - offset);
    } else if (!pa && index == ro->in_place_pages && ro->tail_bytes > in_page &&
               radix_get(&ro->pages, index) == 0) {
        pa = virt_to_phys(ro->in_place + (index << PAGE_SHIFT));
        p->n = MIN(n, ro->tail_bytes - in_page);
    }
    p->data = pa ? (const char *)phys_to_virt(pa) + in_page : NULL;
}

ssize ram_object_read(struct memory_object *o, u64 offset, void *buf, size_t n, bool user)
{
    struct ram_object *ro = ram_object_of(o);
    size_t done = 0;

    while (done < n) {
        struct piece p;
        mutex_lock(&o->lock);
        if (offset + done >= o->size) {
            mutex_unlock(&o->lock);
            break;
        }
        find_piece(ro, offset + done, MIN(n - done, o->size - offset - done), &p);
        mutex_unlock(&o->lock);

        char *to = (char *)buf + done;
        size_t left = p.data ? copy_out(to, p.data, p.n, user) : zero_out(to, p.n, user);
        if (p.page)
            page_put(p.page);
        done += p.n - left;
        if (left)
            return done ? (ssize)done : -EFAULT;
    }
    return done;
}

/*
 * A page that will be overwritten as a whole needs neither zeros nor its old content. It is filled before others can see it.
 * Returns bytes not copied, or negative errno. *used: the page went into the object; else somebody was faster.
 */
static ssize write_new_page(struct memory_object *o, u64 index, const void *from, bool user, bool *used)
{
    struct ram_object *ro = ram_object_of(o);
    paddr_t pa = ram_is_full() ? 0 : page_alloc_pa(0);
    if (!pa)
        return -ENOSPC;
    size_t left = copy_in(phys_to_virt(pa), from, PAGE_SIZE, user);
    int error = 0;

    *used = false;
    if (left == 0) {
        mutex_lock(&o->lock);
        bool own;
        if (!ram_peek(ro, index, &own) && radix_get(&ro->pages, index) == 0) {
            error = ram_insert(ro, index, pa);
            *used = error == 0;
        }
        mutex_unlock(&o->lock);
    }
    if (!*used)
        page_put(page_of(pa));
    return error ? -ENOSPC : (ssize)left;
}

/* Writes within one page that is or becomes the object's own. Bytes not copied, or negative errno. */
static ssize write_page(struct memory_object *o, u64 offset, const void *from, size_t n, bool user)
{
    struct ram_object *ro = ram_object_of(o);
    u64 index = offset >> PAGE_SHIFT;
    bool replaced = false, own;
    paddr_t pa;
    int error = 0;

    mutex_lock(&o->lock);
    pa = ram_peek(ro, index, &own);
    if (!own)
        error = ram_is_full() ? -ENOMEM : ram_own(ro, index, &pa, &replaced);
    if (!error) {
        ram_mark_written(page_of(pa));
        page_get(page_of(pa));
    }
    mutex_unlock(&o->lock);
    if (replaced)
        memory_object_unmap(o, index, index + 1, false);
    if (error)
        return -ENOSPC;

    size_t left = copy_in((char *)phys_to_virt(pa) + (offset & (PAGE_SIZE - 1)), from, n, user);
    page_put(page_of(pa));
    return left;
}

static bool is_absent(struct memory_object *o, u64 index)
{
    struct ram_object *ro = ram_object_of(o);
    mutex_lock(&o->lock);
    bool own;
    bool absent = !ram_peek(ro, index, &own) && radix_get(&ro->pages, index) == 0;
    mutex_unlock(&o->lock);
    return absent;
}

ssize ram_object_write(struct memory_object *o, u64 offset, const void *buf, size_t n, bool user)
{
    size_t done = 0;
    ssize error = 0;

    if (offset > INT64_MAX || n > INT64_MAX - offset)
        return -EFBIG;
    while (done < n && !error) {
        u64 at = offset + done;
        size_t part = MIN(n - done, PAGE_SIZE - (at & (PAGE_SIZE - 1)));
        const char *from = (const char *)buf + done;
        bool used = false;
        ssize left = part;

        if (part == PAGE_SIZE && is_absent(o, at >> PAGE_SHIFT))
            left = write_new_page(o, at >> PAGE_SHIFT, from, user, &used);
        if (!used && left >= 0)
            left = write_page(o, at, from, part, user);
        if (left < 0)
            error = left;
        else
            done += part - left;
        if (left > 0)
            error = -EFAULT;
    }
    mutex_lock(&o->lock);
    if (done && offset + done > o->size)
        WRITE_ONCE(o->size, offset + done);
    mutex_unlock(&o->lock);
    return done ? (ssize)done : error;
}
