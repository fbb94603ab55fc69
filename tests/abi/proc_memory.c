/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program's memory as /proc/self shows it: sums of smaps, what agrees with what was mapped, and memory by address through mem,
 * pagemap and map_files.
 */
#include "file_check.h"
#include "slurp.h"
#include <stdbool.h>
#include <sys/mman.h>

#define MIB (1ul << 20)
#define CALL(what, call) show_(what, (long)(call))

/* The number behind "\nKEY:" from start on; -1: there is none. */
static long value(const char *start, const char *key)
{
    char pattern[40];
    const char *at;

    snprintf(pattern, sizeof(pattern), "\n%s:", key);
    at = start ? strstr(start, pattern) : NULL;
    return at ? atol(at + strlen(pattern)) : -1;
}

static const char *const keys[] = {
    "Size", "KernelPageSize", "MMUPageSize", "Rss", "Pss", "Shared_Clean", "Shared_Dirty", "Private_Clean",
    "Private_Dirty", "Referenced", "Anonymous", "LazyFree", "AnonHugePages", "ShmemPmdMapped", "FilePmdMapped",
    "Shared_Hugetlb", "Private_Hugetlb", "Swap", "SwapPss", "Locked", "THPeligible", "VmFlags",
};

/* The paragraph of smaps about the mapping at address. */
static const char *paragraph(void *address)
{
    static char out[4096];
    char start[32], *at, *end;

    slurp("/proc/self/smaps");
    snprintf(start, sizeof(start), "%lx-", (unsigned long)address);
    at = strstr(text, start);
    end = at ? strstr(at, "VmFlags:") : NULL;
    if (!end)
        return NULL;
    end = strchr(end, '\n') + 1;
    memcpy(out, at, (size_t)(end - at));
    out[end - at] = 0;
    return out;
}

static bool flag(const char *p, const char *letters)
{
    char pattern[8];

    snprintf(pattern, sizeof(pattern), " %s ", letters);
    return strstr(strstr(p, "VmFlags:"), pattern) != NULL;
}

