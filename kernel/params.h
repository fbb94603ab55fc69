/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel command line. Parameters are declared where they are used with PARAM_*() in a linker section; the parser
 * is a pure function of a string and a table, so that it is tested on the host.
 */
#ifndef KERNEL_PARAMS_H
#define KERNEL_PARAMS_H

#include "kernel/types.h"

struct param {
    const char *name;
    /* value is NULL when the word has no '='. Returns 0 or -EINVAL. Called in command-line order. */
    int (*set)(const char *value);
};

#define PARAM(id, pname, fn) \
    static const struct param param_##id __attribute__((used, section("param_table"), aligned(8))) = {pname, fn}

/*
 * Parses line (modified in place) with the table. Words after "--" go to rest (pointers into line, at most
 * max_rest; *n_rest counts). On an error returns -EINVAL and writes a message that names the word to error.
 * Double quotes group blanks; they are removed.
 */
int params_parse(char *line, const struct param *table, size_t n_table, char **rest, size_t max_rest,
                 size_t *n_rest, char *error, size_t error_size);

/* Parses the machine's command line with the kernel's own table; needs no memory, so it runs first. */
void params_init(void);
/* Fails the VM if params_init() met an error. Once the channels to the host work. */
void params_check(void);

/* Values that several parts want. Set by params_init(). */
struct kernel_params {
    bool strace, norandom, nopatch, timing;
    int loglevel;
    unsigned cpu_limit;    /* 0: all */
    u64 mem_limit;         /* bytes, 0: all */
    nsec_t epoch;
    char stdio[4];         /* kinds of fd 0..2, see docs */
    const char *init;      /* program path for hand boots, or NULL */
    const char *hostname;
    u16 winsize_columns, winsize_rows;
    char **args;           /* words after -- */
    size_t n_args;
};
extern struct kernel_params params;

#endif
