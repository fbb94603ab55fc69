/* SPDX-License-Identifier: BSD-2-Clause */
/* See erofs_host.h. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/unit/erofs_host.h"

static char *image;
static size_t image_size;

void *kmalloc(size_t n);
void kfree(void *p);

void *kmalloc(size_t n)
{
    return malloc(n);
}

void kfree(void *p)
{
    free(p);
}

static int read_image(struct erofs_source *s, u64 offset, size_t n, void *buf)
{
    if (offset > image_size || n > image_size - offset)
        abort();
    memcpy(buf, image + offset, n);
    return 0;
}

static int read_blocks(struct erofs_source *s, u64 offset, size_t n, void *buf)
{
    if (offset % 4096 || n % 4096)
        abort();
    return read_image(s, offset, n, buf);
}

struct erofs_source host_image(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY);

    if (fd < 0 || fstat(fd, &st))
        abort();
    image_size = (size_t)st.st_size;
    image = mmap(NULL, image_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (image == MAP_FAILED)
        abort();
    close(fd);
    return (struct erofs_source){.size = image_size, .memory = image, .read = read_image, .read_data = read_blocks};
}

void host_image_done(void)
{
    munmap(image, image_size);
}
