/* SPDX-License-Identifier: BSD-2-Clause */
/* io_uring_setup(2), io_uring_enter(2), and io_uring_register(2) up to what is registered. */
#include "fs/uring/uring.h"
#include "kernel/lib/string.h"
#include "kernel/signal.h"
#include "syscalls/syscall.h"
#include "syscalls/timeout.h"
#include "syscalls/uring.h"

long sys_io_uring_setup(const struct syscall_args *a);
long sys_io_uring_enter(const struct syscall_args *a);
long sys_io_uring_register(const struct syscall_args *a);

/* IOPOLL needs disks that are polled, SQPOLL a CPU to spare. */
#define SETUP_FLAGS                                                                                            \
    (IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_ATTACH_WQ | IORING_SETUP_R_DISABLED |             \
     IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SQE128 |   \
     IORING_SETUP_CQE32 | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)
#define ENTER_FLAGS                                                                                \
    (IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP | IORING_ENTER_SQ_WAIT | IORING_ENTER_EXT_ARG | \
     IORING_ENTER_REGISTERED_RING)

static u32 power_of_two(u32 n)
{
    u32 p = 1;

    while (p < n)
        p *= 2;
    return p;
}

/* Entries as asked for, made what they will be: 0 or -EINVAL. */
static int check_entries(u32 entries, struct io_uring_params *p)
{
    bool clamp = p->flags & IORING_SETUP_CLAMP;

    if (!entries || (entries > URING_ENTRIES_MAX && !clamp))
        return -EINVAL;
    p->sq_entries = power_of_two(MIN(entries, URING_ENTRIES_MAX));
    if (!(p->flags & IORING_SETUP_CQSIZE)) {
        p->cq_entries = 2 * p->sq_entries;
        return 0;
    }
    if (!p->cq_entries || (p->cq_entries > 2 * URING_ENTRIES_MAX && !clamp))
        return -EINVAL;
    p->cq_entries = power_of_two(MIN(p->cq_entries, 2 * URING_ENTRIES_MAX));
    return p->cq_entries < p->sq_entries ? -EINVAL : 0;
}

/* ATTACH_WQ shares workers, which all rings share anyway. */
static int check_attach(const struct io_uring_params *p)
{
    struct file *f = p->flags & IORING_SETUP_ATTACH_WQ ? fd_get((int)p->wq_fd) : NULL;
    int error = f && !uring_of(f) ? -EINVAL : 0;

    if (p->flags & IORING_SETUP_ATTACH_WQ && !f)
        return -ENXIO;
    if (f)
        file_put(f);
    return error;
}

static int check_setup(u32 entries, struct io_uring_params *p)
{
    u32 flags = p->flags;

    if (p->resv[0] || p->resv[1] || p->resv[2] || flags & ~SETUP_FLAGS)
        return -EINVAL;
    if (flags & IORING_SETUP_TASKRUN_FLAG && !(flags & (IORING_SETUP_COOP_TASKRUN | IORING_SETUP_DEFER_TASKRUN)))
        return -EINVAL;
    if (flags & IORING_SETUP_DEFER_TASKRUN && !(flags & IORING_SETUP_SINGLE_ISSUER))
        return -EINVAL;
    int error = check_entries(entries, p);
    return error ? error : check_attach(p);
}

long sys_io_uring_setup(const struct syscall_args *a)
{
    struct io_uring_params p, *user = ARG_PTR(a, 1);

    if (get_user(p, user))
        return -EFAULT;
    long error = check_setup(ARG_U32(a, 0), &p);
    if (error)
        return error;
    struct file *f = uring_create(&p);
    if (IS_ERR(f))
        return PTR_ERR(f);
    if (put_user(p, user)) {
        file_put(f);
        return -EFAULT;
    }
    int fd = fd_install(f, 0, O_CLOEXEC);
    if (fd < 0)
        file_put(f);
    return fd;
}

/* ------------------------------------------------------------ io_uring_enter */

/* The file of a ring by descriptor, or by where the thread has registered it. ERR_PTR. */
static struct file *get_ring(int fd, bool registered)
{
    struct uring_thread *t = current_thread()->uring;
    struct file *f;

