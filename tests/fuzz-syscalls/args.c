/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arguments: every system call that can be made anywhere without harm, each with descriptors, sizes, flags, names and pointers of all sorts,
 * good and bad, upper halves of registers included. By a user without rights. Each step begins with the same files and descriptors, so that
 * it does not depend on those before it. What is left out, and why, is listed at the end of the table.
 */
#include <linux/capability.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include "sequence.h"

#define NOBODY 65534
#define PAGE   4096ul
#define PAGES  16ul
#define AREA   0x100000000ul
#define AREAS  0x200000000000ul
#define FIRST  3
#define LAST   899 /* of the descriptors that are the sequence's */

/*
 * Kinds of arguments: f descriptor, E one that is open, G one that is not of the kernel's own kinds, R of a file or directory, p name of a file, r none but good ones, q name of something else, o memory to be filled, i memory to be read, s size, n small number, g flags, h without what newer Linuxes take,
 * d mode, l position, u user, P process that is not there, I id of nothing, c clock, y time that has come or is none, 0 zero,
 * m address of own pages, B memory of zeros to be read, L length of few pages.
 */
static const struct entry {
    const char *name;
    short number;
    const char *kinds;
} table[] = {
#define X(name, kinds) {#name, SYS_##name, kinds}
    /* data */
    X(read, "fos"), X(write, "fis"), X(pread64, "fosl"), X(pwrite64, "fisl"), X(readv, "fin"), X(writev, "fin"), X(preadv, "finl0"), X(pwritev, "finl0"),
    X(preadv2, "finl0g"), X(pwritev2, "finl0g"), X(lseek, "fln"), X(sendfile, "ffis"), X(splice, "fififg"), X(tee, "ffsg"), X(copy_file_range, "fififn"),
    X(ftruncate, "fl"), X(truncate, "pl"), X(fallocate, "fgll"), X(fsync, "f"), X(fdatasync, "f"), X(sync_file_range, "fllg"), X(readahead, "fls"),
    X(fadvise64, "flln"), X(getdents, "fos"), X(getdents64, "fos"), X(flock, "fn"), X(getrandom, "osg"),
    /* descriptors */
    X(close, "f"), X(dup, "f"), X(dup2, "ff"), X(dup3, "ffg"), X(pipe, "o"), X(pipe2, "og"), X(fcntl, "fni"), X(ioctl, "Gno"), X(eventfd, "n"), X(eventfd2, "ng"),
    X(epoll_create, "n"), X(epoll_create1, "g"), X(epoll_ctl, "fnfi"), X(epoll_wait, "Eon0"), X(epoll_pwait, "Eon0is"), X(epoll_pwait2, "Eonyis"),
    X(inotify_init, ""), X(inotify_init1, "g"), X(inotify_add_watch, "fpg"), X(inotify_rm_watch, "fn"), X(signalfd, "fis"), X(signalfd4, "fisg"),
    X(timerfd_create, "cg"), X(timerfd_settime, "fgio"), X(timerfd_gettime, "fo"), X(memfd_create, "qg"), X(poll, "in0"), X(ppoll, "inyis"), X(select, "nBBBy"),
    X(pselect6, "nBBByi"), X(pidfd_open, "Pg"), X(pidfd_getfd, "ffg"), X(pidfd_send_signal, "f0ig"),
    /* names */
    X(open, "pgd"), X(openat, "fpgd"), X(openat2, "fpis"), X(creat, "pd"), X(stat, "po"), X(lstat, "po"), X(fstat, "fo"), X(newfstatat, "fpoh"), X(statx, "fpgno"),
    X(access, "pn"), X(faccessat, "fpn"), X(faccessat2, "fpng"), X(readlink, "pos"), X(readlinkat, "fpos"), X(rename, "pr"), X(renameat, "fpfr"),
    X(renameat2, "fpfrg"), X(link, "pr"), X(linkat, "fpfrg"), X(symlink, "pr"), X(symlinkat, "pfr"), X(unlink, "p"), X(unlinkat, "fpg"), X(mkdir, "pd"),
    X(mkdirat, "fpd"), X(rmdir, "p"), X(mknod, "pdn"), X(mknodat, "fpdn"), X(chmod, "pd"), X(fchmod, "Gd"), X(fchmodat, "fpd"),
    X(chown, "puu"), X(lchown, "puu"), X(fchown, "Guu"), X(fchownat, "Gpuug"), X(utime, "pi"), X(utimes, "pi"), X(futimesat, "Gpi"), X(utimensat, "Gpig"),
    X(chdir, "p"), X(fchdir, "f"), X(getcwd, "os"), X(umask, "d"), X(statfs, "po"), X(fstatfs, "fo"), X(setxattr, "pqisg"),
    X(lsetxattr, "pqisg"), X(fsetxattr, "fqisg"), X(getxattr, "pqos"), X(lgetxattr, "pqos"), X(fgetxattr, "Rqos"), X(listxattr, "pos"), X(llistxattr, "pos"),
    X(flistxattr, "Ros"), X(removexattr, "pq"), X(lremovexattr, "pq"), X(fremovexattr, "fq"), X(execve, "pii"), X(execveat, "fpiih"),
    /* sockets */
    X(bind, "fis"), X(connect, "fis"), X(listen, "fn"), X(accept, "foi"), X(accept4, "foig"), X(getsockname, "foi"), X(getpeername, "foi"), X(shutdown, "fn"),
    X(sendto, "fisgis"), X(recvfrom, "fosgoi"), X(sendmsg, "fBg"), X(recvmsg, "fig"), X(sendmmsg, "fBng"), X(recvmmsg, "fingy"), X(setsockopt, "fnnis"),
    X(getsockopt, "fnnoi"),
    /* memory */
    X(mmap, "0Lngfl"), X(munmap, "mL"), X(mprotect, "mLn"), X(mremap, "mLLgm"), X(msync, "mLg"), X(mincore, "mLo"), X(mlock, "mL"), X(mlock2, "mLg"),
    X(munlock, "mL"), X(remap_file_pages, "mLnlg"), X(process_vm_readv, "Pininn"), X(process_vm_writev, "Pininn"), X(process_madvise, "finng"),
    X(process_mrelease, "fg"), X(membarrier, "ngn"),
    /* IPC */
    X(shmctl, "Ino"), X(shmat, "Imn"), X(shmdt, "m"), X(semctl, "Inni"), X(semop, "Iin"), X(semtimedop, "Iiny"), X(msgctl, "Ino"), X(msgsnd, "Iisg"),
    X(msgrcv, "Iosng"), X(mq_unlink, "q"), X(mq_getsetattr, "fio"), X(mq_timedsend, "fisny"), X(mq_timedreceive, "fosoy"), X(mq_notify, "fi"),
    X(io_destroy, "n"), X(io_submit, "nni"), X(io_cancel, "nio"), X(io_getevents, "nnnoy"),
    /* time */
    X(clock_gettime, "co"), X(clock_getres, "co"), X(clock_nanosleep, "cgyo"), X(nanosleep, "yo"), X(gettimeofday, "oo"), X(time, "o"), X(times, "o"),
    X(getitimer, "no"), X(timer_settime, "ngio"), X(timer_gettime, "no"), X(timer_getoverrun, "n"), X(timer_delete, "n"), X(clock_settime, "ci"),
    X(settimeofday, "ii"),
    /* who and what */
    X(getuid, ""), X(geteuid, ""), X(getgid, ""), X(getegid, ""), X(getresuid, "ooo"), X(getresgid, "ooo"), X(setuid, "u"), X(setgid, "u"), X(setreuid, "uu"),
    X(setregid, "uu"), X(setresuid, "uuu"), X(setresgid, "uuu"), X(setfsuid, "u"), X(setfsgid, "u"), X(getgroups, "no"), X(setgroups, "ni"), X(capget, "Bo"),
    X(uname, "o"), X(sysinfo, "o"), X(getrusage, "no"), X(getrlimit, "no"), X(prlimit64, "Pnio"), X(getcpu, "oo"), X(get_robust_list, "Poo"),
    X(rt_sigpending, "os"), X(rt_sigtimedwait, "ioys"), X(rt_sigqueueinfo, "Pni"), X(rt_tgsigqueueinfo, "PPni"), X(kill, "Pn"), X(tkill, "Pn"), X(tgkill, "PPn"),
    X(sched_getparam, "Po"), X(sched_getscheduler, "P"), X(sched_rr_get_interval, "Po"),
    X(sched_getattr, "Posg"), X(getpriority, "nP"), X(ioprio_get, "nP"), X(kcmp, "PPnnn"), X(wait4, "Pogo"), X(waitid, "nPogo"), X(sched_yield, ""),
    /* what only root may do */
    X(chroot, "p"), X(mount, "ppqhi"), X(umount2, "pg"), X(pivot_root, "pp"), X(sethostname, "is"), X(setdomainname, "is"), X(acct, "p"), X(swapon, "pg"),
    X(swapoff, "p"), X(vhangup, ""), X(reboot, "nnni"),
    X(open_by_handle_at, "fig"),
#undef X
};
/*
 * Left out. They end or replace the program or take away what it stands on: exit, exit_group, rt_sigreturn, brk, arch_prctl, set_tid_address, rseq,
 * set_robust_list, close_range, seccomp, ptrace (PTRACE_TRACEME), prctl, unshare, setns, clone, clone3, fork, vfork, setrlimit, rt_sigaction, rt_sigprocmask,
 * sigaltstack, personality, mlockall, munlockall, capset.
 * They wait, whatever they are told: pause, rt_sigsuspend, futex, futex_waitv, vmsplice, restart_syscall, io_pgetevents.
 * What they do lasts, and comes upon later steps: alarm, setitimer, timer_create, setpgid, setsid, setpriority, ioprio_set, sched_setparam, sched_setscheduler,
 * sched_setattr, sched_setaffinity, set_mempolicy, mbind, shmget, semget, msgget, mq_open, io_setup.
 * They tell of the machine, or of who started the program: getpid, gettid, getppid, getpgid, getpgrp, getsid, sched_getaffinity, get_mempolicy, syslog,
 * adjtimex, clock_adjtime, quotactl, quotactl_fd, ustat.
 * Policies depend on the release: sched_get_priority_max, sched_get_priority_min.
 * They would trouble the machine: sync, syncfs.
 * They depend on how the kernel was built, or settings: socket and socketpair (protocols), madvise, pkey_*, bpf, perf_event_open, userfaultfd, keys, iopl, ioperm,
 * modules (init_module, finit_module, delete_module), kexec_load, kexec_file_load, name_to_handle_at, io_uring_*. Those of syscalls.tbl with "none" are not in Aril.
 */

