/* SPDX-License-Identifier: BSD-2-Clause */
/* The initial stack, read back as a program's start code reads it. sources: loader/stack.c tests/unit/host.c */
#include <string.h>
#include "loader/stack.h"
#include "kernel/heap.h"
#include "tests/unit/test.h"

void *kzalloc(size_t n)
{
    return calloc(1, n);
}

#define TOP 0x7ffffffff000ull

static char *argv[] = {"prog", "", "third argument", NULL};
static char *envp[] = {"A=1", "PATH=/bin", NULL};
static char *none[] = {NULL};

static struct initial_stack make(char **a, char **e, u64 shift)
{
    static const Elf64_auxv_t aux[] = {{AT_PAGESZ, {4096}}, {AT_RANDOM, {0}}, {AT_EXECFN, {0}}, {AT_PLATFORM, {0}}};
    struct initial_stack s = {
        .top = TOP,
        .argv = a,
        .envp = e,
        .path = "/bin/prog",
        .platform = "x86_64",
        .random = "0123456789abcde",
        .shift = shift,
        .aux = aux,
        .aux_count = 4,
        .limit = 100000,
    };
    CHECK(!initial_stack_build(&s));
    return s;
}

static char *at(struct initial_stack *s, u64 address)
{
    CHECK(address >= s->sp && address < TOP);
    return s->block + (address - s->sp);
}

TEST(layout)
{
    for (u64 shift = 0; shift < 8192; shift += 16) {
        struct initial_stack s = make(argv, envp, shift);
        u64 *w = (u64 *)s.block;
        CHECK(!(s.sp & 15));
        CHECK(*w++ == 3);
        u64 expected = s.arg_start;
        for (int i = 0; i < 3; i++, w++) {
            CHECK(*w == expected && !strcmp(at(&s, *w), argv[i]));
            expected += strlen(argv[i]) + 1;
        }
        CHECK(*w++ == 0 && expected == s.arg_end && s.env_start == s.arg_end);
        for (int i = 0; i < 2; i++, w++) {
            CHECK(*w == expected && !strcmp(at(&s, *w), envp[i]));
            expected += strlen(envp[i]) + 1;
        }
        CHECK(*w++ == 0 && expected == s.env_end);
        CHECK(w[0] == AT_PAGESZ && w[1] == 4096);
        CHECK(w[2] == AT_RANDOM && !memcmp(at(&s, w[3]), "0123456789abcde", 16));
        CHECK(w[4] == AT_EXECFN && !strcmp(at(&s, w[5]), "/bin/prog") && w[5] == s.env_end);
        CHECK(w[6] == AT_PLATFORM && !strcmp(at(&s, w[7]), "x86_64"));
        CHECK(w[8] == AT_NULL && w[9] == 0);
        CHECK((u64)(w + 10) - (u64)s.block <= at(&s, s.arg_start) - s.block - shift);
        u64 zero;
        memcpy(&zero, at(&s, TOP - 8), 8);
        CHECK(zero == 0);
        free(s.block);
    }
}

TEST(empty_vectors)
{
    struct initial_stack s = make(none, none, 0);
    u64 *w = (u64 *)s.block;
    CHECK(w[0] == 0 && w[1] == 0 && w[2] == 0 && w[3] == AT_PAGESZ);
    CHECK(s.arg_start == s.arg_end && s.env_start == s.env_end);
    free(s.block);
}

TEST(limit)
{
    struct initial_stack s = make(argv, envp, 0);
    free(s.block);
    s.block = NULL;
    s.limit = 40;
    CHECK(initial_stack_build(&s) == -E2BIG && !s.block);
}
