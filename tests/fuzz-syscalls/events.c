/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that tell of events, and waiting for them: eventfd, timerfd, signalfd, inotify, pipes and sockets under epoll (nested too), poll and
 * select; O_ASYNC; signals to oneself. Timers are far away, so nothing depends on time; nothing waits.
 */
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include "sequence.h"

enum kind { OTHER, SOCKET, EVENTFD, TIMERFD, SIGNALFD, INOTIFY, EPOLL };

static __thread enum kind kinds[SLOTS]; /* what is in the slots */
static __thread int watches[4];         /* of inotify: the last ones */

static const char *const names[] = {".", "a", "b", "d", "d/c"};

/* A few signals as bits, of those that main.c catches. */
static unsigned few(void)
{
    return pick(32);
}

static sigset_t signal_set(unsigned bits)
{
    const int numbers[] = {SIGIO, SIGURG, SIGUSR1, SIGUSR2, SIGRTMIN + 3};
    sigset_t set;

    sigemptyset(&set);
    for (unsigned i = 0; i < COUNT(numbers); i++)
        if (bits & 1u << i)
            sigaddset(&set, numbers[i]);
    return set;
}

static int a_signal(void)
{
    const int numbers[] = {SIGIO, SIGURG, SIGUSR1, SIGUSR2, SIGRTMIN + 3, SIGRTMIN + 4};

    return PICK(numbers);
}

static void put_kind(unsigned i, int fd, enum kind kind)
{
    if (fd >= 0)
        kinds[i] = kind;
    put(i, fd);
}

static void step_make(void)
{
    static const struct named event[] = {NAMED(0), NAMED(EFD_SEMAPHORE), NAMED(EFD_CLOEXEC), NAMED(0x100)};
    static const struct named clocks[] = {NAMED(CLOCK_REALTIME), NAMED(CLOCK_MONOTONIC), NAMED(CLOCK_BOOTTIME), NAMED(CLOCK_PROCESS_CPUTIME_ID), NAMED(CLOCK_TAI), NAMED(99)};
    unsigned i = pick(SLOTS), j = (i + 1) % SLOTS, value = PICK(((unsigned[]){0, 0, 1, 5, ~0u}));
    const struct named *f;
    sigset_t set;
    int two[2], type;

    switch (pick(8)) {
    case 0:
        f = &PICK(event);
        call("%u: eventfd2(%u, %s)", i, value, f->name);
        put_kind(i, (int)result(eventfd(value, (int)f->value | EFD_NONBLOCK)), EVENTFD);
        break;
    case 1:
        f = &PICK(clocks);
        call("%u: timerfd_create(%s)", i, f->name);
        put_kind(i, (int)result(timerfd_create((int)f->value, TFD_NONBLOCK | (rarely(10) ? 0x10 : 0))), TIMERFD);
        break;
    case 2:
        value = few();
        set = signal_set(value);
        call("%u: signalfd4(%x)", i, value);
        put_kind(i, (int)result(signalfd(-1, &set, SFD_NONBLOCK)), SIGNALFD);
        break;
    case 3:
        call("%u: inotify_init1()", i);
        put_kind(i, (int)result(inotify_init1(IN_NONBLOCK | (rarely(10) ? 0x10 : 0))), INOTIFY);
        break;
    case 4:
        call("%u %u: pipe2()", i, j);
        if (result(pipe2(two, O_NONBLOCK | (rarely(4) ? O_DIRECT : 0))) == 0)
            put_kind(i, two[0], OTHER), put_kind(j, two[1], OTHER);
        break;
    case 5:
        type = PICK(((int[]){SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}));
        call("%u %u: socketpair(%d)", i, j, type);
        if (result(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, two)) == 0)
            put_kind(i, two[0], SOCKET), put_kind(j, two[1], SOCKET);
        break;
    default:
        call("%u: epoll_create1()", i);
        put_kind(i, (int)result(epoll_create1(rarely(10) ? 0x10 : EPOLL_CLOEXEC)), EPOLL);
    }
}

static void step_descriptor(void)
{
    unsigned i = pick(SLOTS), from = used();
    int fd = slots[from];
    const char *name = PICK(names);

    switch (pick(5)) {
    case 0:
    case 1:
        call("close(%d)", slots[from]);
        result(close(slots[from]));
        slots[from] = -1;
        break;
    case 2:
        call("%u: dup(%d)", i, fd);
        put_kind(i, (int)result(dup(fd)), kinds[from]);
        break;
    case 3:
        call("dup3(%d, %d)", fd, slots[i]);
        if (result(dup3(fd, slots[i], O_CLOEXEC)) >= 0)
            kinds[i] = kinds[from];
        break;
    default:
        call("%u: open(%s)", i, name);
        put_kind(i, (int)result(open(name, (rarely(4) ? O_RDONLY : O_RDWR) | O_NONBLOCK)), OTHER);
    }
}

