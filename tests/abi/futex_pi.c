/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/* Priority-inheritance futexes: words, errors, hand-over, owner's death, requeue to PI, and that priority is lent. */
#include "abi.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

static uint32_t pi, cond, other;
static volatile int stage;

static long futex(void *uaddr, int op, uint32_t val, const void *timeout, void *uaddr2, uint32_t val3)
{
    return syscall(SYS_futex, uaddr, op | FUTEX_PRIVATE_FLAG, val, timeout, uaddr2, val3);
}

static int tid(void)
{
    return (int)syscall(SYS_gettid);
}

/* The word with my own or another's id made readable. */
static void show_word(const char *what, uint32_t word, int me, int it)
{
    uint32_t id = word & FUTEX_TID_MASK;
    printf("%s: %s%s%s\n", what, id == 0 ? "free" : (int)id == me ? "mine" : (int)id == it ? "its" : "strange",
           word & FUTEX_WAITERS ? " waiters" : "", word & FUTEX_OWNER_DIED ? " died" : "");
}

static void wait_stage(int n)
{
    while (stage < n)
        sleep_ms(1);
}

struct result { long value; int error, tid; uint32_t word; };

static void *locker(void *arg)
{
    struct result *r = arg;
    r->tid = tid();
    stage = 1;
    r->value = futex(&pi, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    r->error = errno;
    r->word = pi;
    stage = 2;
    wait_stage(3);
    errno = 0;
    CALL("locker unlocks", futex(&pi, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    return NULL;
}

static void *dies(void *arg)
{
    ((struct result *)arg)->tid = tid();
    if (futex(&pi, FUTEX_LOCK_PI, 0, NULL, NULL, 0))
        printf("first lock failed\n");
    stage = 1;
    wait_stage(2);
    sleep_ms(50);
    return NULL; /* holding the lock */
}

static void *holds(void *arg)
{
    ((struct result *)arg)->tid = tid();
    futex(&other, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    stage = 1;
    wait_stage(2);
    /* closes the circle: main holds pi and waits for other */
    sleep_ms(50);
    CALL("deadlock", futex(&pi, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    futex(&other, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    return NULL;
}

static void *cond_waiter(void *arg)
{
    struct result *r = arg;
    r->tid = tid();
    __atomic_add_fetch(&stage, 1, __ATOMIC_SEQ_CST);
    r->value = futex(&cond, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &pi, 0);
    r->error = errno;
    r->word = pi;
    int mine = (pi & FUTEX_TID_MASK) == (uint32_t)r->tid;
    if (mine)
        futex(&pi, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    printf("cond waiter: %ld, owns %d\n", r->value, mine);
    return NULL;
}

static void *plain_waiter(void *arg)
{
    stage = 1;
    ((struct result *)arg)->value = futex(&pi, FUTEX_WAIT, pi, NULL, NULL, 0);
    return NULL;
}

static void on_signal(int s)
{
    (void)s;
}

int main(void)
{
    struct timespec past = {1, 0};
    struct result r = {0}, r2 = {0}, r3 = {0};
    pthread_t t, t2, t3;
    int me = tid();

    SHOW(futex(&pi, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    SHOW(futex(&pi, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    show_word("locked", pi, me, 0);
    SHOW(futex(&pi, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    SHOW(futex(&pi, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
    SHOW(futex(&pi, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    show_word("unlocked", pi, me, 0);
    SHOW(futex(&pi, FUTEX_LOCK_PI2, 0, NULL, NULL, 0));
    SHOW(futex(&pi, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    SHOW(futex(&pi, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
    SHOW(futex(&pi, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    pi = 0x3ffffff0;
    SHOW(futex(&pi, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    SHOW(futex(&pi, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
    SHOW(futex(&pi, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    pi = FUTEX_OWNER_DIED;
    SHOW(futex(&pi, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    show_word("died before", pi, me, 0);
    SHOW(futex(&pi, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    pi = 0;
    SHOW(futex((char *)&pi + 2, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    SHOW(futex(BAD, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    SHOW(futex(BAD, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    SHOW(futex(&pi, FUTEX_LOCK_PI, 0, BAD, NULL, 0));

    /* Hand-over to a waiter. */
    futex(&pi, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    stage = 0;
    pthread_create(&t, NULL, locker, &r);
    wait_stage(1);
    sleep_ms(50);
    show_word("waited for", pi, me, r.tid);
    SHOW(futex(&pi, FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(futex(&pi, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    wait_stage(2);
    printf("lock: %ld\n", r.value);
    show_word("handed over", r.word, me, r.tid);
    SHOW(futex(&pi, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
    SHOW(futex(&pi, FUTEX_LOCK_PI, 0, &past, NULL, 0));
    SHOW(futex(&pi, FUTEX_LOCK_PI2, 0, &past, NULL, 0));
    SHOW(futex(&pi, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    stage = 3;
    pthread_join(t, NULL);
    show_word("at the end", pi, me, r.tid);

    /* The owner ends without unlocking. */
    stage = 0;
    pi = 0;
    pthread_create(&t, NULL, dies, &r);
    wait_stage(1);
    stage = 2;
    SHOW(futex(&pi, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    show_word("inherited", pi, me, r.tid);
    pthread_join(t, NULL);
    SHOW(futex(&pi, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    show_word("unlocked", pi, me, r.tid);

    /* Deadlock of two. */
    stage = 0;
    pi = other = 0;
    futex(&pi, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    pthread_create(&t, NULL, holds, &r);
    wait_stage(1);
    stage = 2;
    SHOW(futex(&other, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    pthread_join(t, NULL);
    show_word("other", other, me, r.tid);
    SHOW(futex(&other, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    SHOW(futex(&pi, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));

    /* A plain waiter where a PI lock is wanted. */
    pi = 0x3ffffff0;
    stage = 0;
    pthread_create(&t, NULL, plain_waiter, &r);
    wait_stage(1);
    sleep_ms(50);
    SHOW(futex(&pi, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    pi = (uint32_t)me;
    SHOW(futex(&pi, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    SHOW(futex(&pi, FUTEX_WAKE, 1, NULL, NULL, 0));
    pthread_join(t, NULL);

    /* Requeue: three waiters, one gets the lock at once, the others queue behind it. */
    pi = cond = 0;
    stage = 0;
    pthread_create(&t, NULL, cond_waiter, &r);
    pthread_create(&t2, NULL, cond_waiter, &r2);
    pthread_create(&t3, NULL, cond_waiter, &r3);
    wait_stage(3);
    sleep_ms(50);
    SHOW(futex(&cond, FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(futex(&cond, FUTEX_REQUEUE, 1, (void *)1, &other, 0));
    SHOW(futex(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, &other, 0));
    SHOW(futex(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, &pi, 1));
    futex(&pi, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    SHOW(futex(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, &pi, 0));
    futex(&pi, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    pthread_join(t, NULL);
    pthread_join(t2, NULL);
    pthread_join(t3, NULL);
    show_word("after requeue", pi, me, 0);

    pi = cond = 0;
    stage = 0;
    pthread_create(&t, NULL, cond_waiter, &r);
    wait_stage(1);
    sleep_ms(50);
    long taken = futex(&cond, FUTEX_CMP_REQUEUE_PI, 1, (void *)0, &pi, 0);
    pthread_join(t, NULL);
    printf("taken %ld\n", taken);

    /* A signal does not end LOCK_PI, and WAIT_REQUEUE_PI goes on too. */
    struct sigaction act = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &act, NULL);
    pi = 0;
    futex(&pi, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
    stage = 0;
    pthread_create(&t, NULL, locker, &r);
    wait_stage(1);
    sleep_ms(50);
    pthread_kill(t, SIGUSR1);
    sleep_ms(50);
    printf("still waits %d\n", stage == 1);
    futex(&pi, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
    wait_stage(2);
    stage = 3;
    pthread_join(t, NULL);
    printf("lock: %ld\n", r.value);
    return 0;
}
