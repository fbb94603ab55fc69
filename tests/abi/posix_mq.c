/* SPDX-License-Identifier: BSD-2-Clause */
/* POSIX message queues: names, priorities, limits, waiting, deadlines, notification, poll, the file system, errors. flags: -lrt */
#include "abi.h"
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char name[64], other[64];
static mqd_t q;

static long raw_open(const char *n, int flags, int mode, void *attr)
{
    return syscall(SYS_mq_open, n, flags, mode, attr);
}

static long opens(const char *n, int flags, int mode, void *attr)
{
    long fd = raw_open(n, flags, mode, attr);
    if (fd < 0)
        return -1;
    close((int)fd);
    return 0;
}

static struct mq_attr attributes(long messages, long size)
{
    return (struct mq_attr){.mq_maxmsg = messages, .mq_msgsize = size};
}

static long send(const char *text, unsigned priority)
{
    return syscall(SYS_mq_timedsend, q, text, strlen(text), priority, NULL);
}

static void take(void)
{
    char text[9000] = "";
    unsigned priority = 0;
    errno = 0;
    long n = syscall(SYS_mq_timedreceive, q, text, sizeof(text), &priority, NULL);
    if (n < 0)
        printf("take: %s\n", strerrorname_np(errno));
    else
        printf("take: %ld \"%.20s\" priority %u\n", n, text, priority);
}

static void state(const char *what)
{
    struct mq_attr a;
    struct pollfd p = {q, POLLIN | POLLOUT, 0};
    mq_getattr(q, &a);
    poll(&p, 1, 0);
    printf("%s: %ld of %ld, size %ld, flags %lo, poll %#x\n", what, a.mq_curmsgs, a.mq_maxmsg, a.mq_msgsize, a.mq_flags, p.revents);
}

static void names(void)
{
    char long_name[300];
    struct mq_attr a = attributes(3, 100), bad;
    memset(long_name, 'n', sizeof(long_name));
    long_name[256] = 0;
    SHOW(opens(name, O_RDWR, 0, NULL));
    SHOW(opens(name, O_CREAT | O_EXCL | O_RDWR, 0600, NULL));
    SHOW(opens(name, O_CREAT | O_EXCL | O_RDWR, 0600, NULL));
    SHOW(opens(name, O_CREAT | O_RDWR, 0600, &a));
    SHOW(opens(name, O_RDWR, 0, BAD));
    SHOW(opens(name, O_RDWR | O_WRONLY, 0, NULL));
    q = (mqd_t)raw_open(name, O_RDONLY | O_NONBLOCK, 0, NULL);
    state("the defaults");
    SHOW(fcntl(q, F_GETFD));
    SHOW(send("x", 0));
    take();
    close(q);
    SHOW(syscall(SYS_mq_unlink, name));
    SHOW(syscall(SYS_mq_unlink, name));
    SHOW(opens("", O_CREAT | O_RDWR, 0600, NULL));
    SHOW(opens("/slash", O_CREAT | O_RDWR, 0600, NULL));
    SHOW(opens("a/b", O_CREAT | O_RDWR, 0600, NULL));
    SHOW(opens(".", O_CREAT | O_RDWR, 0600, NULL));
    SHOW(opens("..", O_RDWR, 0600, NULL));
    SHOW(opens(long_name, O_CREAT | O_RDWR, 0600, NULL));
    SHOW(opens(BAD, O_CREAT | O_RDWR, 0600, NULL));
    SHOW(syscall(SYS_mq_unlink, ""));
    SHOW(syscall(SYS_mq_unlink, "a/b"));
    SHOW(syscall(SYS_mq_unlink, BAD));
    bad = attributes(0, 100);
    SHOW(opens(name, O_CREAT | O_RDWR, 0600, &bad));
    bad = attributes(10, 0);
    SHOW(opens(name, O_CREAT | O_RDWR, 0600, &bad));
    bad = attributes(-1, 100);
    SHOW(opens(name, O_CREAT | O_RDWR, 0600, &bad));
    bad = attributes(65537, 1);
    SHOW(opens(name, O_CREAT | O_RDWR, 0600, &bad));
    bad = attributes(1, (16 << 20) + 1);
    SHOW(opens(name, O_CREAT | O_RDWR, 0600, &bad));
    umask(022);
    q = (mqd_t)raw_open(name, O_CREAT | O_RDWR, 0666, &a);
    struct stat st;
    SHOW(fstat(q, &st));
    printf("mode %o size %ld links %lu\n", st.st_mode, (long)st.st_size, (unsigned long)st.st_nlink);
    state("made");
}

