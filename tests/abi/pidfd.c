/* SPDX-License-Identifier: BSD-2-Clause */
/* pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2), waitid(P_PIDFD): of the process itself, which is all there is. */
#include "abi.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/wait.h>

#ifndef PIDFD_NONBLOCK
#define PIDFD_NONBLOCK O_NONBLOCK
#endif
#define PIDFD_THREAD               O_EXCL
#define PIDFD_SIGNAL_THREAD        1
#define PIDFD_SIGNAL_THREAD_GROUP  2

static volatile int hits, code, from_self, value, in_thread;
static volatile pid_t thread_id;
static volatile int stop;

static void on_signal(int signo, siginfo_t *info, void *context)
{
    hits++;
    code = info->si_code;
    from_self = info->si_pid == getpid();
    value = info->si_int;
    in_thread = gettid() == thread_id;
}

static int pidfd_open_(pid_t pid, unsigned flags)
{
    return (int)syscall(SYS_pidfd_open, pid, flags);
}

static int send(int fd, int signo, siginfo_t *info, unsigned flags)
{
    return (int)syscall(SYS_pidfd_send_signal, fd, signo, info, flags);
}

static int get(int fd, int target, unsigned flags)
{
    return (int)syscall(SYS_pidfd_getfd, fd, target, flags);
}

static void *thread(void *arg)
{
    thread_id = gettid();
    while (!stop)
        usleep(1000);
    return NULL;
}

int main(void)
{
    struct sigaction act = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    siginfo_t info;
    char path[64], text[1024];
    int fd, p[2], copy, n;
    pthread_t t;

    sigaction(SIGUSR1, &act, NULL);
    pthread_create(&t, NULL, thread, NULL);
    while (!thread_id)
        usleep(1000);
    SHOW(pidfd_open_(0, 0));
    SHOW(pidfd_open_(-1, 0));
    SHOW(pidfd_open_(999999999, 0));
    SHOW(pidfd_open_(getpid(), 1));
    SHOW(pidfd_open_(getpid(), O_CLOEXEC));
    SHOW(pidfd_open_(thread_id, 0));
    SHOW((fd = pidfd_open_(getpid(), PIDFD_NONBLOCK)) > 2);
    SHOW(fcntl(fd, F_GETFD));
    SHOW(fcntl(fd, F_GETFL) & O_NONBLOCK);
    close(fd);
    SHOW((fd = pidfd_open_(getpid(), 0)) > 2);
    SHOW(read(fd, text, 8));
    SHOW(write(fd, text, 8));
    SHOW(poll(&(struct pollfd){.fd = fd, .events = POLLIN | POLLOUT}, 1, 0));
    n = epoll_create1(0);
    SHOW(epoll_ctl(n, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN}));
    SHOW(epoll_wait(n, &(struct epoll_event){0}, 1, 0));
    close(n);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    n = (int)readlink(path, text, sizeof(text));
    printf("link %.*s\n", n, text);
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    int info_fd = open(path, O_RDONLY);
    n = (int)read(info_fd, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = 0;
    close(info_fd);
    snprintf(path, sizeof(path), "Pid:\t%d\n", getpid());
    SHOW(strstr(text, path) != NULL);

    SHOW(send(fd, 0, NULL, 0));
    SHOW(send(fd, 65, NULL, 0));
    SHOW(send(fd, -1, NULL, 0));
    SHOW(send(fd, SIGUSR1, NULL, 0x100));
    SHOW(send(fd, SIGUSR1, NULL, 3));
    SHOW(send(-1, SIGUSR1, NULL, 0));
    SHOW(send(0, SIGUSR1, NULL, 0));
    SHOW(send(fd, SIGUSR1, BAD, 0));
    SHOW(send(fd, SIGUSR1, NULL, 0));
    SHOW(hits);
    SHOW(code);
    SHOW(from_self);
    memset(&info, 0, sizeof(info));
    info.si_signo = SIGUSR2;
    info.si_code = SI_QUEUE;
    info.si_value.sival_int = 42;
    SHOW(send(fd, SIGUSR1, &info, 0));
    info.si_signo = SIGUSR1;
    SHOW(send(fd, SIGUSR1, &info, PIDFD_SIGNAL_THREAD_GROUP));
    SHOW(hits);
    SHOW(code);
    SHOW(value);
    info.si_code = SI_USER;
    SHOW(send(fd, SIGUSR1, &info, 0));
    SHOW(hits);
    int own = open("/proc/self", O_RDONLY | O_DIRECTORY);
    SHOW(send(own, SIGUSR1, NULL, 0));
    SHOW(hits);
    close(own);
    int tfd = pidfd_open_(thread_id, PIDFD_THREAD);
    SHOW(tfd > 2);
    SHOW(send(tfd, SIGUSR1, NULL, 0));
    for (n = 0; n < 5000 && hits < 5; n++)
        usleep(1000);
    SHOW(hits);
    SHOW(in_thread);
    SHOW(code);

    pipe(p);
    SHOW((copy = get(fd, p[1], 0)) > 2);
    SHOW(fcntl(copy, F_GETFD));
    SHOW(write(copy, "x", 1));
    SHOW(read(p[0], text, 8));
    SHOW(get(fd, p[1], 1));
    SHOW(get(fd, 1000, 0));
    SHOW(get(p[0], p[1], 0));
    SHOW(get(-1, p[1], 0));
    SHOW(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG));
    SHOW(waitid(P_PIDFD, (id_t)p[0], &info, WEXITED | WNOHANG));
    SHOW(waitid(P_PIDFD, 1000, &info, WEXITED | WNOHANG));
    stop = 1;
    pthread_join(t, NULL);
    struct pollfd ended = {.fd = tfd, .events = POLLIN | POLLOUT};
    SHOW(poll(&ended, 1, 5000));
    SHOW(ended.revents);
    SHOW(send(tfd, SIGUSR1, NULL, 0));
    SHOW(send(tfd, 0, NULL, 0));
    SHOW(close(fd));
    return 0;
}
