/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the command itself says: lines on standard error that begin with "aril: ".
 */
#ifndef ARIL_MESSAGE_H
#define ARIL_MESSAGE_H

#include <stdbool.h>

/* Statuses of the command that are not the program's own; the numbers are Docker's, env(1)'s
 * and timeout(1)'s. */
enum {
    STATUS_TIMEOUT = 124,      /* --timeout ran out */
    STATUS_FAILED = 125,       /* wrong usage, or the VM failed */
    STATUS_NOT_RUNNABLE = 126, /* program found, but it cannot be run */
    STATUS_NOT_FOUND = 127,    /* program not found */
};

/* Writes one line, "aril: " and the formatted text, to standard error. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* say(), then exits with `status`. */
void die(int status, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));

/* Tells say() that standard error is a terminal in raw mode, where a line ends with "\r\n". */
void message_set_raw(bool raw);

/* The end of a line on standard error: "\n", or "\r\n" on a raw terminal. */
const char *message_newline(void);

/* malloc() and friends that die instead of returning NULL. */
void *allocate(unsigned long size);
void *reallocate(void *old, unsigned long size);
char *duplicate(const char *string);
char *format_string(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
