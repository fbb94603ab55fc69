/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Does what it is told on standard input in a folder mounted by 9p, one answer a line, while the host changes that folder:
 *     ninep_watch TAG OPTIONS
 *     get NAME, stat NAME, list DIR, put NAME TEXT, rm NAME: by name;  open NAME, read, append TEXT, size, map, close: one file
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static char buffer[4096];

static void answer(ssize_t n)
{
    while (n > 0 && buffer[n - 1] == '\n')
        n--;
    if (n < 0)
        printf("%s\n", strerrorname_np(errno));
    else
        printf("%.*s\n", (int)n, buffer);
    fflush(stdout);
}

static void number(long n)
{
    int length = n < 0 ? -1 : snprintf(buffer, sizeof(buffer), "%ld", n);

    answer(length);
}

static void get(const char *name)
{
    int fd = open(name, O_RDONLY);

    answer(fd < 0 ? -1 : read(fd, buffer, sizeof(buffer)));
    if (fd >= 0)
        close(fd);
}

static int compare(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static void list(const char *name)
{
    struct dirent **e;
    int n = scandir(name, &e, visible, compare), at = 0;

    for (int i = 0; i < n; i++)
        at += snprintf(buffer + at, sizeof(buffer) - (size_t)at, "%s%s", i ? " " : "", e[i]->d_name);
    answer(n < 0 ? -1 : at);
}

int main(int argc, char **argv)
{
    static char line[1000], *map;
    struct stat st;
    int fd = -1;

    mkdir("/mnt", 0755);
    if (argc != 3 || mount(argv[1], "/mnt", "9p", 0, argv[2]) || chdir("/mnt"))
        return 1;
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin)) {
        char *word = strtok(line, " \n"), *name = strtok(NULL, " \n"), *text = strtok(NULL, "\n");

        if (!strcmp(word, "get")) {
            get(name);
        } else if (!strcmp(word, "stat")) {
            number(stat(name, &st) ? -1 : (long)st.st_size);
        } else if (!strcmp(word, "list")) {
            list(name);
        } else if (!strcmp(word, "put")) {
            int to = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

            long n = to < 0 ? -1 : write(to, text, strlen(text));

            number(to < 0 || close(to) ? -1 : n);
        } else if (!strcmp(word, "rm")) {
            number(unlink(name));
        } else if (!strcmp(word, "open")) {
            fd = open(name, O_RDWR);
            map = fd < 0 ? NULL : mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
            number(fd < 0 ? -1 : 0);
        } else if (!strcmp(word, "read")) {
            answer(pread(fd, buffer, sizeof(buffer), 0));
        } else if (!strcmp(word, "more")) {
            answer(read(fd, buffer, sizeof(buffer)));
        } else if (!strcmp(word, "append")) {
            lseek(fd, 0, SEEK_END);
            number(write(fd, name, strlen(name)));
        } else if (!strcmp(word, "size")) {
            number(fstat(fd, &st) ? -1 : (long)st.st_size);
        } else if (!strcmp(word, "links")) {
            number(fstat(fd, &st) ? -1 : (long)st.st_nlink);
        } else if (!strcmp(word, "sync")) {
            number(fsync(fd));
        } else if (!strcmp(word, "map")) {
            memcpy(buffer, map, 8);
            answer(8);
        } else if (!strcmp(word, "close")) {
            munmap(map, 4096);
            number(close(fd));
        }
    }
    return 0;
}
