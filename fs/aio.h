/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contexts of Linux AIO, io_setup(2): where the events of requests wait to be fetched. What cannot be done while it is
 * submitted is a request of a ring of io_uring that the program does not see.
 */
#ifndef FS_AIO_H
#define FS_AIO_H

#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include "fs/file.h"

extern int aio_requests_max; /* of all contexts: /proc/sys/fs/aio-max-nr */

/* A context for n requests in the running process: its number, which is an address, or -EINVAL, -EAGAIN, -ENOMEM. */
s64 aio_create(u32 n);
/* Ends a context: who waits for events is told. 0 or -EINVAL. */
int aio_destroy(u64 number);
/* The running process's context with this number: file_put() gives it back. NULL: none. */
struct file *aio_get(u64 number);
/* Requests that all contexts together were made for: /proc/sys/fs/aio-nr. */
u32 aio_requests(void);
/* Requests it was made for. */
u32 aio_size(struct file *context);
/* Room for one event is set aside: false when too many are on their way or not fetched. */
bool aio_reserve(struct file *context);
void aio_unreserve(struct file *context);
/* The request is done; takes the room that was set aside. */
void aio_complete(struct file *context, const struct io_event *event);
/*
 * Leaves a request, for which room is set aside, to others: 0, or why it cannot be. told: the eventfd that hears of it, with a
 * reference that goes over on success, or NULL. In entry, user_data is the address of the iocb.
 */
int aio_start(struct file *context, const struct io_uring_sqe *entry, struct file *f, u64 data, struct file *told);
/* io_cancel(2): -EINPROGRESS, its event comes; -EINVAL, no such request that waits for a file. */
int aio_cancel(struct file *context, u64 iocb);
/* io_getevents(2): how many events were stored, -EFAULT, -EINTR, or -EINVAL when the context ends. Sleeps. */
long aio_fetch(struct file *context, s64 least, s64 most, struct io_event *user, nsec_t deadline);

#endif
