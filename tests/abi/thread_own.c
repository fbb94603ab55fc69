/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads with descriptors, working directory, root and umask of their own: clone without CLONE_FILES or CLONE_FS, unshare(2). */
#include "abi.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define THREAD (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

static char stack[65536] __attribute__((aligned(64)));
static volatile uint32_t child_tid;
static int parent, saved_fd;

/* Where a link of /proc leads, "-" if it is not there. */
static const char *link_of(int tid, const char *what)
{
    static char target[512];
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/task/%d/%s", tid, what);
    ssize_t n = readlink(path, target, sizeof(target) - 1);
    target[n > 0 ? n : 0] = 0;
    return n > 0 ? target : "-";
}

static int count_fds(int tid)
{
    char path[64];
    int n = 0;
    snprintf(path, sizeof(path), "/proc/self/task/%d/fd", tid);
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

static int in_place(const char *dir)
{
    char cwd[256];
    return getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, dir);
}

static int alters(void *arg)
{
    char name[16];
    (void)arg;
    snprintf(name, sizeof(name), "fd/%d", saved_fd);
    printf("child: directory %d umask %o descriptor %s\n", in_place("/tmp"), umask(077), strcmp(link_of(gettid(), name), "-") ? "open" : "closed");
    SHOW(chdir("/"));
    SHOW(close(saved_fd));
    int fd = open("/dev/null", O_RDONLY);
    printf("same number again: %d\n", fd == saved_fd);
    printf("child's cwd: %s, parent's: %s\n", link_of(gettid(), "cwd"), link_of(parent, "cwd"));
    printf("child's descriptor: %s", link_of(gettid(), name));
    printf(", parent's: %s\n", link_of(parent, name));
    printf("self is the process: %d, thread-self the thread: %d\n", !strcmp(link_of(parent, "cwd"), "/tmp"),
           access("/proc/thread-self/cwd/proc", F_OK) == 0);
    SHOW(fcntl(fd, F_SETFD, FD_CLOEXEC));
    syscall(SYS_exit, 0);
    return 0;
}

static void run(const char *what, int flags, int (*fn)(void *))
{
    printf("-- %s\n", what);
    fflush(stdout);
    chdir("/tmp");
    umask(022);
    child_tid = 1;
    saved_fd = open("/dev/zero", O_RDWR);
    int before = count_fds(parent);
    int tid = clone(fn, stack + sizeof(stack), THREAD | CLONE_CHILD_CLEARTID | flags, NULL, NULL, NULL, &child_tid);
    if (tid < 0)
        printf("clone: %s\n", strerrorname_np(errno));
    for (uint32_t v; tid > 0 && (v = child_tid);)
        syscall(SYS_futex, &child_tid, FUTEX_WAIT, v, NULL, NULL, 0);
    char task[64];
    snprintf(task, sizeof(task), "/proc/self/task/%d", tid);
    while (access(task, F_OK) == 0)
        sleep_ms(1); /* gone for good: the next unshare() looks */
    printf("parent: directory %s umask %o cloexec %d descriptors %+d\n", link_of(parent, "cwd"), umask(022), fcntl(saved_fd, F_GETFD),
           count_fds(parent) - before);
    close(saved_fd);
}

/* ------------------------------------------------------------ unshare in threads that run side by side */

static pthread_barrier_t barrier;
static int pipe_fds[2];

static void meet(void)
{
    pthread_barrier_wait(&barrier);
}

static void *unshares(void *arg)
{
    (void)arg;
    SHOW(unshare(CLONE_FILES | CLONE_FS));
    SHOW(unshare(CLONE_FILES | CLONE_FS | CLONE_SYSVSEM)); /* has its own already */
    meet();
    meet(); /* the main thread closed both ends of its pipe and went to / */
    printf("thread: still in /tmp %d\n", in_place("/tmp"));
    SHOW(write(pipe_fds[1], "x", 1));
    char c;
    SHOW(read(pipe_fds[0], &c, 1));
    meet();
    meet(); /* a file the main thread opened is not mine */
    SHOW(fcntl(pipe_fds[0], F_GETFD));
    SHOW(close_range(3, ~0u, 0));
    return NULL;
}

static void *has_pipe(void *arg)
{
    (void)arg;
    SHOW(unshare(CLONE_FILES));
    SHOW(close(pipe_fds[0])); /* only mine */
    meet();
    meet(); /* the main thread closed its writing end */
    return NULL; /* the other writing end goes with me */
}

/* close_range(CLOSE_RANGE_UNSHARE) and record locks, which go when a table closes the file. */
static void *locks(void *arg)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};
    int fd = *(int *)arg;
    SHOW(close_range(fd + 1, ~0u, CLOSE_RANGE_UNSHARE));
    SHOW(fcntl(fd, F_SETLK, &l));
    meet();
    meet();
    return NULL;
}

int main(void)
{
    parent = getpid();
    run("shares all", CLONE_FS | CLONE_FILES, alters);
    run("own descriptors", CLONE_FS, alters);
    run("own directory", CLONE_FILES, alters);
    run("own both", 0, alters);

    puts("-- unshare");
    SHOW(unshare(0));
    SHOW(unshare(1));
    SHOW(syscall(SYS_unshare, 1ul << 40));
    SHOW(unshare(CLONE_PTRACE));
    SHOW(unshare(CLONE_THREAD));
    SHOW(unshare(CLONE_VM | CLONE_SIGHAND));
    SHOW(unshare(CLONE_FS | CLONE_FILES | CLONE_SYSVSEM));

    pthread_t t;
    pthread_barrier_init(&barrier, NULL, 2);
    chdir("/tmp");
    SHOW(pipe(pipe_fds));
    pthread_create(&t, NULL, unshares, NULL);
    meet();
    SHOW(unshare(CLONE_THREAD));
    SHOW(unshare(CLONE_VM));
    SHOW(unshare(CLONE_NEWUSER));
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    chdir("/");
    meet();
    meet();
    int fd = open("/dev/null", O_RDONLY);
    printf("lowest: %d\n", fd == pipe_fds[0]);
    meet();
    pthread_join(t, NULL);
    SHOW(fcntl(fd, F_GETFD));
    close(fd);

    puts("-- the end of a thread closes what only it had");
    SHOW(pipe(pipe_fds));
    pthread_create(&t, NULL, has_pipe, NULL);
    meet();
    close(pipe_fds[1]);
    struct pollfd p = {.fd = pipe_fds[0], .events = POLLIN};
    SHOW(poll(&p, 1, 0));
    meet();
    pthread_join(t, NULL);
    SHOW(poll(&p, 1, 5000));
    printf("revents %x\n", p.revents);
    close(pipe_fds[0]);

    puts("-- locks belong to the table");
    char name[] = "/tmp/abi-lock-XXXXXX";
    fd = mkstemp(name);
    unlink(name);
    pthread_create(&t, NULL, locks, &fd);
    meet();
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    SHOW(fcntl(fd, F_SETLK, &l));
    SHOW(fcntl(fd, F_GETLK, &l));
    printf("holder %d type %d\n", l.l_pid == getpid(), l.l_type == F_WRLCK);
    meet();
    pthread_join(t, NULL);
    l = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    SHOW(fcntl(fd, F_SETLKW, &l)); /* it may still be closing */
    return 0;
}
