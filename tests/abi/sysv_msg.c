/* SPDX-License-Identifier: BSD-2-Clause */
/* System V message queues: types, limits, waiting on both sides, copies, removal, permissions, errors. */
#include "abi.h"
#include <pthread.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif
#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif

struct message {
    long type;
    char text[9000];
};

static int id;

/* A key nobody else uses. */
static key_t key_of(int n)
{
    return (key_t)(0x5c000000u | (unsigned)getpid() << 4 | (unsigned)n);
}

static long send(long type, const char *text, int flags)
{
    struct message m = {.type = type};
    strcpy(m.text, text);
    return syscall(SYS_msgsnd, id, &m, strlen(text), flags);
}

static long send_bytes(long type, size_t n, int flags)
{
    static struct message m;
    m.type = type;
    memset(m.text, 'x', sizeof(m.text));
    return syscall(SYS_msgsnd, id, &m, n, flags);
}

static void take(long type, size_t n, int flags)
{
    struct message m = {0};
    errno = 0;
    long r = syscall(SYS_msgrcv, id, &m, n, type, flags);
    printf("take %ld of %zu, %#o: %ld", type, n, flags, r);
    if (r < 0)
        printf(" %s\n", strerrorname_np(errno));
    else
        printf(" type %ld \"%.20s\"\n", m.type, m.text);
}

static long control(int which, int cmd, void *p)
{
    return syscall(SYS_msgctl, which, cmd, p);
}

static struct msqid_ds stat_of(void)
{
    struct msqid_ds d;
    memset(&d, 0xff, sizeof(d));
    control(id, IPC_STAT, &d);
    return d;
}

static void queue(const char *what)
{
    struct msqid_ds d = stat_of();
    printf("%s: %lu messages, %lu of %lu bytes, by %d %d\n", what, d.msg_qnum, d.__msg_cbytes, d.msg_qbytes, d.msg_lspid == getpid(),
           d.msg_lrpid == getpid());
}

static void get(void)
{
    SHOW(msgget(key_of(1), 0600));
    SHOW((id = msgget(key_of(1), IPC_CREAT | 0640)) >= 0);
    SHOW(msgget(key_of(1), 0) == id);
    SHOW(msgget(key_of(1), IPC_CREAT | IPC_EXCL));
    struct msqid_ds d = stat_of();
    printf("mode %o stime %ld rtime %ld ctime %d key %d\n", d.msg_perm.mode, d.msg_stime, d.msg_rtime, labs(d.msg_ctime - time(NULL)) < 3,
           d.msg_perm.__key == key_of(1));
    queue("new");
}

static void types(void)
{
    take(0, 100, IPC_NOWAIT);
    send(3, "three", 0);
    send(1, "one", 0);
    send(2, "two", 0);
    send(1, "one again", 0);
    send(7, "seven", 0);
    send(4, "", 0);
    queue("six");
    SHOW(labs(stat_of().msg_stime - time(NULL)) < 3);
    take(5, 100, IPC_NOWAIT);
    take(2, 2, IPC_NOWAIT);
    take(2, 2, IPC_NOWAIT | MSG_NOERROR);
    take(-6, 100, IPC_NOWAIT);
    take(-2, 100, IPC_NOWAIT);
    take(-2, 100, IPC_NOWAIT);
    take(3, 100, IPC_NOWAIT | MSG_EXCEPT);
    take(0, 100, IPC_NOWAIT | MSG_EXCEPT);
    take(-5, 0, IPC_NOWAIT);
    send(8, "eight", 0);
    send(5, "five", 0);
    take(INT64_MIN, 100, IPC_NOWAIT);
    take(8, 5, 0);
    queue("empty");
    SHOW(labs(stat_of().msg_rtime - time(NULL)) < 3);

    send(1, "first", 0);
    send(2, "second", 0);
    take(1, 100, MSG_COPY | IPC_NOWAIT);
    take(0, 100, MSG_COPY | IPC_NOWAIT);
    take(2, 100, MSG_COPY | IPC_NOWAIT);
    take(-1, 100, MSG_COPY | IPC_NOWAIT);
    take(0, 100, MSG_COPY);
    take(0, 100, MSG_COPY | IPC_NOWAIT | MSG_EXCEPT);
    take(0, 3, MSG_COPY | IPC_NOWAIT);
    take(0, 3, MSG_COPY | IPC_NOWAIT | MSG_NOERROR);
    SHOW(msgrcv(0x7fff, (void *)8, 100, 0, MSG_COPY | IPC_NOWAIT)); /* the buffer first */
    SHOW(msgrcv(0x7fff, (void *)8, 0, 0, MSG_COPY | IPC_NOWAIT));
    queue("copied");
    take(0, 100, 0);
    take(0, 100, 0);
}

