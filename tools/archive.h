/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writer of the boot archive: a cpio archive of the "newc" format, in memory (memfd_create(2)).
 *
 * The data of a regular file of a page or more begins at a multiple of 4096 bytes, so that the
 * kernel maps it in place; the padding is NUL bytes behind the name, counted in its size, as
 * cpio's format allows. Every function returns 0 or ends with a failure that archive_error()
 * describes in words for the user; after one, the archive is of no use any more.
 */
#ifndef ARIL_ARCHIVE_H
#define ARIL_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define ARCHIVE_PAGE 4096

struct archive {
    int descriptor;    /* memfd that holds the archive */
    int model;         /* directory that lends attributes to parents made here, or -1 */
    uint64_t size;     /* bytes written so far */
    uint64_t limit;    /* the archive must stay below this many bytes */
    uint32_t inode;    /* last inode number given out */
    void *directories; /* tsearch(3) tree: paths of the directories already written */
    void *files;       /* tsearch(3) tree: regular files already written, by path */
    char *error;       /* what went wrong, for the user, or NULL */
};

/* Makes an empty archive of at most `limit` bytes (UINT64_MAX: no limit but the format's). */
bool archive_create(struct archive *archive, uint64_t limit);

/* Frees everything, and closes the descriptor. */
void archive_destroy(struct archive *archive);

/*
 * Adds one member whose data is in memory. `path` is absolute; `name` of reserved members
 * (".aril/argv") is taken as it is. Parents are not added.
 */
bool archive_add_data(struct archive *archive, const char *path, const void *data, size_t size);

/*
 * Adds the directory `path` (absolute) and its missing parents, once. `status` gives its mode,
 * owner and time; NULL means 0755, root.
 */
bool archive_add_directory(struct archive *archive, const char *path, const struct stat *status);

/*
 * Adds the regular file open as `source` as `path`, with its parents. `status` is what fstat()
 * said of it; that many bytes are read. `name` is what messages call the file. The same file at the
 * same path again is no error and adds nothing; another file at that path is one.
 */
bool archive_add_file(struct archive *archive, const char *path, int source,
                      const struct stat *status, const char *name);

/* Was a regular file added as `path`? */
bool archive_has_file(const struct archive *archive, const char *path);

/* Adds the symbolic link `path` to `target`, with its parents. */
bool archive_add_symlink(struct archive *archive, const char *path, const char *target,
                         const struct stat *status);

/* Writes the end marker. Nothing can be added after it. */
bool archive_finish(struct archive *archive);

/* Remembers the first failure (printf format); returns false, for `return archive_fail(...)`. */
bool archive_fail(struct archive *archive, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
