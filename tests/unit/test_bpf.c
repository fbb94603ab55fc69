/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters of seccomp(2) and of sockets: what the checker refuses, what programs compute, and random ones. sources: kernel/lib/bpf.c */
#include <linux/seccomp.h>
#include <string.h>
#include "kernel/lib/bpf.h"
#include "tests/unit/test.h"

#define SIZE sizeof(struct seccomp_data)
#define WORDS (SIZE / sizeof(u32))
#define RETURN_A BPF_STMT(BPF_RET | BPF_A, 0)

static u32 data[WORDS];

static int check(const struct sock_filter *f, size_t n)
{
    u16 *scratch = malloc(n * sizeof(*scratch));
    int error = bpf_check(f, n, SIZE, scratch);
    free(scratch);
    return error;
}

#define VALUE(expected, ...)                                        \
    do {                                                            \
        struct sock_filter f[] = {__VA_ARGS__, RETURN_A};           \
        CHECK(check(f, sizeof(f) / sizeof(f[0])) == 0);             \
        CHECK(bpf_run(f, data, SIZE, SIZE) == (u32)(expected));     \
    } while (0)
#define WRONG(...)                                                  \
    do {                                                            \
        struct sock_filter f[] = {__VA_ARGS__};                     \
        CHECK(check(f, sizeof(f) / sizeof(f[0])) == -EINVAL);       \
    } while (0)
#define A(value) BPF_STMT(BPF_LD | BPF_IMM, (u32)(value))
#define X(value) BPF_STMT(BPF_LDX | BPF_IMM, (u32)(value))
#define ALU(op, value) BPF_STMT(BPF_ALU | BPF_##op | BPF_K, (u32)(value))
#define ALU_X(op) BPF_STMT(BPF_ALU | BPF_##op | BPF_X, 0)

TEST(values)
{
    for (u32 i = 0; i < WORDS; i++)
        data[i] = 0x1000000 * i + 7;
    VALUE(0, ALU(ADD, 0));
    VALUE(0x3000007, BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 12));
    VALUE(SIZE, BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0));
    VALUE(SIZE, BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_MISC | BPF_TXA, 0));
    VALUE(-3, A(2), ALU(SUB, 5));
    VALUE(-2, A(2), BPF_STMT(BPF_ALU | BPF_NEG, 0));
    VALUE(0, A(0x80000000), ALU(MUL, 2));
    VALUE(0x7fffffff, A(-1), ALU(DIV, 2));
    VALUE(0xf0, A(0xff), ALU(AND, 0xf0));
    VALUE(0xff, A(0x0f), ALU(OR, 0xf0));
    VALUE(0x5a, A(0xa5), ALU(XOR, 0xff));
    VALUE(1u << 31, A(1), ALU(LSH, 31));
    VALUE(1, A(0x80000000), ALU(RSH, 31));
    VALUE(2, A(1), X(33), ALU_X(LSH));
    VALUE(0, A(9), X(0), ALU_X(DIV), A(5)); /* ends there */
    VALUE(3, A(9), X(3), ALU_X(DIV));
    VALUE(12, A(9), X(3), ALU_X(ADD));
    VALUE(9, A(9), BPF_STMT(BPF_ST, 15), A(1), BPF_STMT(BPF_LD | BPF_MEM, 15));
    VALUE(4, X(4), BPF_STMT(BPF_STX, 0), BPF_STMT(BPF_LD | BPF_MEM, 0));
    VALUE(6, A(6), BPF_STMT(BPF_MISC | BPF_TAX, 0), A(0), BPF_STMT(BPF_MISC | BPF_TXA, 0));
    VALUE(1, A(5), BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 5, 1, 0), RETURN_A, A(1));
    VALUE(5, A(5), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 5, 1, 0), RETURN_A, A(1));
    VALUE(1, A(5), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 4, 1, 0), RETURN_A, A(1));
    VALUE(5, A(5), X(-1), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_X, 0, 1, 0), RETURN_A, A(1)); /* unsigned */
    VALUE(2, A(2), BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0), A(3));
    /* No further than `readable`. */
    struct sock_filter far[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 8), BPF_STMT(BPF_RET | BPF_K, 1)};
    CHECK(bpf_run(far, data, SIZE, SIZE) == 1);
    CHECK(bpf_run(far, data, SIZE, 8) == 0);
    CHECK(bpf_run(far, data, SIZE, 12) == 1);
}

TEST(refusals)
{
    WRONG(A(1));
    WRONG(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 1), RETURN_A);
    WRONG(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SIZE), RETURN_A);
    WRONG(BPF_STMT(BPF_LD | BPF_MEM, 1), RETURN_A);
    WRONG(BPF_STMT(BPF_ST, 16), RETURN_A);
    WRONG(BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0), RETURN_A);
    WRONG(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), RETURN_A);
    WRONG(ALU(DIV, 0), RETURN_A);
    WRONG(ALU(RSH, 32), RETURN_A);
    CHECK(check(NULL, 0) == -EINVAL);
    static struct sock_filter many[BPF_MAXINSNS + 1];
    for (int i = 0; i <= BPF_MAXINSNS; i++)
        many[i] = (struct sock_filter)RETURN_A;
    CHECK(check(many, BPF_MAXINSNS) == 0);
    CHECK(check(many, BPF_MAXINSNS + 1) == -EINVAL);
}

static int check_packet(const struct sock_filter *f, size_t n)
{
    u16 *scratch = malloc(n * sizeof(*scratch));
    int error = bpf_check_packet(f, n, scratch);
    free(scratch);
    return error;
}