static void errors(void)
{
    struct message m = {.type = 1};
    SHOW(send(0, "x", 0));
    SHOW(send(-1, "x", 0));
    SHOW(send_bytes(1, 8193, IPC_NOWAIT));
    SHOW(send_bytes(1, (size_t)-1, IPC_NOWAIT));
    SHOW(syscall(SYS_msgsnd, -1, &m, 1, 0));
    SHOW(syscall(SYS_msgsnd, id | 1 << 30, &m, 1, 0));
    SHOW(syscall(SYS_msgsnd, -1, BAD, 1, 0));
    SHOW(syscall(SYS_msgsnd, id | 1 << 30, (char *)&m + sizeof(m) - 8, 8192, 0) == -1);
    SHOW(syscall(SYS_msgrcv, -1, &m, 1, 0, IPC_NOWAIT));
    SHOW(syscall(SYS_msgrcv, id | 1 << 30, &m, 1, 0, IPC_NOWAIT));
    SHOW(syscall(SYS_msgrcv, id, &m, -1l, 0, IPC_NOWAIT));
    SHOW(syscall(SYS_msgrcv, id, BAD, 1, 0, IPC_NOWAIT));
    send(1, "lost", 0);
    SHOW(syscall(SYS_msgrcv, id, BAD, 100, 0, IPC_NOWAIT));
    queue("after a bad buffer");
    SHOW(control(-1, IPC_STAT, &m));
    SHOW(control(id, 99, &m));
    SHOW(control(id, IPC_STAT, BAD));
    SHOW(control(id, IPC_SET, BAD));
    SHOW(control(id | 1 << 30, IPC_RMID, NULL));
}

static void limits(void)
{
    SHOW(send_bytes(1, 8192, IPC_NOWAIT));
    SHOW(send_bytes(1, 8191, IPC_NOWAIT));
    SHOW(send_bytes(1, 2, IPC_NOWAIT));
    SHOW(send_bytes(1, 0, IPC_NOWAIT));
    SHOW(send_bytes(1, 1, IPC_NOWAIT));
    SHOW(send_bytes(1, 1, IPC_NOWAIT));
    queue("full");
    take(0, 100, IPC_NOWAIT);
    take(0, 10, IPC_NOWAIT | MSG_NOERROR);
    queue("room");
    while (syscall(SYS_msgrcv, id, &(struct message){0}, 8192, 0, IPC_NOWAIT) >= 0)
        ;
    struct msqid_ds d = stat_of();
    d.msg_qbytes = 100;
    d.msg_perm.mode = 0177666;
    SHOW(control(id, IPC_SET, &d));
    queue("smaller");
    SHOW(stat_of().msg_perm.mode);
    SHOW(send_bytes(1, 101, IPC_NOWAIT));
    for (int i = 0; i < 100; i++)
        send_bytes(1, 0, 0);
    SHOW(send_bytes(1, 0, IPC_NOWAIT));
    queue("full of nothing");
    while (syscall(SYS_msgrcv, id, &(struct message){0}, 8192, 0, IPC_NOWAIT) >= 0)
        ;
}

static void information(void)
{
    struct msginfo info;
    struct msqid_ds d;
    SHOW(control(0, IPC_INFO, &info) >= (id & 0x7fff));
    printf("msgpool %d msgmap %d msgssz %d msgtql %d msgseg %d\n", info.msgpool, info.msgmap, info.msgssz, info.msgtql, info.msgseg);
    send(1, "counted", 0);
    SHOW(control(0, MSG_INFO, &info) >= (id & 0x7fff));
    SHOW(info.msgpool >= 1 && info.msgmap >= 1 && info.msgtql >= 7);
    SHOW(control(0, MSG_INFO, BAD));
    SHOW(control(id & 0x7fff, MSG_STAT, &d) == id);
    SHOW(d.msg_qnum);
    SHOW(control(id & 0x7fff, MSG_STAT_ANY, &d) == id);
    FILE *f = fopen("/proc/sysvipc/msg", "r");
    char line[256];
    int key, which;
    unsigned mode, bytes, n;
    if (f && fgets(line, sizeof(line), f))
        printf("%s", line);
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "%d %d %o %u %u", &key, &which, &mode, &bytes, &n) == 5 && which == id)
            printf("length %zu mode %o bytes %u messages %u\n", strlen(line), mode, bytes, n);
    if (f)
        fclose(f);
    take(0, 100, 0);
}

