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
    u64 seen; /* atomic; of a file with events: the last change that its poll has told */
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
    bool strict;             /* below a node that is */
    u64 arg;                 /* descriptor, CPU: as the directory's find() set it */
};

/* The longest name a directory's list() makes, with its NUL: a range of addresses. */
#define GENERATED_NAME 40
/* In a node's mode: nobody opens what is below it for what its mode does not allow, not even user 0. */
#define GENERATED_STRICT 0x10000u
/* In a node's mode: there is none of it where a thread is meant (tid set). */
#define GENERATED_LEADER 0x20000u
/* In a directory's mode: the process that it is about may use it whoever owns it. */
#define GENERATED_OWN 0x40000u
/* In a file's mode: its data is a struct generated_events, and poll(2) tells of changes by EPOLLERR and EPOLLPRI, once each. */
#define GENERATED_EVENTS 0x80000u

struct generated_events {
    struct wait_queue queue;
    u64 changes; /* atomic; then the queue is woken */
};

struct generated_node {
    const char *name;
    /* S_IFREG, S_IFDIR or S_IFLNK, and permissions */
    u32 mode;
    union {
        struct { /* a directory */
            const struct generated_node *children; /* ends with name NULL */
            /* Names that no table has: fills child (a process in it is a new reference). 0 or -ENOENT. */
            int (*find)(const struct generated_ref *r, const char *name, size_t n, struct generated_ref *child);
            /* The first such name at or after *cursor, which moves to it. False: no more. */
            bool (*list)(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME],
                         const struct generated_node **node);
        };
        struct { /* a file */
            /* content: 0 or negative errno. NULL, and store too: ops are the file's own */
            int (*show)(struct text *t, const struct generated_ref *r);
            /* A write of at most a page, NUL-terminated. 0 or negative errno. NULL: EIO. */
            int (*store)(const struct generated_ref *r, char *data, size_t n);
            union {
                const void *data; /* show's and store's, constant */
                const struct file_ops *ops;
            };
        };
        struct { /* a link */
            ssize (*readlink)(const struct generated_ref *r, char *buf, size_t n);
            int (*follow)(const struct generated_ref *r, struct path_ref *to); /* or NULL: by its text */
            const void *target; /* readlink's and follow's, constant */
        };
    };
};

/* What an inode, or an open file, of such a tree is about. */
static inline const struct generated_ref *generated_ref_of(const struct inode *i)
{
    return i->private;
}

/* A file system with this root directory. Lives for ever. ERR_PTR(-ENOMEM). */
struct super *generated_create(const char *type, u64 magic, const struct generated_node *root);
/* struct generated_node.show: data, a string, and a line feed. */
int generated_show_string(struct text *t, const struct generated_ref *r);
/* struct generated_node.readlink of links whose follow() knows the way: the path it leads to. */
ssize generated_link_path(const struct generated_ref *r, char *buf, size_t n);
/* Reads an unsigned decimal number that fills all of name. False: it is none. */
bool generated_number(const char *name, size_t n, u64 *value);

#endif
