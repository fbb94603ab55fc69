/* SPDX-License-Identifier: BSD-2-Clause */
/* Process, group and session ids; user and group ids: every rule of credentials(7) as root and after giving root up. */
#include "abi.h"
#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/types.h>

#define RAW(name, ...) CALL(#name "(" #__VA_ARGS__ ")", syscall(SYS_##name, ##__VA_ARGS__))

static void show_ids(void)
{
    uid_t r, e, s;
    gid_t gr, ge, gs;
    getresuid(&r, &e, &s);
    getresgid(&gr, &ge, &gs);
    printf("uid %d %d %d fs %d, gid %d %d %d fs %d\n", r, e, s, setfsuid(-1), gr, ge, gs, setfsgid(-1));
}

static void show_caps(const char *what)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {0};
    syscall(SYS_capget, &h, d);
    printf("%s: effective %d permitted %d\n", what, (d[0].effective & 1 << CAP_SETUID) != 0, (d[0].permitted & 1 << CAP_SETUID) != 0);
}

int main(void)
{
    int self = getpid(), none = 4194300;
    gid_t groups[40] = {5, 6, 7}, got[40];
    struct __user_cap_header_struct h = {0, 0};
    struct __user_cap_data_struct d[2];

    printf("gettid is getpid: %d\n", syscall(SYS_gettid) == self);
    printf("getpgid(0) is getpgrp: %d\n", getpgid(0) == getpgrp());
    printf("getsid(0) is getsid(self): %d\n", getsid(0) == getsid(self));
    printf("parent differs: %d\n", getppid() != self);
    RAW(getpgid, none);
    RAW(getpgid, -1);
    RAW(getsid, none);
    RAW(getsid, -1);
    RAW(setpgid, none, 0);
    RAW(setpgid, 0, -1);
    RAW(setpgid, -1, 0);
    RAW(setpgid, 0, none);

    show_ids();
    show_caps("root");
    RAW(setuid, -1);
    RAW(setgid, -1);
    RAW(getresuid, BAD, got, got);
    RAW(getresuid, got, got, BAD);
    RAW(getresgid, got, BAD, got);
    RAW(setgroups, 3, groups);
    RAW(getgroups, 0, NULL);
    RAW(getgroups, 2, got);
    RAW(getgroups, -1, got);
    RAW(getgroups, 40, got);
    printf("groups %d %d %d\n", got[0], got[1], got[2]);
    RAW(getgroups, 40, BAD);
    RAW(setgroups, 65537, groups);
    RAW(setgroups, -1, groups);
    RAW(setgroups, 2, BAD);
    RAW(setgroups, 0, BAD);
    RAW(getgroups, 0, NULL);

    RAW(setregid, 10, 11);
    show_ids();
    RAW(setresgid, -1, 12, 13);
    show_ids();
    RAW(setfsgid, 14);
    show_ids();
    RAW(setgid, 20);
    show_ids();

    h.version = 0;
    CALL("capget unknown version, no data", syscall(SYS_capget, &h, NULL));
    printf("version becomes %x\n", h.version);
    h.version = 0;
    CALL("capget unknown version", syscall(SYS_capget, &h, d));
    h.version = _LINUX_CAPABILITY_VERSION_3;
    h.pid = -1;
    CALL("capget pid -1", syscall(SYS_capget, &h, d));
    h.pid = none;
    CALL("capget no such pid", syscall(SYS_capget, &h, d));
    CALL("capset other pid", syscall(SYS_capset, &h, d));
    h.pid = 0;
    CALL("capget", syscall(SYS_capget, &h, d));
    CALL("capget null data", syscall(SYS_capget, &h, NULL));
    CALL("capget bad data", syscall(SYS_capget, &h, BAD));
    CALL("capget bad header", syscall(SYS_capget, BAD, d));
    CALL("capset the same", syscall(SYS_capset, &h, d));
    CALL("capset bad data", syscall(SYS_capset, &h, BAD));
    d[0].effective &= ~(1u << CAP_SETGID);
    CALL("capset without SETGID", syscall(SYS_capset, &h, d));
    RAW(setgid, 99);
    RAW(setgroups, 1, groups);
    d[0].permitted &= ~(1u << CAP_SETGID);
    CALL("capset permitted too", syscall(SYS_capset, &h, d));
    d[0].permitted |= 1u << CAP_SETGID;
    CALL("capset cannot regain", syscall(SYS_capset, &h, d));

    RAW(setresuid, 1000, 1000, 0);
    show_ids();
    show_caps("effective id given up");
    RAW(setuid, 5);
    RAW(setuid, 0);
    show_ids();
    show_caps("and regained");
    RAW(setreuid, 1000, -1);
    show_ids();
    RAW(setresuid, 1000, 1001, 1002);
    show_ids();
    show_caps("all given up");
    RAW(setuid, 0);
    RAW(setreuid, 1002, -1);
    RAW(setreuid, -1, 1002);
    show_ids();
    RAW(setresuid, 1001, 1001, 1001);
    RAW(setresuid, 1002, 1000, 1002);
    show_ids();
    RAW(setfsuid, 1);
    RAW(setfsuid, 1002);
    show_ids();
    RAW(setgid, 0);
    RAW(setgroups, 1, groups);
    RAW(setresgid, 20, 20, 20);
    RAW(setregid, 0, -1);
    RAW(kill, self, 0);
    RAW(sethostname, "x", 1);
    return 0;
}
