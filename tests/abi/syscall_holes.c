/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System-call sites that load their number in no way of their own (`read`, `write`, syscall(2) of C libraries). A kernel may turn
 * the `syscall` into a jump to padding behind it, as long as the program cannot tell: padding that is executed, bytes that are
 * read back, code that moves or goes, signals, unwinders and single steps. With an argument the program ends by copying
 * that file, which tells how much was changed, to its output.
 * flags: -mno-red-zone
 */
#include "abi.h"
#include <asm/prctl.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unwind.h>

#define HOT   400
#define PAGE  4096
#define BLOCK 16 /* code is aligned to this, so padding up to it is padding */

static unsigned char *page;

static void check(const char *what, int ok)
{
    printf("%s: %s\n", what, ok ? "ok" : "WRONG");
    fflush(stdout);
}

/* mov %edi, %eax; syscall; ret, then no-ops up to the next block. */
static const unsigned char site[BLOCK] = {0x89, 0xf8, 0x0f, 0x05, 0xc3, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0, 0x90};
#define SYSCALL_AT 2
#define PADDING_AT 5

static void protect(int prot)
{
    mprotect(page, PAGE, prot);
}

static void put(unsigned at, const void *code, size_t n)
{
    protect(PROT_READ | PROT_WRITE);
    memcpy(page + at, code, n);
    protect(PROT_READ | PROT_EXEC);
}

static long call(const void *code, long nr, long second)
{
    return ((long (*)(long, long))code)(nr, second);
}

static int hot(const void *code, long nr, long want)
{
    for (int i = 0; i < HOT; i++)
        if (call(code, nr, 1) != want)
            return 0;
    return 1;
}

/* ---------------------------------------------------------------- forms of padding */

static void padding(void)
{
    unsigned char code[4 * BLOCK];

    put(0, site, BLOCK);
    check("padding of one long no-op", hot(page, SYS_getpid, getpid()) && hot(page, SYS_getppid, getppid()));

    memcpy(code, site, BLOCK);
    memset(code + PADDING_AT, 0xcc, BLOCK - PADDING_AT);
    put(64, code, BLOCK);
    check("of int3", hot(page + 64, SYS_getpid, getpid()));

    /* ret, then at once another function: mov $7, %eax; ret */
    memset(code, 0x90, sizeof(code));
    memcpy(code, site, PADDING_AT);
    memcpy(code + PADDING_AT, "\xb8\x07\0\0\0\xc3", 6);
    put(128, code, sizeof(code));
    check("none", hot(page + 128, SYS_getpid, getpid()) && call(page + 128 + PADDING_AT, 0, 0) == 7);

    /* No-ops that are executed: reached by a branch, and at the start of a function that is not aligned. */
    memset(code, 0x90, sizeof(code));
    memcpy(code, "\x89\xf8\x0f\x05\x85\xf6\x74\x01\xc3", 9); /* ...; test %esi, %esi; jz to the no-ops; ret */
    memcpy(code + BLOCK, "\xb8\x08\0\0\0\xc3", 6);
    put(256, code, sizeof(code));
    check("executed", hot(page + 256, SYS_getpid, getpid()) && call(page + 256, SYS_getpid, 0) == 8);
    memset(code, 0x90, sizeof(code));
    memcpy(code, site, PADDING_AT);
    memcpy(code + PADDING_AT + 6, "\xb8\x09\0\0\0\xc3", 6);
    put(320, code, sizeof(code));
    check("a function that begins with no-ops", hot(page + 320, SYS_getpid, getpid()) && call(page + 320 + PADDING_AT, 0, 0) == 9);

    /* Two sites, padding for one; then for three. */
    memset(code, 0x90, sizeof(code));
    memcpy(code, site, PADDING_AT);
    memcpy(code + PADDING_AT, site, PADDING_AT);
    memset(code + BLOCK, 0xc3, BLOCK);
    put(384, code, sizeof(code));
    check("two sites, one hole", hot(page + 384, SYS_getpid, getpid()) && hot(page + 384 + PADDING_AT, SYS_getppid, getppid()) &&
                                     hot(page + 384, SYS_getpid, getpid()));
    memset(code, 0x90, sizeof(code));
    memcpy(code, site, PADDING_AT);
    memcpy(code + PADDING_AT, site, PADDING_AT);
    code[10] = code[11] = code[12] = code[13] = code[14] = code[15] = code[16] = 0xc3;
    put(448, code, sizeof(code));
    check("two sites, two holes", hot(page + 448, SYS_getpid, getpid()) && hot(page + 448 + PADDING_AT, SYS_getppid, getppid()) &&
                                      hot(page + 448, SYS_getpid, getpid()));

    /* At the end of a page: the `syscall` and its padding in two, and the `syscall` itself. */
    unsigned char *two = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(two, 0x90, 2 * PAGE);
    memcpy(two + PAGE - 5, site, PADDING_AT);
    memcpy(two + 2 * PAGE - 5, site, PADDING_AT);
    memcpy(two + PAGE - BLOCK - 3, site, PADDING_AT);
    mprotect(two, 2 * PAGE, PROT_READ | PROT_EXEC);
    check("at the end of a page", hot(two + PAGE - 5, SYS_getpid, getpid()) && hot(two + 2 * PAGE - 5, SYS_getpid, getpid()) &&
                                      hot(two + PAGE - BLOCK - 3, SYS_getpid, getpid()));
    memset(code, 0x90, sizeof(code));
    memcpy(code, site, PADDING_AT);
    munmap(two, 2 * PAGE);
    two = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(two + PAGE - SYSCALL_AT - 1, code, sizeof(code));
    mprotect(two, 2 * PAGE, PROT_READ | PROT_EXEC);
    check("across the end of a page", hot(two + PAGE - SYSCALL_AT - 1, SYS_getpid, getpid()));
    munmap(two, 2 * PAGE);
}

