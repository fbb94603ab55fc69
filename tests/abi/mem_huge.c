/* SPDX-License-Identifier: BSD-2-Clause */
/* MAP_HUGETLB and MFD_HUGETLB on a machine that has reserved no huge pages: what works nevertheless, and ENOMEM. */
#include "mem.h"
#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/stat.h>

static void sizes(void)
{
    for (unsigned shift = 0; shift < 64; shift++) {
        char what[40];
        snprintf(what, sizeof(what), "memfd_create, pages of 2^%u", shift);
        CALL(what, memfd_create("h", MFD_HUGETLB | shift << MFD_HUGE_SHIFT) >= 0 ? 0 : -1);
    }
    show_map("pages of 1 GiB", NULL, GB, RW, ANON | MAP_HUGETLB | 30 << MAP_HUGE_SHIFT, -1, 0);
    show_map("pages of 2 MiB", NULL, 2 * MB, RW, ANON | MAP_HUGETLB | 21 << MAP_HUGE_SHIFT, -1, 0);
    show_map("pages of 64 KiB", NULL, MB, RW, ANON | MAP_HUGETLB | 16 << MAP_HUGE_SHIFT, -1, 0);
    SHOW(memfd_create("h", MFD_HUGETLB | 0x20));
    SHOW(memfd_create("h", 21u << MFD_HUGE_SHIFT));
}

int main(void)
{
    char buf[16];
    struct stat st;
    sizes();
    show_map("anonymous", NULL, 2 * MB, RW, ANON | MAP_HUGETLB, -1, 0);
    show_map("anonymous, one page", NULL, PAGE, RW, ANON | MAP_HUGETLB, -1, 0);
    show_map("anonymous, nothing", NULL, 0, RW, ANON | MAP_HUGETLB, -1, 0);
    show_map("anonymous, shared", NULL, 2 * MB, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
    int plain = memfd_create("plain", 0);
    SHOW(ftruncate(plain, 4 * MB));
    show_map("a file of small pages", NULL, 2 * MB, RW, MAP_SHARED | MAP_HUGETLB, plain, 0);
    show_map("no file", NULL, 2 * MB, RW, MAP_SHARED | MAP_HUGETLB, -1, 0);

    int fd = memfd_create("huge", MFD_HUGETLB | MFD_ALLOW_SEALING);
    SHOW(fstat(fd, &st));
    printf("mode %o size %ld block size %ld links %d\n", st.st_mode, (long)st.st_size, (long)st.st_blksize, (int)st.st_nlink);
    SHOW(read(fd, buf, sizeof(buf)));
    SHOW(write(fd, buf, sizeof(buf)));
    SHOW(pwrite(fd, buf, sizeof(buf), 0));
    SHOW(ftruncate(fd, PAGE));
    SHOW(ftruncate(fd, 2 * MB));
    SHOW(ftruncate(fd, 2 * MB + 1));
    SHOW(lseek(fd, 0, SEEK_END));
    memset(buf, 1, sizeof(buf));
    SHOW(pread(fd, buf, sizeof(buf), 0));
    printf("reads %d\n", buf[15]);
    SHOW(pread(fd, buf, sizeof(buf), 2 * MB));
    SHOW(fallocate(fd, 0, 0, 2 * MB));
    SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, PAGE));
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 2 * MB));
    SHOW(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 2 * MB));
    show_map("shared", NULL, 2 * MB, RW, MAP_SHARED, fd, 0);
    show_map("shared, MAP_HUGETLB too", NULL, 2 * MB, RW, MAP_SHARED | MAP_HUGETLB, fd, 0);
    show_map("private", NULL, 2 * MB, RW, MAP_PRIVATE, fd, 0);
    show_map("read-only", NULL, 2 * MB, PROT_READ, MAP_SHARED, fd, 0);
    show_map("one page", NULL, PAGE, RW, MAP_SHARED, fd, 0);
    show_map("nothing", NULL, 0, RW, MAP_SHARED, fd, 0);
    show_map("offset of a small page", NULL, 2 * MB, RW, MAP_SHARED, fd, PAGE);
    SHOW(fcntl(fd, F_GET_SEALS));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    SHOW(ftruncate(fd, 0));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    SHOW(ftruncate(fd, 4 * MB));
    SHOW(close(fd));
    fd = memfd_create("gigantic", MFD_HUGETLB | MFD_CLOEXEC | MFD_HUGE_1GB);
    SHOW(fcntl(fd, F_GETFD));
    SHOW(fcntl(fd, F_GET_SEALS));
    SHOW(ftruncate(fd, 2 * MB));
    SHOW(ftruncate(fd, GB));
    show_map("gigantic", NULL, GB, RW, MAP_SHARED, fd, 0);
    return 0;
}
