/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options of `aril build`.
 */
#ifndef ARIL_BUILD_OPTIONS_H
#define ARIL_BUILD_OPTIONS_H

#include "tools/options.h"

struct build_options {
    char *output;            /* -o, absolute */
    char *cwd;               /* of the recorded run, absolute: what a relative GUEST starts from */
    struct strings programs; /* PROGRAM... */
    struct strings files;    /* --file HOST:GUEST, unparsed */
    struct strings run;      /* `aril run` for the record, complete; empty without --record */
    bool record;             /* --record */
    bool any_status;         /* --any-status */
    bool compress;           /* --compress */
    bool no_cache;           /* --no-cache */
    bool verbose;            /* --verbose */
};

/* Parses what follows `aril build`; argv[0] is "build". Ends the command when something is wrong, or after --help. */
void build_options_parse(struct build_options *options, int argc, char **argv);

#endif