static __thread unsigned char *area;

static const uint64_t edges[] = {~0ull, 1ull << 63, (1ull << 63) - 1, 1ull << 31, (1ull << 31) - 1, 1ull << 32, 0xffffffff, 0xfffffffffffff000ull};

static uint64_t edge(const char **what)
{
    *what = "edge";
    return PICK(edges);
}

/* An address for n bytes, mostly a good one, and if not its name. */
static uint64_t address(bool to_read, const char **what)
{
    switch (pick(14)) {
    case 0:
        *what = "null";
        return 0;
    case 1:
        *what = "one";
        return 1;
    case 2:
        *what = "kernel";
        return 0xffff888000000000ull;
    case 3:
        *what = "odd";
        return 1ull << 62;
    case 4:
        *what = "cut";
        return (uint64_t)area + PAGES * PAGE - 1 - pick(12);
    case 5:
        if (to_read)
            break;
        *what = "constant";
        return (uint64_t)area + (PAGES + 1) * PAGE;
    case 6:
        *what = "beyond";
        return 0x7ffffffff000ull;
    }
    *what = "memory";
    return (uint64_t)area + pick(3) * PAGE;
}

/* One argument. What has a name that is not its value comes with it. */
static uint64_t argument(char kind, const char **what)
{
    static const char *const paths[] = {"a", "b", "d", "d/x", "none", "", "/", ".", "a/b", "d/..", "link"};
    static const char *const words[] = {"", "w", "user.w", "security.w", "trusted.w", "system.w", "user.", "/q", "q/"};
    static const uint64_t sizes[] = {0, 1, 2, 3, 4, 8, 12, 16, 24, 32, 56, 64, 100, 128, 255, 256, 4096};
    static const uint64_t modes[] = {0, 0644, 0755, 07777, 0177777, S_IFIFO | 0600, S_IFCHR | 0600, S_IFSOCK | 0600, S_IFDIR | 0700};
    static const uint64_t lengths[] = {0, 1, PAGE, 2 * PAGE, 3 * PAGE, PAGE + 1, ~0ull, 1ull << 63, 0ull - PAGE};

    *what = NULL;
    switch (kind) {
    case 'f':
        if (rarely(12))
            return PICK(((uint64_t[]){~0ull, 500, 0xffffff9cull /* AT_FDCWD */, 1ull << 32 | 3, 1ull << 31}));
        return FIRST + pick(16);
    case 'E': /* Linuxes look at a closed one first or last */
        return PICK(((uint64_t[]){FIRST, FIRST + 4, FIRST + 6, FIRST + 12, FIRST + 12, FIRST + 12, FIRST + 16}));
    case 'R':
        return FIRST + pick(4);
    case 'G': /* whether eventfds and the like can be changed is a matter of the release */
        return PICK(((uint64_t[]){FIRST, FIRST + 1, FIRST + 3, FIRST + 4, FIRST + 6, FIRST + 10, FIRST + 16, ~0ull}));
    case 'p':
        if (rarely(5))
            return address(true, what);
        *what = PICK(paths);
        return (uint64_t)*what;
    case 'r':
        *what = PICK(paths);
        return (uint64_t)*what;
    case 'q':
        if (rarely(4))
            return address(true, what);
        *what = PICK(words);
        return (uint64_t)*what;
    case 'o':
        return address(false, what);
    case 'i':
        return address(true, what);
    case 'B': {
        uint64_t a = address(true, what);
        return strcmp(*what, "memory") ? a : (uint64_t)area + 8 * PAGE;
    }
    case 's':
        return rarely(10) ? edge(what) : PICK(sizes);
    case 'n':
        return rarely(10) ? edge(what) : (uint64_t)pick(24);
    case 'g':
        if (rarely(12))
            return edge(what);
        return rarely(2) ? 0 : 1ull << pick(33) | (rarely(3) ? 1ull << pick(24) : 0);
    case 'h':
        return rarely(2) ? 0 : 1ull << PICK(((unsigned[]){0, 1, 2, 3, 5, 7, 8, 9, 11, 20}));
    case 'd':
        return PICK(modes);
    case 'l':
        return rarely(4) ? edge(what) : PICK(sizes);
    case 'u':
        return PICK(((uint64_t[]){NOBODY, NOBODY, 0, 1000, 0xffffffff, ~0ull, 1ull << 32 | NOBODY}));
    case 'P':
        return PICK(((uint64_t[]){4000000, 0x7fffffff, 0x80000000, 1ull << 32 | 4000000}));
    case 'I':
        return PICK(((uint64_t[]){0x7fffffff, 0xffffffff, 12345}));
    case 'c':
        return rarely(5) ? edge(what) : (uint64_t)pick(14);
    case 'y':
        if (rarely(2)) {
            uint64_t a = address(true, what);
            if (a && strcmp(*what, "memory"))
                return a;
        }
        *what = "zero";
        return (uint64_t)area + 8 * PAGE;
    case 'm':
        if (rarely(8))
            return PICK(((uint64_t[]){0, 1, 0xffff888000000000ull, 1ull << 62}));
        *what = "pages";
        return (uint64_t)area + 9 * PAGE + pick(2) * PAGE + (rarely(6) ? 5 : 0);
    case 'L':
        return PICK(lengths);
    default:
        return 0;
    }
}

