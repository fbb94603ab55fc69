/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls about user and group ids and capabilities of the running thread. Sources: credentials(7), capabilities(7).
 */
#include <linux/capability.h>
#include <linux/limits.h>
#include <linux/securebits.h>
#include "syscalls/syscall.h"
#include "kernel/lib/string.h"

long sys_getuid(const struct syscall_args *a);
long sys_geteuid(const struct syscall_args *a);
long sys_getgid(const struct syscall_args *a);
long sys_getegid(const struct syscall_args *a);
long sys_setuid(const struct syscall_args *a);
long sys_setgid(const struct syscall_args *a);
long sys_setreuid(const struct syscall_args *a);
long sys_setregid(const struct syscall_args *a);
long sys_setresuid(const struct syscall_args *a);
long sys_setresgid(const struct syscall_args *a);
long sys_getresuid(const struct syscall_args *a);
long sys_getresgid(const struct syscall_args *a);
long sys_setfsuid(const struct syscall_args *a);
long sys_setfsgid(const struct syscall_args *a);
long sys_getgroups(const struct syscall_args *a);
long sys_setgroups(const struct syscall_args *a);
long sys_capget(const struct syscall_args *a);
long sys_capset(const struct syscall_args *a);

#define NO_ID ((u32)-1)

static struct credentials *cred(void)
{
    return &current_thread()->cred;
}

long sys_getuid(const struct syscall_args *a)
{
    return cred()->uid;
}

long sys_geteuid(const struct syscall_args *a)
{
    return cred()->euid;
}

long sys_getgid(const struct syscall_args *a)
{
    return cred()->gid;
}

long sys_getegid(const struct syscall_args *a)
{
    return cred()->egid;
}

/* Capabilities follow user ids that leave or reach 0: capabilities(7), "Effect of user ID changes on capabilities". */
static void uids_changed(struct credentials *new, const struct credentials *old)
{
    new->fsuid = new->euid;
    if (new->securebits & SECBIT_NO_SETUID_FIXUP)
        return;
    bool had_root = !old->uid || !old->euid || !old->suid;
    bool has_root = !new->uid || !new->euid || !new->suid;
    if (had_root && !has_root) {
        if (!(new->securebits & SECBIT_KEEP_CAPS))
            new->cap_permitted = new->cap_effective = 0;
        new->cap_ambient = 0;
    }
    if (!old->euid && new->euid)
        new->cap_effective = 0;
    if (old->euid && !new->euid)
        new->cap_effective = new->cap_permitted;
}

long sys_setuid(const struct syscall_args *a)
{
    u32 uid = ARG_U32(a, 0);
    struct credentials new = *cred();
    if (uid == NO_ID)
        return -EINVAL;
    if (capable(CAP_SETUID))
        new.uid = new.suid = uid;
    else if (uid != new.uid && uid != new.suid)
        return -EPERM;
    new.euid = uid;
    uids_changed(&new, cred());
    credentials_replace(&new);
    return 0;
}

long sys_setgid(const struct syscall_args *a)
{
    u32 gid = ARG_U32(a, 0);
    struct credentials new = *cred();
    if (gid == NO_ID)
        return -EINVAL;
    if (capable(CAP_SETGID))
        new.gid = new.sgid = gid;
    else if (gid != new.gid && gid != new.sgid)
        return -EPERM;
    new.egid = new.fsgid = gid;
    credentials_replace(&new);
    return 0;
}

long sys_setreuid(const struct syscall_args *a)
{
    u32 uid = ARG_U32(a, 0), euid = ARG_U32(a, 1);
    const struct credentials *old = cred();
    struct credentials new = *old;
    bool any = capable(CAP_SETUID);
    if (uid != NO_ID) {
        if (!any && uid != old->uid && uid != old->euid)
            return -EPERM;
        new.uid = uid;
    }
    if (euid != NO_ID) {
        if (!any && euid != old->uid && euid != old->euid && euid != old->suid)
            return -EPERM;
        new.euid = euid;
    }
    if (uid != NO_ID || (euid != NO_ID && euid != old->uid))
        new.suid = new.euid;
    uids_changed(&new, old);
    credentials_replace(&new);
    return 0;
}

long sys_setregid(const struct syscall_args *a)
{
    u32 gid = ARG_U32(a, 0), egid = ARG_U32(a, 1);
    const struct credentials *old = cred();
    struct credentials new = *old;
    bool any = capable(CAP_SETGID);
    if (gid != NO_ID) {
        if (!any && gid != old->gid && gid != old->egid)
            return -EPERM;
        new.gid = gid;
    }
    if (egid != NO_ID) {
        if (!any && egid != old->gid && egid != old->egid && egid != old->sgid)
            return -EPERM;
        new.egid = egid;
    }
    if (gid != NO_ID || (egid != NO_ID && egid != old->gid))
        new.sgid = new.egid;
    new.fsgid = new.egid;
    credentials_replace(&new);
    return 0;
}

