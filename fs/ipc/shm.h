/* SPDX-License-Identifier: BSD-2-Clause */
/* System V shared memory: shmget(2), shmat(2), shmctl(2). Inside of fs/ipc/, and what syscalls/shm.c calls. */
#ifndef FS_IPC_SHM_H
#define FS_IPC_SHM_H

#define _UNISTD_H 1 /* the header asks for the C library's, of which nothing is used here */
#include <linux/shm.h>
#include "fs/ipc/ipc.h"

/* Beside the permissions in shm_perm.mode, shmctl(2). */
#define SHM_DEST   01000
#define SHM_LOCKED 02000

#define SHM_SIZE_MAX (UINT64_MAX - (1ull << 24)) /* SHMMAX, which wants <limits.h> */

/* shmat(2). */
long shm_attach(s32 id, vaddr_t address, u32 flags);
/* cmd IPC_STAT, SHM_STAT, SHM_STAT_ANY (fill *d; the latter give the identifier), IPC_SET (takes from *d), IPC_RMID, SHM_LOCK, SHM_UNLOCK. */
long shm_control(s32 id, int cmd, struct shmid64_ds *d);
/* SHM_INFO: segments, their pages and how many of them are in memory; the highest place. */
long shm_count(u32 *used, u64 *pages, u64 *resident);

#endif
