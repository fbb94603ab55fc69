/* SPDX-License-Identifier: BSD-2-Clause */
/* A splice that waits is cancelled: its result is one that Linux elsewhere keeps to itself; what is linked to it ends or goes on. */
#include "uring.h"

int main(void)
{
    struct ring r;
    int from[2], to[2];
    ring_open(&r, 8, 0);
    if (pipe(from) || pipe(to))
        return 1;
    for (int hard = 0; hard < 2; hard++) {
        struct io_uring_sqe *s = entry(&r, IORING_OP_SPLICE, 1, to[1]);
        s->splice_fd_in = from[0];
        s->len = 10;
        s->off = s->splice_off_in = UINT64_MAX;
        s->flags = hard ? IOSQE_IO_HARDLINK : IOSQE_IO_LINK;
        entry(&r, IORING_OP_NOP, 2, -1);
        SHOW(submit(&r, 0));
        sleep_ms(50); /* by then a worker waits in it */
        entry(&r, IORING_OP_ASYNC_CANCEL, 3, -1)->addr = 1;
        SHOW(submit(&r, 0));
        struct cqe c[3];
        for (int i = 0; i < 3; i++)
            c[i] = wait_next(&r);
        qsort(c, 3, sizeof(c[0]), by_user_data);
        for (int i = 0; i < 3; i++)
            printf("  %llu: %d\n", (unsigned long long)c[i].user_data, c[i].res);
    }
    return 0;
}
