/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files of /proc, /sys and /dev: which there are, their modes, how they open, and values that must agree with what system
 * calls say.
 */
#include "file_check.h"
#include "slurp.h"
#include <dirent.h>
#include <linux/nsfs.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#define CALL(what, call) show_(what, (long)(call))

/* What follows "\nKEY:", or the start if key is NULL. */
static const char *after(const char *key)
{
    char pattern[40];
    const char *at;

    snprintf(pattern, sizeof(pattern), "\n%s:", key);
    at = strstr(text, pattern);
    return at ? at + strlen(pattern) : "";
}

/* Paths that programs read, as far as every Linux has them. */
static const char *const paths[] = {
    "/proc/cgroups", "/proc/cmdline", "/proc/cpuinfo", "/proc/devices", "/proc/diskstats", "/proc/filesystems",
    "/proc/interrupts", "/proc/loadavg", "/proc/meminfo", "/proc/partitions", "/proc/stat", "/proc/swaps",
    "/proc/uptime", "/proc/version", "/proc/vmstat", "/proc/execdomains",
    "/proc/self/auxv", "/proc/self/cgroup", "/proc/self/clear_refs", "/proc/self/cmdline", "/proc/self/comm",
    "/proc/self/coredump_filter", "/proc/self/cpuset", "/proc/self/environ", "/proc/self/fd", "/proc/self/fdinfo",
    "/proc/self/fdinfo/0", "/proc/self/gid_map", "/proc/self/limits", "/proc/self/map_files", "/proc/self/maps",
    "/proc/self/mem", "/proc/self/mountinfo", "/proc/self/mounts", "/proc/self/mountstats", "/proc/self/ns",
    "/proc/self/numa_maps", "/proc/self/oom_score", "/proc/self/oom_score_adj", "/proc/self/pagemap",
    "/proc/self/personality", "/proc/self/projid_map", "/proc/self/setgroups", "/proc/self/smaps",
    "/proc/self/smaps_rollup", "/proc/self/stat", "/proc/self/statm", "/proc/self/status", "/proc/self/syscall",
    "/proc/self/attr", "/proc/self/attr/current", "/proc/self/attr/exec", "/proc/self/attr/fscreate", "/proc/self/attr/keycreate",
    "/proc/self/attr/prev", "/proc/self/attr/sockcreate", "/proc/thread-self/attr/current", "/proc/thread-self/children",
    "/proc/self/children", "/proc/locks",
    "/proc/self/loginuid", "/proc/self/sessionid", "/proc/self/wchan", "/proc/self/timens_offsets", "/proc/thread-self/wchan",
    "/proc/thread-self/timens_offsets", "/proc/thread-self/loginuid", "/proc/sys/kernel/ns_last_pid", "/proc/sys/kernel/seccomp",
    "/proc/sys/kernel/seccomp/actions_avail", "/proc/sys/kernel/dmesg_restrict", "/proc/sys/kernel/perf_event_paranoid",
    "/proc/sys/kernel/unprivileged_bpf_disabled", "/proc/sys/kernel/core_uses_pid", "/proc/sys/kernel/sched_rr_timeslice_ms",
    "/proc/sys/kernel/sched_rt_period_us", "/proc/sys/fs/leases-enable", "/proc/sys/fs/dir-notify-enable",
    "/proc/sys/vm/unprivileged_userfaultfd",
    "/proc/self/task", "/proc/self/timerslack_ns", "/proc/self/uid_map", "/proc/thread-self/comm",
    "/proc/thread-self/maps", "/proc/thread-self/stat", "/proc/thread-self/timerslack_ns", "/proc/thread-self/task",
    "/proc/thread-self/coredump_filter", "/proc/thread-self/mountstats", "/proc/thread-self/map_files",
    "/proc/sys/fs/file-max", "/proc/sys/fs/file-nr", "/proc/sys/fs/nr_open", "/proc/sys/fs/pipe-max-size",
    "/proc/sys/kernel/cap_last_cap", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname",
    "/proc/sys/kernel/ngroups_max", "/proc/sys/kernel/osrelease", "/proc/sys/kernel/ostype",
    "/proc/sys/kernel/pid_max", "/proc/sys/kernel/random/boot_id", "/proc/sys/kernel/random/entropy_avail",
    "/proc/sys/kernel/random/poolsize", "/proc/sys/kernel/random/uuid", "/proc/sys/kernel/randomize_va_space",
    "/proc/sys/kernel/threads-max", "/proc/sys/kernel/version", "/proc/sys/net/core/somaxconn",
    "/proc/sys/vm/drop_caches", "/proc/sys/vm/max_map_count", "/proc/sys/vm/overcommit_memory",
    "/proc/sys/vm/swappiness",
    "/sys/block", "/sys/class/block", "/sys/dev/block", "/sys/fs/cgroup",
    "/sys/devices/system/clocksource/clocksource0/available_clocksource",
    "/sys/devices/system/clocksource/clocksource0/current_clocksource", "/sys/devices/system/cpu/cpu0/topology/core_id",
    "/sys/devices/system/cpu/cpu0/topology/core_cpus", "/sys/devices/system/cpu/cpu0/topology/core_siblings",
    "/sys/devices/system/cpu/cpu0/topology/die_id", "/sys/devices/system/cpu/cpu0/topology/physical_package_id",
    "/sys/devices/system/cpu/cpu0/topology/thread_siblings", "/sys/devices/system/cpu/cpu0/topology/thread_siblings_list",
    "/sys/devices/system/cpu/isolated", "/sys/devices/system/cpu/kernel_max", "/sys/devices/system/cpu/offline",
    "/sys/devices/system/cpu/online", "/sys/devices/system/cpu/possible", "/sys/devices/system/cpu/present",
    "/sys/devices/system/node/node0/cpulist", "/sys/devices/system/node/node0/cpumap",
    "/sys/devices/system/node/node0/distance", "/sys/devices/system/node/node0/meminfo",
    "/sys/devices/system/node/online", "/sys/kernel/mm/hugepages", "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size",
    "/dev/fd", "/dev/full", "/dev/null", "/dev/random", "/dev/shm", "/dev/tty", "/dev/urandom", "/dev/zero",
    "/proc/none", "/proc/self/none", "/proc/sys/kernel/none", "/sys/none", "/proc/self/task/x", "/proc/0", "/proc/-1",
};

