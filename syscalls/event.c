/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll, eventfd, timerfd, signalfd and inotify: argument checks around fs/event.h and fs/notify.h. */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/signalfd.h>
#include <linux/time.h>
#include <linux/timerfd.h>
#include "fs/event.h"
#include "fs/notify.h"
#include "kernel/signal.h"
#include "net/network.h"
#include "syscalls/bodies.h"
#include "syscalls/path_arg.h"
#include "syscalls/syscall.h"
#include "syscalls/timeout.h"
#include "syscalls/timespec.h"

/* eventfd(2); the system's kernel headers have no file for them before Linux 6.6. */
#define EFD_SEMAPHORE 1
#define EFD_CLOEXEC   O_CLOEXEC
#define EFD_NONBLOCK  O_NONBLOCK

/* A descriptor for a new file, which is an error or gets installed. */
static long install(struct file *f, u32 flags)
{
    if (IS_ERR(f))
        return PTR_ERR(f);
    int fd = fd_install(f, 0, flags & O_CLOEXEC);
    if (fd < 0)
        file_put(f);
    return fd;
}

/* ------------------------------------------------------------ epoll */

long sys_epoll_create(const struct syscall_args *a)
{
    if (ARG_INT(a, 0) <= 0)
        return -EINVAL;
    return install(epoll_file_create(), 0);
}

long sys_epoll_create1(const struct syscall_args *a)
{
    u32 flags = ARG_U32(a, 0);
    if (flags & ~(u32)EPOLL_CLOEXEC)
        return -EINVAL;
    return install(epoll_file_create(), flags);
}

long epoll_ctl_event(int epfd, int op, int fd, struct epoll_event *event)
{
    struct file *ep = fd_get(epfd);
    if (!ep)
        return -EBADF;
    struct file *target = fd_get(fd);
    long result = target ? epoll_control(ep, op, target, fd, event) : -EBADF;
    if (target)
        file_put(target);
    file_put(ep);
    return result;
}

long sys_epoll_ctl(const struct syscall_args *a)
{
    int op = ARG_INT(a, 1), fd = ARG_INT(a, 2);
    bool with_event = op != EPOLL_CTL_DEL;
    struct epoll_event event = {0};
    if (with_event && copy_from_user(&event, ARG_PTR(a, 3), sizeof(event)))
        return -EFAULT;
    return epoll_ctl_event(ARG_INT(a, 0), op, fd, with_event ? &event : NULL);
}

static long do_epoll_wait(int epfd, struct epoll_event *events, int max, nsec_t deadline)
{
    if (max <= 0 || max > INT32_MAX / (int)sizeof(*events))
        return -EINVAL;
    if (!user_range_ok(events, (size_t)max * sizeof(*events)))
        return -EFAULT;
    struct file *ep = fd_get(epfd);
    if (!ep)
        return -EBADF;
    network_look();
    long result = file_is_epoll(ep) ? epoll_wait_events(ep, events, max, deadline) : -EINVAL;
    file_put(ep);
    return result;
}

static nsec_t milliseconds_deadline(int ms)
{
    return ms < 0 ? NSEC_NEVER : timeout_deadline((u64)ms * NSEC_PER_MSEC);
}

long sys_epoll_wait(const struct syscall_args *a)
{
    return do_epoll_wait(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_INT(a, 2), milliseconds_deadline(ARG_INT(a, 3)));
}

static long epoll_pwait_until(const struct syscall_args *a, nsec_t deadline)
{
    const u64 *user_mask = ARG_PTR(a, 4);
    u64 mask;
    if (user_mask) {
        if (ARG_U64(a, 5) != sizeof(mask))
            return -EINVAL;
        if (get_user(mask, user_mask))
            return -EFAULT;
        signal_temporary_mask(mask);
    }
    long result = do_epoll_wait(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_INT(a, 2), deadline);
    if (user_mask)
        signal_temporary_mask_end(result == -EINTR);
    return result;
}

long sys_epoll_pwait(const struct syscall_args *a)
{
    return epoll_pwait_until(a, milliseconds_deadline(ARG_INT(a, 3)));
}

long sys_epoll_pwait2(const struct syscall_args *a)
{
    nsec_t deadline;
    int error = timeout_from_user(ARG_PTR(a, 3), &deadline);
    return error ? error : epoll_pwait_until(a, deadline);
}

/* ------------------------------------------------------------ eventfd */