/* ---------------------------------------------------------------- code that changes, moves, goes */

static int same(void)
{
    return memcmp(page, site, BLOCK) == 0;
}

static void undoing(void)
{
    put(0, site, BLOCK);
    check("hot again", hot(page, SYS_getpid, getpid()));
    protect(PROT_READ | PROT_WRITE | PROT_EXEC);
    check("its bytes, once writable", same());
    page[1] = 0xf0; /* mov %esi, %eax */
    check("written over", call(page, 0, SYS_getppid) == getppid());
    page[1] = 0xf8;
    protect(PROT_READ | PROT_EXEC);
    check("and hot", hot(page, SYS_getppid, getppid()));

    unsigned char *other = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *old = page;
    page = mremap(page, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, other);
    check("moved", page == other && same() && hot(page, SYS_getpid, getpid()));
    page = mmap(old, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    /* Where the hole was, another function: mov $5, %eax; ret */
    put(0, site, BLOCK);
    put(PADDING_AT, "\xb8\x05\0\0\0\xc3", 6);
    check("other code at its old place", hot(page, SYS_getpid, getpid()) && call(page + PADDING_AT, 0, 0) == 5);
    hot(other, SYS_getpid, getpid());
    munmap(other, PAGE);
    other = mmap(other, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    memcpy(other, site, BLOCK);
    mprotect(other, PAGE, PROT_READ | PROT_EXEC);
    check("unmapped and back", memcmp(other, site, BLOCK) == 0 && hot(other, SYS_getpid, getpid()));
    munmap(other, PAGE);

    /* Dropped pages come back from the file, without the jump and without what it jumps to. */
    int fd = memfd_create("code", 0);
    ftruncate(fd, PAGE);
    pwrite(fd, site, BLOCK, 0);
    unsigned char *file = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    int ok = 1;
    for (int i = 0; i < 5; i++) {
        ok &= hot(file, SYS_getpid, getpid());
        madvise(file, PAGE, MADV_DONTNEED);
        ok &= memcmp(file, site, BLOCK) == 0;
    }
    check("dropped", ok);
    /* A shared mapping is everybody's. */
    unsigned char *shared = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0), first[BLOCK];
    ok = hot(shared, SYS_getpid, getpid());
    pread(fd, first, BLOCK, 0);
    check("a shared mapping", ok && memcmp(first, site, BLOCK) == 0 && memcmp(shared, site, BLOCK) == 0);
    munmap(shared, PAGE);
    munmap(file, PAGE);
    close(fd);
}

/* ---------------------------------------------------------------- the C library's own */

static volatile int taken, interrupted;
static int ends[2];

static void on_interrupt(int signo)
{
    if (signo == SIGUSR1)
        write(ends[1], "x", 1);
}

/* Ten bytes by SIGUSR1, each when the one before was taken; then SIGUSR2 till a read has ended. */
static void *interrupter(void *thread)
{
    for (int i = 0; i < 10; i++) {
        sleep_ms(3);
        pthread_kill(*(pthread_t *)thread, SIGUSR1);
        while (taken <= i)
            sleep_ms(1);
    }
    while (interrupted < 2) {
        sleep_ms(3);
        pthread_kill(*(pthread_t *)thread, SIGUSR2);
    }
    return NULL;
}

static void library(void)
{
    int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY), ok = 1;
    char byte = 1;

    for (int i = 0; i < HOT; i++)
        ok &= read(zero, &byte, 1) == 1 && write(null, &byte, 1) == 1 && syscall(SYS_getpid) == getpid();
    check("read, write, syscall", ok);
    errno = 0;
    ok = read(-1, &byte, 1) == -1 && errno == EBADF && write(null, &byte, 0) == 0 && syscall(SYS_lseek, -1, 0, 0) == -1;
    check("their errors", ok && errno == EBADF);

    /* SIGUSR1 lets the call end, which is begun anew; SIGUSR2 interrupts it. */
    struct sigaction sa = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
    pthread_t self = pthread_self(), t;
    pipe(ends);
    sigaction(SIGUSR1, &sa, NULL);
    sa.sa_flags = 0;
    sigaction(SIGUSR2, &sa, NULL);
    pthread_create(&t, NULL, interrupter, &self);
    for (int i = 0; i < 12; i++) {
        long n = i % 2 ? syscall(SYS_read, ends[0], &byte, 1L) : read(ends[0], &byte, 1);
        printf("read %d: %ld %s\n", i, n, n < 0 ? strerrorname_np(errno) : "");
        taken += n == 1;
        interrupted += n == -1;
    }
    pthread_join(t, NULL);
    close(zero);
    close(null);
}

