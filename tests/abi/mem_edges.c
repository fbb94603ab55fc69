/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boundaries: each call on memory with every address of interest and every length of interest. The range that the VM's kernel
 * has for itself looks like program memory without mappings. One line for each call and address; lengths with like
 * answers are joined.
 */
#include "mem.h"

static char *mapped; /* four pages with nothing behind them */
static unsigned char vector[64];

static long do_munmap(unsigned long p, unsigned long n)
{
    return syscall(SYS_munmap, p, n);
}

static long do_mprotect(unsigned long p, unsigned long n)
{
    return syscall(SYS_mprotect, p, n, RW);
}

static long do_pkey_mprotect(unsigned long p, unsigned long n)
{
    return syscall(SYS_pkey_mprotect, p, n, RW, -1);
}

static long do_normal(unsigned long p, unsigned long n)
{
    return syscall(SYS_madvise, p, n, MADV_NORMAL);
}

static long do_willneed(unsigned long p, unsigned long n)
{
    return syscall(SYS_madvise, p, n, MADV_RANDOM);
}

static long do_populate(unsigned long p, unsigned long n)
{
    return syscall(SYS_madvise, p, n, 22 /* MADV_POPULATE_READ */);
}

static long do_msync(unsigned long p, unsigned long n)
{
    return syscall(SYS_msync, p, n, MS_SYNC);
}

static long do_mincore(unsigned long p, unsigned long n)
{
    return syscall(SYS_mincore, p, n, vector);
}

static long do_mlock(unsigned long p, unsigned long n)
{
    return syscall(SYS_mlock, p, n);
}

static long do_mlock2(unsigned long p, unsigned long n)
{
    return syscall(SYS_mlock2, p, n, MLOCK_ONFAULT);
}

static long do_munlock(unsigned long p, unsigned long n)
{
    return syscall(SYS_munlock, p, n);
}

static long do_shrink(unsigned long p, unsigned long n)
{
    return syscall(SYS_mremap, p, n, PAGE, 0);
}

static long do_grow(unsigned long p, unsigned long n)
{
    return syscall(SYS_mremap, p, PAGE, n, 0);
}

static long do_move_to(unsigned long p, unsigned long n)
{
    if (n == 5 * PAGE) /* over the mapping's end: since Linux 6.17 what is there moves, before that EFAULT */
        n = 4 * PAGE;
    long r = syscall(SYS_mremap, mapped, n, n, MREMAP_MAYMOVE | MREMAP_FIXED, p);
    return r == (long)p ? 0 : r;
}

static long do_remap_file_pages(unsigned long p, unsigned long n)
{
    return syscall(SYS_remap_file_pages, p, n, 0, 0, 0);
}

static long do_mmap(unsigned long p, unsigned long n)
{
    long r = syscall(SYS_mmap, p, n, PROT_READ, ANON | MAP_FIXED, -1, 0);
    return r == (long)p ? 0 : r;
}

static long do_noreplace(unsigned long p, unsigned long n)
{
    long r = syscall(SYS_mmap, p, n, PROT_READ, ANON | MAP_FIXED_NOREPLACE, -1, 0);
    return r == (long)p ? 0 : r;
}

