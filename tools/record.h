/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a run of the program has looked at, as lines "saw PATH" and "listed PATH" (run.h).
 */
#ifndef ARIL_RECORD_H
#define ARIL_RECORD_H

#include "tools/options.h"
#include "tools/tree.h"

/*
 * Runs `aril run` with these arguments, the first of which is "run", and records. `*status` is what it ended with. Returns the
 * lines, sorted, each once, in one text; malloc'ed.
 */
char *record_run(const struct strings *arguments, int *status);

/* Adds what the lines name and this host still has. */
void record_add(struct tree *tree, const char *lines);

#endif
