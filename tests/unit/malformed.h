/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A well-formed ELF program in memory, and the ways to spoil it with the sentence that elf_check() must answer. Used by
 * the unit test, and written out as files (tests/unit/write_malformed.c) for runs in the VM and as the fuzzer's seeds.
 */
#ifndef TESTS_UNIT_MALFORMED_H
#define TESTS_UNIT_MALFORMED_H

#include <elf.h>
#include <stdint.h>
#include <string.h>

#define SAMPLE_PHDRS 6
#define SAMPLE_SIZE  0x3800

/* Headers, text at 0x1000, data at 0x2000 with bss behind, an interpreter slot and PT_GNU_STACK. */
struct sample {
    union {
        uint8_t bytes[SAMPLE_SIZE];
        struct {
            Elf64_Ehdr h;
            Elf64_Phdr p[SAMPLE_PHDRS];
        };
    };
    size_t size; /* of the file: less than SAMPLE_SIZE when cut */
};

enum { P_PHDR, P_HEAD, P_TEXT, P_DATA, P_STACK, P_SPARE };

static inline void sample_make(struct sample *s)
{
    memset(s, 0, sizeof(*s));
    s->size = SAMPLE_SIZE;
    s->h = (Elf64_Ehdr){
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_entry = 0x401000,
        .e_phoff = sizeof(Elf64_Ehdr),
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = SAMPLE_PHDRS,
    };
    s->p[P_PHDR] = (Elf64_Phdr){PT_PHDR, PF_R, 64, 0x400040, 0, sizeof(s->p), sizeof(s->p), 8};
    s->p[P_HEAD] = (Elf64_Phdr){PT_LOAD, PF_R, 0, 0x400000, 0, 0x200, 0x200, 0x1000};
    s->p[P_TEXT] = (Elf64_Phdr){PT_LOAD, PF_R | PF_X, 0x1000, 0x401000, 0, 0x800, 0x800, 0x1000};
    s->p[P_DATA] = (Elf64_Phdr){PT_LOAD, PF_R | PF_W, 0x2010, 0x403010, 0, 0x1000, 0x3000, 0x1000};
    s->p[P_STACK] = (Elf64_Phdr){PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 0, 16};
    s->p[P_SPARE] = (Elf64_Phdr){PT_NULL, 0, 0, 0, 0, 0, 0, 0};
    strcpy((char *)s->bytes + 0x3100, "/lib/ld.so");
    /* mov $231,%eax; xor %edi,%edi; syscall: exit_group(0) */
    memcpy(s->bytes + 0x1000, "\xb8\xe7\x00\x00\x00\x31\xff\x0f\x05", 9);
}

static inline void sample_interpreter(struct sample *s)
{
    s->p[P_SPARE] = (Elf64_Phdr){PT_INTERP, PF_R, 0x3100, 0, 0, 11, 11, 1};
}

struct malformed {
    const char *name;     /* file name */
    const char *sentence; /* a part of the error */
    void (*spoil)(struct sample *s);
};

#define SPOIL(id, what)                                      \
    static inline void spoil_##id(struct sample *s)          \
    {                                                        \
        what;                                                \
    }