static void messages(void)
{
    char text[200], big[200];
    memset(big, 'b', sizeof(big));
    SHOW(send("low", 1));
    SHOW(send("high", 7));
    SHOW(send("low again", 1));
    state("full");
    struct mq_attr a = {.mq_flags = O_NONBLOCK}, old;
    SHOW(mq_setattr(q, &a, &old));
    SHOW(old.mq_flags);
    SHOW(send("no room", 1));
    SHOW(syscall(SYS_mq_timedsend, q, big, 101, 0, NULL));
    SHOW(syscall(SYS_mq_timedreceive, q, text, 99, NULL, NULL));
    take();
    take();
    SHOW(send("highest", 32767));
    take();
    take();
    take();
    SHOW(syscall(SYS_mq_timedsend, q, big, 100, 32768, NULL));
    SHOW(syscall(SYS_mq_timedsend, q, BAD, 10, 0, NULL));
    SHOW(syscall(SYS_mq_timedsend, q, "", 0, 0, NULL));
    take();
    send("to nowhere", 0);
    SHOW(syscall(SYS_mq_timedreceive, q, BAD, 100, NULL, NULL));
    send("to nowhere", 0);
    SHOW(syscall(SYS_mq_timedreceive, q, text, 100, BAD, NULL));
    state("empty");
    a.mq_flags = O_NONBLOCK | O_APPEND;
    SHOW(syscall(SYS_mq_getsetattr, q, &a, NULL));
    SHOW(syscall(SYS_mq_getsetattr, q, BAD, NULL));
    SHOW(syscall(SYS_mq_getsetattr, q, NULL, BAD));
    SHOW(syscall(SYS_mq_getsetattr, 0, NULL, &a));
    SHOW(syscall(SYS_mq_getsetattr, -1, NULL, &a));
    SHOW(syscall(SYS_mq_timedsend, -1, "x", 1, 0, NULL));
    SHOW(syscall(SYS_mq_timedreceive, -1, text, 100, NULL, NULL));
    SHOW(write(q, "x", 1));
    send("0123456789", 0);
    long n = read(q, text, sizeof(text));
    printf("read %ld %.*s", n, (int)n, text);
    SHOW(lseek(q, 0, SEEK_SET));
    SHOW(lseek(q, 6, SEEK_SET));
    SHOW(read(q, text, 2));
    take();
    a.mq_flags = 0;
    mq_setattr(q, &a, NULL);
}

/* ------------------------------------------------------------ waiting */

static struct timespec deadline_in(long ms)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += ms * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

struct peer {
    pthread_t thread;
    volatile int tid;
    int sends;
    long result;
    int error;
    char text[200];
};

static void *peer(void *arg)
{
    struct peer *p = arg;
    p->tid = (int)syscall(SYS_gettid);
    errno = 0;
    p->result = p->sends ? syscall(SYS_mq_timedsend, q, p->text, strlen(p->text), 3, NULL)
                         : syscall(SYS_mq_timedreceive, q, p->text, sizeof(p->text), NULL, NULL);
    p->error = errno;
    return NULL;
}

static void start(struct peer *p)
{
    char path[64], c = 0;
    pthread_create(&p->thread, NULL, peer, p);
    while (!p->tid)
        sleep_ms(1);
    while (c != 'S') {
        sleep_ms(2);
        snprintf(path, sizeof(path), "/proc/self/task/%d/stat", p->tid);
        FILE *f = fopen(path, "r");
        if (!f)
            return;
        if (fscanf(f, "%*d (%*[^)]) %c", &c) != 1)
            c = 0;
        fclose(f);
    }
}

static void end(const char *what, struct peer *p)
{
    pthread_join(p->thread, NULL);
    printf("%s: %ld %s \"%.20s\"\n", what, p->result, p->result < 0 ? strerrorname_np(p->error) : "", p->text);
}

static volatile sig_atomic_t signals;

static void on_signal(int signo)
{
    signals++;
}

