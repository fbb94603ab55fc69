/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the PVH start info tells: RAM, boot modules, command line. Also the direct map beyond the
 * first GiB (which boot.S maps) and the few pages needed before the page allocator runs. Boot CPU
 * only; the memory map is fixed once platform_memory_map() was called.
 */
#include <stdint.h>
#include <xen/arch-x86/hvm/start_info.h>
#include "kernel/lib/string.h"
#include "platform/x86/x86.h"

#define MAX_RANGES  64
#define MAX_MODULES 8
#define GIB         (1ull << 30)
#define LOW_MEMORY  0x100000 /* firmware tables, the trampoline: left alone, but for what lies between */
#define LOW_START   0x10000
#define LOW_END     0x80000

extern const paddr_t boot_start_pa, direct_map_pdpt_pa;
extern char image_end[];

static struct memory_range ranges[MAX_RANGES];
static unsigned range_count;
static struct boot_module modules[MAX_MODULES];
static unsigned module_count;
static char command_line[4096];
static paddr_t rsdp;
static paddr_t early_start, early_next, early_end; /* what early_pages() gives out */
static bool map_is_final;

static void insert_range(unsigned at, struct memory_range r)
{
    if (range_count == MAX_RANGES || r.start >= r.end)
        return;
    memmove(&ranges[at + 1], &ranges[at], (range_count - at) * sizeof(ranges[0]));
    ranges[at] = r;
    range_count++;
}

static void add_ram(paddr_t start, paddr_t end)
{
    start = ALIGN_UP(start, PAGE_SIZE);
    end = ALIGN_DOWN(end, PAGE_SIZE);
    unsigned at = 0;
    while (at < range_count && ranges[at].start < start)
        at++;
    insert_range(at, (struct memory_range){start, end, MEMORY_FREE});
}

/* Cuts [start, end) out of free RAM as kind; the part outside RAM is ignored. */
static void carve(paddr_t start, paddr_t end, enum memory_kind kind)
{
    start = ALIGN_DOWN(start, PAGE_SIZE);
    end = ALIGN_UP(end, PAGE_SIZE);
    for (unsigned i = 0; i < range_count; i++) {
        struct memory_range r = ranges[i];
        if (r.kind != MEMORY_FREE || r.end <= start || r.start >= end)
            continue;
        paddr_t s = MAX(r.start, start), e = MIN(r.end, end);
        ranges[i] = (struct memory_range){s, e, kind};
        insert_range(i + 1, (struct memory_range){e, r.end, MEMORY_FREE});
        if (r.start < s) {
            insert_range(i, (struct memory_range){r.start, s, MEMORY_FREE});
            i++;
        }
    }
}

static void read_start_info(const struct hvm_start_info *info)
{
    if (info->magic != XEN_HVM_START_MAGIC_VALUE)
        panic("not started by a PVH loader (magic %#x)", info->magic);
    if (info->cmdline_paddr)
        strlcpy(command_line, phys_to_virt(info->cmdline_paddr), sizeof(command_line));
    rsdp = info->rsdp_paddr;
    const struct hvm_memmap_table_entry *map = phys_to_virt(info->memmap_paddr);
    for (unsigned i = 0; info->version >= 1 && i < info->memmap_entries; i++)
        if (map[i].type == XEN_HVM_MEMMAP_TYPE_RAM)
            add_ram(map[i].addr, map[i].addr + map[i].size);
    if (range_count == 0)
        panic("the PVH loader gives no memory map");

    carve(0, LOW_START, MEMORY_RESERVED);
    carve(LOW_END, LOW_MEMORY, MEMORY_RESERVED);
    carve(boot_start_pa, data_to_phys(image_end), MEMORY_KERNEL);
    const struct hvm_modlist_entry *list = phys_to_virt(info->modlist_paddr);
    for (unsigned i = 0; i < info->nr_modules && i < MAX_MODULES; i++) {
        modules[module_count++] = (struct boot_module){
            .data = phys_to_virt(list[i].paddr),
            .size = list[i].size,
            .command_line = list[i].cmdline_paddr ? phys_to_virt(list[i].cmdline_paddr) : "",
        };
        if (list[i].cmdline_paddr && list[i].cmdline_paddr < LOW_MEMORY)
            carve(LOW_START, LOW_END, MEMORY_RESERVED);
        carve(list[i].paddr, list[i].paddr + list[i].size, MEMORY_MODULE);
    }
}

#define EARLY_PAGES 32

/* The first free range that holds n bytes, lowest first, above the image. */
static void choose_early_memory(size_t n)
{
    for (unsigned i = 0; i < range_count; i++) {
        struct memory_range *r = &ranges[i];
        paddr_t end = MIN(r->end, GIB); /* what boot.S has mapped */
        if (r->kind != MEMORY_FREE || r->start < LOW_MEMORY || end < r->start + n)
            continue;
        early_start = early_next = r->start;
        early_end = end;
        return;
    }
    panic("too little memory for the kernel: give the VM more");
}

/* Maps the GiB that contain RAM above the first one. */
static void extend_direct_map(void)
{
    for (unsigned i = 0; i < range_count; i++) {
        for (paddr_t g = ALIGN_DOWN(ranges[i].start, GIB); g < ranges[i].end; g += GIB) {
            u64 *entry = (u64 *)phys_to_virt(direct_map_pdpt_pa) + g / GIB;
            if (*entry)
                continue;
            /*
             * KVM without hardware virtualization, the ring-3 case, offers 1 GiB pages and
             * faults on them.
             */
            if (cpu_features.huge_1g && platform_ring() == 0) {
                *entry = g | 0xe7;
                continue;
            }
            paddr_t table = early_pages(1);
            u64 *pd = phys_to_virt(table);
            for (unsigned j = 0; j < 512; j++)
                pd[j] = (g + j * HUGE_SIZE) | 0xe7;
            *entry = table | 7;
        }
    }
}

void memory_init(paddr_t start_info)
{
    read_start_info(phys_to_virt(start_info));
    /* A table for each GiB, and some for the first stacks and devices. */
    choose_early_memory((EARLY_PAGES + ranges[range_count - 1].end / GIB) * PAGE_SIZE);
    extend_direct_map();
}

paddr_t early_pages(unsigned n)
{
    if (map_is_final)
        return 0;
    if (early_next + n * PAGE_SIZE > early_end)
        panic("no room for early tables");
    paddr_t pa = early_next;
    early_next += n * PAGE_SIZE;
    memset(phys_to_virt(pa), 0, n * PAGE_SIZE);
    return pa;
}

const struct memory_range *platform_memory_map(unsigned *n)
{
    if (!map_is_final) {
        carve(early_start, early_next, MEMORY_KERNEL);
        map_is_final = true;
    }
    *n = range_count;
    return ranges;
}

const struct boot_module *platform_boot_modules(unsigned *n)
{
    *n = module_count;
    return modules;
}

const char *platform_command_line(void)
{
    return command_line;
}

paddr_t memory_rsdp(void)
{
    return rsdp;
}
