/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program's standard input, output and error: files over the host's streams, pipe-like or the
 * terminal, as the host command says in `stdio=`.
 */
#ifndef FS_STDIO_H
#define FS_STDIO_H

#include "fs/file.h"

/* Installs descriptors 0, 1, 2 of the current process as params.stdio says. 0 or negative errno. */
int stdio_install(void);

#endif