static bool is_one_of(u32 id, u32 real, u32 effective, u32 saved)
{
    return id == NO_ID || id == real || id == effective || id == saved;
}

long sys_setresuid(const struct syscall_args *a)
{
    u32 uid = ARG_U32(a, 0), euid = ARG_U32(a, 1), suid = ARG_U32(a, 2);
    const struct credentials *old = cred();
    struct credentials new = *old;
    if (!capable(CAP_SETUID) &&
        !(is_one_of(uid, old->uid, old->euid, old->suid) && is_one_of(euid, old->uid, old->euid, old->suid) &&
          is_one_of(suid, old->uid, old->euid, old->suid)))
        return -EPERM;
    /* A call that changes nothing leaves the file system's id alone, too. */
    if ((uid == NO_ID || uid == old->uid) && (euid == NO_ID || (euid == old->euid && euid == old->fsuid)) &&
        (suid == NO_ID || suid == old->suid))
        return 0;
    new.uid = uid == NO_ID ? old->uid : uid;
    new.euid = euid == NO_ID ? old->euid : euid;
    new.suid = suid == NO_ID ? old->suid : suid;
    uids_changed(&new, old);
    credentials_replace(&new);
    return 0;
}

long sys_setresgid(const struct syscall_args *a)
{
    u32 gid = ARG_U32(a, 0), egid = ARG_U32(a, 1), sgid = ARG_U32(a, 2);
    const struct credentials *old = cred();
    struct credentials new = *old;
    if (!capable(CAP_SETGID) &&
        !(is_one_of(gid, old->gid, old->egid, old->sgid) && is_one_of(egid, old->gid, old->egid, old->sgid) &&
          is_one_of(sgid, old->gid, old->egid, old->sgid)))
        return -EPERM;
    if ((gid == NO_ID || gid == old->gid) && (egid == NO_ID || (egid == old->egid && egid == old->fsgid)) &&
        (sgid == NO_ID || sgid == old->sgid))
        return 0;
    new.gid = gid == NO_ID ? old->gid : gid;
    new.egid = egid == NO_ID ? old->egid : egid;
    new.sgid = sgid == NO_ID ? old->sgid : sgid;
    new.fsgid = new.egid;
    credentials_replace(&new);
    return 0;
}

static long put_three(const struct syscall_args *a, u32 one, u32 two, u32 three)
{
    u32 ids[3] = {one, two, three};
    for (int i = 0; i < 3; i++)
        if (copy_to_user(ARG_PTR(a, i), &ids[i], sizeof(ids[i])))
            return -EFAULT;
    return 0;
}

long sys_getresuid(const struct syscall_args *a)
{
    return put_three(a, cred()->uid, cred()->euid, cred()->suid);
}

long sys_getresgid(const struct syscall_args *a)
{
    return put_three(a, cred()->gid, cred()->egid, cred()->sgid);
}

#define FILE_CAPABILITIES                                                                                \
    (1ull << CAP_CHOWN | 1ull << CAP_MKNOD | 1ull << CAP_DAC_OVERRIDE | 1ull << CAP_DAC_READ_SEARCH |      \
     1ull << CAP_FOWNER | 1ull << CAP_FSETID | 1ull << CAP_LINUX_IMMUTABLE | 1ull << CAP_MAC_OVERRIDE)

/* The two below return the id before the call, and no error: setfsuid(2). */
long sys_setfsuid(const struct syscall_args *a)
{
    struct credentials new = *cred();
    u32 uid = ARG_U32(a, 0), old = new.fsuid;
    bool allowed = capable(CAP_SETUID) || uid == new.uid || uid == new.euid || uid == new.suid || uid == old;
    if (uid != NO_ID && allowed) {
        /* The powers over files go with user 0 and come back with it. */
        bool fixup = !(new.securebits & SECBIT_NO_SETUID_FIXUP);
        if (fixup && old == 0 && uid != 0)
            new.cap_effective &= ~FILE_CAPABILITIES;
        else if (fixup && old != 0 && uid == 0)
            new.cap_effective |= new.cap_permitted & FILE_CAPABILITIES;
        new.fsuid = uid;
        credentials_replace(&new);
    }
    return old;
}

long sys_setfsgid(const struct syscall_args *a)
{
    struct credentials new = *cred();
    u32 gid = ARG_U32(a, 0), old = new.fsgid;
    bool allowed = capable(CAP_SETGID) || gid == new.gid || gid == new.egid || gid == new.sgid || gid == old;
    if (gid != NO_ID && allowed) {
        new.fsgid = gid;
        credentials_replace(&new);
    }
    return old;
}

