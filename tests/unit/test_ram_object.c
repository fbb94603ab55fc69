/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RAM objects as files: bytes, holes, sizes, against a flat array; and the radix tree below them.
 * sources: kernel/region.c kernel/patch.c kernel/address_space.c kernel/address_space_map.c kernel/address_space_protect.c
 * sources: kernel/address_space_remap.c kernel/address_space_advise.c kernel/address_space_lock.c kernel/fault.c
 * sources: kernel/fault_anonymous.c kernel/fault_object.c kernel/zap.c kernel/memory_object.c kernel/ram_object.c
 * sources: kernel/ram_object_io.c kernel/ram_object_size.c kernel/lib/radix.c kernel/lib/rbtree.c kernel/page.c
 * sources: platform/x86/paging.c tests/unit/memory_host.c tests/unit/host.c
 */
#include <string.h>
#include "kernel/lib/radix.h"
#include "tests/unit/memory_host.h"
#include "tests/unit/test.h"

#define PAGES 40u
#define BYTES (PAGES * PAGE_SIZE)

static char model[BYTES], buffer[BYTES], data[BYTES];
/* What the page is: written, or come with the module; allocated only, once; nothing. */
static enum { NOTHING, ALLOCATED, WRITTEN } state[PAGES];
static u64 size;

static void check_content(struct memory_object *o)
{
    memset(buffer, 0x55, sizeof(buffer));
    CHECK(o->size == size);
    CHECK(ram_object_read(o, 0, buffer, BYTES, false) == (ssize)size);
    CHECK(!memcmp(buffer, model, size));
    u64 from = test_random(BYTES), n = test_random(BYTES - from);
    ssize want = from >= size ? 0 : (ssize)MIN(n, size - from);
    CHECK(ram_object_read(o, from, buffer, n, false) == want);
    CHECK(!memcmp(buffer, model + from, want));
}

static void check_holes(struct memory_object *o)
{
    u64 pages = 0;
    for (u64 at = 0; at < size; at += PAGE_SIZE) {
        s64 next = ram_object_seek(o, at, false);
        bool is_data = next == (s64)at;
        CHECK(is_data == (state[at / PAGE_SIZE] == WRITTEN));
        pages += state[at / PAGE_SIZE] != NOTHING;
        s64 hole = ram_object_seek(o, at, true);
        CHECK((hole == (s64)at) == !is_data);
    }
    CHECK(ram_object_pages(o) == pages);
    CHECK(ram_object_seek(o, size, false) == -ENXIO);
}

static void play(struct memory_object *o)
{
    for (unsigned step = 0; step < 400; step++) {
        u64 at = test_random(BYTES), n = 1 + test_random(BYTES - at);
        switch (test_random(5)) {
        case 0:
        case 1:
            for (u64 i = 0; i < n; i++)
                data[i] = test_random(256);
            CHECK(ram_object_write(o, at, data, n, false) == (ssize)n);
            memcpy(model + at, data, n);
            size = MAX(size, at + n);
            for (u64 p = at / PAGE_SIZE; p <= (at + n - 1) / PAGE_SIZE; p++)
                state[p] = WRITTEN;
            break;
        case 2:
            CHECK(ram_object_truncate(o, at) == 0);
            if (at < size)
                memset(model + at, 0, BYTES - at);
            size = at;
            for (u64 p = (at + PAGE_SIZE - 1) / PAGE_SIZE; p < PAGES; p++)
                state[p] = NOTHING;
            break;
        case 3:
            n = MIN(n, size > at ? size - at : 0);
            if (!n)
                break;
            CHECK(ram_object_punch(o, at, n) == 0);
            memset(model + at, 0, n);
            for (u64 p = (at + PAGE_SIZE - 1) / PAGE_SIZE; p < (at + n) / PAGE_SIZE; p++)
                state[p] = NOTHING;
            break;
        case 4:
            n = MIN(n, size > at ? size - at : 0);
            if (!n)
                break;
            CHECK(ram_object_allocate(o, at, n) == 0);
            for (u64 p = at / PAGE_SIZE; p <= (at + n - 1) / PAGE_SIZE; p++)
                state[p] = state[p] == NOTHING ? ALLOCATED : WRITTEN;
            break;
        }
        check_content(o);
        check_holes(o);
    }
}

