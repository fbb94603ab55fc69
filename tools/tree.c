/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The set of things an image holds. A directory on the way to something is in it as soon as that is, so a walk over the
 * sorted entries can make them one by one.
 */
#include "tools/tree.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/find.h"
#include "tools/message.h"

/* A larger file that was only seen in a list comes along by name alone. */
#define LARGE_FILE (16 << 20)
#define MAX_LINKS  40 /* on one path, as Linux has it */

/* Directories that are the VM's own: attributes, times and what happens to be in them here are not its affair. */
static const struct own_directory {
    const char *path;
    mode_t mode;
    bool alone; /* whatever is below belongs to the VM, too */
} own_directories[] = {
    {"/dev", 0755, true},   {"/proc", 0755, true}, {"/sys", 0755, true},
    {"/run", 0755, false},  {"/tmp", 01777, false}, {"/var/tmp", 01777, false},
};

static int compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void free_entry(void *node)
{
    struct tree_entry *entry = node;

    free(entry->path);
    free(entry->host);
    free(entry->target);
    free(entry);
}

void tree_destroy(struct tree *tree)
{
    tdestroy(tree->root, free_entry);
    free(tree->entries);
    free(tree->output);
}

static struct tree_entry *find(const struct tree *tree, const char *path)
{
    struct tree_entry **node = tfind(&path, (void *const *)&tree->root, compare);

    return node ? *node : NULL;
}

static bool is_within(const char *path, const char *directory)
{
    size_t length = strlen(directory);

    return strncmp(path, directory, length) == 0 && path[length] == '/';
}

static bool belongs_to_vm(const char *path)
{
    for (size_t i = 0; i < sizeof(own_directories) / sizeof(own_directories[0]); i++)
        if (own_directories[i].alone && is_within(path, own_directories[i].path))
            return true;
    return false;
}

static const struct own_directory *own_directory(const char *path)
{
    for (size_t i = 0; i < sizeof(own_directories) / sizeof(own_directories[0]); i++)
        if (strcmp(path, own_directories[i].path) == 0)
            return &own_directories[i];
    return NULL;
}

/* Gives a directory of the VM's the attributes that it has on every host. */
static bool set_own_attributes(struct tree_entry *entry)
{
    const struct own_directory *own = own_directory(entry->path);

    if (own)
        entry->status = (struct stat){.st_mode = S_IFDIR | own->mode};
    return own != NULL;
}

/* The entry `path`, new or there already; a new one takes `host` and `status`. */
static struct tree_entry *add_entry(struct tree *tree, const char *path, const char *host,
                                    const struct stat *status)
{
    struct tree_entry *entry = find(tree, path);

    if (!entry) {
        entry = allocate(sizeof(*entry));
        *entry = (struct tree_entry){.path = duplicate(path),
                                     .host = host ? duplicate(host) : NULL,
                                     .status = *status};
        if (!tsearch(entry, &tree->root, compare))
            die(STATUS_FAILED, "out of memory");
        tree->count++;
    }
    if (S_ISDIR(entry->status.st_mode))
        entry->own_time = set_own_attributes(entry) || !tree->seen;
    return entry;
}

static void add_link(struct tree *tree, const char *path, const char *host, const struct stat *status,
                     const char *target)
{
    struct tree_entry *entry = add_entry(tree, path, host, status);

    if (!entry->target && S_ISLNK(entry->status.st_mode))
        entry->target = duplicate(target);
}

/* What the symbolic link `path` says; malloc'ed, or NULL with errno. */
static char *read_link(const char *path)
{
    char target[PATH_MAX];
    ssize_t length = readlink(path, target, sizeof(target) - 1);

    if (length < 0)
        return NULL;
    target[length] = '\0';
    return duplicate(target);
}

char *tree_add(struct tree *tree, const char *path)
{
    char *rest = duplicate(path), *real = duplicate("");
    unsigned links = 0;
    struct stat status;

    if (lstat("/", &status) == 0)
        add_entry(tree, "/", "/", &status);
    while (rest[strspn(rest, "/")]) {
        char *start = rest + strspn(rest, "/"), *end = start + strcspn(start, "/");
        char *next, *later = duplicate(end), *target = NULL;

        *end = '\0';
        if (strcmp(start, ".") == 0 || strcmp(start, "..") == 0) {
            next = duplicate(real);
            if (start[1] && *real)
                *strrchr(next, '/') = '\0';
        } else {
            next = format_string("%s/%s", real, start);
            errno = 0;
            if (belongs_to_vm(next)) {
                free(later), free(real), free(rest);
                return next;
            }
            if (lstat(next, &status) == 0 && S_ISLNK(status.st_mode)) {
                target = read_link(next);
                if (++links > MAX_LINKS)
                    errno = ELOOP;
            } else if (!errno && *later && !S_ISDIR(status.st_mode)) {
                errno = ENOTDIR;
            }
            if (errno) {
                free(target), free(next), free(later), free(real), free(rest);
                return NULL;
            }
            if (target)
                add_link(tree, next, next, &status, target);
            else
                add_entry(tree, next, next, &status)->empty = false;
        }
        free(rest);
        if (target) {
            rest = format_string("%s%s", target, later);
            if (*target == '/')
                *real = '\0';
            free(next), free(later), free(target);
        } else {
            rest = later;
            free(real);
            real = next;
        }
    }
    free(rest);
    return real;
}

