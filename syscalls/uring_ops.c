/* SPDX-License-Identifier: BSD-2-Clause */
/* The operations of io_uring: the table, and those on files and paths. Each is an ordinary call's body with the request's file lent. */
#include <linux/eventpoll.h>
#include <linux/fs.h>
#include <linux/ioprio.h>
#include <linux/limits.h>
#include "fs/uring/uring.h"
#include "kernel/heap.h"
#include "kernel/init.h"
#include "kernel/lib/string.h"
#include "kernel/user.h"
#include "syscalls/bodies.h"
#include "syscalls/uring.h"

long sys_close(const struct syscall_args *a);
long sys_fadvise64(const struct syscall_args *a);
long sys_fallocate(const struct syscall_args *a);
long sys_fdatasync(const struct syscall_args *a);
long sys_fsync(const struct syscall_args *a);
long sys_linkat(const struct syscall_args *a);
long sys_madvise(const struct syscall_args *a);
long sys_mkdirat(const struct syscall_args *a);
long sys_openat(const struct syscall_args *a);
long sys_renameat2(const struct syscall_args *a);
long sys_statx(const struct syscall_args *a);
long sys_symlinkat(const struct syscall_args *a);
long sys_sync_file_range(const struct syscall_args *a);
long sys_unlinkat(const struct syscall_args *a);

s64 uring_call_direct(struct uring_request *r, syscall_handler_t handler, const struct syscall_args *a)
{
    struct lent *lent = current_thread()->lent;

    if (!r->sqe.file_index)
        return handler(a);
    lent->capture = true;
    s64 result = handler(a);
    lent->capture = false;
    struct file *f = lent->captured;
    lent->captured = NULL;
    return f ? uring_file_install(r->ring, f, r->sqe.file_index) : result;
}

/* ------------------------------------------------------------ reading and writing */

static bool is_vector(u8 opcode)
{
    return opcode == IORING_OP_READV || opcode == IORING_OP_WRITEV;
}

/* A vector of one says how much goes into the buffer that will be chosen. */
static int select_prepare(struct uring_request *r)
{
    struct iovec v;

    if (r->sqe.len != 1)
        return -EINVAL;
    if (get_user(v, (const struct iovec *)r->sqe.addr))
        return -EFAULT;
    r->sqe.len = (u32)v.iov_len;
    return 0;
}

/* The vector may go once it was submitted. */
static int transfer_prepare(struct uring_request *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    struct iovec storage[IO_FAST_VEC], *allocated = NULL;
    struct io io;

    if (IOPRIO_PRIO_CLASS(s->ioprio) > IOPRIO_CLASS_IDLE)
        return -EINVAL;
    if (!is_vector(s->opcode))
        return 0;
    if (s->flags & IOSQE_BUFFER_SELECT)
        return select_prepare(r);
    int error = io_import(&io, (const struct iovec *)s->addr, s->len, storage, &allocated);
    if (error)
        return error;
    if (!allocated) {
        allocated = kmalloc(sizeof(storage));
        if (!allocated)
            return -ENOMEM;
        memcpy(allocated, storage, sizeof(storage));
    }
    r->data = allocated;
    r->sqe.len = (u32)io.count;
    return 0;
}

/* What is moved from or to; r may have chosen a buffer. */
static int transfer_memory(struct uring_request *r, struct io *io)
{
    const struct io_uring_sqe *s = &r->sqe;
    u64 address = s->addr;
    u32 n = s->len;
    int error = 0;

    if (r->data) {
        io_init_vec(io, r->data, s->len, true);
        return 0;
    }
    if (s->opcode == IORING_OP_READ_FIXED || s->opcode == IORING_OP_WRITE_FIXED)
        error = uring_buffer_check(r->ring, s->buf_index, address, n);
    else if (s->flags & IOSQE_BUFFER_SELECT)
        error = uring_buffer_select(r, &address, &n);
    else if (!user_range_ok((void *)address, n))
        error = -EFAULT;
    if (!error)
        io_init_user(io, (void *)address, n);
    return error;
}

