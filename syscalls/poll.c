/* SPDX-License-Identifier: BSD-2-Clause */
/* poll(2), ppoll(2), select(2) and pselect6(2), all on poll_entries() of fs/poll.c. */
#include <asm/poll.h>
#include <asm/posix_types.h>
#include <linux/eventpoll.h>
#include <linux/personality.h>
#include <linux/time.h>
#include "fs/event.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/signal.h"
#include "net/network.h"
#include "syscalls/syscall.h"
#include "syscalls/timeout.h"

/* ------------------------------------------------------------ the temporary signal mask */

/* Installs the program's mask for the time of a wait. 0, -EFAULT, -EINVAL. */
static int mask_begin(const u64 *user_mask, size_t size, bool *set)
{
    u64 mask;
    *set = false;
    if (!user_mask)
        return 0;
    if (size != sizeof(mask))
        return -EINVAL;
    if (get_user(mask, user_mask))
        return -EFAULT;
    signal_temporary_mask(mask);
    *set = true;
    return 0;
}

/* Writes the rest of the timeout back; the wait's result decides who restores the mask. */
static long wait_end(long result, bool mask_set, struct __kernel_timespec *user_left, nsec_t deadline)
{
    if (mask_set)
        signal_temporary_mask_end(result == -ERESTARTNOHAND);
    if (user_left && !(current_process()->personality & STICKY_TIMEOUTS)) {
        struct __kernel_timespec left = timeout_left(deadline);
        /* A timeout in read-only memory cannot be updated: then the call must not be restarted with the full time. */
        if (copy_to_user(user_left, &left, sizeof(left)) == 0)
            return result;
    } else if (!user_left) {
        return result;
    }
    return result == -ERESTARTNOHAND ? -EINTR : result;
}

/* ------------------------------------------------------------ poll */

/* Entries for the program's n descriptors. Those that are not open have file NULL and POLLNVAL. How many, or -EFAULT. */
static long open_entries(struct poll_set *set, const struct pollfd *user_fds, unsigned n)
{
    struct pollfd fds[POLL_FEW];
    long bad = 0;
    for (unsigned done = 0; done < n; done += POLL_FEW) {
        unsigned part = MIN(n - done, (unsigned)POLL_FEW);
        if (copy_from_user(fds, user_fds + done, part * sizeof(*fds)))
            return -EFAULT;
        for (unsigned i = 0; i < part; i++) {
            struct poll_entry *e = poll_entry_at(set, set->n++);
            e->file = fds[i].fd >= 0 ? fd_get(fds[i].fd) : NULL;
            e->events = (u16)fds[i].events | POLLERR | POLLHUP;
            e->revents = fds[i].fd >= 0 && !e->file ? POLLNVAL : 0;
            bad += e->revents != 0;
        }
    }
    return bad;
}

static long do_poll(struct pollfd *user_fds, unsigned n, nsec_t deadline)
{
    struct poll_set set;
    long result, bad;

    if (n > current_process()->limits[RLIMIT_NOFILE].rlim_cur)
        return -EINVAL;
    result = poll_set_init(&set, n);
    if (result)
        return result;
    network_look();
    result = bad = open_entries(&set, user_fds, n);
    if (bad >= 0)
        result = poll_entries(&set, bad ? 0 : deadline);
    if (result >= 0 && !user_range_ok(user_fds, n * sizeof(*user_fds))) /* even of none */
        result = -EFAULT;
    if (result >= 0)
        result += bad;
    else if (bad > 0) /* a signal is no matter when there is something to tell */
        result = bad;
    for (unsigned i = 0; result >= 0 && i < n; i++) {
        if (put_user((s16)poll_entry_at(&set, i)->revents, &user_fds[i].revents))
            result = -EFAULT;
    }
    poll_set_end(&set);
    return result;
}

