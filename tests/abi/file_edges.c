/* SPDX-License-Identifier: BSD-2-Clause */
/* What calls on data, descriptors and locks answer at their edges: odd files, odd flags, odd orders of errors. */
#include "file_check.h"
#include <linux/fadvise.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif

static char buf[20000];
static int file, append, p[2], s[2], zero, memory;
static volatile int caught;

static void on_signal(int signo)
{
    caught = signo;
}

static void transfers(void)
{
    struct iovec v = {buf, 100}, none = {buf, 0}, bad = {BAD_PTR, 5};

    SHOW(pwritev2(file, &v, 1, 0, RWF_NOWAIT));
    SHOW(preadv2(file, &none, 1, 0, RWF_NOWAIT));
    SHOW(preadv2(file, &v, 1, 0, RWF_APPEND | RWF_NOAPPEND));
    SHOW(preadv2(p[0], &v, 1, -1, RWF_NOWAIT));
    SHOW(preadv2(s[0], &v, 1, -1, RWF_NOWAIT));
    SHOW(preadv2(zero, &v, 1, 0, RWF_NOWAIT));
    SHOW(pwritev2(append, &v, 1, 10, RWF_NOAPPEND));
    SHOW(lseek(append, 0, SEEK_END));
    SHOW(pwritev2(append, &v, 1, 10, 0));
    SHOW(lseek(append, 0, SEEK_END));
    SHOW(pread(p[0], BAD_PTR, 10, 0));
    SHOW(pread(p[1], buf, (size_t)-1, 0));
    SHOW(pwrite(s[0], BAD_PTR, 10, 0));
    SHOW(preadv(file, &bad, 1, INT64_MAX));
    SHOW(pwrite(file, buf, 1, INT64_MAX - 1));
    SHOW(ftruncate(file, 3000));
}

static void allocation(void)
{
    struct rlimit limit;
    int fd = open("holes", O_CREAT | O_RDWR, 0600);
    off_t room = -1;

    SHOW(fallocate(fd, 0, 0, 20000));
    SHOW(lseek(fd, 0, SEEK_DATA));
    SHOW(pwrite(fd, "x", 1, 9000));
    SHOW(lseek(fd, 0, SEEK_DATA));
    SHOW(lseek(fd, 9000, SEEK_HOLE));
    SHOW(ioctl(fd, FIOQSIZE, &room));
    printf("room %ld\n", (long)room);
    SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 20000, 50000));
    SHOW(ftruncate(fd, 20000));
    SHOW(ioctl(fd, FIOQSIZE, &room));
    printf("room %ld\n", (long)room);
    SHOW(ioctl(p[0], FIOQSIZE, &room));
    SHOW(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, INT64_MAX, 10));
    SHOW(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_KEEP_SIZE, 0, 4096));
    SHOW(fallocate(fd, FALLOC_FL_ZERO_RANGE, 5, INT64_MAX));
    SHOW(fallocate(fd, FALLOC_FL_UNSHARE_RANGE, 0, 4096));
    SHOW(sync_file_range(fd, 4096, INT64_MAX, 2));
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 25000;
    SHOW(setrlimit(RLIMIT_FSIZE, &limit));
    signal(SIGXFSZ, on_signal);
    SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 24000, 4096));
    printf("signal %d\n", caught), caught = 0;
    SHOW(fallocate(fd, FALLOC_FL_ZERO_RANGE, 24000, 4096));
    printf("signal %d\n", caught), caught = 0;
    SHOW(copy_file_range(fd, &(off64_t){0}, fd, &(off64_t){INT64_MAX}, 100, 0));
    printf("signal %d\n", caught), caught = 0;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
    SHOW(copy_file_range(fd, &(off64_t){0}, fd, &(off64_t){INT64_MAX}, 100, 0));
    printf("signal %d\n", caught);
    close(fd);
    unlink("holes");
}

/* Into a pipe goes a page of the cache a slot; what goes past the cache fills the slots. */
static void into_pipe(void)
{
    int fd = memfd_create("m", 0), ends[2];

    SHOW(ftruncate(fd, 200000));
    for (int direct = 0; direct < 2; direct++) {
        SHOW(fcntl(fd, F_SETFL, direct ? O_DIRECT : 0));
        SHOW(pipe2(ends, O_NONBLOCK) ? -1 : 0);
        SHOW(sendfile(ends[1], fd, &(off_t){7}, 100000));
        close(ends[0]), close(ends[1]);
    }
    close(fd);
}