static void waiting(void)
{
    struct peer a = {0}, b = {0}, c = {.sends = 1, .text = "waited"}, d = {0};
    struct timespec past = {1, 0}, wrong = {0, 1000000000}, negative = {-1, 0}, soon = deadline_in(20);
    char text[200];
    start(&a);
    start(&b);
    send("for the first", 0);
    end("first", &a);
    send("for the second", 9);
    end("second", &b);
    for (int i = 0; i < 3; i++)
        send("fills", 1);
    start(&c);
    state("a sender waits");
    take();
    end("sender", &c);
    take();
    take();
    take();
    SHOW(syscall(SYS_mq_timedreceive, q, text, 200, NULL, &past));
    SHOW(syscall(SYS_mq_timedreceive, q, text, 200, NULL, &wrong));
    SHOW(syscall(SYS_mq_timedreceive, q, text, 200, NULL, &negative));
    SHOW(syscall(SYS_mq_timedreceive, q, text, 200, NULL, BAD));
    SHOW(syscall(SYS_mq_timedreceive, -1, text, 200, NULL, BAD));
    SHOW(syscall(SYS_mq_timedreceive, q, text, 200, NULL, &soon));
    send("there", 0);
    SHOW(syscall(SYS_mq_timedreceive, q, text, 200, NULL, &past));
    send("there", 0);
    SHOW(syscall(SYS_mq_timedreceive, q, text, 200, NULL, &wrong));
    take();
    for (int i = 0; i < 3; i++)
        send("fills", 1);
    soon = deadline_in(20);
    SHOW(syscall(SYS_mq_timedsend, q, "x", 1, 0, &soon));
    SHOW(syscall(SYS_mq_timedsend, q, "x", 1, 0, &negative));
    for (int i = 0; i < 3; i++)
        take();

    struct sigaction sa = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &sa, NULL);
    start(&d);
    pthread_kill(d.thread, SIGUSR1);
    end("signal", &d);
    sa.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &sa, NULL);
    struct peer e = {0};
    start(&e);
    pthread_kill(e.thread, SIGUSR1);
    while (signals < 2)
        sleep_ms(1);
    send("after the restart", 0);
    end("restarted", &e);
}

/* ------------------------------------------------------------ notification */

static void show_signal(void)
{
    sigset_t set;
    siginfo_t info;
    struct timespec zero = {0};
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    int n = sigtimedwait(&set, &info, &zero);
    if (n < 0)
        printf("no signal\n");
    else
        printf("signal code %d value %d pid %d uid %d\n", info.si_code, info.si_value.sival_int, info.si_pid == getpid(),
               info.si_uid == getuid());
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t told = PTHREAD_COND_INITIALIZER;
static int told_with;

static void on_message(union sigval value)
{
    pthread_mutex_lock(&lock);
    told_with = value.sival_int;
    pthread_cond_signal(&told);
    pthread_mutex_unlock(&lock);
}

static void show_state_file(void)
{
    char text[100];
    lseek(q, 0, SEEK_SET);
    long n = read(q, text, sizeof(text));
    char *pid = memmem(text, (size_t)n, "NOTIFY_PID:", 11);
    printf("%.*s own pid %d\n", (int)(pid - text), text, atoi(pid + 11) == getpid());
}

static void notification(void)
{
    struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2, .sigev_value.sival_int = 42};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    SHOW(syscall(SYS_mq_notify, q, &e));
    SHOW(syscall(SYS_mq_notify, q, &e));
    show_state_file();
    send("one", 0);
    show_signal();
    send("two", 0);
    show_signal();
    SHOW(syscall(SYS_mq_notify, q, &e));
    send("three", 0);
    show_signal();
    take();
    take();
    take();
    send("again", 0);
    show_signal();
    take();

    struct peer p = {0};
    SHOW(syscall(SYS_mq_notify, q, &e));
    start(&p);
    send("to who waits", 0);
    end("receiver first", &p);
    show_signal();
    SHOW(syscall(SYS_mq_notify, q, NULL));
    SHOW(syscall(SYS_mq_notify, q, NULL));
    send("nobody is told", 0);
    show_signal();
    take();
    SHOW(syscall(SYS_mq_notify, q, &e));
    close(dup(q)); /* ends it, too */
    send("x", 0);
    show_signal();
    take();

    e.sigev_notify = SIGEV_NONE;
    SHOW(syscall(SYS_mq_notify, q, &e));
    SHOW(syscall(SYS_mq_notify, q, &e));
    show_state_file();
    send("x", 0);
    SHOW(syscall(SYS_mq_notify, q, &e));
    SHOW(syscall(SYS_mq_notify, q, NULL));
    take();
    e.sigev_notify = 77;
    SHOW(syscall(SYS_mq_notify, q, &e));
    e.sigev_notify = SIGEV_SIGNAL;
    e.sigev_signo = 65;
    SHOW(syscall(SYS_mq_notify, q, &e));
    e.sigev_signo = -1;
    SHOW(syscall(SYS_mq_notify, q, &e));
    e.sigev_signo = 0;
    SHOW(syscall(SYS_mq_notify, q, &e));
    SHOW(syscall(SYS_mq_notify, q, NULL));
    SHOW(syscall(SYS_mq_notify, q, BAD));
    SHOW(syscall(SYS_mq_notify, -1, NULL));
    SHOW(syscall(SYS_mq_notify, 1, NULL));
    char cookie[32] = {0};
    e.sigev_notify = SIGEV_THREAD;
    e.sigev_signo = -1;
    e.sigev_value.sival_ptr = cookie;
    SHOW(syscall(SYS_mq_notify, q, &e));
    e.sigev_signo = q;
    SHOW(syscall(SYS_mq_notify, q, &e));
    e.sigev_value.sival_ptr = BAD;
    SHOW(syscall(SYS_mq_notify, q, &e));

    /* The library's thread, by a netlink socket. */
    struct sigevent t = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_message, .sigev_value.sival_int = 4711};
    for (int i = 0; i < 2; i++) {
        told_with = 0;
        SHOW(mq_notify(q, &t));
        SHOW(mq_notify(q, &t));
        send("for the thread", 0);
        pthread_mutex_lock(&lock);
        while (!told_with)
            pthread_cond_wait(&told, &lock);
        pthread_mutex_unlock(&lock);
        SHOW(told_with);
        take();
    }
    SHOW(mq_notify(q, &t));
    SHOW(mq_notify(q, NULL));
}

