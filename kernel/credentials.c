/* SPDX-License-Identifier: BSD-2-Clause */
/* User and group ids and capabilities of a thread, as credentials(7) and capabilities(7). */
#include <linux/capability.h>
#include <linux/securebits.h>
#include "kernel/exec.h"
#include "kernel/heap.h"

#define BIT(capability) (1ull << (capability))
#define ALL_CAPABILITIES (BIT(CAP_LAST_CAP + 1) - 1)

/* Nothing that these allow exists here: it is refused with EPERM, so nobody shall believe to have them. */
#define NOT_SERVED                                                                                 \
    (BIT(CAP_SYS_MODULE) | BIT(CAP_SYS_RAWIO) | BIT(CAP_SYS_PTRACE) | BIT(CAP_SYS_PACCT) |         \
     BIT(CAP_SYS_BOOT) | BIT(CAP_SYS_RESOURCE) | BIT(CAP_AUDIT_CONTROL) | BIT(CAP_AUDIT_READ) |    \
     BIT(CAP_AUDIT_WRITE) | BIT(CAP_MAC_ADMIN) | BIT(CAP_MAC_OVERRIDE) | BIT(CAP_PERFMON) |        \
     BIT(CAP_BPF) | BIT(CAP_CHECKPOINT_RESTORE))

void credentials_init(struct credentials *c)
{
    *c = (struct credentials){0};
    c->cap_effective = c->cap_permitted = c->cap_bounding = ALL_CAPABILITIES & ~NOT_SERVED;
}

bool capable(int capability)
{
    return current_thread()->cred.cap_effective & BIT(capability);
}

void credentials_replace(const struct credentials *new)
{
    static u64 serials; /* atomic */
    struct thread *me = current_thread();
    struct credentials old = me->cred;
    spin_lock_irq(&me->process->lock);
    me->cred = *new;
    me->cred.serial = __atomic_add_fetch(&serials, 1, __ATOMIC_RELAXED);
    /* It acts for another now: prctl(2), PR_SET_DUMPABLE and PR_SET_PDEATHSIG. */
    if (old.euid != new->euid || old.egid != new->egid || old.fsuid != new->fsuid || old.fsgid != new->fsgid ||
        (new->cap_permitted & ~old.cap_permitted)) {
        me->process->dumpable = 0;
        me->pdeathsig = 0;
    }
    spin_unlock_irq(&me->process->lock);
    if (old.groups != new->groups)
        group_list_put(old.groups);
}

void thread_credentials(struct thread *t, struct credentials *out)
{
    spin_lock_irq(&t->process->lock);
    *out = t->cred;
    group_list_get(out->groups);
    spin_unlock_irq(&t->process->lock);
}

struct group_list *group_list_create(u32 count)
{
    struct group_list *groups = kmalloc(sizeof(*groups) + count * sizeof(groups->gid[0]));
    if (groups)
        *groups = (struct group_list){.refs = 1, .count = count};
    return groups;
}

struct group_list *group_list_get(struct group_list *groups)
{
    if (groups)
        __atomic_add_fetch(&groups->refs, 1, __ATOMIC_RELAXED);
    return groups;
}

void group_list_sort(struct group_list *groups)
{
    u32 *ids = groups->gid;
    for (u32 gap = groups->count / 2; gap; gap /= 2)
        for (u32 i = gap; i < groups->count; i++) {
            u32 id = ids[i], k = i;
            for (; k >= gap && ids[k - gap] > id; k -= gap)
                ids[k] = ids[k - gap];
            ids[k] = id;
        }
}

void group_list_put(struct group_list *groups)
{
    if (groups && !__atomic_sub_fetch(&groups->refs, 1, __ATOMIC_ACQ_REL))
        kfree(groups);
}

bool credentials_list(const struct credentials *c, u32 gid)
{
    u32 low = 0, high = c->groups ? c->groups->count : 0;
    while (low < high) {
        u32 middle = (low + high) / 2, at = c->groups->gid[middle];
        if (at == gid)
            return true;
        if (at < gid)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

int credentials_exec(struct credentials *c, const struct file_credentials *f, bool no_new_privs, bool *secure)
{
    const struct credentials old = *c;
    bool effective = false;
    u64 permitted = 0;
    if (f->set_uid)
        c->euid = f->uid;
    if (f->set_gid)
        c->egid = f->gid;
    if (f->capabilities) {
        permitted = (old.cap_bounding & f->permitted) | (old.cap_inheritable & f->inheritable);
        effective = f->effective;
        /* A program that does not ask what it has must have it all. */
        if (effective && f->permitted & ~permitted)
            return -EPERM;
    }
    /* Root has all, unless set-user-ID made it root of a file that names its capabilities. */
    if (!(old.securebits & SECBIT_NOROOT) && (!c->euid || !c->uid) && !(f->capabilities && c->uid && !c->euid)) {
        permitted = old.cap_bounding | old.cap_inheritable;
        effective |= !c->euid;
    }
    bool changed = c->euid != old.euid || (c->egid != old.fsgid && !credentials_list(&old, c->egid));
    if (no_new_privs && (changed || permitted & ~old.cap_permitted)) {
        c->euid = c->uid;
        c->egid = c->gid;
        permitted &= old.cap_permitted;
    }
    c->suid = c->fsuid = c->euid;
    c->sgid = c->fsgid = c->egid;
    if (f->capabilities || changed)
        c->cap_ambient = 0;
    c->cap_permitted = permitted | c->cap_ambient;
    c->cap_effective = effective ? c->cap_permitted : c->cap_ambient;
    c->securebits &= ~(u32)SECBIT_KEEP_CAPS;
    *secure = changed || c->euid != old.uid || c->egid != old.gid ||
              (c->uid && (effective || c->cap_permitted & ~c->cap_ambient));
    return 0;
}
