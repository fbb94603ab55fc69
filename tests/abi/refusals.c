/* SPDX-License-Identifier: BSD-2-Clause */
/* What a user without privileges is refused: with which error, and what is looked at first. */
#include <fcntl.h>
#include <linux/perf_event.h>
#include <linux/quota.h>
#include <linux/reboot.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include "abi.h"

#define RAW(name, ...) CALL(#name "(" #__VA_ARGS__ ")", syscall(SYS_##name, __VA_ARGS__))

static char page[4096] __attribute__((aligned(4096)));

static void machine(void)
{
    RAW(swapon, "/no/such", 0);
    RAW(swapoff, "/no/such");
    RAW(swapon, BAD, 0);
    RAW(acct, NULL);
    RAW(acct, "/no/such");
    RAW(acct, BAD);
    RAW(reboot, 0, 0, 0, 0);
    RAW(reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_OFF, 0);
    RAW(vhangup, 0);
    RAW(sethostname, "x", 1);
    RAW(sethostname, BAD, -1);
    RAW(setdomainname, "x", 1);
    RAW(settimeofday, NULL, NULL);
    RAW(settimeofday, page, NULL);
    RAW(syslog, 0, NULL, 0);
    RAW(syslog, 1, NULL, 0);
    for (int type = 2; type <= 9; type++)
        if (type != 3) /* depends on kernel.dmesg_restrict */
            CALL("syslog", syscall(SYS_syslog, type, page, 10));
    RAW(syslog, 11, page, 1);
    RAW(syslog, -1, page, 1);
}

static void files(void)
{
    struct { char bytes[256]; } quota;
    RAW(quotactl, QCMD(Q_SYNC, USRQUOTA), NULL, 0, NULL);
    RAW(quotactl, QCMD(Q_GETQUOTA, USRQUOTA), "/no/such", 0, &quota);
    RAW(quotactl, QCMD(Q_GETQUOTA, USRQUOTA), "/dev/null", 0, &quota);
    RAW(quotactl, QCMD(Q_GETQUOTA, USRQUOTA), BAD, 0, &quota);
    RAW(quotactl, QCMD(Q_GETQUOTA, 5), NULL, 0, &quota);
    RAW(quotactl, QCMD(0x7f0000, USRQUOTA), "/dev/null", 0, &quota);
    RAW(quotactl_fd, -1, QCMD(Q_GETQUOTA, USRQUOTA), 0, &quota);
    RAW(quotactl_fd, 0, QCMD(Q_GETQUOTA, 5), 0, &quota);
    RAW(quotactl_fd, 0, QCMD(Q_QUOTAON, USRQUOTA), 0, &quota);
    RAW(mount, "none", "/tmp", "tmpfs", 0, NULL);
    RAW(mount, NULL, "/tmp", NULL, MS_REMOUNT, NULL);
    RAW(mount, "none", "/no/such", "tmpfs", 0, NULL);
    RAW(mount, "none", BAD, "tmpfs", 0, NULL);
    RAW(umount2, "/tmp", 0);
    RAW(umount2, "/proc", MNT_DETACH);
    RAW(umount2, "/no/such", 0);
    RAW(umount2, "/proc", 0x100);
    RAW(pivot_root, "/", "/tmp");
    RAW(pivot_root, BAD, "/tmp");
    RAW(chroot, "/");
    RAW(chroot, "/no/such");
    RAW(chroot, BAD);
    RAW(open_by_handle_at, AT_FDCWD, BAD, O_RDONLY);
}

