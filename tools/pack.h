/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes into the boot archive of `aril run`: the program, its arguments, environment and
 * working directory, and the files of --file.
 */
#ifndef ARIL_PACK_H
#define ARIL_PACK_H

#include <stdbool.h>

#include "tools/archive.h"
#include "tools/options.h"

/*
 * Fills `archive` (fresh from archive_create) and finishes it. `program` is the path of the
 * program's file on this host, `guest_program` its absolute path in the VM, `cwd` the absolute
 * working directory in the VM. False, with archive->error set, when something cannot be packed;
 * `*status` is then the status to end with.
 */
bool pack_run(struct archive *archive, const struct run_options *options, const char *program,
              const char *guest_program, const char *cwd, int *status);

#endif
