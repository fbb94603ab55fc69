/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes to a disk and looks at what came of it; see disk.sh.
 *
 *   disk write DISK SEED THREADS how...   random pieces, from so many threads; how: direct, map, fsync, reads, queue (by Linux AIO)
 *   disk check FILE SEED THREADS how...   on the host: exactly those bytes are there, and zeros elsewhere
 *   disk attributes DISK                  sizes, limits, errors, one line each
 *   disk alignment DISK                   the same for O_DIRECT
 *   disk errors DISK                      a disk that fails (read at 64 KiB, write at 128 KiB), goes on
 *   disk full FILE                        4 MiB to a file or disk whose host has 1 MiB of room; then what has room
 *
 * What byte x of the disk holds once it is written depends on x alone, so it does not matter in which order that happens.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <linux/hdreg.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIECES   150
#define MOST     (160 << 10) /* bytes of a piece */
#define ALIGNED  4096

static const char *name;
static uint64_t seed, size;
static int threads, fd, direct, map, reads, queue;
static unsigned char *mapped;

static void die(const char *what)
{
    printf("%s: %s\n", what, strerror(errno));
    exit(1);
}

static unsigned char byte_at(uint64_t x)
{
    return (unsigned char)(((x * 0x9e3779b97f4a7c15u) >> 40) | 1);
}

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* The piece that comes next. */
static void choose(uint64_t *state, uint64_t *offset, size_t *length)
{
    uint64_t grain = direct ? 512 : 1;

    *length = (next(state) % 3 ? next(state) % 3000 : next(state) % MOST) / grain * grain + grain;
    *offset = next(state) % (size / grain) * grain;
    if (*offset + *length > size)
        *length = size - *offset;
}

/* Takes events of a queue of pieces: each comes once. How many. */
static int take(aio_context_t context, struct iocb *pieces, long least)
{
    struct io_event events[PIECES];
    long n = syscall(SYS_io_getevents, context, least, PIECES, events, NULL);

    if (n < least)
        die("io_getevents");
    for (long i = 0; i < n; i++) {
        struct iocb *r = (struct iocb *)events[i].obj;
        if (r < pieces || r >= pieces + PIECES || !r->aio_data || events[i].data != r->aio_data || events[i].res != (long long)r->aio_nbytes) {
            printf("a wrong event: %lld\n", (long long)events[i].res);
            exit(1);
        }
        r->aio_data = 0;
    }
    return (int)n;
}

/* Up to 16 pieces are under way at once; the last ones when the program ends. */
static void *queuer(void *arg)
{
    uint64_t state = seed * 1000 + (uintptr_t)arg + 1, offset;
    struct iocb *pieces = calloc(PIECES, sizeof(*pieces)), *r = pieces;
    aio_context_t context = 0;
    unsigned char *buffer;
    size_t length;

    if (syscall(SYS_io_setup, PIECES, &context))
        die("io_setup");
    for (int under_way = 0; r < pieces + PIECES; r++, under_way++) {
        choose(&state, &offset, &length);
        if (posix_memalign((void **)&buffer, ALIGNED, length))
            die("memory");
        for (size_t k = 0; k < length; k++)
            buffer[k] = byte_at(offset + k);
        *r = (struct iocb){.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = (unsigned)fd, .aio_buf = (uintptr_t)buffer, .aio_nbytes = length,
                           .aio_offset = (long long)offset, .aio_data = (uintptr_t)r};
        while (under_way >= 16)
            under_way -= take(context, pieces, 1 + under_way % 4);
        if (syscall(SYS_io_submit, context, 1, &r) != 1)
            die("io_submit");
    }
    return NULL;
}

static void *writer(void *arg)
{
    uint64_t state = seed * 1000 + (uintptr_t)arg + 1, other = state ^ 0x5555, offset;
    unsigned char *buffer;
    size_t length;

    if (posix_memalign((void **)&buffer, ALIGNED, MOST + ALIGNED))
        die("memory");
    for (int i = 0; i < PIECES; i++) {
        choose(&state, &offset, &length);
        if (map) {
            for (size_t k = 0; k < length; k++)
                mapped[offset + k] = byte_at(offset + k);
        } else {
            for (size_t k = 0; k < length; k++)
                buffer[k] = byte_at(offset + k);
            if (pwrite(fd, buffer, length, (off_t)offset) != (ssize_t)length)
                die("write");
        }
        if (!reads)
            continue;
        choose(&other, &offset, &length);
        if (pread(fd, buffer, length, (off_t)offset) != (ssize_t)length)
            die("read");
        for (size_t k = 0; k < length; k++) {
            if (buffer[k] && buffer[k] != byte_at(offset + k)) {
                printf("byte %llu is wrong when read\n", (unsigned long long)offset + k);
                exit(1);
            }
        }
    }
    free(buffer);
    return NULL;
}

