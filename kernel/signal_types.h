/* SPDX-License-Identifier: BSD-2-Clause */
/* Data of the signal code that struct process and struct thread embed. */
#ifndef KERNEL_SIGNAL_TYPES_H
#define KERNEL_SIGNAL_TYPES_H

#include <linux/signal.h>
#include "kernel/list.h"

#define SIGNAL_COUNT 64
#define SIGNAL_BIT(s) (1ull << ((s)-1))

/* One queued signal with its information. */
struct signal_entry {
    struct list link;
    siginfo_t info;
    void *owner; /* posix timer whose preallocated entry this is, or NULL */
};

struct signal_pending {
    u64 set;           /* bit signo-1: at least one pending */
    struct list queue; /* signal_entry, in order of arrival; standard signals at most once */
};

/* Disposition of one signal, as struct sigaction of the kernel ABI. */
struct signal_action {
    u64 handler; /* SIG_DFL, SIG_IGN or address */
    u64 flags;   /* SA_* */
    u64 restorer;
    u64 mask;
};

struct signal_handlers {
    struct signal_action action[SIGNAL_COUNT]; /* index signo-1 */
};

#endif
