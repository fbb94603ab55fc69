/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sequences FAMILY SEED COUNT STEPS [DIRECTORY [STEP...]]: makes COUNT random sequences of STEPS system calls, from SEED on, and prints
 * them with their results. The same arguments make the same calls, so run.sh can compare two systems. With STEPs only
 * those are made, of each sequence. DIRECTORY: where the files are, emptied before and afterwards (/dev/shm/sequences). Wants to be root
 * (or root of a user namespace): each sequence has DIRECTORY as its "/".
 *
 * sequences --chaos SEED SECONDS THREADS [DIRECTORY [FAMILY...]]: threads with sequences of their own, at once, on the same files and,
 * half of them, the same descriptors. Prints how many there were.
 */
#include <ftw.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include "sequence.h"

static const struct family *const families[] = {&family_data, &family_paths, &family_events, &family_memory, &family_ipc, &family_process, &family_args, &family_inet};
static const char *const devices[] = {"/dev/null", "/dev/zero", "/proc/self/maps"};

#define FIRST_KEPT 900 /* descriptors from here on are ours */
#define WAKE       SIGRTMAX /* interrupts a call that waits after all; no family masks it */

struct sequence {
    const struct family *family;
    uint64_t seed;
    unsigned steps;
    char **only; /* steps, if there are any */
    _Atomic pid_t thread;
};

__thread unsigned step_number;
bool chaos;
__thread int slots[SLOTS];
static __thread uint64_t random_state;
static __thread sigjmp_buf after_fault;
static __thread volatile sig_atomic_t touching;
static __thread volatile int fault_signal, fault_code;
static __thread volatile uint64_t taken;

static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

unsigned pick(unsigned n)
{
    random_state = mix(random_state);
    return (unsigned)((random_state >> 16) % n);
}

void note(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    if (!chaos)
        vprintf(format, arguments);
    va_end(arguments);
}

void call(const char *format, ...)
{
    va_list arguments;

    note("%u ", step_number);
    va_start(arguments, format);
    if (!chaos)
        vprintf(format, arguments);
    va_end(arguments);
    errno = 0;
}

long result(long r)
{
    int error = errno;

    if (r == -1)
        note(" = -1 %s", strerrorname_np(error));
    else
        note(" = %ld", r);
    uint64_t signals = signals_taken();
    if (signals)
        note(" signals %llx", (unsigned long long)signals);
    note("\n");
    errno = error;
    return r;
}

uint32_t digest(const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 16777619u;
    return h;
}

static void on_signal(int signo, siginfo_t *info, void *context)
{
    if ((signo == SIGSEGV || signo == SIGBUS)) {
        if (!touching) {
            const greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
            dprintf(2, "signal %d at %llx by %llx in step %u\n", signo, (long long)registers[REG_CR2], (long long)registers[REG_RIP], step_number);
            signal(signo, SIG_DFL);
            return;
        }
        fault_signal = signo;
        fault_code = info->si_code;
        siglongjmp(after_fault, 1);
    }
    if (signo != WAKE)
        taken |= 1ull << signo;
}

uint64_t signals_taken(void)
{
    uint64_t t = taken;

    taken = 0;
    return t;
}

bool touch(volatile unsigned char *p, bool write, unsigned char *byte, int *signo, int *code)
{
    if (sigsetjmp(after_fault, 1)) {
        touching = 0;
        *signo = fault_signal;
        *code = fault_code;
        return false;
    }
    touching = 1;
    if (write)
        *p = *byte;
    else
        *byte = *p;
    touching = 0;
    return true;
}

int open_device(enum device which)
{
    return dup(FIRST_KEPT + (int)which);
}

unsigned used(void)
{
    unsigned first = pick(SLOTS);

    for (unsigned i = 0; i < SLOTS; i++)
        if (slots[(first + i) % SLOTS] >= 0)
            return (first + i) % SLOTS;
    return first;
}

int slot(void)
{
    return rarely(40) ? -1 : slots[used()];
}

void put(unsigned i, int fd)
{
    if (fd < 0)
        return;
    if (slots[i] >= 0)
        close(slots[i]);
    slots[i] = fd;
}

