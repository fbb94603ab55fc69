/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The byte stream between two sockets. Senders copy the program's data into a chunk first and take the stream's
 * lock only to append it; a receiver holds its socket's read_lock, so chunks stay where they are while
 * it copies out of them without the spinlock (the program's pages may have to be brought in).
 */
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "net/control.h"
#include "net/network.h"
#include "net/stream.h"

/* One allocation; larger sends are several of these under one charge. */
#define CHUNK_DATA_MAX (16 * 1024 - sizeof(struct chunk))

#define SMALL_CHUNK    1024 /* when memory is short or in pieces */

#define READABLE (EPOLLIN | EPOLLRDNORM)
#define WRITABLE (EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND)

struct byte_stream *stream_create(struct socket *a, struct socket *b)
{
    struct byte_stream *st = kzalloc(sizeof(*st));
    if (!st)
        return NULL;
    byte_stream_init(st, a, b);
    return st;
}

void byte_stream_init(struct byte_stream *st, struct socket *a, struct socket *b)
{
    st->refs = 2;
    spin_init(&st->lock, LOCK_SOCKET);
    list_init(&st->side[0].chunks);
    list_init(&st->side[1].chunks);
    st->side[0].socket = a;
    st->side[1].socket = b;
    st->outside = !b;
    a->side = 0;
    if (b) {
        b->side = 1;
        b->stream = st;
    }
}

void stream_wake(struct stream_side *side, u32 events)
{
    if (side->socket)
        wait_wake_events(&side->socket->wait, ~0u, events);
}

struct chunk *chunk_create(u32 size)
{
    struct chunk *c = kmalloc(sizeof(*c) + size);
    if (c) {
        c->data = c->bytes;
        c->start = 0;
        c->end = size;
        c->charge = 0;
        c->passed = NULL;
        c->frame = NULL;
    }
    return c;
}

void chunk_free(struct chunk *c)
{
    if (c->frame)
        network_frame_free(c->frame);
    passed_free(c->passed);
    kfree(c);
}

/* Is there nobody at the other end? */
static bool far_end_gone(const struct socket *s)
{
    return !s->stream->outside && !READ_ONCE(stream_other(s)->socket);
}

u64 stream_readable(const struct socket *s)
{
    return READ_ONCE(stream_mine(s)->bytes);
}

u64 stream_unread_by_peer(const struct socket *s)
{
    return READ_ONCE(stream_other(s)->bytes);
}

static u64 outside_charge;

void stream_outside_add(s64 charge)
{
    __atomic_add_fetch(&outside_charge, (u64)charge, __ATOMIC_RELAXED);
}

u64 stream_outside_charge(void)
{
    return READ_ONCE(outside_charge);
}

/*
 * The limit of what goes to the outside changes with the memory there is, so acknowledgements do not tell by it whom to wake: who finds no
 * room leaves a mark, and looks once more.
 */
static bool mark_starved(const struct socket *s)
{
    if (!s->stream->outside)
        return false;
    __atomic_store_n(&stream_other(s)->starved, true, __ATOMIC_SEQ_CST);
    return true;
}

static bool is_writable(const struct socket *s, const struct stream_rules *rules)
{
    return rules->writable(READ_ONCE(stream_other(s)->charge), rules->limit(s));
}

bool stream_writable(const struct socket *s, const struct stream_rules *rules)
{
    return is_writable(s, rules) || (mark_starved(s) && is_writable(s, rules));
}

/* ------------------------------------------------------------ sending */

/* What a send must return before anything else: the pending error, or EPIPE after shutdown. */
static int send_error(struct socket *s, const struct stream_rules *rules)
{
    bool shut = READ_ONCE(stream_mine(s)->shutdown) & SHUT_WRITE;
    if (shut && rules->shutdown_first)
        return -EPIPE;
    int error = socket_take_error(s);
    return error ? error : shut ? -EPIPE : 0;
}

static bool below_limit(const struct socket *s, const struct stream_rules *rules)
{
    return READ_ONCE(stream_other(s)->charge) < rules->limit(s);
}

static bool has_room(const struct socket *s, const struct stream_rules *rules)
{
    return below_limit(s, rules) || (mark_starved(s) && below_limit(s, rules));
}

static bool send_stuck(const struct socket *s)
{
    return READ_ONCE(s->error) || (READ_ONCE(stream_mine(s)->shutdown) & SHUT_WRITE) ||
           far_end_gone(s);
}

static int wait_for_room(struct socket *s, const struct stream_rules *rules, nsec_t deadline)
{
    if (has_room(s, rules) || send_stuck(s))
        return 0;
    if (!deadline)
        return -EAGAIN;
    int error = wait_event(&s->wait, has_room(s, rules) || send_stuck(s), deadline, WAIT_INTERRUPTIBLE);
    return socket_wait_error(error, deadline);
}

/* Copies up to n bytes into new chunks at the end of list. Returns bytes, or an error if there are none. */
static ssize copy_in(struct io *io, u32 n, struct list *list)
{
    ssize done = 0;
    while (done < (ssize)n) {
        u32 size = MIN(n - (u32)done, (u32)CHUNK_DATA_MAX);
        struct chunk *c = chunk_create(size);
        if (!c && size > SMALL_CHUNK) {
            size = SMALL_CHUNK;
            c = chunk_create(size);
        }
        if (!c)
            return done ? done : -ENOBUFS;
        ssize copied = io_copy_piece_from(io, c->data, size);
        if (copied <= 0) {
            kfree(c);
            return done ? done : copied ? copied : -EFAULT;
        }
        c->end = (u32)copied;
        list_add_tail(list, &c->link);
        done += copied;
        if (copied < (ssize)size)
            break;
    }
    return done;
}

static void free_list(struct list *list)
{
    struct chunk *c;
    while ((c = list_first(list, struct chunk, link))) {
        list_remove(&c->link);
        chunk_free(c);
    }
}

void chunks_append(struct list *queue, struct list *list)
{
    if (list_empty(list))
        return;
    list->prev->next = queue;
    list->next->prev = queue->prev;
    queue->prev->next = list->next;
    queue->prev = list->prev;
    list_init(list);
}

/* Chunks of m are on their way from s to the other end: who sent them. stream.lock held. */
static void mark_sender(struct socket *s, const struct message *m, struct list *list)
{
    struct chunk *c;
    bool told = m->has_credentials || control_wants_sender(s) || control_wants_sender(stream_other(s)->socket);
    list_for_each(c, list, link)
        c->credentials = told ? m->credentials : credentials_unknown;
}

/*
 * The one that was so before is from now on like the others; but TCP drops it when the next read would begin there.
 */
void stream_mark_urgent(struct stream_side *to, struct list *list, struct list *dropped, const struct stream_rules *rules)
{
    struct chunk *old = to->urgent;
    bool next = old && !rules->passes_files && list_first(&to->chunks, struct chunk, link) == old &&
                !OPTION_SET(to->socket, SO_OOBINLINE);
    if (old && !next && !rules->passes_files && old->start == old->end) {
        old->start--; /* TCP reads what was taken once more */
        to->bytes++;
    } else if (old && (next || old->start == old->end)) {
        to->charge -= old->charge;
        to->bytes -= old->end - old->start;
        list_remove(&old->link);
        list_add_tail(dropped, &old->link);
    }
    to->urgent = list_first(list, struct chunk, link);
}

/* Hands n bytes of m in list to the other end. The number taken, or negative errno; chunks left in list are to be freed. */
static ssize deliver(struct socket *s, const struct message *m, struct list *list, u32 n, u32 charge,
                     const struct stream_rules *rules)
{
    struct stream_side *me = stream_mine(s), *other = stream_other(s);
    struct list dropped = LIST_INIT(dropped);
    ssize result = (ssize)n;
    spin_lock(&s->stream->lock);
    if (me->shutdown & SHUT_WRITE) {
        result = -EPIPE;
    } else if (far_end_gone(s) || (me->ended && other->shutdown & SHUT_READ)) {
        result = rules->to_closed(s);
        if (!result)
            result = (ssize)n;
    } else {
        struct chunk *first = list_first(list, struct chunk, link);
        if (rules->passes_files)
            mark_sender(s, m, list);
        if (unlikely(m->flags & MSG_OOB) && !s->stream->outside)
            stream_mark_urgent(other, list, &dropped, rules);
        if (first->passed)
            passed_take_off(first->passed, other->socket);
        chunks_append(&other->chunks, list);
        other->bytes += n;
        other->arrivals++;
        other->charge += charge;
        if (s->stream->outside)
            stream_outside_add(charge);
        stream_wake(other, m->flags & MSG_OOB ? READABLE | EPOLLPRI | WAKE_URGENT : READABLE);
    }
    spin_unlock(&s->stream->lock);
    free_list(&dropped);
    return result;
}

/* One piece of a send: at most max bytes under one charge. */
static ssize send_piece(struct socket *s, struct message *m, size_t max, const struct stream_rules *rules)
{
    struct list list = LIST_INIT(list);
    ssize n = copy_in(&m->io, (u32)MIN(m->io.left, max), &list);
    if (n <= 0)
        return n;
    struct chunk *first = list_first(&list, struct chunk, link);
    struct chunk *last = list_entry(list.prev, struct chunk, link);
    u32 charge = rules->charge((u32)n);
    last->charge = charge; /* given back when the whole piece has been read */
    struct passed_files *passed = first->passed = m->passed;
    m->passed = NULL;
    ssize result = deliver(s, m, &list, (u32)n, charge, rules);
    if (result < 0) {
        io_revert(&m->io, (size_t)n);
        first->passed = NULL;
        m->passed = passed;
    }
    free_list(&list);
    return result;
}

/* Bytes of m that go as one piece. The last byte of an urgent message goes alone, without MSG_OOB what is before it. */
static size_t piece_size(const struct socket *s, struct message *m, bool urgent, const struct stream_rules *rules)
{
    size_t max = rules->chunk_max;
    if (rules->passes_files)
        max = MIN(max, (size_t)rules->limit(s) / 2 - 64);
    else if (s->stream->outside)
        max = MIN(max, (size_t)rules->limit(s));
    if (likely(!urgent))
        return max;
    m->flags = m->io.left == 1 ? m->flags | MSG_OOB : m->flags & ~MSG_OOB;
    return m->io.left == 1 ? 1 : MIN(max, m->io.left - 1);
}

ssize stream_send(struct socket *s, struct message *m, const struct stream_rules *rules)
{
    nsec_t deadline = socket_send_deadline(s, m->flags);
    bool urgent = m->flags & MSG_OOB;
    ssize done = 0;
    int error = send_error(s, rules);
    while (!error && m->io.left) {
        /* The urgent byte goes with the bytes before it, even to an end that answered those with a reset. */
        bool last = urgent && done && m->io.left == 1;
        if (!last)
            error = wait_for_room(s, rules, deadline);
        if (!error && !last)
            error = send_error(s, rules);
        if (error)
            break;
        ssize n = send_piece(s, m, piece_size(s, m, urgent, rules), rules);
        if (n < 0 && last)
            return done + 1;
        if (n < 0)
            error = (int)n;
        else
            done += n;
        if (unlikely(urgent) && n > 0 && m->flags & MSG_OOB && s->stream->outside)
            network_stream_urgent(s->stream);
        if (n > 0 && s->stream->outside)
            network_stream_sent(s->stream, m->io.left || m->flags & MSG_MORE);
    }
    return done ? done : error;
}

/* ------------------------------------------------------------ receiving */

/* What a read finds. */
struct place {
    struct chunk *chunk;  /* with the next byte; NULL: none */
    size_t skip;          /* bytes of it that were looked at before; in: bytes from the front */
    struct chunk *passed; /* the urgent byte, which this read leaves out: to be consumed */
    bool at_mark;         /* the urgent byte is next: what was read so far is all */
    u32 arrivals;         /* then */
};

/*
 * Looks where the urgent byte u stands in the way of a read that has done bytes: it ends a read before it; the read that
 * begins there drops it, unless it is in line. True: u is the next byte to read, or p says what is to be done.
 */
static bool meets_urgent(struct socket *s, struct chunk *u, struct place *p, size_t done, bool peek)
{
    bool in_line = OPTION_SET(s, SO_OOBINLINE) && u->start != u->end;
    if (done && !p->skip) {
        p->at_mark = true;
        return true;
    }
    if (!peek)
        stream_mine(s)->urgent = NULL;
    if (!in_line && !peek)
        p->passed = u;
    return !in_line && !peek;
}

/* read_lock held. */
static struct place find_place(struct socket *s, size_t skip, size_t done, bool peek)
{
    struct stream_side *me = stream_mine(s);
    struct place p = {.skip = skip};
    struct chunk *c;
    spin_lock(&s->stream->lock);
    p.arrivals = me->arrivals;
    list_for_each(c, &me->chunks, link) {
        if (unlikely(c == me->urgent)) {
            if (meets_urgent(s, c, &p, done, peek))
                break;
            if (!OPTION_SET(s, SO_OOBINLINE))
                continue;
        }
        if (p.skip < c->end - c->start) {
            p.chunk = c;
            break;
        }
        p.skip -= c->end - c->start;
    }
    spin_unlock(&s->stream->lock);
    return p;
}

/* Takes n bytes off the front chunk c, and frees it when it is used up. read_lock held. */
static void consume(struct socket *s, struct chunk *c, u32 n, const struct stream_rules *rules)
{
    struct stream_side *me = stream_mine(s), *other = stream_other(s);
    bool used_up;
    spin_lock(&s->stream->lock);
    c->start += n;
    me->bytes -= n;
    used_up = c->start == c->end;
    if (used_up) {
        list_remove(&c->link);
        u64 before = me->charge;
        me->charge = before - c->charge; /* first: who is woken looks at it without the lock */
        if (c->charge && other->socket) {
            u64 limit = rules->limit(other->socket);
            if (!rules->writable(before, limit) && rules->writable(me->charge, limit))
                wait_wake_events(&other->socket->wait, ~0u, WRITABLE);
        }
    }
    spin_unlock(&s->stream->lock);
    if (used_up)
        chunk_free(c);
}

/* There was nothing to read: 1 at the end of the stream, an error, 0 to wait, or -EAGAIN to look again. */
static int receive_end(struct socket *s, u32 arrivals)
{
    struct stream_side *me = stream_mine(s);
    bool ended = READ_ONCE(me->ended), shut = READ_ONCE(me->shutdown) & SHUT_READ, failed = READ_ONCE(s->error);
    /* What the other end sent just before it ended comes first. */
    if ((ended || shut || failed) && __atomic_load_n(&me->arrivals, __ATOMIC_ACQUIRE) != arrivals)
        return -EAGAIN;
    /* A FIN is the end even if a reset came after it; otherwise a pending error comes first. */
    int error = ended || !failed ? 0 : socket_take_error(s);
    return error ? error : ended || shut;
}

static bool receive_ready(const struct socket *s, u32 arrivals)
{
    const struct stream_side *me = stream_mine(s);
    return READ_ONCE(me->arrivals) != arrivals || READ_ONCE(s->error) || (READ_ONCE(me->shutdown) & SHUT_READ);
}

/* Copies from chunk c to the program. Bytes, or -EFAULT. */
static ssize copy_out(struct message *m, struct chunk *c, size_t skip, bool discard)
{
    size_t n = MIN((size_t)(c->end - c->start) - skip, m->io.left);
    if (!discard)
        return io_copy_piece_to(&m->io, c->data + c->start + skip, n);
    io_advance(&m->io, n);
    return (ssize)n;
}

static bool same_sender(const struct ucred *a, const struct ucred *b)
{
    return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

/* Files of a chunk that is being read: they come with its first byte. True: the receive ends with this chunk. */
static bool take_files(struct message *m, struct chunk *c, bool peek, struct passed_files **passed)
{
    if (!c->passed)
        return false;
    if (peek) {
        *passed = passed_copy(c->passed);
    } else {
        *passed = c->passed;
        c->passed = NULL;
        passed_land(*passed);
    }
    return true;
}

ssize stream_receive(struct socket *s, struct message *m, const struct stream_rules *rules)
{
    bool peek = m->flags & MSG_PEEK, discard = (m->flags & MSG_TRUNC) && !rules->passes_files;
    nsec_t deadline = socket_receive_deadline(s, m->flags);
    size_t wanted = m->io.left, offset = socket_peek_offset(s, m->flags);
    size_t target = m->flags & MSG_WAITALL ? wanted : MIN(wanted, (size_t)s->options.receive_low_water);
    struct passed_files *passed = NULL;
    struct ucred sender = {0};
    bool files = false, outside = s->stream->outside;
    ssize done = 0;
    u64 taken = 0; /* from outside, not told yet */
    int error = 0;

    mutex_lock(&s->read_lock);
    while ((m->io.left || !wanted) && !files) { /* a receive of nothing waits for data, too */
        struct place p = find_place(s, peek ? offset + (size_t)done : 0, (size_t)done, peek);
        struct chunk *c = p.chunk;
        if (unlikely(p.passed)) {
            consume(s, p.passed, p.passed->end - p.passed->start, rules);
            continue;
        }
        if (p.at_mark)
            break;
        if (!c) {
            if (done && ((size_t)done >= target || (peek && rules->passes_files)))
                break;
            error = receive_end(s, p.arrivals);
            if (error == -EAGAIN) {
                error = 0;
                continue;
            }
            if (error)
                break;
            if (!deadline) {
                error = -EAGAIN;
                break;
            }
            mutex_unlock(&s->read_lock);
            if (outside) {
                network_stream_received(s->stream, taken);
                network_look();
            }
            taken = 0;
            error = wait_event(&s->wait, receive_ready(s, p.arrivals), deadline, WAIT_INTERRUPTIBLE);
            error = socket_wait_error(error, deadline);
            mutex_lock(&s->read_lock);
            if (error)
                break;
            continue;
        }
        if (!wanted)
            break;
        if (rules->passes_files) {
            if (!done)
                sender = c->credentials;
            else if (control_wants_sender(s) && !same_sender(&sender, &c->credentials))
                break;
        }
        ssize n = copy_out(m, c, p.skip, discard);
        if (n < 0) {
            error = (int)n;
            break;
        }
        files = take_files(m, c, peek, &passed);
        done += n;
        if (!peek) {
            consume(s, c, (u32)n, rules);
            taken += (u64)n;
        }
    }
    mutex_unlock(&s->read_lock);
    if (outside && taken)
        network_stream_received(s->stream, taken);

    socket_peek_move(s, m->flags, (size_t)done);
    if (done && rules->passes_files)
        control_put_message(s, m, &sender, passed);
    return done ? done : error < 0 ? error : 0;
}

ssize stream_receive_urgent(struct socket *s, struct message *m)
{
    struct stream_side *me = stream_mine(s);
    ssize result = -EINVAL;
    mutex_lock(&s->read_lock);
    spin_lock(&s->stream->lock);
    struct chunk *c = OPTION_SET(s, SO_OOBINLINE) ? NULL : me->urgent;
    bool some = c && c->start != c->end;
    u8 byte = some ? c->data[c->start] : 0;
    if (some && !(m->flags & MSG_PEEK)) {
        /* It stays in the queue, empty, as the mark. */
        c->start = c->end;
        me->bytes--;
    }
    spin_unlock(&s->stream->lock);
    mutex_unlock(&s->read_lock);
    if (some && !(m->flags & MSG_PEEK) && s->stream->outside)
        network_stream_received(s->stream, 1);
    if (some) {
        m->result_flags |= MSG_OOB;
        result = m->io.left ? io_copy_to(&m->io, &byte, 1) : 0;
    }
    return result;
}

bool stream_urgent(const struct socket *s)
{
    struct stream_side *me = stream_mine(s);
    spin_lock(&s->stream->lock);
    bool some = me->urgent && me->urgent->start != me->urgent->end;
    spin_unlock(&s->stream->lock);
    return some;
}

u64 stream_before_urgent(const struct socket *s)
{
    struct stream_side *me = stream_mine(s);
    const struct chunk *c;
    u64 n = 0;
    if (likely(!READ_ONCE(me->urgent)))
        return stream_readable(s);
    spin_lock(&s->stream->lock);
    list_for_each(c, &me->chunks, link) {
        if (c == me->urgent && !OPTION_SET(s, SO_OOBINLINE))
            break;
        n += c->end - c->start;
    }
    spin_unlock(&s->stream->lock);
    return n;
}

bool stream_at_mark(const struct socket *s)
{
    struct stream_side *me = stream_mine(s);
    spin_lock(&s->stream->lock);
    bool at = me->urgent && list_first(&me->chunks, struct chunk, link) == me->urgent;
    spin_unlock(&s->stream->lock);
    return at;
}

bool stream_has_enough(const struct socket *s)
{
    u64 bytes = stream_readable(s), least = (u64)s->options.receive_low_water;
    if (likely(!READ_ONCE(stream_mine(s)->urgent)))
        return bytes >= least;
    /* The urgent byte counts where it stands, taken or not, but not as the next one. */
    return bytes + !stream_urgent(s) >= least + (!OPTION_SET(s, SO_OOBINLINE) && stream_at_mark(s));
}

/* ------------------------------------------------------------ the end */

void stream_abandon(struct byte_stream *st)
{
    if (__atomic_sub_fetch(&st->refs, 1, __ATOMIC_ACQ_REL))
        return;
    if (st->outside)
        stream_outside_add(-(s64)st->side[1].charge);
    free_list(&st->side[0].chunks);
    free_list(&st->side[1].chunks);
    kfree(st);
}

void stream_release(struct socket *s)
{
    if (s->stream)
        stream_abandon(s->stream);
}

bool stream_close(struct socket *s, void (*tell)(struct socket *s, struct stream_side *other, bool unread))
{
    struct byte_stream *st = s->stream;
    struct stream_side *me = stream_mine(s), *other = stream_other(s);
    struct list unread = LIST_INIT(unread);
    spin_lock(&st->lock);
    if (!list_empty(&me->chunks)) {
        unread = me->chunks;
        unread.next->prev = &unread;
        unread.prev->next = &unread;
        list_init(&me->chunks);
    }
    bool any = me->bytes > 0;
    me->bytes = me->charge = 0;
    me->socket = NULL;
    me->shutdown = SHUT_BOTH;
    if (other->socket) {
        tell(s, other, any);
        stream_wake(other, other->shutdown == SHUT_BOTH ? WAKE_ANY | WAKE_HANGUP : ~0u);
    }
    me->urgent = NULL;
    spin_unlock(&st->lock);
    free_list(&unread);
    return any;
}
