/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ELF files say of themselves.
 *
 * The kernel image's need of memory. QEMU loads an image that reaches beyond the memory, or that
 * the boot archive overlaps, without a word, and the VM then hangs or dies: so it is checked here.
 */
#include "tools/image.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "tools/elf.h"
#include "tools/message.h"

static void __attribute__((noreturn)) no_kernel(const char *path)
{
    die(STATUS_FAILED, "%s is no Aril kernel (an x86-64 ELF file)", path);
}

uint64_t image_end(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    uint64_t end = 0;
    Elf64_Ehdr header;

    if (file < 0)
        die(STATUS_FAILED, "cannot read the kernel %s: %s", path, strerror(errno));
    if (pread(file, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_machine != EM_X86_64 || header.e_phentsize != sizeof(Elf64_Phdr))
        no_kernel(path);
    for (unsigned i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr segment;

        if (pread(file, &segment, sizeof(segment), (off_t)(header.e_phoff + i * sizeof(segment))) !=
            (ssize_t)sizeof(segment))
            no_kernel(path);
        if (segment.p_type == PT_LOAD && segment.p_paddr + segment.p_memsz > end)
            end = segment.p_paddr + segment.p_memsz;
    }
    close(file);
    if (end == 0)
        no_kernel(path);
    return end;
}

bool image_is_static(const char *path)
{
    struct elf_needs needs;
    bool is_static = elf_read(path, &needs) == ELF_PLAIN && !needs.interpreter;

    elf_release(&needs);
    return is_static;
}
