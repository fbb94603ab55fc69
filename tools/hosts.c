/* SPDX-License-Identifier: BSD-2-Clause */
/* /etc/hosts with the VM's own name. The file lies in the boot archive, over the one of the root directory. */
#include "tools/hosts.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/message.h"

#define HOSTS_PATH "/etc/hosts"
#define MOST       (1 << 20) /* bytes; a longer file is let alone */
#define BLANKS     " \t\r"

bool hosts_name(const char *text, const char *name)
{
    size_t wanted = strlen(name);

    while (*text) {
        size_t line = strcspn(text, "\n"), used = strcspn(text, "#\n"), at = strspn(text, BLANKS);

        for (unsigned word = 0; at < used; word++) {
            size_t length = strcspn(text + at, BLANKS "#\n");

            if (word && length == wanted && !strncasecmp(text + at, name, length))
                return true;
            at += length;
            at += strspn(text + at, BLANKS);
        }
        text += line + (text[line] == '\n');
    }
    return false;
}

/* A whole text file; NULL: it cannot be read, or is no such file. */
static char *read_text(int file, const struct stat *status)
{
    char *text;
    ssize_t n;

    if (!S_ISREG(status->st_mode) || status->st_size > MOST)
        return NULL;
    text = allocate((size_t)status->st_size + 1);
    n = pread(file, text, (size_t)status->st_size, 0);
    if (n != status->st_size || memchr(text, 0, (size_t)n)) {
        free(text);
        return NULL;
    }
    text[n] = '\0';
    return text;
}

/* The text with a line more, as a file with the attributes of the old one. */
static bool add_text(struct archive *archive, const char *path, const char *text, const char *name, const struct stat *old)
{
    size_t length = strlen(text);
    char *more = format_string("%s%s127.0.1.1\t%s\n", text, length && text[length - 1] != '\n' ? "\n" : "", name);
    int file = memfd_create("hosts", MFD_CLOEXEC);
    struct stat status;
    bool done = file >= 0 && write(file, more, strlen(more)) == (ssize_t)strlen(more) && lseek(file, 0, SEEK_SET) == 0 && fstat(file, &status) == 0;

    if (!done) {
        archive_fail(archive, "out of memory");
    } else {
        status.st_mode = old->st_mode;
        status.st_uid = old->st_uid;
        status.st_gid = old->st_gid;
        status.st_mtim = old->st_mtim;
        done = archive_add_file(archive, path, file, &status, HOSTS_PATH);
    }
    if (file >= 0)
        close(file);
    free(more);
    return done;
}

bool hosts_add(struct archive *archive, const struct sources *sources, const char *name)
{
    char *path, *text = NULL;
    struct stat status;
    bool done = true;
    int file;

    if (sources->root != ROOT_DIRECTORY)
        return true;
    path = sources_resolve(sources, HOSTS_PATH);
    file = openat(sources->directory, path + 1, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (file >= 0 && !fstat(file, &status))
        text = read_text(file, &status);
    if (text && !hosts_name(text, name) && !archive_has_file(archive, path))
        done = add_text(archive, path, text, name, &status);
    free(text);
    if (file >= 0)
        close(file);
    free(path);
    return done;
}
