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

static u32 wait_flags(bool nonblock)
{
    return nonblock ? O_NONBLOCK : 0;
}

ssize splice_files(struct file *in, s64 *in_pos, struct file *out, s64 *out_pos, size_t n)
{
    struct page *page = page_alloc(BOUNCE_ORDER, PAGE_NO_RECLAIM);
    size_t size = page ? PAGE_SIZE << BOUNCE_ORDER : PAGE_SIZE;
    ssize done = 0, error = 0;

    if (!page)
        page = page_alloc(0, 0);
    if (!page)
        return -ENOMEM;
    while ((size_t)done < n && !error) {
        size_t want = MIN(n - (size_t)done, size), written = 0;
        struct io io;
        ssize got, put = 0;

        io_init_kernel(&io, page_virt(page), want);
        got = file_read(in, &io, in_pos, 0);
        if (got <= 0) {
            error = got;
            break;
        }
        while (written < (size_t)got) {
            io_init_kernel(&io, (char *)page_virt(page) + written, (size_t)got - written);
            put = file_write(out, &io, out_pos, 0);
            if (put <= 0)
                break;
            written += (size_t)put;
        }
        done += (ssize)written;
        if (written < (size_t)got) {
            /* What was read and not written goes back. */
            if (in_pos)
                *in_pos -= got - (ssize)written;
            else if (in->mode & FILE_SEEKABLE)
                __atomic_sub_fetch(&in->position, (u64)got - written, __ATOMIC_RELAXED);
            error = put < 0 ? put : 0;
            break;
        }
        if ((size_t)got < want || current_interrupted())
            break;
    }
    page_put(page);
    return done ? done : error;
}

/* Waits for a free slot in the pipe and leaves it locked. 0 or negative errno (unlocked). */
static int lock_with_room(struct pipe *p, bool nonblock)
{
    int error;

    mutex_lock(&p->lock);
    error = pipe_wait_room(p, wait_flags(nonblock));
    if (error)
        mutex_unlock(&p->lock);
    return error;
}

ssize splice_to_pipe(struct file *in, s64 *pos, struct pipe *to, size_t n, bool nonblock)
{
    ssize done = 0;

    while ((size_t)done < n) {
        int error = lock_with_room(to, nonblock || done);
        struct page *page;
        struct io io;
        ssize got;

        if (error)
            return done ? done : error;
        page = pipe_page(to);
        mutex_unlock(&to->lock);
        if (!page)
            return done ? done : -ENOMEM;
        io_init_kernel(&io, page_virt(page), MIN(n - (size_t)done, PAGE_SIZE));
        /* After the first bytes only what is there at once. */
        if (done && in->ops->poll && !(in->ops->poll(in) & EPOLLIN))
            got = 0;
        else
            got = file_read(in, &io, pos, 0);
        if (got <= 0) {
            page_put(page);
            return done ? done : got;
        }
        error = lock_with_room(to, false);
        if (error) {
            page_put(page);
            return done ? done : error;
        }
        pipe_push(to, (struct pipe_slot){.page = page, .length = (u32)got});
        mutex_unlock(&to->lock);
        pipe_wake_readers(to);
        done += got;
        if ((size_t)got < PAGE_SIZE)
            break;
    }
    return done;
}

/* Writes what the front slot holds, up to n bytes. The pipe is locked, and unlocked meanwhile. */
static ssize write_front(struct pipe *from, struct file *out, s64 *pos, size_t n)
{
    struct pipe_slot s = *pipe_front(from);
    struct io io;
    ssize put;

    page_get(s.page);
    from->front_taken = true;
    mutex_unlock(&from->lock);
    io_init_kernel(&io, (char *)page_virt(s.page) + s.offset, MIN(n, (size_t)s.length));
    put = file_write(out, &io, pos, 0);
    page_put(s.page);
    mutex_lock(&from->lock);
    from->front_taken = false;
    if (put > 0)
        pipe_consume(from, (size_t)put);
    return put;
}

ssize splice_from_pipe(struct pipe *from, struct file *out, s64 *pos, size_t n, bool nonblock)
{
    ssize done = 0, put = 0;

    mutex_lock(&from->lock);
    while ((size_t)done < n) {
        put = pipe_wait_bytes(from, wait_flags(nonblock || done));
        if (put <= 0)
            break;
        put = write_front(from, out, pos, n - (size_t)done);
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
        pipe_push(to, (struct pipe_slot){s.page, s.offset, length, s.packet});
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
        int error;

        mutex_lock(&from->lock);
        error = pipe_wait_bytes(from, wait_flags(nonblock));
        mutex_unlock(&from->lock);
        if (error <= 0)
            return error;
        error = lock_with_room(to, nonblock);
        if (error)
            return error;
        mutex_unlock(&to->lock);
        lock_pipes(from, to);
        done = from->front_taken || !to->readers ? 0 : move_slots(from, to, n, consume);
        unlock_pipes(from, to);
        if (done) {
            pipe_wake_readers(to);
            pipe_wake_writers(from);
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
        ssize n;

        if (error)
            return done ? done : error;
        page = pipe_page(to);
        n = page ? io_copy_from(io, page_virt(page), MIN(io->left, PAGE_SIZE)) : -ENOMEM;
        if (n > 0)
            pipe_push(to, (struct pipe_slot){.page = page, .length = (u32)n});
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
