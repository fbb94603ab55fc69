/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the folders above kernel/ do at boot: each declares its own start function, kernel/main.c runs
 * them level by level in a thread that may sleep. Within a level the order is not defined.
 */
#ifndef KERNEL_INIT_H
#define KERNEL_INIT_H

enum init_level {
    INIT_FILES,   /* root file system, devices files */
    INIT_SOCKETS, /* needs files */
    INIT_PROGRAM, /* loads and starts the program; needs everything */
    INIT_LEVELS
};

struct init_call {
    enum init_level level;
    void (*fn)(void);
    const char *name; /* for `timing` */
};

#define INIT_CALL(lvl, function)                                                         \
    static const struct init_call init_call_##function                                   \
        __attribute__((used, section("init_calls"), aligned(8))) = {lvl, function, #function}

/* A step of boot is done, for `timing`. Before the program starts only. */
void boot_step_done(const char *what);
/* With `timing` on the command line: logs what the steps of boot cost. The program calls for it just before it runs. */
void boot_timing_report(void);

#endif