static void show_inotify(const char *p, long n)
{
    static __thread uint32_t cookies[2];

    for (long at = 0; at < n;) {
        struct inotify_event e;
        memcpy(&e, p + at, sizeof(e));
        note(" [wd %d %x", e.wd, e.mask);
        if (e.cookie) {
            note(e.cookie == cookies[0] ? " same" : " cookie");
            cookies[0] = e.cookie;
        }
        note(" %s]", e.len ? p + at + sizeof(e) : "");
        at += (long)(sizeof(e) + e.len);
    }
}

static void show_signals(const char *p, long n)
{
    struct signalfd_siginfo info;

    for (long at = 0; at + (long)sizeof(info) <= n; at += (long)sizeof(info)) {
        memcpy(&info, p + at, sizeof(info));
        note(" [%u code %d %s", info.ssi_signo, info.ssi_code, info.ssi_pid == (uint32_t)getpid() ? "self" : info.ssi_pid ? "other" : "");
        if (info.ssi_code == SI_QUEUE)
            note(" int %d", info.ssi_int);
        if (info.ssi_code > 0)
            note(" band %x fd %d", info.ssi_band, info.ssi_fd);
        note("]");
    }
}

static void step_read(void)
{
    static const size_t lengths[] = {0, 1, 7, 8, 16, 40, 128, 200, 1000, 1000, 1000, 1000};
    char bytes[1000] = {0};
    unsigned i = used();
    size_t n = PICK(lengths);
    void *to = rarely(40) ? (void *)8 : bytes;
    uint64_t count;

    if (rarely(2) && (kinds[i] == EVENTFD || kinds[i] == TIMERFD))
        n = 8;
    if (kinds[i] == SOCKET && n == 0) /* an empty message that nobody took: ECONNRESET for the other side on some Linuxes */
        n = 4;
    call("read(%d, %s%zu)", slots[i], to == bytes ? "" : "bad, ", n);
    long r = read(slots[i], to, n);
    if (r > 0 && kinds[i] == EVENTFD) {
        memcpy(&count, bytes, sizeof(count));
        note(" %llx", (unsigned long long)count);
    } else if (r > 0 && kinds[i] == INOTIFY) {
        show_inotify(bytes, r);
    } else if (r > 0 && kinds[i] == SIGNALFD) {
        show_signals(bytes, r);
    } else if (r > 0) {
        note(" {%08x}", digest(bytes, (size_t)r));
    }
    result(r);
}

static void step_write(void)
{
    static const uint64_t values[] = {0, 1, 1, 5, 0x100000000, ~0ull, ~0ull - 1, ~0ull - 2, ~0ull / 2};
    static const size_t lengths[] = {8, 8, 8, 8, 0, 4, 100, 5000};
    static char bytes[5000];
    uint64_t value = PICK(values);
    size_t n = PICK(lengths);
    unsigned i = used();

    if (kinds[i] == EVENTFD && n > 8) /* Linux from 6.10 on refuses it */
        n = 8;
    if (kinds[i] == SOCKET && n == 0) /* an empty message that nobody took: ECONNRESET for the other side on some Linuxes */
        n = 4;

    call("write(%d, %llx, %zu)", slots[i], (unsigned long long)value, n);
    result(n == 8 ? write(slots[i], &value, n) : write(slots[i], bytes, n));
}

/* A descriptor in a slot of that kind, if there is one; once in a while any. */
static int one_of(enum kind kind)
{
    unsigned first = pick(SLOTS);

    for (unsigned i = 0; i < SLOTS && !rarely(15); i++)
        if (kinds[(first + i) % SLOTS] == kind && slots[(first + i) % SLOTS] >= 0)
            return slots[(first + i) % SLOTS];
    return slot();
}

