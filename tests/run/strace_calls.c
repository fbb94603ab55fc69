/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls whose trace must read the same under strace on Linux and under `aril run --strace`: see strace.sh. */
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void handler(int signo)
{
}

static void files(void)
{
    char bytes[300];
    struct stat st;
    struct statx sx;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};
    struct iovec out[2] = {{"ab", 2}, {"cde", 3}}, in[2] = {{bytes, 3}, {bytes + 10, 3}};
    memset(bytes, 'a', sizeof(bytes));
    memcpy(bytes, "\1\"\\\310\n\0007", 7);
    int null = open("/dev/null", O_WRONLY | O_APPEND | O_CLOEXEC);
    write(null, bytes, 5);
    write(null, bytes, 40);
    write(null, bytes, 0);
    write(null, (void *)16, 5);
    stat("/dev/null", &st);
    int fd = open("/tmp/aril-strace-test", O_RDWR | O_CREAT | O_TRUNC, 0644);
    write(fd, "abc", 3);
    fstat(fd, &st);
    stat("/no/such/file", &st);
    stat((char *)16, &st);
    lseek(fd, 0, SEEK_SET);
    read(fd, bytes, 10);
    pread(fd, bytes, 1, 1);
    read(99, bytes, 1);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_GETFD);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    fcntl(fd, F_DUPFD_CLOEXEC, 10);
    fcntl(fd, F_SETLK, &lock);
    fcntl(fd, F_GETLK, &lock);
    writev(fd, out, 2);
    lseek(fd, 0, SEEK_SET);
    readv(fd, in, 2);
    ftruncate(fd, 5);
    fallocate(fd, 0, 0, 100);
    void *p = mmap(NULL, 4096, PROT_NONE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    mprotect(p, 4096, PROT_READ | PROT_WRITE);
    madvise(p, 4096, MADV_DONTNEED);
    munmap(p, 4096);
    mmap(NULL, 0, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    statx(AT_FDCWD, "/no/such/file", AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &sx);
    chdir("/");
    mkdir("/tmp/aril-strace-dir", 0755);
    rmdir("/tmp/aril-strace-dir");
    rename("/tmp/aril-strace-x", "/tmp/aril-strace-y");
    access("/tmp", R_OK | W_OK);
    access("/tmp", F_OK);
    umask(022);
    chmod("/tmp/aril-strace-test", 0600);
    symlink("a", "/tmp/aril-strace-test");
    unlink("/tmp/aril-strace-test");
    unlink("/tmp/aril-strace-test");
}

static void signals(void)
{
    struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART};
    struct timespec soon = {0, 1000};
    sigset_t set;
    stack_t stack = {.ss_sp = &sa, .ss_size = 100};
    sigaddset(&sa.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &sa, NULL);
    sigaction(SIGUSR1, NULL, &sa);
    sa.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigfillset(&sa.sa_mask);
    sigaction(SIGRTMIN + 3, &sa, &sa);
    sigaction(SIGKILL, &sa, NULL);
    signal(SIGPIPE, SIG_IGN);
    raise(SIGUSR1);
    kill(getpid(), SIGUSR1);
    sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 5});
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGRTMIN + 1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGINT);
    sigpending(&set);
    sigtimedwait(&set, NULL, &soon);
    sigtimedwait(&set, NULL, &soon);
    sigaltstack(&stack, NULL);
    sigaltstack(NULL, &stack);
    alarm(0);
}

static void times(void)
{
    struct itimerval it = {{0, 0}, {0, 0}};
    struct itimerspec is = {{0, 0}, {0, 0}};
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    struct timespec ts = {0, 1000};
    int id;
    setitimer(ITIMER_REAL, &it, &it);
    getitimer(ITIMER_VIRTUAL, &it);
    syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id);
    syscall(SYS_timer_settime, id, TIMER_ABSTIME, &is, &is);
    syscall(SYS_timer_gettime, id, &is);
    syscall(SYS_timer_getoverrun, id);
    syscall(SYS_timer_delete, id);
    clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &ts);
    clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL);
    close(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
}

static void process(void)
{
    char name[16];
    struct rlimit limit;
    int status, word = 1;
    prctl(PR_SET_NAME, "foo bar");
    prctl(PR_GET_NAME, name);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_CAPBSET_READ, 3);
    prctl(PR_GET_DUMPABLE);
    prctl(1234, 1, 2, 3, 4);
    getrlimit(RLIMIT_STACK, &limit);
    limit.rlim_cur = limit.rlim_max = 0;
    setrlimit(RLIMIT_CORE, &limit);
    waitpid(-1, &status, WNOHANG);
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 2, NULL);
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 0x7fffffff);
    syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 5, &word, 3);
    getuid();
    syscall(400, 1, 2, 3, 0, 0, 0);
}

static void channels(void)
{
    char bytes[100];
    int pair[2], ends[2];
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(1), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/tmp/no-such-socket"};
    struct iovec v = {"m", 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    struct epoll_event event = {EPOLLIN | EPOLLET, {.u64 = 7}};
    struct timeval tv = {0, 0};
    struct pollfd p;
    fd_set set;
    int one = 1;
    socklen_t length = sizeof(in);
    pipe2(ends, O_CLOEXEC | O_NONBLOCK);
    read(ends[0], bytes, 10);
    p = (struct pollfd){ends[1], POLLIN | POLLOUT, 0};
    poll(&p, 1, 0);
    p.fd = ends[0];
    poll(&p, 1, 0);
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    select(ends[0] + 1, &set, NULL, NULL, &tv);
    close(ends[0]);
    write(ends[1], "x", 1);
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    connect(s, (void *)&in, sizeof(in));
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    bind(s, (void *)&in, sizeof(in));
    getsockname(s, (void *)&in, &length);
    int u = socket(AF_UNIX, SOCK_DGRAM, 0);
    connect(u, (void *)&un, sizeof(un));
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    sendmsg(pair[0], &m, 0);
    v.iov_base = bytes;
    v.iov_len = 20;
    recvmsg(pair[1], &m, MSG_DONTWAIT);
    recvfrom(pair[1], bytes, 10, MSG_DONTWAIT, NULL, NULL);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(epoll, EPOLL_CTL_ADD, pair[1], &event);
    epoll_wait(epoll, &event, 1, 0);
    send(pair[0], "z", 1, MSG_NOSIGNAL);
    epoll_wait(epoll, &event, 1, 0);
    epoll_ctl(epoll, EPOLL_CTL_DEL, pair[1], NULL);
    shutdown(pair[0], SHUT_WR);
}

int main(void)
{
    syscall(SYS_close_range, 3, ~0u, 0); /* whatever was inherited */
    getppid(); /* the comparison begins here */
    files();
    signals();
    times();
    process();
    channels();
    *(volatile int *)0 = 1;
}
