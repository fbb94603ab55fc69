/* SPDX-License-Identifier: BSD-2-Clause */
/* Bad pointers at every argument of io_uring's calls, and in its entries. */
#include "bad_pointers.h"
#include "uring.h"
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

static struct ring ring;
static struct io_uring_params params;
static int event, files[2] = {-1, -1};
static char bytes[64];
static struct iovec buffer = {bytes, sizeof(bytes)};
static unsigned workers[2];
static struct io_uring_getevents_arg wait_for;
static struct io_uring_file_index_range range = {.len = 1};
static struct io_uring_sync_cancel_reg cancel = {.flags = IORING_ASYNC_CANCEL_ANY, .timeout = {-1, -1}};
static struct io_uring_rsrc_register resources = {.nr = 1};
static struct io_uring_buf_reg group = {.ring_addr = 0x10, .ring_entries = 1};
static struct io_uring_files_update update = {.offset = 0};
static uint64_t mask;

/* What is registered is not again before the next call. */
static void unregister(void)
{
    reg(ring.fd, IORING_UNREGISTER_BUFFERS, NULL, 0);
    reg(ring.fd, IORING_UNREGISTER_FILES, NULL, 0);
    reg(ring.fd, IORING_UNREGISTER_EVENTFD, NULL, 0);
}

/* What an entry with a bad pointer ends with: at submission and later, the answer is a completion. */
static void entries(void)
{
    static void *const bad[] = {NULL, (void *)0x10, (void *)0x20000000, (void *)0x680000001000, (void *)0x7fffffffeff9, (void *)0x800000000000, (void *)-1l};
    static const struct { const char *name; int op; unsigned len; uint64_t off; } kinds[] = {
        {"read", IORING_OP_READ, 8, 0}, {"write", IORING_OP_WRITE, 8, 0}, {"readv", IORING_OP_READV, 1, 0}, {"writev", IORING_OP_WRITEV, 1, 0},
        {"sendmsg", IORING_OP_SENDMSG, 1, 0}, {"recvmsg", IORING_OP_RECVMSG, 1, 0}, {"send", IORING_OP_SEND, 8, 0}, {"connect", IORING_OP_CONNECT, 0, 16},
        {"openat", IORING_OP_OPENAT, 0, 0}, {"openat2", IORING_OP_OPENAT2, 24, 0x10}, {"statx", IORING_OP_STATX, 0, 0x10},
        {"unlinkat", IORING_OP_UNLINKAT, 0, 0}, {"mkdirat", IORING_OP_MKDIRAT, 0700, 0}, {"renameat", IORING_OP_RENAMEAT, 0, 0x10},
        {"symlinkat", IORING_OP_SYMLINKAT, 0, 0x10}, {"linkat", IORING_OP_LINKAT, 0, 0x10}, {"timeout", IORING_OP_TIMEOUT, 1, 0},
        {"link timeout alone", IORING_OP_LINK_TIMEOUT, 1, 0}, {"epoll_ctl", IORING_OP_EPOLL_CTL, 1, 1}, {"madvise", IORING_OP_MADVISE, 4096, 0},
        {"provide", IORING_OP_PROVIDE_BUFFERS, 64, 0}, {"files", IORING_OP_FILES_UPDATE, 1, 0}, {"getxattr", IORING_OP_GETXATTR, 8, 0},
    };
    int s[2], file = memfd_create("file", 0);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) || write(s[1], bytes, 60) != 60 || write(file, bytes, 60) != 60)
        return;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        printf("%s:", kinds[i].name);
        for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
            if (kinds[i].op == IORING_OP_PROVIDE_BUFFERS && (k == 3 || k == 4)) /* Linux does not look at what is there, newer ones not at the end either */
                continue;
            int op = kinds[i].op, fd = op <= IORING_OP_WRITEV || op == IORING_OP_READ || op == IORING_OP_WRITE ? file : s[0];
            fd = op == IORING_OP_PROVIDE_BUFFERS ? 1 : fd;
            entry_rw(&ring, op, 1, fd, bad[k], kinds[i].len, kinds[i].off);
            submit(&ring, 0);
            struct cqe c = wait_next(&ring);
            printf(" %s", c.res < 0 ? strerrorname_np(-c.res) : "done");
        }
        printf("\n");
        fflush(stdout);
    }
}

int main(void)
{
    bad_pointers_init();
    ring_open(&ring, 8, 0);
    dup2(ring.fd, 50);
    event = eventfd(0, 0);
    prepare = unregister;
    const struct call calls[] = {
        {"setup", SYS_io_uring_setup, {V(4), IO(params)}, NEW_FD},
        {"enter mask", SYS_io_uring_enter, {V(50), V(0), V(0), V(IORING_ENTER_GETEVENTS), IN(mask), V(8)}, NO_MINUS_1},
        {"enter argument", SYS_io_uring_enter, {V(50), V(0), V(0), V(IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG), IN(wait_for), V(sizeof(wait_for))}, NO_MINUS_1},
        {"buffers", SYS_io_uring_register, {V(50), V(IORING_REGISTER_BUFFERS), IN(buffer), V(1)}, NO_MINUS_1},
        {"files", SYS_io_uring_register, {V(50), V(IORING_REGISTER_FILES), IN(files), V(2)}, NO_MINUS_1},
        {"files update", SYS_io_uring_register, {V(50), V(IORING_REGISTER_FILES_UPDATE), IN(update), V(1)}, NO_MINUS_1},
        {"eventfd", SYS_io_uring_register, {V(50), V(IORING_REGISTER_EVENTFD), IN(event), V(1)}, NO_MINUS_1},
        {"probe", SYS_io_uring_register, {V(50), V(IORING_REGISTER_PROBE), OUT(sizeof(struct io_uring_probe) + 4 * sizeof(struct io_uring_probe_op)), V(4)}, NO_MINUS_1},
        {"restrictions", SYS_io_uring_register, {V(50), V(IORING_REGISTER_RESTRICTIONS), OUT(16), V(1)}, NO_MINUS_1},
        {"files2", SYS_io_uring_register, {V(50), V(IORING_REGISTER_FILES2), IN(resources), V(sizeof(resources))}, NO_MINUS_1},
        {"buffers2", SYS_io_uring_register, {V(50), V(IORING_REGISTER_BUFFERS2), IN(resources), V(sizeof(resources))}, NO_MINUS_1},
        {"workers", SYS_io_uring_register, {V(50), V(IORING_REGISTER_IOWQ_MAX_WORKERS), IO(workers), V(2)}, NO_MINUS_1},
        {"group", SYS_io_uring_register, {V(50), V(IORING_REGISTER_PBUF_RING), IN(group), V(1)}, NO_MINUS_1},
        {"group away", SYS_io_uring_register, {V(50), V(IORING_UNREGISTER_PBUF_RING), IN(group), V(1)}, NO_MINUS_1},
        {"cancel", SYS_io_uring_register, {V(50), V(IORING_REGISTER_SYNC_CANCEL), IN(cancel), V(1)}, NO_MINUS_1},
        {"range", SYS_io_uring_register, {V(50), V(IORING_REGISTER_FILE_ALLOC_RANGE), IN(range), V(0)}, NO_MINUS_1},
    };
    try_calls(calls, sizeof(calls) / sizeof(calls[0]));
    entries();
    return 0;
}