static long poll_restart(struct thread *t)
{
    long result = do_poll((void *)t->restart.args[0], (unsigned)t->restart.args[1], t->restart.args[2]);
    return result == -ERESTARTNOHAND ? -ERESTART_RESTARTBLOCK : result;
}

long sys_poll(const struct syscall_args *a)
{
    int timeout = ARG_INT(a, 2);
    nsec_t deadline = timeout < 0 ? NSEC_NEVER : timeout_deadline((u64)timeout * NSEC_PER_MSEC);
    long result = do_poll(ARG_PTR(a, 0), ARG_U32(a, 1), deadline);
    if (result != -ERESTARTNOHAND)
        return result;
    struct thread *t = current_thread();
    t->restart.fn = poll_restart;
    t->restart.args[0] = a->arg[0];
    t->restart.args[1] = ARG_U32(a, 1);
    t->restart.args[2] = deadline;
    return -ERESTART_RESTARTBLOCK;
}

long sys_ppoll(const struct syscall_args *a)
{
    struct __kernel_timespec *timeout = ARG_PTR(a, 2);
    nsec_t deadline;
    bool mask_set;
    int error = timeout_from_user(timeout, &deadline);
    if (!error)
        error = mask_begin(ARG_PTR(a, 3), ARG_U64(a, 4), &mask_set);
    if (error)
        return error;
    long result = do_poll(ARG_PTR(a, 0), ARG_U32(a, 1), deadline);
    return wait_end(result, mask_set, timeout, deadline);
}

/* ------------------------------------------------------------ select */

#define SELECT_IN  (EPOLLRDNORM | EPOLLRDBAND | EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLNVAL)
#define SELECT_OUT (EPOLLWRBAND | EPOLLWRNORM | EPOLLOUT | EPOLLERR | EPOLLNVAL)
#define SELECT_EX  (EPOLLPRI | EPOLLNVAL)

static const u32 select_events[3] = {SELECT_IN, SELECT_OUT, SELECT_EX};

static bool bit_test(const u64 *set, unsigned fd)
{
    return set[fd / 64] >> (fd % 64) & 1;
}

/* One entry for each descriptor that a set names. How many are of O_PATH, which count as ready, or -EBADF. */
static int select_open(struct poll_set *set, u64 *const sets[3], unsigned n)
{
    int paths = 0;

    for (unsigned fd = 0; fd < n; fd++) {
        u32 events = 0;
        for (int s = 0; s < 3; s++) {
            if (sets[s] && bit_test(sets[s], fd))
                events |= select_events[s];
        }
        if (!events)
            continue;
        struct poll_entry *e = poll_entry_at(set, set->n);
        e->events = events;
        e->revents = 0;
        e->file = fd_get((int)fd);
        if (!e->file) {
            struct file *f = fd_get_path((int)fd);
            if (!f)
                return -EBADF;
            file_put(f);
            e->revents = EPOLLNVAL;
            paths++;
        }
        set->n++;
    }
    return paths;
}

/* Rewrites the sets from the entries' events; returns the number of bits set. */
static long select_store(struct poll_set *set, u64 *const sets[3], unsigned n)
{
    unsigned at = 0;
    long bits = 0;
    for (unsigned fd = 0; fd < n; fd++) {
        bool named = false;
        u64 bit = 1ull << (fd % 64);
        for (int s = 0; s < 3; s++) {
            if (!sets[s] || !bit_test(sets[s], fd))
                continue;
            named = true;
            if (poll_entry_at(set, at)->revents & select_events[s])
                bits++;
            else
                sets[s][fd / 64] &= ~bit;
        }
        at += named;
    }
    return bits;
}

