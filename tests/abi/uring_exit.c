/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * io_uring: requests of a thread that has ended stay where they wait; what it would have had to go on with is cancelled when that
 * comes. Those that a worker waits for end with it. Then a program that is executed, which ends them all.
 */
#include "uring.h"
#include <poll.h>
#include <pthread.h>

enum kind { POLL, READ, READ_ASYNC, POLL_MULTI, CHAIN, HARD_CHAIN, LIMITED, TIMEOUT, TIMEOUT_CHAIN, SPLICE, DRAINED, CANCELLED, UPDATED, KINDS };
static const char *const names[] = {"poll", "read", "read, async", "multishot poll", "chain", "hard chain", "limited",
                                    "timeout", "timeout in a chain", "splice", "drained", "cancelled", "updated"};

/* Completions after the thread's end, and after a write. */
static const int at_end[KINDS] = {[LIMITED] = 1, [TIMEOUT] = 1, [TIMEOUT_CHAIN] = 2, [SPLICE] = 1};
static const int at_write[KINDS] = {[POLL] = 1, [READ] = 1, [READ_ASYNC] = 1, [POLL_MULTI] = 1, [CHAIN] = 2, [HARD_CHAIN] = 2,
                                    [LIMITED] = 1, [DRAINED] = 2, [UPDATED] = 1};

static struct ring r;
static int p[2], out[2];

static void *submitter(void *arg)
{
    static struct __kernel_timespec soon = {0, 40000000};
    static char c;
    struct io_uring_sqe *s;

    switch ((enum kind)(long)arg) {
    case POLL:
    case CANCELLED:
    case UPDATED:
        entry(&r, IORING_OP_POLL_ADD, 1, p[0])->poll32_events = POLLIN;
        break;
    case READ:
        entry_rw(&r, IORING_OP_READ, 1, p[0], &c, 1, 0);
        break;
    case READ_ASYNC:
        entry_rw(&r, IORING_OP_READ, 1, p[0], &c, 1, 0)->flags = IOSQE_ASYNC;
        break;
    case POLL_MULTI:
        entry_rw(&r, IORING_OP_POLL_ADD, 1, p[0], NULL, IORING_POLL_ADD_MULTI, 0)->poll32_events = POLLIN;
        break;
    case CHAIN:
    case HARD_CHAIN:
        entry_rw(&r, IORING_OP_READ, 1, p[0], &c, 1, 0)->flags = (long)arg == CHAIN ? IOSQE_IO_LINK : IOSQE_IO_HARDLINK;
        entry(&r, IORING_OP_NOP, 2, -1);
        break;
    case LIMITED:
        entry_rw(&r, IORING_OP_READ, 1, p[0], &c, 1, 0)->flags = IOSQE_IO_LINK;
        entry_rw(&r, IORING_OP_LINK_TIMEOUT, 2, -1, &soon, 1, 0);
        break;
    case TIMEOUT:
        entry_rw(&r, IORING_OP_TIMEOUT, 1, -1, &soon, 1, 0);
        break;
    case TIMEOUT_CHAIN:
        entry_rw(&r, IORING_OP_TIMEOUT, 1, -1, &soon, 1, 0)->flags = IOSQE_IO_HARDLINK;
        entry(&r, IORING_OP_NOP, 2, -1);
        break;
    case SPLICE:
        s = entry(&r, IORING_OP_SPLICE, 1, out[1]);
        s->splice_fd_in = p[0];
        s->splice_off_in = s->off = (uint64_t)-1;
        s->len = 1;
        break;
    case DRAINED:
        entry(&r, IORING_OP_POLL_ADD, 1, p[0])->poll32_events = POLLIN;
        entry(&r, IORING_OP_NOP, 2, -1)->flags = IOSQE_IO_DRAIN;
        break;
    default:
        break;
    }
    submit(&r, 0);
    sleep_ms(10); /* a worker has begun */
    return NULL;
}

