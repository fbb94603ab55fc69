/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls on semaphore sets; the work is in fs/ipc/sem.c. */
#include "fs/ipc/sem.h"
#include "kernel/heap.h"
#include "syscalls/syscall.h"
#include "syscalls/timeout.h"

long sys_semget(const struct syscall_args *a)
{
    struct ipc_request r = {.key = ARG_INT(a, 0), .size = (u64)ARG_INT(a, 1), .flags = ARG_U32(a, 2)};

    return r.size > ipc_limits.sem_set ? -EINVAL : ipc_get(&sem_table, &r);
}

static long operate(const struct syscall_args *a, const struct __kernel_timespec *timeout)
{
    struct sembuf few[8], *ops = few;
    u64 n = (u32)ARG_U64(a, 2);
    struct __kernel_timespec ts;
    nsec_t deadline = NSEC_NEVER;
    long result;

    if (timeout && get_user(ts, timeout))
        return -EFAULT;
    if (n > ipc_limits.sem_operations)
        return -E2BIG;
    if (n > ARRAY_SIZE(few) && !(ops = kmalloc(n * sizeof(*ops))))
        return -ENOMEM;
    if (copy_from_user(ops, ARG_PTR(a, 1), n * sizeof(*ops)))
        result = -EFAULT;
    else if (!n || ARG_INT(a, 0) < 0)
        result = -EINVAL;
    else
        result = timeout ? timeout_from_timespec(&ts, &deadline) : 0;
    if (!result)
        result = sem_operate(ARG_INT(a, 0), ops, (u32)n, deadline);
    if (ops != few)
        kfree(ops);
    return result;
}

long sys_semop(const struct syscall_args *a)
{
    return operate(a, NULL);
}

long sys_semtimedop(const struct syscall_args *a)
{
    return operate(a, ARG_PTR(a, 3));
}

static long show_info(int cmd, void *user)
{
    u32 sets, semaphores;
    long highest = sem_count(&sets, &semaphores);
    struct seminfo info = {
        .semmap = SEMMAP,
        .semmni = (int)sem_table.limit,
        .semmns = (int)ipc_limits.sem_all,
        .semmnu = SEMMNU,
        .semmsl = (int)ipc_limits.sem_set,
        .semopm = (int)ipc_limits.sem_operations,
        .semume = SEMUME,
        .semusz = cmd == SEM_INFO ? (int)sets : SEMUSZ,
        .semvmx = SEMVMX,
        .semaem = cmd == SEM_INFO ? (int)semaphores : SEMAEM,
    };

    return copy_to_user(user, &info, sizeof(info)) ? -EFAULT : highest;
}

static long all_values(s32 id, int cmd, u16 *user)
{
    u16 *values = NULL;
    u32 count = 0, had;
    long result;

    /* The first round tells how many there are; a set of another size may have come in place of it. */
    do {
        had = count;
        kfree(values);
        values = NULL;
        if (had && !(values = kmalloc(had * sizeof(*values))))
            return -ENOMEM;
        if (had && cmd == SETALL && copy_from_user(values, user, had * sizeof(*values)))
            result = -EFAULT;
        else
            result = cmd == SETALL ? sem_set_all(id, values, &count) : sem_get_all(id, values, &count);
    } while (!result && count != had);
    if (!result && cmd == GETALL && copy_to_user(user, values, had * sizeof(*values)))
        result = -EFAULT;
    kfree(values);
    return result;
}

long sys_semctl(const struct syscall_args *a)
{
    int id = ARG_INT(a, 0), number = ARG_INT(a, 1), cmd = ARG_INT(a, 2);
    struct semid64_ds d;
    long result;

    if (id < 0)
        return -EINVAL;
    switch (cmd) {
    case IPC_INFO:
    case SEM_INFO:
        return show_info(cmd, ARG_PTR(a, 3));
    case IPC_STAT:
    case SEM_STAT:
    case SEM_STAT_ANY:
        result = sem_control(id, cmd, &d);
        return result >= 0 && copy_to_user(ARG_PTR(a, 3), &d, sizeof(d)) ? -EFAULT : result;
    case GETALL:
    case SETALL:
        return all_values(id, cmd, ARG_PTR(a, 3));
    case GETVAL:
    case GETPID:
    case GETNCNT:
    case GETZCNT:
        return sem_get(id, number, cmd);
    case SETVAL:
        return sem_set(id, number, ARG_INT(a, 3));
    case IPC_SET:
        if (copy_from_user(&d, ARG_PTR(a, 3), sizeof(d)))
            return -EFAULT;
        /* fall through */
    case IPC_RMID:
        return sem_control(id, cmd, &d);
    default:
        return -EINVAL;
    }
}
