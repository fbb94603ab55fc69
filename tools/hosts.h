/* SPDX-License-Identifier: BSD-2-Clause */
/* The VM's own name in /etc/hosts, where the root directory's says nothing of it: a program then finds its address, as it does on Debian. */
#ifndef ARIL_HOSTS_H
#define ARIL_HOSTS_H

#include <stdbool.h>

#include "tools/archive.h"
#include "tools/sources.h"

/*
 * Adds the root directory's /etc/hosts with a line for `name` to the archive, unless it names it or there is none, or the archive
 * has such a file already. False, with archive->error set, when the archive fails.
 */
bool hosts_add(struct archive *archive, const struct sources *sources, const char *name);

/* Does `text`, as hosts(5) has it, name `name`? */
bool hosts_name(const char *text, const char *name);

#endif