/* ---------------------------------------------------------------- signals and unwinding */

static volatile long handled, strange, lost;
static volatile int jumping, reading;
static sigjmp_buf back;
extern char __executable_start[], etext[];

static void reader(long until);

static _Unwind_Reason_Code find_reader(struct _Unwind_Context *c, void *found)
{
    if (_Unwind_FindEnclosingFunction((void *)(_Unwind_GetIP(c) - 1)) == (void *)reader)
        *(int *)found = 1;
    return _URC_NO_REASON;
}

static void on_alarm(int signo, siginfo_t *info, void *context)
{
    uintptr_t ip = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP], offset = ip - (uintptr_t)page;
    int found = 0;

    handled++;
    if (offset < BLOCK ? offset >= PADDING_AT : ip < (uintptr_t)__executable_start || ip >= (uintptr_t)etext)
        strange++;
    if (offset >= BLOCK) {
        _Unwind_Backtrace(find_reader, &found);
        lost += reading && !found;
    }
    if (jumping)
        siglongjmp(back, 1);
}

static void start_timer(int usec)
{
    struct itimerval t = {{0, usec}, {0, usec}};
    setitimer(ITIMER_REAL, &t, NULL);
}

/* Reads by the C library, which tells unwinders about its code, and by the page's. */
static __attribute__((noinline)) void reader(long until)
{
    int zero = open("/dev/zero", O_RDONLY);
    char byte;

    reading = 1;
    while (handled < until) {
        for (int i = 0; i < 20; i++)
            read(zero, &byte, 1);
        for (int i = 0; i < 20; i++)
            call(page, SYS_getpid, 0);
    }
    reading = 0;
    close(zero);
}

