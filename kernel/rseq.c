/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Restartable sequences. The program registers an area per thread; the kernel keeps its CPU number true whenever
 * the thread returns to the program, and when the thread was preempted, migrated or gets a signal inside the
 * critical section that the area names, it continues at the section's abort handler.
 * Source: <linux/rseq.h>, rseq(2) of librseq.
 */
#include <linux/rseq.h>
#include "kernel/rseq.h"
#include "kernel/signal.h"
#include "kernel/user.h"

#define ORIGINAL_SIZE 32u /* struct rseq as it was first published; the feature fields fit in it */

static bool size_ok(const void *area, u32 length)
{
    if (length < ORIGINAL_SIZE)
        return false;
    u64 align = length == ORIGINAL_SIZE ? 32 : __alignof__(struct rseq);
    return (u64)area % align == 0 && length >= offsetof(struct rseq, flags) + sizeof(u32);
}

static int show_cpu(struct rseq *area, u32 start, u32 cpu)
{
    if (put_user(start, &area->cpu_id_start) || put_user(cpu, &area->cpu_id))
        return -EFAULT;
    /* node_id and mm_cid, which older headers do not name: the two words after flags. */
    u32 more[2] = {0, cpu == (u32)RSEQ_CPU_ID_UNINITIALIZED ? 0 : cpu};
    return copy_to_user((u32 *)&area->flags + 1, more, sizeof(more));
}

long rseq_register(void *area, u32 length, int flags, u32 signature)
{
    struct thread *me = current_thread();
    if (flags & RSEQ_FLAG_UNREGISTER) {
        if (flags != RSEQ_FLAG_UNREGISTER || !me->rseq || me->rseq != area || length != me->rseq_size)
            return -EINVAL;
        if (me->rseq_signature != signature)
            return -EPERM;
        if (show_cpu(area, 0, (u32)RSEQ_CPU_ID_UNINITIALIZED))
            return -EFAULT;
        me->rseq = NULL;
        me->rseq_size = 0;
        return 0;
    }
    if (flags)
        return -EINVAL;
    if (me->rseq) {
        if (me->rseq != area || length != me->rseq_size)
            return -EINVAL;
        return me->rseq_signature != signature ? -EPERM : -EBUSY;
    }
    if (!size_ok(area, length))
        return -EINVAL;
    if (!user_range_ok(area, length))
        return -EFAULT;
    me->rseq_size = length;
    me->rseq_signature = signature;
    me->rseq_cpu = (u32)RSEQ_CPU_ID_UNINITIALIZED;
    me->rseq = area;
    me->rseq_work = true;
    return 0;
}

/* Moves frame->ip to the abort handler if it is inside the section that the area names. 0, -EFAULT, -EINVAL. */
static int abort_section(struct thread *me, struct user_frame *frame)
{
    struct rseq *area = me->rseq;
    struct rseq_cs cs;
    u64 address;
    u32 signature, flags;
    if (copy_from_user(&address, &area->rseq_cs, sizeof(address)))
        return -EFAULT;
    if (!address)
        return 0;
    if (copy_from_user(&cs, (void *)address, sizeof(cs)))
        return -EFAULT;
    u64 end = cs.start_ip + cs.post_commit_offset;
    if (cs.start_ip >= USER_SPACE_END || end >= USER_SPACE_END || end < cs.start_ip ||
        cs.abort_ip >= USER_SPACE_END || cs.version > 0 || cs.abort_ip - cs.start_ip < cs.post_commit_offset)
        return -EINVAL;
    if (get_user(signature, (u32 *)(cs.abort_ip - sizeof(u32))))
        return -EFAULT;
    if (signature != me->rseq_signature)
        return -EINVAL;
    bool inside = frame->ip - cs.start_ip < cs.post_commit_offset;
    if (inside) {
        if (get_user(flags, &area->flags))
            return -EFAULT;
        if (flags || cs.flags)
            return -EINVAL; /* the NO_RESTART flags were withdrawn */
    }
    address = 0;
    if (copy_to_user(&area->rseq_cs, &address, sizeof(address)))
        return -EFAULT;
    if (inside) {
        frame->ip = cs.abort_ip;
        me->cpu.full_return = true;
    }
    return 0;
}

void rseq_return(struct thread *me, struct user_frame *frame)
{
    WRITE_ONCE(me->rseq_work, false); /* a switch from here on sets it again */
    if (!me->rseq)
        return;
    u32 cpu = this_cpu()->cpu;
    bool shown = me->rseq_cpu == cpu;
    me->rseq_cpu = cpu;
    if (abort_section(me, frame) || (!shown && show_cpu(me->rseq, cpu, cpu))) {
        me->rseq = NULL; /* else the handler's return would come here again */
        signal_force(SIGSEGV, NULL);
    }
}
