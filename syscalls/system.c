/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls about the machine as a whole: its names, memory, log, and random numbers. */
#include <linux/capability.h>
#include <linux/personality.h>
#include <linux/random.h>
#include <linux/reboot.h>
#include <linux/sysinfo.h>
#include "syscalls/syscall.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/page.h"
#include "kernel/random.h"
#include "kernel/sched.h"
#include "kernel/signal.h"
#include "kernel/uts.h"

long sys_uname(const struct syscall_args *a);
long sys_sethostname(const struct syscall_args *a);
long sys_setdomainname(const struct syscall_args *a);
long sys_sysinfo(const struct syscall_args *a);
long sys_syslog(const struct syscall_args *a);
long sys_getrandom(const struct syscall_args *a);
long sys_reboot(const struct syscall_args *a);

long sys_uname(const struct syscall_args *a)
{
    struct new_utsname n;
    memset(&n, 0, sizeof(n));
    strlcpy(n.sysname, UTS_SYSNAME, sizeof(n.sysname));
    strlcpy(n.nodename, uts_host_name(), sizeof(n.nodename));
    if (current_process()->personality & UNAME26) /* for programs that know of no version after 2.6: it ends at 39 there, 60 is 4.0 */
        strlcpy(n.release, UTS_RELEASE_26, sizeof(n.release));
    else
        strlcpy(n.release, UTS_RELEASE, sizeof(n.release));
    strlcpy(n.version, UTS_VERSION, sizeof(n.version));
    bool compat = (current_process()->personality & PER_MASK) == PER_LINUX32;
    strlcpy(n.machine, compat ? "i686" : "x86_64", sizeof(n.machine));
    strlcpy(n.domainname, uts_domain_name(), sizeof(n.domainname));
    return copy_to_user(ARG_PTR(a, 0), &n, sizeof(n));
}

static long set_uts_name(void (*set)(const char *name, size_t length), const struct syscall_args *a)
{
    char new[__NEW_UTS_LEN + 1] = "";
    int length = ARG_INT(a, 1);
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (length < 0 || length > __NEW_UTS_LEN)
        return -EINVAL;
    if (copy_from_user(new, ARG_PTR(a, 0), (size_t)length))
        return -EFAULT;
    set(new, (size_t)length);
    return 0;
}

long sys_sethostname(const struct syscall_args *a)
{
    return set_uts_name(uts_set_host_name, a);
}

long sys_setdomainname(const struct syscall_args *a)
{
    return set_uts_name(uts_set_domain_name, a);
}

long sys_sysinfo(const struct syscall_args *a)
{
    struct sysinfo info;
    struct page_stats memory;
    u64 load[3];
    page_stats(&memory);
    sched_load_average(load);
    memset(&info, 0, sizeof(info));
    info.uptime = (long)((platform_clock() + NSEC_PER_SEC - 1) / NSEC_PER_SEC);
    for (int i = 0; i < 3; i++)
        info.loads[i] = load[i];
    info.totalram = memory.total * PAGE_SIZE;
    info.freeram = memory.free * PAGE_SIZE;
    info.procs = (u16)MIN(thread_count_all(), 0xffffu);
    info.mem_unit = 1;
    return copy_to_user(ARG_PTR(a, 0), &info, sizeof(info));
}

/* The operations of syslog(2), which the system's headers do not name. */
enum {
    SYSLOG_CLOSE, SYSLOG_OPEN, SYSLOG_READ, SYSLOG_READ_ALL, SYSLOG_READ_CLEAR, SYSLOG_CLEAR,
    SYSLOG_CONSOLE_OFF, SYSLOG_CONSOLE_ON, SYSLOG_CONSOLE_LEVEL, SYSLOG_SIZE_UNREAD, SYSLOG_SIZE_BUFFER,
};

static long read_log(void *to, int size, bool clear)
{
    if (!to || size < 0)
        return -EINVAL;
    if (!size)
        return 0;
    if (!user_range_ok(to, (size_t)size))
        return -EFAULT;
    size_t n = MIN((size_t)size, (size_t)LOG_SIZE);
    char *buf = kmalloc(LOG_SIZE);
    if (!buf)
        return -ENOMEM;
    n = log_read(buf, n, clear);
    long result = copy_to_user(to, buf, n) ? -EFAULT : (long)n;
    kfree(buf);
    return result;
}

/* Reading line by line (types 2 and 9) is a daemon's, the console's level the host's: both are refused. */
long sys_syslog(const struct syscall_args *a)
{
    int type = ARG_INT(a, 0);
    if (type != SYSLOG_READ_ALL && type != SYSLOG_SIZE_BUFFER && !capable(CAP_SYSLOG))
        return -EPERM;
    switch (type) {
    case SYSLOG_CLOSE:
    case SYSLOG_OPEN:
        return 0;
    case SYSLOG_READ_ALL:
    case SYSLOG_READ_CLEAR:
        return read_log(ARG_PTR(a, 1), ARG_INT(a, 2), type == SYSLOG_READ_CLEAR);
    case SYSLOG_CLEAR:
        log_read(NULL, 0, true);
        return 0;
    case SYSLOG_SIZE_BUFFER:
        return LOG_SIZE;
    }
    return type < 0 || type > SYSLOG_SIZE_BUFFER ? -EINVAL : -EPERM;
}

long sys_getrandom(const struct syscall_args *a)
{
    u8 block[256];
    u8 *to = ARG_PTR(a, 0);
    size_t size = MIN(ARG_U64(a, 1), (u64)INT32_MAX), done = 0;
    u32 flags = ARG_U32(a, 2);
    if (flags & ~(u32)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    if ((flags & (GRND_INSECURE | GRND_RANDOM)) == (GRND_INSECURE | GRND_RANDOM))
        return -EINVAL;
    if (!user_range_ok(to, size))
        return -EFAULT;
    while (done < size) {
        size_t n = MIN(size - done, sizeof(block));
        random_bytes(block, n);
        size_t missed = copy_to_user_partial(to + done, block, n);
        done += n - missed;
        if (missed)
            break;
        /* Long requests can be interrupted, short ones never: getrandom(2). */
        if (done % PAGE_SIZE == 0 && done < size && current_interrupted())
            break;
    }
    memset(block, 0, sizeof(block));
    barrier();
    return done || !size ? (long)done : -EFAULT;
}

long sys_reboot(const struct syscall_args *a)
{
    u32 magic2 = ARG_U32(a, 1);
    if (!capable(CAP_SYS_BOOT))
        return -EPERM; /* nobody has it: the VM ends with the program */
    bool known = magic2 == LINUX_REBOOT_MAGIC2 || magic2 == LINUX_REBOOT_MAGIC2A || magic2 == LINUX_REBOOT_MAGIC2B ||
                 magic2 == LINUX_REBOOT_MAGIC2C;
    return ARG_U32(a, 0) == LINUX_REBOOT_MAGIC1 && known ? -EPERM : -EINVAL;
}
