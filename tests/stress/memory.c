/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stress: memory. Each worker has a range of addresses and a model of what each page in it must hold and allow; random calls of
 * mmap, munmap, mprotect, mremap, madvise, mlock and msync change both, and touching a page must give what the model says,
 * SIGSEGV included. Signals arrive meanwhile; a second kind of range is one file mapped by all.
 */
#include "stress.h"
#include <setjmp.h>

#define WORKERS 6
#define PAGES   1024 /* of a worker's range: two to four 2 MiB pages' worth, so that they are made and broken */
#define SHARED  256

/* What a page is in the model. */
struct model {
    uint32_t value;   /* in its first word; 0: fresh */
    uint8_t mapped, prot, shared;
    uint8_t freed;    /* MADV_FREE: the old value or 0 */
};

struct range {
    char *base;
    struct model pages[PAGES];
    uint64_t seed;
};

static __thread sigjmp_buf fault_jump;
static __thread volatile int fault_code;
static __thread void *volatile fault_address;
static int shared_fd;
static int workers[WORKERS]; /* thread ids; one that has ended is no harm */
static int started, ready;
/* Held for writing while a range has a hole, for reading where the kernel chooses an address: it might choose that one. */
static pthread_rwlock_t placing = PTHREAD_RWLOCK_INITIALIZER;

static void on_fault(int signo, siginfo_t *info, void *context)
{
    (void)context;
    fault_code = signo == SIGSEGV ? info->si_code : -signo;
    fault_address = info->si_addr;
    siglongjmp(fault_jump, 1);
}

static void on_signal(int signo)
{
    (void)signo;
}

/* 0, or the code of the fault. */
static int try_read(volatile uint32_t *p, uint32_t *value)
{
    if (sigsetjmp(fault_jump, 1))
        return fault_code;
    *value = *p;
    return 0;
}

static int try_write(volatile uint32_t *p, uint32_t value)
{
    if (sigsetjmp(fault_jump, 1))
        return fault_code;
    *p = value;
    return 0;
}

static void check(struct range *r, unsigned i)
{
    struct model *m = &r->pages[i];
    volatile uint32_t *p = (volatile uint32_t *)(r->base + i * PAGE);
    uint32_t value = 0;
    int code = try_read(p, &value);
    int wanted = !m->mapped ? SEGV_MAPERR : m->prot ? 0 : SEGV_ACCERR;
    if (code != wanted)
        FAIL("reading page %u gives code %d, not %d", i, code, wanted);
    if (code) {
        if (fault_address != (void *)p)
            FAIL("fault at %p said to be at %p", (void *)p, fault_address);
        return;
    }
    if (value != m->value && !(m->freed && !value))
        FAIL("page %u holds %x, not %x", i, value, m->value);
    if (m->freed && !value)
        m->value = m->freed = 0;
    if (pick(&r->seed, 2) == 0) {
        uint32_t new = (uint32_t)next_random(&r->seed) | 1;
        code = try_write(p, new);
        wanted = m->prot & PROT_WRITE ? 0 : SEGV_ACCERR;
        if (code != wanted)
            FAIL("writing page %u gives code %d, not %d", i, code, wanted);
        if (!code) {
            m->value = new;
            m->freed = 0;
        }
    }
}

static int whole(struct range *r, unsigned from, unsigned n)
{
    for (unsigned i = from; i < from + n; i++)
        if (!r->pages[i].mapped)
            return 0;
    return 1;
}

static void forget(struct range *r, unsigned from, unsigned n, int mapped, int prot)
{
    for (unsigned i = from; i < from + n; i++)
        r->pages[i] = (struct model){.mapped = mapped, .prot = prot};
}

static void map(struct range *r, unsigned from, unsigned n)
{
    static const int prots[] = {PROT_NONE, PROT_READ, RW, RW, RW, RW | PROT_EXEC};
    int prot = prots[pick(&r->seed, 6)];
    int flags = MAP_FIXED | MAP_ANONYMOUS | (pick(&r->seed, 8) ? MAP_PRIVATE : MAP_SHARED);
    if (pick(&r->seed, 4) == 0)
        flags |= MAP_POPULATE;
    if (pick(&r->seed, 4) == 0)
        flags |= MAP_NORESERVE;
    char *p = r->base + from * PAGE;
    if (mmap(p, n * PAGE, prot, flags, -1, 0) != p)
        FAIL("mmap");
    forget(r, from, n, 1, prot);
    for (unsigned i = from; i < from + n; i++)
        r->pages[i].shared = !!(flags & MAP_SHARED);
}

