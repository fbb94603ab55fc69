/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux AIO: io_setup(2) and its relatives. What a request asks for is done while it is submitted, as on Linux; but for polls, and for
 * what a disk or the host has to do: direct transfers and synchronizing.
 */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/ioprio.h>
#include "fs/aio.h"
#include "fs/event.h"
#include "fs/uring/uring.h"
#include "kernel/heap.h"
#include "kernel/signal.h"
#include "syscalls/syscall.h"
#include "syscalls/timeout.h"

#define REQUEST_KEY 0u /* what the kernel leaves in aio_key */
#define LATER URING_PENDING /* a result: others do it */

/* A request on its way: what io_submit(2) was given, and the files it names. */
struct request {
    struct file *context, *file, *told; /* told: the eventfd that hears of it, or NULL */
    struct iocb *user;
    struct iocb iocb;
};

long sys_io_setup(const struct syscall_args *a)
{
    u64 *user = ARG_PTR(a, 1), number;

    if (get_user(number, user))
        return -EFAULT;
    if (number)
        return -EINVAL;
    s64 made = aio_create(ARG_U32(a, 0));
    if (made < 0)
        return made;
    number = (u64)made;
    if (put_user(number, user)) {
        aio_destroy(number);
        return -EFAULT;
    }
    return 0;
}

long sys_io_destroy(const struct syscall_args *a)
{
    return aio_destroy(ARG_U64(a, 0));
}

/* ------------------------------------------------------------ submitting */

/* Has others do it: 0 with LATER in *result, or why it cannot be begun. */
static long leave(struct request *q, const struct io_uring_sqe *entry, s64 *result)
{
    struct io_uring_sqe e = *entry;

    e.user_data = (u64)q->user;
    *result = LATER;
    return aio_start(q->context, &e, q->file, q->iocb.aio_data, q->told);
}

/* Is a transfer the disk's or the host's to do, and does not end at once? */
static bool is_direct(const struct file *f)
{
    return f->flags & O_DIRECT && !uring_in_memory(f);
}

static long transfer_later(struct request *q, bool write, bool vector, s64 *result)
{
    const struct iocb *r = &q->iocb;
    const struct io_uring_sqe e = {
        .opcode = vector ? write ? IORING_OP_WRITEV : IORING_OP_READV : write ? IORING_OP_WRITE : IORING_OP_READ,
        .addr = r->aio_buf,
        .len = (u32)MIN(r->aio_nbytes, IO_MAX_BYTES),
        .off = (u64)r->aio_offset,
        .rw_flags = r->aio_rw_flags & ~RWF_NOWAIT, /* who submits does not wait */
    };

    return leave(q, &e, result);
}

/* The transfer that q asks for: 0 with what came of it in *result, or why it cannot be begun. */
static long transfer(struct request *q, bool write, bool vector, s64 *result)
{
    const struct iocb *r = &q->iocb;
    struct file *f = q->file;
    struct iovec storage[IO_FAST_VEC], *allocated = NULL;
    s64 offset = r->aio_offset, *at = f->mode & FILE_SEEKABLE ? &offset : NULL;
    struct io io;
    long error = 0;

    if ((r->aio_flags & IOCB_FLAG_IOPRIO) && IOPRIO_PRIO_CLASS((u16)r->aio_reqprio) > IOPRIO_CLASS_IDLE)
        return -EINVAL;
    if (r->aio_rw_flags & ~RWF_SUPPORTED)
        return -EOPNOTSUPP;
    if (!(f->mode & (write ? FILE_WRITE : FILE_READ)))
        return -EBADF;
    if (!(write ? f->ops->write != NULL : f->ops->read != NULL))
        return -EINVAL;
    if (vector)
        error = io_import(&io, (const struct iovec *)r->aio_buf, r->aio_nbytes, storage, &allocated);
    else if (!user_range_ok((void *)r->aio_buf, r->aio_nbytes))
        error = -EFAULT;
    else
        io_init_user(&io, (void *)r->aio_buf, r->aio_nbytes);
    if (!error && at && offset < 0)
        error = -EINVAL;
    if (!error && is_direct(f))
        error = transfer_later(q, write, vector, result);
    else if (!error)
        *result = write ? file_write(f, &io, at, r->aio_rw_flags) : file_read(f, &io, at, r->aio_rw_flags);
    kfree(allocated);
    return error;
}

static long synchronize(struct request *q, bool data_only, s64 *result)
{
    const struct iocb *r = &q->iocb;
    struct file *f = q->file;

    if (r->aio_buf || r->aio_offset || r->aio_nbytes || r->aio_rw_flags || !f->ops->fsync)
        return -EINVAL;
    if (!uring_in_memory(f))
        return leave(q, &(struct io_uring_sqe){.opcode = IORING_OP_FSYNC, .fsync_flags = data_only ? IORING_FSYNC_DATASYNC : 0}, result);
    *result = f->ops->fsync(f, data_only);
    return 0;
}

/* One event of a file. What Linux would have to wait for in two queues it refuses. */
static long poll_file(struct request *q, s64 *result)
{
    const struct iocb *r = &q->iocb;
    struct file *f = q->file;
    u32 wanted = (u16)r->aio_buf | EPOLLERR | EPOLLHUP, type = f->inode ? f->inode->mode & S_IFMT : 0;
    bool two = type == S_IFCHR || (type == S_IFIFO && f->mode & FILE_READ && f->mode & FILE_WRITE);

    if (r->aio_buf > UINT16_MAX || r->aio_offset || r->aio_nbytes || r->aio_rw_flags)
        return -EINVAL;
    if (f->ops->poll && f->ops->poll_queue && !two)
        return leave(q, &(struct io_uring_sqe){.opcode = IORING_OP_POLL_ADD, .poll32_events = (u16)r->aio_buf}, result);
    *result = file_poll(f) & wanted;
    return *result ? 0 : -EINVAL;
}

