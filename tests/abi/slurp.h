/* SPDX-License-Identifier: BSD-2-Clause */
/* A whole small file, as /proc has them. */
#include <fcntl.h>
#include <unistd.h>

static char text[1 << 20];

/* Reads path into text and ends it with 0. Its length, or -1 with errno. */
static long slurp(const char *path)
{
    int fd = open(path, O_RDONLY);
    long n = 0, got;

    if (fd < 0)
        return -1;
    while ((got = read(fd, text + n, sizeof(text) - 1 - (size_t)n)) > 0)
        n += got;
    text[n] = 0;
    close(fd);
    return got < 0 ? -1 : n;
}
