/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a tree to an EROFS image, by mkfs.erofs(1).
 */
#ifndef ARIL_STAGE_H
#define ARIL_STAGE_H

#include "tools/tree.h"

/*
 * Writes the image of the sorted `tree` to the file `image`. The files are copied below the directory `place` first,
 * which exists. The same tree and files give the same bytes. Ends the command with a message when something fails.
 */
void stage_make_image(struct tree *tree, const char *place, const char *image, bool compress);

#endif