static void step_timer(void)
{
    int fd = one_of(TIMERFD);
    struct itimerspec t = {{PICK(((long[]){0, 0, 100, 50})), rarely(12) ? 1000000000 : 0}, {PICK(((long[]){0, 1000, 5000, -1})), rarely(12) ? -1 : 0}}, old = {0};
    int flags = PICK(((int[]){0, 0, 0, TFD_TIMER_CANCEL_ON_SET, 8}));
    long r;

    if (rarely(2)) {
        call("timerfd_gettime(%d)", fd);
        r = timerfd_gettime(fd, &old);
    } else {
        /* Absolute: far in the future on any clock. */
        if (rarely(4) && t.it_value.tv_sec > 0) {
            flags |= TFD_TIMER_ABSTIME;
            t.it_value.tv_sec += 8000000000;
        }
        call("timerfd_settime(%d, %x, %lld %lld)", fd, (unsigned)flags, (long long)t.it_value.tv_sec, (long long)t.it_interval.tv_sec);
        r = timerfd_settime(fd, flags, &t, rarely(20) ? (void *)8 : &old);
    }
    /* What is left is a little less than what was asked for. */
    if (r == 0)
        note(" %s every %lld", !old.it_value.tv_sec ? "off" : old.it_value.tv_sec < 2000 ? "soon" : old.it_value.tv_sec < 6000 ? "late" : "never", (long long)old.it_interval.tv_sec);
    result(r);
}

static void step_signal(void)
{
    unsigned bits = few();
    sigset_t set = signal_set(bits);
    struct timespec zero = {0, rarely(20) ? -1 : 0};
    siginfo_t info = {0};
    int signo = a_signal(), how;
    long r;

    switch (pick(7)) {
    case 0:
        how = rarely(20) ? 7 : PICK(((int[]){SIG_BLOCK, SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK}));
        call("sigprocmask(%d, %x)", how, bits);
        result(syscall(SYS_rt_sigprocmask, how, &set, NULL, 8));
        break;
    case 1:
        call("tgkill(%d)", signo);
        result(syscall(SYS_tgkill, getpid(), gettid(), signo));
        break;
    case 2:
        call("kill(%d)", signo);
        result(kill(getpid(), signo));
        break;
    case 3:
        call("sigqueue(%d, %u)", signo, bits);
        result(sigqueue(getpid(), signo, (union sigval){.sival_int = (int)bits}));
        break;
    case 4:
        call("sigtimedwait(%x)", bits);
        r = syscall(SYS_rt_sigtimedwait, &set, &info, &zero, 8);
        if (r > 0)
            note(" code %d", info.si_code);
        if (r > 0 && info.si_code > 0)
            note(" band %lx fd %d", info.si_band, info.si_fd);
        result(r);
        break;
    case 5:
        how = one_of(SIGNALFD);
        call("signalfd4(%d, %x)", how, bits);
        result(syscall(SYS_signalfd4, how, &set, 8, SFD_NONBLOCK));
        break;
    default:
        call("sigpending()");
        r = syscall(SYS_rt_sigpending, &set, 8);
        for (signo = 1; signo < 64; signo++)
            if (sigismember(&set, signo) == 1)
                note(" %d", signo);
        result(r);
    }
}

static void step_fcntl(void)
{
    static const struct named status[] = {NAMED(0), NAMED(O_ASYNC), NAMED(O_ASYNC), NAMED(O_ASYNC | O_APPEND)};
    const struct named *f = &PICK(status);
    unsigned from = used();
    int fd = rarely(40) ? -1 : slots[from], n = (int)pick(2), signo;
    struct f_owner_ex owner = {.type = PICK(((int[]){F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP, 7})), .pid = 0};
    long r;

    switch (pick(9)) {
    case 0:
    case 1:
        if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY) /* the VM tells a pipe's writers of room only after there was none */
            f = &status[0];
        call("fcntl(%d, F_SETFL, %s)", fd, f->name);
        result(fcntl(fd, F_SETFL, (int)f->value | O_NONBLOCK));
        break;
    case 2:
    case 3:
        call("fcntl(%d, F_SETOWN)", fd);
        result(fcntl(fd, F_SETOWN, getpid()));
        break;
    case 4:
        signo = rarely(10) ? 65 : rarely(3) ? 0 : a_signal();
        call("fcntl(%d, F_SETSIG, %d)", fd, signo);
        result(fcntl(fd, F_SETSIG, signo));
        break;
    case 5:
        call("fcntl(%d, F_GETFL, F_GETSIG, F_GETOWN)", fd);
        note(" %o %d %s", fcntl(fd, F_GETFL), fcntl(fd, F_GETSIG), fcntl(fd, F_GETOWN) > 0 ? "owned" : "");
        result(fcntl(fd, F_GETFD));
        break;
    case 6:
        if (owner.type == F_OWNER_TID && rarely(2))
            owner.pid = gettid();
        call("fcntl(%d, F_SETOWN_EX, %d, %s)", fd, owner.type, owner.pid ? "self" : "0");
        result(fcntl(fd, F_SETOWN_EX, &owner));
        break;
    case 7:
        n = n && (fcntl(fd, F_GETFL) & O_ACCMODE) != O_WRONLY;
        call("ioctl(%d, FIOASYNC, %d)", fd, n);
        result(ioctl(fd, FIOASYNC, &n));
        break;
    default:
        if (kinds[from] == EPOLL) /* EINVAL from Linux 6.9 on, ENOTTY before */
            from = 0, fd = -1;
        call("ioctl(%d, FIONREAD)", fd);
        r = ioctl(fd, FIONREAD, &n);
        if (r == 0)
            note(" %d", n);
        result(r);
    }
}

