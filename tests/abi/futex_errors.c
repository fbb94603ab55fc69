/* SPDX-License-Identifier: BSD-2-Clause */
/* futex(2): results of every operation that does not sleep, and every error. */
#include "abi.h"
#include <linux/futex.h>
#include <sys/mman.h>

static uint32_t word, word2;

static long futex(void *uaddr, int op, uint32_t val, const void *timeout, void *uaddr2, uint32_t val3)
{
    return syscall(SYS_futex, uaddr, op, val, timeout, uaddr2, val3);
}

#define F(op, ...) CALL(#op " " #__VA_ARGS__, futex(&word, op, __VA_ARGS__))
#define AT(addr, op, ...) CALL(#addr " " #op " " #__VA_ARGS__, futex(addr, op, __VA_ARGS__))
#define N (void *)0l
#define COUNT(n) (void *)(long)(n)

int main(void)
{
    struct timespec zero = {0, 0}, negative = {-1, 0}, bad_ns = {0, 1000000000}, soon = {0, 1000000}, past = {1, 0};
    char *odd = (char *)&word + 1;
    char *page = mmap(0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *readonly = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *fresh = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    for (int private = 0; private <= FUTEX_PRIVATE_FLAG; private += FUTEX_PRIVATE_FLAG) {
        printf("private %d\n", private != 0);
        F(FUTEX_WAIT | private, 1, N, N, 0);
        F(FUTEX_WAIT | private, 0, &zero, N, 0);
        F(FUTEX_WAIT | private, 0, &soon, N, 0);
        F(FUTEX_WAIT | private, 0, &negative, N, 0);
        F(FUTEX_WAIT | private, 0, &bad_ns, N, 0);
        F(FUTEX_WAIT | private, 0, BAD, N, 0);
        F(FUTEX_WAIT | FUTEX_CLOCK_REALTIME | private, 0, &soon, N, 0);
        F(FUTEX_WAIT_BITSET | private, 0, &past, N, 1);
        F(FUTEX_WAIT_BITSET | private, 0, &past, N, 0);
        F(FUTEX_WAIT_BITSET | private | FUTEX_CLOCK_REALTIME, 0, &past, N, -1);
        F(FUTEX_WAIT_BITSET | private, 7, &past, N, -1);
        AT(odd, FUTEX_WAIT | private, 0, &soon, N, 0);
        AT(BAD, FUTEX_WAIT | private, 0, &soon, N, 0);
        AT(page, FUTEX_WAIT | private, 0, &soon, N, 0);
        AT(readonly, FUTEX_WAIT | private, 0, &soon, N, 0);
        AT(readonly, FUTEX_WAIT | private, 1, &soon, N, 0);
        AT(fresh, FUTEX_WAIT | private, 0, &soon, N, 0);
        AT(shared, FUTEX_WAIT | private, 0, &soon, N, 0);
        AT((void *)0x800000000000, FUTEX_WAIT | private, 0, &soon, N, 0);
        AT((void *)-4096l, FUTEX_WAIT | private, 0, &soon, N, 0);
        F(FUTEX_WAKE | private, 1, N, N, 0);
        F(FUTEX_WAKE | private, 0, N, N, 0);
        F(FUTEX_WAKE | private, -1, N, N, 0);
        F(FUTEX_WAKE | FUTEX_CLOCK_REALTIME | private, 1, N, N, 0);
        F(FUTEX_WAKE_BITSET | private, 1, N, N, 0);
        F(FUTEX_WAKE_BITSET | private, 1, N, N, 5);
        AT(odd, FUTEX_WAKE | private, 1, N, N, 0);
        AT(BAD, FUTEX_WAKE | private, 1, N, N, 0);
        AT(readonly, FUTEX_WAKE | private, 1, N, N, 0);
        AT((void *)-4096l, FUTEX_WAKE | private, 1, N, N, 0);
        F(FUTEX_REQUEUE | private, 1, COUNT(1), &word2, 0);
        F(FUTEX_REQUEUE | private, -1, COUNT(1), &word2, 0);
        F(FUTEX_REQUEUE | private, 1, COUNT(-1), &word2, 0);
        F(FUTEX_REQUEUE | private, 1, COUNT(1), odd, 0);
        F(FUTEX_CMP_REQUEUE | private, 1, COUNT(1), &word2, 0);
        F(FUTEX_CMP_REQUEUE | private, 1, COUNT(1), &word2, 1);
        F(FUTEX_CMP_REQUEUE | private, 1, COUNT(1), &word, 0);
        AT(page, FUTEX_CMP_REQUEUE | private, 1, COUNT(1), &word2, 0);
        for (int op = 0; op < 6; op++)
            for (int cmp = 0; cmp < 7; cmp++) {
                char what[80];
                word2 = 5;
                long r = futex(&word, FUTEX_WAKE_OP | private, 1, COUNT(1), &word2, FUTEX_OP(op, 3, cmp, 5));
                snprintf(what, sizeof(what), "wake_op %d %d word %u", op, cmp, word2);
                abi_show(what, r, errno);
            }
        word2 = 0xfffffff0;
        F(FUTEX_WAKE_OP | private, 1, COUNT(1), &word2, FUTEX_OP(FUTEX_OP_ADD, 0xfff, FUTEX_OP_CMP_LT, 0));
        printf("word2 %#x\n", word2);
        word2 = 0;
        F(FUTEX_WAKE_OP | private, 1, COUNT(1), &word2, FUTEX_OP((FUTEX_OP_OR | 8u), 12, FUTEX_OP_CMP_EQ, 0));
        printf("word2 %#x\n", word2);
        F(FUTEX_WAKE_OP | private, 1, COUNT(1), readonly, FUTEX_OP(FUTEX_OP_OR, 1, FUTEX_OP_CMP_EQ, 0));
        F(FUTEX_WAKE_OP | private, 1, COUNT(1), BAD, FUTEX_OP(FUTEX_OP_OR, 1, FUTEX_OP_CMP_EQ, 0));
        F(FUTEX_WAKE_OP | private, 1, COUNT(1), odd, FUTEX_OP(FUTEX_OP_OR, 1, FUTEX_OP_CMP_EQ, 0));
        F(FUTEX_FD | private, 1, N, N, 0);
        F(14 | private, 1, N, N, 0);
        F(100 | private, 1, N, N, 0);
        F(FUTEX_CMP_REQUEUE_PI | private, 1, COUNT(1), &word2, 0);
        F(FUTEX_CMP_REQUEUE_PI | private, 0, COUNT(1), &word2, 0);
        F(FUTEX_CMP_REQUEUE_PI | private, 2, COUNT(1), &word2, 0);
        F(FUTEX_CMP_REQUEUE_PI | private, 1, COUNT(1), &word, 0);
        F(FUTEX_CMP_REQUEUE_PI | private, 1, COUNT(1), &word2, 9);
        F(FUTEX_WAIT_REQUEUE_PI | private, 0, &past, &word, 0);
        F(FUTEX_WAIT_REQUEUE_PI | private, 0, &past, &word2, 0);
        F(FUTEX_WAIT_REQUEUE_PI | private, 1, &past, &word2, 0);
        F(FUTEX_WAIT_REQUEUE_PI | private | FUTEX_CLOCK_REALTIME, 0, &past, &word2, 0);
        F(FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME | private, 0, &past, N, 0);
    }
    SHOW(syscall(SYS_set_robust_list, &word, 23));
    SHOW(syscall(SYS_set_robust_list, &word, 25));
    SHOW(syscall(SYS_get_robust_list, 999999, &word, &word));
    SHOW(syscall(SYS_get_robust_list, 0, BAD, BAD));
    void *head = 0;
    size_t size = 0;
    SHOW(syscall(SYS_get_robust_list, 0, &head, &size));
    printf("size %zu head %s\n", size, head ? "set" : "none");
    return 0;
}
