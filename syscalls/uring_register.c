/* SPDX-License-Identifier: BSD-2-Clause */
/* io_uring_register(2), and the operations that change what is registered or tell other rings. */
#include "fs/event.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "syscalls/timeout.h"
#include "syscalls/uring.h"

/* ------------------------------------------------------------ files and buffers */

static long register_resources(struct uring *ring, bool files, void *arg, u32 size)
{
    struct io_uring_rsrc_register r;

    if (size != sizeof(r))
        return -EINVAL;
    if (copy_from_user(&r, arg, sizeof(r)))
        return -EFAULT;
    bool sparse = r.flags & IORING_RSRC_REGISTER_SPARSE;
    if (!r.nr || r.resv2 || r.flags & ~IORING_RSRC_REGISTER_SPARSE || (sparse && r.data))
        return -EINVAL;
    return files ? uring_files_register(ring, (void *)r.data, (void *)r.tags, r.nr, sparse)
                 : uring_buffers_register(ring, (void *)r.data, (void *)r.tags, r.nr, sparse);
}

static long update_resources(struct uring *ring, bool files, void *arg, u32 size)
{
    struct io_uring_rsrc_update2 u;

    if (size != sizeof(u))
        return -EINVAL;
    if (copy_from_user(&u, arg, sizeof(u)))
        return -EFAULT;
    if (!u.nr || u.resv || u.resv2)
        return -EINVAL;
    return files ? uring_files_update(ring, u.offset, (void *)u.data, (void *)u.tags, u.nr)
                 : uring_buffers_update(ring, u.offset, (void *)u.data, (void *)u.tags, u.nr);
}

static long update_files(struct uring *ring, void *arg, u32 n)
{
    struct io_uring_files_update u;

    if (!n)
        return -EINVAL;
    if (copy_from_user(&u, arg, sizeof(u)))
        return -EFAULT;
    return u.resv ? -EINVAL : uring_files_update(ring, u.offset, (void *)u.fds, NULL, n);
}

static long files_range(struct uring *ring, const void *arg, u32 n)
{
    struct io_uring_file_index_range range;

    if (!arg || n)
        return -EINVAL;
    if (copy_from_user(&range, arg, sizeof(range)))
        return -EFAULT;
    return range.resv ? -EINVAL : uring_files_range(ring, range.off, range.len);
}

s64 uring_files_update_run(struct uring_request *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    s32 *user = (s32 *)s->addr;
    u32 done;
    s64 result = 0;

    if (s->flags & (IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT) || !s->len)
        return -EINVAL;
    if (s->off != IORING_FILE_INDEX_ALLOC)
        return uring_files_update(r->ring, (u32)s->off, user, NULL, s->len);
    if (!r->ring->files)
        return -ENXIO;
    for (done = 0; done < s->len; done++) {
        s32 fd;
        if (get_user(fd, user + done)) {
            result = -EFAULT;
            break;
        }
        struct file *f = fd_get(fd);
        result = f ? uring_file_install(r->ring, f, IORING_FILE_INDEX_ALLOC) : -EBADF;
        if (result < 0)
            break;
        if (put_user((s32)result, user + done)) {
            uring_file_remove(r->ring, (u32)result);
            result = -EFAULT;
            break;
        }
    }
    return done ? done : result;
}

/* ------------------------------------------------------------ eventfd */

static long set_eventfd(struct uring *ring, const s32 *user, u32 n, bool async)
{
    s32 fd;

    if (n != 1)
        return -EINVAL;
    if (ring->eventfd)
        return -EBUSY;
    if (get_user(fd, user))
        return -EFAULT;
    struct file *f = fd_get(fd);
    if (!f)
        return -EBADF;
    if (!file_is_eventfd(f)) {
        file_put(f);
        return -EINVAL;
    }
    spin_lock_irq(&ring->lock);
    ring->eventfd = f;
    ring->eventfd_async = async;
    spin_unlock_irq(&ring->lock);
    return 0;
}

