/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The I/O APIC at its usual place, and the second one that QEMU's microvm may have: route interrupt lines to vectors of CPU 0.
 * A line is enabled when it is requested and stays so.
 */
#include "kernel/lock.h"
#include "platform/x86/x86.h"

#define IOAPIC_ADDRESS 0xfec00000
#define IOAPIC_APART   0x10000 /* from one to the next */
#define REG_VERSION    1
#define REG_ROUTE      0x10
#define ROUTE_LEVEL    (1u << 15)
#define MAX_LINES      240

/* The lines of one follow those of the one before. */
static struct ioapic {
    volatile u32 *registers; /* NULL: not yet looked for */
    unsigned line_count;     /* 0: there is none */
    bool line_taken[MAX_LINES];
} ioapics[2];
static struct spinlock ioapic_lock = SPINLOCK_INIT(LOCK_DEVICE);

static u32 ioapic_read(struct ioapic *c, u32 reg)
{
    c->registers[0] = reg;
    return c->registers[4];
}

static void ioapic_write(struct ioapic *c, u32 reg, u32 value)
{
    c->registers[0] = reg;
    c->registers[4] = value;
}

/* The one that has the line, whose number becomes its own; NULL: none has. Locked. */
static struct ioapic *find_line(unsigned *line)
{
    for (struct ioapic *c = ioapics; c < ioapics + ARRAY_SIZE(ioapics); c++) {
        if (!c->registers) {
            c->registers = platform_map_device(IOAPIC_ADDRESS + (paddr_t)(c - ioapics) * IOAPIC_APART, PAGE_SIZE);
            u32 version = ioapic_read(c, REG_VERSION);
            if (version && version != UINT32_MAX) /* which is read where no chip is */
                c->line_count = MIN((version >> 16 & 0xff) + 1, MAX_LINES + 0u);
        }
        if (*line < c->line_count)
            return c;
        *line -= c->line_count;
    }
    return NULL;
}

int platform_irq_request(unsigned gsi, bool level, irq_handler_t handler, void *arg)
{
    int result;
    spin_lock_irq(&ioapic_lock);
    struct ioapic *c = find_line(&gsi);
    if (!c) {
        result = -EINVAL;
    } else if (c->line_taken[gsi]) {
        result = -EBUSY;
    } else {
        result = irq_vector_alloc(handler, arg);
        if (result > 0) {
            c->line_taken[gsi] = true;
            ioapic_write(c, REG_ROUTE + 2 * gsi + 1, private_of(0)->apic_id << 24);
            ioapic_write(c, REG_ROUTE + 2 * gsi, result | (level ? ROUTE_LEVEL : 0));
            result = 0;
        }
    }
    spin_unlock_irq(&ioapic_lock);
    return result;
}
