/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory: mapping, unmapping, protecting, moving, advising, locking and syncing pages of one small arena, anonymous and of files, with
 * the bytes that are in them and what /proc/self/maps says of them. Whether neighbours count as one mapping is Linux's own affair:
 * what needs a single one is done only where there must be a single one.
 */
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include "sequence.h"

#define PAGE  4096ul
#define PAGES 24
#define FILES 4

static __thread unsigned char *arena;
/* Which call mapped or last changed a page, 0 if it is not mapped: neighbours with the same number are in one mapping. */
static __thread unsigned made_by[PAGES], calls;
static __thread bool with_locks;        /* the sequence locks memory */
static __thread unsigned at, length; /* the range of the call that is made, in pages */

/* Not PROT_WRITE alone: the CPU can read that, process_vm_readv(2) on Linux refuses to. */
static const struct named protections[] = {NAMED(PROT_READ), NAMED(PROT_READ | PROT_WRITE), NAMED(PROT_READ | PROT_WRITE), NAMED(PROT_READ | PROT_WRITE), NAMED(PROT_NONE), NAMED(PROT_READ | PROT_EXEC)};

static void *range(unsigned most)
{
    at = pick(PAGES);
    length = 1 + pick(most);
    if (length > PAGES - at)
        length = PAGES - at;
    return arena + at * PAGE;
}

/* The range was changed by this call, or is no longer there. */
static void made(unsigned first, unsigned n, bool mapped)
{
    calls++;
    for (unsigned i = first; i < first + n && i < PAGES; i++)
        made_by[i] = mapped ? calls : 0;
}

static bool all_mapped(void)
{
    for (unsigned i = at; i < at + length; i++)
        if (!made_by[i])
            return false;
    return true;
}

/* Changed as far as it is there: what was one mapping before is now one by itself. */
static void changed(void)
{
    for (unsigned i = at, before = 0; i < at + length; i++) {
        if (made_by[i] != before)
            calls++;
        before = made_by[i];
        made_by[i] = made_by[i] ? calls : 0;
    }
}

static bool all_readable(void)
{
    unsigned char byte;
    int signo, code;

    for (unsigned i = at; i < at + length; i++)
        if (!touch(arena + i * PAGE, false, &byte, &signo, &code))
            return false;
    return true;
}

static void step_map(void)
{
    static const struct named flags[] = {NAMED(MAP_PRIVATE), NAMED(MAP_PRIVATE), NAMED(MAP_SHARED), NAMED(MAP_SHARED), NAMED(MAP_SHARED_VALIDATE), NAMED(0), NAMED(MAP_PRIVATE | MAP_NORESERVE), NAMED(MAP_SHARED | MAP_POPULATE), NAMED(MAP_PRIVATE | MAP_POPULATE), NAMED(MAP_PRIVATE | MAP_LOCKED), NAMED(MAP_SHARED_VALIDATE | MAP_SYNC), NAMED(MAP_PRIVATE | MAP_STACK)};
    const struct named *p = &PICK(protections), *f = &PICK(flags);
    void *where = range(6);
    bool replace = !rarely(4), file = replace && rarely(2);
    int fd = file ? slot() : -1;
    size_t n = rarely(40) ? 0 : rarely(40) ? (size_t)1 << 60 : length * PAGE - (rarely(6) ? 100 : 0);
    long offset = rarely(30) ? 100 : (long)(PAGE * pick(4));
    if (!replace) /* what comes first, that the place is taken or that the rest is wrong, tells nobody */
        f = &flags[0];
    if (f->value & MAP_LOCKED && !with_locks)
        f = &flags[0];
    int how = (int)f->value | (replace ? MAP_FIXED : MAP_FIXED_NOREPLACE) | (file ? 0 : MAP_ANONYMOUS);
    if (f == &flags[0] && !file && rarely(60))
        where = (char *)where + 100;
    call("mmap(%u, %zu, %s, %s%s, %d, %ld)", at, n, p->name, f->name, replace ? "" : " | MAP_FIXED_NOREPLACE", fd, file ? offset : 0);
    void *m = mmap(where, n, (int)p->value, how, fd, file ? offset : 0);
    if (result(m == MAP_FAILED ? -1 : 0) == 0)
        made(at, length, true);
}