void put_two(unsigned i, unsigned j, const int fds[2])
{
    put(i, fds[0]);
    put(j, fds[1]);
}

/* What fails while others make files at the same time is nobody's fault. */
static void complain(const char *what)
{
    if (!chaos)
        perror(what);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    if (at->level > 0 && (type == FTW_DP || type == FTW_DNR ? rmdir(path) : unlink(path)))
        complain(path);
    return 0;
}

static int open_up(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    if (at->level > 0 && (type == FTW_D || type == FTW_DNR))
        chmod(path, 0700);
    return 0;
}

static void clean(void)
{
    if (chdir("/"))
        complain("/");
    /* The directory itself stays, but not what a sequence made of it. */
    char names[4096];
    ssize_t n = listxattr(".", names, sizeof(names));
    for (char *name = names; n > 0 && name < names + n; name += strlen(name) + 1)
        removexattr(".", name);
    if (chmod(".", 0755) || chown(".", 0, 0))
        complain("/");
    nftw(".", open_up, 20, FTW_PHYS);
    nftw(".", remove_one, 20, FTW_PHYS | FTW_DEPTH);
}

/* What a sequence may have changed of the process, and of the thread that runs it. */
static void reset(void)
{
    static struct rlimit limit, descriptors;

    if (syscall(SYS_setresuid, -1, 0, -1) || syscall(SYS_setresgid, -1, 0, -1))
        complain("setresuid");
    if (!limit.rlim_max) {
        getrlimit(RLIMIT_FSIZE, &limit);
        limit.rlim_cur = limit.rlim_max;
        getrlimit(RLIMIT_NOFILE, &descriptors);
        descriptors.rlim_cur = 1024;
    }
    setrlimit(RLIMIT_FSIZE, &limit);
    setrlimit(RLIMIT_NOFILE, &descriptors);
    close_range(3, FIRST_KEPT - 1, 0);
    close_range(FIRST_KEPT + COUNT(devices), ~0u, 0);
    umask(022);
}

static bool chosen(char **steps, unsigned i)
{
    if (!*steps)
        return true;
    for (; *steps; steps++)
        if (strtoul(*steps, NULL, 10) == i)
            return true;
    return false;
}

static void catch_signals(void)
{
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};

    /* All but those by which somebody ends the run; the C library refuses its own. */
    for (int i = 1; i <= SIGRTMAX; i++)
        if (i != SIGINT && i != SIGTERM && i != SIGTSTP)
            sigaction(i, &sa, NULL);
}

/* Those of the process that the last sequence left, and its actions. All are blocked. */
static void forget_signals(void)
{
    struct timespec zero = {0};
    sigset_t all;

    sigfillset(&all);
    while (syscall(SYS_rt_sigtimedwait, &all, NULL, &zero, 8) > 0)
        ;
    catch_signals();
}

static void *sequence(void *argument)
{
    struct sequence *s = argument;
    sigset_t none;

    s->thread = gettid();
    sigemptyset(&none);
    /* Descriptors shared with other sequences close under them; a working directory that others change would lead them out of nothing. */
    unshare(CLONE_FS | (chaos && s->seed & 1 ? 0 : CLONE_FILES));
    if (!chaos)
        forget_signals();
    reset();
    clean();
    for (unsigned i = 0; i < SLOTS; i++)
        slots[i] = -1;
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    signals_taken();
    random_state = mix(s->seed);
    note("sequence %llu\n", (unsigned long long)s->seed);
    if (s->family->begin)
        s->family->begin();
    for (unsigned i = 0; i < s->steps; i++) {
        if (!chosen(s->only, i))
            continue;
        step_number = i;
        random_state = mix(s->seed) ^ mix(i + 1000003u);
        s->family->step();
        if (s->only[0])
            fflush(stdout);
    }
    if (s->family->end)
        s->family->end();
    sigfillset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    /* Closed here and now: a thread is joined before Linux lets its files go. Who it is now may not be able to tidy up. */
    close_range(3, FIRST_KEPT - 1, 0);
    close_range(FIRST_KEPT + COUNT(devices), ~0u, 0);
    fflush(stdout);
    return NULL;
}

