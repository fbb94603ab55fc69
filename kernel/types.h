/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The types and small macros every kernel file starts from, and the errno-in-a-pointer helpers.
 * Errors are negative errno values; a function that returns a pointer returns ERR_PTR(-errno).
 */
#ifndef KERNEL_TYPES_H
#define KERNEL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdarg.h>
#include <linux/errno.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef u64 paddr_t;    /* physical address */
typedef u64 vaddr_t;    /* virtual address, the kernel's or the program's */
typedef s64 ssize;      /* byte count or negative errno */
typedef u64 nsec_t;     /* nanoseconds; NSEC_NEVER is "no deadline" */

#define NSEC_NEVER     UINT64_MAX
#define NSEC_PER_SEC   1000000000ull
#define NSEC_PER_USEC  1000ull
#define NSEC_PER_MSEC  1000000ull

/*
 * Blocking calls return one of these, the kernel's own errno values, when a signal interrupts
 * them; the signal code turns them into EINTR or a restarted call. Programs never see them.
 * Source: signal(7), "Interruption of system calls and library functions by signal handlers".
 */
#define ERESTARTSYS           512 /* restart if SA_RESTART, else EINTR */
#define ERESTARTNOINTR        513 /* always restart */
#define ERESTARTNOHAND        514 /* EINTR if a handler runs, else restart */
#define ERESTART_RESTARTBLOCK 516 /* restart through restart_syscall(2) */

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1ul << PAGE_SHIFT)
#define PAGE_MASK  (~(PAGE_SIZE - 1))
#define HUGE_SHIFT 21
#define HUGE_SIZE  (1ul << HUGE_SHIFT)

#define ARRAY_SIZE(a)         (sizeof(a) / sizeof((a)[0]))
#define ALIGN_UP(x, a)        (((x) + ((__typeof__(x))(a)-1)) & ~((__typeof__(x))(a)-1))
#define ALIGN_DOWN(x, a)      ((x) & ~((__typeof__(x))(a)-1))
#define MIN(a, b)             ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a < _b ? _a : _b; })
#define MAX(a, b)             ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a > _b ? _a : _b; })
#define container_of(p, t, m) ((t *)((char *)(p)-offsetof(t, m)))
#define likely(x)             __builtin_expect(!!(x), 1)
#define unlikely(x)           __builtin_expect(!!(x), 0)
#define READ_ONCE(x)          (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)      (*(volatile __typeof__(x) *)&(x) = (v))
#define barrier()             __asm__ volatile("" ::: "memory")

static inline void *ERR_PTR(long error)
{
    return (void *)error;
}

static inline long PTR_ERR(const void *p)
{
    return (long)p;
}

static inline bool IS_ERR(const void *p)
{
    return (unsigned long)p >= (unsigned long)-4095;
}

#endif
