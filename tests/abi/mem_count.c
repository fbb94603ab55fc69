/* SPDX-License-Identifier: BSD-2-Clause */
/* vm.max_map_count and RLIMIT_AS to the unit: the last mapping that fits, and the first that does not, for each call. */
#include "mem.h"
#include <fcntl.h>
#include <sys/resource.h>

static long count_mappings(void)
{
    char line[512];
    long lines = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    /* The old vsyscall page is a line, but no mapping; trampolines of patched calls are the kernel's own and not counted. */
    while (fgets(line, sizeof(line), f))
        lines += line[0] != 'f' && !strstr(line, "[trampolines]");
    fclose(f);
    return lines;
}

static void mappings(void)
{
    long n = 66000, made = 0;
    char *p = get(2 * n * PAGE, PROT_NONE, ANON | MAP_NORESERVE);
    count_mappings(); /* the C library's buffers are there now */
    if (count_mappings() % 2) /* splits add two: begin even everywhere */
        get(PAGE, PROT_EXEC, ANON);
    while (made < n && !mprotect(p + (2 * made + 1) * PAGE, PAGE, PROT_READ))
        made++;
    printf("splits end with %s\n", strerrorname_np(errno));
    long count = count_mappings();
    printf("at %ld mappings\n", count);
    /* What splits needs one or two more, what only adds may go one further, what merges or changes nothing may always. */
    SHOW(mprotect(p + (2 * made + 1) * PAGE, PAGE, PROT_READ));
    SHOW(munmap(p + (2 * made + 3) * PAGE, PAGE));
    SHOW(madvise(p + (2 * made + 3) * PAGE, PAGE, MADV_DONTFORK));
    SHOW(mlock(p + (2 * made + 3) * PAGE, PAGE));
    SHOW(mprotect(p + PAGE, PAGE, PROT_READ));
    char *q = show_map("one more", NULL, PAGE, PROT_READ, ANON, -1, 0);
    printf("at %ld mappings\n", count_mappings());
    show_map("and one more", NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    show_map("over another", q, PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0);
    SHOW(munmap(q, PAGE));
    printf("at %ld mappings\n", count_mappings());
    SHOW(mprotect(p + PAGE, PAGE, PROT_NONE));
    printf("at %ld mappings\n", count_mappings());
    SHOW(mprotect(p + (2 * made + 1) * PAGE, PAGE, PROT_READ));
    SHOW(munmap(p, 2 * n * PAGE));
}

static long address_space_pages(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (fscanf(f, "%ld", &pages) != 1)
        puts("statm?");
    fclose(f);
    return pages;
}

static void limit(void)
{
    struct rlimit r = {0, RLIM_INFINITY};
    char *top = sbrk(0), *p = get(2 * PAGE, RW, ANON);
    address_space_pages();
    r.rlim_cur = (address_space_pages() + 4) * PAGE;
    SHOW(setrlimit(RLIMIT_AS, &r));
    show_map("five pages", NULL, 5 * PAGE, PROT_NONE, ANON, -1, 0);
    char *q = show_map("four pages", NULL, 4 * PAGE, PROT_NONE, ANON, -1, 0);
    show_map("one more", NULL, PAGE, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
    show_map("one more, shared", NULL, PAGE, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    show_map("in place of another", p, PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0);
    SHOW(mremap(p + PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? errno : 0);
    SHOW(syscall(SYS_mremap, p + PAGE, PAGE, PAGE, MREMAP_MAYMOVE | 4 /* MREMAP_DONTUNMAP */, 0));
    SHOW(syscall(SYS_brk, top + PAGE) == (long)top);
    SHOW(munmap(q, PAGE));
    SHOW(syscall(SYS_brk, top + PAGE) == (long)(top + PAGE));
    SHOW(syscall(SYS_brk, top + 2 * PAGE) == (long)(top + PAGE));
    SHOW(syscall(SYS_brk, top) == (long)top);
    r.rlim_cur += PAGE - 1; /* parts of pages do not count */
    SHOW(setrlimit(RLIMIT_AS, &r));
    show_map("two pages", NULL, 2 * PAGE, PROT_NONE, ANON, -1, 0);
    show_map("one page", NULL, PAGE, PROT_NONE, ANON, -1, 0);
    r.rlim_cur = 0;
    SHOW(setrlimit(RLIMIT_AS, &r));
    show_map("at a limit of nothing", NULL, PAGE, PROT_NONE, ANON, -1, 0);
    SHOW(munmap(q + PAGE, PAGE));
    r.rlim_cur = RLIM_INFINITY;
    SHOW(setrlimit(RLIMIT_AS, &r));
    show_map("without a limit", NULL, PAGE, PROT_NONE, ANON, -1, 0);
}

/* The stack's growth counts too: none from here on. */
static void grow_stack(void)
{
    volatile char deep[200000];
    for (unsigned i = 0; i < sizeof(deep); i += 4096)
        deep[i] = 1;
}

int main(void)
{
    grow_stack();
    setvbuf(stdout, NULL, _IONBF, 0);
    limit();
    mappings();
    return 0;
}
