/* SPDX-License-Identifier: BSD-2-Clause */
/* System V semaphores: sets, operations that are one, waiting and its order, undoing, removal, permissions, errors. */
#include "abi.h"
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/wait.h>

#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif

static int id;

/* A key nobody else uses. */
static key_t key_of(int n)
{
    return (key_t)(0x5b000000u | (unsigned)getpid() << 4 | (unsigned)n);
}

static long control(int which, int number, int cmd, void *p)
{
    return syscall(SYS_semctl, which, number, cmd, p);
}

static long set(int number, int value)
{
    return syscall(SYS_semctl, id, number, SETVAL, value);
}

static long value(int number)
{
    return control(id, number, GETVAL, NULL);
}

static long operate(int n, ...)
{
    struct sembuf ops[8];
    __builtin_va_list ap;
    __builtin_va_start(ap, n);
    for (int i = 0; i < n; i++) {
        ops[i].sem_num = (unsigned short)__builtin_va_arg(ap, int);
        ops[i].sem_op = (short)__builtin_va_arg(ap, int);
        ops[i].sem_flg = (short)__builtin_va_arg(ap, int);
    }
    __builtin_va_end(ap);
    return syscall(SYS_semop, id, ops, n);
}

static long timed(int number, int op, long seconds, long ns)
{
    struct sembuf o = {(unsigned short)number, (short)op, 0};
    struct timespec t = {seconds, ns};
    return syscall(SYS_semtimedop, id, &o, 1, &t);
}

static void values(const char *what)
{
    unsigned short v[4];
    control(id, 0, GETALL, v);
    printf("%s: %d %d %d %d\n", what, v[0], v[1], v[2], v[3]);
}

static void wait_for(int number, int cmd, long n)
{
    while (control(id, number, cmd, NULL) != n)
        sleep_ms(1);
}

static struct semid_ds stat_of(void)
{
    struct semid_ds d;
    memset(&d, 0xff, sizeof(d));
    control(id, 0, IPC_STAT, &d);
    return d;
}

static void get(void)
{
    SHOW(semget(key_of(1), 4, 0600));
    SHOW(semget(key_of(1), 0, IPC_CREAT | 0600));
    SHOW(semget(key_of(1), -1, IPC_CREAT | 0600));
    SHOW(semget(key_of(1), 32001, IPC_CREAT | 0600));
    SHOW((id = semget(key_of(1), 4, IPC_CREAT | 0640)) >= 0);
    SHOW(semget(key_of(1), 0, 0) == id);
    SHOW(semget(key_of(1), 4, IPC_CREAT) == id);
    SHOW(semget(key_of(1), 5, 0));
    SHOW(semget(key_of(1), 4, IPC_CREAT | IPC_EXCL));
    struct semid_ds d = stat_of();
    printf("mode %o nsems %lu otime %ld ctime %d key %d\n", d.sem_perm.mode, d.sem_nsems, d.sem_otime, labs(d.sem_ctime - time(NULL)) < 3,
           d.sem_perm.__key == key_of(1));
    int big = semget(IPC_PRIVATE, 32000, 0600);
    SHOW(big >= 0);
    SHOW(syscall(SYS_semctl, big, 31999, SETVAL, 7));
    SHOW(control(big, 31999, GETVAL, NULL));
    SHOW(control(big, 0, IPC_RMID, NULL));
}

