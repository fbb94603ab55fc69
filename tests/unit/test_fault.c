/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Demand paging against a model of what each byte must read as, through a TLB that remembers what nobody told it to forget.
 * sources: kernel/region.c kernel/address_space.c kernel/address_space_map.c kernel/address_space_protect.c
 * sources: kernel/address_space_remap.c kernel/address_space_advise.c kernel/address_space_lock.c kernel/fault.c
 * sources: kernel/fault_anonymous.c kernel/fault_object.c kernel/zap.c kernel/memory_object.c kernel/ram_object.c
 * sources: kernel/ram_object_io.c kernel/ram_object_size.c kernel/lib/radix.c kernel/lib/rbtree.c kernel/page.c
 * sources: kernel/patch.c platform/x86/paging.c tests/unit/memory_host.c tests/unit/host.c
 */
#include <linux/mman.h>
#include <asm/resource.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include "kernel/region.h"
#include "tests/unit/memory_host.h"
#include "tests/unit/test.h"

#define BASE     0x40000000ul
#define PAGES    2048u /* four blocks of 2 MiB */
#define OBJECTS  2u
#define OBJECT_PAGES 96u

enum kind { FREE, ANONYMOUS, SHARED, PRIVATE };

/* One page of the program's view. */
static struct view {
    enum kind kind;
    u32 prot;
    unsigned object, index;
    bool copied;     /* private page that was written */
    u8 value;        /* its byte 5 then; anonymous too */
} view[PAGES];

static struct memory_object *object[OBJECTS];
static u8 object_value[OBJECTS][OBJECT_PAGES];
static u64 object_size[OBJECTS]; /* pages */
static struct address_space *as;

