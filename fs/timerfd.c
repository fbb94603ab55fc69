/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timerfd_create(2). Expirations are not counted as they happen: their number follows from the clock
 * when somebody asks, so an interval timer that nobody reads costs one interrupt in all. The kernel
 * timer only wakes the queue, and is armed again when the expirations have been read.
 */
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/time.h>
#include <linux/timerfd.h>
#include "fs/event.h"
#include "fs/generated.h"
#include "kernel/heap.h"
#include "kernel/timer.h"
#include "kernel/user.h"

struct timerfd {
    struct list link;        /* realtime_timers, under its lock */
    struct spinlock lock;    /* what follows, up to timer */
    int clock;               /* CLOCK_* */
    nsec_t deadline;         /* first expiration not read yet, platform_clock(); NSEC_NEVER: disarmed */
    nsec_t interval;         /* 0: one shot */
    u64 earlier;             /* expirations from before deadline that no read has taken */
    nsec_t realtime;         /* deadline on CLOCK_REALTIME while absolute */
    bool absolute;           /* follows changes of CLOCK_REALTIME */
    bool cancel_on_set;      /* TFD_TIMER_CANCEL_ON_SET is in force */
    u32 set_flags;           /* of the last timerfd_settime */
    bool cancelled;          /* the clock was set and no read has told so */
    struct timer timer;
    struct wait_queue wait;
};

static struct list realtime_timers = LIST_INIT(realtime_timers);
static struct mutex realtime_lock = MUTEX_INIT(LOCK_FS);

static bool realtime_clock(int clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM;
}

/* Expirations from deadline to now; lock held. */
static u64 turns(const struct timerfd *t, nsec_t now)
{
    if (t->deadline == NSEC_NEVER || now < t->deadline)
        return 0;
    return 1 + (t->interval ? (now - t->deadline) / t->interval : 0);
}

/* All that no read has taken; lock held. */
static u64 expirations(const struct timerfd *t, nsec_t now)
{
    return t->earlier + turns(t, now);
}

/* Arms the kernel timer for t->deadline; lock held. */
static void rearm(struct timerfd *t)
{
    if (t->deadline == NSEC_NEVER)
        timer_cancel(&t->timer, false);
    else
        timer_arm(&t->timer, t->deadline);
}

/* Takes the expirations, and leaves so many instead; 0 if there are none yet, -ECANCELED after a clock change. */
static s64 take(struct timerfd *t, u64 leave)
{
    s64 n;
    spin_lock(&t->lock);
    if (t->cancelled) {
        t->cancelled = false;
        n = -ECANCELED;
    } else {
        u64 now = turns(t, platform_clock());
        n = (s64)(t->earlier + now);
        t->earlier = leave;
        if (now) {
            t->deadline = t->interval ? t->deadline + now * t->interval : NSEC_NEVER;
            t->realtime += now * t->interval;
            if (t->interval)
                rearm(t);
        }
    }
    spin_unlock(&t->lock);
    return n;
}

static ssize timerfd_read(struct file *f, struct io *io, u64 *pos, int rwf)
{
    struct timerfd *t = f->private;
    if (io->left < sizeof(u64))
        return -EINVAL;
    s64 n = take(t, 0);
    if (!n) {
        if ((f->flags & O_NONBLOCK) || (rwf & RWF_NOWAIT))
            return -EAGAIN;
        int error = wait_event(&t->wait, (n = take(t, 0)) != 0, NSEC_NEVER, WAIT_INTERRUPTIBLE);
        if (error)
            return error;
    }
    if (n < 0)
        return n;
    u64 ticks = (u64)n;
    return io_copy_to(io, &ticks, sizeof(ticks)) == sizeof(ticks) ? (ssize)sizeof(ticks) : -EFAULT;
}

static long timerfd_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
    struct timerfd *t = f->private;
    u64 ticks;
    if (cmd != TFD_IOC_SET_TICKS)
        return -ENOTTY;
    if (get_user(ticks, (u64 *)arg))
        return -EFAULT;
    if (!ticks)
        return -EINVAL;
    if (take(t, ticks) < 0)
        return -ECANCELED;
    wait_wake_events(&t->wait, ~0u, EPOLLIN);
    return 0;
}

static u32 timerfd_poll(struct file *f)
{
    struct timerfd *t = f->private;
    spin_lock(&t->lock);
    bool ready = t->cancelled || expirations(t, platform_clock());
    spin_unlock(&t->lock);
    return ready ? EPOLLIN : 0;
}

static struct wait_queue *timerfd_poll_queue(struct file *f)
{
    return &((struct timerfd *)f->private)->wait;
}

static void timerfd_release(struct file *f)
{
    struct timerfd *t = f->private;
    mutex_lock(&realtime_lock);
    list_remove(&t->link);
    mutex_unlock(&realtime_lock);
    timer_cancel(&t->timer, true);
    kfree(t);
}

static void timerfd_fdinfo(struct file *f, struct text *t);

static const struct file_ops timerfd_ops = {
    .kind = "anon_inode:[timerfd]",
    .read = timerfd_read,
    .seek = event_seek,
    .ioctl = timerfd_ioctl,
    .poll = timerfd_poll,
    .poll_queue = timerfd_poll_queue,
    .fdinfo = timerfd_fdinfo,
    .release = timerfd_release,
};

/* Interrupt context. */
static void timerfd_fire(struct timer *timer)
{
    struct timerfd *t = container_of(timer, struct timerfd, timer);
    wait_wake_events(&t->wait, ~0u, EPOLLIN);
}

