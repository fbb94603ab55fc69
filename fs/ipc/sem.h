/* SPDX-License-Identifier: BSD-2-Clause */
/* System V semaphores: semget(2), semop(2), semctl(2). Inside of fs/ipc/, and what syscalls/sem.c calls. */
#ifndef FS_IPC_SEM_H
#define FS_IPC_SEM_H

#include <linux/sem.h>
#include "fs/ipc/ipc.h"

/*
 * semtimedop(2): all of ops or none, waiting till deadline (platform_clock() time). n > 0. -EINVAL, -EFBIG, -EACCES, -EAGAIN,
 * -ERANGE, -EIDRM, -EINTR, -ENOMEM.
 */
long sem_operate(s32 id, const struct sembuf *ops, u32 n, nsec_t deadline);
/* IPC_STAT, SEM_STAT, SEM_STAT_ANY (fill *d), IPC_SET (takes from *d), IPC_RMID. */
long sem_control(s32 id, int cmd, struct semid64_ds *d);
/* GETVAL, GETPID, GETNCNT, GETZCNT: of one semaphore. */
long sem_get(s32 id, s32 number, int cmd);
/* SETVAL. */
long sem_set(s32 id, s32 number, s32 value);
/*
 * GETALL and SETALL move all values of a set of *count semaphores; if it has another number, they only set *count, to be
 * called again. 0, -EINVAL, -EACCES, -ERANGE, -EIDRM.
 */
long sem_get_all(s32 id, u16 *values, u32 *count);
long sem_set_all(s32 id, const u16 *values, u32 *count);
/* SEM_INFO: sets and semaphores there are; the highest place. */
long sem_count(u32 *sets, u32 *semaphores);

#endif
