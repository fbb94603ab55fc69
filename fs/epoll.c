/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll(7). Each watched file has an item with a waiter on the file's poll queue. A wake-up pushes the item on
 * a lock-free stack of arrivals (it happens under the source's queue lock, in any context) and wakes one
 * thread in epoll_wait(); that thread moves arrivals to the ready list and asks only those files for
 * their events. Nothing ever walks all items.
 *
 * Invariants: item->queued is set exactly while the item is on the arrivals stack or the ready list. Items are
 * added and removed under topology; their place in the tree, the ready list and their event mask are
 * guarded by ep->lock. A scan pins the item (pins) and its file, and calls the file's poll with no lock held.
 */
#include <linux/fcntl.h>
#include "fs/event.h"
#include "fs/generated.h"
#include "kernel/heap.h"
#include "kernel/lib/rbtree.h"
#include "kernel/signal.h"
#include "kernel/user.h"

#define PRIVATE_BITS (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)
#define EXCLUSIVE_OK (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)
#define MAX_NESTS    5 /* epoll instances in a chain */

struct epoll {
    struct file *file;
    struct spinlock lock;              /* items, ready, and the items' fields as said there */
    struct rb_tree items;              /* by file address, then descriptor */
    struct list ready;                 /* items that had an event */
    u32 ready_count;
    struct epoll_item *arrivals;       /* atomic: items woken since the last look, newest first */
    struct wait_queue wait;            /* threads in epoll_wait (exclusive); pollers and outer epolls */
};

struct epoll_item {
    struct rb_node node;
    struct epoll *ep;
    struct file *file;                 /* no reference: epoll_forget() comes before the file goes */
    int fd;
    u32 events;                        /* wanted, errors included; only PRIVATE_BITS while a one-shot item sleeps */
    u64 data;                          /* the program's */
    struct waiter waiter;
    struct wait_queue *queue;          /* where waiter is, or NULL */
    struct list file_link;             /* file->epoll_items, under topology */
    struct list ready_link;            /* ep->ready */
    struct epoll_item *next_arrival;
    u32 queued;                        /* atomic */
    u32 pins;                          /* scans that use it */
    bool dead;                         /* removed from the tree; freed with the last pin */
};

/* Guards who watches what: additions, removals, nesting. Outside every ep->lock. */
static struct mutex topology = MUTEX_INIT(LOCK_FS);

static const struct file_ops epoll_ops;

bool file_is_epoll(const struct file *f)
{
    return f->ops == &epoll_ops;
}

/* ------------------------------------------------------------ arrivals and the ready list */

static bool has_ready(const struct epoll *ep)
{
    return !list_empty(&ep->ready) || READ_ONCE(ep->arrivals);
}

/* Puts item on the arrivals stack unless it waits somewhere already. Any context. */
static bool push_arrival(struct epoll_item *item)
{
    if (__atomic_exchange_n(&item->queued, 1, __ATOMIC_ACQ_REL))
        return false;
    struct epoll_item *head = __atomic_load_n(&item->ep->arrivals, __ATOMIC_RELAXED);
    do
        item->next_arrival = head;
    while (!__atomic_compare_exchange_n(&item->ep->arrivals, &head, item, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED));
    return true;
}

/* The waiter's wake function: under the source queue's lock, masked. */
static bool item_wake(struct waiter *w, u32 events)
{
    struct epoll_item *item = container_of(w, struct epoll_item, waiter);
    if (!(events & READ_ONCE(item->events) & ~PRIVATE_BITS))
        return false;
    push_arrival(item);
    struct epoll *ep = item->ep;
    bool someone = !list_empty(&ep->wait.waiters);
    wait_wake_events_nested(&ep->wait, 1, EPOLLIN | EPOLLRDNORM);
    return someone || !item->waiter.exclusive;
}

/* Moves the arrivals behind the ready list, oldest first. ep->lock held. */
static void collect_arrivals(struct epoll *ep)
{
    if (!READ_ONCE(ep->arrivals))
        return;
    struct epoll_item *stack = __atomic_exchange_n(&ep->arrivals, NULL, __ATOMIC_ACQUIRE);
    struct list *tail = ep->ready.prev;
    for (struct epoll_item *next; stack; stack = next) {
        next = stack->next_arrival;
        list_insert_between(&stack->ready_link, tail, tail->next);
        ep->ready_count++;
    }
}

/* Back on the ready list unless an event has done so. ep->lock held. */
static void requeue(struct epoll *ep, struct epoll_item *item, bool at_head)
{
    if (item->dead || __atomic_exchange_n(&item->queued, 1, __ATOMIC_ACQ_REL))
        return;
    if (at_head)
        list_add_head(&ep->ready, &item->ready_link);
    else
        list_add_tail(&ep->ready, &item->ready_link);
    ep->ready_count++;
}

/* ep->lock held. */
static void unpin(struct epoll_item *item)
{
    if (--item->pins == 0 && item->dead)
        kfree(item);
}

/* A reference to a file that may be on its way out: false if it is. */
static bool file_try_get(struct file *f)
{
    u32 refs = READ_ONCE(f->refs);
    while (refs) {
        if (__atomic_compare_exchange_n(&f->refs, &refs, refs + 1, true, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return true;
    }
    return false;
}

/* An item that has left the ready list to be asked. */
struct candidate {
    struct epoll_item *item; /* pinned */
    struct file *file;       /* a reference, or NULL: nothing is wanted of it, or it goes */
    u32 events;              /* wanted; once asked, those that the file has now */
};

/* Takes at most n items from the ready list. ep->lock held. */
static unsigned take_candidates(struct epoll *ep, struct candidate *c, unsigned n)
{
    struct epoll_item *item;
    unsigned taken = 0;
    collect_arrivals(ep);
    for (; taken < n && (item = list_first(&ep->ready, struct epoll_item, ready_link)); taken++) {
        list_remove(&item->ready_link);
        ep->ready_count--;
        /* Cleared before the file is asked: an event from now on queues the item again. */
        __atomic_store_n(&item->queued, 0, __ATOMIC_SEQ_CST);
        item->pins++;
        u32 wanted = item->events & ~PRIVATE_BITS;
        c[taken] = (struct candidate){item, wanted && file_try_get(item->file) ? item->file : NULL, wanted};
    }
    return taken;
}

/* ep->lock not held. */
static void ask(struct candidate *c, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        u32 now = c[i].file ? file_poll(c[i].file) : 0;
        c[i].events &= now;
        if (c[i].events)
            c[i].events |= now & POLL_CROWD;
        if (c[i].file)
            file_put(c[i].file);
    }
}

/* ------------------------------------------------------------ waiting */

/* One more thread may look. No event: who polls ep, or watches it by another epoll, has been told of what came. */
static void pass_on(struct epoll *ep)
{
    wait_wake_events(&ep->wait, 1, 0);
}

#define BATCH 16u /* items between two takings of the lock */

/*
 * Turns candidates that have events into what is reported: out, and in the same places of c who it is from and (in events) what it
 * was armed with; the others are let go. A level-triggered item goes back to the end, to be asked again by the next call, and one with a crowd
 * (a listener that nginx accepts one connection from at each event) to the front: *crowds counts those, and this call is to end, since the
 * connections before would be served so often that the crowd would wait for seconds. How many are reported. ep->lock held.
 */
static unsigned prepare(struct epoll *ep, struct candidate *c, unsigned n, struct epoll_event *out, unsigned *crowds)
{
    unsigned reported = 0;
    for (unsigned i = 0; i < n; i++) {
        struct epoll_item *item = c[i].item;
        u32 armed = item->events & ~POLL_CROWD, events = c[i].events & armed; /* another thread may have had a one-shot event meanwhile */
        bool crowd = c[i].events & POLL_CROWD && *crowds < BATCH / 2;
        if (!events) {
            unpin(item);
            continue;
        }
        out[reported] = (struct epoll_event){.events = events, .data = item->data};
        c[reported++] = (struct candidate){item, NULL, armed};
        if (armed & EPOLLONESHOT)
            item->events &= PRIVATE_BITS;
        else if (!(armed & EPOLLET))
            requeue(ep, item, crowd);
        *crowds += crowd;
    }
    return reported;
}

/* How many of n events the program has got: all, or those before memory that cannot be written. */
static unsigned copy_events(struct epoll_event *to, const struct epoll_event *events, unsigned n)
{
    unsigned copied = 0;
    if (!copy_to_user(to, events, n * sizeof(*events)))
        return n;
    while (copied < n && !copy_to_user(&to[copied], &events[copied], sizeof(*events)))
        copied++;
    return copied;
}

/* Hands out at most max ready events; what is asked is bounded by what was ready at the start. */
static int harvest(struct epoll *ep, struct epoll_event *user_events, int max)
{
    struct candidate c[BATCH];
    struct epoll_event out[BATCH];
    int done = 0;
    unsigned crowds = 0;
    bool failed = false;
    spin_lock(&ep->lock);
    collect_arrivals(ep);
    for (u32 rounds = ep->ready_count; rounds && done < max && !failed && !crowds;) {
        unsigned n = take_candidates(ep, c, MIN(MIN(rounds, BATCH), (u32)(max - done)));
        if (!n)
            break;
        rounds -= n;
        spin_unlock(&ep->lock);
        ask(c, n);
        spin_lock(&ep->lock);
        n = prepare(ep, c, n, out, &crowds);
        spin_unlock(&ep->lock);
        unsigned copied = copy_events(&user_events[done], out, n);
        spin_lock(&ep->lock);
        for (unsigned i = n; i-- > copied;) {
            c[i].item->events |= c[i].events;
            requeue(ep, c[i].item, true);
        }
        for (unsigned i = 0; i < n; i++)
            unpin(c[i].item);
        failed = copied < n;
        done += (int)copied;
    }
    bool more = has_ready(ep);
    spin_unlock(&ep->lock);
    if (more)
        pass_on(ep);
    return failed && !done ? -EFAULT : done;
}

int epoll_wait_events(struct file *ep_file, struct epoll_event *user_events, int max, nsec_t deadline)
{
    struct epoll *ep = ep_file->private;
    for (;;) {
        if (has_ready(ep)) {
            int n = harvest(ep, user_events, max);
            if (n)
                return n;
        }
        if (deadline == 0)
            return 0;
        if (current_interrupted())
            return -EINTR;
        int error = wait_event_exclusive_if(&ep->wait, has_ready(ep), deadline, WAIT_INTERRUPTIBLE, true);
        if (error == -ETIMEDOUT) {
            deadline = 0; /* one last look */
        } else if (error) {
            if (has_ready(ep)) /* a wake-up meant for us must not be lost */
                pass_on(ep);
            return -EINTR;
        }
    }
}

static u32 epoll_poll(struct file *f)
{
    struct epoll *ep = f->private;
    struct candidate c = {.events = 0};
    spin_lock(&ep->lock);
    collect_arrivals(ep);
    for (u32 rounds = ep->ready_count; rounds && !c.events && take_candidates(ep, &c, 1); rounds--) {
        spin_unlock(&ep->lock);
        ask(&c, 1);
        spin_lock(&ep->lock);
        if (c.events)
            requeue(ep, c.item, true);
        unpin(c.item);
    }
    spin_unlock(&ep->lock);
    return c.events ? EPOLLIN | EPOLLRDNORM : 0;
}

static struct wait_queue *epoll_poll_queue(struct file *f)
{
    return &((struct epoll *)f->private)->wait;
}

/* ------------------------------------------------------------ adding, changing, removing */

/* ep->lock held. */
static struct epoll_item *find_item(struct epoll *ep, struct file *f, int fd)
{
    struct rb_node *n = ep->items.root;
    while (n) {
        struct epoll_item *item = container_of(n, struct epoll_item, node);
        if (f == item->file && fd == item->fd)
            return item;
        bool left = f < item->file || (f == item->file && fd < item->fd);
        n = left ? n->left : n->right;
    }
    return NULL;
}

/* ep->lock held. */
static void insert_item(struct epoll *ep, struct epoll_item *item)
{
    struct rb_node **link = &ep->items.root, *parent = NULL;
    while (*link) {
        struct epoll_item *at = container_of(*link, struct epoll_item, node);
        parent = *link;
        bool left = item->file < at->file || (item->file == at->file && item->fd < at->fd);
        link = left ? &parent->left : &parent->right;
    }
    rb_insert(&ep->items, &item->node, parent, link);
}

/* topology held. The file may have no references left, but has not been released. */
static void remove_item(struct epoll_item *item)
{
    struct epoll *ep = item->ep;
    if (item->queue)
        wait_remove(item->queue, &item->waiter); /* no more arrivals from here on */
    list_remove(&item->file_link);
    spin_lock(&ep->lock);
    collect_arrivals(ep);
    rb_remove(&ep->items, &item->node);
    if (item->queued) {
        list_remove(&item->ready_link);
        ep->ready_count--;
    }
    item->dead = true;
    item->pins++;
    unpin(item);
    spin_unlock(&ep->lock);
}

void epoll_forget(struct file *f)
{
    struct epoll_item *item;
    mutex_lock(&topology);
    while ((item = list_first(&f->epoll_items, struct epoll_item, file_link)))
        remove_item(item);
    mutex_unlock(&topology);
}

/* Longest chain of epolls that ep watches, itself included; -1 if target is among them. topology held. */
static int chain_below(struct epoll *ep, const struct epoll *target, int depth)
{
    int longest = 0;
    if (ep == target || depth > MAX_NESTS)
        return -1;
    for (struct rb_node *n = rb_first(&ep->items); n; n = rb_next(n)) {
        struct epoll_item *item = container_of(n, struct epoll_item, node);
        if (!file_is_epoll(item->file))
            continue;
        int below = chain_below(item->file->private, target, depth + 1);
        if (below < 0)
            return -1;
        longest = MAX(longest, below);
    }
    return longest + 1;
}

/* Longest chain of epolls that watch ep, itself included. topology held. */
static int chain_above(const struct epoll *ep)
{
    struct epoll_item *item;
    int longest = 0;
    list_for_each(item, &ep->file->epoll_items, file_link)
        longest = MAX(longest, chain_above(item->ep));
    return longest + 1;
}

/* Asks the file for the first time; a file that is ready already counts as an event. */
static void first_look(struct epoll_item *item, struct file *f)
{
    /* The item's place in the queue and its mask before the file's state: a waker looks at them in the other order. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (file_poll(f) & item->events & ~PRIVATE_BITS && push_arrival(item))
        wait_wake_events(&item->ep->wait, 1, EPOLLIN | EPOLLRDNORM);
}

/* topology held. */
static int add_item(struct epoll *ep, struct file *f, int fd, const struct epoll_event *event)
{
    if (file_is_epoll(f)) {
        int below = chain_below(f->private, ep, 0);
        if (below < 0 || below + chain_above(ep) > MAX_NESTS)
            return -ELOOP;
    }
    struct epoll_item *item = kzalloc(sizeof(*item));
    if (!item)
        return -ENOMEM;
    item->ep = ep;
    item->file = f;
    item->fd = fd;
    item->events = event->events | EPOLLERR | EPOLLHUP;
    item->data = event->data;
    list_init(&item->ready_link);
    list_add_tail(&f->epoll_items, &item->file_link);
    spin_lock(&ep->lock);
    insert_item(ep, item);
    spin_unlock(&ep->lock);
    waiter_init(&item->waiter, event->events & EPOLLEXCLUSIVE);
    item->waiter.wake = item_wake;
    item->waiter.thread = NULL;
    item->queue = f->ops->poll_queue ? f->ops->poll_queue(f) : NULL;
    if (item->queue)
        wait_add(item->queue, &item->waiter);
    first_look(item, f);
    return 0;
}

/* topology held, so the item stays. */
static int modify_item(struct epoll_item *item, struct file *f, const struct epoll_event *event)
{
    if ((item->events | event->events) & EPOLLEXCLUSIVE)
        return -EINVAL;
    spin_lock(&item->ep->lock);
    item->events = event->events | EPOLLERR | EPOLLHUP;
    item->data = event->data;
    spin_unlock(&item->ep->lock);
    first_look(item, f);
    return 0;
}

int epoll_control(struct file *ep_file, int op, struct file *target, int fd,
                  const struct epoll_event *event)
{
    if (!target->ops->poll)
        return -EPERM;
    if (ep_file == target || !file_is_epoll(ep_file))
        return -EINVAL;
    struct epoll *ep = ep_file->private;
    if (event && event->events & EPOLLEXCLUSIVE) {
        if (op == EPOLL_CTL_MOD)
            return -EINVAL;
        if (op == EPOLL_CTL_ADD && (file_is_epoll(target) || event->events & ~EXCLUSIVE_OK))
            return -EINVAL;
    }
    int error;
    mutex_lock(&topology);
    spin_lock(&ep->lock);
    struct epoll_item *item = find_item(ep, target, fd);
    spin_unlock(&ep->lock);
    switch (op) {
    case EPOLL_CTL_ADD:
        error = item ? -EEXIST : add_item(ep, target, fd, event);
        break;
    case EPOLL_CTL_MOD:
        error = item ? modify_item(item, target, event) : -ENOENT;
        break;
    case EPOLL_CTL_DEL:
        error = item ? 0 : -ENOENT;
        if (item)
            remove_item(item);
        break;
    default:
        error = -EINVAL;
    }
    mutex_unlock(&topology);
    return error;
}

/* ------------------------------------------------------------ the file */

static void epoll_release(struct file *f)
{
    struct epoll *ep = f->private;
    struct rb_node *n;
    mutex_lock(&topology);
    while ((n = rb_first(&ep->items)))
        remove_item(container_of(n, struct epoll_item, node));
    mutex_unlock(&topology);
    kfree(ep);
}

/* Files stay while topology is held. */
static void epoll_fdinfo(struct file *f, struct text *t)
{
    struct epoll *ep = f->private;
    struct stat st;
    mutex_lock(&topology);
    for (struct rb_node *n = rb_first(&ep->items); n; n = rb_next(n)) {
        const struct epoll_item *item = container_of(n, struct epoll_item, node);
        const struct inode *i = item->file->inode;
        if (!i && file_stat(item->file, &st))
            continue;
        text_printf(t, "tfd: %8d events: %8x data: %16llx  pos:%lli ino:%llx sdev:%llx\n", item->fd, READ_ONCE(item->events),
                    (unsigned long long)item->data, (long long)file_position(item->file),
                    (unsigned long long)(i ? i->ino : st.st_ino), (unsigned long long)(i ? i->super->dev : st.st_dev));
    }
    mutex_unlock(&topology);
}

static const struct file_ops epoll_ops = {
    .kind = "anon_inode:[eventpoll]",
    .seek = event_seek,
    .poll = epoll_poll,
    .poll_queue = epoll_poll_queue,
    .fdinfo = epoll_fdinfo,
    .release = epoll_release,
};

struct file *epoll_file_create(void)
{
    struct epoll *ep = kzalloc(sizeof(*ep));
    if (!ep)
        return ERR_PTR(-ENOMEM);
    spin_init(&ep->lock, LOCK_EPOLL);
    wait_queue_init(&ep->wait);
    list_init(&ep->ready);
    file_epoll_release = epoll_forget;
    ep->file = file_create(&epoll_ops, O_RDWR, ep);
    if (!ep->file) {
        kfree(ep);
        return ERR_PTR(-ENOMEM);
    }
    return ep->file;
}
