/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `aril run`, and the same with a record of what the program looked at.
 */
#ifndef ARIL_RUN_H
#define ARIL_RUN_H

#include "tools/lines.h"

/* argv[0] is "run". Returns the exit status of the command. */
int command_run(int argc, char **argv);

/*
 * The same; `recorder` gets a line for each thing of the root that the program found ("saw PATH") and each directory
 * that it read ("listed PATH"). In PATH a backslash is doubled and a line break is "\n".
 */
int run_recorded(int argc, char **argv, line_handler *recorder, void *context);

#endif