/* Files that Linux lets root write, or makes a directory of another size, are no matter here: only what kind there is. */
static void listing(void)
{
    for (unsigned k = 0; k < sizeof(paths) / sizeof(paths[0]); k++) {
        struct stat st;
        bool sys = !strncmp(paths[k], "/sys/", 5), settings = !strncmp(paths[k], "/proc/sys/", 10);

        if (lstat(paths[k], &st)) {
            printf("%s: %s\n", paths[k], strerrorname_np(errno));
            continue;
        }
        /* What may be set is more on Linux. */
        printf("%s: %o owner %u:%u size %ld", paths[k], st.st_mode & (settings || sys ? ~0222u : ~0u), st.st_uid, st.st_gid,
               S_ISREG(st.st_mode) && strcmp(paths[k], "/proc/cmdline") ? (long)st.st_size : 0);
        if (S_ISCHR(st.st_mode))
            printf(" device %u:%u", major(st.st_rdev), minor(st.st_rdev));
        if (S_ISREG(st.st_mode) && st.st_mode & 0444 && strcmp(paths[k], "/proc/self/mem")) {
            int fd = open(paths[k], O_RDONLY);
            printf(" %s", fd < 0 ? strerrorname_np(errno) : read(fd, text, 1) >= 0 ? "reads" : strerrorname_np(errno));
            close(fd);
        }
        printf("\n");
    }
}

