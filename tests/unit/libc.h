/* SPDX-License-Identifier: BSD-2-Clause */
/* What tests take of the C library beside the kernel's headers, which define types of the library's as well. */
#ifndef TESTS_UNIT_LIBC_H
#define TESTS_UNIT_LIBC_H

#include <stdarg.h>
#include <stddef.h>

int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int vprintf(const char *format, va_list ap);
int fflush(void *all);
void *malloc(size_t n);
void *calloc(size_t count, size_t n);
void free(void *p);
void abort(void) __attribute__((noreturn));

#endif
