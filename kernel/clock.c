/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wall clock: the machine's monotonic clock plus an offset that clock_settime(2) changes.
 * Read without a lock; only setting takes one.
 */
#include "kernel/lock.h"
#include "kernel/params.h"
#include "kernel/process.h"
#include "kernel/timer.h"
#include "kernel/wait.h"

static s64 offset; /* atomic; ns to add to platform_clock() */
static u32 set_count;
static struct spinlock set_lock = SPINLOCK_INIT(LOCK_TIMER);
struct wait_queue clock_set_wait;
void (*clock_offset_changed)(s64 offset);

void clock_init(void)
{
    wait_queue_init(&clock_set_wait);
    nsec_t base = platform_wall_base();
    if (!base && params.epoch)
        base = params.epoch - platform_clock();
    __atomic_store_n(&offset, (s64)base, __ATOMIC_RELAXED);
}

nsec_t clock_monotonic(void)
{
    return platform_clock();
}

s64 clock_realtime_offset(void)
{
    return __atomic_load_n(&offset, __ATOMIC_RELAXED);
}

nsec_t clock_realtime(void)
{
    return platform_clock() + clock_realtime_offset();
}

u32 clock_set_count(void)
{
    return READ_ONCE(set_count);
}

void clock_set_realtime(nsec_t now)
{
    spin_lock_irq(&set_lock);
    s64 new = (s64)(now - platform_clock());
    __atomic_store_n(&offset, new, __ATOMIC_RELAXED);
    WRITE_ONCE(set_count, set_count + 1);
    if (clock_offset_changed)
        clock_offset_changed(new);
    spin_unlock_irq(&set_lock);
    threads_wake_realtime();
    wait_wake_all(&clock_set_wait);
}
