/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_UNIX addresses and connections: what bind(2) and connect(2) refuse, lengths that getsockname(2) tells, rights on
 * the path, backlogs, accept(2) out of descriptors, the socket file's own attributes.
 */
#include "sock.h"
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PATH_AT offsetof(struct sockaddr_un, sun_path)

static int bind_bytes(int fd, const char *bytes, size_t n)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    memcpy(a.sun_path, bytes, n);
    return bind(fd, (void *)&a, (socklen_t)(PATH_AT + n));
}

static int connect_bytes(int fd, const char *bytes, size_t n)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    memcpy(a.sun_path, bytes, n);
    return connect(fd, (void *)&a, (socklen_t)(PATH_AT + n));
}

#define BIND(fd, text)    bind_bytes(fd, text, sizeof(text) - 1)
#define CONNECT(fd, text) connect_bytes(fd, text, sizeof(text) - 1)

/* A name as it is told, with room for n bytes; NULs as '0', what was not touched as '.'. */
static void show_name(const char *what, int fd, int peer, socklen_t n)
{
    struct {
        struct sockaddr_un a;
        char after[8];
    } m;
    socklen_t given = n;
    memset(&m, '.', sizeof m);
    int r = peer ? getpeername(fd, (void *)&m, &n) : getsockname(fd, (void *)&m, &n);
    printf("%s, room for %u: %s length %u ", what, given, r ? strerrorname_np(errno) : "ok", n);
    for (socklen_t i = 2; i < given && i < n; i++)
        putchar(m.a.sun_path[i - 2] ? m.a.sun_path[i - 2] : '0');
    printf(" family %s, beyond %.1s\n", given >= 2 ? m.a.sun_family == AF_UNIX ? "unix" : "other" : "-", m.after);
}

static int stream(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
}

static void lengths(void)
{
    char longest[108];
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = stream();
    memset(longest, 'p', sizeof longest);
    SHOW(bind_bytes(fd, longest, 108));
    show_name("108 bytes of path", fd, 0, sizeof a + 4);
    show_name("108 bytes of path", fd, 0, sizeof a);
    SHOW(bind_bytes(stream(), longest, 108));
    SHOW(bind_bytes(stream(), longest, 107));
    SHOW(connect_bytes(stream(), longest, 108));
    memcpy(a.sun_path, longest, 107);
    a.sun_path[107] = 0;
    SHOW(unlink(a.sun_path));
    fd = stream();
    SHOW(bind(fd, (void *)&a, sizeof a + 1));
    SHOW(bind(fd, (void *)&a, 0));
    SHOW(bind(fd, (void *)&a, 1));
    SHOW(bind(fd, (void *)&a, (socklen_t)-1));
    SHOW(connect(fd, (void *)&a, 0));
    SHOW(connect(fd, (void *)&a, 1));
    SHOW(connect(fd, (void *)&a, 2));
    SHOW(connect(fd, (void *)&a, 129));
    SHOW(connect(fd, BAD, 4));

    fd = stream();
    SHOW(BIND(fd, "short\0and what follows"));
    show_name("cut at the NUL", fd, 0, 40);
    show_name("cut at the NUL", fd, 0, 5);
    show_name("cut at the NUL", fd, 0, 2);
    show_name("cut at the NUL", fd, 0, 0);
    SHOW(access("short", F_OK));
    unlink("short");
    fd = stream();
    SHOW(BIND(fd, "\0a\0b\0"));
    show_name("abstract", fd, 0, 40);
    show_name("abstract", fd, 0, 5);
    SHOW(CONNECT(stream(), "\0a\0b"));
    SHOW(CONNECT(stream(), "\0a\0b\0\0"));
    SHOW(CONNECT(stream(), "\0a\0b\0"));
    listen(fd, 1);
    int c = stream();
    SHOW(CONNECT(c, "\0a\0b\0"));
    show_name("peer", c, 1, 40);
    show_name("unnamed", c, 0, 40);
    int s = accept(fd, NULL, NULL);
    show_name("unnamed peer", s, 1, 40);
    show_name("accepted", s, 0, 40);
    SHOW(BIND(c, "\0late"));
    show_name("peer named later", s, 1, 40);
    SHOW(BIND(s, "\0other"));
    fd = stream();
    SHOW(BIND(fd, "\0"));
    show_name("one NUL", fd, 0, 40);
    SHOW(BIND(stream(), "\0"));
    SHOW(BIND(stream(), "\0\0"));
    SHOW(BIND(socket(AF_UNIX, SOCK_DGRAM, 0), "\0"));
    SHOW(BIND(socket(AF_UNIX, SOCK_SEQPACKET, 0), "\0"));
    SHOW(CONNECT(socket(AF_UNIX, SOCK_DGRAM, 0), "\0a\0b\0"));
    fd = stream();
    a.sun_family = AF_UNIX;
    SHOW(bind(fd, (void *)&a, 2));
    SHOW(bind(fd, (void *)&a, 2));
    SHOW(BIND(fd, "\0named"));
    SHOW(BIND(fd, "named"));
    SHOW(access("named", F_OK));
    struct sockaddr_un b;
    socklen_t n = sizeof b;
    getsockname(fd, (void *)&b, &n);
    int digits = 0;
    for (socklen_t i = 1; i < n - 2; i++)
        digits += strchr("0123456789abcdef", b.sun_path[i]) != NULL;
    printf("chosen by the kernel: length %u, %d hexadecimal digits\n", n, digits);
    a.sun_family = AF_UNSPEC;
    SHOW(bind(fd, (void *)&a, 10));
    SHOW(connect(fd, (void *)&a, 10));
    SHOW(connect(fd, (void *)&a, 2));
}

