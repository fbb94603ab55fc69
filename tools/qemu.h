/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The QEMU process: its command line and its start.
 */
#ifndef ARIL_QEMU_H
#define ARIL_QEMU_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tools/network.h"
#include "tools/options.h"
#include "tools/sources.h"

/*
 * Our ends of the channels to the VM. The first four are stream sockets, since QEMU wants to read
 * and write on one descriptor and shows flow control on them to the guest; the last is a pipe.
 */
struct vm_channels {
    int stdio;    /* program's standard input (we write) and output (we read) */
    int errors;   /* program's standard error (we read) */
    int control;  /* lines of text, both ways */
    int uart;     /* kernel messages (we read) */
    int messages; /* what QEMU itself prints (we read) */
};

struct vm_description {
    const char *qemu;       /* path of the executable */
    const char *kernel;     /* path of aril.elf */
    const char *parameters; /* kernel command line */
    int archive;            /* descriptor of the boot archive */
    const struct sources *sources;
    const struct network *network;
    uint64_t memory;        /* bytes */
    unsigned cpus;
    bool kvm;
    bool one_thread; /* TCG emulates all CPUs in turn */
};

/*
 * The path of QEMU: `wanted` (--qemu), else $ARIL_QEMU, else qemu-system-x86_64 from PATH;
 * malloc'ed. Ends the command with a message if there is none.
 */
char *qemu_find(const char *wanted);

/*
 * Starts QEMU. Fills `channels`, returns the process id; ends the command with a message when that
 * fails. The child dies with this process, whatever ends it. With `verbose` prints the command
 * line.
 */
pid_t qemu_start(const struct vm_description *vm, struct vm_channels *channels, bool verbose);

#endif
