/* SPDX-License-Identifier: BSD-2-Clause */
/* Control messages: parsing for sends, building for receives, and the life of files in flight. */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/net_tstamp.h>
#include <linux/resource.h>
#include "fs/pidfd.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/region.h"
#include "kernel/user.h"
#include "net/control.h"

#define CONTROL_MAX    (128 * 1024) /* net.core.optmem_max */
#define OVERFLOW_ID    65534        /* kernel.overflowuid, overflowgid */
#define IN_FLIGHT_MAX  16384        /* files in flight in the whole VM: bounds cycles that no program can reach */

static u32 in_flight; /* atomic */

struct ucred credentials_current(void)
{
    const struct credentials *c = &current_thread()->cred;
    return (struct ucred){.pid = (u32)current_process()->pid, .uid = c->uid, .gid = c->gid};
}

const struct ucred credentials_unknown = {.pid = 0, .uid = OVERFLOW_ID, .gid = OVERFLOW_ID};

bool control_wants_sender(const struct socket *s)
{
    return OPTION_SET(s, SO_PASSCRED) || OPTION_SET(s, OPTION_PASSPIDFD);
}

/* ------------------------------------------------------------ files in flight */

static struct passed_files *passed_create(unsigned count)
{
    unix_collect(true);
    if (__atomic_add_fetch(&in_flight, count, __ATOMIC_RELAXED) > IN_FLIGHT_MAX) {
        __atomic_sub_fetch(&in_flight, count, __ATOMIC_RELAXED);
        return ERR_PTR(-ETOOMANYREFS);
    }
    struct passed_files *p = kmalloc(sizeof(*p) + count * sizeof(p->files[0]));
    if (!p) {
        __atomic_sub_fetch(&in_flight, count, __ATOMIC_RELAXED);
        return ERR_PTR(-ENOMEM);
    }
    *p = (struct passed_files){.refs = 1};
    list_init(&p->held_link);
    list_init(&p->all_link);
    return p;
}

/* The files were moved elsewhere or closed. */
static void passed_destroy(struct passed_files *p)
{
    __atomic_sub_fetch(&in_flight, p->count, __ATOMIC_RELAXED);
    kfree(p);
}

void passed_close(struct passed_files *p)
{
    for (unsigned i = 0; i < p->count; i++)
        file_put(p->files[i]);
    __atomic_sub_fetch(&in_flight, p->count, __ATOMIC_RELAXED);
    p->count = 0;
}

struct passed_files *passed_copy(const struct passed_files *passed)
{
    struct passed_files *p = passed_create(passed->count);
    if (IS_ERR(p))
        return NULL;
    for (; p->count < passed->count; p->count++) {
        p->files[p->count] = passed->files[p->count];
        file_get(p->files[p->count]);
    }
    return p;
}

/*
 * Closing a file in flight may close a socket with more files in flight. Sets to be closed therefore go through
 * one list that a single caller empties, however deep they nest.
 */
static struct spinlock dying_lock = SPINLOCK_INIT(LOCK_PIPE);
static struct passed_files *dying;
static bool dying_busy;

void passed_free(struct passed_files *passed)
{
    if (!passed)
        return;
    passed_land(passed);
    if (__atomic_sub_fetch(&passed->refs, 1, __ATOMIC_ACQ_REL))
        return;
    spin_lock(&dying_lock);
    passed->next = dying;
    dying = passed;
    bool busy = dying_busy;
    dying_busy = true;
    while (!busy && (passed = dying)) {
        dying = passed->next;
        spin_unlock(&dying_lock);
        passed_close(passed);
        passed_destroy(passed);
        spin_lock(&dying_lock);
    }
    if (!busy)
        dying_busy = false;
    spin_unlock(&dying_lock);
}

/* ------------------------------------------------------------ sending */

static int import_files(struct message *m, const void *data, size_t length)
{
    unsigned count = (unsigned)(length / sizeof(int));
    const int *fds = data;
    unsigned before = m->passed ? m->passed->count : 0;
    if (!count)
        return 0;
    if (before + count > PASSED_MAX)
        return -EINVAL;
    struct passed_files *p = passed_create(before + count);
    if (IS_ERR(p))
        return (int)PTR_ERR(p);
    for (; p->count < before; p->count++)
        p->files[p->count] = m->passed->files[p->count];
    if (m->passed)
        passed_destroy(m->passed);
    m->passed = p;
    for (unsigned i = 0; i < count; i++) {
        struct file *f = fd_get_path(fds[i]);
        if (!f) {
            /* The rest was counted as in flight but never will be. */
            __atomic_sub_fetch(&in_flight, count - i, __ATOMIC_RELAXED);
            return -EBADF;
        }
        p->files[p->count++] = f;
    }
    if (READ_ONCE(in_flight) - p->count > resource_limit(RLIMIT_NOFILE) && !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN))
        return -ETOOMANYREFS; /* unix(7) */
    return 0;
}

static int import_credentials(struct message *m, const void *data, size_t length)
{
    struct ucred c;
    const struct credentials *mine = &current_thread()->cred;
    if (length != sizeof(c))
        return -EINVAL;
    memcpy(&c, data, sizeof(c));
    if (c.uid == (u32)-1 || c.gid == (u32)-1)
        return -EINVAL;
    bool privileged = mine->euid == 0;
    if (!privileged && (c.pid != (u32)current_process()->pid ||
                        (c.uid != mine->uid && c.uid != mine->euid && c.uid != mine->suid) ||
                        (c.gid != mine->gid && c.gid != mine->egid && c.gid != mine->sgid)))
        return -EPERM;
    if (c.pid != (u32)current_process()->pid) {
        struct process *p = process_find((int)c.pid);
        if (!p)
            return -ESRCH;
        process_put(p);
    }
    m->credentials = c;
    m->has_credentials = true;
    return 0;
}