static void step_unmap(void)
{
    void *where = range(rarely(6) ? 12 : 3);

    call("munmap(%u, %u)", at, length);
    if (result(munmap(where, length * PAGE - pick(2) * 10)) == 0)
        made(at, length, false);
}

static void step_protect(void)
{
    const struct named *p = &PICK(protections);
    void *where = range(8);

    call("mprotect(%u, %u, %s)", at, length, p->name);
    result(mprotect((char *)where + (rarely(40) ? 1 : 0), length * PAGE, (int)p->value | (rarely(40) ? PROT_GROWSDOWN : 0)));
    changed();
}

/* From one mapping, to a place in the arena. */
static void step_move(void)
{
    static const struct named flags[] = {NAMED(0), NAMED(0), NAMED(MREMAP_MAYMOVE | MREMAP_FIXED), NAMED(MREMAP_MAYMOVE | MREMAP_FIXED), NAMED(MREMAP_FIXED), NAMED(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP), NAMED(8)};
    const struct named *f = &PICK(flags);
    char *where = range(5);
    unsigned n = 1 + pick(4), to = pick(PAGES - n), same = 1;

    while (same < length && made_by[at + same] == made_by[at])
        same++;
    length = same;
    if (f->value & MREMAP_DONTUNMAP) {
        n = length;
        if (with_locks) /* Linux takes the lock from all of the mapping that a part is moved from */
            f = &flags[2];
    }
    /* Growing in place: up to the end of the arena. */
    if (!(f->value & MREMAP_FIXED) && at + n > PAGES)
        n = PAGES - at;
    if (to + n > PAGES)
        to = PAGES - n;
    call("mremap(%u, %u, %u, %s, %u)", at, length, n, f->name, to);
    void *m = mremap(where, length * PAGE, n * PAGE, (int)f->value, arena + to * PAGE);
    if (result(m == MAP_FAILED ? -1 : 0))
        return;
    if (!(f->value & MREMAP_FIXED)) {
        if (n < length)
            made(at + n, length - n, false);
        else
            made(at, n, true);
        return;
    }
    if (f->value & MREMAP_DONTUNMAP)
        changed();
    else
        made(at, length, false);
    made(to, n, true);
}

/* Not MADV_FREE: when memory goes is open. */
static void step_advise(void)
{
    static const struct named advices[] = {NAMED(MADV_DONTNEED), NAMED(MADV_DONTNEED), NAMED(MADV_WILLNEED), NAMED(MADV_REMOVE), NAMED(MADV_NORMAL), NAMED(MADV_RANDOM), NAMED(MADV_SEQUENTIAL), NAMED(MADV_DONTFORK), NAMED(MADV_DOFORK), NAMED(MADV_DONTDUMP), NAMED(MADV_DODUMP), NAMED(MADV_WIPEONFORK), NAMED(MADV_KEEPONFORK), NAMED(MADV_COLD), NAMED(MADV_PAGEOUT), NAMED(MADV_POPULATE_READ), NAMED(MADV_POPULATE_WRITE), NAMED(MADV_DONTNEED_LOCKED), NAMED(999)};
    const struct named *a = &PICK(advices);
    void *where = range(5);

    call("madvise(%u, %u, %s)", at, length, a->name);
    result(madvise((char *)where + (rarely(40) ? 7 : 0), rarely(40) ? 0 : length * PAGE, (int)a->value));
    changed();
}

static void step_lock(void)
{
    static const struct named sync[] = {NAMED(MS_SYNC), NAMED(MS_ASYNC), NAMED(MS_SYNC | MS_INVALIDATE), NAMED(MS_INVALIDATE), NAMED(0), NAMED(MS_SYNC | MS_ASYNC), NAMED(16)};
    const struct named *s = &PICK(sync);
    void *where = range(5);
    unsigned char resident[PAGES];

    switch (with_locks ? pick(6) : 3 + pick(3)) {
    case 0:
        call("mlock(%u, %u)", at, length);
        result(mlock(where, length * PAGE));
        changed();
        break;
    case 1:
        call("munlock(%u, %u)", at, length);
        result(munlock(where, length * PAGE));
        changed();
        break;
    case 2:
        call("mlock2(%u, %u, %d)", at, length, rarely(8) ? 2 : MLOCK_ONFAULT);
        result(mlock2(where, length * PAGE, rarely(8) ? 2 : MLOCK_ONFAULT));
        changed();
        break;
    case 3:
        call("mincore(%u, %u)", at, length);
        result(mincore((char *)where + (rarely(20) ? 1 : 0), length * PAGE, rarely(20) && all_mapped() ? (void *)8 : resident));
        break;
    default:
        call("msync(%u, %u, %s)", at, length, s->name);
        result(msync((char *)where + (rarely(20) ? 1 : 0), length * PAGE, (int)s->value));
    }
}