    if (registered) {
        if (!t || (u32)fd >= URING_REGISTERED)
            return ERR_PTR(-EINVAL);
        f = t->registered[fd];
        if (!f)
            return ERR_PTR(-EBADF);
        file_get(f);
    } else {
        f = fd_get(fd);
        if (!f)
            return ERR_PTR(-EBADF);
    }
    if (uring_of(f))
        return f;
    file_put(f);
    return ERR_PTR(-EOPNOTSUPP);
}

static long submit(struct uring *ring, u32 n)
{
    long done;

    mutex_lock(&ring->submitting);
    if (ring->flags & IORING_SETUP_SINGLE_ISSUER && ring->issuer != current_thread())
        done = -EEXIST;
    else
        done = uring_submit(ring, n);
    mutex_unlock(&ring->submitting);
    return done;
}

/* The arguments of waiting, in either form: 0 or negative errno. */
static long wait_arguments(u32 flags, u64 argument, u64 size, u64 *sigmask, u64 *sigmask_size, nsec_t *deadline)
{
    struct io_uring_getevents_arg ext;
    struct __kernel_timespec ts;

    *sigmask = argument;
    *sigmask_size = size;
    *deadline = NSEC_NEVER;
    if (!(flags & IORING_ENTER_EXT_ARG))
        return 0;
    if (size != sizeof(ext))
        return -EINVAL;
    if (get_user(ext, (struct io_uring_getevents_arg *)argument))
        return -EFAULT;
    if (ext.pad)
        return -EINVAL;
    *sigmask = ext.sigmask;
    *sigmask_size = ext.sigmask_sz;
    if (!ext.ts)
        return 0;
    if (get_user(ts, (struct __kernel_timespec *)ext.ts))
        return -EFAULT;
    if (timeout_from_timespec(&ts, deadline)) /* nonsense has passed */
        *deadline = 0;
    return 0;
}

static long get_events(struct uring *ring, u32 least, u32 flags, u64 argument, u64 size)
{
    u64 user_mask, mask_size, mask;
    nsec_t deadline;
    long result = wait_arguments(flags, argument, size, &user_mask, &mask_size, &deadline);

    if (result)
        return result;
    if (user_mask && uring_has(ring, least)) /* then nobody looks at the mask */
        return 0;
    if (user_mask) {
        if (mask_size != sizeof(mask))
            return -EINVAL;
        if (get_user(mask, (u64 *)user_mask))
            return -EFAULT;
        signal_temporary_mask(mask);
    }
    result = uring_wait(ring, least, deadline);
    if (user_mask)
        signal_temporary_mask_end(result == -EINTR);
    return result;
}

long sys_io_uring_enter(const struct syscall_args *a)
{
    u32 n = ARG_U32(a, 1), flags = ARG_U32(a, 3);
    long done = 0, result = 0;

    if (flags & ~ENTER_FLAGS)
        return -EINVAL;
    struct file *f = get_ring(ARG_INT(a, 0), flags & IORING_ENTER_REGISTERED_RING);
    if (IS_ERR(f))
        return PTR_ERR(f);
    struct uring *ring = uring_of(f);
    if (READ_ONCE(ring->disabled))
        done = -EBADFD;
    else if (n)
        done = submit(ring, n);
    if (done >= 0 && (u32)done == n && flags & IORING_ENTER_GETEVENTS)
        result = get_events(ring, ARG_U32(a, 2), flags, ARG_U64(a, 4), ARG_U64(a, 5));
    else if (done >= 0)
        uring_run_ready(ring);
    file_put(f);
    return done ? done : result;
}

long sys_io_uring_register(const struct syscall_args *a)
{
    u32 opcode = ARG_U32(a, 1);

    if (opcode >= IORING_REGISTER_LAST)
        return -EINVAL;
    struct file *f = get_ring(ARG_INT(a, 0), false);
    if (IS_ERR(f))
        return PTR_ERR(f);
    struct uring *ring = uring_of(f);
    long result;
    mutex_lock(&ring->submitting);
    if (ring->issuer && ring->issuer != current_thread())
        result = -EEXIST;
    else if (ring->restrictions.given && !ring->disabled &&
             !(ring->restrictions.register_ops >> opcode & 1))
        result = -EACCES;
    else
        result = uring_register(ring, opcode, ARG_PTR(a, 2), ARG_U32(a, 3));
    mutex_unlock(&ring->submitting);
    file_put(f);
    return result;
}