static long clear_eventfd(struct uring *ring)
{
    spin_lock_irq(&ring->lock);
    struct file *f = ring->eventfd;
    ring->eventfd = NULL;
    spin_unlock_irq(&ring->lock);
    if (!f)
        return -ENXIO;
    file_put(f);
    return 0;
}

/* ------------------------------------------------------------ what there is, who may what */

static long probe(char *user, u32 n)
{
    struct io_uring_probe head, first;
    struct io_uring_probe_op op;

    n = MIN(n, (u32)IORING_OP_LAST);
    if (copy_from_user(&head, user, sizeof(head)))
        return -EFAULT;
    memset(&first, 0, sizeof(first));
    if (memcmp(&head, &first, sizeof(head)))
        return -EINVAL;
    first.last_op = IORING_OP_LAST - 1;
    first.ops_len = (u8)n;
    for (u32 i = 0; i < n; i++) {
        op = (struct io_uring_probe_op){.op = (u8)i, .flags = uring_ops[i].flags & OP_UNSERVED ? 0 : IO_URING_OP_SUPPORTED};
        if (copy_to_user(user + sizeof(head) + i * sizeof(op), &op, sizeof(op)))
            return -EFAULT;
    }
    return copy_to_user(user, &first, sizeof(first));
}

static long add_personality(struct uring *ring)
{
    struct uring_personality *p = kzalloc(sizeof(*p));

    if (!p)
        return -ENOMEM;
    if (ring->last_personality == UINT16_MAX) {
        kfree(p);
        return -ENOSPC;
    }
    thread_credentials(current_thread(), &p->cred);
    p->id = ++ring->last_personality;
    list_add_tail(&ring->personalities, &p->link);
    return p->id;
}

static long remove_personality(struct uring *ring, u32 id)
{
    struct uring_personality *p;

    list_for_each(p, &ring->personalities, link)
        if (p->id == id) {
            list_remove(&p->link);
            group_list_put(p->cred.groups);
            kfree(p);
            return 0;
        }
    return -EINVAL;
}

static int restrict_one(struct uring_restrictions *to, const struct io_uring_restriction *r)
{
    switch (r->opcode) {
    case IORING_RESTRICTION_REGISTER_OP:
        if (r->register_op >= IORING_REGISTER_LAST)
            return -EINVAL;
        to->register_ops |= 1ull << r->register_op;
        return 0;
    case IORING_RESTRICTION_SQE_OP:
        if (r->sqe_op >= IORING_OP_LAST)
            return -EINVAL;
        to->sqe_ops |= 1ull << r->sqe_op;
        return 0;
    case IORING_RESTRICTION_SQE_FLAGS_ALLOWED:
        to->flags_allowed = r->sqe_flags;
        return 0;
    case IORING_RESTRICTION_SQE_FLAGS_REQUIRED:
        to->flags_required = r->sqe_flags;
        return 0;
    default:
        return -EINVAL;
    }
}

static long set_restrictions(struct uring *ring, const struct io_uring_restriction *user, u32 n)
{
    struct uring_restrictions to = {.given = true};
    struct io_uring_restriction r;
    int error = 0;

    if (!ring->disabled)
        return -EBADFD;
    if (ring->restrictions.given)
        return -EBUSY;
    if (!user || n > 256)
        return -EINVAL;
    for (u32 i = 0; i < n && !error; i++)
        error = get_user(r, user + i) ? -EFAULT : restrict_one(&to, &r);
    if (!error)
        ring->restrictions = to;
    return error;
}

static long enable(struct uring *ring)
{
    if (!ring->disabled)
        return -EBADFD;
    if (ring->flags & IORING_SETUP_SINGLE_ISSUER && !ring->issuer) {
        ring->issuer = current_thread();
        thread_get(ring->issuer);
    }
    WRITE_ONCE(ring->disabled, false);
    return 0;
}

/* ------------------------------------------------------------ workers */

