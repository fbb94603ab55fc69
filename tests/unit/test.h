/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frame of a unit test: TEST(name) { … CHECK(…); } defines a case; main() runs all and prints "ok name" for each.
 * A failed CHECK prints "not ok name - where: what" and ends the program with status 1.
 */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct test_case {
    const char *name;
    void (*fn)(void);
    struct test_case *next;
};

static struct test_case *test_first, **test_last = &test_first;
static const char *test_current;

#define TEST(id)                                                          \
    static void test_##id(void);                                          \
    __attribute__((constructor)) static void register_##id(void)          \
    {                                                                     \
        static struct test_case t = {#id, test_##id, NULL};               \
        *test_last = &t;                                                  \
        test_last = &t.next;                                              \
    }                                                                     \
    static void test_##id(void)

#define CHECK(cond)                                                                               \
    do {                                                                                          \
        if (!(cond)) {                                                                            \
            printf("not ok %s - %s:%d: %s\n", test_current, __FILE__, __LINE__, #cond);           \
            exit(1);                                                                              \
        }                                                                                         \
    } while (0)

/* Repeatable pseudo-random numbers (xorshift64*). */
static uint64_t test_seed = 88172645463325252ull;
__attribute__((unused)) static uint64_t test_random(uint64_t limit)
{
    test_seed ^= test_seed >> 12;
    test_seed ^= test_seed << 25;
    test_seed ^= test_seed >> 27;
    return (test_seed * 2685821657736338717ull >> 11) % limit;
}

#ifndef TEST_MAIN
#define TEST_MAIN
int main(void)
{
    for (struct test_case *t = test_first; t; t = t->next) {
        test_current = t->name;
        t->fn();
        printf("ok %s\n", t->name);
    }
    return 0;
}
#endif

#endif