long sys_getgroups(const struct syscall_args *a)
{
    int size = ARG_INT(a, 0);
    const struct group_list *groups = cred()->groups;
    u32 count = groups ? groups->count : 0;
    if (size < 0)
        return -EINVAL;
    if (size) {
        if ((u32)size < count)
            return -EINVAL;
        if (count && copy_to_user(ARG_PTR(a, 1), groups->gid, count * sizeof(u32)))
            return -EFAULT;
    }
    return count;
}

long sys_setgroups(const struct syscall_args *a)
{
    struct credentials new = *cred();
    u32 count = ARG_U32(a, 0);
    if (!capable(CAP_SETGID))
        return -EPERM;
    if (count > NGROUPS_MAX)
        return -EINVAL;
    new.groups = group_list_create(count);
    if (!new.groups)
        return -ENOMEM;
    int error = copy_from_user(new.groups->gid, ARG_PTR(a, 1), count * sizeof(u32));
    for (u32 i = 0; i < count && !error; i++)
        if (new.groups->gid[i] == NO_ID)
            error = -EINVAL;
    if (error) {
        group_list_put(new.groups);
        return error;
    }
    group_list_sort(new.groups);
    credentials_replace(&new);
    return 0;
}

/* Reads the header: the number of data elements of its version, 0 with the version corrected, or an error. */
static int read_cap_header(void *user, struct __user_cap_header_struct *h)
{
    int n = 0;

    if (get_user(h->version, (u32 *)user))
        return -EFAULT;
    switch (h->version) {
    case _LINUX_CAPABILITY_VERSION_1:
        n = _LINUX_CAPABILITY_U32S_1;
        break;
    case _LINUX_CAPABILITY_VERSION_2:
    case _LINUX_CAPABILITY_VERSION_3:
        n = _LINUX_CAPABILITY_U32S_3;
    }
    if (n)
        return copy_from_user(h, user, sizeof(*h)) ? -EFAULT : n;
    h->version = _LINUX_CAPABILITY_VERSION_3;
    return copy_to_user(user, &h->version, sizeof(h->version));
}

long sys_capget(const struct syscall_args *a)
{
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct data[2];
    int n = read_cap_header(ARG_PTR(a, 0), &header);
    if (n < 0)
        return n;
    if (!n) /* without data it was a question for the version */
        return ARG_PTR(a, 1) ? -EINVAL : 0;
    if (header.pid < 0)
        return -EINVAL;
    struct thread *t = thread_find(header.pid ? header.pid : current_thread()->tid);
    if (!t || !t->process) {
        if (t)
            thread_put(t);
        return -ESRCH;
    }
    struct credentials c;
    thread_credentials(t, &c);
    group_list_put(c.groups);
    for (int i = 0; i < n; i++) {
        data[i].effective = (u32)(c.cap_effective >> (32 * i));
        data[i].permitted = (u32)(c.cap_permitted >> (32 * i));
        data[i].inheritable = (u32)(c.cap_inheritable >> (32 * i));
    }
    thread_put(t);
    return ARG_PTR(a, 1) ? copy_to_user(ARG_PTR(a, 1), data, (size_t)n * sizeof(data[0])) : 0;
}

long sys_capset(const struct syscall_args *a)
{
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct data[2];
    struct credentials new = *cred();
    int n = read_cap_header(ARG_PTR(a, 0), &header);
    if (n <= 0)
        return n ? n : -EINVAL;
    if (header.pid && header.pid != current_thread()->tid)
        return -EPERM;
    memset(data, 0, sizeof(data));
    if (copy_from_user(data, ARG_PTR(a, 1), (size_t)n * sizeof(data[0])))
        return -EFAULT;
    u64 valid = (1ull << (CAP_LAST_CAP + 1)) - 1;
    u64 effective = ((u64)data[1].effective << 32 | data[0].effective) & valid;
    u64 permitted = ((u64)data[1].permitted << 32 | data[0].permitted) & valid;
    u64 inheritable = ((u64)data[1].inheritable << 32 | data[0].inheritable) & valid;
    u64 may_inherit = new.cap_inheritable | (capable(CAP_SETPCAP) ? ~0ull : new.cap_permitted);
    if ((inheritable & ~may_inherit) || (inheritable & ~(new.cap_inheritable | new.cap_bounding)) ||
        (permitted & ~new.cap_permitted) || (effective & ~permitted))
        return -EPERM;
    new.cap_effective = effective;
    new.cap_permitted = permitted;
    new.cap_inheritable = inheritable;
    new.cap_ambient &= permitted & inheritable;
    credentials_replace(&new);
    return 0;
}
