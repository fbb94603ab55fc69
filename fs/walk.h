/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A path resolution in progress, for the files of fs/ that resolve paths (path.c, open.c, names.c).
 *
 * walk_begin(), then walk_parent() goes to the directory of the last component and leaves that
 * component in last; the caller deals with it, or walk_last() takes the step and says if a symlink
 * made more path to walk.
 */
#ifndef FS_WALK_H
#define FS_WALK_H

#include "fs/vfs.h"

enum last_kind { LAST_NORMAL, LAST_DOT, LAST_DOT_DOT, LAST_ROOT };

struct walk {
    struct path_ref at;    /* where it is; held */
    struct path_ref root;  /* what "/" and the top ".." mean; held once it is needed */
    const char *rest;      /* path still to walk */
    char *buffer;          /* that rest points into when a symlink was followed; owned */
    u32 links;             /* symlinks followed */
    bool real_ids;
    bool scoped;           /* RESOLVE_BENEATH or RESOLVE_IN_ROOT: root is the starting point */
    u64 resolve;           /* RESOLVE_* */
    /* the last component */
    const char *last;
    size_t last_length;
    enum last_kind kind;
    bool trailing_slash;
};

int walk_begin(struct walk *w, int dirfd, const char *path, u64 resolve);
/* All components but the last; at is then a directory that may be searched. */
int walk_parent(struct walk *w);
/*
 * The last step to an existing object. 1: it was a symlink (follow it, or trailing_slash says so)
 * and walk_parent must go on; 0: at is the object.
 */
int walk_last(struct walk *w, bool follow);
/*
 * d, a symlink found as child of at: makes its text the path to walk, or jumps (at is then the
 * object, rest what was left). 1 or negative errno.
 */
int walk_follow(struct walk *w, struct dentry *d);
void walk_end(struct walk *w);

#endif
