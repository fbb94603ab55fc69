/* SPDX-License-Identifier: BSD-2-Clause */
/* For the file tests: each call prints one line, its result or the name of its errno. */
#ifndef TESTS_ABI_FILE_CHECK_H
#define TESTS_ABI_FILE_CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
/* The tests pass what the compiler rightly warns about. */
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#pragma GCC diagnostic ignored "-Wnonnull"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static inline void show_(const char *what, long result)
{
    if (result < 0)
        printf("%s: %s\n", what, strerrorname_np(errno));
    else
        printf("%s: %ld\n", what, result);
}

/* Runs a call and prints it with its result. */
#define SHOW(call) show_(#call, (long)(call))
/* The same where only success counts, as the value is not the same everywhere (an address, a number given out). */
#define SHOW_OK(call) show_(#call, (long)(call) < 0 ? -1 : 0)
#define BAD_PTR ((void *)-4096l)

/* A fresh directory on tmpfs, made the current one. */
static inline void enter_scratch(void)
{
    static char dir[] = "/dev/shm/abi-XXXXXX";

    if (!mkdtemp(dir) || chdir(dir)) {
        perror(dir);
        exit(2);
    }
    umask(022);
}

/* Leaves nothing behind on the host. */
static inline void leave_scratch(void)
{
    char cwd[PATH_MAX], command[PATH_MAX + 16];

    if (getcwd(cwd, sizeof(cwd)) && !strncmp(cwd, "/dev/shm/abi-", 13)) {
        snprintf(command, sizeof(command), "%s", cwd);
        if (chdir("/") || rmdir(command))
            perror("rmdir");
    }
}

static inline void make_file(const char *name, const char *text)
{
    int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0644);

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
        perror(name);
        exit(2);
    }
    close(fd);
}

#endif
