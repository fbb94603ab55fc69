/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who serves the host's trees. In the VM the program is user 0, but the server has the rights of the user who started the
 * VM. Where that is not root (hostids=UID:GID,GID…), permissions are checked as the server will, so that what it would
 * refuse later is refused at open(2), access(2) and chdir(2): with cache=loose it is asked when data is first wanted.
 */
#include "fs/ninep/ninep.h"
#include "kernel/lib/printf.h"
#include "kernel/params.h"

static struct {
    bool known;
    u32 uid, n;
    u32 groups[NGROUPS_MAX < 128 ? NGROUPS_MAX : 128];
} host;

static int set_host(const char *value)
{
    const char *end = value;
    u64 id;

    if (!value || parse_u64(value, &end, 10, &id) || *end != ':')
        return -EINVAL;
    host.uid = (u32)id;
    do {
        if (parse_u64(end + 1, &end, 10, &id))
            return -EINVAL;
        if (host.n < ARRAY_SIZE(host.groups)) /* of a user in more groups, the rest grants nothing */
            host.groups[host.n++] = (u32)id;
    } while (*end == ',');
    host.known = true;
    return *end ? -EINVAL : 0;
}
PARAM(hostids, "hostids", set_host);

bool ninep_host_is_limited(void)
{
    return host.known && host.uid;
}

int ninep_host_may(struct inode *i, int mask)
{
    u32 mode = READ_ONCE(i->mode);
    bool grouped = false;

    for (u32 k = 0; k < host.n; k++)
        grouped |= host.groups[k] == i->gid;
    mode >>= host.uid == i->uid ? 6 : grouped ? 3 : 0;
    return (u32)mask & ~mode & 7 ? -EACCES : 0;
}