static void paths(void)
{
    struct stat st;
    int fd = stream(), d = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), c;
    umask(027);
    SHOW(mkdir("dir", 0700));
    SHOW(BIND(fd, "dir"));
    SHOW(BIND(fd, "dir/"));
    SHOW(BIND(fd, "dir/x/"));
    SHOW(BIND(fd, "nodir/x"));
    close(open("file", O_CREAT | O_RDWR, 0600));
    SHOW(BIND(fd, "file/x"));
    SHOW(BIND(fd, "file"));
    SHOW(symlink("nowhere", "dangling"));
    SHOW(BIND(fd, "dangling"));
    SHOW(CONNECT(fd, "dangling"));
    SHOW(BIND(fd, "dir/s"));
    SHOW(stat("dir/s", &st));
    printf("mode %o size %ld links %ld\n", st.st_mode, (long)st.st_size, (long)st.st_nlink);
    SHOW(fchmod(fd, 0700));
    SHOW(stat("dir/s", &st));
    printf("mode %o\n", st.st_mode);
    SHOW(open("dir/s", O_RDWR));
    SHOW((c = open("dir/s", O_PATH)) >= 0);
    SHOW(listen(fd, 5));
    SHOW(symlink("dir/s", "link"));
    SHOW(CONNECT(c, "dir/s"));
    c = stream();
    SHOW(CONNECT(c, "link"));
    show_name("peer", c, 1, 60);
    SHOW(CONNECT(stream(), "dir/s/"));
    SHOW(CONNECT(stream(), "file"));
    SHOW(CONNECT(stream(), "dir"));
    SHOW(CONNECT(d, "dir/s"));
    SHOW(CONNECT(socket(AF_UNIX, SOCK_SEQPACKET, 0), "dir/s"));
    SHOW(link("dir/s", "hard"));
    SHOW(CONNECT(stream(), "hard"));
    SHOW(rename("dir/s", "moved"));
    SHOW(CONNECT(stream(), "moved"));
    SHOW(CONNECT(stream(), "dir/s"));
    SHOW(unlink("moved"));
    SHOW(CONNECT(stream(), "hard"));
    show_name("after the move", fd, 0, 60);
    close(fd);
    SHOW(CONNECT(stream(), "hard"));
    SHOW(BIND(stream(), "hard"));
    SHOW(mknod("node", S_IFSOCK | 0777, 0));
    SHOW(CONNECT(stream(), "node"));
    SHOW(BIND(stream(), "node"));
    SHOW(mkdir("ro", 0700));
    if (!mount("none", "ro", "tmpfs", 0, NULL)) {
        mount("none", "ro", NULL, MS_REMOUNT | MS_RDONLY, NULL);
        SHOW(BIND(stream(), "ro/s"));
        umount("ro");
    }
    umask(022);
}

