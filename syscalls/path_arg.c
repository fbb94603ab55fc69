/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths that a program passes (syscalls/path_arg.h). */
#include "syscalls/path_arg.h"
#include "kernel/user.h"

int path_arg_find(int dirfd, const char *user_path, u32 find, struct path_ref *out)
{
    struct path_name name;
    int error;

    error = path_name_get(&name, user_path);
    if (error)
        return error;
    error = path_find(dirfd, name.string, find, 0, out);
    path_name_put(&name);
    return error;
}

bool path_arg_is_empty(const char *user_path, int flags)
{
    char first;

    if (!(flags & AT_EMPTY_PATH))
        return false;
    return !user_path || (!copy_from_user(&first, user_path, 1) && !first);
}