static void others(void)
{
    struct perf_event_attr perf = {.type = PERF_TYPE_SOFTWARE, .size = sizeof(perf), .config = PERF_COUNT_SW_CPU_CLOCK};
    RAW(userfaultfd, 0);
    RAW(userfaultfd, O_CLOEXEC);
    RAW(perf_event_open, NULL, 0, -1, -1, 0);
    RAW(perf_event_open, &perf, 0, -1, -1, 0x100);
    RAW(perf_event_open, BAD, 0, -1, -1, 0);
    RAW(perf_event_open, &perf, -1, 0, -1, 0);
    RAW(setns, -1, 0);
    RAW(setns, 0, 0);
    RAW(setns, 0, 5);
    RAW(setns, open("/proc/self/ns/uts", O_RDONLY), 0);
    RAW(setns, open("/proc/self/ns/uts", O_RDONLY), CLONE_NEWUTS);
    RAW(setns, open("/proc/self/ns/uts", O_RDONLY), CLONE_NEWNET);
    RAW(setns, open("/proc/self/ns/mnt", O_RDONLY), 0);
    RAW(setns, open("/proc/self/ns/user", O_RDONLY), 0);
    RAW(setns, syscall(SYS_pidfd_open, getpid(), 0), 0);
    RAW(setns, syscall(SYS_pidfd_open, getpid(), 0), CLONE_NEWUTS);
    RAW(setns, syscall(SYS_pidfd_open, getpid(), 0), CLONE_NEWUTS | 1);
    RAW(unshare, 0);
    RAW(unshare, CLONE_NEWNS);
    RAW(unshare, CLONE_NEWUTS);
    RAW(unshare, CLONE_NEWIPC);
    RAW(unshare, CLONE_NEWNET);
    RAW(unshare, CLONE_NEWPID);
    RAW(unshare, CLONE_NEWCGROUP);
    RAW(unshare, CLONE_NEWTIME);
    RAW(unshare, CLONE_FS | CLONE_FILES | CLONE_SYSVSEM);
    RAW(unshare, CLONE_PARENT);
    RAW(unshare, CLONE_NEWNS | CLONE_PARENT);
    RAW(process_mrelease, -1, 0);
    RAW(process_mrelease, 0, 1);
    RAW(process_mrelease, 0, 0);
    RAW(process_mrelease, syscall(SYS_pidfd_open, getpid(), 0), 0);
    RAW(kcmp, getpid(), getpid(), 99, 0, 0);
    RAW(ptrace, PTRACE_PEEKDATA, getpid(), 0, 0);
    RAW(ptrace, PTRACE_ATTACH, getpid(), 0, 0);
    RAW(ptrace, PTRACE_SEIZE, getpid(), 0, 0);
    RAW(ptrace, PTRACE_CONT, 30000, 0, 0);
    RAW(ptrace, PTRACE_ATTACH, 30000, 0, 0);
    RAW(ptrace, 9999, getpid(), 0, 0);
}

static void advice(void)
{
    struct iovec v = {page, sizeof(page)}, none = {NULL, 0}, two[2] = {{page, 4096}, {BAD, 4096}}, odd = {page + 1, 100};
    int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    RAW(process_madvise, self, &v, 1, MADV_WILLNEED, 0);
    RAW(process_madvise, self, &v, 1, MADV_COLD, 0);
    RAW(process_madvise, self, &v, 1, MADV_PAGEOUT, 1);
    RAW(process_madvise, self, &none, 1, MADV_WILLNEED, 0);
    RAW(process_madvise, self, &v, 0, MADV_WILLNEED, 0);
    RAW(process_madvise, self, two, 2, MADV_COLD, 0);
    RAW(process_madvise, self, &odd, 1, MADV_COLD, 0);
    RAW(process_madvise, self, &v, 1, 9999, 0);
    RAW(process_madvise, self, &v, 1, MADV_DONTNEED, 0);
    RAW(process_madvise, self, &v, 1, MADV_NORMAL, 0);
    RAW(process_madvise, self, &v, 1, MADV_FREE, 0);
    RAW(process_madvise, self, BAD, 1, MADV_COLD, 0);
    RAW(process_madvise, self, &v, 2000, MADV_COLD, 0);
    RAW(process_madvise, -1, &v, 1, MADV_COLD, 0);
    RAW(process_madvise, 0, &v, 1, MADV_COLD, 0);
    RAW(process_madvise, -1, &v, 1, MADV_COLD, 1);
}

int main(void)
{
    if (syscall(SYS_setgroups, 0, NULL) || setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))
        return 1;
    machine();
    files();
    others();
    advice();
    return 0;
}
