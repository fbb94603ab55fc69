/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pseudo-terminals: pairs, and the slave's driver; the master's side is ptmx.c. The slave is a terminal
 * (fs/tty.h) with its line discipline; the master is a plain file: what is written to it is typed at the slave, what
 * the slave puts out can be read from it. Requests about modes, sizes and sessions are the slave's on both sides.
 *
 * Two queues connect them, both under the slave's lock: typed bytes for which its input has no room, and its output.
 * The pair lives until all its files are closed; its index is free from then on. Once the master has closed, nothing can be done
 * with the slave (hung_up), and its name is gone.
 */
#include <asm/ioctls.h>
#include "fs/devpts/devpts.h"
#include "fs/pty_internal.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"

#define UNFLUSHED 4095 /* bytes of output that a flush leaves: as far as they have got on Linux */

static struct mutex pairs_lock = MUTEX_INIT(LOCK_FS);
static struct pty *pairs;
static unsigned pair_count;

static struct pty *pty_of(struct tty *t)
{
    return container_of(t, struct pty, tty);
}

/* ------------------------------------------------------------ the slave's driver */

static size_t slave_room(struct tty *t)
{
    size_t used = READ_ONCE(pty_of(t)->output.bytes);

    return used > PTY_QUEUE_MAX - TTY_OUT_MAX ? 0 : PTY_QUEUE_MAX - used;
}

static size_t slave_write(struct tty *t, const void *data, size_t n)
{
    struct pty *p = pty_of(t);

    n = byte_queue_put(&p->output, data, MIN(n, slave_room(t)));
    if (n)
        wait_wake_all(&p->master_events);
    return n;
}

static bool slave_reserve(struct tty *t, size_t n)
{
    return byte_queue_reserve(&pty_of(t)->output, n);
}

/* Types what waits to be typed. */
static void slave_input_taken(struct tty *t)
{
    struct pty *p = pty_of(t);
    bool any = false;

    while (p->typed.bytes && ldisc_room(t)) {
        size_t n;
        const void *piece = byte_queue_front(&p->typed, &n);

        byte_queue_drop(&p->typed, tty_receive(t, piece, n));
        any = true;
    }
    if (any) {
        wait_wake_all(&t->events);
        wait_wake_all(&p->master_events);
    }
}

static void slave_status(struct tty *t, u8 what)
{
    struct pty *p = pty_of(t);

    if (!p->packets)
        return;
    if (what & (TIOCPKT_STOP | TIOCPKT_START))
        p->status &= (u8)~(TIOCPKT_STOP | TIOCPKT_START);
    if (what & (TIOCPKT_DOSTOP | TIOCPKT_NOSTOP))
        p->status &= (u8)~(TIOCPKT_DOSTOP | TIOCPKT_NOSTOP);
    p->status |= what;
    wait_wake_all(&p->master_events);
}

static void slave_flush_output(struct tty *t)
{
    struct pty *p = pty_of(t);

    if (p->output.bytes > UNFLUSHED) {
        byte_queue_cut(&p->output, UNFLUSHED);
        wait_wake_all(&t->events);
    }
    slave_status(t, TIOCPKT_FLUSHWRITE);
}

static void slave_flush_input(struct tty *t)
{
    byte_queue_clear(&pty_of(t)->typed);
}

static int slave_open(struct tty *t)
{
    struct pty *p = pty_of(t);

    if (t->hung_up || p->locked)
        return -EIO;
    p->slave_files++;
    p->slave_closed = false;
    return 0;
}

static void slave_close(struct tty *t)
{
    struct pty *p = pty_of(t);

    mutex_lock(&t->lock);
    p->slave_closed = --p->slave_files == 0;
    mutex_unlock(&t->lock);
    if (p->slave_closed)
        wait_wake_all(&p->master_events);
}

static void pty_release(struct tty *t)
{
    struct pty *p = pty_of(t), **at;

    mutex_lock(&pairs_lock);
    for (at = &pairs; *at != p; at = &(*at)->next)
        ;
    *at = p->next;
    pair_count--;
    mutex_unlock(&pairs_lock);
    byte_queue_clear(&p->typed);
    byte_queue_clear(&p->output);
    kfree(p);
}

static const struct tty_driver slave_driver = {
    .write = slave_write,
    .room = slave_room,
    .reserve = slave_reserve,
    .flush_output = slave_flush_output,
    .input_taken = slave_input_taken,
    .flush_input = slave_flush_input,
    .status = slave_status,
    .open = slave_open,
    .close = slave_close,
    .release = pty_release,
};

int pty_open_slave(unsigned index, struct file *f)
{
    struct pty *p;
    int error = -EIO;

    mutex_lock(&pairs_lock);
    for (p = pairs; p && p->index < index; p = p->next)
        ;
    /* refs 0: it is waiting for the lock, to be taken off the list. */
    if (p && p->index == index) {
        u32 refs = __atomic_load_n(&p->tty.refs, __ATOMIC_RELAXED);

        while (refs && !__atomic_compare_exchange_n(&p->tty.refs, &refs, refs + 1, false, __ATOMIC_ACQUIRE,
                                                    __ATOMIC_RELAXED))
            ;
        if (!refs)
            p = NULL;
    } else {
        p = NULL;
    }
    mutex_unlock(&pairs_lock);
    if (p) {
        error = tty_attach_file(&p->tty, f);
        tty_put(&p->tty);
    }
    return error;
}

/* ------------------------------------------------------------ new pairs */

/* Gives p the lowest index that is free: 0 or -ENOSPC. */
static int add_pair(struct pty *p)
{
    struct pty **at;
    int error = -ENOSPC;

    mutex_lock(&pairs_lock);
    if (pair_count < PTY_MAX) {
        for (at = &pairs; *at && (*at)->index == p->index; at = &(*at)->next)
            p->index++;
        p->next = *at;
        *at = p;
        pair_count++;
        error = 0;
    }
    mutex_unlock(&pairs_lock);
    return error;
}

int pty_open_master(struct file *f)
{
    struct pty *p = kzalloc(sizeof(*p));
    int error;

    if (!p)
        return -ENOMEM;
    tty_init(&p->tty, &slave_driver, 0);
    wait_queue_init(&p->master_events);
    p->locked = true;
    error = add_pair(p);
    if (error) {
        kfree(p);
        return error;
    }
    p->tty.device = (u32)device_number(PTY_MAJOR, p->index);
    error = devpts_add(p->index, p->tty.device);
    if (error) {
        tty_put(&p->tty);
        return error;
    }
    f->ops = &pty_master_ops;
    f->private = p;
    return 0;
}

unsigned pty_count(void)
{
    return READ_ONCE(pair_count);
}
