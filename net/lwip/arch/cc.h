/* SPDX-License-Identifier: BSD-2-Clause */
/* What lwIP is told about the compiler and the machine. Included by its arch.h first of all. */
#ifndef NET_LWIP_CC_H
#define NET_LWIP_CC_H

#include <stddef.h>
#include <stdint.h>

#define BYTE_ORDER LITTLE_ENDIAN

#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_LIMITS_H   1
#define LWIP_NO_UNISTD_H   1
#define LWIP_NO_CTYPE_H    1
#define INT_MAX            __INT_MAX__
typedef long ssize_t;
#define SSIZE_MAX          __LONG_MAX__

#define LWIP_PLATFORM_BYTESWAP 1
#define lwip_htons(x)          __builtin_bswap16(x)
#define lwip_htonl(x)          __builtin_bswap32(x)

uint32_t lwip_random(void);
#define LWIP_RAND() lwip_random()

void lwip_failed(const char *what, const char *file, int line) __attribute__((noreturn));
#define LWIP_PLATFORM_DIAG(x)
#define LWIP_PLATFORM_ASSERT(x) lwip_failed(x, __FILE__, __LINE__)
#ifndef ARIL_DEBUG
#define LWIP_NOASSERT
#endif

#endif
