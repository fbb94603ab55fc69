/* SPDX-License-Identifier: BSD-2-Clause */
/* <linux/shm.h> for the kernel: the header asks for a C library's <unistd.h>, of which it uses nothing that is used here. */
#ifndef FS_IPC_SHM_H
#define FS_IPC_SHM_H

#define _UNISTD_H 1
#include <linux/shm.h>
#include "fs/ipc/ipc.h"

/* Beside the permissions in shm_perm.mode, shmctl(2). */
#define SHM_DEST   01000
#define SHM_LOCKED 02000

#define SHM_SIZE_MAX (UINT64_MAX - (1ull << 24)) /* SHMMAX, which wants <limits.h> */

#endif
