/* SPDX-License-Identifier: BSD-2-Clause */
/* read, write and relatives: results and errors at their boundaries. */
#include "file_check.h"
#include <sys/uio.h>
#include <sys/resource.h>
#include <signal.h>
#include <sys/mman.h>

static char buf[8192];

static void errors(void)
{
    int w = open("w", O_CREAT | O_WRONLY, 0600), r, d = open(".", O_RDONLY | O_DIRECTORY),
        p = open(".", O_PATH);

    r = open("w", O_RDONLY);
    SHOW(read(-1, buf, 1));
    SHOW(read(999, buf, 1));
    SHOW(read(w, buf, 1));
    SHOW(write(r, buf, 1));
    SHOW(read(d, buf, 1));
    SHOW(write(d, buf, 1));
    SHOW(read(p, buf, 1));
    SHOW(read(r, BAD_PTR, 1));
    SHOW(write(w, BAD_PTR, 1));
    SHOW(write(w, "abcdefgh", 8));
    SHOW(read(r, (void *)8, 4));
    SHOW(lseek(r, 0, SEEK_CUR));
    SHOW(read(r, buf, 0));
    SHOW(read(r, buf, 100));
    SHOW(read(r, buf, 100));
    SHOW(pread(r, buf, 3, 2));
    printf("pread text: %.3s\n", buf);
    SHOW(pread(r, buf, 3, -1));
    SHOW(pread(r, buf, 3, 100));
    SHOW(pwrite(w, "XY", 2, 4));
    SHOW(pwrite(r, "XY", 2, 4));
    SHOW(pread(r, buf, 8, 0));
    printf("text: %.8s\n", buf);
    SHOW(pread(w, buf, 8, 0));
    SHOW(read(r, buf, (size_t)-1));
    SHOW(pread(r, buf, 1, INT64_MAX));
    SHOW(pwrite(w, "a", 1, INT64_MAX));
    SHOW(lseek(r, -1, SEEK_SET));
    SHOW(lseek(r, 2, SEEK_END));
    SHOW(lseek(r, -20, SEEK_CUR));
    SHOW(lseek(r, 0, 99));
    SHOW(lseek(r, INT64_MAX, SEEK_SET));
    SHOW(lseek(r, 1, SEEK_CUR));
    SHOW(lseek(-1, 0, SEEK_SET));
    SHOW(lseek(p, 0, SEEK_SET));
    close(w), close(r), close(d), close(p);
    unlink("w");
}

static void vectors(void)
{
    int fd = open("v", O_CREAT | O_RDWR, 0600);
    struct iovec v[3] = {{"one", 3}, {"", 0}, {"three", 5}};
    struct iovec in[2] = {{buf, 4}, {buf + 100, 4}};
    struct iovec bad[2] = {{buf, 2}, {BAD_PTR, 2}}, negative[2] = {{buf, 2}, {buf, (size_t)-1}};
    static struct iovec many[1025];

    SHOW(writev(fd, v, 3));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(readv(fd, in, 2));
    printf("%.4s %.4s\n", buf, buf + 100);
    SHOW(writev(fd, v, 0));
    SHOW(writev(fd, v, -1));
    SHOW(writev(fd, many, 1024));
    SHOW(writev(fd, many, 1025));
    SHOW(writev(fd, BAD_PTR, 2));
    SHOW(readv(fd, bad, 2));
    SHOW(readv(fd, negative, 2));
    SHOW(readv(-1, in, 2));
    SHOW(preadv(fd, in, 2, 1));
    SHOW(preadv(fd, in, 2, -1));
    SHOW(pwritev(fd, v, 3, 20));
    SHOW(preadv2(fd, in, 2, -1, 0));
    SHOW(preadv2(fd, in, 2, 0, 0x40000000));
    SHOW(pwritev2(fd, v, 3, 0, RWF_APPEND));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(pwritev2(fd, v, 1, 0, RWF_DSYNC));
    close(fd);
    unlink("v");
}