static void write_all(void)
{
    pthread_t thread[64];

    fd = open(name, O_RDWR | (direct ? O_DIRECT : 0));
    if (fd < 0)
        die(name);
    if (ioctl(fd, BLKGETSIZE64, &size))
        die("BLKGETSIZE64");
    if (map) {
        mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (mapped == MAP_FAILED)
            die("mmap");
    }
    for (uintptr_t i = 0; i < (uintptr_t)threads; i++)
        pthread_create(&thread[i], NULL, queue ? queuer : writer, (void *)i);
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
}

static void check(void)
{
    unsigned char *wanted, *found;
    struct stat st;

    fd = open(name, O_RDONLY);
    if (fd < 0 || fstat(fd, &st))
        die(name);
    size = (uint64_t)st.st_size;
    wanted = calloc(1, size);
    found = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    for (int t = 0; t < threads; t++) {
        uint64_t state = seed * 1000 + (uint64_t)t + 1, offset;
        size_t length;

        for (int i = 0; i < PIECES; i++) {
            choose(&state, &offset, &length);
            for (size_t k = 0; k < length; k++)
                wanted[offset + k] = byte_at(offset + k);
        }
    }
    for (uint64_t i = 0; i < size; i++) {
        if (found[i] != wanted[i]) {
            printf("byte %llu is 0x%02x and not 0x%02x\n", (unsigned long long)i, found[i], wanted[i]);
            exit(1);
        }
    }
    printf("as written\n");
}

#define SHOW(call) show(#call, (long)(call))
static void show(const char *what, long result)
{
    printf("%s: %ld%s%s\n", what, result, result < 0 ? " " : "", result < 0 ? strerrorname_np(errno) : "");
}