static void step_control(void)
{
    static const struct named operations[] = {NAMED(EPOLL_CTL_ADD), NAMED(EPOLL_CTL_ADD), NAMED(EPOLL_CTL_ADD), NAMED(EPOLL_CTL_MOD), NAMED(EPOLL_CTL_DEL), NAMED(9)};
    static const struct named events[] = {NAMED(EPOLLIN), NAMED(EPOLLIN), NAMED(EPOLLOUT), NAMED(EPOLLIN | EPOLLOUT), NAMED(EPOLLIN | EPOLLET), NAMED(EPOLLIN | EPOLLOUT | EPOLLET), NAMED(EPOLLIN | EPOLLONESHOT), NAMED(EPOLLOUT | EPOLLONESHOT), NAMED(EPOLLIN | EPOLLEXCLUSIVE), NAMED(EPOLLRDHUP), NAMED(EPOLLPRI), NAMED(0), NAMED(EPOLLIN | EPOLLRDNORM | EPOLLMSG), NAMED(EPOLLIN | EPOLLWAKEUP), NAMED(EPOLLEXCLUSIVE | EPOLLONESHOT)};
    unsigned i = used();
    int epoll = one_of(EPOLL), fd = rarely(20) ? -1 : slots[i];
    const struct named *o = rarely(30) ? &operations[5] : &operations[pick(5)], *e = &PICK(events);
    struct epoll_event event = {.events = (uint32_t)e->value, .data.u64 = (uint64_t)step_number << 32 | i};

    /* Which sends of a datagram that fail count as room that came back is a matter of the release. */
    if (kinds[i] == SOCKET && e->value & EPOLLET)
        e = &events[4];
    event.events = (uint32_t)e->value;
    call("epoll_ctl(%d, %s, %d, %s)", epoll, o->name, fd, e->name);
    result(syscall(SYS_epoll_ctl, epoll, (int)o->value, fd, rarely(30) ? (void *)8 : &event));
}

static int by_data(const void *a, const void *b)
{
    const struct epoll_event *x = a, *y = b;

    return x->data.u64 < y->data.u64 ? -1 : x->data.u64 > y->data.u64;
}

/* In which order files that are ready come is not told, but those that do not fit come next time. */
static void step_wait(void)
{
    struct epoll_event events[64];
    struct timespec zero = {0};
    unsigned bits = few();
    int epoll = one_of(EPOLL), most = rarely(10) ? PICK(((int[]){0, -1, 1 << 30})) : (int)COUNT(events);
    sigset_t set = signal_set(bits);
    long r;

    if (epoll < 0) /* Linuxes look at one or the other first */
        most = COUNT(events);
    switch (pick(4)) {
    case 0:
        call("epoll_pwait(%d, %d, %x)", epoll, most, bits);
        r = syscall(SYS_epoll_pwait, epoll, events, most, 0, &set, 8);
        break;
    case 1:
        call("epoll_pwait2(%d, %d)", epoll, most);
        r = syscall(SYS_epoll_pwait2, epoll, events, most, &zero, NULL, 8);
        break;
    default:
        call("epoll_wait(%d, %d)", epoll, most);
        r = syscall(SYS_epoll_wait, epoll, events, most, 0);
    }
    if (r > 0)
        qsort(events, (size_t)r, sizeof(*events), by_data);
    for (long k = 0; k < r; k++)
        note(" %x:%llx", events[k].events, (unsigned long long)events[k].data.u64);
    result(r);
}

