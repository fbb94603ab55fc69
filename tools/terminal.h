/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The caller's terminal, and what the kernel is told about descriptors 0, 1 and 2.
 */
#ifndef ARIL_TERMINAL_H
#define ARIL_TERMINAL_H

#include <stdbool.h>

/*
 * The letter that tells the kernel what host descriptor `fd` is: t terminal, p pipe, f file,
 * s socket, n /dev/null or closed, c another device.
 */
char descriptor_kind(int fd);

/* True if the two descriptors are one open file, as after 2>&1. */
bool same_open_file(int a, int b);

/* Size of the terminal `fd`; false when it is none or does not know. */
bool terminal_size(int fd, unsigned *columns, unsigned *rows);

/* True if `fd` is a terminal and this process is in its foreground. */
bool terminal_in_foreground(int fd);

/*
 * Puts the terminal `fd` into raw mode: every byte goes to the program, whose own terminal in
 * the VM echoes and edits. The old mode comes back at exit() and by terminal_restore().
 */
void terminal_set_raw(int fd);

/* Back to the mode before terminal_set_raw(). Harmless when it was never called. */
void terminal_restore(void);

#endif