/* Which of two errors comes first. */
static void orders(void)
{
    struct iovec none = {buf, 0}, some = {buf, 1};
    int directory = open(".", O_RDONLY), length = -1;

    SHOW(readv(directory, &none, 1));
    SHOW(readv(directory, &some, 1));
    SHOW(read(directory, BAD_PTR, 1));
    SHOW(connect(directory, BAD_PTR, 1000));
    SHOW(connect(directory, BAD_PTR, 10));
    SHOW(connect(directory, (struct sockaddr *)buf, 10));
    SHOW(connect(-1, BAD_PTR, 1000));
    SHOW(getsockopt(s[0], 7, 1, buf, BAD_PTR));
    SHOW(getsockopt(s[0], SOL_SOCKET, 1, buf, BAD_PTR));
    SHOW(getsockopt(s[0], 7, 1, buf, (socklen_t *)&length));
    SHOW(sendmsg(s[0], &(struct msghdr){.msg_iovlen = 2000}, 0));
    SHOW(syscall(SYS_execveat, directory, "", NULL, NULL, 0x80));
    SHOW(syscall(SYS_execveat, directory, "none", NULL, NULL, 0x80));
    close(directory);
}

static void flags_and_advice(void)
{
    uint64_t hint = 3;

    SHOW(open("fifo", O_RDWR | O_DIRECT));
    SHOW(open(".", O_RDONLY | O_DIRECT));
    SHOW(open("/dev/zero", O_RDONLY | O_DIRECT));
    SHOW(open("f", O_RDONLY | O_DIRECT) >= 0);
    SHOW(fcntl(file, F_SETFL, O_DIRECT));
    SHOW(fcntl(file, F_SETFL, 0));
    SHOW(fcntl(memory, F_SETFL, O_DIRECT));
    SHOW(fcntl(zero, F_SETFL, O_DIRECT));
    SHOW(fcntl(s[0], F_SETFL, O_DIRECT));
    SHOW(fcntl(s[0], F_SET_RW_HINT, &hint));
    SHOW(fcntl(file, F_GET_FILE_RW_HINT, &hint));
    SHOW(posix_fadvise(s[0], 0, 10, POSIX_FADV_NORMAL));
    SHOW(posix_fadvise(s[0], 0, 10, 6));
    SHOW(posix_fadvise(p[0], 0, 10, POSIX_FADV_NORMAL));
    SHOW(posix_fadvise(file, 0, -1, POSIX_FADV_NORMAL));
    SHOW(readahead(file, 0, (size_t)-1));
    SHOW(readahead(s[0], 0, 10));
}

static void maps(void)
{
    char *m;

    SHOW(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, p[0], 0) == MAP_FAILED);
    SHOW_OK(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, s[0], 0));
    SHOW_OK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, s[0], 0));
    SHOW_OK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, p[0], INT64_MIN));
    SHOW_OK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, INT64_MIN));
    SHOW_OK(m = mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, file, 0));
    SHOW(madvise(m, 4096, MADV_POPULATE_READ));
    SHOW(madvise(m, 4096, MADV_POPULATE_WRITE));
    SHOW(munmap(m, 4096));
    SHOW_OK(m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 12288));
    m[5000] = 1;
    SHOW(madvise(m, 8192, MADV_FREE));
    SHOW(munmap(m, 8192));
    SHOW_OK(m = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, memory, 0));
    SHOW(munmap(m, 4096));
}