static void attributes(void)
{
    struct hd_geometry geometry = {0};
    uint64_t bytes = 0, range[2] = {4096, 4096};
    unsigned long sectors = 0;
    int value = -1, other;
    struct stat st;
    char buffer[4096] = {1};

    fd = open(name, O_RDWR);
    SHOW(fd >= 0);
    fstat(fd, &st);
    printf("block %d, %u:%u, size %ld\n", S_ISBLK(st.st_mode), major(st.st_rdev), minor(st.st_rdev), (long)st.st_size);
    SHOW(ioctl(fd, BLKGETSIZE64, &bytes));
    SHOW(ioctl(fd, BLKGETSIZE, &sectors));
    printf("%llu bytes, %lu sectors\n", (unsigned long long)bytes, sectors);
    SHOW(ioctl(fd, BLKSSZGET, &value));
    printf("sector of %d\n", value);
    SHOW(ioctl(fd, BLKROGET, &value));
    printf("read-only %d\n", value);
    SHOW(ioctl(fd, HDIO_GETGEO, &geometry));
    SHOW(ioctl(fd, HDIO_GETGEO, NULL));
    SHOW(ioctl(fd, BLKGETSIZE64, (void *)8));
    SHOW(ioctl(fd, BLKFLSBUF, 0));
    SHOW(ioctl(fd, 0x12ff, 0));
    SHOW(lseek(fd, 0, SEEK_END) == (off_t)bytes);
    SHOW(lseek(fd, 1, SEEK_END));
    SHOW(lseek(fd, 0, SEEK_DATA));
    SHOW(read(fd, buffer, 100));
    SHOW(write(fd, buffer, 100));
    SHOW(write(fd, buffer, 0));
    SHOW(pwrite(fd, buffer, 4096, (off_t)bytes - 100));
    SHOW(pread(fd, buffer, 4096, (off_t)bytes - 100));
    SHOW(ftruncate(fd, 0));
    SHOW(fsync(fd));
    SHOW(ioctl(fd, BLKDISCARD, range));
    SHOW(ioctl(fd, BLKZEROOUT, range));
    range[0] = bytes;
    SHOW(ioctl(fd, BLKZEROOUT, range));
    SHOW(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    other = open(name, O_RDONLY | O_EXCL);
    SHOW(other >= 0);
    SHOW(open(name, O_RDONLY | O_EXCL));
    SHOW(close(other));
    SHOW(open(name, O_RDONLY | O_EXCL) >= 0);
}

/* O_DIRECT: what it wants aligned, and that it and the cache see each other's writes. */
static void alignment(void)
{
    char *buffer, byte;
    struct iovec two[2];

    fd = open(name, O_RDWR | O_DIRECT);
    int cached = open(name, O_RDWR);
    uint64_t bytes = 0;
    if (posix_memalign((void **)&buffer, ALIGNED, 1 << 20) || ioctl(fd, BLKGETSIZE64, &bytes))
        die("setup");
    SHOW(pread(fd, buffer, 512, 512));
    SHOW(pread(fd, buffer, 500, 512));
    SHOW(pread(fd, buffer, 512, 500));
    SHOW(pread(fd, buffer + 1, 512, 512));
    SHOW(pread(fd, buffer + 512, 512, 512));
    SHOW(pread(fd, buffer, 0, 1));
    SHOW(pread(fd, buffer, 4096, (off_t)bytes - 512));
    SHOW(pread(fd, buffer, 4096, (off_t)bytes));
    SHOW(pread(fd, (void *)4096, 4096, 0));
    SHOW(pwrite(fd, (void *)4096, 4096, 0));
    SHOW(pwrite(fd, buffer, 4096, (off_t)bytes - 512));
    SHOW(pwrite(fd, buffer, 4096, (off_t)bytes));
    SHOW(pwrite(fd, buffer, 100, 0));
    two[0] = (struct iovec){buffer, 512};
    two[1] = (struct iovec){buffer + 4096, 1024};
    SHOW(preadv(fd, two, 2, 0));
    two[0].iov_len = 100;
    SHOW(preadv(fd, two, 2, 0));
    memset(buffer, 'd', 1 << 20);
    SHOW(pwrite(cached, "cached", 6, 70000));
    SHOW(pread(fd, buffer, 1 << 20, 0) > 70000 && !memcmp(buffer + 70000, "cached", 6));
    memset(buffer, 'd', 8192);
    SHOW(pwrite(fd, buffer, 8192, 69632));
    SHOW(pread(cached, &byte, 1, 70000) == 1 && byte == 'd');
    SHOW(fcntl(fd, F_SETFL, 0));
    SHOW(pread(fd, buffer, 500, 501));
}

static sigjmp_buf after;

static void on_signal(int signo)
{
    (void)signo;
    siglongjmp(after, 1);
}

/* Writes n bytes at at, and has them kept: which call said so if not all of it went. */
static void keep(const char *what, off_t at, size_t n)
{
    static char buffer[64 << 10];
    int wrong = 0;

    for (size_t k = 0; k < n && !wrong; k += sizeof(buffer))
        wrong = pwrite(fd, buffer, sizeof(buffer), at + (off_t)k) < 0 ? errno : 0;
    /* Data that the kernel keeps first fails when it is written back. */
    if (fsync(fd) && !wrong)
        wrong = errno;
    printf("%s: %s\n", what, wrong == EIO || wrong == ENOSPC ? "no room" : wrong ? strerror(wrong) : "kept");
}

static void full(void)
{
    fd = open(name, O_RDWR | O_CREAT, 0600);
    keep("some", 0, 256 << 10);
    keep("too much", 0, 4 << 20);
    keep("what is there", 0, 64 << 10);
    keep("too much again", 1 << 20, 3 << 20);
    close(fd);
    fd = open(name, O_RDWR | O_DIRECT);
    void *page = mmap(NULL, 64 << 10, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("direct: %s\n", pwrite(fd, page, 64 << 10, (4 << 20) - (64 << 10)) == 64 << 10 && !fsync(fd) ? "kept" : "no room");
    close(fd);
}

static void errors(void)
{
    char buffer[4096];

    fd = open(name, O_RDWR);
    SHOW(pread(fd, buffer, 512, 64 << 10));
    SHOW(pread(fd, buffer, 512, 0));
    memset(buffer, 'x', sizeof(buffer));
    SHOW(pwrite(fd, buffer, 4096, 128 << 10));
    SHOW(fsync(fd));
    SHOW(fsync(fd));
    SHOW(pwrite(fd, buffer, 4096, 256 << 10));
    SHOW(fsync(fd));
    SHOW(pread(fd, buffer, 512, 64 << 10));
    /* In a mapping it is a signal. */
    signal(SIGBUS, on_signal);
    mapped = mmap(NULL, 1 << 20, PROT_READ, MAP_SHARED, fd, 0);
    SHOW(mapped != MAP_FAILED);
    if (sigsetjmp(after, 1))
        printf("SIGBUS\n");
    else
        printf("read %d\n", ((volatile unsigned char *)mapped)[64 << 10]);
    SHOW(((volatile unsigned char *)mapped)[256 << 10] == 'x');
    /* This one cannot clear by itself. */
    uint64_t range[2] = {(256 << 10) + 1024, 2048};
    SHOW(ioctl(fd, BLKZEROOUT, range));
    SHOW(pread(fd, buffer, 4096, 256 << 10) == 4096 && buffer[1023] == 'x' && !buffer[1024] && !buffer[3071] && buffer[3072] == 'x');
    range[0]++;
    SHOW(ioctl(fd, BLKZEROOUT, range));
}

int main(int argc, char **argv)
{
    int sync = 0;

    if (argc < 3)
        return 2;
    name = argv[2];
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 4) {
        seed = strtoull(argv[3], NULL, 0);
        threads = atoi(argv[4]);
    }
    for (int i = 5; i < argc; i++) {
        direct |= !strcmp(argv[i], "direct");
        map |= !strcmp(argv[i], "map");
        reads |= !strcmp(argv[i], "reads");
        queue |= !strcmp(argv[i], "queue");
        sync |= !strcmp(argv[i], "fsync");
    }
    if (!strcmp(argv[1], "attributes")) {
        attributes();
    } else if (!strcmp(argv[1], "alignment")) {
        alignment();
    } else if (!strcmp(argv[1], "errors")) {
        errors();
    } else if (!strcmp(argv[1], "full")) {
        full();
    } else if (!strcmp(argv[1], "check")) {
        check();
    } else {
        write_all();
        if (sync && fsync(fd))
            die("fsync");
        printf("done\n");
        if (sync) /* what is fsynced needs no clean end */
            raise(9);
        _exit(0);
    }
    return 0;
}
