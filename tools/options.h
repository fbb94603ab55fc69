/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options of `aril run`, parsed and checked.
 */
#ifndef ARIL_OPTIONS_H
#define ARIL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing array of strings; `items[count]` is always NULL once something was added. */
struct strings {
    char **items;
    size_t count;
};

enum accelerator { ACCELERATOR_AUTO, ACCELERATOR_KVM, ACCELERATOR_TCG, ACCELERATOR_TCG_SINGLE };

struct run_options {
    uint64_t memory;              /* -m, bytes, a multiple of 1 MiB */
    unsigned cpus;                /* --cpus, 1 or more */
    enum accelerator accelerator; /* --accel */
    int ring;                     /* --ring, 0 or 3; -1: the kernel chooses */
    bool strace;                  /* --strace */
    bool verbose;                 /* --verbose */
    uint64_t timeout;             /* --timeout, nanoseconds; 0: none */
    const char *kernel;           /* --kernel, or NULL */
    const char *qemu;             /* --qemu, or NULL */
    const char *cwd;              /* -w, or NULL */
    const char *root;             /* --root, or NULL */
    const char *user;             /* --user as given, or NULL: root */
    struct strings environment;   /* NAME=VALUE of the program, complete */
    struct strings files;         /* --file HOST:GUEST, unparsed */
    struct strings volumes;       /* -v HOST:GUEST[:ro], unparsed */
    struct strings disks;         /* --disk FILE[:ro], unparsed */
    const char *net;              /* --net, or NULL */
    const char *hostname;         /* --hostname, or NULL */
    struct strings ports;         /* -p [ADDR:]HOST:GUEST[/udp], unparsed */
    struct strings addresses;     /* --ip ADDR/PREFIX[,GATEWAY], unparsed */
    struct strings servers;       /* --dns ADDR, unparsed */
    struct strings append;        /* --append, words for the kernel */
    char **arguments;             /* argv of the program; arguments[0] is PROGRAM */
};

/*
 * Parses the arguments that follow `aril run`; argv[0] is "run". `host_environment` is the
 * environment to pass on, NULL-terminated. Ends the command with a message and status 125 when an
 * option is wrong, and with status 0 after --help.
 */
void options_parse(struct run_options *options, int argc, char **argv, char **host_environment);

/*
 * Reads a size such as 64M: a decimal number of bytes, or with one of the suffixes k, M, G, T
 * (either case, powers of 1024; an added "iB" or "B" is accepted). False if it is no size or does
 * not fit into 64 bits.
 */
bool parse_size(const char *text, uint64_t *size);

/*
 * Reads a duration as timeout(1) does: a decimal number, maybe with a fraction, of seconds, or
 * with the suffix s, m, h or d. Nanoseconds; false if it is none.
 */
bool parse_duration(const char *text, uint64_t *nanoseconds);

/* Adds `item` (not copied) at the end. */
void strings_add(struct strings *strings, char *item);

/* Sets NAME=VALUE in a list of such strings, in place of an entry of the same name. */
void environment_set(struct strings *environment, char *assignment);

#endif
