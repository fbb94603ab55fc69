/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the files come from that a program in the VM sees: `--root`, `-v` and `--disk`, checked.
 */
#ifndef ARIL_SOURCES_H
#define ARIL_SOURCES_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/options.h"

enum root_kind {
    ROOT_NONE,      /* what the boot archive brings, and nothing else */
    ROOT_DIRECTORY, /* a directory of this host, by 9p */
    ROOT_MEMORY,    /* an EROFS image, in the boot archive */
    ROOT_DISK,      /* an EROFS image, as a disk */
};

/* A directory of this host that the VM sees, writable or not. */
struct volume {
    char *host;  /* absolute */
    char *guest; /* absolute */
    bool read_only;
};

/* A disk image of this host that the VM sees as /dev/vda, /dev/vdb, ... */
struct disk {
    char *path; /* absolute */
    bool read_only;
};

struct sources {
    enum root_kind root;
    char *path;     /* absolute: the directory or the image; NULL with ROOT_NONE */
    int directory;  /* ROOT_DIRECTORY: descriptor of it; else -1 */
    bool host;      /* the root is this host's own */
    struct volume *volumes;
    size_t volume_count;
    struct disk *disks;
    size_t disk_count;
};

/*
 * Checks what --root, -v and --disk name; ends the command with a message when something is wrong. `cwd` is
 * what a relative path starts from here.
 */
void sources_open(struct sources *sources, const struct run_options *options, const char *cwd);
void sources_close(struct sources *sources);

/*
 * Where absolute `path` really is in the root directory when its directories that exist are
 * followed through symbolic links; the last component stays as it is. malloc'ed. Without a root
 * directory: a copy of path.
 */
char *sources_resolve(const struct sources *sources, const char *path);

/* Words for the kernel: " root=...", or nothing. Static. */
const char *sources_parameters(const struct sources *sources);

/* Adds QEMU's options for a VM with so many processors. */
void sources_add_devices(const struct sources *sources, unsigned cpus, struct strings *command);

/* What member .aril/volumes says, malloc'ed; NULL without volumes. */
char *sources_volumes(const struct sources *sources);

#endif
