/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of an exec share: exec.c goes through its steps, elf_map.c maps, script.c reads "#!" lines. */
#ifndef LOADER_EXEC_INTERNAL_H
#define LOADER_EXEC_INTERNAL_H

#include "loader/loader.h"
#include "loader/stack.h"
#include "kernel/lib/printf.h"

struct address_space;
struct memory_object;
struct process;

/* One ELF file being loaded: the program or its interpreter. */
struct program {
    const char *path;   /* for messages */
    struct file *file;  /* its inode denies writes */
    struct memory_object *object;
    struct elf_image *image;
    u64 bias; /* added to the file's addresses */
};

/* Everything of one exec. */
struct exec {
    struct program main, interpreter;
    struct address_space *space;
    bool randomize;
    char *message;
    size_t message_size;
};

#define exec_fail(x, code, ...) (snprintf((x)->message, (x)->message_size, __VA_ARGS__), (code))

u64 exec_random(const struct exec *x, u64 limit); /* below limit; 0 without randomization */

/* ---------------------------------------------------------------- elf_map.c */

/* Opens path to be executed. 0 or negative errno. */
int program_open(struct exec *x, struct program *p, int dirfd, const char *path, u32 flags);
/* Checks the opened file, which must be an ELF program. */
int program_check(struct exec *x, struct program *p);
void program_close(struct program *p);
/* More private writable memory than the machine has cannot work: said now, not by a kill in the middle. */
int program_check_memory(struct exec *x, const struct program *p);
/* Makes x->space with the program, its interpreter and the vDSO. */
int exec_map(struct exec *x, const struct process *p);
/* Zeroes what lies between the end of each segment's file bytes and the end of that page. x->space is active. */
int program_clear_tails(struct exec *x, const struct program *p);

/* ---------------------------------------------------------------- script.c: pure */

#define SCRIPT_HEAD 256 /* bytes of a file that are looked at */

struct script {
    char *interpreter;
    char *argument; /* or NULL */
};

/*
 * Reads the "#!" line in head, a file's first bytes with zeroes behind the file's end; the strings are cut out in place.
 * 1: it is a script; 0: it is none; -ENOEXEC: it begins as one, and names no interpreter or has none that fits.
 */
int script_parse(char head[SCRIPT_HEAD], struct script *s);

#endif