static long set_workers(struct uring *ring, u32 *user, u32 n)
{
    u32 new[2];

    if (!user || n != 2)
        return -EINVAL;
    if (copy_from_user(new, user, sizeof(new)))
        return -EFAULT;
    for (unsigned i = 0; i < 2; i++) {
        u32 old = ring->pool_limit[i];
        if (new[i] > INT32_MAX)
            return -EINVAL;
        if (new[i])
            WRITE_ONCE(ring->pool_limit[i], MIN(new[i], (u32)URING_UNBOUND_MAX));
        new[i] = old;
    }
    return copy_to_user(user, new, sizeof(new));
}

/* ------------------------------------------------------------ registered rings */

static long register_rings(struct io_uring_rsrc_update *user, u32 n)
{
    struct uring_thread *t = uring_thread_state();
    struct io_uring_rsrc_update u;
    long error = 0;
    u32 done;

    if (!n || n > URING_REGISTERED)
        return -EINVAL;
    if (!t)
        return -ENOMEM;
    for (done = 0; done < n; done++) {
        u32 first, last;
        struct file *f;

        if (get_user(u, user + done)) {
            error = -EFAULT;
            break;
        }
        error = u.resv ? -EINVAL : 0;
        first = u.offset == ~0u ? 0 : u.offset;
        last = u.offset == ~0u ? URING_REGISTERED : u.offset + 1;
        if (error || first >= URING_REGISTERED) {
            error = -EINVAL;
            break;
        }
        while (first < last && t->registered[first])
            first++;
        if (first == last) {
            error = -EBUSY;
            break;
        }
        f = fd_get((int)u.data);
        error = !f ? -EBADF : uring_of(f) ? 0 : -EOPNOTSUPP;
        if (!error) {
            u.offset = first;
            error = put_user(u, user + done);
        }
        if (error) {
            if (f)
                file_put(f);
            break;
        }
        t->registered[first] = f;
    }
    return done ? (long)done : error;
}

static long unregister_rings(const struct io_uring_rsrc_update *user, u32 n)
{
    struct uring_thread *t = current_thread()->uring;
    struct io_uring_rsrc_update u;
    u32 done;

    if (!n || n > URING_REGISTERED)
        return -EINVAL;
    for (done = 0; t && done < n; done++) {
        if (get_user(u, user + done))
            return done ? (long)done : -EFAULT;
        if (u.resv || u.data || u.offset >= URING_REGISTERED)
            return done ? (long)done : -EINVAL;
        if (t->registered[u.offset])
            file_put(t->registered[u.offset]);
        t->registered[u.offset] = NULL;
    }
    return done;
}

/* ------------------------------------------------------------ IORING_OP_MSG_RING */

int uring_message_prepare(struct uring_request *r)
{
    const struct io_uring_sqe *s = &r->sqe;

    if (s->personality || s->msg_ring_flags & ~IORING_MSG_RING_CQE_SKIP)
        return -EINVAL;
    return 0;
}

static s64 send_file(struct uring *from, struct uring *to, const struct io_uring_sqe *s)
{
    if (s->len || to == from)
        return -EINVAL;
    struct file *f = uring_file(from, (u32)s->addr3);
    if (!f)
        return -EBADF;
    s64 slot = uring_file_install(to, f, s->file_index);
    if (slot >= 0 && !(s->msg_ring_flags & IORING_MSG_RING_CQE_SKIP))
        uring_post(to, s->off, (s32)slot, 0, NULL, 0);
    return slot;
}

s64 uring_message_run(struct uring_request *r)
{
    const struct io_uring_sqe *s = &r->sqe;
    struct uring *to = uring_of(r->file);

    if (!to || READ_ONCE(to->disabled))
        return -EBADFD;
    if (s->addr == IORING_MSG_SEND_FD)
        return send_file(r->ring, to, s);
    if (s->addr != IORING_MSG_DATA || s->addr3 || s->file_index || s->msg_ring_flags)
        return -EINVAL;
    uring_post(to, s->off, (s32)s->len, 0, NULL, 0);
    return 0;
}