static void signals(void)
{
    struct sigaction sa = {.sa_sigaction = on_alarm, .sa_flags = SA_SIGINFO};

    put(0, site, BLOCK);
    sigaction(SIGALRM, &sa, NULL);
    start_timer(300);
    reader(800);
    start_timer(0);
    check("signals at the program's own instructions", strange == 0);
    check("unwinding from there", lost == 0);

    handled = 0;
    volatile int jumps = 0;
    jumping = 1;
    if (sigsetjmp(back, 1))
        jumps++;
    if (jumps < 200) {
        start_timer(300);
        for (;;)
            call(page, SYS_getpid, 0);
    }
    start_timer(0);
    jumping = 0;
    /* One more signal may come before the timer stops. */
    check("jumps out of handlers", jumps >= 200 && strange == 0 && hot(page, SYS_getpid, getpid()));
}

/* ---------------------------------------------------------------- many threads, many sites */

static volatile int stop;
static pthread_barrier_t together;

static void *caller(void *code)
{
    int ok;

    pthread_barrier_wait(&together);
    ok = hot(code, SYS_getpid, getpid());
    return (void *)(long)ok;
}

static void *calls_till_stop(void *code)
{
    long wrong = 0, pid = getpid();

    while (!stop)
        wrong += call(code, SYS_getpid, 0) != pid;
    return (void *)(long)(wrong == 0);
}

static void threads(void)
{
    pthread_t t[4];
    void *result;
    int ok = 1;

    pthread_barrier_init(&together, NULL, 4);
    for (unsigned i = 0; i < 16; i++) { /* every alignment, of both forms */
        unsigned at = 1024 + i * 64 + i % 8;
        unsigned char code[48];
        int pid = SYS_getpid;

        memset(code, 0x90, sizeof(code));
        memcpy(code, i < 8 ? (void *)site : (void *)"\xb8\0\0\0\0\x0f\x05\xc3", i < 8 ? 5 : 8);
        if (i >= 8)
            memcpy(code + 1, &pid, 4);
        put(at, code, sizeof(code));
        for (unsigned j = 0; j < 4; j++)
            pthread_create(&t[j], NULL, caller, page + at);
        for (unsigned j = 0; j < 4; j++) {
            pthread_join(t[j], &result);
            ok &= result != NULL;
        }
    }
    check("threads at one site", ok);

    /* Patched and restored while they call; sites of both forms and a hole that two sites want. */
    unsigned char code[BLOCK] = {0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0xc3};
    code[1] = SYS_getpid;
    put(0, site, BLOCK);
    put(64 + 3, code, 8);
    for (unsigned j = 0; j < 4; j++)
        pthread_create(&t[j], NULL, calls_till_stop, page + (j % 2 ? 64 + 3 : 0));
    ok = 1;
    for (int i = 0; i < 30; i++) {
        protect(PROT_READ | PROT_WRITE | PROT_EXEC);
        ok &= same();
        protect(PROT_READ | PROT_EXEC);
        sleep_ms(1);
    }
    stop = 1;
    for (unsigned j = 0; j < 4; j++) {
        pthread_join(t[j], &result);
        ok &= result != NULL;
    }
    check("written to while they call", ok);
}

#define MANY_PAGES 10