static long do_eventfd(u32 count, u32 flags)
{
    if (flags & ~(u32)(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
        return -EINVAL;
    return install(eventfd_file_create(count, flags & EFD_SEMAPHORE, flags & EFD_NONBLOCK), flags);
}

long sys_eventfd(const struct syscall_args *a)
{
    return do_eventfd(ARG_U32(a, 0), 0);
}

long sys_eventfd2(const struct syscall_args *a)
{
    return do_eventfd(ARG_U32(a, 0), ARG_U32(a, 1));
}

/* ------------------------------------------------------------ timerfd */

long sys_timerfd_create(const struct syscall_args *a)
{
    int clock = ARG_INT(a, 0);
    u32 flags = ARG_U32(a, 1);
    if (flags & ~(u32)(TFD_CLOEXEC | TFD_NONBLOCK))
        return -EINVAL;
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME &&
        clock != CLOCK_REALTIME_ALARM && clock != CLOCK_BOOTTIME_ALARM)
        return -EINVAL;
    if ((clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM) && !fs_capable(CAP_WAKE_ALARM))
        return -EPERM;
    return install(timerfd_file_create(clock, flags & TFD_NONBLOCK), flags);
}

long sys_timerfd_settime(const struct syscall_args *a)
{
    int flags = ARG_INT(a, 1);
    struct __kernel_itimerspec new, old, *user_old = ARG_PTR(a, 3);
    if (copy_from_user(&new, ARG_PTR(a, 2), sizeof(new)))
        return -EFAULT;
    nsec_t checked;
    if (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) || timespec_to_ns(&new.it_value, &checked) ||
        timespec_to_ns(&new.it_interval, &checked))
        return -EINVAL;
    struct file *f = fd_get(ARG_INT(a, 0));
    long result = !f ? -EBADF : !file_is_timerfd(f) ? -EINVAL : timerfd_set(f, flags, &new, &old);
    if (f)
        file_put(f);
    if (!result && user_old && copy_to_user(user_old, &old, sizeof(old)))
        return -EFAULT;
    return result;
}

long sys_timerfd_gettime(const struct syscall_args *a)
{
    struct __kernel_itimerspec value;
    struct file *f = fd_get(ARG_INT(a, 0));
    if (!f)
        return -EBADF;
    bool right = file_is_timerfd(f);
    if (right)
        timerfd_get(f, &value);
    file_put(f);
    if (!right)
        return -EINVAL;
    return copy_to_user(ARG_PTR(a, 1), &value, sizeof(value));
}

/* ------------------------------------------------------------ signalfd */

static long do_signalfd(int fd, const u64 *user_mask, size_t size, u32 flags)
{
    u64 mask;
    if (size != sizeof(mask))
        return -EINVAL;
    if (get_user(mask, user_mask))
        return -EFAULT;
    if (flags & ~(u32)(SFD_CLOEXEC | SFD_NONBLOCK))
        return -EINVAL;
    if (fd == -1)
        return install(signalfd_file_create(mask, flags & SFD_NONBLOCK), flags);
    struct file *f = fd_get(fd);
    if (!f)
        return -EBADF;
    bool right = file_is_signalfd(f);
    if (right)
        signalfd_set_mask(f, mask);
    file_put(f);
    return right ? fd : -EINVAL;
}

long sys_signalfd(const struct syscall_args *a)
{
    return do_signalfd(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_U64(a, 2), 0);
}

long sys_signalfd4(const struct syscall_args *a)
{
    return do_signalfd(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_U64(a, 2), ARG_U32(a, 3));
}

/* ------------------------------------------------------------ inotify */

static long do_inotify_init(u32 flags)
{
    if (flags & ~(u32)(IN_CLOEXEC | IN_NONBLOCK))
        return -EINVAL;
    return install(inotify_file_create(flags & IN_NONBLOCK), flags);
}

long sys_inotify_init(const struct syscall_args *a)
{
    return do_inotify_init(0);
}

long sys_inotify_init1(const struct syscall_args *a)
{
    return do_inotify_init(ARG_U32(a, 0));
}

long sys_inotify_add_watch(const struct syscall_args *a)
{
    const u32 known = IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR | IN_DONT_FOLLOW |
                      IN_EXCL_UNLINK | IN_MASK_ADD | IN_MASK_CREATE | IN_ISDIR | IN_ONESHOT;
    u32 mask = ARG_U32(a, 2);
    struct path_ref at;
    struct file *f;
    long result;

    if (mask & ~known || !mask)
        return -EINVAL;
    f = fd_get(ARG_INT(a, 0));
    if (!f)
        return -EBADF;
    if (!file_is_inotify(f) || (mask & IN_MASK_ADD && mask & IN_MASK_CREATE))
        result = -EINVAL;
    else
        result = path_arg_find(AT_FDCWD, ARG_PTR(a, 1),
                               (mask & IN_DONT_FOLLOW ? 0 : FIND_FOLLOW) | (mask & IN_ONLYDIR ? FIND_DIRECTORY : 0), &at);
    if (!result) {
        result = inode_permission(at.dentry->inode, MAY_READ);
        if (!result)
            result = inotify_add(f, at.dentry->inode, mask);
        path_put(&at);
    }
    file_put(f);
    return result;
}

long sys_inotify_rm_watch(const struct syscall_args *a)
{
    struct file *f = fd_get(ARG_INT(a, 0));
    long result;

    if (!f)
        return -EBADF;
    result = file_is_inotify(f) ? inotify_remove(f, ARG_INT(a, 1)) : -EINVAL;
    file_put(f);
    return result;
}