/* ------------------------------------------------------------ threads */

struct peer {
    long type;
    size_t size;
    int flags;
    long result;
    int error;
    struct message m;
    pthread_t thread;
    volatile int tid;
};

static void *receiver(void *arg)
{
    struct peer *p = arg;
    p->tid = (int)syscall(SYS_gettid);
    errno = 0;
    p->result = syscall(SYS_msgrcv, id, &p->m, p->size, p->type, p->flags);
    p->error = errno;
    return NULL;
}

static void *sender(void *arg)
{
    struct peer *p = arg;
    p->tid = (int)syscall(SYS_gettid);
    p->m.type = p->type;
    errno = 0;
    p->result = syscall(SYS_msgsnd, id, &p->m, p->size, p->flags);
    p->error = errno;
    return NULL;
}

/* Starts the thread and waits until it sleeps in its call. */
static void start(struct peer *p, void *(*f)(void *))
{
    char path[64], state = 0;
    pthread_create(&p->thread, NULL, f, p);
    while (!p->tid)
        sleep_ms(1);
    while (state != 'S') {
        sleep_ms(2);
        snprintf(path, sizeof(path), "/proc/self/task/%d/stat", p->tid);
        FILE *s = fopen(path, "r");
        if (!s)
            return;
        if (fscanf(s, "%*d (%*[^)]) %c", &state) != 1)
            state = 0;
        fclose(s);
    }
}

static void end(const char *what, struct peer *p)
{
    pthread_join(p->thread, NULL);
    printf("%s: %ld %s type %ld \"%.8s\"\n", what, p->result, p->result == -1 ? strerrorname_np(p->error) : "", p->m.type, p->m.text);
}

static void on_signal(int signo)
{
}

static void waiting(void)
{
    struct peer a = {.type = 5, .size = 100}, b = {.type = 0, .size = 3}, c = {.type = -3, .size = 100}, d = {.type = 0, .size = 100};
    start(&a, receiver);
    start(&b, receiver);
    start(&c, receiver);
    start(&d, receiver);
    SHOW(send(2, "for the small one", 0));
    end("too small", &b);
    end("at most three", &c);
    SHOW(send(5, "five", 0));
    end("five", &a);
    SHOW(send(9, "any", 0));
    end("any", &d);
    queue("all given away");

    struct peer e = {.type = 5, .size = 100, .flags = MSG_EXCEPT};
    start(&e, receiver);
    send(5, "not this", 0);
    send(6, "but this", 0);
    end("except five", &e);
    take(0, 100, 0);

    /* A full queue: 100 bytes. */
    struct peer f = {.type = 1, .size = 60}, g = {.type = 2, .size = 30};
    send_bytes(3, 80, 0);
    start(&f, sender);
    start(&g, sender);
    send_bytes(4, 20, 0);
    queue("two senders wait");
    take(4, 100, 0);
    queue("neither fits");
    take(3, 100, 0);
    end("older sender", &f);
    end("younger sender", &g);
    queue("both are in");
    take(1, 100, 0); /* by type: two threads that are let in at once may come in any order */
    take(2, 100, 0);

    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct peer h = {.type = 5, .size = 100}, i = {.type = 2, .size = 30};
    sigaction(SIGUSR1, &sa, NULL);
    start(&h, receiver);
    pthread_kill(h.thread, SIGUSR1);
    end("signal to a receiver", &h);
    send_bytes(3, 80, 0);
    start(&i, sender);
    pthread_kill(i.thread, SIGUSR1);
    end("signal to a sender", &i);
    take(0, 100, 0);

    /* A larger limit lets senders go on. */
    struct peer j = {.type = 7, .size = 200};
    struct msqid_ds s = stat_of();
    start(&j, sender);
    s.msg_qbytes = 1000;
    SHOW(control(id, IPC_SET, &s));
    end("more room", &j);
    take(0, 1000, 0);
}

#define ROUNDS 3000
static long sum[2];

static void *producer(void *arg)
{
    struct message m = {.type = (long)arg};
    for (int i = 1; i <= ROUNDS; i++) {
        memcpy(m.text, &i, sizeof(i));
        syscall(SYS_msgsnd, id, &m, sizeof(i), 0);
    }
    return NULL;
}

static void *consumer(void *arg)
{
    struct message m;
    long type = (long)arg;
    int last = 0, disorder = 0, n;
    for (int i = 1; i <= ROUNDS; i++) {
        syscall(SYS_msgrcv, id, &m, sizeof(n), type, 0);
        memcpy(&n, m.text, sizeof(n));
        disorder += n != last + 1;
        last = n;
        sum[type - 1] += n;
    }
    return (void *)(long)disorder;
}

