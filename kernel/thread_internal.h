/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files that make up processes and threads share among themselves. */
#ifndef KERNEL_THREAD_INTERNAL_H
#define KERNEL_THREAD_INTERNAL_H

#include "kernel/process.h"

/* Gives p an id and lists it; false: none free. */
bool process_id_add(struct process *p);
void process_id_remove(struct process *p);
/* Gives t that id (0: a new one) and makes it findable. 0, -EAGAIN (none free), -EEXIST (taken). */
int thread_id_add(struct thread *t, int id);
void thread_id_remove(struct thread *t);
/* t gets the id of old, which has ended; its own is free then. */
void thread_id_take_over(struct thread *t, struct thread *old);
/* thread_create_entry() with a requested id, 0 any. */
struct thread *thread_create_with_id(struct process *p, int id, void (*entry)(void *arg), void *arg);

#endif
