/* SPDX-License-Identifier: BSD-2-Clause */
/* mmap and munmap: flags, placement and every error. */
#include "mem.h"
#include <fcntl.h>

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 8
#endif
#define NOT_A_FLAG 0x8000000

static void errors(void)
{
    show_map("length 0", NULL, 0, RW, ANON, -1, 0);
    show_map("no type", NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0);
    show_map("both types", NULL, PAGE, RW, MAP_ANONYMOUS | MAP_SHARED_VALIDATE, -1, 0);
    show_map("offset unaligned", NULL, PAGE, RW, ANON, -1, 1);
    show_map("fixed unaligned", (void *)0x20000001, PAGE, RW, ANON | MAP_FIXED, -1, 0);
    show_map("length wraps", NULL, -1ul, RW, ANON, -1, 0);
    show_map("length beyond the address space", NULL, 1ul << 47, PROT_NONE, ANON, -1, 0);
    show_map("fixed beyond the end", (void *)0x7ffffffff000, PAGE, RW, ANON | MAP_FIXED, -1, 0);
    show_map("fixed across the end", (void *)0x7fffffffe000, 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
    show_map("fixed last page", (void *)0x7fffffffe000, PAGE, PROT_NONE, ANON | MAP_FIXED_NOREPLACE, -1, 0);
    show_map("bad fd", NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0);
    show_map("bad fd, length 0", NULL, 0, PROT_READ, MAP_PRIVATE, 99, 0);
    show_map("anonymous ignores fd", NULL, PAGE, PROT_READ, ANON, 99, 0);
    show_map("anonymous with offset", NULL, PAGE, PROT_READ, ANON, -1, 16 * PAGE);
    show_map("shared growsdown", NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);
    show_map("unknown flag, private", NULL, PAGE, RW, ANON | NOT_A_FLAG, -1, 0);
    show_map("unknown protection bits", NULL, PAGE, RW | 0x100, ANON, -1, 0);
    show_map("hugetlb", NULL, 2 * MB, RW, ANON | MAP_HUGETLB, -1, 0);
    show_map("hugetlb of no size", NULL, 2 * MB, RW, ANON | MAP_HUGETLB | 17 << MAP_HUGE_SHIFT, -1, 0);
    show_map("hugetlb shared", NULL, 2 * MB, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
    SHOW(munmap((void *)0x20000001, PAGE));
    SHOW(munmap((void *)0x20000000, 0));
    SHOW(munmap((void *)0x20000000, PAGE));
    SHOW(munmap((void *)0x20000000, -1ul));
    SHOW(munmap((void *)0x7ffffffff000, PAGE));
    SHOW(munmap((void *)-4096ul, PAGE));
}

static void files(void)
{
    int rw = open("mem_mmap.tmp", O_RDWR | O_CREAT | O_TRUNC, 0600);
    SHOW(ftruncate(rw, 3 * PAGE));
    int ro = open("mem_mmap.tmp", O_RDONLY), wo = open("mem_mmap.tmp", O_WRONLY), dir = open(".", O_RDONLY);
    int pipes[2];
    SHOW(pipe(pipes));
    show_map("shared write, read-only file", NULL, PAGE, RW, MAP_SHARED, ro, 0);
    show_map("shared read, read-only file", NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0);
    show_map("private write, read-only file", NULL, PAGE, RW, MAP_PRIVATE, ro, 0);
    show_map("private read, write-only file", NULL, PAGE, PROT_READ, MAP_PRIVATE, wo, 0);
    show_map("shared write, write-only file", NULL, PAGE, PROT_WRITE, MAP_SHARED, wo, 0);
    show_map("directory", NULL, PAGE, PROT_READ, MAP_PRIVATE, dir, 0);
    show_map("pipe", NULL, PAGE, PROT_READ, MAP_PRIVATE, pipes[0], 0);
    show_map("file of no type", NULL, PAGE, PROT_READ, 0, rw, 0);
    show_map("file growsdown", NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_GROWSDOWN, rw, 0);
    show_map("file hugetlb", NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_HUGETLB, rw, 0);
    show_map("validate", NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE, rw, 0);
    show_map("validate unknown flag", NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | NOT_A_FLAG, rw, 0);
    show_map("validate sync", NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC, rw, 0);
    show_map("shared unknown flag", NULL, PAGE, PROT_READ, MAP_SHARED | NOT_A_FLAG, rw, 0);
    show_map("offset past the end", NULL, PAGE, PROT_READ, MAP_PRIVATE, rw, 100 * PAGE);
    show_map("offset and length wrap", NULL, 16 * PAGE, PROT_READ, MAP_PRIVATE, rw, -4096ul);
    show_map("denywrite executable", NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_DENYWRITE | MAP_EXECUTABLE, rw, 0);
    char *p = show_map("shared rw", NULL, 3 * PAGE, RW, MAP_SHARED, rw, 0);
    close(rw);
    p[PAGE] = 'x';
    char c = 0;
    SHOW(pread(ro, &c, 1, PAGE));
    printf("read back %c\n", c);
    SHOW(unlink("mem_mmap.tmp"));
    p = show_map("read-only shared", NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0);
    SHOW(mprotect(p, PAGE, RW));
    p = show_map("read-only private", NULL, PAGE, PROT_READ, MAP_PRIVATE, ro, 0);
    SHOW(mprotect(p, PAGE, RW));
    int zero = open("/dev/zero", O_RDWR);
    p = show_map("zero private", NULL, 4 * PAGE, RW, MAP_PRIVATE, zero, 0);
    p[0] = 5;
    printf("zero reads %d %d\n", p[0], p[PAGE]);
    p = show_map("zero shared", NULL, 4 * PAGE, RW, MAP_SHARED, zero, 0);
    p[0] = 6;
    char *q = show_map("zero shared again", NULL, 4 * PAGE, RW, MAP_SHARED, zero, 0);
    printf("zero reads %d %d\n", p[0], q[0]);
    int null = open("/dev/null", O_RDWR);
    show_map("null", NULL, PAGE, RW, MAP_PRIVATE, null, 0);
}

static void placement(void)
{
    char *p = get(16 * PAGE, PROT_NONE, ANON);
    SHOW(munmap(p + 4 * PAGE, 4 * PAGE));
    show_map("fixed over a hole", p + 4 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0);
    show_map("noreplace over a mapping", p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
    show_map("noreplace across a mapping", p + 6 * PAGE, 4 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
    show_map("noreplace in a hole", p + 6 * PAGE, 2 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
    show_map("fixed over mappings", p, 16 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
    p[5 * PAGE] = 1;
    show_map("fixed gives fresh pages", p, 16 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
    printf("reads %d\n", p[5 * PAGE]);
    show_map("hint taken", p, PAGE, RW, ANON, -1, 0);
    SHOW(munmap(p + 8 * PAGE, 2 * PAGE));
    show_map("hint free", p + 8 * PAGE, 2 * PAGE, RW, ANON, -1, 0);
    show_map("hint Go's arena", (void *)0xc000000000, 64 * MB, PROT_NONE, ANON, -1, 0);
    show_map("fixed Go's arena", (void *)0xc000000000, 4 * MB, RW, ANON | MAP_FIXED, -1, 0);
    p = show_map("32bit", NULL, PAGE, RW, ANON | MAP_32BIT, -1, 0);
    printf("below 2 GiB: %d\n", (unsigned long)p + PAGE <= 2 * GB);
    char *top = get(PAGE, RW, ANON), *next = get(PAGE, RW, ANON);
    printf("top-down: %d\n", next < top);
    show_map("stack norereserve", NULL, 8 * MB, PROT_NONE, ANON | MAP_STACK | MAP_NORESERVE, -1, 0);
    p = show_map("populate", NULL, 64 * PAGE, RW, ANON | MAP_POPULATE, -1, 0);
    unsigned char vec[64];
    SHOW(mincore(p, 64 * PAGE, vec));
    int resident = 0;
    for (int i = 0; i < 64; i++)
        resident += vec[i] & 1;
    printf("resident %d\n", resident);
    p = show_map("locked", NULL, 4 * PAGE, RW, ANON | MAP_LOCKED, -1, 0);
    SHOW(mincore(p, 4 * PAGE, vec));
    printf("resident %d %d\n", vec[0] & 1, vec[3] & 1);
}

/* Pieces of one mapping go one by one. */
static void pieces(void)
{
    char *p = get(64 * PAGE, RW, ANON);
    for (int i = 0; i < 64; i++)
        p[i * PAGE] = i;
    for (int i = 1; i < 64; i += 2)
        if (munmap(p + i * PAGE, PAGE))
            puts("munmap failed");
    int sum = 0;
    for (int i = 0; i < 64; i += 2)
        sum += p[i * PAGE];
    printf("sum of what is left %d\n", sum);
    SHOW(munmap(p, 64 * PAGE));
    SHOW(munmap(p, 64 * PAGE));
}

int main(void)
{
    errors();
    files();
    placement();
    pieces();
    return 0;
}