static void prepare(const char *directory)
{
    static char buffer[1 << 20];
    sigset_t all;

    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    catch_signals();
    /* Signals of the process are for the thread of the sequence. */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    close_range(3, ~0u, 0);
    for (unsigned i = 0; i < COUNT(devices); i++) {
        int fd = open(devices[i], (i == DEVICE_MAPS ? O_RDONLY : O_RDWR) | O_NONBLOCK);
        if (fd < 0 || dup2(fd, FIRST_KEPT + (int)i) < 0)
            perror(devices[i]);
        close(fd);
    }
    mkdir(directory, 0755);
    if (chroot(directory) || chdir("/")) {
        perror(directory);
        exit(2);
    }
}

static void run(struct sequence *s)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, sequence, s);

    if (error) {
        fprintf(stderr, "no thread: %s\n", strerrorname_np(error));
        exit(2);
    }
    pthread_join(thread, NULL);
}

static const struct family *family(const char *name)
{
    for (unsigned i = 0; i < COUNT(families); i++)
        if (!strcmp(families[i]->name, name))
            return families[i];
    fprintf(stderr, "there is no family %s\n", name);
    exit(2);
}

/* ------------------------------------------------------------------ chaos */

static atomic_uint sequences_made;
static atomic_bool over;

struct worker {
    pthread_t thread;
    uint64_t seed;
    char **names; /* of families; none: all */
    unsigned count;
    struct sequence now;
};

static void *work(void *argument)
{
    static char *all[1];
    struct worker *w = argument;

    for (uint64_t n = 0; !over; n++) {
        uint64_t random = mix(w->seed + n);
        const struct family *f = w->count ? family(w->names[random % w->count]) : families[random % COUNT(families)];
        w->now = (struct sequence){.family = f, .seed = random >> 8, .steps = 60, .only = all};
        run(&w->now);
        sequences_made++;
    }
    return NULL;
}

/* A thread may wait after all, since another one changed what it works with: interrupts it. */
static void wake(struct worker *workers, unsigned threads)
{
    for (unsigned i = 0; i < threads; i++)
        if (workers[i].now.thread)
            syscall(SYS_tgkill, getpid(), workers[i].now.thread, WAKE);
}

static void make_chaos(uint64_t seed, unsigned seconds, unsigned threads, char **names, unsigned count)
{
    struct worker *workers = calloc(threads, sizeof(*workers));
    struct timespec tenth = {.tv_nsec = 100000000};

    chaos = true;
    for (unsigned i = 0; i < threads; i++) {
        workers[i] = (struct worker){.seed = mix(seed + i), .names = names, .count = count};
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    for (unsigned i = 0; i < seconds * 10; i++) {
        nanosleep(&tenth, NULL);
        wake(workers, threads);
    }
    over = true;
    for (unsigned i = 0; i < threads; i++)
        while (pthread_tryjoin_np(workers[i].thread, NULL)) {
            nanosleep(&tenth, NULL);
            wake(workers, threads);
        }
    printf("sequences: %u\n", sequences_made);
}

int main(int argc, char **argv)
{
    struct sequence s = {.only = argv + argc};
    uint64_t seed;
    unsigned count;

    if (argc < 5) {
        fputs("usage: sequences FAMILY SEED COUNT STEPS [DIRECTORY [STEP...]]\n"
              "       sequences --chaos SEED SECONDS THREADS [DIRECTORY [FAMILY...]]\n",
              stderr);
        return 2;
    }
    seed = strtoull(argv[2], NULL, 10);
    count = (unsigned)strtoul(argv[3], NULL, 10);
    s.steps = (unsigned)strtoul(argv[4], NULL, 10);
    prepare(argc > 5 ? argv[5] : "/dev/shm/sequences");
    if (!strcmp(argv[1], "--chaos")) {
        make_chaos(seed, count, s.steps, argv + 6, argc > 6 ? (unsigned)argc - 6 : 0);
        return 0;
    }
    s.family = family(argv[1]);
    if (argc > 6)
        s.only = argv + 6;
    for (unsigned i = 0; i < count; i++) {
        s.seed = seed + i;
        run(&s);
    }
    clean();
    return 0;
}
