/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page cache over a file system that is an array, which fails, truncates and takes memory away when it is told to.
 * sources: fs/page_cache.c fs/page_cache_write.c fs/page_cache_reclaim.c fs/io.c tests/unit/cache_host.c
 * sources: kernel/region.c kernel/patch.c kernel/address_space.c kernel/address_space_map.c kernel/address_space_protect.c
 * sources: kernel/address_space_remap.c kernel/address_space_advise.c kernel/address_space_lock.c kernel/fault.c
 * sources: kernel/fault_anonymous.c kernel/fault_object.c kernel/zap.c kernel/memory_object.c kernel/ram_object.c
 * sources: kernel/ram_object_io.c kernel/ram_object_size.c kernel/lib/radix.c kernel/lib/rbtree.c kernel/page.c
 * sources: platform/x86/paging.c tests/unit/memory_host.c tests/unit/host.c
 */
#include <string.h>
#include <sys/mman.h>
#include "fs/io.h"
#include "fs/page_cache.h"
#include "tests/unit/memory_host.h"
#include "tests/unit/test.h"

#define PAGES 200u
#define BYTES (PAGES * PAGE_SIZE)

static unsigned char disk[BYTES], model[BYTES], buffer[BYTES], data[BYTES];
static unsigned reads, writes, pages_read;
static u64 fail_read = UINT64_MAX; /* page whose reading fails */
static int fail_write;
static void (*in_read)(struct memory_object *o);

static int read_pages(struct memory_object *o, u64 index, unsigned n, void *const pages[])
{
    reads++;
    pages_read += n;
    for (unsigned i = 0; i < n; i++) {
        memset(pages[i], 0, PAGE_SIZE);
        if ((index + i) * PAGE_SIZE < BYTES)
            memcpy(pages[i], disk + (index + i) * PAGE_SIZE, PAGE_SIZE);
        if (index + i == fail_read)
            return -EIO;
    }
    if (in_read)
        in_read(o);
    return 0;
}

static int write_pages(struct memory_object *o, u64 index, unsigned n, void *const pages[], u64 bytes)
{
    writes++;
    CHECK(bytes <= n * PAGE_SIZE && bytes > (n - 1) * PAGE_SIZE && index * PAGE_SIZE + bytes <= BYTES);
    for (u64 done = 0; done < bytes; done += PAGE_SIZE)
        memcpy(disk + index * PAGE_SIZE + done, pages[done / PAGE_SIZE], MIN(PAGE_SIZE, bytes - done));
    return fail_write;
}

static paddr_t in_place(struct memory_object *o, u64 index)
{
    return index % 3 == 1 && index < PAGES - 1 ? 0x4000 + (index % 7) * PAGE_SIZE : 0;
}

static unsigned destroyed;

static void destroy(struct memory_object *o)
{
    CHECK(page_cache_private(o) == disk);
    destroyed++;
}

static const struct page_cache_ops ops = {.read = read_pages, .write = write_pages, .destroy = destroy};
static const struct page_cache_ops ops_in_place = {.read = read_pages, .in_place = in_place};

static ssize get(struct memory_object *o, u64 at, u64 n)
{
    struct io io;
    io_init_kernel(&io, buffer, n);
    return page_cache_read(o, &io, at);
}

static ssize put(struct memory_object *o, u64 at, u64 n)
{
    struct io io;
    io_init_kernel(&io, data, n);
    return page_cache_write(o, &io, at);
}

static struct memory_object *setup(const struct page_cache_ops *with, u64 size)
{
    host_machine();
    for (u64 i = 0; i < BYTES; i++)
        disk[i] = model[i] = (unsigned char)test_random(256);
    reads = writes = pages_read = 0;
    return page_cache_create(with, size, disk);
}

static u64 cached(void)
{
    u64 dirty;
    return page_cache_pages(&dirty);
}

static u64 dirty(void)
{
    u64 n;
    page_cache_pages(&n);
    return n;
}

TEST(reads_what_is_there_and_no_more)
{
    struct memory_object *o = setup(&ops, BYTES - 100);
    for (unsigned i = 0; i < 300; i++) {
        u64 at = test_random(BYTES + 1000), n = test_random(20000);
        ssize want = at >= o->size ? 0 : (ssize)MIN(n, o->size - at);
        CHECK(get(o, at, n) == want && !memcmp(buffer, model + at, (size_t)want));
    }
    CHECK(pages_read <= PAGES);
    memory_object_put(o);
    CHECK(cached() == 0 && destroyed == 1);
}

TEST(reading_in_order_reads_ahead_more_and_more)
{
    struct memory_object *o = setup(&ops, BYTES);
    for (u64 at = 0; at < BYTES; at += 1000)
        CHECK(get(o, at, 1000) == (ssize)MIN(1000ul, BYTES - at) && !memcmp(buffer, model + at, MIN(1000ul, BYTES - at)));
    CHECK(pages_read == PAGES && reads <= 6);
    memory_object_put(o);
    /* Single pages far apart: one page each. */
    o = setup(&ops, BYTES);
    for (u64 at = 50; at < PAGES; at += 50)
        CHECK(get(o, at * PAGE_SIZE, 10) == 10);
    CHECK(pages_read == 3);
    memory_object_put(o);
}

