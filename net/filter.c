/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters of sockets. One is changed and run under its socket's lock. */
#include "kernel/heap.h"
#include "kernel/random.h"
#include "kernel/user.h"
#include "net/filter.h"

struct socket_filter {
    size_t length;
    bool random; /* it looks at SKF_AD_RANDOM */
    struct sock_filter program[];
};

/* Puts f, which may be NULL, in the old one's place. */
static int replace(struct socket *s, struct socket_filter *f)
{
    spin_lock(&s->lock);
    struct socket_filter *old = s->filter;
    int error = OPTION_SET(s, SO_LOCK_FILTER) ? -EPERM : !f && !old ? -ENOENT : 0;
    if (!error)
        s->filter = f;
    spin_unlock(&s->lock);
    kfree(error ? f : old);
    return error;
}

int filter_attach(struct socket *s, const void *value, u32 length)
{
    struct sock_fprog given;
    if (length != sizeof(given))
        return -EINVAL;
    if (copy_from_user(&given, value, sizeof(given)))
        return -EFAULT;
    if (OPTION_SET(s, SO_LOCK_FILTER))
        return -EPERM;
    if (!given.filter || !given.len || given.len > BPF_MAXINSNS)
        return -EINVAL;
    struct socket_filter *f = kmalloc(sizeof(*f) + given.len * sizeof(f->program[0]));
    u16 *scratch = kmalloc(given.len * sizeof(*scratch));
    int error = f && scratch ? 0 : -ENOMEM;
    if (!error)
        error = copy_from_user(f->program, given.filter, given.len * sizeof(f->program[0])) ? -EFAULT : 0;
    if (!error)
        error = bpf_check_packet(f->program, given.len, scratch);
    kfree(scratch);
    if (!error && !s->ops->filters)
        error = -EOPNOTSUPP; /* better than packets that the program believes to be kept away */
    if (error) {
        kfree(f);
        return error;
    }
    f->length = given.len;
    f->random = false;
    for (size_t i = 0; i < f->length; i++)
        f->random |= f->program[i].code == (BPF_LD | BPF_W | BPF_ABS) && f->program[i].k == (u32)(SKF_AD_OFF + SKF_AD_RANDOM);
    return replace(s, f);
}

int filter_detach(struct socket *s)
{
    return replace(s, NULL);
}

/* The length is one of instructions, not of bytes. */
int filter_get(struct socket *s, void *value, int *length)
{
    int room, error = 0;
    if (get_user(room, length))
        return -EFAULT;
    spin_lock(&s->lock);
    int n = s->filter ? (int)s->filter->length : 0;
    struct socket_filter *copy = n && room >= n ? kmalloc(sizeof(*copy) + (size_t)n * sizeof(copy->program[0])) : NULL;
    for (int i = 0; copy && i < n; i++)
        copy->program[i] = s->filter->program[i];
    spin_unlock(&s->lock);
    if (n && room)
        error = room < n ? -EINVAL : !copy ? -ENOMEM : copy_to_user(value, copy->program, (size_t)n * sizeof(copy->program[0])) ? -EFAULT : 0;
    kfree(copy);
    return error ? error : put_user(n, length) ? -EFAULT : 0;
}

bool filter_message(struct socket *s, struct datagram *d)
{
    struct bpf_packet p = {.rest = datagram_payload(d), .rest_length = d->length};
    u32 wanted = s->filter ? filter_run(s, &p) : UINT32_MAX;
    d->length = MIN(d->length, wanted);
    return wanted != 0;
}

u32 filter_run(struct socket *s, struct bpf_packet *p)
{
    p->cpu = this_cpu()->cpu;
    p->random = s->filter->random ? (u32)random_u64() : 0;
    return bpf_run_packet(s->filter->program, p);
}