static void simple(void)
{
    struct sembuf many[501] = {{0, 0, IPC_NOWAIT}};
    unsigned short v[4] = {1, 2, 3, 4};
    values("new");
    SHOW(operate(1, 0, 3, 0));
    SHOW(control(id, 0, GETPID, NULL) == getpid());
    SHOW(control(id, 1, GETPID, NULL));
    SHOW(labs(stat_of().sem_otime - time(NULL)) < 3);
    SHOW(operate(1, 0, -2, 0));
    SHOW(operate(1, 0, -2, IPC_NOWAIT));
    SHOW(operate(1, 0, 0, IPC_NOWAIT));
    SHOW(operate(2, 0, -1, 0, 0, 0, 0));
    SHOW(operate(3, 0, 5, 0, 1, 2, 0, 2, -1, IPC_NOWAIT));
    values("all or none");
    SHOW(operate(4, 0, 5, 0, 1, 2, 0, 0, -4, 0, 3, 32767, 0));
    values("four at once");
    SHOW(operate(1, 3, 1, 0));
    SHOW(operate(2, 0, 1, 0, 3, 1, 0));
    values("over the limit");
    SHOW(operate(1, 4, 1, 0));
    SHOW(operate(1, 65535, 1, 0));
    SHOW(operate(0));
    SHOW(syscall(SYS_semop, id, many, 500));
    SHOW(syscall(SYS_semop, id, many, 501));
    SHOW(syscall(SYS_semop, id, BAD, 501));
    SHOW(syscall(SYS_semop, id, BAD, 1));
    SHOW(syscall(SYS_semop, id, BAD, 0));
    SHOW(syscall(SYS_semop, -1, many, 1));
    SHOW(syscall(SYS_semop, id | 1 << 30, many, 1));
    SHOW(syscall(SYS_semtimedop, id, many, 1, BAD));
    SHOW(timed(1, -10, 0, -1));
    SHOW(timed(1, -10, 0, 1000000000));
    SHOW(timed(1, -10, -1, 0));
    SHOW(timed(1, -10, 0, 0));
    SHOW(timed(1, -10, 0, 3000000));
    SHOW(timed(1, -2, 0, -1));
    SHOW(timed(1, -2, 0, 0));
    SHOW(set(0, -1));
    SHOW(set(0, 32768));
    SHOW(set(0, 32767));
    SHOW(set(4, 0));
    SHOW(set(-1, 0));
    SHOW(control(id, 4, GETVAL, NULL));
    SHOW(control(id, -1, GETNCNT, NULL));
    SHOW(control(id, 0, SETALL, v));
    values("set all");
    v[2] = 32768;
    SHOW(control(id, 0, SETALL, v));
    SHOW(control(id, 99, SETALL, BAD));
    SHOW(control(id, 99, GETALL, BAD));
    SHOW(control(id, 99, GETALL, v));
    SHOW(control(id, 0, 99, v));
    SHOW(control(-1, 0, GETVAL, v));
    SHOW(control(id | 1 << 30, 0, GETALL, v));
    SHOW(control(id | 1 << 30, 0, SETALL, v));
    SHOW(control(id, 0, IPC_STAT, BAD));
    SHOW(control(id, 0, IPC_SET, BAD));
    SHOW(control(id, 0, IPC_STAT | 0x100, v));
}

static void information(void)
{
    struct seminfo info;
    struct semid_ds d;
    SHOW(control(0, 0, IPC_INFO, &info) >= (id & 0x7fff));
    printf("semmap %d semmnu %d semume %d semusz %d semvmx %d semaem %d\n", info.semmap, info.semmnu, info.semume, info.semusz, info.semvmx,
           info.semaem);
    SHOW(control(0, 0, SEM_INFO, &info) >= (id & 0x7fff));
    SHOW(info.semusz >= 1 && info.semaem >= 4);
    SHOW(control(0, 0, SEM_INFO, BAD));
    SHOW(control(id & 0x7fff, 0, SEM_STAT, &d) == id);
    SHOW(d.sem_nsems);
    SHOW(control(id & 0x7fff, 0, SEM_STAT_ANY, &d) == id);
    d.sem_perm.mode = 07777;
    d.sem_perm.uid = 1000;
    SHOW(control(id, 0, IPC_SET, &d));
    SHOW(stat_of().sem_perm.mode);
    d.sem_perm.gid = (gid_t)-1;
    SHOW(control(id, 0, IPC_SET, &d));

    FILE *f = fopen("/proc/sysvipc/sem", "r");
    char line[256];
    int key, which;
    unsigned mode, n, uid;
    if (f && fgets(line, sizeof(line), f))
        printf("%s", line);
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "%d %d %o %u %u", &key, &which, &mode, &n, &uid) == 5 && which == id)
            printf("length %zu mode %o nsems %u uid %u\n", strlen(line), mode, n, uid);
    if (f)
        fclose(f);
}

/* ------------------------------------------------------------ waiting */

struct step {
    int number, op, more;      /* more: of semaphore 3, at the same time, 0 none */
    int order;
    long result;
    int error;
    pthread_t thread;
};
static int order;

