/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directories in which a dynamic linker looks for libraries, but for those that a program names itself.
 */
#ifndef ARIL_LIBRARY_PATH_H
#define ARIL_LIBRARY_PATH_H

#include "tools/options.h"

enum linker { LINKER_GLIBC, LINKER_MUSL };

/* Which dynamic linker the PT_INTERP `interpreter` is. */
enum linker linker_of(const char *interpreter);

/* Its configured directories and then the built-in ones, in order; kept for the next call. */
const struct strings *library_path(enum linker linker);

/* The configuration files that say so here, which the program in the VM reads as well. */
const struct strings *library_path_files(enum linker linker);

/* The directories of a list such as LD_LIBRARY_PATH's or DT_RUNPATH's, $ORIGIN and the like replaced; added to `to`. */
void library_path_split(struct strings *to, const char *list, const char *origin);

#endif
