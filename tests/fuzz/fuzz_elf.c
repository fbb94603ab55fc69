/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer target: the ELF checks on any bytes. What they let through must be safe to map.
 * sources: loader/elf_check.c
 * seeds: malformed
 */
#include <string.h>
#include "loader/loader.h"

struct input {
    const uint8_t *data;
    size_t size;
};

#define REQUIRE(cond)         \
    do {                      \
        if (!(cond))          \
            __builtin_trap(); \
    } while (0)

static int read_input(void *arg, u64 offset, void *buf, size_t n)
{
    const struct input *in = arg;
    REQUIRE(offset <= in->size && n <= in->size - offset);
    memcpy(buf, in->data + offset, n);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct elf_image image;
    struct input in = {data, size};
    char error[160] = "";
    int result = elf_check(&image, size, read_input, &in, error, sizeof(error));
    if (result) {
        REQUIRE(result == -ENOEXEC && error[0]);
        return 0;
    }
    u64 end = 0;
    bool entry = false;
    for (unsigned i = 0; i < image.segment_count; i++) {
        const Elf64_Phdr *p = &image.segments[i];
        REQUIRE(p->p_memsz && p->p_filesz <= p->p_memsz && p->p_offset <= size && p->p_filesz <= size - p->p_offset);
        REQUIRE(p->p_vaddr >= end && p->p_vaddr + p->p_memsz > p->p_vaddr);
        end = p->p_vaddr + p->p_memsz;
        REQUIRE(p->p_vaddr >= image.low && end <= image.high && end <= 0x7ffffffff000);
        REQUIRE(image.position_independent || end <= 0x680000000000 || p->p_vaddr >= 0x6a0000000000);
        entry |= image.header.e_entry >= p->p_vaddr && image.header.e_entry < end;
    }
    REQUIRE(image.segment_count && entry);
    REQUIRE(memchr(image.interpreter, 0, sizeof(image.interpreter)));
    return 0;
}
