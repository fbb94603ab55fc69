/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/PID/ns, namespaces(7): there is one namespace of each kind, the initial one. Its file tells it apart from others, which
 * is what programs ask; nobody can enter another.
 */
#include <linux/nsfs.h>
#include <linux/sched.h>
#include "fs/proc/ns.h"
#include "fs/proc/proc.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"

struct ns {
    char kind[8];
    u32 number; /* of the initial namespace's file, as on Linux */
    u32 flag;   /* CLONE_NEW* */
};

static long ns_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
    const struct ns *ns = f->inode->private;

    if (cmd == NS_GET_NSTYPE)
        return (long)ns->flag;
    if (cmd == NS_GET_OWNER_UID)
        return ns->flag == CLONE_NEWUSER ? -EPERM : -EINVAL;
    if (cmd == NS_GET_PARENT && ns->flag != CLONE_NEWUSER && ns->flag != CLONE_NEWPID)
        return -EINVAL;
    return cmd == NS_GET_PARENT || cmd == NS_GET_USERNS ? -EPERM : -ENOTTY;
}

static const struct file_ops ns_file_ops = {.kind = "nsfs", .ioctl = ns_ioctl};

u32 ns_kind(const struct file *f)
{
    return f->ops == &ns_file_ops ? ((const struct ns *)f->inode->private)->flag : 0;
}

static int open_ns(struct inode *i, struct file *f)
{
    f->ops = &ns_file_ops;
    return 0;
}

static const struct inode_ops ns_inode_ops = {.open = open_ns};

static ssize link_ns(const struct generated_ref *r, char *buf, size_t n)
{
    const struct ns *ns = r->node->target;

    return scnprintf(buf, n, "%s:[%u]", ns->kind, ns->number);
}

static int follow_ns(const struct generated_ref *r, struct path_ref *to)
{
    const struct ns *ns = r->node->target;
    struct mount *m = mount_anonymous();
    struct inode *i = m ? inode_create(m->super, &ns_inode_ops, S_IFREG | 0444, NULL) : NULL;
    char name[24];

    if (!i)
        return -ENOMEM;
    i->private = (void *)ns;
    i->ino = ns->number;
    i->uid = i->gid = 0;
    link_ns(r, name, sizeof(name));
    to->dentry = dentry_create_detached(name, i);
    if (IS_ERR(to->dentry)) {
        inode_put(i);
        return -ENOMEM;
    }
    to->mount = m;
    mount_get(m);
    return 0;
}

static const struct ns cgroup = {"cgroup", 0xeffffffb, CLONE_NEWCGROUP}, ipc = {"ipc", 0xefffffff, CLONE_NEWIPC},
                       mnt = {"mnt", 0xf0000001, CLONE_NEWNS}, net = {"net", 0xf0000000, CLONE_NEWNET},
                       pid = {"pid", 0xeffffffc, CLONE_NEWPID}, time = {"time", 0xeffffffa, CLONE_NEWTIME},
                       user = {"user", 0xeffffffd, CLONE_NEWUSER}, uts = {"uts", 0xeffffffe, CLONE_NEWUTS};

#define NS(file, ns) \
    {.name = file, .mode = S_IFLNK | 0777, .readlink = link_ns, .follow = follow_ns, .target = &ns}

const struct generated_node proc_ns_files[] = {
    NS("cgroup", cgroup), NS("ipc", ipc),   NS("mnt", mnt),
    NS("net", net),       NS("pid", pid),   NS("pid_for_children", pid),
    NS("time", time),     NS("time_for_children", time), NS("user", user),
    NS("uts", uts),       {0},
};