static s64 transfer(struct uring_request *r, bool write)
{
    const struct io_uring_sqe *s = &r->sqe;
    struct file *f = r->file;
    s64 offset = (s64)s->off, *at = f->mode & FILE_SEEKABLE && offset != -1 ? &offset : NULL;
    struct io io;

    if (!(f->mode & (write ? FILE_WRITE : FILE_READ)))
        return -EBADF;
    s64 result = transfer_check_flags(f, s->rw_flags);
    r->no_retry = s->rw_flags & RWF_NOWAIT;
    if (!result)
        result = transfer_memory(r, &io);
    if (result)
        return result;
    u64 wanted = io.left;
    if (unlikely(r->direct || (uring_is_direct(r) && !uring_is_worker(current_thread()))))
        return uring_direct(r, &io, (u64)offset, write);
    result = write ? file_write(f, &io, at, s->rw_flags) : file_read(f, &io, at, s->rw_flags);
    if (result == -EAGAIN)
        uring_buffer_recycle(r);
    else if (result >= 0 && (u64)result != wanted)
        r->failed = true; /* a short one ends the chain */
    return result;
}

static s64 run_read(struct uring_request *r)
{
    return transfer(r, false);
}

static s64 run_write(struct uring_request *r)
{
    return transfer(r, true);
}

/* ------------------------------------------------------------ open files */

static s64 run_nop(struct uring_request *r)
{
    return 0;
}

static int fsync_prepare(struct uring_request *r)
{
    return r->sqe.fsync_flags & ~IORING_FSYNC_DATASYNC ? -EINVAL : 0;
}

static s64 run_fsync(struct uring_request *r)
{
    return URING_CALL(r->sqe.fsync_flags & IORING_FSYNC_DATASYNC ? sys_fdatasync : sys_fsync, ARG(FD_LENT));
}

static s64 run_sync_range(struct uring_request *r)
{
    return URING_CALL(sys_sync_file_range, ARG(FD_LENT), r->sqe.off, r->sqe.len, r->sqe.sync_range_flags);
}

static s64 run_fallocate(struct uring_request *r)
{
    return URING_CALL(sys_fallocate, ARG(FD_LENT), r->sqe.len, r->sqe.off, r->sqe.addr);
}

static s64 run_fadvise(struct uring_request *r)
{
    return URING_CALL(sys_fadvise64, ARG(FD_LENT), r->sqe.off, r->sqe.len, r->sqe.fadvise_advice);
}

static s64 run_madvise(struct uring_request *r)
{
    return URING_CALL(sys_madvise, r->sqe.addr, r->sqe.len, r->sqe.fadvise_advice);
}

static int close_prepare(struct uring_request *r)
{
    if (r->sqe.flags & IOSQE_FIXED_FILE)
        return -EBADF;
    return r->sqe.file_index && r->sqe.fd ? -EINVAL : 0;
}

static s64 run_close(struct uring_request *r)
{
    if (r->sqe.file_index)
        return uring_file_remove(r->ring, r->sqe.file_index - 1);
    struct file *f = fd_get_path(r->sqe.fd);
    bool bad = !f || uring_of(f);
    if (f)
        file_put(f);
    return bad ? -EBADF : URING_CALL(sys_close, ARG(r->sqe.fd));
}

static int epoll_ctl_prepare(struct uring_request *r)
{
    if (r->sqe.flags & IOSQE_FIXED_FILE)
        return -EBADF;
    if (r->sqe.len == EPOLL_CTL_DEL)
        return 0;
    r->data = kmalloc(sizeof(struct epoll_event));
    if (!r->data)
        return -ENOMEM;
    return copy_from_user(r->data, (void *)r->sqe.addr, sizeof(struct epoll_event)) ? -EFAULT : 0;
}

static s64 run_epoll_ctl(struct uring_request *r)
{
    return epoll_ctl_event(r->sqe.fd, (int)r->sqe.len, (int)r->sqe.off, r->data);
}

/* ------------------------------------------------------------ splicing */

static int splice_prepare(struct uring_request *r)
{
    if (r->sqe.opcode == IORING_OP_TEE && (r->sqe.splice_off_in || r->sqe.off))
        return -EINVAL;
    return r->sqe.splice_flags & ~(SPLICE_F_FD_IN_FIXED | 0xfu) ? -EINVAL : 0;
}

static s64 run_splice(struct uring_request *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    u32 flags = s->splice_flags & ~SPLICE_F_FD_IN_FIXED;
    s64 in_at = (s64)s->splice_off_in, out_at = (s64)s->off, result;
    struct file *in = s->splice_flags & SPLICE_F_FD_IN_FIXED ? uring_file(r->ring, (u32)s->splice_fd_in) : fd_get(s->splice_fd_in);

    if (!in)
        return -EBADF;
    if (s->opcode == IORING_OP_TEE)
        result = tee_between(in, r->file, s->len, flags);
    else
        result = splice_at(in, in_at == -1 ? NULL : &in_at, r->file, out_at == -1 ? NULL : &out_at, s->len, flags);
    file_put(in);
    if (result >= 0 && result != s->len)
        r->failed = true;
    return result;
}

