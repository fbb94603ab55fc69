/* SPDX-License-Identifier: BSD-2-Clause */
/* The limits of System V IPC and POSIX message queues, and their files in /proc/sys/kernel and fs/mqueue. */
#include "fs/ipc/mqueue.h"
#include "fs/ipc/msg.h"
#include "fs/ipc/sem.h"
#include "fs/ipc/shm.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"

struct ipc_limits ipc_limits = {
    .shm_max = SHM_SIZE_MAX,
    .shm_all = SHM_SIZE_MAX,
    .sem_set = SEMMSL,
    .sem_all = SEMMNS,
    .sem_operations = SEMOPM,
    .msg_text = MSGMAX,
    .msg_queue = MSGMNB,
    .mq = {.queues = 256, .messages = 10, .size = 8192, .default_messages = 10, .default_size = 8192},
};

static const struct limit_file {
    const char *name;
    u64 *value, max, min;
} limit_files[] = {
    {"shmmax", &ipc_limits.shm_max, UINT64_MAX, 0},
    {"shmall", &ipc_limits.shm_all, UINT64_MAX, 0},
    {"queues_max", &ipc_limits.mq.queues, INT32_MAX, 0},
    {"msg_max", &ipc_limits.mq.messages, MQ_MESSAGES_MAX, 1},
    {"msgsize_max", &ipc_limits.mq.size, MQ_SIZE_MAX, 128},
    {"msg_default", &ipc_limits.mq.default_messages, MQ_MESSAGES_MAX, 1},
    {"msgsize_default", &ipc_limits.mq.default_size, MQ_SIZE_MAX, 128},
    {"msgmax", &ipc_limits.msg_text, INT32_MAX, 0},
    {"msgmnb", &ipc_limits.msg_queue, INT32_MAX, 0},
    {"msgmni", &msg_table.limit, IPC_COUNT_MAX, 0},
    {"shmmni", &shm_table.limit, IPC_COUNT_MAX, 0},
};

static const struct limit_file *file_of(const struct generated_ref *r)
{
    const struct limit_file *f = limit_files;

    while (strcmp(f->name, r->node->name))
        f++;
    return f;
}

int ipc_limit_show(struct text *t, const struct generated_ref *r)
{
    text_printf(t, "%llu\n", (unsigned long long)READ_ONCE(*file_of(r)->value));
    return 0;
}

int ipc_limit_store(const struct generated_ref *r, char *data, size_t n)
{
    const struct limit_file *f = file_of(r);
    const char *end;
    u64 value;

    if (parse_u64(data, &end, 10, &value) || (*end && *end != '\n') || value > f->max || value < f->min)
        return -EINVAL;
    WRITE_ONCE(*f->value, value);
    return 0;
}

static u64 *const sem_limits[] = {&ipc_limits.sem_set, &ipc_limits.sem_all, &ipc_limits.sem_operations, &sem_table.limit};

int sem_limits_show(struct text *t, const struct generated_ref *r)
{
    for (unsigned k = 0; k < ARRAY_SIZE(sem_limits); k++)
        text_printf(t, "%llu%c", (unsigned long long)*sem_limits[k], k + 1 < ARRAY_SIZE(sem_limits) ? '\t' : '\n');
    return 0;
}

/* Those that are not given stay. */
int sem_limits_store(const struct generated_ref *r, char *data, size_t n)
{
    const char *at = data;
    u64 value;

    for (unsigned k = 0; k < ARRAY_SIZE(sem_limits); k++) {
        while (*at == ' ' || *at == '\t' || *at == '\n')
            at++;
        if (!*at)
            return k ? 0 : -EINVAL;
        if (parse_u64(at, &at, 10, &value) || value > (sem_limits[k] == &sem_table.limit ? IPC_COUNT_MAX : INT32_MAX))
            return -EINVAL;
        WRITE_ONCE(*sem_limits[k], value);
    }
    return 0;
}
