/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data of files: reading, writing, positions, sizes, holes, pipes, splicing, mappings, locks, flags of descriptors. Files are
 * few and small, so that calls meet each other's effects.
 */
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include "sequence.h"

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif

#define MAPS  4
#define AREA  (128u << 10)
#define PAGE  4096ul

static __thread struct {
    unsigned char *at;
    size_t length;
    bool shared;
} maps[MAPS];
/* AREA bytes, then a page that is not there; AREA bytes that cannot be written. */
static __thread unsigned char *area, *constant, *vmspliced;

static const char *const names[] = {"a", "b", "c", "fifo", "none"};
static const size_t lengths[] = {0, 1, 2, 7, 100, 511, 512, 4095, 4096, 4097, 5000, 8192, 10000, 12288, 65536, 70000};
static const int64_t offsets[] = {0, 0, 1, 5, 100, 512, 4095, 4096, 4097, 6000, 8191, 8192, 12288, 20000, 65536, 100000, 131072};
static const int64_t odd_offsets[] = {-1, -4096, INT64_MIN, INT64_MAX, INT64_MAX - 8191, 1ll << 31, (1ll << 31) - 1, 1ll << 32, 1ll << 43, 0xffffffffll};
static const struct named open_flags[] = {
    NAMED(0), NAMED(0), NAMED(O_CREAT), NAMED(O_CREAT), NAMED(O_CREAT | O_TRUNC), NAMED(O_TRUNC), NAMED(O_APPEND), NAMED(O_CREAT | O_APPEND),
    NAMED(O_CREAT | O_EXCL), NAMED(O_DIRECT), NAMED(O_SYNC), NAMED(O_DSYNC), NAMED(O_CLOEXEC), NAMED(O_PATH), NAMED(O_NOATIME), NAMED(O_DIRECTORY),
};

static mode_t type_of(int fd)
{
    struct stat st;

    return fstat(fd, &st) ? 0 : st.st_mode & S_IFMT;
}

static size_t length(void)
{
    return rarely(60) ? (size_t)-1 - pick(2) * 4096 : PICK(lengths);
}

static int64_t offset(void)
{
    return rarely(25) ? PICK(odd_offsets) : PICK(offsets);
}

/*
 * A buffer for up to n bytes: mostly a good one. To write from, at least its first byte is there: some Linuxes (seen: 6.18, tmpfs) move the
 * end of the file up to the position of a write that fails with EFAULT.
 */
static unsigned char *buffer(size_t n, bool to_write, const char **name)
{
    unsigned kind = pick(40);

    if (to_write && kind > 0 && kind < 4 && kind != 2)
        kind = 4;

    if (kind == 0) {
        *name = "cut";
        return area + AREA - (n > AREA ? AREA : n) + (n ? !to_write + pick((unsigned)(n > AREA ? AREA : n)) : 0);
    }
    if (kind == 1) {
        *name = "null";
        return NULL;
    }
    if (kind == 2) {
        *name = "constant";
        return constant;
    }
    if (kind == 3) {
        *name = "kernel";
        return (unsigned char *)0xffff888000000000ul;
    }
    *name = "buffer";
    return area + pick(2) * 17;
}

static void fill(void)
{
    for (size_t i = 0; i < AREA; i++)
        area[i] = (unsigned char)(i * 7 + (i >> 8) + step_number * 13 + 1);
}

