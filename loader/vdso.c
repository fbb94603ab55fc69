/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vDSO as programs get it: two pages, the data page and behind it the image (loader/vdso/, built as a shared
 * library of its own and embedded). The kernel has one copy that every address space maps.
 */
#include <linux/mman.h>
#include "loader/vdso.h"
#include "loader/vdso/data.h"
#include "kernel/address_space.h"
#include "kernel/init.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/memory_object.h"
#include "kernel/page.h"
#include "kernel/timer.h"

extern const char vdso_image_start[], vdso_image_end[];

static struct memory_object *object; /* NULL: no memory for it at boot */
static struct vdso_data *data;

static void offset_changed(s64 offset)
{
    __atomic_store_n(&data->realtime_offset, offset, __ATOMIC_RELAXED);
}

static void vdso_init(void)
{
    size_t size = (size_t)(vdso_image_end - vdso_image_start);
    ASSERT(size <= PAGE_SIZE);
    struct page *p = page_alloc(1, PAGE_ZERO);
    if (!p)
        return;
    page_split(p);
    data = page_virt(p);
    memcpy((char *)data + PAGE_SIZE, vdso_image_start, size);
    struct clock_params c;
    if (platform_clock_params(&c)) {
        data->shift = c.shift;
        data->tsc_base = c.tsc_base;
        data->mult = c.mult;
        data->offset = c.offset;
        data->usable = 1;
    }
    object = ram_object_create_from(data, 2 * PAGE_SIZE);
    data->realtime_offset = clock_realtime_offset();
    clock_offset_changed = offset_changed;
}
INIT_CALL(INIT_FILES, vdso_init);

vaddr_t vdso_map(struct address_space *as)
{
    if (!object)
        return 0;
    struct mapping m = {
        .length = 2 * PAGE_SIZE,
        .prot = PROT_READ,
        .max_prot = PROT_READ | PROT_EXEC,
        .flags = REGION_KERNEL,
        .object = object,
        .name = "[vvar]",
    };
    s64 at = address_space_map(as, &m);
    if (at < 0)
        return 0;
    m.address = (vaddr_t)at + PAGE_SIZE;
    m.length = PAGE_SIZE;
    m.offset = PAGE_SIZE;
    m.prot = PROT_READ | PROT_EXEC;
    m.name = "[vdso]";
    m.fixed = m.replace = true;
    s64 image = address_space_map(as, &m);
    return image < 0 ? 0 : (vaddr_t)image;
}
