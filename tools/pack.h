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
#include "tools/sources.h"

/* What is to be run, and what the archive has to bring for it. */
struct pack_request {
    const struct run_options *options;
    const struct sources *sources;
    const char *program; /* the program's file on this host, to be packed, or NULL */
    const char *guest;   /* its absolute path in the VM */
    const char *exec;    /* the path to execute */
    const char *cwd;     /* absolute working directory in the VM */
    const char *user;    /* user_ids() of --user, or NULL */
};

/*
 * Fills `archive` (fresh from archive_create) and finishes it. False, with archive->error set, when
 * something cannot be packed; `*status` is then the status to end with.
 */
bool pack_run(struct archive *archive, const struct pack_request *request, int *status);

#endif