/* A mapping with a hole on both sides, so that it has no neighbours to merge with. */
static char *map_alone(size_t size, int prot, int flags, int fd)
{
    char *room = mmap(NULL, size + 2 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    munmap(room, size + 2 * 4096);
    return mmap(room + 4096, size, prot, flags | MAP_FIXED, fd, 0);
}

/* What smaps says of all regions, summed, against smaps_rollup. */
static void sums(bool print)
{
    long rss = 0, private = 0, anonymous = 0, regions = 0, lines = 0, missing = 0;
    const char *p;

    slurp("/proc/self/smaps");
    for (p = text; (p = strstr(p, "\nRss:")); p++) {
        rss += value(p, "Rss");
        private += value(p, "Private_Clean") + value(p, "Private_Dirty") + value(p, "Shared_Clean") + value(p, "Shared_Dirty");
        anonymous += value(p, "Anonymous");
        regions++;
    }
    for (p = text; (p = strstr(p, "\nVmFlags: ")); p++)
        lines++;
    for (unsigned k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
        missing += value(text, keys[k]) < 0;
    slurp("/proc/self/smaps_rollup");
    long all = value(text, "Rss"), all_anonymous = value(text, "Anonymous");
    if (!print)
        return;
    printf("a paragraph for each region: %d\n", regions == lines && regions > 5);
    printf("keys missing: %ld\n", missing);
    printf("clean and dirty make up Rss: %d\n", rss == private);
    printf("rollup: %d, Rss is the sum %d, Anonymous is the sum %d\n", strstr(text, "[rollup]\n") != NULL,
           rss == all, anonymous == all_anonymous);
}

static void smaps(void)
{
    const char *p;
    char *m;

    memset(text, 1, sizeof(text));
    printf("smaps\n");
    sums(false); /* from now on nothing is touched for the first time: neither data nor the program's own pages */
    sums(true);

    m = map_alone(MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    madvise(m, MIB, MADV_NOHUGEPAGE);
    memset(m, 1, MIB);
    p = paragraph(m);
    printf("anonymous: size %ld rss %ld anonymous %ld dirty %ld locked %ld\n", value(p, "Size"), value(p, "Rss"),
           value(p, "Anonymous"), value(p, "Private_Dirty"), value(p, "Locked"));
    printf("flags: rd %d wr %d ex %d sh %d ac %d nh %d\n", flag(p, "rd"), flag(p, "wr"), flag(p, "ex"), flag(p, "sh"),
           flag(p, "ac"), flag(p, "nh"));
    SHOW(mlock(m, MIB));
    p = paragraph(m);
    printf("locked: %ld, lo %d\n", value(p, "Locked"), flag(p, "lo"));
    munlock(m, MIB);
    SHOW(madvise(m, MIB / 2, MADV_DONTNEED));
    p = paragraph(m);
    printf("half given back: rss %ld\n", value(p, "Rss"));
    munmap(m, MIB);
    m = map_alone(MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
    memset(m, 1, MIB);
    p = paragraph(m);
    printf("shared: rss %ld anonymous %ld, sh %d ms %d, name %d\n", value(p, "Rss"), value(p, "Anonymous"), flag(p, "sh"),
           flag(p, "ms"), strstr(p, " /dev/zero (deleted)\n") != NULL);
    munmap(m, MIB);
    m = map_alone(MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
    p = paragraph(m);
    printf("no access: rss %ld, rd %d mr %d nr %d\n", value(p, "Rss"), flag(p, "rd"), flag(p, "mr"), flag(p, "nr"));
    munmap(m, MIB);
}

static void sizes(void)
{
    long size, resident, shared, peak;
    char *m;

    slurp("/proc/self/status");
    slurp("/proc/self/status");
    printf("VmPeak >= VmSize %d, VmHWM >= VmRSS %d\n", value(text, "VmPeak") >= value(text, "VmSize"),
           value(text, "VmHWM") >= value(text, "VmRSS"));
    printf("the parts of VmRSS are all of it: %d\n",
           value(text, "RssAnon") + value(text, "RssFile") + value(text, "RssShmem") == value(text, "VmRSS"));
    long vm = value(text, "VmSize"), anonymous = value(text, "RssAnon");
    slurp("/proc/self/statm");
    sscanf(text, "%ld %ld %ld", &size, &resident, &shared);
    printf("statm agrees: %d\n", size * 4 == vm);
    m = map_alone(16 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    memset(m, 1, 16 * MIB);
    slurp("/proc/self/status");
    printf("16 MiB more: size %ld, anonymous about %ld MiB\n", value(text, "VmSize") - vm,
           (value(text, "RssAnon") - anonymous + 512) / 1024);
    munmap(m, 16 * MIB);
    slurp("/proc/self/status");
    peak = value(text, "VmHWM");
    printf("gone again: size %ld, the peak stays %d %d\n", value(text, "VmSize") - vm, value(text, "VmPeak") - vm >= 16384,
           peak - value(text, "VmRSS") >= 15 * 1024);
    int fd = open("/proc/self/clear_refs", O_WRONLY);
    SHOW(write(fd, "6", 1));
    SHOW(write(fd, "x", 1));
    SHOW(write(fd, "5\n", 2));
    close(fd);
    slurp("/proc/self/status");
    printf("the peak starts anew: %d\n", value(text, "VmHWM") < peak - 15 * 1024);
    fd = open("/proc/self/clear_refs", O_RDONLY);
    SHOW(read(fd, text, 10));
    close(fd);
}

static void mem(void)
{
    static char word[16] = "some memory";
    char got[8192];
    int fd = open("/proc/self/mem", O_RDWR), file;
    char *m = map_alone(3 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1), *shared;

    SHOW(pread(fd, got, 11, (off_t)(uintptr_t)word));
    printf("%.11s\n", got);
    SHOW(pwrite(fd, "SOME", 4, (off_t)(uintptr_t)word));
    printf("%s\n", word);
    SHOW(lseek(fd, (off_t)(uintptr_t)word, SEEK_SET) == (off_t)(uintptr_t)word);
    SHOW(lseek(fd, 5, SEEK_CUR) == (off_t)(uintptr_t)word + 5);
    SHOW(read(fd, got, 6));
    printf("%.6s\n", got);
    SHOW(lseek(fd, 0, SEEK_END));
    CALL("pwrite where it may not write", pwrite(fd, "forced", 6, (off_t)(uintptr_t)m + 4093));
    printf("%.6s\n", m + 4093);
    munmap(m + 8192, 4096);
    CALL("pread over the end", pread(fd, got, 8192, (off_t)(uintptr_t)m + 4096));
    CALL("pread of what is not there", pread(fd, got, 1, (off_t)(uintptr_t)m + 8192));
    CALL("pwrite of what is not there", pwrite(fd, got, 1, (off_t)(uintptr_t)m + 8192));
    mprotect(m, 4096, PROT_NONE);
    CALL("pread of what it may not read", pread(fd, got, 3, (off_t)(uintptr_t)m + 4093));
    printf("%.3s\n", got);
    file = open("shared", O_CREAT | O_RDWR, 0600);
    SHOW(write(file, "file", 4));
    close(file);
    file = open("shared", O_RDONLY);
    shared = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
    CALL("pread of a shared mapping", pread(fd, got, 4, (off_t)(uintptr_t)shared));
    CALL("pwrite of a shared one that may not be written", pwrite(fd, "x", 1, (off_t)(uintptr_t)shared));
    CALL("pread at 0", pread(fd, got, 1, 0));
    SHOW(pread(fd, BAD_PTR, 4, (off_t)(uintptr_t)word));
    SHOW(pread(fd, got, 0, 0));
    printf("mmap: %s\n", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? strerrorname_np(errno) : "ok");
    munmap(shared, 4096), close(file), close(fd);
    unlink("shared");
}

static void pagemap(void)
{
    int fd = open("/proc/self/pagemap", O_RDONLY);
    char *m = map_alone(4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    off_t at = (off_t)(uintptr_t)m / 4096 * 8;
    uint64_t entries[4];

    madvise(m, 4 * 4096, MADV_NOHUGEPAGE);
    SHOW(pread(fd, entries, 32, at));
    printf("untouched: %d\n", !(entries[0] | entries[1] | entries[2] | entries[3]));
    memset(m, 1, 4 * 4096);
    SHOW(pread(fd, entries, 32, at));
    printf("present %d %d, of a file %d, frame %d\n", (int)(entries[0] >> 63), (int)(entries[3] >> 63), (int)(entries[0] >> 61 & 1),
           (entries[0] & ((1ull << 55) - 1)) != 0);
    SHOW(pread(fd, entries, 7, at));
    SHOW(pread(fd, entries, 8, at + 1));
    SHOW(pread(fd, BAD_PTR, 8, at));
    munmap(m, 4 * 4096);
    SHOW(pread(fd, entries, 8, at));
    printf("unmapped: %d\n", !entries[0]);
    close(fd);
}

static void map_files(void)
{
    char path[100], target[PATH_MAX], got[5] = "";
    struct stat st;
    int fd = open("mapped", O_CREAT | O_RDWR, 0600), again;
    long n;
    char *m;

    SHOW(write(fd, "text", 4));
    m = map_alone(4096, PROT_READ, MAP_PRIVATE, fd);
    snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)m, (unsigned long)m + 4096);
    n = readlink(path, target, sizeof(target) - 1);
    target[n > 0 ? n : 0] = 0;
    printf("leads to %s\n", n > 0 ? strrchr(target, '/') : "nothing");
    lstat(path, &st);
    printf("mode %o\n", st.st_mode);
    unlink("mapped");
    again = open(path, O_RDONLY);
    SHOW(read(again, got, 4));
    close(again), close(fd);
    fd = open("/proc/self/exe", O_RDONLY);
    char *read_only = map_alone(4096, PROT_READ, MAP_PRIVATE, fd);
    snprintf(target, sizeof(target), "/proc/self/map_files/%lx-%lx", (unsigned long)read_only, (unsigned long)read_only + 4096);
    lstat(target, &st);
    printf("of a file that was opened for reading: mode %o\n", st.st_mode);
    munmap(read_only, 4096), close(fd);
    snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)m, (unsigned long)m + 8192);
    CALL("another end", open(path, O_RDONLY));
    CALL("no range", open("/proc/self/map_files/x", O_RDONLY));
    munmap(m, 4096);
    snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)m, (unsigned long)m + 4096);
    CALL("unmapped", open(path, O_RDONLY));
}

int main(void)
{
    enter_scratch();
    smaps();
    sizes();
    mem();
    pagemap();
    map_files();
    leave_scratch();
    return 0;
}