/* What has come: at least so many, which a busy system may take long for. */
static void show_all(const char *what, int least)
{
    struct cqe c[8];
    int n = 0;

    printf("%s\n", what);
    for (int i = 0; i == 0 || (n < least && i < 5000); i++) {
        if (i)
            sleep_ms(1);
        enter(r.fd, 0, 0, IORING_ENTER_GETEVENTS, NULL, 0);
        while (n < 8 && next(&r, &c[n]))
            n++;
    }
    qsort(c, (size_t)n, sizeof(c[0]), by_user_data);
    for (int i = 0; i < n; i++) {
        if (c[i].res == -512) /* what a program never sees elsewhere */
            c[i].res = -EINTR;
        show_cqe(&c[i]);
    }
}

static int has_input(int fd)
{
    struct pollfd f = {fd, POLLIN, 0};
    return poll(&f, 1, 0);
}

static void one(enum kind kind)
{
    pthread_t t;
    char c;

    ring_open(&r, 8, 0);
    pthread_create(&t, NULL, submitter, (void *)(long)kind);
    pthread_join(t, NULL);
    printf("%s\n", names[kind]);
    sleep_ms(100);
    show_all(" after the thread:", at_end[kind]);
    if (kind == CANCELLED) {
        entry(&r, IORING_OP_ASYNC_CANCEL, 3, -1)->addr = 1;
        submit(&r, 0);
        sleep_ms(20);
        show_all(" cancel:", 2);
    }
    if (kind == UPDATED) {
        struct io_uring_sqe *s = entry(&r, IORING_OP_POLL_REMOVE, 3, -1);
        s->addr = 1;
        s->len = IORING_POLL_UPDATE_USER_DATA;
        s->off = 4;
        submit(&r, 0);
        sleep_ms(20);
        show_all(" update:", 1);
    }
    if (write(p[1], "x", 1) != 1)
        exit(1);
    sleep_ms(30);
    show_all(" after a write:", at_write[kind]);
    printf(" input left %d, moved %d\n", has_input(p[0]), has_input(out[0]));
    if (has_input(p[0]) && read(p[0], &c, 1) != 1)
        exit(1);
    if (has_input(out[0]) && read(out[0], &c, 1) != 1)
        exit(1);
    close(r.fd);
}

/* ------------------------------------------------------------ exec */

static void execute(void)
{
    static char c;
    static struct __kernel_timespec later = {1000, 0};
    char ring[16], pipe_in[16], pipe_out[16];

    ring_open(&r, 8, 0);
    entry(&r, IORING_OP_POLL_ADD, 1, p[0])->poll32_events = POLLIN;
    entry_rw(&r, IORING_OP_READ, 2, p[0], &c, 1, 0);
    entry_rw(&r, IORING_OP_READ, 3, p[0], &c, 1, 0)->flags = IOSQE_ASYNC;
    entry_rw(&r, IORING_OP_TIMEOUT, 4, -1, &later, 1, 0);
    CALL("before exec", submit(&r, 0));
    snprintf(ring, sizeof(ring), "%d", dup(r.fd)); /* the ring's own goes */
    snprintf(pipe_in, sizeof(pipe_in), "%d", p[0]);
    snprintf(pipe_out, sizeof(pipe_out), "%d", p[1]);
    execl("/proc/self/exe", "uring_exit", ring, pipe_in, pipe_out, NULL);
    printf("execl: %s\n", strerrorname_np(errno));
}

static void executed(char **argv)
{
    struct io_uring_params q = {0};
    int other = (int)syscall(SYS_io_uring_setup, 8, &q); /* laid out as the old one */

    r.p = q;
    r.fd = atoi(argv[1]);
    r.rings = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, r.fd, IORING_OFF_SQ_RING); /* more than there is */
    if (r.rings == MAP_FAILED)
        exit(1);
    show_all("after exec", 4);
    SHOW(write(atoi(argv[3]), "x", 1));
    sleep_ms(20);
    show_all("after a write", 0);
    printf("input left %d\n", has_input(atoi(argv[2])));
    close(other);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        executed(argv);
        return 0;
    }
    if (pipe(p) || pipe(out))
        return 1;
    for (int kind = 0; kind < KINDS; kind++)
        one((enum kind)kind);
    execute();
    return 1;
}