/* ------------------------------------------------------------ names */

/* Operations on names take no registered file. */
static int names_prepare(struct uring_request *r)
{
    return r->sqe.flags & IOSQE_FIXED_FILE ? -EBADF : 0;
}

static int open_prepare(struct uring_request *r)
{
    struct open_how how = {.flags = r->sqe.open_flags};

    if (r->sqe.flags & IOSQE_FIXED_FILE)
        return -EBADF;
    if (r->sqe.opcode == IORING_OP_OPENAT2) {
        int error = open_how_import(&how, (const char *)r->sqe.off, r->sqe.len);
        if (error)
            return error;
        r->data = kmalloc(sizeof(how));
        if (!r->data)
            return -ENOMEM;
        memcpy(r->data, &how, sizeof(how));
    }
    return r->sqe.file_index && how.flags & O_CLOEXEC ? -EINVAL : 0;
}

static s64 run_open(struct uring_request *r)
{
    return uring_call_direct(r, sys_openat, &(struct syscall_args){.arg = {ARG(r->sqe.fd), r->sqe.addr, r->sqe.open_flags, r->sqe.len}});
}

static long open_by_how(const struct syscall_args *a)
{
    return open_how_at(ARG_INT(a, 0), ARG_PTR(a, 1), ARG_PTR(a, 2));
}

static s64 run_open2(struct uring_request *r)
{
    return uring_call_direct(r, open_by_how, &(struct syscall_args){.arg = {ARG(r->sqe.fd), r->sqe.addr, ARG(r->data)}});
}

static s64 run_statx(struct uring_request *r)
{
    return URING_CALL(sys_statx, ARG(r->sqe.fd), r->sqe.addr, r->sqe.statx_flags, r->sqe.len, r->sqe.off);
}

static s64 run_rename(struct uring_request *r)
{
    return URING_CALL(sys_renameat2, ARG(r->sqe.fd), r->sqe.addr, ARG((s32)r->sqe.len), r->sqe.addr2, r->sqe.rename_flags);
}

static s64 run_unlink(struct uring_request *r)
{
    return URING_CALL(sys_unlinkat, ARG(r->sqe.fd), r->sqe.addr, r->sqe.unlink_flags);
}

static s64 run_mkdir(struct uring_request *r)
{
    return URING_CALL(sys_mkdirat, ARG(r->sqe.fd), r->sqe.addr, r->sqe.len);
}

static s64 run_symlink(struct uring_request *r)
{
    return URING_CALL(sys_symlinkat, r->sqe.addr, ARG(r->sqe.fd), r->sqe.addr2);
}

static s64 run_link(struct uring_request *r)
{
    return URING_CALL(sys_linkat, ARG(r->sqe.fd), r->sqe.addr, ARG((s32)r->sqe.len), r->sqe.addr2, r->sqe.hardlink_flags);
}

/* Names and values of attributes may go, too. Where a path is, the fields are used otherwise than elsewhere. */
static int xattr_prepare(struct uring_request *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    bool set = s->opcode == IORING_OP_SETXATTR || s->opcode == IORING_OP_FSETXATTR;
    bool path = s->opcode == IORING_OP_SETXATTR || s->opcode == IORING_OP_GETXATTR;

    if (path && s->flags & IOSQE_FIXED_FILE)
        return -EBADF;
    if (!set && s->xattr_flags)
        return -EINVAL;
    r->data = kmalloc(XATTR_NAME_MAX + 1);
    if (!r->data)
        return -ENOMEM;
    long error = set ? xattr_import(r->data, (const char *)s->addr, &r->vector, (void *)s->addr2, s->len, (int)s->xattr_flags)
                     : xattr_import_name(r->data, (const char *)s->addr);
    r->sqe.addr = s->addr3; /* for the path, from here on */
    return error || !path ? (int)error : uring_copy_path(r, 0, s->addr);
}

static s64 run_xattr(struct uring_request *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    bool set = s->opcode == IORING_OP_SETXATTR || s->opcode == IORING_OP_FSETXATTR;
    bool open = s->opcode == IORING_OP_FSETXATTR || s->opcode == IORING_OP_FGETXATTR;
    u64 target = open ? ARG(FD_LENT) : s->addr;

    return set ? xattr_set_at(target, open, r->data, r->vector, s->len, (int)s->xattr_flags)
               : xattr_get_at(target, open, r->data, (void *)s->addr2, s->len);
}