static int import_one(struct message *m, const struct control_header *h, const void *data, bool unix_socket,
                      int (*extra)(struct message *, int, int, const void *, size_t))
{
    size_t length = h->length - sizeof(*h);
    if (h->level != SOL_SOCKET)
        return extra ? extra(m, h->level, h->type, data, length) : 0;
    if (h->type == SCM_RIGHTS)
        return unix_socket ? import_files(m, data, length) : 0;
    if (h->type == SCM_CREDENTIALS)
        return unix_socket ? import_credentials(m, data, length) : 0;
    if ((h->type == SO_TIMESTAMPING_OLD || h->type == SO_TIMESTAMPING_NEW) && !unix_socket && length == sizeof(m->stamps)) {
        memcpy(&m->stamps, data, sizeof(m->stamps));
        m->has_stamps = true;
        return m->stamps & ~(u32)SOF_TIMESTAMPING_TX_RECORD_MASK ? -EINVAL : 0;
    }
    return -EINVAL;
}

int control_import(struct message *m, const void *user, size_t length, bool unix_socket,
                   int (*extra)(struct message *, int, int, const void *, size_t))
{
    u8 fast[128] __attribute__((aligned(8)));
    if (length > CONTROL_MAX)
        return -ENOBUFS;
    u8 *data = length > sizeof(fast) ? kmalloc(length) : fast;
    if (!data)
        return -ENOBUFS;
    int error = copy_from_user(data, user, length);
    for (size_t at = 0; !error && at + sizeof(struct control_header) <= length;) {
        struct control_header h;
        memcpy(&h, data + at, sizeof(h));
        if (h.length < sizeof(h) || h.length > length - at) {
            error = -EINVAL;
            break;
        }
        error = import_one(m, &h, data + at + sizeof(h), unix_socket, extra);
        size_t step = CONTROL_ALIGN(h.length);
        if (step > length - at)
            break;
        at += step;
    }
    if (data != fast)
        kfree(data);
    return error;
}

/* ------------------------------------------------------------ receiving */

void control_put(struct message *m, int level, int type, const void *data, size_t length)
{
    size_t left = m->control_size - m->control_used;
    struct control_header h = {.length = sizeof(h) + length, .level = level, .type = type};
    u8 *to = (u8 *)m->control + m->control_used;
    if (!m->control || left < sizeof(h)) {
        m->result_flags |= MSG_CTRUNC;
        return;
    }
    if (h.length > left) {
        m->result_flags |= MSG_CTRUNC;
        h.length = left;
        length = left - sizeof(h);
    }
    if (copy_to_user(to, &h, sizeof(h)) || copy_to_user(to + sizeof(h), data, length))
        return;
    m->control_used += MIN(CONTROL_ALIGN(h.length), left);
}

/* Installs the files as descriptors of the receiver and tells it; takes over passed. */
static void put_files(struct message *m, struct passed_files *passed)
{
    size_t left = m->control ? m->control_size - m->control_used : 0;
    unsigned fits = left > sizeof(struct control_header)
                        ? (unsigned)((left - sizeof(struct control_header)) / sizeof(int))
                        : 0;
    unsigned done = 0, count = MIN(fits, passed->count);
    int *to = (int *)((u8 *)m->control + m->control_used + sizeof(struct control_header));
    u32 cloexec = m->flags & MSG_CMSG_CLOEXEC ? O_CLOEXEC : 0;
    for (; done < count; done++) {
        struct file *f = passed->files[done];
        file_get(f);
        int fd = fd_install(f, 0, cloexec);
        if (fd < 0) {
            file_put(f);
            break;
        }
        if (put_user(fd, &to[done])) {
            fd_close(fd);
            break;
        }
    }
    if (done) {
        struct control_header h = {.length = sizeof(h) + done * sizeof(int), .level = SOL_SOCKET, .type = SCM_RIGHTS};
        if (copy_to_user((u8 *)m->control + m->control_used, &h, sizeof(h)) == 0)
            m->control_used += MIN(CONTROL_ALIGN(h.length), left);
    }
    if (done < passed->count)
        m->result_flags |= MSG_CTRUNC;
    passed_free(passed);
}

static void put_pidfd(struct message *m, u32 pid)
{
    if (!m->control || m->control_size - m->control_used < sizeof(struct control_header) + sizeof(int)) {
        m->result_flags |= MSG_CTRUNC;
        return;
    }
    if (!pid)
        return;
    int fd = pidfd_install((int)pid);
    size_t before = m->control_used;
    control_put(m, SOL_SOCKET, SCM_PIDFD, &fd, sizeof(fd));
    if (fd >= 0 && m->control_used == before)
        fd_close(fd);
}

void control_put_message(struct socket *s, struct message *m, const struct ucred *who, struct passed_files *files)
{
    if (OPTION_SET(s, SO_PASSCRED))
        control_put(m, SOL_SOCKET, SCM_CREDENTIALS, who, sizeof(*who));
    if (files)
        put_files(m, files);
    if (OPTION_SET(s, OPTION_PASSPIDFD))
        put_pidfd(m, who->pid);
}