static void protect(struct range *r, unsigned from, unsigned n)
{
    static const int prots[] = {PROT_NONE, PROT_READ, RW, RW, PROT_READ | PROT_EXEC};
    int prot = prots[pick(&r->seed, 5)];
    int e = mprotect(r->base + from * PAGE, n * PAGE, prot);
    if ((e == 0) != whole(r, from, n))
        FAIL("mprotect gives %d", e);
    for (unsigned i = from; i < from + n && r->pages[i].mapped; i++)
        r->pages[i].prot = prot;
}

static void advise(struct range *r, unsigned from, unsigned n)
{
    static const int all[] = {MADV_DONTNEED, MADV_DONTNEED, MADV_FREE, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_WILLNEED,
                              MADV_NORMAL, MADV_DONTFORK, MADV_DOFORK, 20 /* COLD */, 21 /* PAGEOUT */};
    int advice = all[pick(&r->seed, 11)], private = 1;
    for (unsigned i = from; i < from + n; i++)
        private &= !r->pages[i].shared;
    if (advice == MADV_FREE && (!private || !whole(r, from, n)))
        return;
    int e = madvise(r->base + from * PAGE, n * PAGE, advice);
    if (e && !(errno == ENOMEM && !whole(r, from, n)) && !(errno == EBADF && advice == MADV_WILLNEED))
        FAIL("madvise %d", advice);
    for (unsigned i = from; i < from + n; i++) {
        struct model *m = &r->pages[i];
        if (advice == MADV_FREE)
            m->freed = 1;
        if (advice == MADV_DONTNEED && m->mapped && !m->shared)
            m->value = m->freed = 0;
    }
}

/* Moves a piece to another place of the range, by itself or over what is there. */
static void move(struct range *r, unsigned from, unsigned n)
{
    struct model copy[PAGES];
    if (n > PAGES / 4)
        n = PAGES / 4;
    unsigned to = pick(&r->seed, PAGES - n), grow = pick(&r->seed, 3) ? 0 : pick(&r->seed, 16);
    if (to + n + grow > PAGES || !(to + n + grow <= from || from + n <= to) || !whole(r, from, n))
        return;
    for (unsigned i = from; i < from + n; i++) /* one region, or mremap says EFAULT when it grows */
        if (r->pages[i].prot != r->pages[from].prot || r->pages[i].shared)
            return;
    char *p = r->base + from * PAGE, *q = r->base + to * PAGE;
    char *got = mremap(p, n * PAGE, (n + grow) * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q);
    if (got == MAP_FAILED && errno == EFAULT) { /* several regions that look alike */
        forget(r, to, n + grow, 0, 0);          /* whether the target is gone depends on Linux's version */
        munmap(q, (n + grow) * PAGE);
        return;
    }
    if (got != q)
        FAIL("mremap");
    memcpy(copy, r->pages + from, n * sizeof(copy[0]));
    forget(r, from, n, 0, 0);
    forget(r, to, n + grow, 1, copy[0].prot);
    memcpy(r->pages + to, copy, n * sizeof(copy[0]));
}

/* One file, mapped by all: what is written through one view is seen through the other and by pread. */
static void shared_file(uint64_t *seed)
{
    unsigned page = pick(seed, SHARED);
    uint32_t value = (uint32_t)next_random(seed), *a, *b, c = 0;
    pthread_rwlock_rdlock(&placing);
    a = mmap(NULL, PAGE, RW, MAP_SHARED, shared_fd, (off_t)(page * PAGE));
    b = mmap(NULL, SHARED * PAGE, PROT_READ, MAP_SHARED | (pick(seed, 2) ? MAP_POPULATE : 0), shared_fd, 0);
    pthread_rwlock_unlock(&placing);
    if (a == MAP_FAILED || b == MAP_FAILED)
        FAIL("mmap of the file");
    unsigned word = 1 + (unsigned)(syscall(SYS_gettid) % 1000);
    __atomic_store_n(&a[word], value, __ATOMIC_SEQ_CST);
    if (pick(seed, 2))
        msync(a, PAGE, MS_SYNC);
    uint32_t seen = __atomic_load_n(&b[page * PAGE / 4 + word], __ATOMIC_SEQ_CST);
    if (pread(shared_fd, &c, 4, (off_t)(page * PAGE + word * 4)) != 4)
        FAIL("pread");
    /* Another worker may have punched a hole at any time: zero is right then. */
    if ((seen != value && seen) || (c != value && c))
        FAIL("shared file: wrote %x, saw %x and %x", value, seen, c);
    if (pick(seed, 4) == 0 && madvise(a, PAGE, MADV_REMOVE))
        FAIL("MADV_REMOVE");
    if (munmap(a, PAGE) || munmap(b, SHARED * PAGE))
        FAIL("munmap of the file");
}