static void opening(void)
{
    struct statfs fs;
    struct stat st;
    int fd;

    SHOW(open("/proc/sys/kernel/ostype", O_WRONLY));
    SHOW(open("/proc/sys/kernel/ostype", O_RDWR));
    SHOW(open("/proc/sys/vm/drop_caches", O_RDONLY));
    SHOW(open("/sys/devices/system/cpu/online", O_WRONLY));
    fd = open("/proc/version", O_WRONLY | O_TRUNC);
    SHOW_OK(fd);
    SHOW(write(fd, "x", 1));
    close(fd);
    fd = open("/proc/version", O_RDONLY);
    SHOW(lseek(fd, 3, SEEK_SET));
    SHOW(read(fd, text, 2));
    printf("%.2s\n", text);
    SHOW(pread(fd, text, 5, 0));
    printf("%.5s\n", text);
    SHOW(lseek(fd, -1, SEEK_SET));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(lseek(fd, 1 << 20, SEEK_SET));
    SHOW(read(fd, text, 2));
    SHOW(read(fd, BAD_PTR, 0));
    SHOW(ftruncate(fd, 0));
    close(fd);
    fd = open("/sys/devices/system/cpu/possible", O_RDONLY);
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(read(fd, text, 1));
    SHOW(pread(fd, text, 1, 0));
    close(fd);
    SHOW(chmod("/proc/self/status", 0600));
    SHOW(open("/proc/new", O_CREAT | O_RDWR, 0600));
    SHOW(symlink("x", "/proc/self/link"));
    SHOW(unlink("/sys/devices/system/cpu/online"));
    SHOW(rmdir("/proc/self/fd"));
    SHOW(readlink("/proc/version", text, 10));
    SHOW(open("/proc/version/x", O_RDONLY));
    SHOW(truncate("/proc/version", 0));
    statfs("/proc", &fs);
    printf("/proc %lx block %ld\n", fs.f_type, (long)fs.f_bsize);
    statfs("/sys", &fs);
    printf("/sys %lx block %ld\n", fs.f_type, (long)fs.f_bsize);
    fd = open("/proc/sys/kernel/randomize_va_space", O_RDONLY);
    fstat(fd, &st);
    printf("its device is /proc's: %d\n", !stat("/proc", &st) && st.st_dev == (fstat(fd, &st), st.st_dev));
    close(fd);
}

static void numbers(void)
{
    /* The file's own value is put back. */
    static const char *const words[] = {"x", "1x", "-1", "99999999999", "\n", "1 \n", " 1"};
    int fd = open("/proc/self/oom_score_adj", O_RDWR);

    for (unsigned k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
        int set = open("/proc/sys/vm/overcommit_memory", O_WRONLY);

        if (k < 5) {
            printf("'%s' ", words[k][0] == '\n' ? "\\n" : words[k]);
            CALL("overcommit_memory", write(set, words[k], strlen(words[k])));
        }
        close(set);
    }
    SHOW(write(fd, "1001", 4));
    SHOW(write(fd, "-1001", 5));
    SHOW(write(fd, "x", 1));
    SHOW(write(fd, "500\n", 4));
    SHOW(pread(fd, text, 10, 0));
    printf("%.4s", text);
    close(fd);
    fd = open("/proc/self/timerslack_ns", O_RDWR);
    prctl(PR_SET_TIMERSLACK, 70000);
    SHOW(pread(fd, text, 10, 0));
    printf("%.6s", text);
    SHOW(write(fd, "80000", 5));
    SHOW(prctl(PR_GET_TIMERSLACK));
    SHOW(write(fd, "0", 1));
    SHOW(prctl(PR_GET_TIMERSLACK));
    SHOW(write(fd, "x", 1));
    close(fd);
    fd = open("/proc/self/coredump_filter", O_RDWR);
    SHOW(write(fd, "0x7f\n", 5));
    SHOW(pread(fd, text, 20, 0));
    printf("%.9s", text);
    SHOW(write(fd, "y", 1));
    close(fd);
    fd = open("/proc/self/uid_map", O_WRONLY);
    SHOW(write(fd, "0 0 1\n", 6));
    close(fd);
    fd = open("/proc/self/setgroups", O_RDWR);
    SHOW(read(fd, text, 10));
    printf("%.6s", text);
    close(fd);
    fd = open("/proc/self/setgroups", O_WRONLY);
    SHOW(write(fd, "deny", 4));
    close(fd);
}

