/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data between files without a way through the program (fs/splice.h). Pipes hand pages on;
 * everything else is copied once, through a page or a pipe's own pages.
 *
 * No pipe lock is held while another file reads or writes: a slot that is being written out stays
 * at the front, marked as taken, and readers wait for it.
 */
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include "fs/pipe_internal.h"
#include "fs/splice.h"
#include "kernel/signal.h"

#define BOUNCE_ORDER 4 /* 64 KiB at a time, or a page when memory is short */
#define SLOTS_AT_ONCE 16u /* of a pipe, in one read or write */

static u32 wait_flags(bool nonblock)
{
    return nonblock ? O_NONBLOCK : 0;
}

ssize splice_files(struct file *in, s64 *in_pos, struct file *out, s64 *out_pos, size_t n)
{
    struct page *page = page_alloc(BOUNCE_ORDER, PAGE_NO_RECLAIM);
    size_t size = page ? PAGE_SIZE << BOUNCE_ORDER : PAGE_SIZE;
    ssize done = 0, error = 0;
    /* Both positions are taken at the beginning and left at the end: it may be the same file. */
    s64 own_in = (s64)in->position, own_out = (s64)out->position;
    bool in_moves = !in_pos && in->mode & FILE_SEEKABLE, out_moves = !out_pos && out->mode & FILE_SEEKABLE;

    if (in_moves)
        in_pos = &own_in;
    if (out_moves)
        out_pos = &own_out;
    if (!page)
        page = page_alloc(0, 0);
    if (!page)
        return -ENOMEM;
    while ((size_t)done < n && !error) {
        size_t want = MIN(n - (size_t)done, size), written = 0;
        struct io io;
        ssize got, put = 0;
        s64 before = in_pos ? *in_pos : 0;

        io_init_kernel(&io, page_virt(page), want);
        got = in->ops->splice & SPLICE_SOURCE ? file_read(in, &io, in_pos, 0) : -EINVAL;
        if (got <= 0) {
            error = got;
            break;
        }
        while (written < (size_t)got) {
            io_init_kernel(&io, (char *)page_virt(page) + written, (size_t)got - written);
            put = !(out->ops->splice & SPLICE_SINK) ? -EINVAL : file_write(out, &io, out_pos, 0);
            if (put <= 0)
                break;
            written += (size_t)put;
        }
        done += (ssize)written;
        if (written < (size_t)got) {
            /* What was read and not written goes back. Not all files move the position when they are read. */
            if (in_pos)
                *in_pos = before + (ssize)written;
            error = put < 0 ? put : 0;
            break;
        }
        if (((size_t)got < want && !(in->mode & FILE_SEEKABLE)) || current_interrupted())
            break;
    }
    page_put(page);
    if (in_moves && done)
        in->position = (u64)own_in;
    if (out_moves && done)
        out->position = (u64)own_out;
    return done ? done : error;
}

/* Waits for a free slot in the pipe and leaves it locked. 0 or negative errno (unlocked). */
static int lock_with_room(struct pipe *p, bool nonblock)
{
    bool waited;
    int error;

    mutex_lock(&p->lock);
    error = pipe_wait_room(p, wait_flags(nonblock), &waited);
    if (error)
        mutex_unlock(&p->lock);
    return error;
}

/*
 * How many of n bytes one read takes: of what is cached never two pages (O_DIRECT goes past the cache); of what is not, as much as
 * the free slots hold, for the rest of a message would be lost.
 */
static size_t piece_of(const struct file *in, const s64 *pos, size_t n, u32 free)
{
    u64 at = pos ? (u64)*pos : in->position;
    bool cached = in->inode && in->ops->mmap && !(in->flags & O_DIRECT) && (S_ISREG(in->inode->mode) || S_ISBLK(in->inode->mode));

    return MIN(n, cached ? PAGE_SIZE - (at & (PAGE_SIZE - 1)) : MIN(free, SLOTS_AT_ONCE) * PAGE_SIZE);
}

