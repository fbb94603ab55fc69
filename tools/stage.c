/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files of an image in a directory, as mkfs.erofs wants them, and its run. What an ordinary user cannot give away
 * becomes root's in the image.
 */
#include "tools/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/copy.h"
#include "tools/message.h"
#include "tools/options.h"

/* Images are told apart by their bytes; a number made up anew would make each another. */
#define IMAGE_UUID "6172696c-0000-4000-8000-000000000000"

struct stage {
    const char *place;
    bool root;   /* owners can be given */
    void *links; /* tsearch(3) tree: files with several names */
};

/* A file that has been copied, for its further names. */
struct copied {
    dev_t device;
    ino_t inode;
    char *path; /* in the stage */
};

static int compare_copied(const void *left, const void *right)
{
    const struct copied *a = left, *b = right;

    if (a->device != b->device)
        return a->device < b->device ? -1 : 1;
    return a->inode < b->inode ? -1 : a->inode > b->inode;
}

static void free_copied(void *node)
{
    free(((struct copied *)node)->path);
    free(node);
}

static void __attribute__((noreturn)) fail(const char *what, const char *path)
{
    if (errno == ECANCELED)
        cleanup_check();
    die(STATUS_FAILED, "cannot %s %s: %s", what, path, strerror(errno));
}

/* True if the file is a further name of one that is there, and now one of its names. */
static bool add_name(struct stage *stage, const struct tree_entry *entry, const char *path)
{
    struct copied key = {.device = entry->status.st_dev, .inode = entry->status.st_ino}, *new, **found;

    if (entry->status.st_nlink < 2 || entry->empty)
        return false;
    found = tfind(&key, &stage->links, compare_copied);
    if (found && link((*found)->path, path) < 0)
        fail("write", path);
    if (found)
        return true;
    new = allocate(sizeof(*new));
    *new = key;
    new->path = duplicate(path);
    if (!tsearch(new, &stage->links, compare_copied))
        die(STATUS_FAILED, "out of memory");
    return false;
}

static void copy_file(const struct tree_entry *entry, const char *path)
{
    int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), from;
    struct stat status;

    if (to < 0)
        fail("write", path);
    if (entry->empty) {
        say("%s is large and was only listed: its name is in the image, and no data (--file %s:%s brings it)",
            entry->path, entry->host, entry->path);
    } else if ((from = open(entry->host, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0) {
        /* Nor could the program have read it. */
        if (errno != EACCES && errno != EPERM)
            fail("read", entry->host);
        say("%s cannot be read here: its name is in the image, and no data", entry->host);
    } else {
        if (fstat(from, &status) < 0)
            fail("read", entry->host);
        if (status.st_size != entry->status.st_size ||
            status.st_mtim.tv_sec != entry->status.st_mtim.tv_sec ||
            status.st_mtim.tv_nsec != entry->status.st_mtim.tv_nsec)
            die(STATUS_FAILED, "%s changes while the image is being made", entry->host);
        if (!copy_data(from, to, NULL) && errno != ECANCELED)
            die(STATUS_FAILED, "cannot copy %s to %s: %s", entry->host, path, strerror(errno));
        close(from);
    }
    if (close(to) < 0)
        fail("write", path);
}

/* Mode, owner and time; a directory's last of all, since what is put into it changes them. */
static void set_attributes(const struct stage *stage, const struct tree_entry *entry, const char *path)
{
    const struct stat *status = &entry->status;
    struct timespec times[2] = {status->st_mtim, status->st_mtim};

    if (stage->root && lchown(path, status->st_uid, status->st_gid) < 0)
        fail("set the owner of", path);
    if (!S_ISLNK(status->st_mode) && chmod(path, status->st_mode & 07777) < 0)
        fail("set the mode of", path);
    if (utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) < 0)
        fail("set the time of", path);
}

