/* SPDX-License-Identifier: BSD-2-Clause */
/* Restartable sequences, rseq(2): the program's per-thread area that tells its CPU and names a critical section. */
#ifndef KERNEL_RSEQ_H
#define KERNEL_RSEQ_H

#include "kernel/process.h"

/* Of newer kernel headers than the system's may be. Source: Linux's include/uapi/linux/auxvec.h. */
#ifndef AT_RSEQ_FEATURE_SIZE
#define AT_RSEQ_FEATURE_SIZE 27
#define AT_RSEQ_ALIGN        28
#endif
#define RSEQ_FEATURE_SIZE 28 /* bytes of struct rseq that mean something: up to and with mm_cid */
#define RSEQ_ALIGN        32

/* rseq(2) on the running thread. 0, -EINVAL, -EPERM (signature), -EBUSY (registered already), -EFAULT. */
long rseq_register(void *area, u32 length, int flags, u32 signature);
/*
 * Before the return to the program after a switch, and before a signal is delivered: aborts a critical section by
 * moving frame->ip to its handler, and writes the CPU number. Forces SIGSEGV on a bad area. May sleep.
 */
void rseq_return(struct thread *me, struct user_frame *frame);

#endif
