/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux AIO: io_setup(2) and its relatives. What a request asks for is done while it is submitted, as Linux does it for files whose
 * data is in memory; so there is never anything to cancel.
 */
#include <linux/fs.h>
#include <linux/ioprio.h>
#include "fs/aio.h"
#include "fs/event.h"
#include "kernel/heap.h"
#include "kernel/signal.h"
#include "syscalls/syscall.h"
#include "syscalls/timeout.h"

#define REQUEST_KEY 0u /* what the kernel leaves in aio_key */

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

/* The transfer of r: 0 with what came of it in *result, or why it cannot be begun. */
static long transfer(struct file *f, const struct iocb *r, bool write, bool vector, s64 *result)
{
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
    if (!error)
        *result = write ? file_write(f, &io, at, r->aio_rw_flags) : file_read(f, &io, at, r->aio_rw_flags);
    kfree(allocated);
    return error;
}

static long synchronize(struct file *f, const struct iocb *r, bool data_only, s64 *result)
{
    if (r->aio_buf || r->aio_offset || r->aio_nbytes || r->aio_rw_flags || !f->ops->fsync)
        return -EINVAL;
    *result = f->ops->fsync(f, data_only);
    return 0;
}

static long perform(struct file *f, const struct iocb *r, s64 *result)
{
    switch (r->aio_lio_opcode) {
    case IOCB_CMD_PREAD:
    case IOCB_CMD_PREADV:
        return transfer(f, r, false, r->aio_lio_opcode == IOCB_CMD_PREADV, result);
    case IOCB_CMD_PWRITE:
    case IOCB_CMD_PWRITEV:
        return transfer(f, r, true, r->aio_lio_opcode == IOCB_CMD_PWRITEV, result);
    case IOCB_CMD_FSYNC:
    case IOCB_CMD_FDSYNC:
        return synchronize(f, r, r->aio_lio_opcode == IOCB_CMD_FDSYNC, result);
    default:
        return -EINVAL;
    }
}

/* With the files that r names: told is the eventfd that hears of it, or NULL. */
static long submit_to(struct file *context, struct file *f, struct file *told, struct iocb *user, const struct iocb *r)
{
    struct io_event event = {.data = r->aio_data, .obj = (u64)user};

    if (put_user(REQUEST_KEY, &user->aio_key))
        return -EFAULT;
    if (!aio_reserve(context))
        return -EAGAIN;
    s64 result = 0;
    long error = perform(f, r, &result);
    if (error) {
        aio_unreserve(context);
        return error;
    }
    event.res = result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK ? -EINTR : result;
    aio_complete(context, &event);
    if (told)
        eventfd_signal(told);
    return 0;
}

static long submit_one(struct file *context, struct iocb *user)
{
    struct file *told = NULL;
    struct iocb r;
    long result;

    if (get_user(r, user))
        return -EFAULT;
    if (r.aio_reserved2 || (s64)r.aio_nbytes < 0)
        return -EINVAL;
    struct file *f = fd_get((int)r.aio_fildes);
    if (!f)
        return -EBADF;
    if (r.aio_flags & IOCB_FLAG_RESFD)
        told = fd_get((int)r.aio_resfd);
    if ((r.aio_flags & IOCB_FLAG_RESFD) && !told)
        result = -EBADF;
    else if (told && !file_is_eventfd(told))
        result = -EINVAL;
    else
        result = submit_to(context, f, told, user, &r);
    if (told)
        file_put(told);
    file_put(f);
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
    return -EINVAL; /* done already, or never submitted */
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