/* What a process of another user may do; in the VM a thread's own ids stand for it. */
static void *as_another(void *arg)
{
    int s;
    syscall(SYS_setresgid, 1000, 1000, 1000);
    syscall(SYS_setresuid, 1000, 1000, 1000);
    SHOW(CONNECT(stream(), "guarded"));
    SHOW(CONNECT(stream(), "private/open"));
    SHOW(CONNECT(stream(), "writable"));
    SHOW(CONNECT(socket(AF_UNIX, SOCK_DGRAM, 0), "guarded"));
    SHOW(BIND(stream(), "private/mine"));
    SHOW(BIND(stream(), "closed/mine"));
    SHOW(BIND(s = stream(), "public/mine"));
    struct stat st;
    SHOW(stat("public/mine", &st));
    printf("owner %u group %u mode %o\n", st.st_uid, st.st_gid, st.st_mode);
    SHOW(CONNECT(stream(), "\0for all"));
    return NULL;
}

static void rights(void)
{
    pthread_t t;
    int g = stream(), o = stream(), w = stream(), a = stream();
    SHOW(chmod(".", 0755));
    mkdir("private", 0700), mkdir("closed", 0755), mkdir("public", 0777);
    chmod("public", 0777);
    BIND(g, "guarded"), BIND(o, "private/open"), BIND(w, "writable"), BIND(a, "\0for all");
    chmod("guarded", 0755), chmod("private/open", 0777), chmod("writable", 0222);
    listen(g, 5), listen(o, 5), listen(w, 5), listen(a, 5);
    pthread_create(&t, NULL, as_another, NULL);
    pthread_join(t, NULL);
    SHOW(CONNECT(stream(), "guarded"));
    SHOW(CONNECT(stream(), "private/open"));
}

static void *connect_later(void *arg)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return (void *)(long)(CONNECT(fd, "\0queue") ? errno : 0);
}

static void *accept_later(void *arg)
{
    sleep_ms(30);
    return (void *)(long)accept((int)(long)arg, NULL, NULL);
}

static int fill(const char *name, size_t n, int max)
{
    int i = 0;
    while (i < max && !connect_bytes(stream(), name, n))
        i++;
    return i;
}

