/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `aril build`.
 */
#ifndef ARIL_BUILD_H
#define ARIL_BUILD_H

/* argv[0] is "build". Returns the exit status of the command. */
int command_build(int argc, char **argv);

#endif