static void namespaces(void)
{
    static const char *const kinds[] = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"};

    for (unsigned k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        char path[40], link[40] = "", want[40];
        struct stat st;
        int fd;

        snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[k]);
        fd = open(path, O_RDONLY);
        fstat(fd, &st);
        snprintf(want, sizeof(want), "%s:[%lu]", kinds[k], (unsigned long)st.st_ino);
        printf("%s: link %ld names the file %d, mode %o, type %x read %ld\n", kinds[k],
               (long)readlink(path, link, sizeof(link) - 1) > 0 ? 1l : 0l, !strcmp(link, want), st.st_mode,
               (unsigned)ioctl(fd, NS_GET_NSTYPE), (long)read(fd, text, 1));
        close(fd);
    }
}

static void agreement(void)
{
    struct rusage used;
    struct rlimit limit;
    struct sysinfo info;
    cpu_set_t cpus;
    long field[52] = {0};
    unsigned n = 0;
    char *at;

    slurp("/proc/self/stat");
    getrusage(RUSAGE_SELF, &used);
    at = strrchr(text, ')') + 3;
    for (n = 3; n < 52 && (at = strchr(at, ' ')); n++)
        field[n] = atol(++at);
    printf("stat: ppid %d group %d session %d nice %d threads %ld policy %ld faults %d\n", field[3] == getppid(),
           field[4] == getpgrp(), field[5] == getsid(0), field[18] == getpriority(PRIO_PROCESS, 0), field[19], field[40],
           field[9] > 0 && field[9] <= used.ru_minflt && used.ru_minflt - field[9] < 10);
    printf("text %d, heap %d, arguments %d %d\n",
           (unsigned long)field[25] <= (unsigned long)agreement && (unsigned long)field[26] > (unsigned long)agreement,
           (unsigned long)field[46] <= (unsigned long)sbrk(0), field[47] < field[48], field[49] < field[50]);
    signal(SIGUSR1, (void (*)(int))abort);
    signal(SIGUSR2, SIG_IGN);
    mlock(agreement, 1);
    slurp("/proc/self/status");
    printf("SigCgt %lx, SigIgn %lx, VmLck %ld\n", strtoul(after("SigCgt"), NULL, 16) & 0xa00, strtoul(after("SigIgn"), NULL, 16) & 0xa00,
           strtol(after("VmLck"), NULL, 10));
    munlock(agreement, 1);
    sched_getaffinity(0, sizeof(cpus), &cpus);
    unsigned long mask = strtoul(after("Cpus_allowed"), NULL, 16);
    printf("status: pid %d, uids %d, cpus %d, umask %ld, switches %d\n", atoi(after("Pid")) == getpid(),
           (uid_t)atoi(after("Uid")) == getuid(), __builtin_popcountl(mask) == CPU_COUNT(&cpus),
           strtol(after("Umask"), NULL, 8), *after("voluntary_ctxt_switches") != 0);
    setrlimit(RLIMIT_CPU, &(struct rlimit){7777, 8888});
    getrlimit(RLIMIT_NOFILE, &limit);
    slurp("/proc/self/limits");
    at = strstr(text, "Max open files");
    printf("limits: files %d, cpu %d\n", strtoul(at + 26, NULL, 10) == limit.rlim_cur,
           strstr(text, "Max cpu time              7777                 8888                 seconds   \n") != NULL);
    sysinfo(&info);
    text[0] = '\n';
    n = (unsigned)slurp("/proc/meminfo");
    printf("meminfo: total %d, swap %d\n", strtoul(text + 9, NULL, 10) == info.totalram * info.mem_unit / 1024,
           strtoul(after("SwapTotal"), NULL, 10) == info.totalswap * info.mem_unit / 1024);
    slurp("/proc/uptime");
    printf("uptime: %d\n", labs(atol(text) - info.uptime) <= 2);
    slurp("/proc/cpuinfo");
    n = 0;
    for (at = text; (at = strstr(at, "processor\t:")); at++)
        n++;
    slurp("/sys/devices/system/cpu/online");
    printf("cpus: cpuinfo %d, online %d\n", n == (unsigned)get_nprocs(),
           (strchr(text, '-') ? atoi(strchr(text, '-') + 1) : 0) + 1 == get_nprocs());
    slurp("/sys/devices/system/cpu/cpu0/topology/core_siblings_list");
    char list[64];
    strcpy(list, text);
    slurp("/sys/devices/system/cpu/cpu0/topology/package_cpus_list");
    printf("topology: %d\n", !strcmp(list, text));
}