static void step_open(void)
{
    static const char *const access[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_RDWR"};
    static const int values[] = {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR};
    unsigned i = pick(SLOTS), mode = pick(4);
    const struct named *f = &PICK(open_flags);
    const char *name = PICK(names);

    call("%u: open(%s, %s | %s)", i, name, access[mode], f->name);
    put(i, (int)result(open(name, values[mode] | (int)f->value | O_NONBLOCK, 0644)));
}

static void step_make(void)
{
    static const struct named seals[] = {NAMED(0), NAMED(MFD_ALLOW_SEALING), NAMED(MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    unsigned i = pick(SLOTS), j = (i + 1) % SLOTS, which;
    const struct named *f;
    int two[2];

    switch (pick(6)) {
    case 0:
    case 1:
        which = pick(3);
        call("%u %u: pipe2(%s)", i, j, which ? "" : "O_DIRECT");
        if (result(pipe2(two, O_NONBLOCK | (which ? 0 : O_DIRECT))) == 0)
            put_two(i, j, two);
        break;
    case 2:
        f = &PICK(seals);
        call("%u: memfd_create(%s)", i, f->name);
        put(i, (int)result(memfd_create("memory", (unsigned)f->value)));
        break;
    case 3:
        which = pick(2);
        call("%u %u: socketpair(%s)", i, j, which ? "stream" : "datagram");
        if (result(socketpair(AF_UNIX, (which ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK, 0, two)) == 0)
            put_two(i, j, two);
        break;
    case 4:
        which = pick(2);
        call("%u: open_device(%u)", i, which);
        put(i, (int)result(open_device(which)));
        break;
    default:
        call("%u: open(., O_TMPFILE)", i);
        put(i, (int)result(open(".", O_TMPFILE | O_RDWR, 0600)));
    }
}

static void step_descriptor(void)
{
    unsigned i = pick(SLOTS);
    int fd = slot(), from;

    switch (pick(6)) {
    case 0:
        call("close(%d)", slots[i]);
        result(close(slots[i]));
        slots[i] = -1;
        break;
    case 1:
        call("%u: dup(%d)", i, fd);
        put(i, (int)result(dup(fd)));
        break;
    case 2:
        from = rarely(4) ? 2000 : (int)pick(30);
        call("%u: fcntl(%d, F_DUPFD, %d)", i, fd, from);
        put(i, (int)result(fcntl(fd, F_DUPFD, from)));
        break;
    case 3:
        call("%u: dup3(%d, %d)", i, fd, slots[i]);
        result(dup3(fd, slots[i], rarely(2) ? O_CLOEXEC : 0));
        break;
    case 4:
        call("fcntl(%d, F_GETFD)", fd);
        result(fcntl(fd, F_GETFD));
        break;
    default:
        call("fcntl(%d, F_SETFD)", fd);
        result(fcntl(fd, F_SETFD, pick(4)));
    }
}

static void show_bytes(const void *p, long n)
{
    if (n > 0)
        note(" {%08x}", digest(p, (size_t)n));
}

static void step_single(bool write_it)
{
    int fd = slot();
    size_t n = length();
    int64_t at = offset();
    bool positioned = rarely(2);
    const char *kind;
    unsigned char *p = buffer(n, write_it, &kind);
    long r;

    if (kind[0] == 'c' && type_of(fd) == S_IFSOCK) { /* how much goes into one buffer of a socket is its own affair */
        kind = "buffer";
        p = area;
    }

    if (write_it)
        fill();
    call("%s%s(%d, %s, %zd", positioned ? "p" : "", write_it ? "write" : "read", fd, kind, (ssize_t)n);
    if (positioned)
        note(", %lld", (long long)at);
    note(")");
    if (positioned)
        r = write_it ? syscall(SYS_pwrite64, fd, p, n, at) : syscall(SYS_pread64, fd, p, n, at);
    else
        r = write_it ? syscall(SYS_write, fd, p, n) : syscall(SYS_read, fd, p, n);
    if (!write_it)
        show_bytes(p, r);
    result(r);
}

static void step_vector(bool write_it)
{
    static const struct named flags[] = {NAMED(0),        NAMED(RWF_NOWAIT), NAMED(RWF_APPEND),         NAMED(RWF_DSYNC),
                                         NAMED(RWF_SYNC), NAMED(RWF_HIPRI),  NAMED(RWF_NOAPPEND), NAMED(0x40000000)};
    struct iovec v[4] = {0};
    int fd = slot(), count = (int)pick(4), kind = (int)pick(3);
    int64_t at = rarely(6) ? -1 : offset();
    const struct named *f = &PICK(flags);
    const char *name[4] = {"", "", "", ""};
    long r, left;

    if (write_it)
        fill();
    for (int i = 0; i < count; i++) {
        v[i].iov_len = rarely(80) ? (size_t)-1 : PICK(lengths) / 3;
        v[i].iov_base = buffer(v[i].iov_len, write_it, &name[i]);
        if (name[i][0] == 'c' && type_of(fd) == S_IFSOCK) {
            name[i] = "buffer";
            v[i].iov_base = area;
        }
        if (name[i][0] == 'b')
            v[i].iov_base = (char *)v[i].iov_base + i * 30000;
    }
    if (rarely(30))
        count = (int)pick(2) ? -1 : 1025;
    if (f->value == RWF_NOWAIT && type_of(fd) == S_IFIFO) /* not for a pipe any more that was spliced */
        f = &flags[0];
    call("%s%s%s(%d, %d", kind ? "p" : "", write_it ? "writev" : "readv", kind == 2 ? "2" : "", fd, count);
    for (int i = 0; i < count && i < 4; i++)
        note(" %s:%zd", name[i], (ssize_t)v[i].iov_len);
    if (kind)
        note(", %lld", (long long)at);
    if (kind == 2)
        note(", %s", f->name);
    note(")");
    if (kind == 0)
        r = syscall(write_it ? SYS_writev : SYS_readv, fd, v, count);
    else if (kind == 1)
        r = syscall(write_it ? SYS_pwritev : SYS_preadv, fd, v, count, at, 0);
    else
        r = syscall(write_it ? SYS_pwritev2 : SYS_preadv2, fd, v, count, at, 0, (int)f->value);
    left = r;
    for (int i = 0; i < count && i < 4 && left > 0 && !write_it; i++) {
        long n = left < (long)v[i].iov_len ? left : (long)v[i].iov_len;
        show_bytes(v[i].iov_base, n);
        left -= n;
    }
    result(r);
}

static void step_seek(void)
{
    static const struct named whence[] = {NAMED(SEEK_SET), NAMED(SEEK_SET), NAMED(SEEK_CUR), NAMED(SEEK_END), NAMED(SEEK_DATA), NAMED(SEEK_HOLE), NAMED(77)};
    int fd = slot();
    int64_t at = rarely(4) ? -offset() : offset();
    const struct named *w = &PICK(whence);
    struct stat st;

    /* In the very last page that a file can have Linux (seen: 6.18) finds no data: where it ends is a negative number. */
    if ((w->value == SEEK_DATA || w->value == SEEK_HOLE) && !fstat(fd, &st) && st.st_size > INT64_MAX - (int64_t)PAGE)
        w = &whence[0];
    call("lseek(%d, %lld, %s)", fd, (long long)at, w->name);
    result(lseek(fd, at, (int)w->value));
}

static void step_size(void)
{
    static const struct named modes[] = {NAMED(0), NAMED(0), NAMED(FALLOC_FL_KEEP_SIZE), NAMED(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE),
                                         NAMED(FALLOC_FL_PUNCH_HOLE), NAMED(FALLOC_FL_ZERO_RANGE), NAMED(FALLOC_FL_COLLAPSE_RANGE),
                                         NAMED(FALLOC_FL_INSERT_RANGE), NAMED(FALLOC_FL_UNSHARE_RANGE), NAMED(0x100),
                                         NAMED(FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE), NAMED(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)};
    int fd = slot();
    int64_t at = offset(), n = rarely(12) ? PICK(odd_offsets) : (int64_t)PICK(lengths);
    const struct named *m = &PICK(modes);
    const char *name = PICK(names);
    struct rlimit limit = {0, RLIM_INFINITY};

    switch (pick(8)) {
    case 0:
    case 1:
        call("ftruncate(%d, %lld)", fd, (long long)at);
        result(ftruncate(fd, at));
        break;
    case 2:
        call("truncate(%s, %lld)", name, (long long)at);
        result(truncate(name, at));
        break;
    case 3:
        limit.rlim_cur = rarely(3) ? 9000 : RLIM_INFINITY;
        getrlimit(RLIMIT_FSIZE, &(struct rlimit){0});
        call("RLIMIT_FSIZE %lld", (long long)limit.rlim_cur);
        result(setrlimit(RLIMIT_FSIZE, &limit));
        break;
    default:
        /* Nothing that would take gigabytes. */
        if (at >= 0 && n > 1 << 20 && at + (uint64_t)n <= INT64_MAX && !(m->value & FALLOC_FL_PUNCH_HOLE))
            n = 4096;
        call("fallocate(%d, %s, %lld, %lld)", fd, m->name, (long long)at, (long long)n);
        result(syscall(SYS_fallocate, fd, (int)m->value, at, n));
    }
}

static void step_stat(void)
{
    struct stat st;
    int fd = slot(), n = -1;
    off_t size = -1;

    switch (pick(5)) {
    case 0:
        call("ioctl(%d, FIONREAD)", fd);
        if (ioctl(fd, FIONREAD, &n) == 0)
            n < 0 ? note(" negative") : note(" %d", n), result(0);
        else
            result(-1);
        break;
    case 1:
        call("ioctl(%d, FIOQSIZE)", fd);
        n = ioctl(fd, FIOQSIZE, &size);
        note(" %lld", (long long)size);
        result(n);
        break;
    default:
        call("fstat(%d)", fd);
        if (fstat(fd, &st) == 0) {
            note(" %o size %lld links %ld", st.st_mode, (long long)st.st_size, (long)st.st_nlink);
            if (S_ISREG(st.st_mode))
                note(" blocks %ld", (long)st.st_blocks);
            result(0);
        } else {
            result(-1);
        }
    }
}

static void step_flags(void)
{
    static const struct named status[] = {NAMED(0), NAMED(O_APPEND), NAMED(O_DIRECT), NAMED(O_NOATIME), NAMED(O_SYNC), NAMED(O_RDWR | O_CREAT)};
    static const struct named seals[] = {NAMED(F_SEAL_GROW), NAMED(F_SEAL_SHRINK), NAMED(F_SEAL_WRITE), NAMED(F_SEAL_FUTURE_WRITE), NAMED(F_SEAL_SEAL), NAMED(F_SEAL_EXEC), NAMED(0), NAMED(0x80)};
    static const unsigned sizes[] = {0, 1, 4096, 5000, 65536, 1 << 20, 1u << 31, ~0u};
    const struct named *f;
    int fd = slot();
    uint64_t hint = pick(8), got = 99;
    unsigned size;
    long r;

    switch (pick(10)) {
    case 0:
        call("fcntl(%d, F_GETFL)", fd);
        r = fcntl(fd, F_GETFL);
        if (r >= 0)
            note(" %lo", r);
        result(r);
        break;
    case 1:
    case 2:
        f = &PICK(status);
        call("fcntl(%d, F_SETFL, %s)", fd, f->name);
        result(fcntl(fd, F_SETFL, f->value | O_NONBLOCK));
        break;
    case 3:
        call("fcntl(%d, F_GET_SEALS)", fd);
        result(fcntl(fd, F_GET_SEALS));
        break;
    case 4:
        f = &PICK(seals);
        call("fcntl(%d, F_ADD_SEALS, %s)", fd, f->name);
        result(fcntl(fd, F_ADD_SEALS, f->value));
        break;
    case 5:
        size = PICK(sizes);
        call("fcntl(%d, F_SETPIPE_SZ, %u)", fd, size);
        result(fcntl(fd, F_SETPIPE_SZ, size));
        break;
    case 6:
        call("fcntl(%d, F_GETPIPE_SZ)", fd);
        result(fcntl(fd, F_GETPIPE_SZ));
        break;
    case 7:
        call("fcntl(%d, F_SET_RW_HINT, %d)", fd, (int)hint);
        result(fcntl(fd, F_SET_RW_HINT, &hint));
        break;
    case 8:
        call("fcntl(%d, F_GET_RW_HINT)", fd);
        r = fcntl(fd, F_GET_RW_HINT, &got);
        if (type_of(fd) == S_IFREG) /* others may be shared with the rest of the machine */
            note(" %d", (int)got);
        result(r);
        break;
    default:
        size = pick(4);
        call("fcntl(%d, %u)", fd, size == 0 ? 4242u : size + 1100);
        result(fcntl(fd, size == 0 ? 4242 : (int)size + 1100, 1));
    }
}

static void step_lock(void)
{
    static const short types[] = {F_RDLCK, F_WRLCK, F_UNLCK, 9};
    static const struct named commands[] = {NAMED(F_SETLK), NAMED(F_GETLK), NAMED(F_OFD_SETLK), NAMED(F_OFD_SETLK), NAMED(F_OFD_GETLK)};
    static const struct named operations[] = {NAMED(LOCK_SH), NAMED(LOCK_EX), NAMED(LOCK_UN), NAMED(0), NAMED(LOCK_SH | LOCK_EX), NAMED(LOCK_MAND)};
    struct flock l = {.l_type = rarely(20) ? types[3] : types[pick(3)], .l_whence = rarely(20) ? 5 : (short)pick(3)};
    int fd = slot();
    const struct named *c = &PICK(commands), *o = &PICK(operations);
    long r;

    if (type_of(fd) == S_IFCHR) /* devices are everybody's: others may lock them, too */
        fd = -1;
    /* Locks on sockets meet nobody, but for POSIX and OFD locks of one program, which the VM does not keep. */
    if (rarely(4) || type_of(fd) == S_IFSOCK) {
        call("flock(%d, %s)", fd, o->name);
        result(flock(fd, (int)o->value | LOCK_NB));
        return;
    }
    l.l_start = rarely(5) ? -(int64_t)pick(20) : rarely(20) ? PICK(odd_offsets) : (int64_t)pick(30);
    l.l_len = rarely(5) ? -(int64_t)pick(10) : rarely(20) ? PICK(odd_offsets) : (int64_t)pick(12);
    call("fcntl(%d, %s, {type %d whence %d start %lld length %lld})", fd, c->name, l.l_type, l.l_whence, (long long)l.l_start, (long long)l.l_len);
    r = fcntl(fd, (int)c->value, &l);
    if (r == 0 && (c->value == F_GETLK || c->value == F_OFD_GETLK))
        note(" %d %d %lld %lld %s", l.l_type, l.l_whence, (long long)l.l_start, (long long)l.l_len, l.l_pid == getpid() ? "own" : l.l_pid < 0 ? "-1" : l.l_pid ? "other" : "0");
    result(r);
}

/* Linux puts the file's own pages into a pipe, the VM copies: takes them out again before the file changes. */
static void drain(int in, int out)
{
    struct stat st, other;
    long n;

    if (type_of(in) != S_IFREG || type_of(out) != S_IFIFO || fstat(out, &st))
        return;
    for (unsigned i = 0; i < SLOTS; i++)
        if (fstat(slots[i], &other) == 0 && other.st_ino == st.st_ino && other.st_dev == st.st_dev)
            while ((n = read(slots[i], area, AREA)) > 0)
                note(" {%08x}", digest(area, (size_t)n));
}

static void step_move(void)
{
    static const struct named flags[] = {NAMED(0), NAMED(0), NAMED(SPLICE_F_MOVE), NAMED(SPLICE_F_MORE), NAMED(SPLICE_F_GIFT), NAMED(0x100)};
    int in = slot(), out = slot();
    size_t n = rarely(30) ? (size_t)1 << 31 : PICK(lengths);
    loff_t in_at = offset(), out_at = offset(), *in_p = rarely(2) ? &in_at : NULL, *out_p = rarely(2) ? &out_at : NULL;
    const struct named *f = &PICK(flags);
    struct iovec v[2];
    const char *name[2];
    struct stat st, to;
    long r;

    /* Devices never end, nor do files of terabytes, nor what is appended to itself. */
    if (n > 1 << 20 && (fstat(in, &st) || !S_ISREG(st.st_mode) || st.st_size > 1 << 20 || fstat(out, &to) || to.st_ino == st.st_ino))
        n = 5000;
    switch (pick(6)) {
    case 0:
        /* What is overwritten on its way is nobody's promise. */
        if (n > 1 && fstat(in, &st) == 0 && S_ISREG(st.st_mode) && fstat(out, &to) == 0 && to.st_ino == st.st_ino)
            n = 1;
        /* Nor is what changes before it leaves a socket. */
        if (n > 1 && type_of(out) == S_IFSOCK)
            out = -1;
        call("sendfile(%d, %d, %lld, %zu)", out, in, in_p ? (long long)in_at : -99ll, n);
        r = sendfile(out, in, in_p, n);
        break;
    case 1:
        call("copy_file_range(%d, %lld, %d, %lld, %zu)", in, in_p ? (long long)in_at : -99ll, out, out_p ? (long long)out_at : -99ll, n);
        r = copy_file_range(in, in_p, out, out_p, n, rarely(30));
        break;
    case 2:
        call("tee(%d, %d, %zu, %s)", in, out, n, f->name);
        r = tee(in, out, n, (unsigned)f->value | SPLICE_F_NONBLOCK);
        break;
    case 3:
        /* What is spliced out of memory must not change afterwards. */
        for (int i = 0; i < 2; i++) {
            v[i].iov_len = PICK(lengths);
            v[i].iov_base = buffer(v[i].iov_len, false, &name[i]);
            if ((fcntl(out, F_GETFL) & O_ACCMODE) != O_RDONLY && v[i].iov_base >= (void *)area && v[i].iov_base <= (void *)(area + AREA))
                v[i].iov_base = vmspliced + ((unsigned char *)v[i].iov_base - area);
        }
        call("vmsplice(%d, %s:%zu %s:%zu, %s)", out, name[0], v[0].iov_len, name[1], v[1].iov_len, f->name);
        r = vmsplice(out, v, 2, (unsigned)f->value | SPLICE_F_NONBLOCK);
        break;
    default:
        /* Into how many messages bytes of a pipe are put is a matter of the release. */
        if (type_of(out) == S_IFSOCK)
            out = -1;
        call("splice(%d, %lld, %d, %lld, %zu, %s)", in, in_p ? (long long)in_at : -99ll, out, out_p ? (long long)out_at : -99ll, n, f->name);
        r = splice(in, in_p, out, out_p, n, (unsigned)f->value | SPLICE_F_NONBLOCK);
    }
    int error = errno;
    if (r > 0)
        drain(in, out);
    note(" at %lld %lld", (long long)in_at, (long long)out_at);
    errno = error;
    result(r);
}

static void map_file(unsigned i)
{
    static const struct named protections[] = {NAMED(PROT_READ), NAMED(PROT_READ | PROT_WRITE), NAMED(PROT_READ | PROT_WRITE), NAMED(PROT_WRITE), NAMED(PROT_NONE), NAMED(PROT_READ | PROT_EXEC)};
    static const struct named flags[] = {NAMED(MAP_SHARED), NAMED(MAP_SHARED), NAMED(MAP_PRIVATE), NAMED(MAP_SHARED_VALIDATE), NAMED(0), NAMED(MAP_SHARED | MAP_POPULATE)};
    const struct named *p = &PICK(protections), *f = &PICK(flags);
    int fd = slot();
    size_t n = rarely(20) ? 0 : PAGE * (1 + pick(6));
    int64_t at = rarely(12) ? offset() : (int64_t)(PAGE * pick(4));

    call("map %u: mmap(%zu, %s, %s, %d, %lld)", i, n, p->name, f->name, fd, (long long)at);
    void *m = mmap(NULL, n, (int)p->value, (int)f->value, fd, at);
    if (result(m == MAP_FAILED ? -1 : 0) == 0) {
        if (maps[i].at)
            munmap(maps[i].at, maps[i].length);
        maps[i].at = m;
        maps[i].length = n;
        maps[i].shared = f->value & MAP_SHARED;
    }
}

static void step_map(void)
{
    static const struct named protections[] = {NAMED(PROT_READ), NAMED(PROT_READ | PROT_WRITE), NAMED(PROT_NONE), NAMED(PROT_READ | PROT_EXEC)};
    static const struct named advices[] = {NAMED(MADV_DONTNEED), NAMED(MADV_WILLNEED), NAMED(MADV_REMOVE), NAMED(MADV_NORMAL), NAMED(MADV_POPULATE_READ), NAMED(MADV_POPULATE_WRITE), NAMED(MADV_FREE)};
    static const struct named sync[] = {NAMED(MS_SYNC), NAMED(MS_ASYNC), NAMED(MS_SYNC | MS_INVALIDATE), NAMED(0), NAMED(MS_SYNC | MS_ASYNC)};
    unsigned i = pick(MAPS), kind = pick(12), at;
    const struct named *v;
    unsigned char byte = (unsigned char)pick(256);
    int signo, code;

    if (!maps[i].at || kind < 3) {
        map_file(i);
        return;
    }
    at = pick((unsigned)maps[i].length);
    switch (kind) {
    case 3:
        call("munmap(%u)", i);
        result(munmap(maps[i].at, maps[i].length));
        maps[i].at = NULL;
        break;
    case 4:
        v = &PICK(sync);
        call("msync(%u, %s)", i, v->name);
        result(msync(maps[i].at, maps[i].length, (int)v->value));
        break;
    case 5:
        v = &PICK(protections);
        call("mprotect(%u, %s)", i, v->name);
        result(mprotect(maps[i].at, maps[i].length, (int)v->value));
        break;
    case 6:
        v = &PICK(advices);
        if (!maps[i].shared && v->value == MADV_REMOVE) /* whether /dev/zero counts as a file is not told */
            v = &advices[0];
        call("madvise(%u, %s)", i, v->name);
        result(madvise(maps[i].at, maps[i].length, (int)v->value));
        break;
    default:
        call("%s %u[%u]", kind < 10 ? "store" : "load", i, at);
        if (touch(maps[i].at + at, kind < 10, &byte, &signo, &code))
            result(byte);
        else
            note(" signal %d code %d", signo, code), result(0);
    }
}

static void step_sync(void)
{
    int fd = slot();
    int64_t at = offset(), n = rarely(8) ? PICK(odd_offsets) : (int64_t)PICK(lengths);
    unsigned kind = pick(8);

    switch (kind) {
    case 0:
        call("fsync(%d)", fd);
        result(fsync(fd));
        break;
    case 1:
        call("fdatasync(%d)", fd);
        result(fdatasync(fd));
        break;
    case 2:
        kind = pick(10);
        call("sync_file_range(%d, %lld, %lld, %u)", fd, (long long)at, (long long)n, kind);
        result(syscall(SYS_sync_file_range, fd, at, n, kind));
        break;
    case 3:
        call("syncfs(%d)", fd);
        result(syncfs(fd));
        break;
    case 4:
        call("readahead(%d, %lld, %lld)", fd, (long long)at, (long long)n);
        result(syscall(SYS_readahead, fd, at, n));
        break;
    default:
        kind = pick(7);
        call("fadvise(%d, %lld, %lld, %u)", fd, (long long)at, (long long)n, kind);
        result(syscall(SYS_fadvise64, fd, at, n, kind));
    }
}

static void step(void)
{
    unsigned kind = pick(100);

    if (kind < 11)
        step_open();
    else if (kind < 16)
        step_make();
    else if (kind < 20)
        step_descriptor();
    else if (kind < 28)
        step_single(false);
    else if (kind < 40)
        step_single(true);
    else if (kind < 44)
        step_vector(false);
    else if (kind < 49)
        step_vector(true);
    else if (kind < 55)
        step_seek();
    else if (kind < 62)
        step_size();
    else if (kind < 66)
        step_stat();
    else if (kind < 71)
        step_flags();
    else if (kind < 77)
        step_lock();
    else if (kind < 85)
        step_move();
    else if (kind < 97)
        step_map();
    else
        step_sync();
}

static void begin(void)
{
    area = mmap(NULL, AREA + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    constant = mmap(NULL, AREA, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    vmspliced = mmap(NULL, AREA + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(area + AREA, PAGE, PROT_NONE);
    mprotect(vmspliced + AREA, PAGE, PROT_NONE);
    for (size_t i = 0; i < AREA; i++)
        vmspliced[i] = (unsigned char)(i * 11 + (i >> 9) + 3);
    for (unsigned i = 0; i < MAPS; i++)
        maps[i].at = NULL;
    mkfifo("fifo", 0644);
    for (unsigned i = 0; i < 3; i++)
        slots[i] = open(names[i], O_CREAT | O_RDWR, 0644);
}

static void end(void)
{
    for (unsigned i = 0; i < MAPS; i++)
        if (maps[i].at)
            munmap(maps[i].at, maps[i].length);
    for (unsigned i = 0; i < 3; i++) {
        struct stat st;
        int fd = open(names[i], O_RDONLY);
        if (fd < 0 || fstat(fd, &st))
            continue;
        long n = pread(fd, area, AREA, 0);
        note("%s: size %lld {%08x}\n", names[i], (long long)st.st_size, n > 0 ? digest(area, (size_t)n) : 0);
        close(fd);
    }
    munmap(area, AREA + PAGE);
    munmap(constant, AREA);
    munmap(vmspliced, AREA + PAGE);
}

const struct family family_data = {.name = "data", .begin = begin, .step = step, .end = end};