static void streams(void)
{
    pthread_t p[2], c[2];
    void *r;
    for (long i = 0; i < 2; i++) {
        pthread_create(&p[i], NULL, producer, (void *)(i + 1));
        pthread_create(&c[i], NULL, consumer, (void *)(i + 1));
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(p[i], NULL);
        pthread_join(c[i], &r);
        printf("out of order %ld, sum %ld\n", (long)r, sum[i]);
    }
    SHOW(stat_of().msg_qnum);
}

static void *stranger(void *arg)
{
    struct msqid_ds d = stat_of();
    syscall(SYS_setresgid, 2002, 2002, 2002);
    syscall(SYS_setgroups, 0, NULL);
    syscall(SYS_setresuid, 2000, 2000, 2000);
    SHOW(send(1, "x", IPC_NOWAIT));
    take(0, 100, IPC_NOWAIT);
    SHOW(control(id, IPC_STAT, &d));
    SHOW(control(id & 0x7fff, MSG_STAT, &d) == id);
    SHOW(control(id & 0x7fff, MSG_STAT_ANY, &d) == id);
    SHOW(control(id, IPC_SET, &d));
    SHOW(control(id, IPC_RMID, NULL));
    d.msg_perm.uid = 2000;
    return NULL;
}

/* May not raise the limit over msgmnb without the capability. */
static void *owner(void *arg)
{
    struct msqid_ds d = stat_of();
    syscall(SYS_setresuid, 2000, 2000, 2000);
    d.msg_qbytes = 16385;
    SHOW(control(id, IPC_SET, &d));
    d.msg_qbytes = 16384;
    SHOW(control(id, IPC_SET, &d));
    SHOW(stat_of().msg_qbytes);
    return NULL;
}

static void in_thread(void *(*f)(void *))
{
    pthread_t t;
    pthread_create(&t, NULL, f, NULL);
    pthread_join(t, NULL);
}

/* A sender of another user waits; then the queue is no longer his, or has room. */
static void *poor_sender(void *arg)
{
    syscall(SYS_setresgid, 1000, 1000, 1000);
    syscall(SYS_setresuid, 1000, 1000, 1000);
    return sender(arg);
}

static void changed(void)
{
    struct msqid_ds d = stat_of(), old = d;
    d.msg_perm.mode = 0606;
    d.msg_qbytes = 100;
    SHOW(control(id, IPC_SET, &d));
    struct peer a = {.type = 1, .size = 60}, b = {.type = 1, .size = 60};
    send_bytes(3, 80, 0);
    start(&a, poor_sender);
    start(&b, sender);
    d.msg_perm.mode = 0600;
    SHOW(control(id, IPC_SET, &d));
    queue("both wait, still without room");
    d.msg_qbytes = 200;
    SHOW(control(id, IPC_SET, &d));
    end("no longer allowed", &a);
    end("room", &b);
    take(0, 100, 0);
    take(0, 100, 0);
    SHOW(control(id, IPC_SET, &old));
}

static void removal(void)
{
    struct peer a = {.type = 5, .size = 100}, b = {.type = 5, .size = 8000};
    send_bytes(1, 8000, 0);
    send_bytes(1, 8000, 0);
    start(&a, receiver);
    start(&b, sender);
    SHOW(control(id, IPC_RMID, NULL));
    pthread_join(a.thread, NULL);
    pthread_join(b.thread, NULL);
    printf("removed: %ld %s, %ld %s\n", a.result, strerrorname_np(a.error), b.result, strerrorname_np(b.error));
    SHOW(control(id, IPC_RMID, NULL));
    SHOW(send(1, "x", 0));
    take(0, 10, IPC_NOWAIT);
    SHOW(msgget(key_of(1), 0));
}

int main(void)
{
    struct msqid_ds d;
    get();
    types();
    errors();
    limits();
    information();
    waiting();
    changed();
    streams();
    d = stat_of();
    d.msg_perm.mode = 0604;
    SHOW(control(id, IPC_SET, &d));
    in_thread(stranger);
    d.msg_perm.mode = 0602;
    SHOW(control(id, IPC_SET, &d));
    in_thread(stranger);
    d.msg_perm.uid = 2000;
    SHOW(control(id, IPC_SET, &d));
    in_thread(owner);
    take(0, 100, IPC_NOWAIT);
    removal();
    return 0;
}
