/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Help texts of the command.
 */
#ifndef ARIL_USAGE_H
#define ARIL_USAGE_H

extern const char usage[];       /* aril help */
extern const char run_usage[];   /* aril run --help */
extern const char build_usage[]; /* aril build --help */

#endif
