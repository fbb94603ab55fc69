/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sequences FAMILY SEED COUNT STEPS [DIRECTORY [STEP...]]: makes COUNT random sequences of STEPS system calls, from SEED on, and prints
 * them with their results. The same arguments make the same calls, so run.sh can compare two systems. With STEPs only
 * those are made, of each sequence. DIRECTORY: where the files are, emptied before and afterwards (/dev/shm/sequences). Wants to be root
 * (or root of a user namespace): each sequence has DIRECTORY as its "/".
 */
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include "sequence.h"

static const struct family *const families[] = {&family_data, &family_paths};
static const char *const devices[] = {"/dev/null", "/dev/zero"};

#define FIRST_KEPT 900 /* descriptors from here on are ours */

unsigned step_number;
static uint64_t random_state;
static sigjmp_buf after_fault;
static volatile sig_atomic_t touching;
static volatile int fault_signal, fault_code;
static volatile uint64_t taken;

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
    vprintf(format, arguments);
    va_end(arguments);
}

void call(const char *format, ...)
{
    va_list arguments;

    printf("%u ", step_number);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    errno = 0;
}

long result(long r)
{
    int error = errno;

    if (r == -1)
        printf(" = -1 %s", strerrorname_np(error));
    else
        printf(" = %ld", r);
    uint64_t signals = signals_taken();
    if (signals)
        printf(" signals %llx", (unsigned long long)signals);
    putchar('\n');
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
    (void)context;
    if ((signo == SIGSEGV || signo == SIGBUS)) {
        if (!touching) {
            signal(signo, SIG_DFL);
            return;
        }
        fault_signal = signo;
        fault_code = info->si_code;
        siglongjmp(after_fault, 1);
    }
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

int open_device(unsigned which)
{
    return dup(FIRST_KEPT + (int)which);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    if (at->level > 0 && (type == FTW_DP || type == FTW_DNR ? rmdir(path) : unlink(path)))
        perror(path);
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
        perror("/");
    /* The directory itself stays, but not what a sequence made of it. */
    char names[4096];
    ssize_t n = listxattr(".", names, sizeof(names));
    for (char *name = names; n > 0 && name < names + n; name += strlen(name) + 1)
        removexattr(".", name);
    if (chmod(".", 0755) || chown(".", 0, 0))
        perror("/");
    nftw(".", open_up, 20, FTW_PHYS);
    nftw(".", remove_one, 20, FTW_PHYS | FTW_DEPTH);
}

/* What a sequence may have changed of the process. */
static void reset(void)
{
    static struct rlimit limit, descriptors;

    if (setresuid(-1, 0, -1) || setresgid(-1, 0, -1))
        perror("setresuid");
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

static void sequence(const struct family *f, uint64_t seed, unsigned steps, char **only)
{
    reset();
    clean();
    printf("sequence %llu\n", (unsigned long long)seed);
    if (f->begin)
        f->begin();
    for (unsigned i = 0; i < steps; i++) {
        if (!chosen(only, i))
            continue;
        step_number = i;
        random_state = mix(seed) ^ mix(i + 1000003u);
        f->step();
        if (only[0])
            fflush(stdout);
    }
    if (f->end)
        f->end();
    fflush(stdout);
}

static void prepare(const char *directory)
{
    static const int caught[] = {SIGBUS, SIGSEGV, SIGPIPE, SIGXFSZ, SIGIO, SIGUSR1, SIGUSR2};
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    static char buffer[1 << 20];

    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    for (unsigned i = 0; i < COUNT(caught); i++)
        sigaction(caught[i], &sa, NULL);
    close_range(3, ~0u, 0);
    for (unsigned i = 0; i < COUNT(devices); i++) {
        int fd = open(devices[i], O_RDWR | O_NONBLOCK);
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

int main(int argc, char **argv)
{
    const struct family *f = NULL;
    uint64_t seed;
    unsigned count, steps;

    for (unsigned i = 0; argc > 4 && i < COUNT(families); i++)
        if (!strcmp(families[i]->name, argv[1]))
            f = families[i];
    if (!f) {
        fputs("usage: sequences FAMILY SEED COUNT STEPS [DIRECTORY [STEP...]]\n", stderr);
        return 2;
    }
    seed = strtoull(argv[2], NULL, 10);
    count = (unsigned)strtoul(argv[3], NULL, 10);
    steps = (unsigned)strtoul(argv[4], NULL, 10);
    prepare(argc > 5 ? argv[5] : "/dev/shm/sequences");
    for (unsigned i = 0; i < count; i++)
        sequence(f, seed + i, steps, argc > 6 ? argv + 6 : argv + argc);
    reset();
    clean();
    return 0;
}