static void step_touch(void)
{
    bool write = rarely(2);
    unsigned i = pick(PAGES), offset = PICK(((unsigned[]){0, 1, 4095, 2000}));
    unsigned char byte = (unsigned char)pick(256);
    int signo, code;

    call("%s %u[%u]", write ? "store" : "load", i, offset);
    if (touch(arena + i * PAGE + offset, write, &byte, &signo, &code))
        result(byte);
    else
        note(" signal %d code %d", signo, code), result(0);
}

/* By system calls that copy, from and to what may not be there. */
static void step_copy(void)
{
    bool remote = rarely(2);
    unsigned char *where = range(remote ? 1 : 5); /* pages that are in two places are not to be copied over each other */
    size_t n = length * PAGE - pick(3) * 50;
    struct iovec mine = {where, n}, theirs = {arena + pick(PAGES) * PAGE, n};
    int fd = slots[pick(FILES)];
    long position = (long)(pick(4) * 2000), r;
    bool out = rarely(2);

    if (theirs.iov_base > (void *)(arena + (PAGES - length) * PAGE))
        theirs.iov_base = arena;
    switch (remote) {
    case 0:
        out = out && all_readable(); /* what a write that fails leaves behind differs between Linuxes */
        call("%s(%d, %u, %zu, %ld)", out ? "pwrite" : "pread", fd, at, n, position);
        r = out ? pwrite(fd, where, n, position) : pread(fd, where, n, position);
        /* Which bytes before the one that is not there went is not promised. */
        result(r < 0 || r == (long)n ? r : 1);
        break;
    default:
        if (made_by[at] != made_by[(unsigned)((unsigned char *)theirs.iov_base - arena) / PAGE] || !all_mapped())
            theirs.iov_base = (void *)where;
        call("process_vm_%s(%u, %u)", out ? "writev" : "readv", at, (unsigned)((unsigned char *)theirs.iov_base - arena) / (unsigned)PAGE);
        if (theirs.iov_base == where) { /* bytes over each other */
            result(0);
            break;
        }
        r = out ? process_vm_writev(getpid(), &mine, 1, &theirs, 1, 0) : process_vm_readv(getpid(), &mine, 1, &theirs, 1, 0);
        result(r < 0 || r == (long)n ? r : 1);
    }
}

static void step_file(void)
{
    static const struct named seals[] = {NAMED(F_SEAL_GROW), NAMED(F_SEAL_SHRINK), NAMED(F_SEAL_WRITE), NAMED(F_SEAL_FUTURE_WRITE)};
    const struct named *s = &PICK(seals);
    int fd = slot();
    long size = (long)PICK(((unsigned[]){0, 100, 4096, 8192, 12288, 16384, 10000}));
    struct stat st;

    switch (pick(5)) {
    case 0:
        if (!rarely(4)) {
            call("fstat(%d)", fd);
            if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
                note(" %lld", (long long)st.st_size);
            result(0);
            break;
        }
        call("fcntl(%d, F_ADD_SEALS, %s)", fd, s->name);
        result(fcntl(fd, F_ADD_SEALS, s->value));
        break;
    case 1:
        call("close(%d)", slots[FILES]);
        result(close(slots[FILES]));
        slots[FILES] = -1;
        break;
    case 2:
        call("%u: open(a)", FILES);
        put(FILES, (int)result(open("a", PICK(((int[]){O_RDONLY, O_WRONLY, O_RDWR})))));
        break;
    default:
        call("ftruncate(%d, %ld)", fd, size);
        result(ftruncate(fd, size));
    }
}

