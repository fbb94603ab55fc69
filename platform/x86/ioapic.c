/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The I/O APIC at its usual place: routes interrupt lines to vectors of CPU 0. A line is enabled
 * when it is requested and stays so.
 */
#include "kernel/lock.h"
#include "platform/x86/x86.h"

#define IOAPIC_ADDRESS 0xfec00000
#define REG_VERSION    1
#define REG_ROUTE      0x10
#define ROUTE_LEVEL    (1u << 15)
#define MAX_LINES      240

static volatile u32 *ioapic;
static unsigned line_count;
static struct spinlock ioapic_lock = SPINLOCK_INIT(LOCK_DEVICE);
static bool line_taken[MAX_LINES];

static u32 ioapic_read(u32 reg)
{
    ioapic[0] = reg;
    return ioapic[4];
}

static void ioapic_write(u32 reg, u32 value)
{
    ioapic[0] = reg;
    ioapic[4] = value;
}

int platform_irq_request(unsigned gsi, bool level, irq_handler_t handler, void *arg)
{
    int result;
    spin_lock_irq(&ioapic_lock);
    if (!ioapic) {
        ioapic = platform_map_device(IOAPIC_ADDRESS, PAGE_SIZE);
        line_count = MIN((ioapic_read(REG_VERSION) >> 16 & 0xff) + 1, MAX_LINES + 0u);
    }
    if (gsi >= line_count) {
        result = -EINVAL;
    } else if (line_taken[gsi]) {
        result = -EBUSY;
    } else {
        result = irq_vector_alloc(handler, arg);
        if (result > 0) {
            line_taken[gsi] = true;
            ioapic_write(REG_ROUTE + 2 * gsi + 1, private_of(0)->apic_id << 24);
            ioapic_write(REG_ROUTE + 2 * gsi, result | (level ? ROUTE_LEVEL : 0));
            result = 0;
        }
    }
    spin_unlock_irq(&ioapic_lock);
    return result;
}