static void step_poll(void)
{
    struct pollfd p[SLOTS + 1];
    fd_set sets[3];
    struct timeval zero = {0};
    struct timespec zero2 = {0};
    unsigned bits = few();
    sigset_t set = signal_set(bits);
    int most = 0;
    long r;

    if (rarely(2)) {
        for (unsigned i = 0; i < SLOTS; i++)
            p[i] = (struct pollfd){.fd = slots[i], .events = PICK(((short[]){POLLIN, POLLIN | POLLOUT, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0, 0x3fff}))};
        p[SLOTS] = (struct pollfd){.fd = 700, .events = POLLIN};
        if (rarely(2)) {
            call("poll()");
            r = syscall(SYS_poll, p, SLOTS + 1, 0);
        } else {
            call("ppoll(%x)", bits);
            r = syscall(SYS_ppoll, p, SLOTS + 1, &zero2, &set, 8);
        }
        for (unsigned i = 0; i <= SLOTS && r > 0; i++)
            note(" %x", p[i].revents);
        result(r);
        return;
    }
    memset(sets, 0, sizeof(sets));
    for (unsigned i = 0; i < SLOTS; i++) {
        unsigned which = pick(8);
        for (unsigned k = 0; k < 3 && slots[i] >= 0; k++)
            if (which & 1u << k)
                FD_SET(slots[i], &sets[k]);
        if (slots[i] >= most)
            most = slots[i] + 1;
    }
    if (rarely(20))
        most = -1;
    if (rarely(2)) {
        call("select()");
        r = syscall(SYS_select, most, &sets[0], &sets[1], &sets[2], &zero);
    } else {
        struct { const sigset_t *set; size_t size; } mask = {&set, 8};
        call("pselect6(%x)", bits);
        r = syscall(SYS_pselect6, most, &sets[0], &sets[1], &sets[2], &zero2, &mask);
    }
    for (unsigned k = 0; k < 3 && r >= 0; k++)
        note(" {%08x}", digest(&sets[k], sizeof(sets[k])));
    result(r);
}

static void step_watch(void)
{
    static const struct named masks[] = {NAMED(IN_ALL_EVENTS), NAMED(IN_ALL_EVENTS), NAMED(IN_CREATE | IN_DELETE | IN_MOVE), NAMED(IN_MODIFY | IN_CLOSE), NAMED(IN_OPEN | IN_ONESHOT), NAMED(IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR), NAMED(IN_ATTRIB | IN_MASK_ADD), NAMED(IN_ALL_EVENTS | IN_EXCL_UNLINK), NAMED(IN_CREATE | IN_MASK_CREATE), NAMED(0), NAMED(IN_MASK_ADD | IN_MASK_CREATE | IN_OPEN), NAMED(IN_DONT_FOLLOW | IN_ACCESS)};
    const struct named *m = &PICK(masks);
    const char *name = PICK(names);
    int fd = one_of(INOTIFY), wd;

    if (rarely(5)) {
        wd = watches[pick(COUNT(watches))];
        call("inotify_rm_watch(%d, %d)", fd, wd);
        result(inotify_rm_watch(fd, wd));
        return;
    }
    call("inotify_add_watch(%d, %s, %s)", fd, name, m->name);
    wd = (int)result(inotify_add_watch(fd, name, (uint32_t)m->value));
    if (wd > 0)
        watches[pick(COUNT(watches))] = wd;
}

/* What inotify tells of. */
static void step_change(void)
{
    const char *name = PICK(names), *other = PICK(names);
    int fd;

    switch (pick(8)) {
    case 0:
    case 1:
        call("write to %s", name);
        fd = open(name, O_CREAT | O_WRONLY, 0644);
        if (fd < 0) {
            result(-1);
            break;
        }
        result(write(fd, "text", 4));
        close(fd);
        break;
    case 2:
        call("mkdir(%s)", name);
        result(mkdir(name, 0755));
        break;
    case 3:
        call("unlink(%s)", name);
        result(unlink(name));
        break;
    case 4:
        call("rename(%s, %s)", name, other);
        result(rename(name, other));
        break;
    case 5:
        call("link(%s, %s)", name, other);
        result(link(name, other));
        break;
    case 6:
        call("chmod(%s)", name);
        result(chmod(name, 0755));
        break;
    default:
        call("truncate(%s)", name);
        result(truncate(name, 3));
    }
}

static void step(void)
{
    static const struct {
        unsigned below;
        void (*step)(void);
    } steps[] = {{14, step_make}, {19, step_descriptor}, {31, step_read}, {43, step_write}, {47, step_timer}, {54, step_signal}, {61, step_fcntl}, {73, step_control}, {83, step_wait}, {88, step_poll}, {93, step_watch}, {100, step_change}};
    unsigned kind = pick(100), i = 0;

    while (kind >= steps[i].below)
        i++;
    steps[i].step();
}

static void begin(void)
{
    memset(kinds, 0, sizeof(kinds));
    for (unsigned i = 0; i < COUNT(watches); i++)
        watches[i] = (int)i + 1;
    mkdir("d", 0755);
    close(open("a", O_CREAT | O_RDWR, 0644));
}

const struct family family_events = {.name = "events", .begin = begin, .step = step};
