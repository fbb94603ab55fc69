/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs in an image, with what they cannot do without.
 */
#ifndef ARIL_PROGRAMS_H
#define ARIL_PROGRAMS_H

#include "tools/tree.h"

/*
 * Finds program `name` as a shell does and adds it with all it needs: an ELF program's dynamic linker and libraries, a
 * script's interpreter. Ends the command with a message if it is missing, or neither of the two.
 */
void programs_add(struct tree *tree, const char *name);

/* Adds what the program in the file `host` needs, which the image has elsewhere. Nothing if it is no program. */
void programs_add_needs(struct tree *tree, const char *host);

/* Adds the files of /etc and the like that programs of all kinds read. */
void programs_add_common_files(struct tree *tree);

#endif
