/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * USER[:GROUP] becomes ids, by Docker's rules: a user who is known brings the groups he is in, unless a group is said; a
 * number that nobody has gets group 0; the group is a supplementary one too.
 */
#include "tools/user.h"

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/message.h"

/* Docker's range. */
#define ID_MAX INT32_MAX

static bool parse_id(const char *text, unsigned *id)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end)
        return false;
    if (value > ID_MAX || end - text > 10)
        die(STATUS_FAILED, "--user: ids go from 0 to %d, not '%s'", ID_MAX, text);
    *id = (unsigned)value;
    return true;
}

static char *known_groups(const char *ids, const struct passwd *user, gid_t group)
{
    int count = 0;
    gid_t *groups;
    char *all = duplicate(ids);

    getgrouplist(user->pw_name, group, NULL, &count);
    groups = allocate((size_t)count * sizeof(*groups));
    getgrouplist(user->pw_name, group, groups, &count);
    for (int i = 0; i < count; i++) {
        char *longer = groups[i] == group ? duplicate(all) : format_string("%s %u", all, groups[i]);

        free(all);
        all = longer;
    }
    free(groups);
    return all;
}

char *user_ids(const char *text)
{
    char *name = duplicate(text), *group_name = strchr(name, ':'), *ids, *all;
    const struct passwd *user;
    const struct group *group;
    unsigned uid = 0, gid = 0;

    if (group_name)
        *group_name++ = '\0';
    if (!*name || (group_name && !*group_name))
        die(STATUS_FAILED, "--user wants USER or USER:GROUP, not '%s' (see 'aril run --help')", text);
    user = parse_id(name, &uid) ? getpwuid(uid) : getpwnam(name);
    if (!user && (*name < '0' || *name > '9' || name[strspn(name, "0123456789")]))
        die(STATUS_FAILED, "--user: there is no user '%s' here", name);
    if (user) {
        uid = user->pw_uid;
        gid = user->pw_gid;
    }
    if (group_name && !parse_id(group_name, &gid)) {
        group = getgrnam(group_name);
        if (!group)
            die(STATUS_FAILED, "--user: there is no group '%s' here", group_name);
        gid = group->gr_gid;
    }
    ids = format_string("%u %u %u", uid, gid, gid);
    all = user && !group_name ? known_groups(ids, user, gid) : duplicate(ids);
    free(ids);
    free(name);
    return all;
}
