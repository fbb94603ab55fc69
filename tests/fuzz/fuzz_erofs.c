/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer target: any bytes as an EROFS image, walked and read as the kernel does it: an error, never a crash, never without end.
 * sources: fs/erofs/image.c fs/erofs/clusters.c fs/erofs/directory.c fs/erofs/xattr.c kernel/lib/lz4.c
 */
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>
#include "fs/erofs/image.h"

#define INODES 40    /* looked at in one image */
#define BYTES  70000 /* of each file, from its start and from near its end */

void *kmalloc(size_t n);
void kfree(void *p);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void *kmalloc(size_t n)
{
    return malloc(n);
}

void kfree(void *p)
{
    free(p);
}

static const uint8_t *image;

static int read_image(struct erofs_source *s, u64 offset, size_t n, void *buf)
{
    if (offset > s->size || n > s->size - offset)
        __builtin_trap();
    memcpy(buf, image + offset, n);
    return 0;
}

struct walk {
    u64 nid[INODES];
    unsigned n, names;
};

static bool add(void *arg, const char *name, size_t length, u64 next, u64 ino, u8 type)
{
    struct walk *w = arg;
    char copy[EROFS_NAME_MAX];
    if (!length || length > sizeof(copy))
        __builtin_trap();
    memcpy(copy, name, length);
    if (w->n < INODES)
        w->nid[w->n++] = ino;
    return ++w->names < 5000;
}

static void read_from(struct erofs_image *m, const struct erofs_node *n, u64 offset)
{
    char *buf = malloc(BYTES);
    struct erofs_target t = {.flat = buf};
    erofs_read(m, n, offset, BYTES, &t);
    free(buf);
}

static void look_at(struct erofs_image *m, struct walk *w, u64 nid)
{
    struct erofs_node n;
    char list[300], value[100];
    u64 pos = 0, found;

    if (erofs_node_read(m, nid, &n))
        return;
    erofs_xattr_list(m, &n, true, list, sizeof(list));
    erofs_xattr_get(m, &n, "user.a", value, sizeof(value));
    if (S_ISDIR(n.mode)) {
        erofs_list(m, &n, &pos, add, w);
        erofs_find(m, &n, "file", 4, &found);
        erofs_find(m, &n, "zzz", 3, &found);
    } else if (S_ISREG(n.mode) || S_ISLNK(n.mode)) {
        read_from(m, &n, 0);
        read_from(m, &n, n.size > 10000 ? n.size - 10000 : n.size / 2);
        read_from(m, &n, n.size / 3 & ~4095ull);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct erofs_source s = {.size = size, .read = read_image, .read_data = read_image};
    struct erofs_image m;
    struct walk w = {.n = 0};
    char why[120];

    image = data;
    for (int in_memory = 0; in_memory < 2; in_memory++) {
        s.memory = in_memory ? (const char *)data : NULL;
        if (erofs_image_open(&m, &s, why, sizeof(why))) {
            if (!memchr(why, 0, sizeof(why)) || !why[0])
                __builtin_trap();
            return 0;
        }
        w.n = w.names = 0;
        look_at(&m, &w, m.root_nid);
        for (unsigned i = 0; i < w.n; i++)
            look_at(&m, &w, w.nid[i]);
    }
    return 0;
}
