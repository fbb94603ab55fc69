/* SPDX-License-Identifier: BSD-2-Clause */
/* Extended attributes of EROFS: entries behind the inode, and numbers of entries that inodes share. */
#include "fs/erofs/image.h"
#include "kernel/lib/string.h"

/* By name_index. */
static const char *const prefixes[] = {
    [1] = "user.", [2] = "system.posix_acl_access", [3] = "system.posix_acl_default", [4] = "trusted.", [6] = "security.",
};
#define TRUSTED 4u

struct attribute {
    const char *prefix;
    unsigned index;
    size_t length;      /* of the name behind the prefix */
    char name[256];
    u64 value;          /* byte offset */
    size_t value_size;
    u64 end;            /* of the entry */
};

static int read_entry(struct erofs_image *m, u64 at, struct attribute *a)
{
    struct erofs_disk_xattr d;
    int error = erofs_bytes(m, at, sizeof(d), &d);

    if (!error)
        error = erofs_bytes(m, at + sizeof(d), d.name_length, a->name);
    if (error)
        return error;
    if (d.name_index & EROFS_XATTR_LONG_PREFIX)
        return -EOPNOTSUPP;
    a->index = d.name_index;
    a->prefix = d.name_index < ARRAY_SIZE(prefixes) ? prefixes[d.name_index] : NULL;
    a->length = d.name_length;
    a->value = at + sizeof(d) + d.name_length;
    a->value_size = d.value_size;
    a->end = ALIGN_UP(a->value + d.value_size, 4ull);
    return 0;
}

/* Calls visit for each attribute until it returns other than 0, which is returned. */
static ssize for_each(struct erofs_image *m, const struct erofs_node *n,
                      ssize (*visit)(struct erofs_image *m, const struct attribute *a, void *arg), void *arg)
{
    struct erofs_disk_xattrs d;
    struct attribute a;
    ssize result = 0;

    if (!n->xattr_size)
        return 0;
    int error = erofs_bytes(m, n->xattrs, sizeof(d), &d);
    if (error)
        return error;
    u64 at = n->xattrs + sizeof(d), end = n->xattrs + n->xattr_size;
    if (d.shared * 4ull > end - at)
        return -EUCLEAN;
    for (u64 own = at + d.shared * 4ull; own < end && !result; own = a.end) {
        error = read_entry(m, own, &a);
        if (error || a.end > end)
            return error ? error : -EUCLEAN;
        result = a.prefix ? visit(m, &a, arg) : 0;
    }
    for (unsigned i = 0; i < d.shared && !result; i++, at += 4) {
        u32 number;
        error = erofs_bytes(m, at, sizeof(number), &number);
        if (!error)
            error = read_entry(m, m->xattrs + number * 4ull, &a);
        if (error)
            return error;
        result = a.prefix ? visit(m, &a, arg) : 0;
    }
    return result;
}

struct wanted {
    const char *name;
    void *value;
    size_t size;
};

static ssize get_if_wanted(struct erofs_image *m, const struct attribute *a, void *arg)
{
    struct wanted *w = arg;
    size_t prefix = strlen(a->prefix);

    if (strncmp(w->name, a->prefix, prefix) || strlen(w->name + prefix) != a->length ||
        memcmp(w->name + prefix, a->name, a->length))
        return 0;
    if (w->size && a->value_size > w->size)
        return -ERANGE;
    int error = w->size ? erofs_bytes(m, a->value, a->value_size, w->value) : 0;
    /* One more, so that an empty value is not taken for none. */
    return error ? error : (ssize)a->value_size + 1;
}

ssize erofs_xattr_get(struct erofs_image *m, const struct erofs_node *n, const char *name, void *value, size_t size)
{
    struct wanted w = {name, value, size};
    ssize found = for_each(m, n, get_if_wanted, &w);

    return found > 0 ? found - 1 : found ? found : -ENODATA;
}

struct listing {
    char *list;
    size_t size, used;
    bool trusted;
};

static ssize add_to_list(struct erofs_image *m, const struct attribute *a, void *arg)
{
    struct listing *l = arg;
    size_t prefix = strlen(a->prefix), length = prefix + a->length + 1;

    if (a->index == TRUSTED && !l->trusted)
        return 0;
    if (l->size && l->used + length > l->size)
        return -ERANGE;
    if (l->size) {
        memcpy(l->list + l->used, a->prefix, prefix);
        memcpy(l->list + l->used + prefix, a->name, a->length);
        l->list[l->used + length - 1] = 0;
    }
    l->used += length;
    return 0;
}

ssize erofs_xattr_list(struct erofs_image *m, const struct erofs_node *n, bool trusted, char *list, size_t size)
{
    struct listing l = {list, size, 0, trusted};
    ssize error = for_each(m, n, add_to_list, &l);

    return error ? error : (ssize)l.used;
}
