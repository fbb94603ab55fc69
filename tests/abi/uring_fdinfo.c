/* SPDX-License-Identifier: BSD-2-Clause */
/* What /proc/self/fdinfo says of a ring: positions, completions and waiting requests. */
#include "uring.h"
#include <fcntl.h>
#include <poll.h>

/* The lines about the ring that are the same in all versions of Linux. */
static void show(const char *what, int fd)
{
    static const char *const names[] = {"SqMask:", "SqHead:", "SqTail:", "CachedSqHead:", "CqMask:", "CqHead:", "CqTail:", "CachedCqTail:", "UserFiles:", "UserBufs:", "  op=", "  user_data="};
    char path[64], line[256];
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    FILE *f = fopen(path, "r");
    printf("%s\n", what);
    while (f && fgets(line, sizeof(line), f))
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            if (!strncmp(line, names[i], strlen(names[i])))
                printf("%s", line);
    if (f)
        fclose(f);
}

int main(void)
{
    struct ring r;
    int p[2], fds[3];
    ring_open(&r, 4, 0);
    show("fresh", r.fd);
    if (pipe(p))
        return 1;
    for (int i = 0; i < 3; i++)
        entry(&r, IORING_OP_NOP, (uint64_t)i, -1);
    SHOW(submit(&r, 3));
    show("three", r.fd);
    struct cqe c;
    SHOW(next(&r, &c));
    show("one taken", r.fd);
    fds[0] = p[0], fds[1] = p[1], fds[2] = -1;
    SHOW(reg(r.fd, IORING_REGISTER_FILES, fds, 3));
    entry(&r, IORING_OP_POLL_ADD, 7, p[0])->poll32_events = POLLIN;
    SHOW(submit(&r, 0));
    show("a poll", r.fd);
    /* More than there is room for. */
    for (int i = 0; i < 8; i++) {
        entry(&r, IORING_OP_NOP, 100u + (unsigned)i, -1);
        submit(&r, 0);
    }
    show("too many", r.fd);
    return 0;
}
