/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end when the kernel itself is broken: says why, where and on which CPU, then turns the machine off with a failure
 * status. Uses nothing that may be what is broken: no lock, no allocation, only polled output.
 */
#include "kernel/lib/printf.h"
#include "kernel/params.h"
#include "platform/platform.h"

#define FAILURE_STATUS 125

static u32 panicking; /* atomic: CPU number + 1 of the one that reports */

/* Firecracker and Linux command lines say panic=SECONDS (until reboot): accepted, for the end comes at once anyway. */
static int set_panic(const char *value)
{
    return value ? 0 : -EINVAL;
}
PARAM(panic, "panic", set_panic);
PARAM(reboot, "reboot", set_panic);

static void print(const char *s)
{
    for (; *s; s++) {
        if (*s == '\n')
            platform_early_putc('\r');
        platform_early_putc(*s);
    }
}

static void vpanic(void *frame, const char *format, va_list ap)
{
    irq_disable();
    u32 nobody = 0, me = this_cpu()->cpu + 1;
    if (!__atomic_compare_exchange_n(&panicking, &nobody, me, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        if (nobody == me) /* while reporting: the report is over */
            platform_power_off(FAILURE_STATUS);
        for (;;)
            cpu_relax();
    }
    platform_stop_others();
    char message[256];
    print("\nkernel panic: ");
    vsnprintf(message, sizeof(message), format, ap);
    print(message);
    snprintf(message, sizeof(message), "\ncpu %u, thread %p, ring %d, %s\n", this_cpu()->cpu,
             (void *)current_thread(), platform_ring(), platform_hypervisor());
    print(message);
    platform_dump_state(frame);
    platform_power_off(FAILURE_STATUS);
}

void panic(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vpanic(NULL, format, ap);
    __builtin_unreachable();
}

void panic_at(void *frame, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vpanic(frame, format, ap);
    __builtin_unreachable();
}
