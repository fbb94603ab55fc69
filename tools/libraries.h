/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shared libraries of a program: found as its dynamic linker will, ld.so(8) of glibc or musl's.
 */
#ifndef ARIL_LIBRARIES_H
#define ARIL_LIBRARIES_H

#include "tools/elf.h"
#include "tools/tree.h"

/*
 * Adds the interpreter of the program `path` (absolute, without symbolic links; `needs` is what elf_read() said of it; it
 * is not added itself) and all libraries that it and they need. With glibc also those that it loads itself when asked for names (nsswitch.conf) or
 * to end threads. Ends the command with a message when one is missing.
 */
void libraries_add(struct tree *tree, const char *path, const struct elf_needs *needs);

#endif