static void backlogs(void)
{
    pthread_t t;
    void *result;
    int l = stream(), c;
    SHOW(listen(l, 5));
    BIND(l, "\0queue");
    SHOW(listen(l, 0));
    SHOW(fill("\0queue", 6, 10));
    SHOW(listen(l, 2));
    SHOW(fill("\0queue", 6, 10));
    SHOW(listen(l, 0));
    SHOW(fill("\0queue", 6, 10));
    SHOW(events(l));
    for (int i = 0; i < 3; i++)
        SHOW(accept(l, NULL, NULL) >= 0);
    SHOW(accept(l, NULL, NULL));
    SHOW(listen(l, -1));
    SHOW(fill("\0queue", 6, 40));
    while (accept(l, NULL, NULL) >= 0)
        ;
    SHOW(listen(l, 0));
    SHOW(fill("\0queue", 6, 10));
    c = socket(AF_UNIX, SOCK_STREAM, 0);
    set_timeout(c, SO_SNDTIMEO, 20);
    SHOW(CONNECT(c, "\0queue"));
    pthread_create(&t, NULL, connect_later, NULL);
    sleep_ms(20);
    SHOW(accept(l, NULL, NULL) >= 0);
    pthread_join(t, &result);
    SHOW((long)result);
    pthread_create(&t, NULL, connect_later, NULL);
    sleep_ms(20);
    close(l);
    pthread_join(t, &result);
    SHOW((long)result == ECONNREFUSED);
    l = stream();
    BIND(l, "\0queue");
    SHOW(listen(l, 1));
    SHOW(shutdown(l, SHUT_RD));
    SHOW(CONNECT(stream(), "\0queue"));
    SHOW(events(l));
    SHOW(get_int(l, SOL_SOCKET, SO_ACCEPTCONN));
    SHOW(accept(l, NULL, NULL));
    SHOW(listen(l, 1));
    SHOW(CONNECT(stream(), "\0queue"));
    close(l);

    l = socket(AF_UNIX, SOCK_STREAM, 0);
    BIND(l, "\0again");
    listen(l, 5);
    set_timeout(l, SO_RCVTIMEO, 20);
    SHOW(accept(l, NULL, NULL));
    set_timeout(l, SO_RCVTIMEO, 0);
    pthread_create(&t, NULL, accept_later, (void *)(long)l);
    c = stream();
    SHOW(CONNECT(c, "\0again"));
    pthread_join(t, &result);
    SHOW((long)result >= 0);
    SHOW(CONNECT(c, "\0again"));
    SHOW(CONNECT(l, "\0again"));
    SHOW(CONNECT(stream(), "\0again"));
    /* Nothing is accepted without a descriptor for it, nor lost. */
    struct rlimit old, tight;
    getrlimit(RLIMIT_NOFILE, &old);
    int next = dup(0);
    close(next);
    tight = (struct rlimit){(rlim_t)next, old.rlim_max};
    setrlimit(RLIMIT_NOFILE, &tight);
    SHOW(accept(l, NULL, NULL));
    SHOW(events(l));
    setrlimit(RLIMIT_NOFILE, &old);
    SHOW(accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) == next);
    SHOW(fcntl(next, F_GETFL));
    SHOW(fcntl(next, F_GETFD));
    SHOW(accept4(l, NULL, NULL, 0x10));
    SHOW(accept4(next, NULL, NULL, 0));
    SHOW(accept4(0, NULL, NULL, 0));
    SHOW(accept4(socket(AF_UNIX, SOCK_DGRAM, 0), NULL, NULL, 0));
    SHOW(listen(next, 1));
    SHOW(listen(socket(AF_UNIX, SOCK_DGRAM, 0), 1));
    /* An address that cannot be told loses the connection. */
    socklen_t n = (socklen_t)-1;
    struct sockaddr_un a;
    SHOW(CONNECT(c = stream(), "\0again"));
    SHOW(accept(l, (void *)&a, &n));
    SHOW(events(c));
    SHOW(CONNECT(c = stream(), "\0again"));
    n = sizeof a;
    SHOW(accept(l, BAD, &n));
    SHOW(read(c, &a, 1));
}

static void datagram_peers(void)
{
    int a = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), b = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    int c = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    struct sockaddr_un nobody = {.sun_family = AF_UNSPEC};
    char m[8];
    BIND(a, "\0a"), BIND(b, "\0b"), BIND(c, "\0c");
    SHOW(send(a, "x", 1, 0));
    SHOW(connect(a, (void *)&nobody, 2));
    SHOW(CONNECT(a, "\0b"));
    SHOW(CONNECT(c, "\0b"));
    SHOW(write(c, "from c", 6));
    show_name("peer", a, 1, 40);
    SHOW(CONNECT(b, "\0a"));
    SHOW(read(b, m, 8)); /* what came before connect(2) is still there */
    SHOW(write(c, "more", 4));
    SHOW(CONNECT(stream(), "\0b"));
    SHOW(write(a, "one", 3));
    SHOW(CONNECT(b, "\0c"));
    SHOW(so_error(a));
    SHOW(write(a, "two", 3));
    SHOW(read(b, m, 8));
    SHOW(connect(b, (void *)&nobody, 1));
    SHOW(connect(b, (void *)&nobody, 2));
    SHOW(getpeername(b, (void *)&nobody, &(socklen_t){sizeof nobody}));
    SHOW(CONNECT(a, "\0a"));
    SHOW(write(a, "self", 4));
    SHOW(read(a, m, 8));
    SHOW(CONNECT(a, "\0gone"));
    show_name("peer kept", a, 1, 40);
    close(b);
    SHOW(write(c, "x", 1));
    SHOW(write(c, "x", 1));
    SHOW(getpeername(c, (void *)&nobody, &(socklen_t){sizeof nobody}));
}