/* Unmapped pages fault as such; then they are mapped again. */
static void hole(struct range *r, unsigned from, unsigned n)
{
    pthread_rwlock_wrlock(&placing);
    if (munmap(r->base + from * PAGE, n * PAGE))
        FAIL("munmap");
    forget(r, from, n, 0, 0);
    check(r, from);
    check(r, from + n - 1);
    if (pick(&r->seed, 2)) {
        protect(r, from, n);
        advise(r, from, n);
    }
    map(r, from, n);
    pthread_rwlock_unlock(&placing);
}

static void step(struct range *r, unsigned from, unsigned n)
{
    switch (pick(&r->seed, 12)) {
    case 0: case 1:
        map(r, from, n);
        break;
    case 2:
        hole(r, from, n);
        break;
    case 3: case 4:
        protect(r, from, n);
        break;
    case 5:
        advise(r, from, n);
        break;
    case 6:
        pthread_rwlock_wrlock(&placing);
        move(r, from, n);
        for (unsigned i = 0; i < PAGES; i++)
            if (!r->pages[i].mapped)
                map(r, i, 1);
        pthread_rwlock_unlock(&placing);
        break;
    case 7:
        shared_file(&r->seed);
        break;
    case 8:
        if (pick(&r->seed, 4) == 0) {
            mlock(r->base + from * PAGE, n % 64 * PAGE);
            munlock(r->base + from * PAGE, n % 64 * PAGE);
        } else {
            syscall(SYS_tgkill, getpid(), workers[pick(&r->seed, WORKERS)], SIGUSR1);
        }
        break;
    default:
        for (unsigned k = 0; k < 12; k++)
            check(r, from + pick(&r->seed, n));
    }
}

static void *work(void *arg)
{
    size_t room = (PAGES + 512) * PAGE;
    struct range *r = mmap(NULL, sizeof(*r), RW, ANON, -1, 0);
    char *stack = mmap(NULL, 65536, RW, ANON, -1, 0);
    char *area = mmap(NULL, room, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
    if (r == MAP_FAILED || stack == MAP_FAILED || area == MAP_FAILED)
        FAIL("mmap of the range");
    stack_t alt = {.ss_sp = stack, .ss_size = 65536}, off = {.ss_flags = SS_DISABLE};
    sigaltstack(&alt, NULL);
    r->seed = (uint64_t)arg;
    r->base = (char *)(((uintptr_t)area + 511 * PAGE) & ~(512 * PAGE - 1));
    forget(r, 0, PAGES, 1, PROT_NONE);
    workers[__atomic_fetch_add(&started, 1, __ATOMIC_SEQ_CST) % WORKERS] = (int)syscall(SYS_gettid);
    /* Stacks of threads are chosen addresses as well: no hole before all are there. */
    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) % WORKERS)
        usleep(1000);
    while (!stress_stop) {
        unsigned n = pick(&r->seed, 8) ? 1 + pick(&r->seed, 40) : 1 + pick(&r->seed, PAGES - 1);
        step(r, pick(&r->seed, PAGES - n + 1), n);
        __atomic_add_fetch(&stress_operations, 1, __ATOMIC_RELAXED);
    }
    for (unsigned i = 0; i < PAGES; i++)
        check(r, i);
    sigaltstack(&off, NULL);
    munmap(stack, 65536);
    munmap(area, room);
    munmap(r, sizeof(*r));
    return NULL;
}

int main(int argc, char **argv)
{
    struct sigaction fault = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    struct sigaction other = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGSEGV, &fault, NULL);
    sigaction(SIGBUS, &fault, NULL);
    sigaction(SIGUSR1, &other, NULL);
    shared_fd = memfd_create("stress", 0);
    if (shared_fd < 0 || ftruncate(shared_fd, SHARED * PAGE))
        FAIL("memfd_create");
    return stress_main(argc, argv, WORKERS, work, NULL);
}
