/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futex buckets: keys spread, waiters in order, what a wake leaves behind.
 * sources: kernel/futex_queue.c kernel/run_queue.c kernel/lib/rbtree.c
 */
#define _SYS_TYPES_H 1 /* its types are the kernel headers' here, and differ */
#include <linux/sched.h>
#include <string.h>
#include "kernel/address_space.h"
#include "kernel/futex_internal.h"
#include "kernel/user.h"
#include "tests/unit/test.h"

static struct thread *woken[64];
static unsigned woken_count;

void spin_init(struct spinlock *l, enum lock_class cls) { *l = (struct spinlock){0}; }
void spin_wait(struct spinlock *l) { CHECK(!"a lock is taken twice"); }
void preempt_check(void) {}
void thread_get(struct thread *t) { t->refs++; }
void thread_put(struct thread *t) { t->refs--; }
bool thread_wake(struct thread *t) { woken[woken_count++] = t; return true; }
int copy_from_user(void *to, const void *from, size_t n) { return -EFAULT; }
int platform_cmpxchg_user_u32(u32 *p, u32 old, u32 new, u32 *seen) { return -EFAULT; }
void rwlock_read_lock(struct rwlock *l) {}
void rwlock_read_unlock(struct rwlock *l) {}
struct region *region_find(struct address_space *as, vaddr_t address) { return NULL; }
void memory_object_get(struct memory_object *o) {}

static struct thread threads[40];

static void setup(void)
{
    memset(threads, 0, sizeof(threads));
    woken_count = 0;
    futex_init();
    this_cpu()->current = &threads[0];
}

static void enqueue(struct futex_waiter *w, unsigned thread, const struct futex_key *key)
{
    this_cpu()->current = &threads[thread];
    futex_waiter_init(w, key);
    struct futex_bucket *b = futex_bucket_of(key);
    spin_lock(&b->lock);
    futex_enqueue(b, w);
    spin_unlock(&b->lock);
}

TEST(keys_spread_over_buckets)
{
    static unsigned count[4096];
    setup();
    struct futex_key base = {0x680000123400, 0};
    struct futex_bucket *first = futex_bucket_of(&base), *low = first;
    const unsigned strides[] = {4, 8, 40, 64, 4096, 4160, 8 << 20};
    for (unsigned s = 0; s < ARRAY_SIZE(strides); s++) {
        struct futex_bucket *seen[1024];
        unsigned distinct = 0;
        for (unsigned i = 0; i < 1024; i++) {
            struct futex_key k = {base.space, 0x7f1234560000 + (u64)i * strides[s]};
            seen[i] = futex_bucket_of(&k);
            low = seen[i] < low ? seen[i] : low;
        }
        memset(count, 0, sizeof(count));
        unsigned most = 0;
        for (unsigned i = 0; i < 1024; i++) {
            unsigned n = (unsigned)(seen[i] - low);
            CHECK(n < ARRAY_SIZE(count));
            distinct += count[n]++ == 0;
            most = MAX(most, count[n]);
        }
        CHECK(distinct > 100); /* of 256; 1024 keys at random would find 251 */
        CHECK(most < 40);
    }
}

TEST(arrival_and_priority_order)
{
    setup();
    struct futex_key key = {1 << 12, 0x1000};
    struct futex_waiter w[6];
    for (unsigned i = 0; i < 3; i++)
        enqueue(&w[i], i, &key);
    threads[3].policy = SCHED_FIFO;
    threads[3].priority = 10;
    threads[4].policy = SCHED_FIFO;
    threads[4].priority = 20;
    threads[5].policy = SCHED_RR;
    threads[5].priority = 10;
    for (unsigned i = 3; i < 6; i++)
        enqueue(&w[i], i, &key);
    const unsigned order[] = {4, 3, 5, 0, 1, 2};
    unsigned n = 0;
    struct futex_waiter *x;
    list_for_each(x, &futex_bucket_of(&key)->waiters, link)
        CHECK(x->thread == &threads[order[n++]]);
    CHECK(n == 6);
}

TEST(wakes_more_than_a_batch)
{
    setup();
    struct futex_key key = {1 << 12, 0x2000};
    static struct futex_waiter w[40];
    struct wake_batch batch;
    wake_batch_begin(&batch);
    for (unsigned i = 0; i < 40; i++)
        enqueue(&w[i], i, &key);
    struct futex_bucket *b = futex_bucket_of(&key);
    for (unsigned i = 0; i < 40; i++)
        futex_wake_waiter(&w[i], &batch);
    wake_batch_flush(&batch);
    CHECK(woken_count == 40 && list_empty(&b->waiters));
    for (unsigned i = 0; i < 40; i++)
        CHECK(w[i].woken && threads[i].refs == 0 && !futex_unqueue(&w[i]));
}

TEST(unqueue_of_one_that_waits)
{
    setup();
    struct futex_key key = {1 << 12, 0x3000};
    struct futex_waiter w[2];
    enqueue(&w[0], 0, &key);
    enqueue(&w[1], 1, &key);
    CHECK(futex_unqueue(&w[0]));
    CHECK(list_first(&futex_bucket_of(&key)->waiters, struct futex_waiter, link) == &w[1]);
}

TEST(keys_of_bad_addresses)
{
    struct futex_key key;
    setup();
    CHECK(futex_key_get((u32 *)0x1001, false, &key, NULL) == -EINVAL);
    CHECK(futex_key_get((u32 *)USER_SPACE_END, false, &key, NULL) == -EFAULT);
    CHECK(futex_key_get((u32 *)KERNEL_SPACE_START, false, &key, NULL) == -EFAULT);
    CHECK(futex_key_get((u32 *)0x1000, true, &key, NULL) == -EFAULT);
    CHECK(futex_key_get((u32 *)0x10000, false, &key, NULL) == 0 && key.offset == 0x10000);
}
