/* SPDX-License-Identifier: BSD-2-Clause */
/* uname(2), sysinfo(2), sethostname(2), syslog(2), getrandom(2), resource limits, and calls that are refused. */
#include "abi.h"
#include <limits.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

static long limit(int pid, unsigned resource, const void *new, void *old)
{
    return syscall(SYS_prlimit64, pid, resource, new, old);
}

int main(void)
{
    struct utsname u;
    struct sysinfo si;
    SHOW(uname(&u));
    printf("%s %s\n", u.sysname, u.machine);
    int major = atoi(u.release);
    printf("release at least 6: %d\n", major >= 6);
    SHOW(syscall(SYS_uname, BAD));
    SHOW(sysinfo(&si));
    printf("unit %u, free within total %d, swap within total %d, processes %d\n", si.mem_unit, si.freeram <= si.totalram,
           si.freeswap <= si.totalswap, si.procs > 0);
    SHOW(syscall(SYS_sysinfo, BAD));
    SHOW(syscall(SYS_sethostname, "x", 65));
    SHOW(syscall(SYS_sethostname, "x", -1));
    SHOW(syscall(SYS_sethostname, BAD, 3));
    SHOW(syscall(SYS_setdomainname, BAD, 3));

    unsigned char buf[5000] = {0};
    SHOW(syscall(SYS_getrandom, buf, 32, 0));
    int zeros = 0;
    for (int i = 0; i < 32; i++)
        zeros += !buf[i];
    printf("random: %d, the next byte untouched: %d\n", zeros < 8, buf[32] == 0);
    SHOW(syscall(SYS_getrandom, buf, 5000, GRND_NONBLOCK));
    SHOW(syscall(SYS_getrandom, buf, 0, 0));
    SHOW(syscall(SYS_getrandom, BAD, 0, 0));
    SHOW(syscall(SYS_getrandom, BAD, 8, 0));
    SHOW(syscall(SYS_getrandom, buf, 8, GRND_RANDOM));
    SHOW(syscall(SYS_getrandom, buf, 8, 4));
    SHOW(syscall(SYS_getrandom, buf, 8, GRND_RANDOM | 4));
    SHOW(syscall(SYS_getrandom, buf, 8, 8));
    SHOW(syscall(SYS_getrandom, buf, 8, -1));
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(page + 4096, 4096);
    SHOW(syscall(SYS_getrandom, page + 4096 - 256, 512, 0));

    struct rlimit l, old;
    SHOW(limit(0, RLIM_NLIMITS, NULL, &l));
    SHOW(limit(0, -1, NULL, &l));
    SHOW(limit(-1, RLIMIT_CORE, NULL, &l));
    SHOW(limit(4194300, RLIMIT_CORE, NULL, &l));
    SHOW(limit(getpid(), RLIMIT_CORE, NULL, &l));
    SHOW(limit(0, RLIMIT_CORE, NULL, NULL));
    SHOW(limit(0, RLIMIT_CORE, NULL, BAD));
    SHOW(limit(0, RLIMIT_CORE, BAD, NULL));
    SHOW(syscall(SYS_getrlimit, RLIM_NLIMITS, &l));
    SHOW(syscall(SYS_getrlimit, 0, BAD));
    SHOW(syscall(SYS_setrlimit, 0, BAD));
    l = (struct rlimit){5, 4};
    SHOW(syscall(SYS_setrlimit, RLIMIT_CORE, &l));
    l = (struct rlimit){5, 20};
    SHOW(limit(0, RLIMIT_CORE, &l, &old));
    SHOW(limit(0, RLIMIT_CORE, NULL, &old));
    printf("core %lu %lu\n", (unsigned long)old.rlim_cur, (unsigned long)old.rlim_max);
    l = (struct rlimit){20, 20};
    SHOW(limit(0, RLIMIT_CORE, &l, BAD));
    SHOW(syscall(SYS_getrlimit, RLIMIT_CORE, &old));
    printf("core %lu %lu\n", (unsigned long)old.rlim_cur, (unsigned long)old.rlim_max);
    l = (struct rlimit){20, 21};
    SHOW(syscall(SYS_setrlimit, RLIMIT_CORE, &l));
    l = (struct rlimit){1, 1ul << 40};
    SHOW(syscall(SYS_setrlimit, RLIMIT_NOFILE, &l));
    SHOW(syscall(SYS_getrlimit, RLIMIT_STACK, &l));
    printf("stack %lu\n", (unsigned long)l.rlim_cur);

    SHOW(syscall(SYS_syslog, 99, NULL, 0));
    SHOW(syscall(SYS_syslog, -1, NULL, 0));
    SHOW(syscall(SYS_syslog, 3, NULL, 5));
    SHOW(syscall(SYS_syslog, 3, buf, -1));
    SHOW(syscall(SYS_syslog, 0, NULL, 0));
    SHOW(syscall(1000));
    SHOW(syscall(-1));
    SHOW(syscall(400));
    SHOW(syscall(SYS_create_module));
    SHOW(syscall(SYS_getpmsg));
    return 0;
}
