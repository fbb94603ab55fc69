/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an image is to hold: directories, files and symbolic links by their path in it, most of them at the path that
 * they have here. Nothing is read of a file but its attributes. Whoever adds says what is missing.
 */
#ifndef ARIL_TREE_H
#define ARIL_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>

struct tree_entry {
    char *path;         /* in the image, absolute; the tree's key */
    char *host;         /* the file here that lends its data; NULL: a directory made up */
    char *target;       /* of a symbolic link, else NULL */
    struct stat status; /* attributes that it gets */
    bool empty;         /* a file whose data stays here */
    bool own_time;      /* a directory whose time is that of its newest entry in the image: one that
                           is only on the way to something, or the VM's */
};

struct tree {
    void *root;                  /* tsearch(3) tree of entries by path */
    struct tree_entry **entries; /* after tree_sort(): all, parents before children */
    size_t count;
    char *output;                /* path of the image that is being made: never part of itself */
    bool seen;                   /* what is added now was looked at, directories as well */
};

/* Makes a tree of the directories that every root has. `output` is the image's absolute path here. */
void tree_create(struct tree *tree, const char *output);
void tree_destroy(struct tree *tree);

/*
 * Adds what absolute `path` leads through here: directories, symbolic links, and what is at its end; not what a
 * directory there has in it. The VM's own trees (/dev, /proc, /sys) are left out. Returns the path without links,
 * malloc'ed, or NULL with errno.
 */
char *tree_add(struct tree *tree, const char *path);

/* The same, when it does not matter whether it is there. */
void tree_add_if_there(struct tree *tree, const char *path);

/*
 * Adds all entries of the directory `path`, so that it lists the same: files whole but for large ones, which are
 * empty, and directories without what is in them. Nothing for /tmp, /var/tmp and /run, which start empty, but for what is
 * added by name.
 */
void tree_add_listing(struct tree *tree, const char *path);

/*
 * Adds the file or tree `host` as `guest`, absolute in the image, with the directories that lead there; it takes the
 * place of what is there already. Symbolic links are followed at the end of `host`, and kept below. Ends the command with
 * a message if something cannot be read. Returns the path in the image, malloc'ed.
 */
char *tree_add_copy(struct tree *tree, const char *host, const char *guest);

/* Fills entries and count. Nothing may be added afterwards. */
void tree_sort(struct tree *tree);

/*
 * What says of two sorted trees whether their images are the same, malloc'ed; not the contents, but sizes, times and
 * inodes. Times of directories are left out: they change whenever somebody makes a temporary file.
 */
char *tree_manifest(const struct tree *tree);

/* Newest time in the sorted tree, in whole seconds. Sets the time of directories that have own_time. */
long tree_set_times(struct tree *tree);

#endif