static void *waiter(void *arg)
{
    struct step *s = arg;
    errno = 0;
    s->result = s->more ? operate(2, s->number, s->op, 0, 3, s->more, 0) : operate(1, s->number, s->op, 0);
    s->error = errno;
    s->order = __atomic_add_fetch(&order, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void start(struct step *s, long waiting)
{
    pthread_create(&s->thread, NULL, waiter, s);
    wait_for(s->number, s->op ? GETNCNT : GETZCNT, waiting);
}

static void end(const char *what, struct step *s)
{
    pthread_join(s->thread, NULL);
    printf("%s: %ld %s\n", what, s->result, s->result ? strerrorname_np(s->error) : "");
}

static void waiting(void)
{
    unsigned short zero[4] = {0};
    struct step a = {0, -1, 0, 0, 0, 0, 0}, b = {0, -1, 0, 0, 0, 0, 0}, c = {0, -3, 0, 0, 0, 0, 0}, z = {1, 0, 0, 0, 0, 0, 0};
    control(id, 0, SETALL, zero);
    start(&c, 1);
    start(&a, 2);
    start(&b, 3);
    SHOW(control(id, 0, GETNCNT, NULL));
    SHOW(control(id, 0, GETZCNT, NULL));
    SHOW(operate(1, 0, 1, 0));
    end("older small one", &a);
    SHOW(value(0));
    SHOW(control(id, 0, GETNCNT, NULL));
    SHOW(operate(1, 0, 3, 0));
    end("three", &c);
    SHOW(value(0));
    SHOW(control(id, 0, GETNCNT, NULL));
    SHOW(set(0, 1));
    end("by SETVAL", &b);
    SHOW(value(0));

    /* Zero, for an instant between two operations. */
    set(1, 2);
    start(&z, 1);
    struct step d = {1, -5, 0, 0, 0, 0, 0};
    start(&d, 1);
    SHOW(control(id, 1, GETZCNT, NULL));
    SHOW(operate(2, 1, -2, 0, 1, 2, 0));
    SHOW(control(id, 1, GETZCNT, NULL));
    SHOW(operate(1, 1, -2, 0));
    end("zero", &z);
    SHOW(operate(1, 1, 6, 0));
    end("five", &d);
    SHOW(value(1));

    /* Two semaphores at once: counted where it hangs. */
    struct step e = {2, -1, -1, 0, 0, 0, 0};
    start(&e, 1);
    SHOW(control(id, 3, GETNCNT, NULL));
    SHOW(operate(1, 2, 1, 0));
    SHOW(control(id, 2, GETNCNT, NULL));
    SHOW(control(id, 3, GETNCNT, NULL));
    SHOW(value(2));
    zero[3] = 1;
    zero[2] = 1;
    SHOW(control(id, 0, SETALL, zero));
    end("both", &e);
    values("after both");
}

/* Threads that queue up for one semaphore are served in their order. */
static void in_order(void)
{
    struct step s[8];
    unsigned short zero[4] = {0};
    control(id, 0, SETALL, zero);
    order = 0;
    for (int i = 0; i < 8; i++) {
        s[i] = (struct step){0, -1, 0, 0, 0, 0, 0};
        start(&s[i], i + 1);
    }
    for (int i = 0; i < 8; i++) {
        operate(1, 0, 1, 0);
        pthread_join(s[i].thread, NULL);
        printf("%d", s[i].order);
    }
    printf("\n");
}

static void on_signal(int signo)
{
}

static void interruption(void)
{
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct step s = {0, -1, 0, 0, 0, 0, 0};
    sigaction(SIGUSR1, &sa, NULL);
    set(0, 0);
    start(&s, 1);
    pthread_kill(s.thread, SIGUSR1);
    end("signal, though SA_RESTART", &s);
    SHOW(control(id, 0, GETNCNT, NULL));
    /* A later operation that is not to wait ends the call when it comes to it. */
    struct step w = {0, -1, 0, 0, 0, 0, 0};
    set(1, 0);
    start(&w, 1);
    SHOW(operate(1, 0, 1, 0));
    end("goes on", &w);
}

/* ------------------------------------------------------------ SEM_UNDO */

static char stack[65536];

static int undoer(void *arg)
{
    operate(1, 0, 5, SEM_UNDO);
    operate(2, 1, -1, SEM_UNDO, 2, 3, 0);
    operate(1, 0, -2, SEM_UNDO);
    if (arg)
        syscall(SYS_semctl, id, 1, SETVAL, 9);
    return 0;
}

static volatile int child_tid;

/* A thread with adjustments of its own, unless flags say otherwise. */
static void run_undoer(unsigned long flags, void *arg)
{
    int (*volatile f)(void *) = undoer;
    child_tid = 1;
    clone(f, stack + sizeof(stack), CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_CHILD_CLEARTID | (int)flags, arg, NULL,
          NULL, &child_tid);
    while (child_tid)
        sleep_ms(1);
}

static void *unsharer(void *arg)
{
    operate(1, 0, 7, SEM_UNDO);
    SHOW(unshare(CLONE_SYSVSEM));
    SHOW(value(0));
    operate(1, 0, 4, SEM_UNDO);
    SHOW(unshare(CLONE_SYSVSEM));
    SHOW(value(0));
    return NULL;
}

static void undo(void)
{
    unsigned short v[4] = {1, 1, 1, 1};
    struct step s = {1, -9, 0, 0, 0, 0, 0};
    control(id, 0, SETALL, v);
    run_undoer(0, NULL);
    values("undone");
    run_undoer(CLONE_SYSVSEM, NULL);
    values("shared: not undone");
    control(id, 0, SETALL, v);
    run_undoer(0, "");
    values("set meanwhile");
    control(id, 0, SETALL, v);
    SHOW(operate(1, 0, 32766, SEM_UNDO));
    SHOW(operate(1, 0, -32767, 0));
    SHOW(operate(1, 0, 2, SEM_UNDO));
    SHOW(value(0));
    SHOW(operate(1, 0, 3, SEM_UNDO));
    SHOW(value(0));
    control(id, 0, SETALL, v);
    pthread_t t;
    pthread_create(&t, NULL, unsharer, NULL);
    pthread_join(t, NULL);
    /* What is undone lets others go on. */
    set(1, 8);
    start(&s, 1);
    set(0, 0);
    set(2, 0);
    run_undoer(0, NULL);
    wait_for(1, GETNCNT, 1);
    operate(1, 1, 1, 0);
    end("after it", &s);
    values("end of undo");
}

/* ------------------------------------------------------------ permissions, removal */

static void *stranger(void *arg)
{
    struct semid_ds d = stat_of();
    unsigned short v[4];
    syscall(SYS_setresgid, 2002, 2002, 2002);
    syscall(SYS_setgroups, 0, NULL);
    syscall(SYS_setresuid, 2000, 2000, 2000);
    SHOW(operate(1, 0, 1, 0));
    SHOW(operate(1, 3, 0, IPC_NOWAIT));
    SHOW(operate(1, 9, 1, 0));
    SHOW(value(0) >= 0);
    SHOW(control(id, 9, GETVAL, NULL));
    SHOW(control(id, 0, GETALL, v));
    SHOW(control(id, 0, SETALL, BAD));
    SHOW(set(0, 1));
    SHOW(set(9, 1));
    SHOW(set(9, -1));
    SHOW(control(id, 0, IPC_SET, &d));
    SHOW(control(id, 0, IPC_RMID, NULL));
    return NULL;
}

static void in_thread(void *(*f)(void *))
{
    pthread_t t;
    pthread_create(&t, NULL, f, NULL);
    pthread_join(t, NULL);
}

#define ROUNDS 2000
static int counter;

static void *locker(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        operate(1, 0, -1, 0);
        int c = counter;
        if (i % 64 == 0)
            sched_yield();
        counter = c + 1;
        operate(1, 0, 1, i & 1 ? SEM_UNDO : 0);
        if (i & 1)
            operate(2, 0, -1, SEM_UNDO | IPC_NOWAIT, 0, 1, 0);
    }
    return NULL;
}

static void mutual_exclusion(void)
{
    pthread_t t[4];
    set(0, 1);
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, locker, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    SHOW(counter);
    SHOW(value(0));
}

static void removal(void)
{
    struct step s[2] = {{0, -1, 0, 0, 0, 0, 0}, {1, -1, 0, 0, 0, 0, 0}};
    set(0, 0);
    set(1, 0);
    start(&s[0], 1);
    start(&s[1], 1);
    SHOW(control(id, 0, IPC_RMID, NULL));
    end("removed", &s[0]);
    end("removed", &s[1]);
    SHOW(control(id, 0, IPC_RMID, NULL));
    SHOW(operate(1, 0, 1, 0));
    SHOW(semget(key_of(1), 0, 0));
    SHOW(value(0));
}

int main(void)
{
    struct semid_ds d;
    get();
    simple();
    information();
    waiting();
    in_order();
    interruption();
    undo();
    d = stat_of();
    d.sem_perm.mode = 0604;
    SHOW(control(id, 0, IPC_SET, &d));
    in_thread(stranger);
    d.sem_perm.mode = 0600;
    SHOW(control(id, 0, IPC_SET, &d));
    in_thread(stranger);
    mutual_exclusion();
    removal();
    return 0;
}