static void descriptor(void)
{
    struct stat st, other;
    int s[2], v;
    char b[4];
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    SHOW(fstat(s[0], &st));
    printf("mode %o size %ld links %ld blocks %ld unit %ld\n", st.st_mode, (long)st.st_size, (long)st.st_nlink,
           (long)st.st_blocks, (long)st.st_blksize);
    fstat(s[1], &other);
    SHOW(st.st_dev == other.st_dev && st.st_ino != other.st_ino);
    SHOW(fchmod(s[0], 0600));
    SHOW(fstat(s[0], &st));
    printf("mode %o\n", st.st_mode & 07777);
    SHOW(fchown(s[0], 1, 2));
    SHOW(fstat(s[0], &st));
    printf("owner %u %u\n", st.st_uid, st.st_gid);
    SHOW(lseek(s[0], 0, SEEK_CUR));
    SHOW(pread(s[0], b, 4, 0));
    SHOW(pwrite(s[0], b, 4, 0));
    SHOW(ftruncate(s[0], 0));
    SHOW(fallocate(s[0], 0, 0, 1));
    SHOW(fsync(s[0]));
    SHOW(posix_fadvise(s[0], 0, 0, 0));
    SHOW(mmap(NULL, 4096, PROT_READ, MAP_SHARED, s[0], 0) == MAP_FAILED ? -errno : 0);
    SHOW(fcntl(s[0], F_GETFL));
    SHOW(fcntl(s[0], F_SETFL, O_NONBLOCK | O_APPEND | O_ASYNC));
    SHOW(fcntl(s[0], F_GETFL));
    SHOW(fcntl(s[0], F_SETFL, O_DIRECT));
    SHOW(fcntl(s[0], F_GETPIPE_SZ));
    SHOW(fcntl(s[0], F_SETLK, &(struct flock){.l_type = F_WRLCK}));
    SHOW(fcntl(s[0], F_SETLEASE, F_RDLCK));
    SHOW(fcntl(s[0], F_GET_SEALS));
    SHOW(ioctl(s[0], FIONBIO, &(int){0}));
    SHOW(ioctl(s[0], FIOASYNC, &(int){0}));
    SHOW(fcntl(s[0], F_GETFL));
    SHOW(ioctl(s[0], TIOCOUTQ, &v));
    SHOW(v);
    SHOW(ioctl(s[0], 0x89A0 + 0x40, &v)); /* SIOCUNIXFILE */
    SHOW(ioctl(s[0], 0x12345, &v));
    SHOW(isatty(s[0]));
    char proc[40], target[64];
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", s[0]);
    ssize_t n = readlink(proc, target, sizeof target - 1);
    target[n > 0 ? n : 0] = 0;
    printf("%.8s\n", target);
    SHOW(open(proc, O_RDWR));
    SHOW((long)socketpair(AF_UNIX, SOCK_RDM, 0, s));
    SHOW((long)socketpair(AF_UNIX, SOCK_STREAM | 0x10, 0, s));
    SHOW((long)socketpair(AF_UNIX, SOCK_STREAM, 2, s));
    SHOW((long)socketpair(AF_UNIX, SOCK_STREAM, PF_UNIX, s));
    SHOW(get_int(s[0], SOL_SOCKET, SO_PROTOCOL));
    SHOW((long)socketpair(AF_UNIX, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, s));
    SHOW(get_int(s[0], SOL_SOCKET, SO_TYPE));
    SHOW(fcntl(s[1], F_GETFD));
    SHOW(fcntl(s[1], F_GETFL));
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGIO, SIG_IGN);
    lengths();
    paths();
    rights();
    backlogs();
    datagram_peers();
    descriptor();
    return 0;
}
