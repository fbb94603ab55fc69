/* SPDX-License-Identifier: BSD-2-Clause */
/* The C library's string and memory functions, as ISO C and POSIX define them, for the kernel. */
#ifndef KERNEL_LIB_STRING_H
#define KERNEL_LIB_STRING_H

#include "kernel/types.h"

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t n);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *what);
/* Copies with truncation, always terminates if size > 0; returns strlen(from). */
size_t strlcpy(char *to, const char *from, size_t size);
size_t strlcat(char *to, const char *from, size_t size);
/* Inline for small constant sizes, which -ffreestanding alone would not do. */
#if defined(__GNUC__) && !defined(memcpy)
#define memcpy(to, from, n)  __builtin_memcpy(to, from, n)
#define memmove(to, from, n) __builtin_memmove(to, from, n)
#define memset(to, c, n)     __builtin_memset(to, c, n)
#define memcmp(a, b, n)      __builtin_memcmp(a, b, n)
#endif
/* Zeroes one or more whole pages. */
void clear_pages(void *p, size_t n_pages);

#endif
