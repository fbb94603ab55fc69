/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that exist to be waited for: epoll, eventfd, timerfd and signalfd, and the one waiting loop of
 * poll(2) and select(2). All rest on a file's poll() and poll_queue() (fs/file.h).
 */
#ifndef FS_EVENT_H
#define FS_EVENT_H

#include <linux/eventpoll.h>
#include <linux/time_types.h>
#include "fs/file.h"

/* lseek(2) on any of these files does nothing and succeeds. */
static inline s64 event_seek(struct file *f, s64 offset, int whence)
{
    return 0;
}

/* ------------------------------------------------------------ poll and select */

/* One watched file. The caller sets file (a reference it holds, or NULL: not waited for) and events. */
struct poll_entry {
    struct file *file;
    u32 events;  /* EPOLL* wanted */
    u32 revents; /* result */
    struct wait_queue *queue;
    struct waiter waiter;
};

#define POLL_FEW  8  /* entries without the heap */
#define POLL_PAGE 64 /* entries in a piece of memory: no call needs much of it in one piece */

/* The entries of one call: POLL_FEW on the caller's stack, or pieces of the heap. */
struct poll_set {
    unsigned n; /* entries that are filled */
    unsigned n_pages;
    struct poll_entry **pages; /* NULL: few */
    struct poll_entry few[POLL_FEW];
};

/* Room for n entries, which the caller fills, counting them in set->n. 0 or -ENOMEM. */
int poll_set_init(struct poll_set *set, unsigned n);
/* Releases the files of the entries, and the room. */
void poll_set_end(struct poll_set *set);

static inline struct poll_entry *poll_entry_at(struct poll_set *set, unsigned i)
{
    return set->pages ? &set->pages[i / POLL_PAGE][i % POLL_PAGE] : &set->few[i];
}

/*
 * Waits until an entry has events or deadline (platform_clock() time, 0: do not wait). Returns the
 * number of entries with revents, 0 on timeout, -ERESTARTNOHAND on a signal. Sleeps.
 */
int poll_entries(struct poll_set *set, nsec_t deadline);

/* ------------------------------------------------------------ epoll(7) */

struct file *epoll_file_create(void); /* ERR_PTR(-ENOMEM) */
bool file_is_epoll(const struct file *f);
/* epoll_ctl(2) on referenced files; event is NULL for EPOLL_CTL_DEL. The errors of the man page. */
int epoll_control(struct file *ep_file, int op, struct file *target, int fd,
                  const struct epoll_event *event);
/*
 * epoll_wait(2): stores at most max events at the program's address. Returns how many, 0 on timeout,
 * -EFAULT, -EINTR.
 */
int epoll_wait_events(struct file *ep_file, struct epoll_event *user_events, int max, nsec_t deadline);
/* The last reference to f is gone: removes it from every epoll that watches it. Called by file_put() before release. Sleeps. */
void epoll_forget(struct file *f);

/* ------------------------------------------------------------ eventfd(2), timerfd_create(2), signalfd(2) */

struct file *eventfd_file_create(u64 count, bool semaphore, u32 open_flags);
bool file_is_eventfd(const struct file *f);
/* Adds 1, as far as there is room. */
void eventfd_signal(struct file *f);

struct file *timerfd_file_create(int clock, u32 open_flags); /* clock was checked */
bool file_is_timerfd(const struct file *f);
/* flags TFD_TIMER_*; old may be NULL. 0 or -EINVAL. */
int timerfd_set(struct file *f, int flags, const struct __kernel_itimerspec *new,
                struct __kernel_itimerspec *old);
void timerfd_get(struct file *f, struct __kernel_itimerspec *value);
/* clock_settime(CLOCK_REALTIME) or the like happened: absolute and cancel-on-set timers look again. Sleeps. */
void timerfd_clock_was_set(void);

struct file *signalfd_file_create(u64 mask, u32 open_flags);
bool file_is_signalfd(const struct file *f);
void signalfd_set_mask(struct file *f, u64 mask);

#endif
