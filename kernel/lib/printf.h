/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formatted output. Conversions: d i u x X o c s p %, flags - 0 + space #, width and precision (also *),
 * lengths hh h l ll z t j. No floating point. Results as in ISO C snprintf: the length that would have been written.
 */
#ifndef KERNEL_LIB_PRINTF_H
#define KERNEL_LIB_PRINTF_H

#include "kernel/types.h"

int snprintf(char *buf, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
int vsnprintf(char *buf, size_t size, const char *format, va_list ap);
/* Like snprintf, but returns what was really written (< size). For building strings piece by piece. */
int scnprintf(char *buf, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Parses an unsigned number: decimal, 0x hex or 0 octal; base 0 decides by prefix. *end is the first char not used. Returns -EINVAL (no digits), -ERANGE. */
int parse_u64(const char *s, const char **end, int base, u64 *value);

#endif