/* Pages for a piece of so many bytes, and the vector over them. Under the pipe's lock. How many, or 0 without memory. */
static u32 pages_for(struct pipe *to, size_t piece, struct page **pages, struct iovec *iov)
{
    u32 count = 0;

    do {
        pages[count] = pipe_page(to);
        if (!pages[count])
            break;
        iov[count].iov_base = page_virt(pages[count]);
        iov[count].iov_len = MIN(piece - count * PAGE_SIZE, PAGE_SIZE);
        count++;
    } while (count * PAGE_SIZE < piece);
    return count;
}

/* Adds the first n bytes of the pages, a slot each, and releases what is left of them. What went in, or negative errno if none. */
static ssize push_pages(struct pipe *to, struct page **pages, u32 count, size_t n)
{
    size_t done = 0;
    int error = 0;

    for (u32 i = 0; i < count; i++) {
        if (done < n && !error)
            error = lock_with_room(to, false);
        if (done == n || error) {
            page_put(pages[i]);
            continue;
        }
        struct pipe_slot slot = {.page = pages[i], .length = (u32)MIN(n - done, PAGE_SIZE), .spliced = true};

        pipe_push(to, slot);
        mutex_unlock(&to->lock);
        done += slot.length;
    }
    if (done)
        pipe_wake_readers(to);
    return done ? (ssize)done : error;
}

ssize splice_to_pipe(struct file *in, s64 *pos, struct pipe *to, size_t n, bool nonblock)
{
    ssize done = 0;

    do { /* a full pipe is waited for and a broken one noticed for no bytes, too */
        int error = lock_with_room(to, nonblock || done);
        struct page *pages[SLOTS_AT_ONCE];
        struct iovec iov[SLOTS_AT_ONCE];
        size_t want;
        u32 count = 0;
        struct io io;
        ssize got, put;

        if (error)
            return done ? done : error;
        want = piece_of(in, pos, n - (size_t)done, to->slots - (to->head - to->tail));
        if (in->ops->splice & SPLICE_SOURCE)
            count = pages_for(to, want, pages, iov);
        mutex_unlock(&to->lock);
        if (!(in->ops->splice & SPLICE_SOURCE))
            return n ? -EINVAL : 0;
        if (!count)
            return done ? done : -ENOMEM;
        want = MIN(want, count * PAGE_SIZE);
        io_init_vec(&io, iov, count, false);
        /* After the first bytes only what is there at once. */
        if (done && in->ops->poll && !(in->ops->poll(in) & EPOLLIN))
            got = 0;
        else
            got = file_read(in, &io, pos, 0);
        put = push_pages(to, pages, count, got > 0 ? (size_t)got : 0);
        if (got <= 0 || put <= 0)
            return done ? done : got <= 0 ? got : put;
        done += put;
        if ((size_t)put < want)
            break;
    } while ((size_t)done < n);
    return done;
}

/*
 * Writes what the first slots hold, up to n bytes, at once: to a datagram socket it is one message, as on Linux. The pipe is
 * locked, and unlocked meanwhile.
 */
static ssize write_slots(struct pipe *from, struct file *out, s64 *pos, size_t n)
{
    struct page *pages[SLOTS_AT_ONCE];
    struct iovec parts[SLOTS_AT_ONCE];
    struct io io;
    ssize put;

    from->taken = 0;
    for (size_t left = n; left && from->taken < SLOTS_AT_ONCE && from->taken < from->head - from->tail; from->taken++) {
        struct pipe_slot *s = &from->ring[(from->tail + from->taken) & (from->slots - 1)];
        parts[from->taken] = (struct iovec){(char *)page_virt(s->page) + s->offset, MIN(left, (size_t)s->length)};
        left -= parts[from->taken].iov_len;
        page_get(pages[from->taken] = s->page);
    }
    u32 taken = from->taken;
    mutex_unlock(&from->lock);
    io_init_vec(&io, parts, taken, false);
    put = file_write(out, &io, pos, 0);
    for (u32 i = 0; i < taken; i++)
        page_put(pages[i]);
    mutex_lock(&from->lock);
    from->taken = 0;
    for (ssize left = put; left > 0;) {
        size_t part = MIN((size_t)left, (size_t)pipe_front(from)->length);
        pipe_consume(from, part);
        left -= (ssize)part;
    }
    return put;
}