static void many(void)
{
    unsigned char *code = mmap(NULL, MANY_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int ok = 1;

    for (unsigned i = 0; i < MANY_PAGES * PAGE / BLOCK; i++)
        memcpy(code + i * BLOCK, site, BLOCK);
    mprotect(code, MANY_PAGES * PAGE, PROT_READ | PROT_EXEC);
    for (unsigned i = 0; i < MANY_PAGES * PAGE / BLOCK; i++)
        for (unsigned j = 0; j < 40; j++)
            ok &= call(code + i * BLOCK, SYS_getpid, 0) == getpid();
    mprotect(code, MANY_PAGES * PAGE, PROT_READ | PROT_WRITE);
    for (unsigned i = 0; i < MANY_PAGES * PAGE / BLOCK; i++)
        ok &= memcmp(code + i * BLOCK, site, BLOCK) == 0;
    check("thousands of sites", ok);
    munmap(code, MANY_PAGES * PAGE);
}

/* ---------------------------------------------------------------- registers and flags */

#define CF 0x1
#define ZF 0x40
#define SF 0x80
#define TF 0x100
#define DF 0x400
#define OF 0x800
#define AC 0x40000
#define ID 0x200000

/* The flags behind a call of code with these flags set, and R11 as the call left it. */
static unsigned long flags_behind(const void *code, unsigned long set, unsigned long *r11)
{
    unsigned long flags, r;
    __asm__ volatile("pushfq\n pushfq\n orq %2, (%%rsp)\n popfq\n call *%3\n mov %%r11, %1\n pushfq\n pop %0\n popfq\n"
                     : "=&r"(flags), "=&r"(r)
                     : "r"(set), "r"(code), "D"((long)SYS_getpid)
                     : "rax", "rcx", "r11", "memory", "cc");
    *r11 = r & (CF | ZF | SF | OF | DF | AC | ID);
    return flags & (CF | ZF | SF | OF | DF | AC | ID);
}

static void flags(void)
{
    static const unsigned long sets[] = {CF, OF, CF | OF, SF | OF, ZF, DF, AC, ID, DF | CF, AC | DF | ID | OF};
    unsigned long r11;

    put(0, site, BLOCK);
    hot(page, SYS_getpid, getpid());
    for (unsigned i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        unsigned long after = flags_behind(page, sets[i], &r11);
        printf("flags %#lx: %#lx missing, r11 %#lx missing\n", sets[i], sets[i] & ~after, sets[i] & ~r11);
    }
    printf("and gone: %#lx\n", flags_behind(page, 0, &r11) & (DF | AC | ID | OF));

    long result;
    __asm__ volatile("call *%1" : "=a"(result) : "r"(page + SYSCALL_AT), "0"((long)SYS_getppid) : "rcx", "r11", "memory");
    check("a jump straight to the syscall", result == getppid());
    unsigned long rcx;
    __asm__ volatile("call *%1" : "=c"(rcx) : "r"(page), "D"((long)SYS_getpid) : "rax", "r11", "memory");
    check("rcx", rcx == (unsigned long)page + PADDING_AT - 1);
}

static volatile long steps;
static volatile long step_strange;

static void on_trap(int signo, siginfo_t *info, void *context)
{
    uintptr_t ip = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP], offset = ip - (uintptr_t)page;

    steps++;
    if (offset < BLOCK ? offset >= PADDING_AT : ip < (uintptr_t)__executable_start || ip >= (uintptr_t)etext)
        step_strange++;
}

static void stepping(void)
{
    struct sigaction sa = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
    long result;

    sigaction(SIGTRAP, &sa, NULL);
    __asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq\n call *%1\n pushfq; andl $~0x100, (%%rsp); popfq"
                     : "=&a"(result)
                     : "r"(page), "D"((long)SYS_getpid)
                     : "rcx", "r11", "memory", "cc");
    check("single steps", result == getpid() && steps >= 4 && step_strange == 0);
}

int main(int argc, char **argv)
{
    char text[4096];

    page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    padding();
    undoing();
    library();
    signals();
    threads();
    many();
    flags();
    if (argc > 1) {
        int fd = open(argv[1], O_RDONLY);
        for (ssize_t n; (n = read(fd, text, sizeof(text))) > 0;)
            write(1, text, (size_t)n);
    }
    stepping();
    check("after single steps", same() && hot(page, SYS_getpid, getpid()));
    syscall(SYS_arch_prctl, ARCH_SET_GS, 0x1000);
    check("with a GS base of its own", hot(page, SYS_getpid, getpid()));
    return 0;
}
