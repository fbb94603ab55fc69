/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/* Robust futexes: a thread ends while it owns locks; pthread's robust mutexes, and the raw list. */
#include "abi.h"
#include <linux/futex.h>
#include <pthread.h>

static pthread_mutex_t robust, robust_pi;
static struct lock { struct robust_list link; uint32_t word; } locks[4];
static struct robust_list_head head;

static void *takes(void *m)
{
    CALL("lock", pthread_mutex_lock(m));
    return NULL;
}

static void try_robust(pthread_mutex_t *m, int protocol)
{
    pthread_mutexattr_t a;
    pthread_t t;
    pthread_mutexattr_init(&a);
    pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setprotocol(&a, protocol);
    pthread_mutex_init(m, &a);
    pthread_create(&t, NULL, takes, m);
    pthread_join(t, NULL);
    CALL("lock after death", pthread_mutex_lock(m));
    CALL("consistent", pthread_mutex_consistent(m));
    CALL("unlock", pthread_mutex_unlock(m));
    pthread_create(&t, NULL, takes, m);
    pthread_join(t, NULL);
    CALL("lock after death", pthread_mutex_lock(m));
    CALL("unlock without consistent", pthread_mutex_unlock(m));
    CALL("lock", pthread_mutex_lock(m));
}

static volatile int ready;

static void *waits(void *m)
{
    ready = 1;
    CALL("waiter's lock", pthread_mutex_lock(m));
    pthread_mutex_consistent(m);
    CALL("waiter's unlock", pthread_mutex_unlock(m));
    return NULL;
}

static void *holds_a_while(void *m)
{
    pthread_mutex_lock(m);
    ready = 2;
    sleep_ms(100);
    return NULL;
}

static void with_waiter(pthread_mutex_t *m, int protocol)
{
    pthread_mutexattr_t a;
    pthread_t t, w;
    pthread_mutexattr_init(&a);
    pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setprotocol(&a, protocol);
    pthread_mutex_init(m, &a);
    ready = 0;
    pthread_create(&t, NULL, holds_a_while, m);
    while (ready != 2)
        sleep_ms(1);
    pthread_create(&w, NULL, waits, m);
    pthread_join(t, NULL);
    pthread_join(w, NULL);
}

static void *raw(void *arg)
{
    uint32_t me = (uint32_t)syscall(SYS_gettid);
    (void)arg;
    head.futex_offset = offsetof(struct lock, word);
    head.list.next = &locks[0].link;
    locks[0].link.next = &locks[1].link;
    locks[1].link.next = &locks[2].link;
    locks[2].link.next = &head.list;
    locks[0].word = me;
    locks[1].word = me | FUTEX_WAITERS;
    locks[2].word = 1234567; /* someone else's */
    locks[3].word = me;
    head.list_op_pending = &locks[3].link;
    SHOW(syscall(SYS_set_robust_list, &head, sizeof(head)));
    syscall(SYS_exit, 0);
    return NULL;
}

static void show(uint32_t w)
{
    printf("word: %s%s%u\n", w & FUTEX_WAITERS ? "waiters " : "", w & FUTEX_OWNER_DIED ? "died " : "",
           w & FUTEX_TID_MASK);
}

static void *broken(void *arg)
{
    syscall(SYS_set_robust_list, arg, sizeof(head));
    syscall(SYS_exit, 0);
    return NULL;
}

int main(void)
{
    pthread_t t;
    try_robust(&robust, PTHREAD_PRIO_NONE);
    try_robust(&robust_pi, PTHREAD_PRIO_INHERIT);
    with_waiter(&robust, PTHREAD_PRIO_NONE);
    with_waiter(&robust_pi, PTHREAD_PRIO_INHERIT);
    pthread_create(&t, NULL, raw, NULL);
    pthread_join(t, NULL);
    for (int i = 0; i < 4; i++)
        show(locks[i].word);
    /* Lists that lead nowhere must not hurt anybody. */
    static struct robust_list_head circle, wild, odd;
    static struct robust_list a, b;
    a.next = &b;
    b.next = &a;
    circle.list.next = &a;
    circle.futex_offset = 64;
    wild.list.next = BAD;
    odd.list.next = (struct robust_list *)((char *)&a + 3);
    void *lists[] = {&circle, &wild, &odd, BAD, (void *)-8l};
    for (unsigned i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        pthread_create(&t, NULL, broken, lists[i]);
        CALL("join", pthread_join(t, NULL));
    }
    return 0;
}