struct line {
    unsigned long start, end, offset;
    char rights[5], name[60];
};

static void show_line(const struct line *l)
{
    note(" [%ld-%ld %s %lx %s]", (long)(l->start - (unsigned long)arena) / (long)PAGE, (long)(l->end - (unsigned long)arena) / (long)PAGE, l->rights, l->offset, l->name);
}

/* The arena's lines, those put together that could be one. */
static void step_maps(void)
{
    static __thread char text[1 << 16];
    struct line now, last = {0};
    int fd = open_device(DEVICE_MAPS);
    size_t n = 0;
    long got;

    call("maps");
    lseek(fd, 0, SEEK_SET);
    while (n < sizeof(text) - 1 && (got = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
        n += (size_t)got;
    text[n] = '\0';
    close(fd);
    char *rest;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        memset(&now, 0, sizeof(now));
        if (sscanf(line, "%lx-%lx %4s %lx %*s %*s %59[^\n]", &now.start, &now.end, now.rights, &now.offset, now.name) < 4)
            continue;
        if (now.end <= (unsigned long)arena || now.start >= (unsigned long)arena + PAGES * PAGE)
            continue;
        /* Whether anonymous memory has a name is as Linux likes. */
        if (strstr(now.name, "/dev/zero"))
            strcpy(now.name, now.rights[3] == 's' ? "zero" : "");
        if (!now.name[0] || !strcmp(now.name, "zero"))
            now.offset = 0;
        if (last.end == now.start && !strcmp(last.rights, now.rights) && !strcmp(last.name, now.name) &&
            (!now.name[0] || !strcmp(now.name, "zero") || last.offset + (last.end - last.start) == now.offset)) {
            last.end = now.end;
            continue;
        }
        if (last.end)
            show_line(&last);
        last = now;
    }
    if (last.end)
        show_line(&last);
    result(0);
}

/* One character for each page: not there, not readable, beyond its file's end, or a digit of its contents. */
static void show_contents(void)
{
    for (unsigned i = 0; i < PAGES; i++) {
        unsigned char byte;
        int signo, code;
        uint32_t sum = 0;
        bool there = true;
        for (unsigned k = 0; k < PAGE && there; k += 5) {
            there = touch(arena + i * PAGE + k, false, &byte, &signo, &code);
            sum = sum * 31 + byte;
        }
        if (there)
            note(" %x", sum & 0xffff);
        else
            note(" %s", signo == SIGBUS ? "bus" : code == SEGV_MAPERR ? "." : "-");
    }
}

static void step_contents(void)
{
    call("contents");
    show_contents();
    result(0);
}

static void step(void)
{
    static const struct {
        unsigned below;
        void (*step)(void);
    } steps[] = {{24, step_map}, {30, step_unmap}, {39, step_protect}, {48, step_move}, {57, step_advise}, {64, step_lock}, {82, step_touch}, {87, step_copy}, {94, step_file}, {98, step_maps}, {100, step_contents}};
    unsigned kind = pick(100), i = 0;

    while (kind >= steps[i].below)
        i++;
    steps[i].step();
}

static void begin(void)
{
    static atomic_ulong arenas;

    if (!arena)
        arena = (unsigned char *)0x100000000000ul + (chaos ? arenas++ % 1024 << 24 : 0);
    calls = 0;
    with_locks = rarely(2);
    memset(made_by, 0, sizeof(made_by));
    slots[0] = open("a", O_CREAT | O_RDWR, 0644);
    slots[1] = open("b", O_CREAT | O_RDWR, 0644);
    slots[2] = memfd_create("m", MFD_ALLOW_SEALING);
    slots[3] = open("c", O_CREAT | O_RDWR, 0644); /* empty */
    for (int i = 0; i < 3; i++) {
        char text[6000];
        memset(text, 'a' + i, sizeof(text));
        if (write(slots[i], text, sizeof(text)) < 0)
            note("no file\n");
    }
}

static void end(void)
{
    note("contents");
    show_contents();
    note("\n");
    munmap(arena, PAGES * PAGE);
}

const struct family family_memory = {.name = "memory", .begin = begin, .step = step, .end = end};
