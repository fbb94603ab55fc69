/* SPDX-License-Identifier: BSD-2-Clause */
/* ELF checks: a good program, every malformed one, and thousands of damaged ones. sources: loader/elf_check.c */
#include "loader/loader.h"
#include "tests/unit/malformed.h"
#include "tests/unit/test.h"

static struct elf_image image;
static char error[200];

/* Reads from an allocation of exactly the file's size, so that the sanitizer sees a read beyond it. */
static int read_sample(void *arg, u64 offset, void *buf, size_t n)
{
    struct sample *s = arg;
    CHECK(offset <= s->size && n <= s->size - offset);
    memcpy(buf, s->bytes + offset, n);
    return 0;
}

static int check(struct sample *s)
{
    error[0] = 0;
    return elf_check(&image, s->size, read_sample, s, error, sizeof(error));
}

TEST(well_formed)
{
    struct sample s;
    sample_make(&s);
    CHECK(!check(&s) && !error[0]);
    CHECK(image.segment_count == 3 && !image.position_independent && !image.executable_stack);
    CHECK(image.low == 0x400000 && image.high == 0x407000);
    CHECK(image.phdr_address == 0x400040 && image.max_align == 0x1000);
    CHECK(!image.interpreter[0]);
}

TEST(position_independent)
{
    struct sample s;
    sample_make(&s);
    s.h.e_type = ET_DYN;
    s.h.e_entry = 0x1000;
    for (int i = P_PHDR; i <= P_DATA; i++)
        s.p[i].p_vaddr -= 0x400000;
    s.p[P_TEXT].p_align = 0x200000;
    CHECK(!check(&s));
    CHECK(image.position_independent && image.low == 0 && image.high == 0x7000);
    CHECK(image.max_align == 0x200000);
}

TEST(executable_stack)
{
    struct sample s;
    sample_make(&s);
    s.p[P_STACK].p_flags |= PF_X;
    CHECK(!check(&s) && image.executable_stack);
}

TEST(interpreter)
{
    struct sample s;
    sample_make(&s);
    sample_interpreter(&s);
    CHECK(!check(&s) && !strcmp(image.interpreter, "/lib/ld.so"));
}

TEST(headers_not_mapped)
{
    struct sample s;
    sample_make(&s);
    s.p[P_HEAD].p_type = PT_NULL;
    CHECK(!check(&s) && image.phdr_address == 0);
}

TEST(segment_without_file_bytes)
{
    struct sample s;
    sample_make(&s);
    s.p[P_DATA].p_filesz = 0;
    s.p[P_DATA].p_offset = 0;
    CHECK(!check(&s));
}

TEST(malformed)
{
    for (size_t i = 0; i < MALFORMED_COUNT; i++) {
        struct sample s;
        sample_make(&s);
        malformed[i].spoil(&s);
        int result = check(&s);
        if (result != -ENOEXEC || !strstr(error, malformed[i].sentence))
            printf("# %s: %d '%s'\n", malformed[i].name, result, error);
        CHECK(result == -ENOEXEC);
        CHECK(strstr(error, malformed[i].sentence));
    }
}

TEST(every_truncation)
{
    for (size_t n = 0; n < SAMPLE_SIZE; n++) {
        struct sample s;
        sample_make(&s);
        s.size = n;
        CHECK(check(&s) == (n < 0x3010 ? -ENOEXEC : 0));
    }
}

/* What was let through must be safe to map. */
static void check_promises(const struct sample *s)
{
    u64 end = 0;
    bool entry = false;
    CHECK(image.segment_count && image.segment_count <= ARRAY_SIZE(image.segments));
    for (unsigned i = 0; i < image.segment_count; i++) {
        const Elf64_Phdr *p = &image.segments[i];
        CHECK(p->p_memsz && p->p_filesz <= p->p_memsz);
        CHECK(p->p_offset + p->p_filesz >= p->p_offset && p->p_offset + p->p_filesz <= s->size);
        CHECK(p->p_vaddr >= end && p->p_vaddr + p->p_memsz > p->p_vaddr);
        CHECK(p->p_vaddr >= image.low && p->p_vaddr + p->p_memsz <= image.high);
        end = p->p_vaddr + p->p_memsz;
        entry |= image.header.e_entry >= p->p_vaddr && image.header.e_entry < end;
    }
    CHECK(entry && end <= 0x7ffffffff000);
    CHECK(!(image.max_align & (image.max_align - 1)) && image.max_align >= PAGE_SIZE);
    CHECK(strnlen(image.interpreter, sizeof(image.interpreter)) < sizeof(image.interpreter));
}

TEST(random_damage)
{
    static const u64 interesting[] = {0, 1, 0xff, 0x1000, 0x400000, 0x7fffffff, 0x80000000, 0x680000000000,
                                      0x7fffffffe000, 0x8000000000000000, UINT64_MAX, UINT64_MAX - 0xfff};
    unsigned passed = 0;
    for (int i = 0; i < 200000; i++) {
        struct sample s;
        sample_make(&s);
        for (u64 k = 1 + test_random(3); k; k--) {
            size_t at = test_random(sizeof(Elf64_Ehdr) + sizeof(s.p));
            if (test_random(2)) {
                s.bytes[at] ^= (u8)(1 << test_random(8));
            } else {
                u64 v = interesting[test_random(ARRAY_SIZE(interesting))];
                memcpy(s.bytes + at / 8 * 8, &v, 8);
            }
        }
        int result = check(&s);
        CHECK(result == 0 || (result == -ENOEXEC && error[0]));
        if (!result) {
            check_promises(&s);
            passed++;
        }
    }
    CHECK(passed > 1000);
}
