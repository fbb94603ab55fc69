/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an ELF file asks of the dynamic linker.
 */
#ifndef ARIL_ELF_H
#define ARIL_ELF_H

#include "tools/options.h"

enum elf_kind {
    ELF_NONE,    /* no ELF file, or it cannot be read */
    ELF_BROKEN,  /* one that is damaged; elf_problem() has libelf's word for it */
    ELF_FOREIGN, /* for another processor, or of 32 bits */
    ELF_PLAIN,   /* an x86-64 program or library */
};

struct elf_needs {
    char *interpreter;    /* PT_INTERP, or NULL */
    char *soname;         /* DT_SONAME, or NULL */
    char *rpath;          /* DT_RPATH, NULL also where there is a DT_RUNPATH */
    char *runpath;        /* DT_RUNPATH, or NULL */
    struct strings names; /* DT_NEEDED */
};

/* Reads the file `path` and fills `needs`, whose strings are malloc'ed. */
enum elf_kind elf_read(const char *path, struct elf_needs *needs);

/* What was wrong with the last ELF_BROKEN file. */
const char *elf_problem(void);

void elf_release(struct elf_needs *needs);

#endif