static void seals(void)
{
    int sealed = memfd_create("sealed", MFD_ALLOW_SEALING), other = memfd_create("other", MFD_ALLOW_SEALING);
    char *m;

    SHOW(fcntl(p[0], F_ADD_SEALS, F_SEAL_GROW));
    SHOW(fcntl(p[1], F_ADD_SEALS, F_SEAL_GROW));
    SHOW(fcntl(file, F_GET_SEALS));
    SHOW(fcntl(sealed, F_ADD_SEALS, 0x80));
    SHOW_OK(m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, sealed, 0));
    SHOW(fcntl(sealed, F_ADD_SEALS, F_SEAL_EXEC));
    SHOW(fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE));
    SHOW(munmap(m, 4096));
    SHOW(fcntl(sealed, F_ADD_SEALS, F_SEAL_EXEC));
    SHOW(fcntl(sealed, F_GET_SEALS));
    SHOW(write(sealed, "x", 1));
    SHOW(fchmod(sealed, 0600));
    SHOW(fchmod(other, 0600));
    SHOW(fcntl(other, F_ADD_SEALS, F_SEAL_EXEC | F_SEAL_SEAL));
    SHOW(fcntl(other, F_GET_SEALS));
    SHOW(fchmod(other, 0640));
    SHOW(fchmod(other, 0700));
    close(sealed), close(other);
}

static void locks(void)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_len = 5};
    int other = open("f", O_RDWR), fifo = open("fifo", O_RDWR);

    SHOW(flock(-1, LOCK_MAND | LOCK_EX));
    SHOW(flock(s[0], LOCK_EX));
    SHOW(flock(s[0], LOCK_UN));
    SHOW(fcntl(s[0], F_SETLK, &l));
    SHOW(fcntl(fifo, F_SETLK, &l));
    SHOW(fcntl(p[0], F_SETLK, &l));
    l.l_start = 2;
    l.l_whence = SEEK_SET;
    SHOW(fcntl(file, F_OFD_SETLK, &l));
    l = (struct flock){.l_type = F_UNLCK, .l_len = 100};
    SHOW(fcntl(other, F_OFD_GETLK, &l));
    printf("%d %ld %ld\n", l.l_type, (long)l.l_start, (long)l.l_len);
    SHOW(fcntl(file, F_OFD_GETLK, &l));
    printf("%d %ld %ld\n", l.l_type, (long)l.l_start, (long)l.l_len);
    l = (struct flock){.l_type = F_UNLCK, .l_len = 100};
    SHOW(fcntl(file, F_GETLK, &l));
    l = (struct flock){.l_type = 9, .l_start = INT64_MAX, .l_len = 10};
    SHOW(fcntl(file, F_OFD_SETLK, &l));
    SHOW(fcntl(file, F_GETLK, &l));
    close(other), close(fifo);
}

static void copies(void)
{
    off_t at = 0, out = INT64_MAX;
    loff_t negative = INT64_MIN;
    char c;

    signal(SIGPIPE, on_signal);
    make_file("copy", "abcdef");
    int fd = open("copy", O_RDWR);
    SHOW(sendfile(fd, fd, NULL, 4));
    SHOW(lseek(fd, 0, SEEK_CUR));
    at = 4;
    SHOW(sendfile(fd, fd, &at, 20));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(sendfile(-1, p[0], &at, 1));
    SHOW(copy_file_range(fd, NULL, memory, NULL, 4, 0));
    at = 0;
    SHOW(copy_file_range(fd, &at, file, &out, 1, 0));
    SHOW(copy_file_range(fd, &at, file, &negative, 1, 0));
    negative = -1;
    SHOW(copy_file_range(fd, &negative, file, NULL, 4, 0));
    SHOW(splice(fd, &(loff_t){0}, p[1], NULL, 5, 0));
    SHOW(write(p[1], "behind", 6));
    SHOW(read(p[0], buf, 100));
    SHOW(read(p[0], &c, 1));
    close(p[0]);
    caught = 0;
    SHOW(sendfile(p[1], fd, &at, 0));
    printf("signal %d\n", caught), caught = 0;
    SHOW(vmsplice(p[1], &(struct iovec){buf, 5}, 1, 0));
    printf("signal %d\n", caught);
    SHOW(tee(p[1], s[0], 5, 0));
    close(fd);
    unlink("copy");
}

int main(void)
{
    enter_scratch();
    make_file("f", "0123456789");
    mkfifo("fifo", 0600);
    file = open("f", O_RDWR);
    append = open("f", O_RDWR | O_APPEND);
    zero = open("/dev/zero", O_RDWR);
    memory = memfd_create("memory", 0);
    if (pipe2(p, O_NONBLOCK) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s))
        return 2;
    transfers();
    allocation();
    into_pipe();
    orders();
    flags_and_advice();
    maps();
    seals();
    locks();
    copies();
    unlink("f"), unlink("fifo");
    leave_scratch();
    return 0;
}
