/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding files by name.
 */
#include "tools/find.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/message.h"

/* 0 when `path` is a file that may be read and executed by this user. */
static int check_program(const char *path)
{
    struct stat status;

    if (stat(path, &status) < 0)
        return -errno;
    if (S_ISDIR(status.st_mode))
        return -EISDIR;
    if (!S_ISREG(status.st_mode))
        return -EACCES;
    /* Execute permission as execve() asks for it; read permission since the file is copied. */
    if (faccessat(AT_FDCWD, path, X_OK | R_OK, AT_EACCESS) < 0)
        return -errno;
    return 0;
}

int find_program(const char *name, char **path)
{
    const char *directories = getenv("PATH");
    int result = -ENOENT;

    if (strchr(name, '/')) {
        result = check_program(name);
        if (result == 0)
            *path = duplicate(name);
        return result;
    }
    if (*name == '\0')
        return -ENOENT;
    if (!directories)
        directories = "/bin:/usr/bin";
    for (const char *start = directories, *end;; start = end + 1) {
        char *candidate;
        int error;

        end = strchrnul(start, ':');
        /* An empty element is the current directory. */
        candidate = end == start ? format_string("./%s", name)
                                 : format_string("%.*s/%s", (int)(end - start), start, name);
        error = check_program(candidate);
        if (error == 0) {
            *path = candidate;
            return 0;
        }
        free(candidate);
        /* A shell goes on behind a file it cannot run, and remembers that there was one. */
        if (error == -EACCES && result == -ENOENT)
            result = error;
        if (*end == '\0')
            return result;
    }
}

char *absolute_path(const char *base, const char *path)
{
    char *joined = *path == '/' ? duplicate(path) : format_string("%s/%s", base, path);
    char *result = allocate(strlen(joined) + 2);
    char *out = result;

    for (char *part = joined, *end; *part; part = end) {
        size_t length;

        part += strspn(part, "/");
        end = part + strcspn(part, "/");
        length = (size_t)(end - part);
        if (length == 0 || (length == 1 && *part == '.'))
            continue;
        if (length == 2 && memcmp(part, "..", 2) == 0) {
            while (out > result && *--out != '/')
                ;
            continue;
        }
        *out++ = '/';
        memcpy(out, part, length);
        out += length;
    }
    if (out == result)
        *out++ = '/';
    *out = '\0';
    free(joined);
    return result;
}

char *current_directory(void)
{
    char *directory = getcwd(NULL, 0);

    if (!directory)
        die(STATUS_FAILED, "cannot tell the current directory: %s (use -w DIR)", strerror(errno));
    return directory;
}

char *find_kernel(void)
{
    static const char *const places[] = {"aril.elf", "../lib/aril/aril.elf"};
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash;

    if (length < 0)
        die(STATUS_FAILED, "cannot read /proc/self/exe: %s (use --kernel FILE)", strerror(errno));
    self[length] = '\0';
    slash = strrchr(self, '/');
    slash[1] = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        char *path = format_string("%s%s", self, places[i]);

        if (access(path, R_OK) == 0)
            return path;
        free(path);
    }
    die(STATUS_FAILED, "cannot find the kernel aril.elf in %s or %s../lib/aril (use --kernel FILE)",
        self, self);
}