static const u8 head[4] = {0x45, 1, 2, 3}, rest[4] = {4, 5, 6, 0xff};
static const struct bpf_packet packet = {.head = head, .rest = rest, .head_length = 4, .rest_length = 4, .network = 2, .protocol = 0x800, .type = 4, .interface = 2, .hardware = 772};

#define PACKET(expected, ...)                                         \
    do {                                                              \
        struct sock_filter f[] = {__VA_ARGS__, RETURN_A};             \
        CHECK(check_packet(f, sizeof(f) / sizeof(f[0])) == 0);        \
        CHECK(bpf_run_packet(f, &packet) == (u32)(expected));         \
    } while (0)
#define LOAD(size, mode, at) BPF_STMT(BPF_LD | BPF_##size | BPF_##mode, (u32)(at))

TEST(packets)
{
    PACKET(0x45010203, LOAD(W, ABS, 0));
    PACKET(0x03040506, LOAD(W, ABS, 3));
    PACKET(0x0304, LOAD(H, ABS, 3));
    PACKET(0xff, LOAD(B, ABS, 7));
    PACKET(0, A(9), LOAD(B, ABS, 8)); /* outside: the end */
    PACKET(0, A(9), LOAD(W, ABS, 5));
    PACKET(0x06ff, X(2), LOAD(H, IND, 4));
    PACKET(0x06ff, X(-1), LOAD(H, IND, 7)); /* sums wrap */
    PACKET(0, X(4), A(1), LOAD(W, IND, 4));
    PACKET(8, BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0));
    PACKET(20, BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), BPF_STMT(BPF_MISC | BPF_TXA, 0));
    PACKET(0x0203, LOAD(H, ABS, SKF_NET_OFF));
    PACKET(0x4501, LOAD(H, ABS, SKF_LL_OFF));
    PACKET(0, A(3), LOAD(H, ABS, SKF_NET_OFF + 6));
    PACKET(0x800, LOAD(W, ABS, SKF_AD_OFF + SKF_AD_PROTOCOL));
    PACKET(4, LOAD(W, ABS, SKF_AD_OFF + SKF_AD_PKTTYPE));
    PACKET(2, LOAD(W, ABS, SKF_AD_OFF + SKF_AD_IFINDEX));
    PACKET(772, LOAD(H, ABS, SKF_AD_OFF + SKF_AD_HATYPE));
    PACKET(0x5a, A(0xa5), X(0xff), LOAD(B, ABS, SKF_AD_OFF + SKF_AD_ALU_XOR_X));
    PACKET(2, A(17), ALU(MOD, 5));
    PACKET(0, A(17), X(0), ALU_X(MOD), A(1));
    struct sock_filter wrong[][2] = {{LOAD(W, ABS, SKF_AD_OFF + SKF_AD_NLATTR), RETURN_A},
                                     {LOAD(W, ABS, -1), RETURN_A},
                                     {ALU(MOD, 0), RETURN_A},
                                     {BPF_STMT(BPF_LDX | BPF_W | BPF_MSH, 0), RETURN_A},
                                     {BPF_STMT(BPF_LDX | BPF_H | BPF_ABS, 0), RETURN_A}};
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CHECK(check_packet(wrong[i], 2) == -EINVAL);
    /* Those of packets alone. */
    WRONG(ALU(MOD, 2), RETURN_A);
    WRONG(LOAD(H, ABS, 0), RETURN_A);
    WRONG(LOAD(W, IND, 0), RETURN_A);
    CHECK(bpf_check(wrong[0], 2, 0, NULL) == -EINVAL);
}

/* What the checker lets through runs without a look at anything else, and ends: sanitizers and the clock are the judges. */
TEST(random_programs)
{
    static const u16 codes[] = {
        BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_IMM, BPF_LDX | BPF_IMM, BPF_ST, BPF_STX, BPF_LD | BPF_MEM, BPF_LDX | BPF_MEM,
        BPF_JMP | BPF_JA, BPF_JMP | BPF_JEQ | BPF_K, BPF_JMP | BPF_JGT | BPF_X, BPF_JMP | BPF_JSET | BPF_K, BPF_ALU | BPF_DIV | BPF_X,
        BPF_LD | BPF_H | BPF_ABS, BPF_LD | BPF_B | BPF_IND, BPF_LDX | BPF_B | BPF_MSH, BPF_ALU | BPF_MOD | BPF_X,
        BPF_ALU | BPF_LSH | BPF_X, BPF_ALU | BPF_NEG, BPF_MISC | BPF_TAX, BPF_MISC | BPF_TXA, BPF_RET | BPF_K,
    };
    unsigned good = 0, packets = 0;
    srandom(1);
    for (int round = 0; round < 300000; round++) {
        size_t n = (size_t)random() % 12 + 1;
        struct sock_filter *f = malloc(n * sizeof(*f));
        for (size_t i = 0; i < n; i++) {
            bool wild = random() % 64 == 0;
            f[i].code = wild ? (u16)random() : codes[(size_t)random() % (sizeof(codes) / sizeof(codes[0]))];
            f[i].k = random() % 16 ? (u32)random() % 8 * (random() % 2 ? 1 : 4) : (u32)random() * 3;
            f[i].jt = (u8)(random() % 4);
            f[i].jf = (u8)(random() % 4);
        }
        if (random() % 8)
            f[n - 1] = (struct sock_filter)RETURN_A;
        if (!check(f, n)) {
            u32 *copy = malloc(SIZE);
            memcpy(copy, data, SIZE);
            good++;
            bpf_run(f, copy, SIZE, SIZE);
            free(copy);
        }
        if (!check_packet(f, n)) {
            packets++;
            bpf_run_packet(f, &packet);
        }
        free(f);
    }
    CHECK(good > 1000);
    CHECK(packets > good);
}