static void make(struct stage *stage, const struct tree_entry *entry, const char *path)
{
    mode_t mode = entry->status.st_mode;

    if (S_ISDIR(mode)) {
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
            fail("make", path);
        return;
    }
    if (S_ISLNK(mode)) {
        if (symlink(entry->target, path) < 0)
            fail("make", path);
    } else if (!S_ISREG(mode)) {
        if (mknod(path, (mode & S_IFMT) | 0600, entry->status.st_rdev) < 0) {
            if (errno != EPERM)
                fail("make", path);
            say("%s is a device, which only root can put into an image: it is left out", entry->path);
            return;
        }
    } else if (add_name(stage, entry, path)) {
        return;
    } else {
        copy_file(entry, path);
    }
    set_attributes(stage, entry, path);
}

static char *stage_path(const struct stage *stage, const struct tree_entry *entry)
{
    return format_string("%s%s", stage->place, entry->path);
}

static void copy_tree(struct stage *stage, const struct tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        char *path = stage_path(stage, tree->entries[i]);

        cleanup_check();
        make(stage, tree->entries[i], path);
        free(path);
    }
    for (size_t i = tree->count; i-- > 0;) {
        char *path = stage_path(stage, tree->entries[i]);

        if (S_ISDIR(tree->entries[i]->status.st_mode))
            set_attributes(stage, tree->entries[i], path);
        free(path);
    }
}

/* What mkfs.erofs has said, into the message. */
static void __attribute__((noreturn)) report_failure(int output)
{
    char text[1024];
    ssize_t length = pread(output, text, sizeof(text) - 1, 0);

    cleanup_check();
    text[length > 0 ? length : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    die(STATUS_FAILED, "mkfs.erofs could not make the image%s%s", *text ? ": " : "", text);
}

static void run_mkfs(char *const *command, char *const *environment)
{
    /* Not a file: the disk may be full, which is what it says then. */
    int output = memfd_create("mkfs.erofs", MFD_CLOEXEC), status, error;
    posix_spawn_file_actions_t actions;
    pid_t child;

    if (output < 0)
        die(STATUS_FAILED, "out of memory");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    error = posix_spawnp(&child, command[0], &actions, NULL, command, environment);
    posix_spawn_file_actions_destroy(&actions);
    if (error == ENOENT)
        die(STATUS_FAILED, "there is no mkfs.erofs in PATH: it makes the image (Debian package erofs-utils)");
    if (error)
        die(STATUS_FAILED, "cannot run mkfs.erofs: %s", strerror(error));
    while (waitpid(child, &status, 0) < 0)
        if (errno == EINTR && cleanup_wanted())
            kill(child, SIGTERM);
    if (status != 0)
        report_failure(output);
    close(output);
}

void stage_make_image(struct tree *tree, const char *place, const char *image, bool compress)
{
    struct stage stage = {.root = geteuid() == 0};
    char *files = format_string("%s/root", place);
    long newest = tree_set_times(tree);
    struct strings command = {0}, environment = {0};

    stage.place = files;
    copy_tree(&stage, tree);
    strings_add(&command, "mkfs.erofs");
    strings_add(&command, "--quiet");
    strings_add(&command, "-x-1");
    strings_add(&command, "-U" IMAGE_UUID);
    if (!stage.root)
        strings_add(&command, "--all-root");
    if (compress) {
        strings_add(&command, "-zlz4hc");
        strings_add(&command, "-C16384");
    }
    strings_add(&command, (char *)image);
    strings_add(&command, files);
    for (char **entry = environ; *entry; entry++)
        strings_add(&environment, *entry);
    /* It becomes the image's own time, and no file's, since none is newer. */
    environment_set(&environment, format_string("SOURCE_DATE_EPOCH=%ld", newest > 0 ? newest + 1 : 1));
    run_mkfs(command.items, environment.items);
    tdestroy(stage.links, free_copied);
    free(command.items);
    free(environment.items);
    free(files);
}
