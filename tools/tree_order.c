/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A finished tree: its entries in order, what tells it from another, and the times that come from the entries themselves.
 */
#include "tools/tree.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "tools/find.h"
#include "tools/message.h"

void tree_create(struct tree *tree, const char *output)
{
    static const char *const everywhere[] = {"/",    "/dev", "/proc", "/sys",     "/run",
                                             "/tmp", "/var", "/etc",  "/var/tmp", "/usr"};
    /* The links of a merged /usr, where the host has them. */
    static const char *const links[] = {"/bin", "/sbin", "/lib", "/lib64"};

    *tree = (struct tree){.output = duplicate(output)};
    for (size_t i = 0; i < sizeof(everywhere) / sizeof(everywhere[0]); i++)
        tree_add_if_there(tree, everywhere[i]);
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
        tree_add_if_there(tree, links[i]);
}

struct collector {
    struct tree_entry **at;
};

static void collect(const void *node, VISIT which, void *context)
{
    struct collector *collector = context;

    if (which == postorder || which == leaf)
        *collector->at++ = *(struct tree_entry *const *)node;
}

void tree_sort(struct tree *tree)
{
    struct collector collector;

    tree->entries = allocate((tree->count + 1) * sizeof(*tree->entries));
    collector.at = tree->entries;
    twalk_r(tree->root, collect, &collector);
    *collector.at = NULL;
}

char *tree_manifest(const struct tree *tree)
{
    char *text;
    size_t length;
    FILE *stream = open_memstream(&text, &length);

    if (!stream)
        die(STATUS_FAILED, "out of memory");
    for (size_t i = 0; i < tree->count; i++) {
        const struct tree_entry *entry = tree->entries[i];
        const struct stat *status = &entry->status;

        fprintf(stream, "%o %u %u", status->st_mode, status->st_uid, status->st_gid);
        if (!S_ISDIR(status->st_mode))
            fprintf(stream, " %lld.%09ld", (long long)status->st_mtim.tv_sec, status->st_mtim.tv_nsec);
        if (S_ISREG(status->st_mode))
            fprintf(stream, " %lld %llu:%llu%s", (long long)status->st_size,
                    (unsigned long long)status->st_dev, (unsigned long long)status->st_ino,
                    entry->empty ? " empty" : "");
        if (S_ISCHR(status->st_mode) || S_ISBLK(status->st_mode))
            fprintf(stream, " %u:%u", major(status->st_rdev), minor(status->st_rdev));
        fprintf(stream, " %zu:%s", strlen(entry->path), entry->path);
        if (entry->target)
            fprintf(stream, " -> %zu:%s", strlen(entry->target), entry->target);
        if (entry->host && strcmp(entry->host, entry->path) != 0)
            fprintf(stream, " from %zu:%s", strlen(entry->host), entry->host);
        fputc('\n', stream);
    }
    if (fclose(stream) != 0)
        die(STATUS_FAILED, "out of memory");
    return text;
}

static bool later(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

/* The entry of the directory that `entry` is in; it comes before it. */
static struct tree_entry *parent_of(const struct tree *tree, const struct tree_entry *entry)
{
    char *path = duplicate(entry->path), *key = path, *slash = strrchr(path, '/');
    size_t low = 0, high = tree->count;

    slash[slash == path] = '\0';
    while (low < high) {
        size_t middle = (low + high) / 2;

        if (strcmp(tree->entries[middle]->path, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    free(path);
    return tree->entries[low];
}

long tree_set_times(struct tree *tree)
{
    struct timespec newest = {0};

    for (size_t i = 0; i < tree->count; i++)
        if (tree->entries[i]->own_time)
            tree->entries[i]->status.st_mtim = (struct timespec){0};
    for (size_t i = tree->count; i-- > 1;) {
        const struct timespec *time = &tree->entries[i]->status.st_mtim;
        struct tree_entry *parent = parent_of(tree, tree->entries[i]);

        if (later(time, &newest))
            newest = *time;
        if (parent->own_time && later(time, &parent->status.st_mtim))
            parent->status.st_mtim = *time;
    }
    if (later(&tree->entries[0]->status.st_mtim, &newest))
        newest = tree->entries[0]->status.st_mtim;
    return newest.tv_sec;
}
