/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event loop between the caller and the VM: bytes, signals, time, and the end.
 */
#ifndef ARIL_PROXY_H
#define ARIL_PROXY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tools/lines.h"
#include "tools/qemu.h"

struct proxy_options {
    pid_t vm; /* QEMU's process, a child of this one */
    struct vm_channels channels;
    int signals;      /* from signals_open() */
    bool input;       /* pass standard input on */
    bool terminal;    /* descriptors 0 and 1 are a terminal in raw mode */
    int sized;        /* a descriptor whose terminal's size the program sees, or -1 */
    uint64_t timeout; /* nanoseconds from now; 0: none */
    line_handler *recorder; /* gets the lines "saw PATH", "listed PATH"; NULL: none are expected */
    void *context;          /* of recorder */
};

enum proxy_end {
    PROXY_STATUS,      /* the kernel gave a status: see `status` */
    PROXY_DIED,        /* QEMU ended without one: see `vm_wait_status` */
    PROXY_TIMEOUT,     /* the time ran out */
    PROXY_INTERRUPTED, /* the user ended the VM: see `signal` */
};

struct proxy_result {
    enum proxy_end end;
    struct vm_status status;
    int signal;         /* what the user sent; 0: the terminal's escape, Ctrl-] three times */
    int vm_wait_status; /* of QEMU, as wait(2) gives it */
    bool kernel_spoke;  /* something came from the VM itself */
    char *vm_messages;  /* what QEMU printed, never NULL; malloc'ed */
};

/*
 * Runs until the VM has ended, its process is reaped, and all it said is passed on. Bytes of
 * standard input, output and error are neither added nor lost; kernel messages and --strace lines
 * are added to standard error line by line.
 */
struct proxy_result proxy_run(const struct proxy_options *options);

#endif
