/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files over the host's streams: the program's standard input, output and error, and the console terminal.
 */
#ifndef FS_STDIO_H
#define FS_STDIO_H

#include "fs/file.h"

/* Installs descriptors 0, 1, 2 of the current process as params.stdio says. 0 or negative errno. */
int stdio_install(void);
/* Control-channel orders: "close 1", "eof", "winsize …"; called by the control reader thread. */
void stdio_reader_gone(int fd);
void stdio_end_of_input(void);
void stdio_window_size(unsigned columns, unsigned rows);
/* kernel_stream_event() for STDIO, STDERR and UART ends here. Masked. */
void stdio_stream_event(enum stream s);

#endif
