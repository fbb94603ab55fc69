/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the dynamic section by way of the program headers, as the dynamic linker does: section headers may be missing.
 * The taking apart is libelf's.
 */
#include "tools/elf.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/message.h"

/* The text at `offset` of the file, which ends with a NUL; malloc'ed, or NULL. */
static char *text_at(Elf *elf, GElf_Off offset, size_t limit)
{
    size_t size;
    const char *file = elf_rawfile(elf, &size);

    if (!file || offset >= size)
        return NULL;
    if (limit > size - offset)
        limit = size - offset;
    return memchr(file + offset, '\0', limit) ? duplicate(file + offset) : NULL;
}

/* Where in the file the program's address is; false if nowhere. */
static bool file_offset(Elf *elf, size_t headers, GElf_Addr address, GElf_Off *offset)
{
    for (size_t i = 0; i < headers; i++) {
        GElf_Phdr header;

        if (gelf_getphdr(elf, (int)i, &header) && header.p_type == PT_LOAD &&
            address >= header.p_vaddr && address - header.p_vaddr < header.p_filesz) {
            *offset = header.p_offset + (address - header.p_vaddr);
            return true;
        }
    }
    return false;
}

static void take_entry(Elf *elf, const GElf_Dyn *entry, GElf_Off names, struct elf_needs *needs)
{
    char **field = entry->d_tag == DT_SONAME    ? &needs->soname
                   : entry->d_tag == DT_RPATH   ? &needs->rpath
                   : entry->d_tag == DT_RUNPATH ? &needs->runpath
                                                : NULL;
    char *text;

    if (!field && entry->d_tag != DT_NEEDED)
        return;
    text = text_at(elf, names + entry->d_un.d_val, SIZE_MAX);
    if (text && !field) {
        strings_add(&needs->names, text);
    } else if (text) {
        free(*field);
        *field = text;
    }
}

static bool read_dynamic(Elf *elf, size_t headers, const GElf_Phdr *header, struct elf_needs *needs)
{
    Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)header->p_offset, header->p_filesz, ELF_T_DYN);
    GElf_Off names = 0;
    bool found = false;
    GElf_Dyn entry;

    for (int i = 0; data && gelf_getdyn(data, i, &entry) && entry.d_tag != DT_NULL; i++)
        if (entry.d_tag == DT_STRTAB)
            found = file_offset(elf, headers, entry.d_un.d_ptr, &names);
    for (int i = 0; found && gelf_getdyn(data, i, &entry) && entry.d_tag != DT_NULL; i++)
        take_entry(elf, &entry, names, needs);
    return data;
}

static enum elf_kind read_headers(Elf *elf, struct elf_needs *needs)
{
    GElf_Ehdr file;
    size_t headers;

    if (elf_kind(elf) != ELF_K_ELF)
        return ELF_NONE;
    if (!gelf_getehdr(elf, &file))
        return ELF_BROKEN;
    if (gelf_getclass(elf) != ELFCLASS64 || file.e_machine != EM_X86_64)
        return ELF_FOREIGN;
    if ((file.e_type != ET_EXEC && file.e_type != ET_DYN) || elf_getphdrnum(elf, &headers) < 0)
        return ELF_BROKEN;
    /* libelf counts those that the file has. */
    if (file.e_phnum != PN_XNUM && file.e_phnum != headers)
        return ELF_BROKEN;
    for (size_t i = 0; i < headers; i++) {
        GElf_Phdr header;

        if (!gelf_getphdr(elf, (int)i, &header))
            return ELF_BROKEN;
        if (header.p_type == PT_INTERP && !needs->interpreter)
            needs->interpreter = text_at(elf, header.p_offset, header.p_filesz);
        if (header.p_type == PT_DYNAMIC && !read_dynamic(elf, headers, &header, needs))
            return ELF_BROKEN;
    }
    if (needs->runpath) {
        free(needs->rpath);
        needs->rpath = NULL;
    }
    return ELF_PLAIN;
}

enum elf_kind elf_read(const char *path, struct elf_needs *needs)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    enum elf_kind kind = ELF_NONE;
    Elf *elf;

    *needs = (struct elf_needs){0};
    if (file < 0)
        return ELF_NONE;
    elf_version(EV_CURRENT);
    elf = elf_begin(file, ELF_C_READ_MMAP, NULL);
    if (elf) {
        kind = read_headers(elf, needs);
        elf_end(elf);
    }
    close(file);
    return kind;
}

const char *elf_problem(void)
{
    int error = elf_errno();

    return error ? elf_errmsg(error) : "it is cut off, or no program";
}

void elf_release(struct elf_needs *needs)
{
    free(needs->interpreter);
    free(needs->soname);
    free(needs->rpath);
    free(needs->runpath);
    for (size_t i = 0; i < needs->names.count; i++)
        free(needs->names.items[i]);
    free(needs->names.items);
}