/* All of a row of /proc/softirqs. */
static unsigned long softirqs(const char *row)
{
    unsigned long sum = 0, n;
    const char *at;
    int used;

    slurp("/proc/softirqs");
    at = strstr(text, row);
    for (at = at ? at + strlen(row) : ""; sscanf(at, "%*[ ]%lu%n", &n, &used) == 1; at += used)
        sum += n;
    return sum;
}

/* The last line of /proc/stat: a sum and what it is the sum of, as /proc/softirqs has it. */
static void softirq_line(void)
{
    unsigned long least = softirqs("NET_RX:"), n, all = 0, sum = 0, received = 0;
    int used, count = 0;
    const char *at;

    slurp("/proc/stat");
    at = strstr(text, "\nsoftirq");
    for (at = at ? at + 8 : ""; sscanf(at, " %lu%n", &n, &used) == 1; at += used, count++) {
        if (!count)
            all = n;
        else
            sum += n;
        if (count == 4)
            received = n;
    }
    printf("softirq: %d numbers, sum %d, received %d, end %d\n", count, all == sum,
           received >= least && received <= softirqs("NET_RX:"), !strcmp(at, "\n"));
}

static int pipes[2], ready[2];
static void *wait_in_read(void *arg)
{
    int tid = gettid();
    char c;

    (void)arg;
    prctl(PR_SET_NAME, "a\nb\\c");
    if (write(ready[1], &tid, sizeof(tid)) != sizeof(tid))
        return NULL;
    return read(pipes[0], &c, 1) == 1 ? NULL : text;
}

/* What is known of another thread while it waits, and after it has ended. */
static void threads(void)
{
    pthread_t t;
    char path[64], dead[64];
    int tid, status, dir;

    if (pipe(pipes) || pipe(ready))
        return;
    slurp("/proc/self/syscall");
    printf("self: %d\n", atoi(text));
    pthread_create(&t, NULL, wait_in_read, NULL);
    if (read(ready[0], &tid, sizeof(tid)) != sizeof(tid))
        return;
    snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
    do
        slurp(path);
    while (!strncmp(text, "running", 7));
    printf("waits in call %d of descriptor %d\n", atoi(text), (int)strtol(strchr(text, ' '), NULL, 16) == pipes[0]);
    snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
    status = open(path, O_RDONLY);
    SHOW(read(status, text, 14));
    printf("%.14s", text);
    slurp(path);
    printf("state %.12s pid %d tgid %d threads %d\n", after("State"), atoi(after("Pid")) == tid,
           atoi(after("Tgid")) == getpid(), atoi(after("Threads")));
    snprintf(path, sizeof(path), "/proc/self/task/%d", tid);
    dir = open(path, O_RDONLY | O_DIRECTORY);
    snprintf(path, sizeof(path), "/proc/%d/stat", tid);
    printf("found by its number, too: %d\n", slurp(path) > 0);
    if (write(pipes[1], "x", 1) != 1)
        return;
    pthread_join(t, NULL);
    snprintf(dead, sizeof(dead), "/proc/self/task/%d/stat", tid);
    while (!access(dead, F_OK)) /* the join may be sooner than the kernel */
        sched_yield();
    SHOW(pread(status, text, 10, 0));
    SHOW(open(dead, O_RDONLY));
    SHOW(openat(dir, "stat", O_RDONLY));
    close(status), close(dir);
}

int main(void)
{
    listing();
    opening();
    numbers();
    namespaces();
    agreement();
    softirq_line();
    threads();
    return 0;
}