/* ------------------------------------------------------------ the call */

static long group_ring(struct uring *ring, const struct io_uring_buf_reg *user, u32 n, bool add)
{
    struct io_uring_buf_reg reg;

    if (!user || n != 1)
        return -EINVAL;
    if (get_user(reg, user))
        return -EFAULT;
    return add ? uring_group_register_ring(ring, &reg) : uring_group_unregister_ring(ring, reg.bgid);
}

static long cancel_sync(struct uring *ring, const struct io_uring_sync_cancel_reg *user, u32 n)
{
    struct io_uring_sync_cancel_reg reg;
    nsec_t deadline = NSEC_NEVER;

    if (!user || n != 1)
        return -EINVAL;
    if (get_user(reg, user))
        return -EFAULT;
    if (reg.pad[0] || reg.pad[1] || reg.pad[2] || reg.pad[3])
        return -EINVAL;
    if ((reg.timeout.tv_sec != -1 || reg.timeout.tv_nsec != -1) && timeout_from_timespec(&reg.timeout, &deadline))
        return -EINVAL;
    return uring_cancel_sync(ring, &reg, deadline);
}

long uring_register(struct uring *ring, u32 opcode, void *arg, u32 n)
{
    const bool nothing = arg || n; /* some take no argument */

    switch (opcode) {
    case IORING_REGISTER_BUFFERS:
        return arg ? uring_buffers_register(ring, arg, NULL, n, false) : -EFAULT;
    case IORING_UNREGISTER_BUFFERS:
        return nothing ? -EINVAL : uring_buffers_unregister(ring);
    case IORING_REGISTER_FILES:
        return arg ? uring_files_register(ring, arg, NULL, n, false) : -EFAULT;
    case IORING_UNREGISTER_FILES:
        return nothing ? -EINVAL : uring_files_unregister(ring);
    case IORING_REGISTER_FILES_UPDATE:
        return update_files(ring, arg, n);
    case IORING_REGISTER_EVENTFD:
    case IORING_REGISTER_EVENTFD_ASYNC:
        return set_eventfd(ring, arg, n, opcode == IORING_REGISTER_EVENTFD_ASYNC);
    case IORING_UNREGISTER_EVENTFD:
        return nothing ? -EINVAL : clear_eventfd(ring);
    case IORING_REGISTER_PROBE:
        return arg && n <= 256 ? probe(arg, n) : -EINVAL;
    case IORING_REGISTER_PERSONALITY:
        return nothing ? -EINVAL : add_personality(ring);
    case IORING_UNREGISTER_PERSONALITY:
        return arg ? -EINVAL : remove_personality(ring, n);
    case IORING_REGISTER_RESTRICTIONS:
        return set_restrictions(ring, arg, n);
    case IORING_REGISTER_ENABLE_RINGS:
        return nothing ? -EINVAL : enable(ring);
    case IORING_REGISTER_FILES2:
        return register_resources(ring, true, arg, n);
    case IORING_REGISTER_FILES_UPDATE2:
        return update_resources(ring, true, arg, n);
    case IORING_REGISTER_BUFFERS2:
        return register_resources(ring, false, arg, n);
    case IORING_REGISTER_BUFFERS_UPDATE:
        return update_resources(ring, false, arg, n);
    case IORING_REGISTER_IOWQ_MAX_WORKERS:
        return set_workers(ring, arg, n);
    case IORING_REGISTER_RING_FDS:
        return register_rings(arg, n);
    case IORING_UNREGISTER_RING_FDS:
        return unregister_rings(arg, n);
    case IORING_REGISTER_PBUF_RING:
    case IORING_UNREGISTER_PBUF_RING:
        return group_ring(ring, arg, n, opcode == IORING_REGISTER_PBUF_RING);
    case IORING_REGISTER_SYNC_CANCEL:
        return cancel_sync(ring, arg, n);
    case IORING_REGISTER_FILE_ALLOC_RANGE:
        return files_range(ring, arg, n);
    default:
        return -EINVAL;
    }
}
