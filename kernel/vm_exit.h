/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of the VM, and the control channel to the host command: text lines both ways, described in
 * docs/architecture.md.
 */
#ifndef KERNEL_VM_EXIT_H
#define KERNEL_VM_EXIT_H

#include "kernel/types.h"

/* The program ended with a wait(2) status. Sends it, flushes the streams, turns the machine off. Sleeps. */
void vm_exit(int wait_status) __attribute__((noreturn));
/* What has to be written to files before the VM ends; may be NULL. Sleeps. */
extern void (*vm_exit_sync)(void);
/* The program could not be started (code 126, 127) or the VM failed (125). Callable from the first line of C; early, the message goes to the UART. */
void vm_fail(int code, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));
/* One line, without newline, of at most CONTROL_LINE_MAX bytes (the rest is cut) to the control channel; to the UART when there is none. Sleeps. */
#define CONTROL_LINE_MAX 4096
void control_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Once: prepares the channel's lock. */
void control_init(void);
/* Starts the thread that reads orders from the host; signals go to program. */
struct process;
void control_start(struct process *program);
/* The program wants its standard input: asks the host for it, once. Any context. */
void control_want_input(void);

/* What an order line means to higher layers (files over the streams); "signal N" is handled here. Returns true if it was understood. */
extern bool (*control_order)(const char *line);

#endif
