/* SPDX-License-Identifier: BSD-2-Clause */
/* For the tests of inotify(7): prints what an instance has to tell. Cookies are shown as 1, 2, … in order of appearance. */
#ifndef TESTS_ABI_INOTIFY_H
#define TESTS_ABI_INOTIFY_H

#include "file_check.h"
#include <sys/inotify.h>
#include <sys/ioctl.h>

static inline void print_mask(uint32_t mask)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = {
        {IN_ACCESS, "ACCESS"}, {IN_MODIFY, "MODIFY"}, {IN_ATTRIB, "ATTRIB"},
        {IN_CLOSE_WRITE, "CLOSE_WRITE"}, {IN_CLOSE_NOWRITE, "CLOSE_NOWRITE"}, {IN_OPEN, "OPEN"},
        {IN_MOVED_FROM, "MOVED_FROM"}, {IN_MOVED_TO, "MOVED_TO"}, {IN_CREATE, "CREATE"},
        {IN_DELETE, "DELETE"}, {IN_DELETE_SELF, "DELETE_SELF"}, {IN_MOVE_SELF, "MOVE_SELF"},
        {IN_UNMOUNT, "UNMOUNT"}, {IN_Q_OVERFLOW, "Q_OVERFLOW"}, {IN_IGNORED, "IGNORED"},
        {IN_ISDIR, "ISDIR"},
    };

    for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
        if (mask & names[k].bit) {
            printf(" %s", names[k].name);
            mask &= ~names[k].bit;
        }
    if (mask)
        printf(" +%x", mask);
}

static inline uint32_t cookie_number(uint32_t cookie)
{
    static uint32_t seen[64], count;

    for (uint32_t k = 0; k < count; k++)
        if (seen[k] == cookie)
            return k + 1;
    seen[count++ % 64] = cookie;
    return count;
}

/* Digits of names that the kernel makes up are not shown. */
static inline void print_event(const struct inotify_event *e)
{
    printf("  wd %d:", e->wd);
    print_mask(e->mask);
    if (e->cookie)
        printf(" cookie %u", cookie_number(e->cookie));
    if (e->len && e->name[0] == '#')
        printf(" name #");
    else if (e->len)
        printf(" len %u name %s", e->len, e->name);
    printf("\n");
}

/* Reads all that is there now. */
static inline void drain(int fd, const char *what)
{
    static char buffer[1 << 16] __attribute__((aligned(8)));
    ssize_t n;

    printf("%s:\n", what);
    while ((n = read(fd, buffer, sizeof(buffer))) > 0)
        for (char *p = buffer; p < buffer + n;) {
            struct inotify_event *e = (struct inotify_event *)p;

            print_event(e);
            p += sizeof(*e) + e->len;
        }
    if (n < 0 && errno != EAGAIN)
        printf("  read: %s\n", strerrorname_np(errno));
    fflush(stdout);
}

/* Runs the statement, then shows what it caused. */
#define CAUSES(fd, statement)      \
    do {                           \
        statement;                 \
        drain(fd, #statement);     \
    } while (0)

#endif