static long perform(struct request *q, s64 *result)
{
    u16 op = q->iocb.aio_lio_opcode;

    switch (op) {
    case IOCB_CMD_PREAD:
    case IOCB_CMD_PREADV:
        return transfer(q, false, op == IOCB_CMD_PREADV, result);
    case IOCB_CMD_PWRITE:
    case IOCB_CMD_PWRITEV:
        return transfer(q, true, op == IOCB_CMD_PWRITEV, result);
    case IOCB_CMD_FSYNC:
    case IOCB_CMD_FDSYNC:
        return synchronize(q, op == IOCB_CMD_FDSYNC, result);
    case IOCB_CMD_POLL:
        return poll_file(q, result);
    default:
        return -EINVAL;
    }
}

/* With q's files there. The eventfd's reference goes with a request that is left to others. */
static long submit_to(struct request *q)
{
    struct io_event event = {.data = q->iocb.aio_data, .obj = (u64)q->user};

    if (put_user(REQUEST_KEY, &q->user->aio_key))
        return -EFAULT;
    if (!aio_reserve(q->context))
        return -EAGAIN;
    s64 result = 0;
    long error = perform(q, &result);
    if (error) {
        aio_unreserve(q->context);
        return error;
    }
    if (result == LATER) {
        q->told = NULL;
        return 0;
    }
    event.res = result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK ? -EINTR : result;
    aio_complete(q->context, &event);
    if (q->told)
        eventfd_signal(q->told);
    return 0;
}

static long submit_one(struct file *context, struct iocb *user)
{
    struct request q = {.context = context, .user = user};
    const struct iocb *r = &q.iocb;
    long result;

    if (get_user(q.iocb, user))
        return -EFAULT;
    if (r->aio_reserved2 || (s64)r->aio_nbytes < 0)
        return -EINVAL;
    q.file = fd_get((int)r->aio_fildes);
    if (!q.file)
        return -EBADF;
    if (r->aio_flags & IOCB_FLAG_RESFD)
        q.told = fd_get((int)r->aio_resfd);
    if ((r->aio_flags & IOCB_FLAG_RESFD) && !q.told)
        result = -EBADF;
    else if (q.told && !file_is_eventfd(q.told))
        result = -EINVAL;
    else
        result = submit_to(&q);
    if (q.told)
        file_put(q.told);
    file_put(q.file);
    return result;
}

long sys_io_submit(const struct syscall_args *a)
{
    s64 n = ARG_S64(a, 1), done = 0;
    struct iocb **list = ARG_PTR(a, 2), *user;
    long error = 0;

    if (n < 0)
        return -EINVAL;
    struct file *context = aio_get(ARG_U64(a, 0));
    if (!context)
        return -EINVAL;
    for (n = MIN(n, (s64)aio_size(context)); done < n && !error; done += !error)
        error = get_user(user, list + done) ? -EFAULT : submit_one(context, user);
    file_put(context);
    return done ? done : error;
}

long sys_io_cancel(const struct syscall_args *a)
{
    struct iocb *user = ARG_PTR(a, 1);
    u32 key;

    if (get_user(key, &user->aio_key))
        return -EFAULT;
    struct file *context = key == REQUEST_KEY ? aio_get(ARG_U64(a, 0)) : NULL;
    if (!context)
        return -EINVAL;
    int error = aio_cancel(context, (u64)user);
    file_put(context);
    return error;
}

/* ------------------------------------------------------------ events */

static long get_events(const struct syscall_args *a, nsec_t deadline)
{
    s64 least = ARG_S64(a, 1), most = ARG_S64(a, 2);
    struct file *context = aio_get(ARG_U64(a, 0));

    if (!context)
        return -EINVAL;
    long result = least < 0 || least > most ? -EINVAL : aio_fetch(context, least, most, ARG_PTR(a, 3), deadline);
    file_put(context);
    return result;
}

static long get_timeout(const struct __kernel_timespec *user, nsec_t *deadline)
{
    struct __kernel_timespec ts;

    *deadline = NSEC_NEVER;
    if (!user)
        return 0;
    if (get_user(ts, user))
        return -EFAULT;
    /* Nonsense is no error here: it has passed. */
    if (timeout_from_timespec(&ts, deadline))
        *deadline = 0;
    return 0;
}

long sys_io_getevents(const struct syscall_args *a)
{
    nsec_t deadline;
    long error = get_timeout(ARG_PTR(a, 4), &deadline);

    return error ? error : get_events(a, deadline);
}

long sys_io_pgetevents(const struct syscall_args *a)
{
    struct { const u64 *mask; u64 size; } pack = {0};
    nsec_t deadline;
    u64 mask;
    long result = get_timeout(ARG_PTR(a, 4), &deadline);

    if (result)
        return result;
    if (a->arg[5] && copy_from_user(&pack, ARG_PTR(a, 5), sizeof(pack)))
        return -EFAULT;
    if (pack.mask) {
        if (pack.size != sizeof(mask))
            return -EINVAL;
        if (get_user(mask, pack.mask))
            return -EFAULT;
        signal_temporary_mask(mask);
    }
    result = get_events(a, deadline);
    if (pack.mask)
        signal_temporary_mask_end(result == -EINTR);
    return result;
}