SPOIL(empty, s->size = 0)
SPOIL(one_byte, s->size = 1)
SPOIL(text_file, memcpy(s->bytes, "Hello, world\n", 13); s->size = 13)
SPOIL(bad_magic, s->h.e_ident[EI_MAG3] = 'f')
SPOIL(class32, s->h.e_ident[EI_CLASS] = ELFCLASS32)
SPOIL(class_unknown, s->h.e_ident[EI_CLASS] = 7)
SPOIL(big_endian, s->h.e_ident[EI_DATA] = ELFDATA2MSB)
SPOIL(ident_version, s->h.e_ident[EI_VERSION] = 9)
SPOIL(file_version, s->h.e_version = 0)
SPOIL(header_cut, s->size = 63)
SPOIL(header_cut_early, s->size = 20)
SPOIL(arm64, s->h.e_machine = EM_AARCH64)
SPOIL(i386, s->h.e_machine = EM_386)
SPOIL(machine_unknown, s->h.e_machine = 0xbeef)
SPOIL(object_file, s->h.e_type = ET_REL)
SPOIL(core_file, s->h.e_type = ET_CORE)
SPOIL(type_unknown, s->h.e_type = 77)
SPOIL(phentsize, s->h.e_phentsize = 32)
SPOIL(phentsize_zero, s->h.e_phentsize = 0)
SPOIL(no_phdrs, s->h.e_phnum = 0)
SPOIL(too_many_phdrs, s->h.e_phnum = 0xffff)
SPOIL(phdrs_beyond, s->h.e_phoff = SAMPLE_SIZE - 100)
SPOIL(phdrs_far_beyond, s->h.e_phoff = UINT64_MAX - 50)
SPOIL(phdrs_cut, s->size = 64 + 3 * 56 + 10)
SPOIL(nothing_to_load, s->p[P_HEAD].p_type = s->p[P_TEXT].p_type = s->p[P_DATA].p_type = PT_NOTE)
SPOIL(filesz_over_memsz, s->p[P_TEXT].p_memsz = 0x7ff)
SPOIL(filesz_without_memsz, s->p[P_TEXT].p_memsz = 0)
SPOIL(segment_cut, s->size = 0x3000)
SPOIL(offset_beyond, s->p[P_DATA].p_offset = 0x10000010)
SPOIL(offset_overflow, s->p[P_DATA].p_offset = UINT64_MAX - 0xfef)
SPOIL(filesz_huge, s->p[P_DATA].p_filesz = s->p[P_DATA].p_memsz = UINT64_MAX)
SPOIL(align_odd, s->p[P_TEXT].p_align = 0x1800)
SPOIL(align_huge, s->p[P_TEXT].p_align = 1ull << 62)
SPOIL(misaligned, s->p[P_TEXT].p_offset = 0x1008)
SPOIL(address_overflow, s->p[P_DATA].p_vaddr = UINT64_MAX - 0xfef)
SPOIL(address_high_half, s->p[P_DATA].p_vaddr = 0xffff800000000010)
SPOIL(address_end, s->p[P_DATA].p_vaddr = 0x7fffffffd010)
SPOIL(address_low, s->p[P_HEAD].p_vaddr = 0x1000)
SPOIL(address_zero, s->p[P_HEAD].p_vaddr = 0)
SPOIL(address_kernel, s->p[P_DATA].p_vaddr = 0x680000001010)
SPOIL(spans_kernel, s->p[P_DATA].p_memsz = 0x7e0000000000)
SPOIL(descending, s->p[P_TEXT].p_vaddr = 0x300000)
SPOIL(overlapping, s->p[P_TEXT].p_vaddr = 0x403000; s->h.e_entry = 0x403000; s->p[P_TEXT].p_memsz = 0x1000)
SPOIL(same_twice, s->p[P_DATA] = s->p[P_TEXT])
SPOIL(entry_outside, s->h.e_entry = 0x500000)
SPOIL(entry_zero, s->h.e_entry = 0)
SPOIL(entry_between, s->h.e_entry = 0x401800)
SPOIL(pie_span, s->h.e_type = ET_DYN; s->p[P_DATA].p_vaddr = 0x500000000010)
SPOIL(interpreter_empty, sample_interpreter(s); s->bytes[0x3100] = 0)
SPOIL(interpreter_short, sample_interpreter(s); s->p[P_SPARE].p_filesz = 1)
SPOIL(interpreter_long, sample_interpreter(s); s->p[P_SPARE].p_filesz = 5000)
SPOIL(interpreter_open, sample_interpreter(s); s->p[P_SPARE].p_filesz = 10)
SPOIL(interpreter_beyond, sample_interpreter(s); s->p[P_SPARE].p_offset = SAMPLE_SIZE - 4)
#undef SPOIL

#define CASE(id, sentence) {#id, sentence, spoil_##id}
static const struct malformed malformed[] = {
    CASE(empty, "is empty"),
    CASE(one_byte, "is not an ELF file"),
    CASE(text_file, "is not an ELF file"),
    CASE(bad_magic, "is not an ELF file"),
    CASE(class32, "32-bit"),
    CASE(class_unknown, "unknown ELF class"),
    CASE(big_endian, "big-endian"),
    CASE(ident_version, "unknown ELF version"),
    CASE(file_version, "unknown ELF version"),
    CASE(header_cut, "truncated"),
    CASE(header_cut_early, "truncated"),
    CASE(arm64, "ARM64"),
    CASE(i386, "i386"),
    CASE(machine_unknown, "ELF machine 48879"),
    CASE(object_file, "object file"),
    CASE(core_file, "core dump"),
    CASE(type_unknown, "unknown ELF type"),
    CASE(phentsize, "program headers of 32 bytes"),
    CASE(phentsize_zero, "program headers of 0 bytes"),
    CASE(no_phdrs, "no program headers"),
    CASE(too_many_phdrs, "too many program headers"),
    CASE(phdrs_beyond, "truncated"),
    CASE(phdrs_far_beyond, "truncated"),
    CASE(phdrs_cut, "truncated"),
    CASE(nothing_to_load, "nothing to load"),
    CASE(filesz_over_memsz, "more bytes in the file than in memory"),
    CASE(filesz_without_memsz, "more bytes in the file than in memory"),
    CASE(segment_cut, "truncated"),
    CASE(offset_beyond, "truncated"),
    CASE(offset_overflow, "truncated"),
    CASE(filesz_huge, "truncated"),
    CASE(align_odd, "alignment 0x1800"),
    CASE(align_huge, "alignment"),
    CASE(misaligned, "not aligned alike"),
    CASE(address_overflow, "outside the addresses"),
    CASE(address_high_half, "outside the addresses"),
    CASE(address_end, "outside the addresses"),
    CASE(address_low, "outside the addresses"),
    CASE(address_zero, "outside the addresses"),
    CASE(address_kernel, "the kernel uses"),
    CASE(spans_kernel, "the kernel uses"),
    CASE(descending, "ascending"),
    CASE(overlapping, "overlapping"),
    CASE(same_twice, "overlapping"),
    CASE(entry_outside, "entry point"),
    CASE(entry_zero, "entry point"),
    CASE(entry_between, "entry point"),
    CASE(pie_span, "spans more"),
    CASE(interpreter_empty, "interpreter path"),
    CASE(interpreter_short, "interpreter path"),
    CASE(interpreter_long, "interpreter path"),
    CASE(interpreter_open, "interpreter path"),
    CASE(interpreter_beyond, "truncated"),
};
#undef CASE
#define MALFORMED_COUNT (sizeof(malformed) / sizeof(*malformed))

#endif
