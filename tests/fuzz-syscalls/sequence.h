/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random sequences of system calls: what a family of calls gives to the driver (main.c), and what it gets from it.
 *
 * A family prints each call with its arguments and its result. All that it prints must follow from the random numbers and
 * from what the calls did: no addresses, no times, no inode numbers. Calls must not block. To add a family: a file with
 * a struct family, and its line in main.c. Each sequence runs in a thread of its own, and several do at once with --chaos: what a
 * family keeps between steps is __thread.
 */
#ifndef TESTS_FUZZ_SYSCALLS_SEQUENCE_H
#define TESTS_FUZZ_SYSCALLS_SEQUENCE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct family {
    const char *name;
    void (*begin)(void); /* in an empty directory, which is "/"; no descriptor from 3 on is open. May be NULL */
    void (*step)(void);  /* makes and prints one call */
    void (*end)(void);   /* prints what has become of things; removes what is neither file nor descriptor. May be NULL */
};

extern const struct family family_data, family_paths, family_events, family_memory, family_ipc, family_process, family_args, family_inet;

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* A random number below n. Each step has numbers of its own, whatever the steps before it took. */
unsigned pick(unsigned n);
/* True once in n times. */
static inline bool rarely(unsigned n)
{
    return pick(n) == 0;
}
#define PICK(array) ((array)[pick(COUNT(array))])
/* A number with a name, so that the output can be read. */
struct named {
    const char *name;
    uint64_t value;
};
#define NAMED(x) {#x, (uint64_t)(x)}
/* Number of the step that runs. */
extern __thread unsigned step_number;
/* Several sequences run at once, and nothing is compared. */
extern bool chaos;

/* The line of a call: what is called, like printf; then its result, with errno if it is -1. Returns the result. */
void call(const char *format, ...) __attribute__((format(printf, 1, 2)));
long result(long r);
/* More on the same line, before the end that result() writes; or a line of its own. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A number that stands for bytes. */
uint32_t digest(const void *bytes, size_t n);

/* Reads or writes one byte of memory: false with the number of the signal and its si_code. */
bool touch(volatile unsigned char *p, bool write, unsigned char *byte, int *signo, int *code);
/* Signals that came since the last call of it, other than touch()'s: 0 if none, else their numbers as bits. */
uint64_t signals_taken(void);

/* A new descriptor of something whose name the directory of the sequence does not have. */
enum device { DEVICE_NULL, DEVICE_ZERO, DEVICE_MAPS /* /proc/self/maps */ };
int open_device(enum device which);

/* Descriptors that steps give to each other: -1 if there is none. All are so when a sequence begins. */
#define SLOTS 10
extern __thread int slots[SLOTS];
/* A slot that has one, if any has; its descriptor, once in a while -1. */
unsigned used(void);
int slot(void);
/* Puts a new descriptor in place of the one in slot i, which is closed; nothing if fd is negative. */
void put(unsigned i, int fd);
void put_two(unsigned i, unsigned j, const int fds[2]);

#endif