struct file *timerfd_file_create(int clock, u32 open_flags)
{
    struct timerfd *t = kzalloc(sizeof(*t));
    if (!t)
        return ERR_PTR(-ENOMEM);
    spin_init(&t->lock, LOCK_PIPE);
    wait_queue_init(&t->wait);
    timer_init(&t->timer, timerfd_fire);
    list_init(&t->link);
    t->clock = clock;
    t->deadline = NSEC_NEVER;
    struct file *f = file_create(&timerfd_ops, O_RDWR | open_flags, t);
    if (!f) {
        kfree(t);
        return ERR_PTR(-ENOMEM);
    }
    if (realtime_clock(clock)) {
        mutex_lock(&realtime_lock);
        list_add_tail(&realtime_timers, &t->link);
        mutex_unlock(&realtime_lock);
    }
    return f;
}

bool file_is_timerfd(const struct file *f)
{
    return f->ops == &timerfd_ops;
}

/* -EINVAL, or 0 with *ns saturated below NSEC_NEVER. */
static int to_ns(const struct __kernel_timespec *ts, nsec_t *ns)
{
    if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= (s64)NSEC_PER_SEC)
        return -EINVAL;
    *ns = (u64)ts->tv_sec >= INT64_MAX / NSEC_PER_SEC
              ? INT64_MAX
              : (u64)ts->tv_sec * NSEC_PER_SEC + (u64)ts->tv_nsec;
    return 0;
}

static struct __kernel_timespec to_timespec(nsec_t ns)
{
    return (struct __kernel_timespec){.tv_sec = (s64)(ns / NSEC_PER_SEC),
                                      .tv_nsec = (s64)(ns % NSEC_PER_SEC)};
}

/* platform_clock() time at which CLOCK_REALTIME shows real. */
static nsec_t from_realtime(nsec_t real)
{
    nsec_t now = clock_realtime();
    return real <= now ? platform_clock() : platform_clock() + (real - now);
}

/* Lock held. */
static void current_setting(const struct timerfd *t, struct __kernel_itimerspec *value)
{
    nsec_t now = platform_clock(), left = 0;
    if (t->deadline != NSEC_NEVER) {
        if (now < t->deadline)
            left = t->deadline - now;
        else if (t->interval)
            left = t->interval - (now - t->deadline) % t->interval;
    }
    value->it_value = to_timespec(left);
    value->it_interval = to_timespec(t->interval);
}

static void timerfd_fdinfo(struct file *f, struct text *text)
{
    struct timerfd *t = f->private;
    struct __kernel_itimerspec value;
    spin_lock(&t->lock);
    current_setting(t, &value);
    u64 ticks = expirations(t, platform_clock());
    spin_unlock(&t->lock);
    text_printf(text, "clockid: %d\nticks: %llu\nsettime flags: 0%o\nit_value: (%llu, %llu)\nit_interval: (%llu, %llu)\n", t->clock,
                (unsigned long long)ticks, t->set_flags, (unsigned long long)value.it_value.tv_sec,
                (unsigned long long)value.it_value.tv_nsec, (unsigned long long)value.it_interval.tv_sec,
                (unsigned long long)value.it_interval.tv_nsec);
}

int timerfd_set(struct file *f, int flags, const struct __kernel_itimerspec *new,
                struct __kernel_itimerspec *old)
{
    struct timerfd *t = f->private;
    nsec_t value, interval;
    if (to_ns(&new->it_value, &value) || to_ns(&new->it_interval, &interval))
        return -EINVAL;
    bool real = realtime_clock(t->clock), absolute = flags & TFD_TIMER_ABSTIME, wake = false;
    spin_lock(&t->lock);
    if (old)
        current_setting(t, old);
    t->interval = interval;
    t->absolute = real && absolute;
    t->cancel_on_set = t->absolute && (flags & TFD_TIMER_CANCEL_ON_SET);
    t->cancelled = false;
    t->realtime = value;
    t->earlier = 0;
    t->set_flags = (u32)flags;
    nsec_t now = clock_realtime();
    if (t->absolute && value && interval && value < now) {
        /* Since a time that may be from before this machine's start. */
        t->earlier = (now - value) / interval + 1;
        t->realtime = value += t->earlier * interval;
        wake = true;
    }
    if (!value)
        t->deadline = NSEC_NEVER;
    else if (t->absolute)
        t->deadline = from_realtime(value);
    else
        t->deadline = absolute ? value : platform_clock() + value;
    rearm(t);
    spin_unlock(&t->lock);
    if (wake)
        wait_wake_events(&t->wait, ~0u, EPOLLIN);
    return 0;
}

void timerfd_get(struct file *f, struct __kernel_itimerspec *value)
{
    struct timerfd *t = f->private;
    spin_lock(&t->lock);
    current_setting(t, value);
    spin_unlock(&t->lock);
}

void timerfd_clock_was_set(void)
{
    struct timerfd *t;
    mutex_lock(&realtime_lock);
    list_for_each(t, &realtime_timers, link) {
        spin_lock(&t->lock);
        bool cancel = t->cancel_on_set;
        if (cancel)
            t->cancelled = true;
        if (t->absolute && t->deadline != NSEC_NEVER) {
            t->deadline = from_realtime(t->realtime);
            rearm(t);
        }
        spin_unlock(&t->lock);
        if (cancel)
            wait_wake_events(&t->wait, ~0u, EPOLLIN);
    }
    mutex_unlock(&realtime_lock);
}