TEST(random_file)
{
    host_machine();
    u64 free_before = host_free_pages();
    for (unsigned round = 0; round < 20; round++) {
        memset(model, 0, sizeof(model));
        memset(state, 0, sizeof(state));
        size = 0;
        struct memory_object *o = ram_object_create(0);
        play(o);
        memory_object_put(o);
    }
    CHECK(host_free_pages() == free_before && host_kmalloc_count == 0);
}

TEST(random_file_from_a_boot_module)
{
    u64 free_before = host_free_pages();
    for (unsigned round = 0; round < 20; round++) {
        char *module = phys_to_virt(0x4000);
        size = test_random(20 * PAGE_SIZE);
        for (u64 i = 0; i < 21 * PAGE_SIZE; i++)
            module[i] = test_random(256);
        char *copy = malloc(21 * PAGE_SIZE);
        memcpy(copy, module, 21 * PAGE_SIZE);
        memset(model, 0, sizeof(model));
        memcpy(model, module, size);
        for (u64 p = 0; p < PAGES; p++)
            state[p] = p * PAGE_SIZE < size ? WRITTEN : NOTHING;
        struct memory_object *o = ram_object_create_from(module, size);
        play(o);
        memory_object_put(o);
        CHECK(!memcmp(copy, module, 21 * PAGE_SIZE)); /* never written */
        free(copy);
    }
    CHECK(host_free_pages() == free_before && host_kmalloc_count == 0);
}

TEST(sizes_have_limits)
{
    struct memory_object *o = ram_object_create(0);
    CHECK(ram_object_write(o, INT64_MAX, "x", 1, false) == -EFBIG);
    CHECK(ram_object_write(o, INT64_MAX - 1, "x", 1, false) == 1);
    CHECK(o->size == INT64_MAX);
    CHECK(ram_object_seek(o, 0, false) == (s64)(INT64_MAX & PAGE_MASK));
    CHECK(ram_object_truncate(o, 0) == 0 && ram_object_pages(o) == 0);
    memory_object_put(o);
}

TEST(radix_against_an_array)
{
    enum { SLOTS = 4096 };
    static u64 model_of[SLOTS];
    static const u64 bases[] = {0, 1ull << 20, 1ull << 40, UINT64_MAX - SLOTS + 1};
    for (unsigned b = 0; b < ARRAY_SIZE(bases); b++) {
        struct radix_tree t = {0};
        memset(model_of, 0, sizeof(model_of));
        for (unsigned step = 0; step < 20000; step++) {
            u64 i = test_random(test_random(2) ? SLOTS : 64), value = test_random(3) ? test_random(1000) : 0;
            CHECK(radix_get(&t, bases[b] + i) == model_of[i]);
            CHECK(radix_set(&t, bases[b] + i, value) == 0);
            model_of[i] = value;
            u64 index = bases[b] + (i = test_random(SLOTS));
            while (i < SLOTS && !model_of[i])
                i++;
            u64 found = radix_next(&t, &index);
            CHECK(i < SLOTS ? found == model_of[i] && index == bases[b] + i : found == 0);
        }
        for (unsigned i = 0; i < SLOTS; i++)
            radix_set(&t, bases[b] + i, 0);
        CHECK(!t.root && host_kmalloc_count == 0);
    }
}

TEST(radix_without_memory)
{
    struct radix_tree t = {0};
    for (unsigned budget = 1; budget < 12; budget++) {
        host_kmalloc_budget = budget;
        int error = radix_set(&t, 1ull << 50, 7);
        host_kmalloc_budget = 0;
        CHECK(error == 0 || (error == -ENOMEM && radix_get(&t, 1ull << 50) == 0));
        if (error)
            CHECK(!t.root && host_kmalloc_count == 0);
    }
    CHECK(radix_get(&t, 1ull << 50) == 7);
    radix_destroy(&t);
    CHECK(host_kmalloc_count == 0);
}
