/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packs the boot archive of `aril run`. Regular files, directories and symbolic links below a
 * --file directory are taken as they are; a link named by --file itself is followed, as cp(1) does
 * for its operands. Sockets, pipes and devices are refused by name rather than left out in
 * silence.
 */
#include "tools/pack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/find.h"
#include "tools/hosts.h"
#include "tools/message.h"

#define DEFAULT_HOSTNAME "aril" /* the kernel's */

/* A member of NUL-terminated strings, as /proc/PID/environ has them. */
static bool add_strings(struct archive *archive, const char *name, char *const *strings)
{
    size_t size = 0;
    char *bytes, *end;
    bool done;

    for (char *const *string = strings; *string; string++)
        size += strlen(*string) + 1;
    bytes = end = allocate(size);
    for (char *const *string = strings; *string; string++)
        end = stpcpy(end, *string) + 1;
    done = archive_add_data(archive, name, bytes, size);
    free(bytes);
    return done;
}

static bool add_tree(struct archive *archive, int parent, const char *entry, const char *host,
                     const char *guest, int follow);

static bool add_entries(struct archive *archive, int directory, const char *host, const char *guest)
{
    DIR *stream = fdopendir(directory);
    struct dirent *entry;
    bool done = true;

    if (!stream) {
        close(directory);
        return archive_fail(archive, "cannot read %s: %s", host, strerror(errno));
    }
    while (done && (errno = 0, entry = readdir(stream)) != NULL) {
        char *below_host, *below_guest;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        below_host = format_string("%s/%s", host, entry->d_name);
        below_guest = format_string("%s/%s", strcmp(guest, "/") == 0 ? "" : guest, entry->d_name);
        done = add_tree(archive, dirfd(stream), entry->d_name, below_host, below_guest, O_NOFOLLOW);
        free(below_host);
        free(below_guest);
    }
    if (done && errno)
        done = archive_fail(archive, "cannot read %s: %s", host, strerror(errno));
    closedir(stream);
    return done;
}

static bool add_link(struct archive *archive, int parent, const char *entry, const char *host,
                     const char *guest, const struct stat *status)
{
    char target[PATH_MAX];
    ssize_t length = readlinkat(parent, entry, target, sizeof(target) - 1);

    if (length < 0)
        return archive_fail(archive, "cannot read the link %s: %s", host, strerror(errno));
    target[length] = '\0';
    return archive_add_symlink(archive, guest, target, status);
}

/*
 * Adds `entry` of the open directory `parent`, and everything below it. `host` is its path for
 * messages. `follow` is 0 to follow a symbolic link, or O_NOFOLLOW.
 */
static bool add_tree(struct archive *archive, int parent, const char *entry, const char *host,
                     const char *guest, int follow)
{
    struct stat status;
    bool done;
    int file;

    /* Looked at before it is opened: opening a pipe would block, a device might act. */
    if (fstatat(parent, entry, &status, follow ? AT_SYMLINK_NOFOLLOW : 0) < 0)
        return archive_fail(archive, "cannot read %s: %s", host, strerror(errno));
    if (S_ISLNK(status.st_mode))
        return add_link(archive, parent, entry, host, guest, &status);
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
        return archive_fail(archive, "%s is no file, directory or symbolic link; cannot pack it",
                            host);
    file = openat(parent, entry, O_RDONLY | O_CLOEXEC | O_NONBLOCK | follow);
    if (file < 0 || fstat(file, &status) < 0) {
        archive_fail(archive, "cannot read %s: %s", host, strerror(errno));
        if (file >= 0)
            close(file);
        return false;
    }
    if (S_ISDIR(status.st_mode)) {
        if (archive_add_directory(archive, guest, &status))
            return add_entries(archive, file, host, guest);
        close(file);
        return false;
    }
    done = archive_add_file(archive, guest, file, &status, host);
    close(file);
    return done;
}

/* One --file HOST:GUEST. A HOST with a colon is possible: the last one separates. */
static bool add_requested_file(struct archive *archive, const struct sources *sources,
                               const char *request, const char *cwd)
{
    const char *colon = strrchr(request, ':');
    char *host, *path, *guest;
    bool done;

    if (!colon || colon == request || colon[1] == '\0')
        return archive_fail(archive, "--file wants HOST:GUEST, not '%s' (see 'aril run --help')",
                            request);
    host = format_string("%.*s", (int)(colon - request), request);
    path = absolute_path(cwd, colon + 1);
    guest = sources_resolve(sources, path);
    done = add_tree(archive, AT_FDCWD, host, host, guest, 0);
    free(host);
    free(path);
    free(guest);
    return done;
}

/* The program's file. Its absence is told from other failures by the status. */
static bool add_program(struct archive *archive, const char *program, const char *guest,
                        int *status)
{
    struct stat attributes;
    int file = open(program, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool done;

    if (file < 0 || fstat(file, &attributes) < 0) {
        *status = errno == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUNNABLE;
        archive_fail(archive, "cannot read %s: %s", program, strerror(errno));
        if (file >= 0)
            close(file);
        return false;
    }
    done = archive_add_file(archive, guest, file, &attributes, program);
    close(file);
    return done;
}

/* An image, to be used where it lies in the archive. */
static bool add_image(struct archive *archive, const char *path)
{
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool done;

    if (file < 0 || fstat(file, &status) < 0)
        done = archive_fail(archive, "cannot read %s: %s", path, strerror(errno));
    else
        done = archive_add_file(archive, ".aril/root.erofs", file, &status, path);
    if (file >= 0)
        close(file);
    return done;
}

static bool add_volumes(struct archive *archive, const struct sources *sources)
{
    char *text = sources_volumes(sources);
    bool done = !text || archive_add_data(archive, ".aril/volumes", text, strlen(text));

    free(text);
    return done;
}

bool pack_run(struct archive *archive, const struct pack_request *r, int *status)
{
    static char *const no_strings[] = {NULL};
    const struct run_options *options = r->options;
    char *const *environment = options->environment.items;

    *status = STATUS_FAILED;
    archive->model = r->sources->directory;
    if (!add_strings(archive, ".aril/argv", options->arguments) ||
        !add_strings(archive, ".aril/env", environment ? environment : no_strings) ||
        !archive_add_data(archive, ".aril/cwd", r->cwd, strlen(r->cwd)) ||
        !archive_add_data(archive, ".aril/exec", r->exec, strlen(r->exec)) ||
        (r->user && !archive_add_data(archive, ".aril/user", r->user, strlen(r->user))) ||
        !add_volumes(archive, r->sources))
        return false;
    if (r->sources->root == ROOT_MEMORY && !add_image(archive, r->sources->path))
        return false;
    if (r->sources->root == ROOT_NONE && !archive_add_directory(archive, r->cwd, NULL))
        return false;
    if (r->program && !add_program(archive, r->program, r->guest, status))
        return false;
    for (size_t i = 0; i < options->files.count; i++) {
        if (!add_requested_file(archive, r->sources, options->files.items[i], r->cwd))
            return false;
    }
    if (!hosts_add(archive, r->sources, options->hostname ? options->hostname : DEFAULT_HOSTNAME))
        return false;
    return archive_finish(archive);
}
