/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls on shared memory segments; the work is in fs/ipc/shm.c. */
#include "fs/ipc/shm.h"
#include "kernel/address_space.h"
#include "syscalls/syscall.h"

long sys_shmget(const struct syscall_args *a)
{
    struct ipc_request r = {.key = ARG_INT(a, 0), .size = ARG_U64(a, 1), .flags = ARG_U32(a, 2)};

    return ipc_get(&shm_table, &r);
}

long sys_shmat(const struct syscall_args *a)
{
    return shm_attach(ARG_INT(a, 0), ARG_U64(a, 1), ARG_U32(a, 2));
}

long sys_shmdt(const struct syscall_args *a)
{
    return address_space_detach(current_process()->space, ARG_U64(a, 0));
}

static long show_limits(void *user)
{
    struct shminfo64 info = {
        .shmmax = ipc_limits.shm_max,
        .shmmin = SHMMIN,
        .shmmni = shm_table.limit,
        .shmseg = shm_table.limit,
        .shmall = ipc_limits.shm_all,
    };
    u64 none;
    u32 used;

    long highest = shm_count(&used, &none, &none);
    return copy_to_user(user, &info, sizeof(info)) ? -EFAULT : highest;
}

static long show_use(void *user)
{
    struct shm_info info = {0};
    u64 pages, resident;
    u32 used;

    long highest = shm_count(&used, &pages, &resident);
    info.used_ids = (int)used;
    info.shm_tot = pages;
    info.shm_rss = resident;
    return copy_to_user(user, &info, sizeof(info)) ? -EFAULT : highest;
}

long sys_shmctl(const struct syscall_args *a)
{
    int id = ARG_INT(a, 0), cmd = ARG_INT(a, 1);
    struct shmid64_ds d;
    long result;

    if (id < 0)
        return -EINVAL;
    switch (cmd) {
    case IPC_INFO:
        return show_limits(ARG_PTR(a, 2));
    case SHM_INFO:
        return show_use(ARG_PTR(a, 2));
    case IPC_STAT:
    case SHM_STAT:
    case SHM_STAT_ANY:
        result = shm_control(id, cmd, &d);
        return result >= 0 && copy_to_user(ARG_PTR(a, 2), &d, sizeof(d)) ? -EFAULT : result;
    case IPC_SET:
        if (copy_from_user(&d, ARG_PTR(a, 2), sizeof(d)))
            return -EFAULT;
        /* fall through */
    case IPC_RMID:
    case SHM_LOCK:
    case SHM_UNLOCK:
        return shm_control(id, cmd, &d);
    default:
        return -EINVAL;
    }
}
