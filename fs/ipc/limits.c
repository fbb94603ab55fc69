/* SPDX-License-Identifier: BSD-2-Clause */
/* The limits of System V IPC, and their files in /proc/sys/kernel. */
#include "fs/ipc/shm.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"

struct ipc_limits ipc_limits = {
    .shm_max = SHM_SIZE_MAX,
    .shm_all = SHM_SIZE_MAX,
};

static const struct limit_file {
    const char *name;
    u64 *value, max;
} limit_files[] = {
    {"shmmax", &ipc_limits.shm_max, UINT64_MAX},
    {"shmall", &ipc_limits.shm_all, UINT64_MAX},
    {"shmmni", &shm_table.limit, IPC_COUNT_MAX},
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

    if (parse_u64(data, &end, 10, &value) || (*end && *end != '\n') || value > f->max)
        return -EINVAL;
    WRITE_ONCE(*f->value, value);
    return 0;
}
