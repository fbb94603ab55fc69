/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths that a program passes, copied in and resolved: for the handlers in syscalls/. */
#ifndef SYSCALLS_PATH_ARG_H
#define SYSCALLS_PATH_ARG_H

#include "fs/vfs.h"

/* path_find() of a path in the program's memory. */
int path_arg_find(int dirfd, const char *user_path, u32 find, struct path_ref *out);
/* True: flags allow an empty path and this is one, so the call is about dirfd itself. NULL is one, too, as stat calls have it since Linux 6.11. */
bool path_arg_is_empty(const char *user_path, int flags);

#endif
