/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpio "newc" writer. A member is a header of 110 bytes, the name with its NUL padded to four
 * bytes, and the data padded to four bytes; everything starts at `size`, which is a multiple of
 * four between members.
 */
#include "tools/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "tools/message.h"

#define HEADER_SIZE 110
#define FIELD_MAX   UINT32_MAX /* a field is eight hexadecimal digits */

/* A regular file that the archive has. The path comes first: compare_members() looks at it alone.
 */
struct member {
    char *path;
    dev_t device;
    ino_t inode;
};

static int compare_members(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void free_member(void *node)
{
    free(((struct member *)node)->path);
    free(node);
}

bool archive_fail(struct archive *archive, const char *format, ...)
{
    va_list arguments;

    if (archive->error)
        return false;
    va_start(arguments, format);
    if (vasprintf(&archive->error, format, arguments) < 0)
        archive->error = duplicate("out of memory");
    va_end(arguments);
    return false;
}

bool archive_create(struct archive *archive, uint64_t limit)
{
    *archive = (struct archive){.limit = limit, .model = -1};
    archive->descriptor = memfd_create("aril-boot-archive", MFD_CLOEXEC);
    if (archive->descriptor < 0)
        return archive_fail(archive, "cannot make a memory file: %s", strerror(errno));
    return true;
}

void archive_destroy(struct archive *archive)
{
    if (archive->descriptor >= 0)
        close(archive->descriptor);
    tdestroy(archive->directories, free);
    tdestroy(archive->files, free_member);
    free(archive->error);
    *archive = (struct archive){.descriptor = -1};
}

static bool write_bytes(struct archive *archive, const void *bytes, size_t count)
{
    const char *from = bytes;

    while (count > 0) {
        ssize_t n = write(archive->descriptor, from, count);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return archive_fail(archive, "cannot write the boot archive: %s",
                                n < 0 ? strerror(errno) : "no space");
        from += n;
        count -= (size_t)n;
        archive->size += (uint64_t)n;
    }
    return true;
}

static bool pad_to_four(struct archive *archive)
{
    static const char zeros[4];

    return write_bytes(archive, zeros, -archive->size & 3);
}

/* Says that `name`, of `bytes` bytes, does not fit. */
static bool fail_too_large(struct archive *archive, const char *name, uint64_t bytes)
{
    return archive_fail(
        archive,
        "%s does not fit into the VM's memory: program and files need %llu KiB, and "
        "there is room for %llu KiB; give more memory with -m",
        name, (unsigned long long)(archive->size + bytes + 1023) >> 10,
        (unsigned long long)archive->limit >> 10);
}

/*
 * Writes header and name of a member whose data, `data_size` bytes, the caller writes next and
 * pads. `path` is absolute or a reserved name; `name` is for messages.
 */
static bool write_header(struct archive *archive, const char *path, const struct stat *status,
                         mode_t mode, uint64_t data_size, const char *name)
{
    char header[HEADER_SIZE + 1];
    size_t length, name_size;
    char *padded;
    bool done;

    path += *path == '/';
    length = strlen(path);
    /* The root itself is called "." in an archive. */
    if (length == 0) {
        path = ".";
        length = 1;
    }
    name_size = length + 1;
    if (S_ISREG(mode) && data_size >= ARCHIVE_PAGE)
        name_size += -(archive->size + HEADER_SIZE + name_size) & (ARCHIVE_PAGE - 1);
    else
        name_size += -(archive->size + HEADER_SIZE + name_size) & 3;
    if (data_size > FIELD_MAX)
        return archive_fail(archive, "%s is larger than 4 GiB, too large for a boot archive", name);
    if (archive->size + HEADER_SIZE + name_size + data_size > archive->limit)
        return fail_too_large(archive, name, data_size);
    snprintf(header, sizeof(header), "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
             ++archive->inode, (unsigned)mode, status ? (unsigned)status->st_uid : 0,
             status ? (unsigned)status->st_gid : 0, S_ISDIR(mode) ? 2 : 1,
             status ? (unsigned)status->st_mtime : 0, (unsigned)data_size, 0, 0, 0, 0,
             (unsigned)name_size, 0);
    padded = allocate(HEADER_SIZE + name_size);
    memcpy(padded, header, HEADER_SIZE);
    memcpy(padded + HEADER_SIZE, path, length);
    memset(padded + HEADER_SIZE + length, 0, name_size - length);
    done = write_bytes(archive, padded, HEADER_SIZE + name_size);
    free(padded);
    return done;
}

bool archive_add_data(struct archive *archive, const char *path, const void *data, size_t size)
{
    return write_header(archive, path, NULL, S_IFREG | 0644, size, path) &&
           write_bytes(archive, data, size) && pad_to_four(archive);
}

static int compare_paths(const void *left, const void *right)
{
    return strcmp(left, right);
}

/* True when `path` was not yet in the tree of directories; it is afterwards. */
static bool remember_directory(struct archive *archive, const char *path)
{
    char *copy = duplicate(path);
    char **node = tsearch(copy, &archive->directories, compare_paths);

    if (node && *node == copy)
        return true;
    free(copy);
    if (!node)
        archive_fail(archive, "out of memory");
    return false;
}

/* Adds the directories above `path`. */
static bool add_parents(struct archive *archive, const char *path)
{
    char *parent = duplicate(path);
    char *slash = strrchr(parent, '/');
    struct stat status;
    bool done = true;

    if (slash && slash != parent) {
        bool known;

        *slash = '\0';
        known = archive->model >= 0 &&
                fstatat(archive->model, parent + 1, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                S_ISDIR(status.st_mode);
        done = archive_add_directory(archive, parent, known ? &status : NULL);
    }
    free(parent);
    return done;
}

bool archive_add_directory(struct archive *archive, const char *path, const struct stat *status)
{
    if (strcmp(path, "/") == 0 || !remember_directory(archive, path))
        return archive->error == NULL;
    return add_parents(archive, path) &&
           write_header(archive, path, status, S_IFDIR | (status ? status->st_mode & 07777 : 0755),
                        0, path);
}

/* Copies `count` bytes from `source` to the archive's end. */
static bool copy_bytes(struct archive *archive, int source, uint64_t count, const char *name)
{
    while (count > 0) {
        size_t step = count < 1 << 30 ? (size_t)count : 1 << 30;
        ssize_t n = sendfile(archive->descriptor, source, NULL, step);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return archive_fail(archive, "cannot read %s: %s", name, strerror(errno));
        if (n == 0)
            return archive_fail(archive,
                                "%s became shorter while it was read; is it being written?", name);
        count -= (uint64_t)n;
        archive->size += (uint64_t)n;
    }
    return true;
}

bool archive_add_file(struct archive *archive, const char *path, int source,
                      const struct stat *status, const char *name)
{
    uint64_t size = (uint64_t)status->st_size;
    char byte;
    struct member **known = tfind(&path, &archive->files, compare_members), *member;

    if (known && (*known)->device == status->st_dev && (*known)->inode == status->st_ino)
        return true;
    if (known)
        return archive_fail(archive, "%s would be another file's place in the VM: %s is taken",
                            name, path);
    member = allocate(sizeof(*member));
    *member = (struct member){duplicate(path), status->st_dev, status->st_ino};
    if (!tsearch(member, &archive->files, compare_members)) {
        free_member(member);
        return archive_fail(archive, "out of memory");
    }
    /* Files of /proc say that they are empty and are not; they would arrive empty. */
    if (size == 0 && read(source, &byte, 1) > 0)
        return archive_fail(archive, "%s does not tell its size; pack a copy of it", name);
    return add_parents(archive, path) &&
           write_header(archive, path, status, S_IFREG | (status->st_mode & 07777), size, name) &&
           copy_bytes(archive, source, size, name) && pad_to_four(archive);
}

bool archive_has_file(const struct archive *archive, const char *path)
{
    return tfind(&path, &archive->files, compare_members) != NULL;
}

bool archive_add_symlink(struct archive *archive, const char *path, const char *target,
                         const struct stat *status)
{
    size_t size = strlen(target);

    return add_parents(archive, path) &&
           write_header(archive, path, status, S_IFLNK | 0777, size, path) &&
           write_bytes(archive, target, size) && pad_to_four(archive);
}

bool archive_finish(struct archive *archive)
{
    return write_header(archive, "TRAILER!!!", NULL, 0, 0, "the end marker");
}