TEST(an_error_hits_only_who_wanted_the_page)
{
    struct memory_object *o = setup(&ops, BYTES);
    fail_read = 20;
    CHECK(get(o, 17 * PAGE_SIZE, 8 * PAGE_SIZE) == 3 * PAGE_SIZE);
    CHECK(get(o, 20 * PAGE_SIZE, 8) == -EIO);
    CHECK(get(o, 21 * PAGE_SIZE, 8) == 8);
    fail_read = UINT64_MAX;
    CHECK(get(o, 20 * PAGE_SIZE, 8) == 8 && !memcmp(buffer, model + 20 * PAGE_SIZE, 8));
    memory_object_put(o);
}

TEST(pages_in_place_are_not_read)
{
    unsigned char *module;
    struct memory_object *o = setup(&ops_in_place, BYTES);
    module = phys_to_virt(0x4000);
    for (u64 i = 0; i < 7 * PAGE_SIZE; i++)
        module[i] = (unsigned char)test_random(256);
    for (u64 i = 0; i < PAGES - 1; i++) {
        if (i % 3 == 1)
            memcpy(model + i * PAGE_SIZE, module + i % 7 * PAGE_SIZE, PAGE_SIZE);
    }
    CHECK(get(o, 5, BYTES) == (ssize)BYTES - 5 && !memcmp(buffer, model + 5, BYTES - 5));
    CHECK(cached() == pages_read && pages_read == PAGES - 66);
    CHECK(put(o, 0, 1) == -EROFS);
    memory_object_put(o);
}

TEST(a_random_file)
{
    u64 size = BYTES / 2;
    struct memory_object *o = setup(&ops, size);
    memset(disk + size, 0, BYTES - size);
    for (unsigned step = 0; step < 3000; step++) {
        u64 at = test_random(test_random(2) ? size + 9000 : BYTES), n = test_random(test_random(4) ? 6000 : 60000);
        n = MIN(n, at > BYTES ? 0 : BYTES - at);
        switch (test_random(8)) {
        case 0:
        case 1:
            for (u64 i = 0; i < n; i++)
                data[i] = (unsigned char)test_random(256);
            CHECK(put(o, at, n) == (ssize)n);
            if (n && at > size)
                memset(model + size, 0, at - size);
            memcpy(model + at, data, n);
            size = n ? MAX(size, at + n) : size;
            break;
        case 2:
            at = MIN(at, BYTES);
            CHECK(page_cache_truncate(o, at) == 0);
            if (at > size)
                memset(model + size, 0, at - size);
            /* The file system's own truncation. */
            memset(disk + MIN(size, at), 0, BYTES - MIN(size, at));
            size = at;
            break;
        case 3:
            CHECK(page_cache_sync(o, at / PAGE_SIZE, test_random(2) ? UINT64_MAX : (at + n) / PAGE_SIZE) == 0);
            break;
        case 4:
            page_cache_drop(o, at / PAGE_SIZE, (at + n) / PAGE_SIZE);
            break;
        case 5:
            page_cache_invalidate(o, at / PAGE_SIZE, UINT64_MAX);
            break;
        case 6:
            page_reclaim(test_random(30));
            break;
        default:
            memset(buffer, 0x55, sizeof(buffer));
            CHECK(get(o, at, n) == (ssize)(at >= size ? 0 : MIN(n, size - at)));
            CHECK(at >= size || !memcmp(buffer, model + at, MIN(n, size - at)));
        }
        CHECK(o->size == size && o->refs == 1u + (dirty() != 0));
    }
    CHECK(page_cache_sync(o, 0, UINT64_MAX) == 0 && dirty() == 0 && o->refs == 1);
    CHECK(!memcmp(disk, model, size));
    memory_object_put(o);
    CHECK(cached() == 0 && page_reclaimable == 0);
}

TEST(a_failed_write_is_told_once)
{
    struct memory_object *o = setup(&ops, BYTES);
    CHECK(put(o, 100, 5000) == 5000 && dirty() == 2);
    fail_write = -ENOSPC;
    CHECK(page_cache_sync(o, 0, UINT64_MAX) == -ENOSPC && page_cache_sync(o, 0, UINT64_MAX) == 0);
    CHECK(put(o, 100, 5000) == 5000);
    page_cache_sync_all();
    fail_write = 0;
    CHECK(dirty() == 0 && page_cache_sync(o, 0, UINT64_MAX) == -ENOSPC && page_cache_sync(o, 0, UINT64_MAX) == 0);
    memory_object_put(o);
}

static void cut(struct memory_object *o)
{
    in_read = NULL;
    CHECK(page_cache_truncate(o, 3 * PAGE_SIZE + 7) == 0);
    CHECK(page_cache_truncate(o, BYTES) == 0);
}

