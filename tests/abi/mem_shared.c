/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared memory: memfd with seals, double mapping as JIT compilers do, coherence of read, write and mappings. */
#include "mem.h"
#include <fcntl.h>
#include <sys/stat.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif

static void creation(void)
{
    char name[300];
    memset(name, 'n', sizeof(name));
    name[250] = 0;
    SHOW(memfd_create(name, 0) >= 0);
    SHOW(memfd_create(name, 0));
    name[249] = 0;
    SHOW(memfd_create(name, 0) >= 0);
    SHOW(memfd_create("", 0) >= 0);
    SHOW(syscall(SYS_memfd_create, NULL, 0));
    SHOW(memfd_create("a", 0x10000));
    SHOW(memfd_create("a", 0x18));
    int fd = memfd_create("a/b", MFD_CLOEXEC);
    SHOW(fcntl(fd, F_GETFD));
    SHOW(fcntl(fd, F_GETFL) & O_ACCMODE);
    SHOW(fcntl(fd, F_GET_SEALS));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    struct stat st;
    SHOW(fstat(fd, &st));
    printf("type %o mode %o links %d size %ld\n", st.st_mode & S_IFMT, st.st_mode & 0777, (int)st.st_nlink, (long)st.st_size);
    SHOW(write(fd, "hello", 5));
    SHOW(lseek(fd, 0, SEEK_END));
    int pipes[2];
    SHOW(pipe(pipes));
    SHOW(fcntl(pipes[0], F_GET_SEALS));
    SHOW(fcntl(pipes[1], F_ADD_SEALS, F_SEAL_GROW));
}

static void seals(void)
{
    int fd = memfd_create("seals", MFD_ALLOW_SEALING);
    SHOW(fcntl(fd, F_GET_SEALS));
    SHOW(ftruncate(fd, 4 * PAGE));
    SHOW(fcntl(fd, F_ADD_SEALS, 0x1000));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    SHOW(ftruncate(fd, PAGE));
    SHOW(ftruncate(fd, 8 * PAGE));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    SHOW(ftruncate(fd, 9 * PAGE));
    SHOW(pwrite(fd, "x", 1, 8 * PAGE));
    SHOW(pwrite(fd, "x", 1, 7 * PAGE));
    char *p = show_map("shared writable", NULL, PAGE, RW, MAP_SHARED, fd, 0);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    SHOW(munmap(p, PAGE));
    p = show_map("shared read-only, may become writable", NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    SHOW(munmap(p, PAGE));
    p = show_map("private writable", NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    SHOW(fcntl(fd, F_GET_SEALS));
    SHOW(pwrite(fd, "x", 1, 0));
    show_map("shared writable, sealed", NULL, PAGE, RW, MAP_SHARED, fd, 0);
    p = show_map("shared read-only, sealed", NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    SHOW(mprotect(p, PAGE, RW));
    show_map("private writable, sealed", NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
    SHOW(fallocate(fd, 3 /* punch, keep size */, 0, PAGE));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    SHOW(fcntl(fd, F_GET_SEALS));

    fd = memfd_create("future", MFD_ALLOW_SEALING);
    SHOW(ftruncate(fd, PAGE));
    p = show_map("before", NULL, PAGE, RW, MAP_SHARED, fd, 0);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
    p[0] = 1;
    show_map("after", NULL, PAGE, RW, MAP_SHARED, fd, 0);
    SHOW(pwrite(fd, "x", 1, 0));
    p = show_map("after, read-only", NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    printf("reads %d\n", p[0]);
    SHOW(mprotect(p, PAGE, RW));
}

/* One piece of memory, written through one mapping and executed through the other. */
static void two_views(void)
{
    int fd = memfd_create("jit", MFD_CLOEXEC);
    SHOW(ftruncate(fd, PAGE));
    unsigned char *w = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
    int (*x)(void) = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    for (int i = 0; i < 5; i++) {
        const unsigned char code[] = {0xb8, i * 11, 0, 0, 0, 0xc3}; /* mov $i*11, %eax; ret */
        memcpy(w, code, sizeof(code));
        printf("returns %d\n", x());
    }
}

static void coherence(void)
{
    int fd = open("mem_shared.tmp", O_RDWR | O_CREAT | O_TRUNC, 0600);
    char data[3 * PAGE], back[3 * PAGE];
    memset(data, 'a', sizeof(data));
    SHOW(write(fd, data, 2 * PAGE + 10));
    char *s = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0), *p = mmap(NULL, 3 * PAGE, RW, MAP_PRIVATE, fd, 0);
    printf("%c %c %d\n", s[0], p[PAGE], s[2 * PAGE + 10]);
    SHOW(pwrite(fd, "bb", 2, PAGE - 1));
    printf("%c%c %c%c\n", s[PAGE - 1], s[PAGE], p[PAGE - 1], p[PAGE]);
    s[5] = 'c';
    p[6] = 'd';
    SHOW(pread(fd, back, 8, 0));
    printf("%.8s\n", back);
    printf("%.8s\n", p);
    /* Beyond the end of the file, in its last page: not in the file. */
    s[2 * PAGE + 20] = 'e';
    SHOW(lseek(fd, 0, SEEK_END));
    /* The buffer of a read or write is a mapping of the same file, and is not in memory yet. */
    char *t = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0);
    SHOW(pwrite(fd, t + PAGE, 100, 0));
    printf("%.3s\n", t);
    char *u = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0);
    SHOW(pread(fd, u, PAGE, 0));
    SHOW(pread(fd, u + PAGE, PAGE, PAGE));
    char *v = mmap(NULL, 3 * PAGE, RW, MAP_PRIVATE, fd, 0);
    SHOW(pread(fd, v + PAGE, PAGE, 0));
    SHOW(memcmp(v + PAGE, s, PAGE) == 0);
    SHOW(ftruncate(fd, 100));
    SHOW(ftruncate(fd, 3 * PAGE));
    int sum = 0;
    for (unsigned i = 100; i < 3 * PAGE; i++)
        sum += s[i];
    printf("after truncate: %c %d\n", s[99], sum);
    SHOW(unlink("mem_shared.tmp"));
    SHOW(pread(fd, back, 3, 0));
    s[PAGE] = 'f';
    printf("%c %c\n", s[PAGE], u[PAGE]);
}

int main(void)
{
    creation();
    seals();
    two_views();
    coherence();
    return 0;
}