ssize splice_from_pipe(struct pipe *from, struct file *out, s64 *pos, size_t n, bool nonblock)
{
    ssize done = 0, put = 0;
    bool waited;

    if (!(out->ops->splice & SPLICE_SINK))
        return -EINVAL;
    mutex_lock(&from->lock);
    while ((size_t)done < n) {
        put = pipe_wait_bytes(from, wait_flags(nonblock || done), &waited);
        if (put <= 0)
            break;
        put = write_slots(from, out, pos, n - (size_t)done);
        if (put <= 0)
            break;
        done += put;
    }
    mutex_unlock(&from->lock);
    pipe_wake_readers(from);
    pipe_wake_writers(from);
    return done ? done : put;
}

/* Locks two pipes in order of address. */
static void lock_pipes(struct pipe *a, struct pipe *b)
{
    mutex_lock(a < b ? &a->lock : &b->lock);
    mutex_lock(a < b ? &b->lock : &a->lock);
}

static void unlock_pipes(struct pipe *a, struct pipe *b)
{
    mutex_unlock(&a->lock);
    mutex_unlock(&b->lock);
}

/* Moves or copies what is possible now, both locked. */
static size_t move_slots(struct pipe *from, struct pipe *to, size_t n, bool consume)
{
    size_t done = 0;
    u32 at = from->tail;

    while (done < n && at != from->head && !pipe_full(to)) {
        struct pipe_slot s = from->ring[at & (from->slots - 1)];
        u32 length = (u32)MIN((size_t)s.length, n - done);

        page_get(s.page);
        pipe_push(to, (struct pipe_slot){s.page, s.offset, length, s.packet, s.spliced || !consume || length < s.length});
        done += length;
        if (consume) {
            pipe_consume(from, length);
            at = from->tail;
        } else {
            at++;
        }
    }
    return done;
}

ssize splice_pipes(struct pipe *from, struct pipe *to, size_t n, bool nonblock, bool consume)
{
    for (;;) {
        size_t done;
        bool ended, waited = false;
        int error;

        mutex_lock(&from->lock);
        error = pipe_wait_bytes(from, wait_flags(nonblock), &waited);
        mutex_unlock(&from->lock);
        if (error < 0)
            return error;
        ended = !error;
        error = lock_with_room(to, nonblock);
        if (error)
            return error;
        mutex_unlock(&to->lock);
        if (ended)
            return 0;
        lock_pipes(from, to);
        done = from->taken || !to->readers ? 0 : move_slots(from, to, n, consume);
        unlock_pipes(from, to);
        if (done) {
            pipe_wake_readers(to);
            pipe_wake_writers(from);
            if (waited) /* what is left is for another one that waits */
                pipe_wake_readers(from);
            return (ssize)done;
        }
    }
}

ssize splice_memory(struct io *io, struct pipe *to, bool nonblock)
{
    ssize done = 0;

    while (io->left) {
        int error = lock_with_room(to, nonblock || done);
        struct page *page;
        size_t piece;
        void *at;
        ssize n;

        if (error)
            return done ? done : error;
        /* A slot for each page of the program's, as if the page itself were handed on. */
        at = io_front(io, &piece);
        page = pipe_page(to);
        n = page ? io_copy_from(io, page_virt(page), MIN(piece, PAGE_SIZE - ((u64)at & (PAGE_SIZE - 1)))) : -ENOMEM;
        if (n > 0)
            pipe_push(to, (struct pipe_slot){.page = page, .length = (u32)n, .spliced = true});
        mutex_unlock(&to->lock);
        if (n <= 0) {
            if (page)
                page_put(page);
            return done ? done : n;
        }
        pipe_wake_readers(to);
        done += n;
    }
    return done;
}