/* ------------------------------------------------------------ the rest */

static void *unprivileged(void *arg)
{
    struct mq_attr a = attributes(11, 100), b = attributes(10, 8193), c = attributes(10, 8192);
    struct rlimit small = {2000, 2000};
    syscall(SYS_setresgid, 2002, 2002, 2002);
    syscall(SYS_setgroups, 0, NULL);
    uid_t uid = 100000u + (uid_t)getpid(); /* whose queues nobody else's count with */
    syscall(SYS_setresuid, uid, uid, uid);
    SHOW(opens(other, O_CREAT | O_RDWR, 0600, &a));
    SHOW(opens(other, O_CREAT | O_RDWR, 0600, &b));
    SHOW(opens(other, O_CREAT | O_RDWR, 0000, &c));
    SHOW(opens(other, O_RDWR, 0, NULL));
    SHOW(syscall(SYS_mq_unlink, other));
    SHOW(opens(name, O_RDONLY, 0, NULL));
    SHOW(opens(name, O_RDWR, 0, NULL));
    SHOW(syscall(SYS_mq_unlink, name));
    SHOW(prlimit(0, RLIMIT_MSGQUEUE, &small, NULL));
    SHOW(opens(other, O_CREAT | O_RDWR, 0600, &c));
    c = attributes(10, 104);
    SHOW(opens(other, O_CREAT | O_RDWR, 0600, &c));
    c = attributes(10, 105);
    SHOW(syscall(SYS_mq_unlink, other));
    SHOW(opens(other, O_CREAT | O_RDWR, 0600, &c));
    SHOW(syscall(SYS_mq_unlink, other));
    return NULL;
}

#define ROUNDS 2000

static void *producer(void *arg)
{
    for (int i = 1; i <= ROUNDS; i++)
        syscall(SYS_mq_timedsend, q, &i, sizeof(i), 5, NULL);
    return NULL;
}

static void *consumer(void *arg)
{
    long sum = 0;
    char text[200];
    for (int i = 0, n; i < ROUNDS; i++) {
        syscall(SYS_mq_timedreceive, q, text, sizeof(text), NULL, NULL);
        memcpy(&n, text, sizeof(n));
        sum += n;
    }
    return (void *)sum;
}

static void streams(void)
{
    pthread_t p[2], c[2];
    long sum = 0;
    for (int i = 0; i < 2; i++) {
        pthread_create(&p[i], NULL, producer, NULL);
        pthread_create(&c[i], NULL, consumer, NULL);
    }
    for (int i = 0; i < 2; i++) {
        void *r;
        pthread_join(p[i], NULL);
        pthread_join(c[i], &r);
        sum += (long)r;
    }
    SHOW(sum);
    state("after the streams");
}

int main(void)
{
    pthread_t t;
    snprintf(name, sizeof(name), "aril-test-%d", getpid());
    snprintf(other, sizeof(other), "aril-test-other-%d", getpid());
    names();
    messages();
    waiting();
    notification();
    streams();
    int fd = q;
    q = (mqd_t)raw_open(name, O_RDWR | O_NONBLOCK, 0, NULL);
    SHOW(syscall(SYS_mq_unlink, name));
    SHOW(opens(name, O_RDWR, 0, NULL));
    send("still there", 0);
    close(q);
    q = fd;
    take();
    struct stat st;
    fstat(q, &st);
    SHOW(st.st_nlink);
    close(q);
    SHOW(opens(name, O_CREAT | O_RDWR, 0644, NULL));
    pthread_create(&t, NULL, unprivileged, NULL);
    pthread_join(t, NULL);
    SHOW(syscall(SYS_mq_unlink, name));
    return 0;
}