void tree_add_if_there(struct tree *tree, const char *path)
{
    free(tree_add(tree, path));
}

/* Entry `name` of the directory that is `host` here and `guest` in the image. NULL: it is to be left out. */
static struct tree_entry *add_child(struct tree *tree, const char *host, const char *guest, const char *name)
{
    char *path = format_string("%s/%s", strcmp(host, "/") == 0 ? "" : host, name), *target = NULL;
    char *inside = format_string("%s/%s", strcmp(guest, "/") == 0 ? "" : guest, name);
    struct tree_entry *entry = NULL;
    struct stat status;

    if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(path, tree->output) != 0 &&
        !belongs_to_vm(inside) && lstat(path, &status) == 0) {
        if (!S_ISLNK(status.st_mode) || (target = read_link(path)) != NULL)
            entry = add_entry(tree, inside, path, &status);
        if (entry && target && !entry->target)
            entry->target = target, target = NULL;
    }
    free(target);
    free(path);
    free(inside);
    return entry;
}

void tree_add_listing(struct tree *tree, const char *path)
{
    char *real = tree_add(tree, path);
    bool wanted = real && !belongs_to_vm(real) && !own_directory(real);
    DIR *stream = wanted ? opendir(*real ? real : "/") : NULL;
    struct dirent *entry;

    while (stream && (entry = readdir(stream)) != NULL) {
        size_t before = tree->count;
        struct tree_entry *child = add_child(tree, *real ? real : "/", *real ? real : "/", entry->d_name);

        if (child && tree->count > before && S_ISREG(child->status.st_mode))
            child->empty = child->status.st_size > LARGE_FILE;
    }
    if (stream)
        closedir(stream);
    free(real);
}

/* Makes room for a file or link at `path`, or for a directory where something else is. */
static void give_way(struct tree *tree, const char *path, bool directory)
{
    struct tree_entry *old = find(tree, path);

    if (!old || (directory && S_ISDIR(old->status.st_mode)))
        return;
    if (S_ISDIR(old->status.st_mode))
        die(STATUS_FAILED, "--file: %s is a directory in the image", path);
    tdelete(old, &tree->root, compare);
    free_entry(old);
    tree->count--;
}

static bool is_directory(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Adds what is in the directory `host` below `guest`. */
static void add_below(struct tree *tree, const char *host, const char *guest)
{
    DIR *stream = opendir(host);
    struct dirent *name;

    if (!stream)
        die(STATUS_FAILED, "--file: cannot read %s: %s", host, strerror(errno));
    while ((name = readdir(stream)) != NULL) {
        char *from, *to;

        if (strcmp(name->d_name, ".") == 0 || strcmp(name->d_name, "..") == 0)
            continue;
        from = format_string("%s/%s", strcmp(host, "/") == 0 ? "" : host, name->d_name);
        to = format_string("%s/%s", strcmp(guest, "/") == 0 ? "" : guest, name->d_name);
        give_way(tree, to, is_directory(from));
        add_child(tree, host, guest, name->d_name);
        if (is_directory(from) && !belongs_to_vm(to))
            add_below(tree, from, to);
        free(from);
        free(to);
    }
    closedir(stream);
}

/* The directories that lead to `guest`: this host's where it has them, else new ones. Their path without links. */
static char *add_parents(struct tree *tree, const char *guest)
{
    static const struct stat new = {.st_mode = S_IFDIR | 0755};
    char *parent = duplicate(guest), *real, *up;
    struct tree_entry *entry;

    *strrchr(parent, '/') = '\0';
    if (*parent == '\0')
        return parent;
    real = tree_add(tree, parent);
    if (!real) {
        up = add_parents(tree, parent);
        real = format_string("%s%s", up, strrchr(parent, '/'));
        add_entry(tree, real, NULL, &new);
        free(up);
    }
    free(parent);
    entry = find(tree, real);
    if (*real && !belongs_to_vm(real) && !(entry && S_ISDIR(entry->status.st_mode)))
        die(STATUS_FAILED, "--file: %s is no directory in the image", real);
    return real;
}

char *tree_add_copy(struct tree *tree, const char *host, const char *guest)
{
    char *path = realpath(host, NULL), *real, *parent;
    struct stat status;

    if (!path || stat(path, &status) < 0)
        die(STATUS_FAILED, "--file: cannot read %s: %s", host, strerror(errno));
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
        die(STATUS_FAILED, "--file: %s is neither a file nor a directory", host);
    parent = strcmp(guest, "/") == 0 ? duplicate("") : add_parents(tree, guest);
    real = format_string("%s%s", parent, strrchr(guest, '/'));
    if (belongs_to_vm(real))
        die(STATUS_FAILED, "--file: %s lies where the VM has files of its own", guest);
    give_way(tree, real, S_ISDIR(status.st_mode));
    tree->seen = true;
    add_entry(tree, real, path, &status);
    if (S_ISDIR(status.st_mode))
        add_below(tree, path, real);
    tree->seen = false;
    free(parent);
    free(path);
    return real;
}
