/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trees whose files are generated when they are read: procfs and sysfs. A tree is constant tables
 * of nodes; what is not constant (processes, threads, descriptors, CPUs) a directory finds and
 * lists by functions.
 */
#ifndef FS_GENERATED_H
#define FS_GENERATED_H

#include "fs/vfs.h"

/* Text that grows as it is written; a lack of memory is remembered and ends up as ENOMEM. */
struct text {
    char *data;
    size_t size, used;
    bool failed;
};
void text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_append(struct text *t, const void *data, size_t n);
/* Appends blanks up to column bytes after mark. */
void text_pad(struct text *t, size_t mark, size_t column);

struct generated_node;

/* One object of the tree: a node, and what it is about. */
struct generated_ref {
    const struct generated_node *node;
    struct process *process; /* inode's reference, or NULL */
    int tid;                 /* the thread of process that is meant; 0: its leader */
    u64 arg;                 /* descriptor, CPU: as the directory's find() set it */
};

struct generated_node {
    const char *name;
    /* S_IFREG, S_IFDIR or S_IFLNK, and permissions */
    u32 mode;
    const struct generated_node *children;                 /* of a directory; ends with name NULL */
    /* content of a file: 0 or negative errno */
    int (*show)(struct text *t, const struct generated_ref *r);
    /* A write of at most a page, NUL-terminated. 0 or negative errno. NULL: EIO. */
    int (*store)(const struct generated_ref *r, char *data, size_t n);
    /* Names that no table has: fills child (a process in it is a new reference). 0 or -ENOENT. */
    int (*find)(const struct generated_ref *r, const char *name, size_t n,
                struct generated_ref *child);
    /* The first such name at or after *cursor, which moves to it. False: no more. */
    bool (*list)(const struct generated_ref *r, u64 *cursor, char name[24],
                 const struct generated_node **node);
    ssize (*readlink)(const struct generated_ref *r, char *buf, size_t n);
    int (*follow)(const struct generated_ref *r, struct path_ref *to);
};

/* A file system with this root directory. Lives for ever. ERR_PTR(-ENOMEM). */
struct super *generated_create(const char *type, u64 magic, const struct generated_node *root);
/* Reads an unsigned decimal number that fills all of name. False: it is none. */
bool generated_number(const char *name, size_t n, u64 *value);

#endif