/* ------------------------------------------------------------ provided buffers */

static int provide_prepare(struct uring_request *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    u64 bytes;

    if (s->fd <= 0 || s->fd > 65536)
        return s->opcode == IORING_OP_REMOVE_BUFFERS ? -EINVAL : -E2BIG;
    if (s->opcode == IORING_OP_REMOVE_BUFFERS)
        return 0;
    if (__builtin_mul_overflow((u64)s->len, (u64)s->fd, &bytes) || s->addr + bytes < s->addr)
        return -EOVERFLOW;
    if (!user_range_ok((void *)s->addr, bytes))
        return -EFAULT;
    return s->off > UINT16_MAX ? -E2BIG : s->off + (u64)s->fd > 65536 ? -EINVAL : 0;
}

/* ------------------------------------------------------------ the table */

#define READING (EPOLLIN | EPOLLRDNORM)
#define WRITING (EPOLLOUT | EPOLLWRNORM)
#define TRANSFER (OP_FILE | OP_IOPRIO | OP_TRANSFER)
#define NAMES (OP_PATH | OP_POOL | OP_NO_BUF)

static const struct uring_op ops[IORING_OP_LAST] = {
    [IORING_OP_NOP] = {NULL, run_nop, OP_IOPRIO | OP_INSTANT, 0},
    [IORING_OP_READV] = {transfer_prepare, run_read, TRANSFER | OP_BUFFER, READING},
    [IORING_OP_WRITEV] = {transfer_prepare, run_write, TRANSFER, WRITING},
    [IORING_OP_FSYNC] = {fsync_prepare, run_fsync, OP_FILE | OP_POOL | OP_NO_ADDR | OP_NO_BUF | OP_NO_INDEX, 0},
    [IORING_OP_READ_FIXED] = {transfer_prepare, run_read, TRANSFER, READING},
    [IORING_OP_WRITE_FIXED] = {transfer_prepare, run_write, TRANSFER, WRITING},
    [IORING_OP_POLL_ADD] = {uring_poll_prepare, uring_poll_run, OP_FILE | OP_NO_OFF | OP_NO_ADDR | OP_NO_BUF, 0},
    [IORING_OP_POLL_REMOVE] = {uring_poll_remove_prepare, uring_poll_remove_run, OP_NO_BUF | OP_NO_INDEX, 0},
    [IORING_OP_SYNC_FILE_RANGE] = {NULL, run_sync_range, OP_FILE | OP_POOL | OP_NO_ADDR | OP_NO_BUF | OP_NO_INDEX, 0},
    [IORING_OP_SENDMSG] = {uring_send_prepare, uring_send, OP_FILE | OP_IOPRIO, WRITING},
    [IORING_OP_RECVMSG] = {uring_receive_prepare, uring_receive, OP_FILE | OP_IOPRIO | OP_BUFFER, READING},
    [IORING_OP_TIMEOUT] = {uring_timeout_prepare, uring_timeout_run, OP_NO_BUF | OP_NO_INDEX, 0},
    [IORING_OP_TIMEOUT_REMOVE] = {uring_timeout_remove_prepare, uring_timeout_remove_run, OP_NO_BUF | OP_NO_LEN | OP_NO_INDEX, 0},
    [IORING_OP_ACCEPT] = {uring_accept_prepare, uring_accept, OP_FILE | OP_IOPRIO | OP_NO_LEN | OP_NO_BUF, READING},
    [IORING_OP_ASYNC_CANCEL] = {uring_cancel_prepare, uring_cancel_run, OP_NO_OFF | OP_NO_INDEX, 0},
    [IORING_OP_LINK_TIMEOUT] = {uring_timeout_prepare, run_nop, OP_NO_BUF | OP_NO_INDEX, 0},
    [IORING_OP_CONNECT] = {uring_connect_prepare, uring_connect,
                           OP_FILE | OP_NO_LEN | OP_NO_BUF | OP_NO_FLAGS | OP_NO_INDEX, WRITING},
    [IORING_OP_FALLOCATE] = {NULL, run_fallocate, OP_FILE | OP_POOL | OP_NO_BUF | OP_NO_FLAGS | OP_NO_INDEX, 0},
    [IORING_OP_OPENAT] = {open_prepare, run_open, NAMES, 0},
    [IORING_OP_CLOSE] = {close_prepare, run_close, OP_NO_OFF | OP_NO_ADDR | OP_NO_LEN | OP_NO_FLAGS | OP_NO_BUF, 0},
    [IORING_OP_FILES_UPDATE] = {NULL, uring_files_update_run, OP_NO_FLAGS | OP_NO_INDEX, 0},
    [IORING_OP_STATX] = {names_prepare, run_statx, NAMES | OP_NO_INDEX, 0},
    [IORING_OP_READ] = {transfer_prepare, run_read, TRANSFER | OP_BUFFER, READING},
    [IORING_OP_WRITE] = {transfer_prepare, run_write, TRANSFER, WRITING},
    [IORING_OP_FADVISE] = {NULL, run_fadvise, OP_FILE | OP_POOL | OP_NO_ADDR | OP_NO_BUF | OP_NO_INDEX, 0},
    [IORING_OP_MADVISE] = {NULL, run_madvise, OP_POOL | OP_NO_OFF | OP_NO_BUF | OP_NO_INDEX, 0},
    [IORING_OP_SEND] = {uring_send_prepare, uring_send, OP_FILE | OP_IOPRIO, WRITING},
    [IORING_OP_RECV] = {uring_receive_prepare, uring_receive, OP_FILE | OP_IOPRIO | OP_BUFFER | OP_NO_OFF | OP_NO_INDEX, READING},
    [IORING_OP_OPENAT2] = {open_prepare, run_open2, NAMES, 0},
    [IORING_OP_EPOLL_CTL] = {epoll_ctl_prepare, run_epoll_ctl, OP_NO_BUF | OP_NO_INDEX, 0},
    [IORING_OP_SPLICE] = {splice_prepare, run_splice, OP_FILE | OP_POOL, 0},
    [IORING_OP_PROVIDE_BUFFERS] = {provide_prepare, uring_group_provide, OP_NO_FLAGS | OP_NO_INDEX, 0},
    [IORING_OP_REMOVE_BUFFERS] = {provide_prepare, uring_group_remove,
                                  OP_NO_OFF | OP_NO_ADDR | OP_NO_LEN | OP_NO_FLAGS | OP_NO_INDEX, 0},
    [IORING_OP_TEE] = {splice_prepare, run_splice, OP_FILE | OP_POOL, 0},
    [IORING_OP_SHUTDOWN] = {NULL, uring_shutdown, OP_FILE | OP_NO_OFF | OP_NO_ADDR | OP_NO_FLAGS | OP_NO_BUF | OP_NO_INDEX, 0},
    [IORING_OP_RENAMEAT] = {names_prepare, run_rename, NAMES | OP_PATH2 | OP_NO_INDEX, 0},
    [IORING_OP_UNLINKAT] = {names_prepare, run_unlink, NAMES | OP_NO_OFF | OP_NO_LEN | OP_NO_INDEX, 0},
    [IORING_OP_MKDIRAT] = {names_prepare, run_mkdir, NAMES | OP_NO_OFF | OP_NO_FLAGS | OP_NO_INDEX, 0},
    [IORING_OP_SYMLINKAT] = {names_prepare, run_symlink, NAMES | OP_PATH2 | OP_NO_LEN | OP_NO_FLAGS | OP_NO_INDEX, 0},
    [IORING_OP_LINKAT] = {names_prepare, run_link, NAMES | OP_PATH2 | OP_NO_INDEX, 0},
    [IORING_OP_MSG_RING] = {uring_message_prepare, uring_message_run, OP_FILE | OP_NO_BUF, 0},
    [IORING_OP_FSETXATTR] = {xattr_prepare, run_xattr, OP_FILE | OP_POOL, 0},
    [IORING_OP_SETXATTR] = {xattr_prepare, run_xattr, OP_POOL, 0},
    [IORING_OP_FGETXATTR] = {xattr_prepare, run_xattr, OP_FILE | OP_POOL, 0},
    [IORING_OP_GETXATTR] = {xattr_prepare, run_xattr, OP_POOL, 0},
    [IORING_OP_SOCKET] = {uring_socket_prepare, uring_socket, OP_NO_ADDR | OP_NO_FLAGS | OP_NO_BUF, 0},
    [IORING_OP_URING_CMD] = {NULL, NULL, OP_UNSERVED, 0},
    [IORING_OP_SEND_ZC] = {uring_send_prepare, uring_send, OP_FILE | OP_IOPRIO, WRITING},
    [IORING_OP_SENDMSG_ZC] = {uring_send_prepare, uring_send, OP_FILE | OP_IOPRIO, WRITING},
};

static void uring_init(void)
{
    uring_ops = ops;
}
INIT_CALL(INIT_FILES, uring_init);
