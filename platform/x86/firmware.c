/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which CPUs there are, by the first that tells: ACPI's MADT, an Intel MP table (QEMU's qboot and
 * Firecracker leave one), QEMU's fw_cfg count. Boot CPU, once.
 * Sources: ACPI specification 6.4, 5.2.12; Intel MultiProcessor Specification 1.4, chapter 4.
 */
#include "kernel/lib/string.h"
#include "platform/x86/x86.h"

struct acpi_header {
    char signature[4];
    u32 length;
    u8 revision, checksum;
    char oem[6], oem_table[8];
    u32 oem_revision, creator, creator_revision;
} __attribute__((packed));

struct acpi_rsdp {
    char signature[8];
    u8 checksum;
    char oem[6];
    u8 revision;
    u32 rsdt;
    u32 length;
    u64 xsdt;
} __attribute__((packed));

struct mp_pointer {
    char signature[4];
    u32 table;
    u8 length, revision, checksum, features[5];
} __attribute__((packed));

struct mp_table {
    char signature[4];
    u16 length;
    u8 revision, checksum;
    char oem[20];
    u32 oem_table;
    u16 oem_length, entries;
    u32 apic;
    u16 extended_length;
    u8 extended_checksum, unused;
} __attribute__((packed));

#define MADT_LOCAL_APIC   0
#define MADT_LOCAL_X2APIC 9
#define MP_PROCESSOR      0
#define CPU_ENABLED       1
#define FW_CFG_SELECT     0x510
#define FW_CFG_DATA       0x511
#define FW_CFG_SIGNATURE  0
#define FW_CFG_CPUS       5

static bool sums_to_zero(const void *data, size_t n)
{
    u8 sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ((const u8 *)data)[i];
    return sum == 0;
}

static void add_cpu(struct cpu_list *list, u32 apic_id)
{
    if (list->count < MAX_CPUS)
        list->apic_id[list->count++] = apic_id;
}

/* Tables may lie outside RAM, so they are mapped like a device. */
static const struct acpi_header *map_table(paddr_t pa)
{
    const struct acpi_header *h = (const void *)platform_map_device(pa, sizeof(*h));
    return h ? (const void *)platform_map_device(pa, h->length) : NULL;
}

static void read_madt(const struct acpi_header *madt, struct cpu_list *list)
{
    const u8 *p = (const u8 *)madt + sizeof(*madt) + 8, *end = (const u8 *)madt + madt->length;
    for (; p + 2 <= end && p[1] >= 2 && p + p[1] <= end; p += p[1]) {
        u32 id, flags;
        if (p[0] == MADT_LOCAL_APIC) {
            memcpy(&flags, p + 4, 4);
            if (flags & CPU_ENABLED)
                add_cpu(list, p[3]);
        } else if (p[0] == MADT_LOCAL_X2APIC) {
            memcpy(&id, p + 4, 4);
            memcpy(&flags, p + 8, 4);
            if (flags & CPU_ENABLED)
                add_cpu(list, id);
        }
    }
}

static void try_acpi(struct cpu_list *list)
{
    if (!memory_rsdp())
        return;
    const struct acpi_rsdp *rsdp = (const void *)platform_map_device(memory_rsdp(), sizeof(*rsdp));
    bool wide = rsdp->revision >= 2 && rsdp->xsdt;
    const struct acpi_header *root = map_table(wide ? rsdp->xsdt : rsdp->rsdt);
    if (!root)
        return;
    size_t size = wide ? 8 : 4;
    for (size_t at = sizeof(*root); at + size <= root->length; at += size) {
        u64 pa = 0;
        memcpy(&pa, (const char *)root + at, size);
        const struct acpi_header *table = map_table(pa);
        if (table && memcmp(table->signature, "APIC", 4) == 0)
            read_madt(table, list);
    }
}

static bool read_mp_table(paddr_t pa, struct cpu_list *list)
{
    const struct mp_table *t = phys_to_virt(pa);
    if (memcmp(t->signature, "PCMP", 4) != 0 || !sums_to_zero(t, t->length))
        return false;
    const u8 *p = (const u8 *)(t + 1);
    for (unsigned i = 0; i < t->entries; i++) {
        if (p[0] == MP_PROCESSOR && (p[3] & CPU_ENABLED))
            add_cpu(list, p[1]);
        p += p[0] == MP_PROCESSOR ? 20 : 8;
    }
    return list->count > 0;
}

static bool try_mp_range(paddr_t start, paddr_t end, struct cpu_list *list)
{
    for (paddr_t pa = start; pa < end; pa += 16) {
        const struct mp_pointer *p = phys_to_virt(pa);
        if (memcmp(p->signature, "_MP_", 4) == 0 && sums_to_zero(p, 16) && p->table &&
            read_mp_table(p->table, list))
            return true;
    }
    return false;
}

static void try_fw_cfg(struct cpu_list *list)
{
    char signature[4];
    outw(FW_CFG_SELECT, FW_CFG_SIGNATURE);
    for (unsigned i = 0; i < 4; i++)
        signature[i] = inb(FW_CFG_DATA);
    if (memcmp(signature, "QEMU", 4) != 0)
        return;
    outw(FW_CFG_SELECT, FW_CFG_CPUS);
    unsigned n = inb(FW_CFG_DATA);
    n |= inb(FW_CFG_DATA) << 8;
    for (unsigned i = 0; i < n; i++)
        add_cpu(list, i);
}

void firmware_find_cpus(struct cpu_list *list)
{
    list->count = 0;
    try_acpi(list);
    if (list->count == 0 && !try_mp_range(0x9fc00, 0xa0000, list) &&
        !try_mp_range(0xf0000, 0x100000, list))
        try_fw_cfg(list);
}
