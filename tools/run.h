/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `aril run`.
 */
#ifndef ARIL_RUN_H
#define ARIL_RUN_H

/* argv[0] is "run". Returns the exit status of the command. */
int command_run(int argc, char **argv);

#endif
