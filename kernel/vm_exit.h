/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of the VM and the control channel to the host command: the program's status goes out, streams are flushed,
 * the machine is turned off. Format of the lines: docs/architecture.md.
 */
#ifndef KERNEL_VM_EXIT_H
#define KERNEL_VM_EXIT_H

#include "kernel/types.h"

/* The program ended with a wait(2) status. */
void vm_exit(int wait_status) __attribute__((noreturn));
/* The program could not be started (126, 127) or the VM failed (125). */
void vm_fail(int code, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));
/* One line to the control channel (the UART when there is none). Never loses, may sleep. */
void control_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Starts the thread that reads orders from the host. */
void control_start(void);
/* kernel_stream_event() for the control stream. Masked. */
void control_stream_event(void);
/* Asks what an order line means: set by higher layers (stdio). */
extern void (*control_order)(const char *line);

#endif