TEST(truncation_during_a_fill)
{
    struct memory_object *o = setup(&ops, BYTES);
    in_read = cut;
    memset(disk + 3 * PAGE_SIZE + 7, 0x11, BYTES - 3 * PAGE_SIZE - 7);
    CHECK(get(o, 0, BYTES) > 0); /* either time's bytes */
    memset(disk + 3 * PAGE_SIZE + 7, 0, BYTES - 3 * PAGE_SIZE - 7);
    page_cache_invalidate(o, 0, UINT64_MAX);
    in_read = cut;
    CHECK(get(o, 0, PAGE_SIZE) == PAGE_SIZE);
    CHECK(get(o, 0, BYTES) == (ssize)BYTES && !memcmp(buffer, model, 3 * PAGE_SIZE + 7));
    for (u64 i = 3 * PAGE_SIZE + 7; i < BYTES; i++)
        CHECK(!buffer[i]);
    memory_object_put(o);
    CHECK(cached() == 0);
}

/* ---------------------------------------------------------------- mappings */

#define BASE 0x10000000ul

static unsigned char *map_access(struct address_space *as, u64 at, enum fault_access access)
{
    u8 *byte;
    int signo, code;
    return host_access(as, BASE + at, access, &byte, &signo, &code) ? byte : NULL;
}

static struct address_space *map(struct memory_object *o, u32 flags)
{
    struct address_space *as = address_space_create();
    struct mapping m = {.address = BASE, .length = BYTES, .prot = PROT_READ | PROT_WRITE,
                        .max_prot = PROT_READ | PROT_WRITE, .flags = flags, .object = o, .fixed = true};
    CHECK(as && address_space_map(as, &m) == (s64)BASE);
    host_tlb_clear();
    return as;
}

TEST(stores_through_a_mapping_are_written_back)
{
    struct memory_object *o = setup(&ops, BYTES - 50);
    struct address_space *as = map(o, REGION_SHARED);
    for (unsigned step = 0; step < 2000; step++) {
        u64 at = test_random(BYTES - 50);
        unsigned char *byte;
        switch (test_random(6)) {
        case 0:
        case 1:
        case 2:
            byte = map_access(as, at, FAULT_WRITE);
            CHECK(byte);
            *byte = model[at] = (unsigned char)step;
            break;
        case 3:
            byte = map_access(as, at, FAULT_READ);
            CHECK(byte && *byte == model[at]);
            break;
        case 4:
            CHECK(page_cache_sync(o, 0, UINT64_MAX) == 0 && dirty() == 0 && !memcmp(disk, model, BYTES - 50));
            break;
        default:
            page_reclaim(10 + test_random(50));
            CHECK(get(o, at, 100) > 0 && buffer[0] == model[at]);
        }
    }
    CHECK(page_cache_sync(o, 0, UINT64_MAX) == 0 && !memcmp(disk, model, BYTES - 50));
    writes = 0;
    CHECK(page_cache_sync(o, 0, UINT64_MAX) == 0 && writes == 0);
    /* Beyond the end. */
    CHECK(page_cache_truncate(o, 5 * PAGE_SIZE) == 0);
    CHECK(!map_access(as, 5 * PAGE_SIZE, FAULT_READ) && map_access(as, 5 * PAGE_SIZE - 1, FAULT_READ));
    fail_read = 2;
    page_cache_invalidate(o, 0, UINT64_MAX);
    CHECK(!map_access(as, 2 * PAGE_SIZE, FAULT_READ) && map_access(as, PAGE_SIZE, FAULT_READ));
    fail_read = UINT64_MAX;
    address_space_put(as);
    memory_object_put(o);
    CHECK(cached() == 0 && dirty() == 0);
}

TEST(reclaim_takes_unused_pages_first)
{
    struct memory_object *o = setup(&ops, BYTES);
    struct address_space *as = map(o, 0);
    CHECK(get(o, 0, BYTES) == (ssize)BYTES && cached() == PAGES);
    for (u64 i = 0; i < 16; i++)
        CHECK(map_access(as, i * PAGE_SIZE, FAULT_READ));
    u64 mapped = as->resident_pages;
    CHECK(page_reclaim(PAGES - mapped - 10) == PAGES - mapped - 10 && as->resident_pages == mapped);
    CHECK(page_reclaim(1000) >= 10 && as->resident_pages <= mapped);
    while (page_reclaim(1000))
        ;
    CHECK(cached() == 0 && as->resident_pages == 0);
    CHECK(*map_access(as, 12345, FAULT_READ) == model[12345]);
    address_space_put(as);
    memory_object_put(o);
}

TEST(no_memory_left_makes_the_cache_give)
{
    struct memory_object *o = setup(&ops, BYTES);
    CHECK(get(o, 0, BYTES) == (ssize)BYTES);
    struct page *taken = NULL, *p;
    u64 n = 0;
    while ((p = page_alloc(0, 0))) {
        p->next = taken;
        taken = p;
        n++;
    }
    CHECK(cached() == 0);
    CHECK(get(o, 0, BYTES) == -ENOMEM);
    while (taken) {
        p = taken->next;
        page_put(taken);
        taken = p;
    }
    CHECK(get(o, 0, BYTES) == (ssize)BYTES && !memcmp(buffer, model, BYTES));
    memory_object_put(o);
}
