/* SPDX-License-Identifier: BSD-2-Clause */
/* For the tests of overlay mounts: a tmpfs of one's own with the layers in it. Run as root. */
#ifndef TESTS_ABI_OVERLAY_H
#define TESTS_ABI_OVERLAY_H

#include "file_check.h"
#include <dirent.h>
#include <sched.h>
#include <sys/mount.h>

/* In a fresh tmpfs that only this program sees; on Linux that takes a mount namespace. */
static inline void enter_layers(const char *options)
{
    if (unshare(CLONE_NEWNS) == 0)
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    enter_scratch();
    if (mount("layers", ".", "tmpfs", 0, options)) {
        perror("mount");
        exit(2);
    }
    char here[PATH_MAX];
    if (!getcwd(here, sizeof(here)) || chdir(here)) /* into the mount */
        exit(2);
}

static inline void leave_layers(void)
{
    char here[PATH_MAX];

    if (!getcwd(here, sizeof(here)) || chdir("/") || umount2(here, MNT_DETACH) || rmdir(here))
        perror("leave");
}

static inline int make_dir(const char *name)
{
    int error = mkdir(name, 0755);

    if (error) {
        perror(name);
        exit(2);
    }
    return error;
}

static inline int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a directory in order; NULL-terminated, to be freed with free_names(). */
static inline char **names_of(const char *path)
{
    DIR *d = opendir(path);
    char **names = calloc(1, sizeof(*names));
    size_t n = 0;

    for (struct dirent *e; d && (e = readdir(d));) {
        names = realloc(names, (n + 2) * sizeof(*names));
        names[n++] = strdup(e->d_name);
        names[n] = NULL;
    }
    if (d)
        closedir(d);
    qsort(names, n, sizeof(*names), compare_names);
    return names;
}

static inline void free_names(char **names)
{
    for (char **n = names; *n; n++)
        free(*n);
    free(names);
}

static inline void show_dir(const char *path)
{
    char **names = names_of(path);

    printf("  %s:", path);
    for (char **n = names; *n; n++)
        printf(" %s", *n);
    printf("\n");
    free_names(names);
}

static inline void show_file(const char *path)
{
    char text[200];
    struct stat st;
    int fd, n;

    if (lstat(path, &st)) {
        printf("  %s: %s\n", path, strerrorname_np(errno));
        return;
    }
    if (S_ISCHR(st.st_mode) && !st.st_rdev) {
        printf("  %s: whiteout\n", path);
        return;
    }
    printf("  %s: %o %d:%d nlink %ld size %ld", path, st.st_mode, st.st_uid, st.st_gid,
           (long)st.st_nlink, S_ISDIR(st.st_mode) ? 0 : (long)st.st_size);
    if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
        printf(" device %lx", (long)st.st_rdev);
    if (S_ISLNK(st.st_mode)) {
        n = (int)readlink(path, text, sizeof(text));
        printf(" -> %.*s", n < 0 ? 0 : n, text);
    }
    if (S_ISREG(st.st_mode)) {
        fd = open(path, O_RDONLY);
        n = fd < 0 ? -1 : (int)read(fd, text, 60);
        if (n < 0)
            printf(" %s", strerrorname_np(errno));
        else
            printf(" \"%.*s\"", n, text);
        close(fd);
    }
    printf("\n");
}

#endif
