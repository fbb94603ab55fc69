/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a thread that ends leaves in the program's memory: its robust list's locks are marked and their waiters
 * woken, its PI locks handed on, and clear_child_tid zeroed. All reads are of untrusted memory: any
 * fault or nonsense ends the walk, nothing more. Source: get_robust_list(2), set_tid_address(2), and
 * the comments in <linux/futex.h>.
 */
#include <linux/futex.h>
#include "kernel/address_space.h"
#include "kernel/futex_internal.h"
#include "kernel/user.h"

/* One lock of the list, if t owns it: marked OWNER_DIED, one waiter woken. pending: t may have been in the middle of an operation. */
static int release_lock(struct thread *t, u32 *uaddr, bool pi, bool pending)
{
    u32 value, seen;
    if ((u64)uaddr % sizeof(u32) || !user_range_ok(uaddr, sizeof(u32)))
        return -EFAULT;
    for (;;) {
        if (get_user(value, uaddr))
            return -EFAULT;
        if (pending && !pi && !value) {
            /* It may have unlocked the word and died before it woke the next. */
            futex_wake(uaddr, true, 1, ~0u);
            return 0;
        }
        if ((value & FUTEX_TID_MASK) != (u32)t->tid)
            return 0;
        u32 marked = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
        if (platform_cmpxchg_user_u32(uaddr, value, marked, &seen))
            return -EFAULT;
        if (seen == value)
            break;
    }
    if (!pi && (value & FUTEX_WAITERS))
        futex_wake(uaddr, true, 1, ~0u);
    return 0;
}

static void walk_robust_list(struct thread *t)
{
    struct robust_list_head *head = t->robust_list, copy;
    if (copy_from_user(&copy, head, sizeof(copy)))
        return;
    /* Bit 0 of each pointer says that the lock is a PI futex. */
    u64 pending = (u64)copy.list_op_pending & ~1ul;
    u64 entry = (u64)copy.list.next;
    for (int i = 0; (entry & ~1ul) != (u64)&head->list && i < ROBUST_LIST_LIMIT; i++) {
        u64 here = entry & ~1ul, next;
        bool more = !get_user(next, (u64 *)here); /* before the lock is released: its memory may go */
        if (here != pending && release_lock(t, (u32 *)(here + copy.futex_offset), entry & 1, false))
            return;
        if (!more)
            return;
        entry = next;
    }
    if (pending)
        release_lock(t, (u32 *)(pending + copy.futex_offset), (u64)copy.list_op_pending & 1, true);
}

void futex_thread_exit(struct thread *t)
{
    WRITE_ONCE(t->futex_exit, FUTEX_EXITING);
    if (t->robust_list)
        walk_robust_list(t);
    t->robust_list = NULL;
    futex_pi_exit(t);
    WRITE_ONCE(t->futex_exit, FUTEX_DEAD);
    futex_pi_exit(t); /* what was attached to t before it could be seen dead */
    if (t->clear_child_tid && __atomic_load_n(&t->process->thread_count, __ATOMIC_RELAXED) > 1) {
        put_user(0u, t->clear_child_tid);
        futex_wake(t->clear_child_tid, true, 1, ~0u);
    }
}

void futex_thread_exec(struct thread *t)
{
    if (t->robust_list)
        walk_robust_list(t);
    t->robust_list = NULL;
    futex_pi_exit(t);
    t->clear_child_tid = NULL;
}