static void append_and_sparse(void)
{
    int fd = open("a", O_CREAT | O_RDWR | O_APPEND, 0600), other = open("a", O_RDWR);
    struct stat st;

    SHOW(write(fd, "12345", 5));
    SHOW(write(other, "ab", 2));
    SHOW(write(fd, "678", 3));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(pwrite(fd, "Z", 1, 0));
    SHOW(pread(fd, buf, 20, 0));
    printf("%.9s\n", buf);
    SHOW(fcntl(fd, F_SETFL, 0));
    SHOW(pwrite(fd, "Z", 1, 0));
    SHOW(pwrite(fd, "end", 3, 100000));
    SHOW(fstat(fd, &st));
    printf("size %ld blocks %ld\n", (long)st.st_size, (long)st.st_blocks);
    SHOW(lseek(fd, 0, SEEK_DATA));
    SHOW(lseek(fd, 0, SEEK_HOLE));
    SHOW(lseek(fd, 5000, SEEK_DATA));
    SHOW(lseek(fd, 99000, SEEK_HOLE));
    SHOW(lseek(fd, 100003, SEEK_DATA));
    SHOW(lseek(fd, -1, SEEK_HOLE));
    SHOW(pread(fd, buf, 10, 50000));
    printf("%d %d\n", buf[0], buf[9]);
    SHOW(ftruncate(fd, 3));
    SHOW(ftruncate(fd, 10));
    SHOW(pread(fd, buf, 20, 0));
    printf("%.3s %d\n", buf, buf[5]);
    SHOW(ftruncate(fd, -1));
    SHOW(ftruncate(-1, 1));
    SHOW(truncate("a", 4));
    SHOW(truncate(".", 4));
    SHOW(truncate("none", 4));
    SHOW(truncate("a", -4));
    SHOW(fallocate(fd, 0, 0, 8192));
    SHOW(fstat(fd, &st));
    printf("size %ld blocks %ld\n", (long)st.st_size, (long)st.st_blocks);
    SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 8192, 8192));
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096));
    SHOW(fstat(fd, &st));
    printf("size %ld blocks %ld\n", (long)st.st_size, (long)st.st_blocks);
    SHOW(fallocate(fd, 0, -1, 1));
    SHOW(fallocate(fd, 0, 0, 0));
    SHOW(fallocate(fd, 0, INT64_MAX, 2));
    close(fd), close(other);
    unlink("a");
}

static void limit(void)
{
    struct rlimit old, small = {4096, 4096};
    int fd = open("l", O_CREAT | O_RDWR, 0600);

    memset(buf, 'x', sizeof(buf));
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    SHOW(setrlimit(RLIMIT_FSIZE, &small));
    SHOW(write(fd, buf, 4000));
    SHOW(write(fd, buf, 4000));
    SHOW(write(fd, buf, 1));
    SHOW(ftruncate(fd, 5000));
    SHOW(ftruncate(fd, 4096));
    setrlimit(RLIMIT_FSIZE, &old);
    close(fd);
    unlink("l");
}

/* A buffer whose end is not mapped: what could be moved counts. */
static void partial(void)
{
    char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = open("p", O_CREAT | O_RDWR, 0600);

    munmap(p + 4096, 4096);
    memset(p, 'q', 4096);
    SHOW(write(fd, p + 4000, 200));
    SHOW(write(fd, buf, 500));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(read(fd, p + 4000, 200));
    SHOW(read(fd, p + 4096, 200));
    SHOW(read(fd, p + 4090, 3));
    close(fd);
    unlink("p");
}

static void devices(void)
{
    int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR),
        full = open("/dev/full", O_RDWR), random = open("/dev/urandom", O_RDONLY);
    struct stat st;

    SHOW(read(null, buf, 10));
    SHOW(write(null, buf, 10));
    SHOW(lseek(null, 5, SEEK_SET));
    memset(buf, 1, 100);
    SHOW(read(zero, buf, 100));
    printf("%d %d\n", buf[0], buf[99]);
    SHOW(write(zero, buf, 10));
    SHOW(read(full, buf, 10));
    SHOW(write(full, buf, 10));
    SHOW(write(full, buf, 0));
    SHOW(read(random, buf, 300));
    SHOW(read(random, BAD_PTR, 300));
    SHOW(read(zero, BAD_PTR, 300));
    SHOW(write(null, BAD_PTR, 300));
    SHOW(fstat(null, &st));
    printf("%o %lx\n", st.st_mode, (long)st.st_rdev);
    SHOW(fstat(random, &st));
    printf("%o %lx\n", st.st_mode, (long)st.st_rdev);
    SHOW(pread(zero, buf, 5, 10));
}

int main(void)
{
    enter_scratch();
    errors();
    vectors();
    append_and_sparse();
    limit();
    partial();
    devices();
    leave_scratch();
    return 0;
}