static void make_descriptors(void)
{
    int two[2];
    sigset_t set;

    sigemptyset(&set);
    open("a", O_CREAT | O_RDWR, 0644);
    open("a", O_RDONLY);
    open("d", O_RDONLY | O_DIRECTORY);
    open("a", O_PATH);
    if (pipe2(two, O_NONBLOCK) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, two) || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, two))
        note("(no pipe)");
    memfd_create("memory", MFD_ALLOW_SEALING);
    eventfd(0, EFD_NONBLOCK);
    epoll_create1(0);
    timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    signalfd(-1, &set, SFD_NONBLOCK);
    inotify_init1(IN_NONBLOCK);
    open_device(DEVICE_NULL);
}

/* Files and descriptors as each step finds them, memory with pattern in it. */
static void make_all(unsigned pattern)
{
    static const char *const names[] = {"a", "b", "none", "link", "x", "w", "\5", "d"};
    uint32_t *words = (uint32_t *)area;

    close_range(FIRST, LAST, 0);
    umask(022);
    if (chdir("/"))
        note("(no root)");
    chmod("d", 0700);
    for (unsigned i = 0; i < COUNT(names); i++) {
        for (unsigned k = 0; k < COUNT(names); k++) {
            char inner[20];
            snprintf(inner, sizeof(inner), "%s/%s", names[i], names[k]);
            if (unlink(inner))
                rmdir(inner);
        }
        if (unlink(names[i]))
            rmdir(names[i]);
    }
    mkdir("d", 0755);
    if (symlink("a", "link"))
        note("(no link)");
    make_descriptors();
    if (write(FIRST, "0123456789", 10) != 10)
        note("(no file)");
    mmap(area, (PAGES + 3) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    for (unsigned i = 0; i < 8 * PAGE / sizeof(*words); i++)
        words[i] = pattern == 0 ? 0 : pattern == 1 ? ~0u : pattern == 2 ? i % 2 * 4 : 5;
    memset(area + (PAGES - 1) * PAGE, (int)words[0], PAGE);
    mprotect(area + PAGES * PAGE, PAGE, PROT_NONE);
    mprotect(area + (PAGES + 1) * PAGE, PAGE, PROT_READ);
}

/*
 * Single calls that are left out, since Linuxes answer them in different ways. The list of all that is
 * known to differ; whatever else does is a fault.
 */
static bool of_the_directory(const uint64_t a[6])
{
    return (int)a[0] == AT_FDCWD;
}

static bool long_and_of_an_eventfd(const uint64_t a[6])
{
    return (int)a[0] == FIRST + 11 && a[2] > 8;
}

static bool of_an_eventfd(const uint64_t a[6])
{
    return (int)a[0] == FIRST + 11;
}

static bool longer_than_memory_to_a_stream(const uint64_t a[6])
{
    return ((int)a[0] == FIRST + 6 || (int)a[0] == FIRST + 7) && a[2] > PAGE;
}

static bool to_process_1(const uint64_t a[6])
{
    return a[1] == F_SETOWN && (int)a[2] == 1;
}

static bool write_zeroes_or_much(const uint64_t a[6])
{
    return a[1] & 0x80 || (a[3] >= 1u << 28 && a[3] <= 1ull << 32);
}

static bool without_signal(const uint64_t a[6])
{
    return a[5] & 0x100;
}

static const struct {
    short number;
    bool (*of)(const uint64_t a[6]);
    const char *why;
} differing[] = {
    {SYS_fsetxattr, of_the_directory, "AT_FDCWD is a descriptor to these from 6.13 on"},
    {SYS_fgetxattr, of_the_directory, "likewise"},
    {SYS_flistxattr, of_the_directory, "likewise"},
    {SYS_fremovexattr, of_the_directory, "likewise"},
    {SYS_write, long_and_of_an_eventfd, "takes the first 8 bytes, and from 6.10 on no more than 8"},
    {SYS_writev, of_an_eventfd, "likewise"},
    {SYS_pwritev2, of_an_eventfd, "likewise"},
    {SYS_write, longer_than_memory_to_a_stream, "how much goes before the end of memory is found is a matter of chunks"},
    {SYS_sendto, longer_than_memory_to_a_stream, "likewise"},
    {SYS_preadv2, without_signal, "RWF_NOSIGNAL, 6.18"},
    {SYS_pwritev2, without_signal, "likewise"},
    {SYS_fcntl, to_process_1, "there is none in the VM"},
    {SYS_fallocate, write_zeroes_or_much, "FALLOC_FL_WRITE_ZEROES, 6.17; as much as there is memory"},
};

static const char *why_differing(long number, const uint64_t a[6])
{
    for (unsigned i = 0; i < COUNT(differing); i++)
        if (differing[i].number == number && differing[i].of(a))
            return differing[i].why;
    return NULL;
}

static void step(void)
{
    const struct entry *e = &PICK(table);
    unsigned pattern = pick(4);
    uint64_t a[6] = {0};
    const char *what;
    long r;

    make_all(pattern);
    call("%s(", e->name);
    for (unsigned i = 0; e->kinds[i]; i++) {
        a[i] = argument(e->kinds[i], &what);
        if (what && strcmp(what, "edge"))
            note("%s%s", i ? ", " : "", what);
        else
            note("%s%#llx", i ? ", " : "", (unsigned long long)a[i]);
    }
    note(") %u", pattern);
    if (why_differing(e->number, a)) {
        note(": differs\n");
        return;
    }
    r = syscall(e->number, a[0], a[1], a[2], a[3], a[4], a[5]);
    int error = errno;
    if (r > 100000 || r < -1) { /* an address, a time */
        note(" large");
        r = 0;
    }
    errno = error;
    result(r);
}

/* Nothing is called before it is certain that the thread has no rights left. */
static void begin(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{~0u, ~0u, ~0u}, {~0u, ~0u, ~0u}};

    static atomic_ulong areas;

    /*
     * In one place always, where nothing else is: some calls take an address for flags. Of one's own if others do the same, and far from where
     * the system puts what has no place: pages that a step unmaps are mapped again by the next one, whatever has come there.
     */
    area = mmap((void *)(chaos ? AREAS + (areas++ % 1024 << 24) : AREA), (PAGES + 3) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    chmod("/", 0777);
    /* Nothing that would take gigabytes. */
    if (!chaos)
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){1 << 26, RLIM_INFINITY});
    if (syscall(SYS_setgroups, 0, NULL) || syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY) || syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY) ||
        syscall(SYS_capget, &header, data) || data[0].effective | data[1].effective | data[0].permitted | data[1].permitted || geteuid() != NOBODY) {
        fprintf(stderr, "args: rights cannot be given up\n");
        _exit(2);
    }
}

static void end(void)
{
    mmap(area, (PAGES + 3) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    munmap(area, (PAGES + 3) * PAGE);
}

const struct family family_args = {.name = "args", .begin = begin, .step = step, .end = end};