static u64 pages_for_test(u64 bytes)
{
    return (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
}

static vaddr_t va_of(unsigned page)
{
    return BASE + page * PAGE_SIZE;
}

static u8 expected(const struct view *v)
{
    if (v->kind == ANONYMOUS || (v->kind == PRIVATE && v->copied))
        return v->value;
    return object_value[v->object][v->index];
}

static void access_page(unsigned page, bool write, u8 new_value)
{
    struct view *v = &view[page];
    int signo = 0, code = 0;
    u8 *byte = NULL;
    bool done = host_access(as, va_of(page) + 5, write ? FAULT_WRITE : FAULT_READ, &byte, &signo, &code);

    if (v->kind == FREE) {
        CHECK(!done && signo == SIGSEGV && code == SEGV_MAPERR);
        return;
    }
    if (write ? !(v->prot & PROT_WRITE) : v->prot == PROT_NONE) {
        CHECK(!done && signo == SIGSEGV && code == SEGV_ACCERR);
        return;
    }
    bool gone = (v->kind == SHARED || (v->kind == PRIVATE && !v->copied)) && v->index >= object_size[v->object];
    if (gone) {
        CHECK(!done && signo == SIGBUS && code == BUS_ADRERR);
        return;
    }
    CHECK(done && *byte == expected(v));
    if (!write)
        return;
    *byte = new_value;
    if (v->kind == SHARED) {
        object_value[v->object][v->index] = new_value;
    } else {
        v->copied = true;
        v->value = new_value;
    }
}

static void op_map(unsigned first, unsigned n)
{
    unsigned o = test_random(OBJECTS), index = test_random(OBJECT_PAGES - 1);
    enum kind kind = ANONYMOUS + test_random(3);
    u32 prot = test_random(4);
    if (kind != ANONYMOUS)
        n = MIN(n, OBJECT_PAGES - index);
    struct mapping m = {
        .address = va_of(first),
        .length = n * PAGE_SIZE,
        .prot = prot,
        .max_prot = PROT_READ | PROT_WRITE | PROT_EXEC,
        .flags = (kind == SHARED ? REGION_SHARED : 0) | (test_random(4) == 0 ? REGION_HUGE : 0) |
                 (test_random(8) == 0 ? REGION_STACK : 0),
        .object = kind == ANONYMOUS ? NULL : object[o],
        .offset = index * PAGE_SIZE,
        .fixed = true,
        .replace = true,
        /* A writable private mapping would be copied by it, and from then on differ from its object. */
        .populate = test_random(3) == 0 && !(kind == PRIVATE && (prot & PROT_WRITE)),
    };
    CHECK(address_space_map(as, &m) == (s64)va_of(first));
    for (unsigned i = 0; i < n; i++)
        view[first + i] = (struct view){kind, prot, o, index + i, false, 0};
}

static void op_protect(unsigned first, unsigned n)
{
    u32 prot = test_random(4);
    unsigned done = 0;
    while (done < n && view[first + done].kind != FREE)
        done++;
    CHECK(address_space_protect(as, va_of(first), n * PAGE_SIZE, prot) == (done == n ? 0 : -ENOMEM));
    for (unsigned i = 0; i < done; i++)
        view[first + i].prot = prot;
}

static void op_dontneed(unsigned first, unsigned n)
{
    bool hole = false;
    for (unsigned i = 0; i < n; i++)
        hole |= view[first + i].kind == FREE;
    CHECK(address_space_advise(as, va_of(first), n * PAGE_SIZE, MADV_DONTNEED) == (hole ? -ENOMEM : 0));
    for (unsigned i = 0; i < n; i++) {
        view[first + i].copied = false;
        view[first + i].value = 0;
    }
}

/* Moves what one region holds somewhere else, by a distance of any alignment. */
static void op_move(unsigned first, unsigned n)
{
    unsigned to = test_random(PAGES - n);
    struct region *r = region_find(as, va_of(first));
    bool fits = r && r->start <= va_of(first) && va_of(first + n) <= r->end;
    bool overlap = first + n > to && to + n > first;
    bool keep = test_random(4) == 0;
    s64 at = address_space_remap(as, va_of(first), n * PAGE_SIZE, n * PAGE_SIZE,
                                 MREMAP_MAYMOVE | MREMAP_FIXED | (keep ? MREMAP_DONTUNMAP : 0), va_of(to));
    if (overlap) {
        CHECK(at == -EINVAL);
        return;
    }
    CHECK(fits ? at == (s64)va_of(to) : at == -EFAULT);
    /* What cannot be moved leaves its destination as it was. */
    for (unsigned i = 0; fits && i < n; i++) {
        struct view *from = &view[first + i];
        view[to + i] = *from;
        if (keep)
            from->copied = false, from->value = 0;
        else
            *from = (struct view){0};
    }
}

static void op_file_write(void)
{
    unsigned o = test_random(OBJECTS), index = test_random(OBJECT_PAGES);
    u8 value = test_random(256);
    char page[PAGE_SIZE];
    memset(page, value, sizeof(page));
    /* Whole pages and single bytes take different ways. */
    bool whole = test_random(2);
    ssize n = whole ? ram_object_write(object[o], index * PAGE_SIZE, page, PAGE_SIZE, false)
                    : ram_object_write(object[o], index * PAGE_SIZE + 5, page, 1, false);
    CHECK(n == (whole ? (ssize)PAGE_SIZE : 1));
    object_value[o][index] = value;
    object_size[o] = MAX(object_size[o], (u64)index + 1);
}

static void op_file_read(void)
{
    unsigned o = test_random(OBJECTS), index = test_random(OBJECT_PAGES);
    char byte;
    ssize n = ram_object_read(object[o], index * PAGE_SIZE + 5, &byte, 1, false);
    if (n == 0)
        CHECK(index * PAGE_SIZE + 5 >= object[o]->size);
    else
        CHECK(n == 1 && (u8)byte == object_value[o][index]);
}

static void op_truncate(void)
{
    unsigned o = test_random(OBJECTS);
    u64 pages = test_random(OBJECT_PAGES);
    /* In the middle of a page too: what the model looks at, byte 5, stays or goes with it. */
    u64 size = pages * PAGE_SIZE + (test_random(2) ? 5 + test_random(PAGE_SIZE - 5) : 0);
    CHECK(ram_object_truncate(object[o], size) == 0);
    u64 kept = pages_for_test(size);
    for (u64 i = 0; i < OBJECT_PAGES; i++) {
        if (i >= kept || (i == kept - 1 && (size & (PAGE_SIZE - 1)) && (size & (PAGE_SIZE - 1)) <= 5))
            object_value[o][i] = 0;
    }
    for (unsigned p = 0; kept < object_size[o] && p < PAGES; p++) {
        if (view[p].kind == PRIVATE && view[p].object == o && view[p].index >= kept)
            view[p].copied = false;
    }
    object_size[o] = kept;
}

static void op_punch(void)
{
    unsigned o = test_random(OBJECTS), first = test_random(OBJECT_PAGES), n = 1 + test_random(OBJECT_PAGES - first);
    CHECK(ram_object_punch(object[o], first * PAGE_SIZE, n * PAGE_SIZE) == 0);
    for (unsigned i = first; i < first + n; i++)
        object_value[o][i] = 0;
}

static void check_residents(void)
{
    u64 n = 0;
    for (unsigned i = 0; i < PAGES; i++) {
        struct pt_leaf leaf;
        n += platform_pt_lookup(as->root, va_of(i), &leaf) == 0;
    }
    CHECK(n == as->resident_pages);
}

static void run(unsigned steps)
{
    for (unsigned step = 0; step < steps; step++) {
        unsigned limit = test_random(6) == 0 ? 1200 : 40;
        unsigned first = test_random(PAGES), n = 1 + test_random(MIN(PAGES - first, limit));
        switch (test_random(16)) {
        case 0:
        case 1:
            op_map(first, n);
            break;
        case 2:
            CHECK(address_space_unmap(as, va_of(first), n * PAGE_SIZE) == 0);
            memset(&view[first], 0, n * sizeof(view[0]));
            break;
        case 3:
            op_protect(first, n);
            break;
        case 4:
            op_dontneed(first, n);
            break;
        case 5:
            op_move(first, n);
            break;
        case 6:
            op_file_write();
            break;
        case 7:
            op_file_read();
            break;
        case 8:
            op_truncate();
            break;
        case 9:
            op_punch();
            break;
        default:
            for (unsigned i = 0; i < 40; i++)
                access_page(test_random(PAGES), test_random(2), test_random(256));
            for (unsigned i = 0; i < MIN(n, 200u); i++)
                access_page(first + i, test_random(2), test_random(256));
        }
        if (step % 64 == 0)
            check_residents();
    }
    for (unsigned i = 0; i < PAGES; i++)
        access_page(i, false, 0);
}

static void begin(void)
{
    host_machine();
    memset(view, 0, sizeof(view));
    as = address_space_create();
    CHECK(as);
    /* One object of its own, one that begins in a boot module with a partial last page. */
    object[0] = ram_object_create(0);
    char *in_place = phys_to_virt(0x4000); /* RAM that the page allocator does not have */
    for (unsigned i = 0; i < 40; i++)
        memset(in_place + i * PAGE_SIZE, i + 1, PAGE_SIZE);
    object[1] = ram_object_create_from(in_place, 39 * PAGE_SIZE + 100);
    object_size[0] = 0;
    object_size[1] = 40;
    for (unsigned i = 0; i < OBJECT_PAGES; i++) {
        object_value[0][i] = 0;
        object_value[1][i] = i < 40 ? i + 1 : 0;
    }
}

static void end(u64 free_before)
{
    address_space_put(as);
    host_tlb_clear();
    memory_object_put(object[0]);
    memory_object_put(object[1]);
    CHECK(host_free_pages() == free_before);
    CHECK(host_kmalloc_count == 0);
}

TEST(random_program)
{
    host_machine();
    u64 free_before = host_free_pages();
    for (unsigned round = 0; round < 60; round++) {
        begin();
        run(1500);
        end(free_before);
    }
}

static bool reaches(vaddr_t va, bool write, int want_signo, int want_code)
{
    int signo = 0, code = 0;
    u8 *byte;
    bool done = host_access(as, va, write ? FAULT_WRITE : FAULT_READ, &byte, &signo, &code);
    return want_signo ? !done && signo == want_signo && code == want_code : done;
}

TEST(stack_grows_to_its_limit_and_keeps_its_gap)
{
    host_machine();
    u64 free_before = host_free_pages();
    begin();
    const vaddr_t top = 0x7ff000000000;
    struct mapping m = {.address = top - 2 * PAGE_SIZE, .length = 2 * PAGE_SIZE, .prot = PROT_READ | PROT_WRITE,
                        .max_prot = 7, .flags = REGION_GROWSDOWN | REGION_STACK, .fixed = true};
    CHECK(address_space_map(as, &m) > 0);
    host_limit(RLIMIT_STACK, 8ul << 20);
    CHECK(reaches(top - 100 * PAGE_SIZE, true, 0, 0));
    CHECK(reaches(top - (8ul << 20), true, 0, 0));
    CHECK(reaches(top - (8ul << 20) - 1, true, SIGSEGV, SEGV_MAPERR));
    host_limit(RLIMIT_STACK, 16ul << 20);
    /* A neighbour 9 MiB down leaves room for 8 MiB and the guard gap. */
    struct mapping below = {.address = top - (9ul << 20) - PAGE_SIZE, .length = PAGE_SIZE, .prot = PROT_READ, .max_prot = 7, .fixed = true};
    CHECK(address_space_map(as, &below) > 0);
    CHECK(reaches(top - (8ul << 20) - 1, true, SIGSEGV, SEGV_MAPERR));
    CHECK(reaches(top - (9ul << 20), true, SIGSEGV, SEGV_MAPERR));
    /* Unreachable memory below is no neighbour to keep away from. */
    CHECK(address_space_protect(as, below.address, PAGE_SIZE, PROT_NONE) == 0);
    CHECK(reaches(top - (9ul << 20), true, 0, 0));
    host_limit(RLIMIT_STACK, 8ul << 20);
    end(free_before);
}

TEST(filling_memory_uses_large_pages_and_few_faults)
{
    host_machine();
    u64 free_before = host_free_pages();
    begin();
    struct mapping m = {.length = 64ul << 20, .prot = PROT_READ | PROT_WRITE, .max_prot = 7};
    s64 at = address_space_map(as, &m);
    CHECK(at > 0 && (at & (HUGE_SIZE - 1)) == 0);
    for (vaddr_t va = at; va < (vaddr_t)at + m.length; va += PAGE_SIZE)
        CHECK(reaches(va, true, 0, 0));
    CHECK(as->resident_pages == m.length >> PAGE_SHIFT);
    CHECK(as->minor_faults < 60);
    u64 free_full = host_free_pages();
    /* Giving back a part of a large page frees just that. */
    CHECK(address_space_advise(as, at + (8ul << 20) + PAGE_SIZE, 10 * PAGE_SIZE, MADV_DONTNEED) == 0);
    CHECK(host_free_pages() + 1 == free_full + 10); /* a page table took one */
    CHECK(as->resident_pages == (m.length >> PAGE_SHIFT) - 10);
    end(free_before);
}

TEST(touching_one_page_takes_little)
{
    host_machine();
    u64 free_before = host_free_pages();
    begin();
    struct mapping m = {.length = 64ul << 20, .prot = PROT_READ | PROT_WRITE, .max_prot = 7};
    s64 at = address_space_map(as, &m);
    CHECK(reaches(at + (5ul << 20), true, 0, 0));
    CHECK(as->resident_pages <= 4);
    end(free_before);
}

/* Maps n pages, uses the first `used` one after the other, and gives all back; returns the faults that took. */
static u64 use_and_drop(unsigned n, unsigned used)
{
    struct mapping m = {.length = n * PAGE_SIZE, .prot = PROT_READ | PROT_WRITE, .max_prot = 7};
    u64 before = as->minor_faults;
    s64 at = address_space_map(as, &m);
    CHECK(at > 0);
    for (unsigned i = 0; i < used; i++)
        CHECK(reaches(at + i * PAGE_SIZE, true, 0, 0));
    CHECK(address_space_unmap(as, at, m.length) == 0);
    return as->minor_faults - before;
}

TEST(habits_are_learned_and_unlearned)
{
    host_machine();
    u64 free_before = host_free_pages(), faults = 0;
    begin();
    for (unsigned i = 0; i < 100; i++)
        use_and_drop(60, 60);
    for (unsigned i = 0; i < 16; i++)
        faults += use_and_drop(60, 60);
    CHECK(faults <= 16); /* more than one page in a hundred, not one in fifteen */

    /* Mappings that are not used cost no memory, but for the first few. */
    for (unsigned i = 0; i < 40; i++)
        use_and_drop(60, 0);
    struct mapping m = {.length = 60 * PAGE_SIZE, .prot = PROT_READ | PROT_WRITE, .max_prot = 7};
    s64 at = address_space_map(as, &m);
    CHECK(at > 0 && as->resident_pages == 0);
    CHECK(address_space_unmap(as, at, m.length) == 0);

    /* Regions of which one page is used get the least again. */
    for (unsigned i = 0; i < 100; i++)
        use_and_drop(60, 1);
    at = address_space_map(as, &m);
    CHECK(reaches(at, true, 0, 0) && as->resident_pages <= 4);
    end(free_before);
}

TEST(tables_without_use_are_bounded)
{
    host_machine();
    u64 free_before = host_free_pages();
    begin();
    u64 tables = kernel_table_pages();
    for (unsigned i = 1; i < 200; i++) { /* a block each */
        struct mapping m = {.address = BASE + i * HUGE_SIZE, .length = PAGE_SIZE, .prot = PROT_READ | PROT_WRITE, .max_prot = 7, .fixed = true};
        CHECK(address_space_map(as, &m) == (s64)m.address && reaches(m.address, true, 0, 0));
        CHECK(address_space_unmap(as, m.address, m.length) == 0);
        CHECK(kernel_table_pages() <= tables + SPARE_TABLES + 4);
    }
    end(free_before);
}

TEST(stores_in_sequence_are_copied_ahead)
{
    host_machine();
    u64 free_before = host_free_pages();
    const unsigned n = 1024;
    begin();
    struct memory_object *o = ram_object_create(0);
    o->constant = true;
    for (unsigned i = 0; i < n; i++)
        CHECK(ram_object_write(o, i * PAGE_SIZE + 5, &(u8){i}, 1, false) == 1);
    struct mapping m = {.length = n * PAGE_SIZE, .prot = PROT_READ | PROT_WRITE, .max_prot = 7, .object = o};
    s64 at = address_space_map(as, &m);
    for (unsigned i = 0; i < n; i++)
        CHECK(reaches(at + i * PAGE_SIZE, true, 0, 0));
    CHECK(as->minor_faults < n / 16);
    for (unsigned i = 0; i < n; i++) {
        u8 *byte;
        CHECK(host_access(as, at + i * PAGE_SIZE + 5, FAULT_READ, &byte, NULL, NULL) && *byte == (u8)i);
    }
    CHECK(address_space_unmap(as, at, m.length) == 0);
    /* Every other page: none that was not asked for. */
    at = address_space_map(as, &m);
    for (unsigned i = 0; i < n; i += 2)
        CHECK(reaches(at + i * PAGE_SIZE, true, 0, 0));
    CHECK(as->resident_pages == n / 2);
    memory_object_put(o);
    end(free_before);
}

TEST(memory_ends_with_an_error)
{
    host_machine();
    u64 free_before = host_free_pages();
    begin();
    struct mapping m = {.length = HOST_RAM + (64ul << 20), .prot = PROT_READ | PROT_WRITE, .max_prot = 7};
    s64 at = address_space_map(as, &m);
    int signo = 0, code = 0, error = 0;
    vaddr_t va = at;
    for (; !error && va < (vaddr_t)at + m.length; va += PAGE_SIZE)
        error = address_space_fault(as, va, FAULT_WRITE, &signo, &code);
    CHECK(error == -ENOMEM);
    /* Nearly all of memory was given before. */
    CHECK(va - at > HOST_RAM - (HOST_RAM >> 4));
    end(free_before);
}

TEST(populate_and_lock)
{
    host_machine();
    u64 free_before = host_free_pages();
    begin();
    struct mapping m = {.length = 8ul << 20, .prot = PROT_READ | PROT_WRITE, .max_prot = 7, .populate = true};
    s64 at = address_space_map(as, &m);
    CHECK(as->resident_pages == m.length >> PAGE_SHIFT);
    CHECK(address_space_unmap(as, at, m.length) == 0);
    CHECK(as->resident_pages == 0);
    m.populate = false;
    at = address_space_map(as, &m);
    host_limit(RLIMIT_MEMLOCK, 1ul << 20);
    CHECK(address_space_lock_range(as, at, 2ul << 20, true, false) == -ENOMEM);
    CHECK(address_space_lock_range(as, at, 1ul << 20, true, false) == 0);
    CHECK(as->resident_pages == (1ul << 20) >> PAGE_SHIFT && as->locked_pages == as->resident_pages);
    CHECK(address_space_advise(as, at, PAGE_SIZE, MADV_DONTNEED) == -EINVAL);
    CHECK(address_space_lock_range(as, at, 1ul << 20, false, false) == 0);
    CHECK(address_space_advise(as, at, PAGE_SIZE, MADV_DONTNEED) == 0);
    CHECK(as->locked_pages == 0 && as->region_count == 1);
    host_limit(RLIMIT_MEMLOCK, RLIM_INFINITY);
    u8 vec[512];
    CHECK(address_space_mincore(as, at, 512, vec) == 0);
    CHECK(vec[0] == 0 && vec[1] == 1 && vec[255] == 1 && vec[256] == 0);
    CHECK(address_space_mincore(as, at - PAGE_SIZE, 1, vec) == -ENOMEM);
    end(free_before);
}

TEST(large_pages_move_by_any_distance)
{
    host_machine();
    u64 free_before = host_free_pages();
    for (unsigned distance = 0; distance < 3; distance++) {
        begin();
        struct mapping m = {.address = BASE, .length = 8ul << 20, .prot = PROT_READ | PROT_WRITE, .max_prot = 7,
                            .flags = REGION_HUGE, .fixed = true, .populate = true};
        CHECK(address_space_map(as, &m) == (s64)BASE);
        for (unsigned i = 0; i < m.length / PAGE_SIZE; i++) {
            u8 *byte;
            int signo, code;
            CHECK(host_access(as, BASE + i * PAGE_SIZE, FAULT_WRITE, &byte, &signo, &code));
            *byte = i * 7;
        }
        CHECK(as->minor_faults == 0);
        vaddr_t to = BASE + (64ul << 20) + distance * 5 * PAGE_SIZE, part = HUGE_SIZE / 2 + 3 * PAGE_SIZE;
        /* The whole, then a part of it that cuts large pages. */
        CHECK(address_space_remap(as, BASE, m.length, m.length, MREMAP_MAYMOVE | MREMAP_FIXED, to) == (s64)to);
        CHECK(address_space_remap(as, to + part, m.length / 2, m.length / 2, MREMAP_MAYMOVE | MREMAP_FIXED, BASE) == (s64)BASE);
        for (unsigned i = 0; i < m.length / PAGE_SIZE; i++) {
            u64 offset = i * PAGE_SIZE;
            vaddr_t va = offset < part || offset >= part + m.length / 2 ? to + offset : BASE + offset - part;
            u8 *byte;
            int signo, code;
            CHECK(host_access(as, va, FAULT_READ, &byte, &signo, &code) && *byte == (u8)(i * 7));
        }
        CHECK(as->resident_pages == m.length / PAGE_SIZE && as->minor_faults == 0);
        CHECK(address_space_unmap(as, to + PAGE_SIZE, m.length / 2) == 0);
        end(free_before);
    }
}