static void renew(void)
{
    static char *area;
    if (!area)
        area = mmap(NULL, 16 * PAGE, PROT_NONE, ANON, -1, 0);
    mmap(area, 16 * PAGE, PROT_NONE, ANON | MAP_FIXED, -1, 0);
    munmap(area, 16 * PAGE);
    mapped = mmap(area + 4 * PAGE, 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
}

static const struct { const char *name; unsigned long n; } lengths[] = {
    {"0", 0}, {"1", 1}, {"page-1", PAGE - 1}, {"page", PAGE}, {"page+1", PAGE + 1}, {"5pages", 5 * PAGE},
    {"2^46", 1ul << 46}, {"2^47-page", (1ul << 47) - PAGE}, {"2^47", 1ul << 47}, {"2^63", 1ul << 63},
    {"-page", -PAGE}, {"-page+1", 1 - PAGE}, {"-1", -1ul},
};

/* Places that a range from there could destroy something of the test are used with short lengths only. */
enum { ANY, SHORT, PLACES };

static void try(const char *name, long (*call)(unsigned long, unsigned long), const char *where, unsigned long p, int how)
{
    char answers[16][24];
    int count = sizeof(lengths) / sizeof(lengths[0]);
    for (int i = 0; i < count; i++) {
        renew();
        if (!strcmp(where, "mapped") || !strcmp(where, "mapped+1") || !strcmp(where, "last page"))
            p = (unsigned long)mapped + (where[0] == 'l' ? 3 * PAGE : where[6] ? 1 : 0);
        if (how == SHORT && lengths[i].n > 5 * PAGE && lengths[i].n < 1ul << 47) {
            answers[i][0] = 0;
            continue;
        }
        errno = 0;
        long r = call(p, lengths[i].n);
        snprintf(answers[i], sizeof(answers[i]), "%s", r == -1 ? strerrorname_np(errno) : r == 0 ? "0" : r == (long)p ? "same" : "other");
    }
    printf("%s %s:", name, where);
    for (int i = 0; i < count; i++) {
        int seen = !answers[i][0];
        for (int k = 0; k < i; k++)
            seen |= !strcmp(answers[k], answers[i]);
        if (seen)
            continue;
        printf(" %s(", answers[i]);
        const char *space = "";
        for (int k = i; k < count; k++)
            if (!strcmp(answers[k], answers[i])) {
                printf("%s%s", space, lengths[k].name);
                space = " ";
            }
        printf(")");
    }
    printf("\n");
    fflush(stdout);
}

int main(void)
{
    static const struct { const char *name; long (*call)(unsigned long, unsigned long); int destroys; } calls[] = {
        {"munmap", do_munmap, 1}, {"mprotect", do_mprotect, 0}, {"pkey_mprotect", do_pkey_mprotect, 0},
        {"madvise normal", do_normal, 0}, {"madvise random", do_willneed, 0}, {"madvise populate", do_populate, 0},
        {"msync", do_msync, 0}, {"mincore", do_mincore, 0}, {"mlock", do_mlock, 0}, {"mlock2", do_mlock2, 0},
        {"munlock", do_munlock, 0}, {"mremap shrinks", do_shrink, 1}, {"mremap grows", do_grow, 0},
        {"mremap to", do_move_to, 2}, {"remap_file_pages", do_remap_file_pages, 0}, {"mmap", do_mmap, 2},
        {"mmap noreplace", do_noreplace, 2},
    };
    static const struct { const char *name; unsigned long p; int how; } places[] = {
        {"null", 0, SHORT}, {"1", 1, SHORT}, {"page 1", PAGE, SHORT}, {"page 15", 15 * PAGE, SHORT}, {"64 KiB", 0x10000, SHORT},
        {"unmapped", 0x20000000, ANY}, {"mapped", 0, SHORT}, {"mapped+1", 0, SHORT}, {"last page", 0, SHORT},
        {"before the kernel", 0x67ffffffe000, ANY}, {"kernel", 0x680000000000, ANY}, {"in the kernel", 0x680012345000, ANY},
        {"kernel's end", 0x69fffffff000, ANY}, {"near the end", 0x7fffffffe000, ANY}, {"the end", 0x7ffffffff000, ANY},
        {"2^47", 1ul << 47, ANY}, {"2^63", 1ul << 63, ANY}, {"last", -PAGE, ANY}, {"-1", -1ul, ANY},
    };
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        for (unsigned k = 0; k < sizeof(places) / sizeof(places[0]); k++) {
            /* Mappings there are what Aril cannot give, and Linux only to root. */
            if (calls[i].destroys == 2 && ((places[k].p >= 0x67ffffff0000 && places[k].p <= 0x6a0000000000) ||
                                           (places[k].how == SHORT && places[k].p < 0x10000 && places[k].name[0] != 'm' &&
                                            places[k].name[0] != 'l')))
                continue;
            int how = places[k].how;
            if (calls[i].destroys && places[k].p < 1ul << 47)
                how = SHORT;
            try(calls[i].name, calls[i].call, places[k].name, places[k].p, how);
        }
    return 0;
}