static long select_wait(u64 *const sets[3], unsigned n, nsec_t deadline)
{
    unsigned named = 0;
    for (unsigned i = 0; i < (n + 63) / 64; i++) {
        u64 any = 0;
        for (int s = 0; s < 3; s++)
            any |= sets[s] ? sets[s][i] : 0;
        named += (unsigned)__builtin_popcountll(any);
    }
    struct poll_set set;
    long result = poll_set_init(&set, named);
    if (result)
        return result;
    network_look();
    result = select_open(&set, sets, n);
    if (result >= 0) {
        long ready = poll_entries(&set, result ? 0 : deadline);
        result = ready < 0 && result ? 0 : ready;
    }
    if (result >= 0)
        result = select_store(&set, sets, n);
    poll_set_end(&set);
    return result;
}

static long do_select(int n, u64 *const user_sets[3], nsec_t deadline)
{
    u64 few[3 * 16]; /* 1024 descriptors, the C library's FD_SETSIZE */
    u64 *sets[3] = {NULL, NULL, NULL};
    long result = -EFAULT;
    if (n < 0)
        return -EINVAL;
    /* Bits beyond the descriptor table are not looked at: select(2), "BUGS". */
    n = (int)MIN((u32)n, fd_table_capacity(current_thread()->files));
    size_t words = ((size_t)n + 63) / 64;
    u64 *memory = words > 16 ? kmalloc(3 * words * 8) : few;
    if (!memory)
        return -ENOMEM;
    for (int s = 0; s < 3; s++) {
        if (!user_sets[s])
            continue;
        sets[s] = memory + (size_t)s * words;
        if (copy_from_user(sets[s], user_sets[s], words * 8))
            goto out;
        if (n % 64)
            sets[s][words - 1] &= (1ull << (n % 64)) - 1;
    }
    result = select_wait(sets, (unsigned)n, deadline);
    for (int s = 0; s < 3 && result >= 0; s++) {
        if (sets[s] && copy_to_user(user_sets[s], sets[s], words * 8))
            result = -EFAULT;
    }
out:
    if (memory != few)
        kfree(memory);
    return result;
}

long sys_select(const struct syscall_args *a)
{
    u64 *const sets[3] = {ARG_PTR(a, 1), ARG_PTR(a, 2), ARG_PTR(a, 3)};
    struct timeval *user_timeout = ARG_PTR(a, 4), tv;
    nsec_t deadline = NSEC_NEVER;
    if (user_timeout) {
        if (get_user(tv, user_timeout))
            return -EFAULT;
        struct __kernel_timespec ts = {.tv_sec = tv.tv_sec + tv.tv_usec / 1000000,
                                       .tv_nsec = tv.tv_usec % 1000000 * 1000};
        int error = tv.tv_usec < 0 ? -EINVAL : timeout_from_timespec(&ts, &deadline);
        if (error)
            return error;
    }
    long result = do_select(ARG_INT(a, 0), sets, deadline);
    if (user_timeout && !(current_process()->personality & STICKY_TIMEOUTS)) {
        struct __kernel_timespec left = timeout_left(deadline);
        tv = (struct timeval){.tv_sec = left.tv_sec, .tv_usec = left.tv_nsec / 1000};
        if (copy_to_user(user_timeout, &tv, sizeof(tv)) == 0)
            return result;
        return result == -ERESTARTNOHAND ? -EINTR : result;
    }
    return result;
}

long sys_pselect6(const struct syscall_args *a)
{
    u64 *const sets[3] = {ARG_PTR(a, 1), ARG_PTR(a, 2), ARG_PTR(a, 3)};
    struct __kernel_timespec *timeout = ARG_PTR(a, 4);
    struct {
        u64 *mask;
        size_t size;
    } sigmask = {NULL, 0};
    nsec_t deadline;
    bool mask_set;
    if (ARG_PTR(a, 5) && copy_from_user(&sigmask, ARG_PTR(a, 5), sizeof(sigmask)))
        return -EFAULT;
    int error = timeout_from_user(timeout, &deadline);
    if (!error)
        error = mask_begin(sigmask.mask, sigmask.size, &mask_set);
    if (error)
        return error;
    long result = do_select(ARG_INT(a, 0), sets, deadline);
    return wait_end(result, mask_set, timeout, deadline);
}
