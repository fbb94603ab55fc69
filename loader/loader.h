/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading a program: ELF checks (a pure function, tested and fuzzed on the host), mapping, initial stack.
 */
#ifndef LOADER_LOADER_H
#define LOADER_LOADER_H

#include <elf.h>
#include "kernel/types.h"

struct file;
struct user_frame;

/* What a checked ELF file asks for. Addresses before the load bias. */
struct elf_image {
    Elf64_Ehdr header;
    Elf64_Phdr segments[64]; /* PT_LOAD only, ascending */
    unsigned segment_count;
    bool position_independent; /* ET_DYN */
    bool executable_stack;     /* PT_GNU_STACK says PF_X; absent means no, as on Linux/x86-64 */
    u64 low, high;             /* page-aligned span of all segments */
    u64 phdr_address;          /* AT_PHDR before bias, 0 when the headers are not mapped */
    u64 max_align;
    char interpreter[4096];    /* PT_INTERP path or "" */
};

/*
 * Checks the first n bytes of a file of file_size bytes. phdrs are read through read(arg, offset, buf, n) (0 or negative errno).
 * 0, or -ENOEXEC (no ELF, other machine, malformed), -EINVAL…, with a sentence that says what was found in error.
 */
int elf_check(struct elf_image *image, u64 file_size,
              int (*read)(void *arg, u64 offset, void *buf, size_t n), void *arg, char *error, size_t error_size);

/* What is to be executed; all in kernel memory. */
struct exec_request {
    const char *path;         /* AT_EXECFN, and what a script's interpreter is told */
    struct file *file;        /* from vfs_open_exec(), consumed; NULL: path is opened */
    bool nameless;            /* it was an empty path: what runs in the end gives the process its name */
    bool script_unreachable;  /* path will not lead to the file any more: a script cannot be run (execveat(2), BUGS) */
    char *const *argv, *const *envp;
};

/*
 * Replaces the current process's program: the body of execve(2). Fills frame for the first instruction. On failure nothing has
 * changed, *message says what and why, and the negative errno is returned; past the point of no return the process is killed.
 */
int loader_exec(const struct exec_request *r, struct user_frame *frame, char *message, size_t message_size);

/* Bytes that the strings of argc arguments, envc variables and the path may have together, or -E2BIG. execve(2), "Limits on size". */
ssize loader_string_limit(size_t argc, size_t envc);

/* Unpacks the boot module, starts the first process, opens stdio. Registered by INIT_CALL(INIT_PROGRAM, ...), see kernel/init.h. */
void loader_start_program(void);

#endif
