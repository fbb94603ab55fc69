/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The initial stack, upwards from the stack pointer: argc, argv pointers, NULL, environment pointers, NULL, auxiliary
 * vector; random bytes and platform name; argument strings, environment strings, path of the program, 8 bytes of zero.
 * Programs depend on the strings being one contiguous run (setproctitle writes over it).
 * Source: System V ABI, AMD64 supplement, section 3.4.1; the order of the strings is that of Linux.
 */
#include "loader/stack.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"

/* Strings of a vector: number in *count, bytes with their NULs in *bytes. */
static void measure(char *const *vector, size_t *count, size_t *bytes)
{
    *count = *bytes = 0;
    for (; vector[*count]; ++*count)
        *bytes += strlen(vector[*count]) + 1;
}

/* Where in the block the program's address va is. */
static char *at(struct initial_stack *s, vaddr_t va)
{
    return s->block + (va - s->sp);
}

/* Copies the strings to `to` (program address to_va) and their addresses to `pointers`, NULL behind. */
static void copy_strings(char *const *vector, size_t count, char *to, vaddr_t to_va, u64 *pointers)
{
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(vector[i]) + 1;
        pointers[i] = to_va;
        memcpy(to, vector[i], n);
        to += n;
        to_va += n;
    }
    pointers[count] = 0;
}

int initial_stack_build(struct initial_stack *s)
{
    size_t argc, arg_bytes, envc, env_bytes;
    measure(s->argv, &argc, &arg_bytes);
    measure(s->envp, &envc, &env_bytes);
    size_t path_bytes = strlen(s->path) + 1, platform_bytes = strlen(s->platform) + 1;

    size_t strings = arg_bytes + env_bytes + path_bytes + sizeof(u64);
    size_t words = 1 + argc + 1 + envc + 1 + 2 * (s->aux_count + 1);
    if (strings - sizeof(u64) > s->limit)
        return -E2BIG;
    vaddr_t strings_va = s->top - strings;
    vaddr_t platform_va = ALIGN_DOWN(strings_va, 16ul) - s->shift - platform_bytes;
    vaddr_t random_va = platform_va - sizeof(s->random);
    s->sp = ALIGN_DOWN(ALIGN_DOWN(random_va, 16ul) - words * sizeof(u64), 16ul);

    s->block = kzalloc(s->top - s->sp);
    if (!s->block)
        return -ENOMEM;
    u64 *word = (u64 *)s->block;
    *word++ = argc;
    s->arg_start = strings_va;
    s->arg_end = s->env_start = strings_va + arg_bytes;
    s->env_end = s->env_start + env_bytes;
    vaddr_t path_va = s->env_end;
    copy_strings(s->argv, argc, at(s, s->arg_start), s->arg_start, word);
    word += argc + 1;
    copy_strings(s->envp, envc, at(s, s->env_start), s->env_start, word);
    word += envc + 1;
    memcpy(at(s, path_va), s->path, path_bytes);
    memcpy(at(s, platform_va), s->platform, platform_bytes);
    memcpy(at(s, random_va), s->random, sizeof(s->random));
    s->auxv = word;
    for (size_t i = 0; i < s->aux_count; i++, word += 2) {
        u64 type = s->aux[i].a_type;
        word[0] = type;
        word[1] = type == AT_EXECFN     ? path_va
                  : type == AT_PLATFORM ? platform_va
                  : type == AT_RANDOM   ? random_va
                                        : s->aux[i].a_un.a_val;
    }
    return 0;
}
