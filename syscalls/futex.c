/* SPDX-License-Identifier: BSD-2-Clause */
/* futex(2) and futex_waitv: operations, flags and timeouts turned into calls of kernel/futex.h. */
#include <linux/futex.h>
#include "syscalls/syscall.h"
#include "syscalls/timespec.h"
#include "kernel/futex.h"
#include "kernel/heap.h"
#include "kernel/timer.h"

long sys_futex(const struct syscall_args *a);
long sys_futex_waitv(const struct syscall_args *a);

static bool takes_timeout(int command)
{
    switch (command) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
    case FUTEX_WAIT_REQUEUE_PI:
        return true;
    default:
        return false;
    }
}

static int read_timeout(const struct __kernel_timespec *timeout, nsec_t *ns)
{
    struct __kernel_timespec ts;
    if (get_user(ts, timeout))
        return -EFAULT;
    return timespec_to_ns(&ts, ns);
}

/* A timed wait that a signal without handler interrupted goes on to the same deadline. */
static long wait_again(struct thread *me);

static long wait_restartable(u32 *uaddr, bool shared, u32 value, u32 bitset, nsec_t deadline, bool realtime)
{
    long result = futex_wait(uaddr, shared, value, bitset, deadline, realtime);
    if (result != -ERESTARTSYS || deadline == NSEC_NEVER)
        return result;
    struct restart_block *r = &current_thread()->restart;
    r->fn = wait_again;
    r->args[0] = (u64)uaddr;
    r->args[1] = shared;
    r->args[2] = value;
    r->args[3] = bitset;
    r->args[4] = deadline;
    r->args[5] = realtime;
    return -ERESTART_RESTARTBLOCK;
}

static long wait_again(struct thread *me)
{
    u64 *args = me->restart.args;
    return wait_restartable((u32 *)args[0], args[1], (u32)args[2], (u32)args[3], args[4], args[5]);
}

long sys_futex(const struct syscall_args *a)
{
    u32 *uaddr = ARG_PTR(a, 0), *uaddr2 = ARG_PTR(a, 4);
    int op = ARG_INT(a, 1), command = op & FUTEX_CMD_MASK;
    u32 value = ARG_U32(a, 2), value2 = ARG_U32(a, 3), value3 = ARG_U32(a, 5);
    bool shared = !(op & FUTEX_PRIVATE_FLAG), realtime = op & FUTEX_CLOCK_REALTIME;
    nsec_t deadline = NSEC_NEVER;

    if (ARG_PTR(a, 3) && takes_timeout(command)) {
        int error = read_timeout(ARG_PTR(a, 3), &deadline);
        if (error)
            return error;
        if (command == FUTEX_WAIT) { /* the only relative one */
            nsec_t now = clock_monotonic();
            deadline = deadline > NSEC_NEVER - 1 - now ? NSEC_NEVER - 1 : deadline + now;
        } else if (command == FUTEX_LOCK_PI) {
            realtime = true;
        }
    }
    if ((op & FUTEX_CLOCK_REALTIME) && command != FUTEX_WAIT_BITSET && command != FUTEX_WAIT_REQUEUE_PI &&
        command != FUTEX_LOCK_PI2)
        return -ENOSYS;

    switch (command) {
    case FUTEX_WAIT:
        return wait_restartable(uaddr, shared, value, FUTEX_BITSET_MATCH_ANY, deadline, false);
    case FUTEX_WAIT_BITSET:
        return wait_restartable(uaddr, shared, value, value3, deadline, realtime);
    case FUTEX_WAKE:
        return futex_wake(uaddr, shared, (int)value, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAKE_BITSET:
        return futex_wake(uaddr, shared, (int)value, value3);
    case FUTEX_REQUEUE:
        return futex_requeue(uaddr, uaddr2, shared, (int)value, (int)value2, NULL);
    case FUTEX_CMP_REQUEUE:
        return futex_requeue(uaddr, uaddr2, shared, (int)value, (int)value2, &value3);
    case FUTEX_WAKE_OP:
        return futex_wake_op(uaddr, uaddr2, shared, (int)value, (int)value2, value3);
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
        return futex_lock_pi(uaddr, shared, deadline, realtime, false);
    case FUTEX_TRYLOCK_PI:
        return futex_lock_pi(uaddr, shared, NSEC_NEVER, false, true);
    case FUTEX_UNLOCK_PI:
        return futex_unlock_pi(uaddr, shared);
    case FUTEX_WAIT_REQUEUE_PI:
        return futex_wait_requeue_pi(uaddr, uaddr2, shared, value, deadline, realtime);
    case FUTEX_CMP_REQUEUE_PI:
        return futex_cmp_requeue_pi(uaddr, uaddr2, shared, (int)value, (int)value2, value3);
    default:
        return -ENOSYS;
    }
}

/* One after the other, so that a wrong one is told before a later one that cannot be read. */
static int read_waiters(struct futex_waitv *v, const struct futex_waitv *user, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (get_user(v[i], &user[i]))
            return -EFAULT;
        if (v[i].__reserved || (v[i].flags & ~(FUTEX_32 | FUTEX_PRIVATE_FLAG)) || !(v[i].flags & FUTEX_32))
            return -EINVAL;
        if (v[i].val > UINT32_MAX)
            return -EINVAL;
    }
    return 0;
}

long sys_futex_waitv(const struct syscall_args *a)
{
    unsigned n = ARG_U32(a, 1);
    nsec_t deadline = NSEC_NEVER;
    int clock = ARG_INT(a, 4);
    if (ARG_U32(a, 2) || !n || n > FUTEX_WAITV_MAX || !ARG_PTR(a, 0))
        return -EINVAL;
    if (ARG_PTR(a, 3)) {
        if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME)
            return -EINVAL;
        int error = read_timeout(ARG_PTR(a, 3), &deadline);
        if (error)
            return error;
    }
    struct futex_waitv *v = kmalloc(n * sizeof(*v));
    if (!v)
        return -ENOMEM;
    long result = read_waiters(v, ARG_PTR(a, 0), n);
    if (!result)
        result = futex_wait_multiple(v, n, deadline, clock == CLOCK_REALTIME);
    kfree(v);
    return result;
}
