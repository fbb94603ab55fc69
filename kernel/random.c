/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random numbers. A pool of 32 bytes takes what sources give (CPU instructions, timing, the host's device), mixed by the
 * ChaCha20 block function. Each CPU draws a key of its own from the pool and makes bytes with "fast key erasure": of every
 * buffer of keystream the first 32 bytes become the next key, and bytes are wiped as they are handed out, so that
 * nothing in memory tells what was given before.
 *
 * Boot waits for no source: the host's device is asked at the first request of a thread that may sleep, if the CPU
 * itself has no random numbers, else some time later.
 * Source: RFC 8439, section 2.3 (block function).
 */
#include "kernel/random.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/lock.h"

#define KEY_WORDS       8
#define BLOCK_SIZE      64
#define BUFFER_BLOCKS   4
#define RESEED_FIRST    NSEC_PER_SEC
#define RESEED_INTERVAL (300 * NSEC_PER_SEC)
#define JITTER_ROUNDS   512

struct generator {
    u32 key[KEY_WORDS];
    u8 buffer[BUFFER_BLOCKS * BLOCK_SIZE];
    u32 left;       /* unused bytes at the end of buffer */
    u32 generation; /* of the pool that key came from */
};

static struct spinlock lock = SPINLOCK_INIT(LOCK_DEVICE);
static u32 pool[KEY_WORDS];                     /* under lock */
static u32 generation;                          /* counts mixes; written under lock */
static nsec_t next_reseed;                      /* 0: at once; racy, a second reseed is harmless */
static struct generator boot_generator;
static struct generator *generators[MAX_CPUS];  /* each used by its CPU with preemption disabled */

static void quarter_round(u32 *x, int a, int b, int c, int d)
{
#define STEP(p, q, r, n)                    \
    x[p] += x[q];                           \
    x[r] ^= x[p];                           \
    x[r] = x[r] << (n) | x[r] >> (32 - (n))
    STEP(a, b, d, 16);
    STEP(c, d, b, 12);
    STEP(a, b, d, 8);
    STEP(c, d, b, 7);
#undef STEP
}

void chacha20_block(const u32 key[8], u32 counter, const u32 nonce[3], u8 out[64])
{
    u32 start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, x[16];
    memcpy(start + 4, key, 32);
    start[12] = counter;
    memcpy(start + 13, nonce, 12);
    memcpy(x, start, sizeof(x));
    for (int i = 0; i < 10; i++) {
        quarter_round(x, 0, 4, 8, 12);
        quarter_round(x, 1, 5, 9, 13);
        quarter_round(x, 2, 6, 10, 14);
        quarter_round(x, 3, 7, 11, 15);
        quarter_round(x, 0, 5, 10, 15);
        quarter_round(x, 1, 6, 11, 12);
        quarter_round(x, 2, 7, 8, 13);
        quarter_round(x, 3, 4, 9, 14);
    }
    for (int i = 0; i < 16; i++)
        x[i] += start[i];
    memcpy(out, x, 64);
}

/* Replaces the pool by a function of itself and up to 12 bytes. Under lock. */
static void pool_absorb(const void *data, size_t n)
{
    u32 nonce[3] = {0};
    u8 out[BLOCK_SIZE];
    memcpy(nonce, data, n);
    chacha20_block(pool, (u32)n, nonce, out);
    memcpy(pool, out, sizeof(pool));
}

void random_mix(const void *buf, size_t n)
{
    const char *p = buf;
    spin_lock_irq(&lock);
    while (n) {
        size_t k = MIN(n, 12ul);
        pool_absorb(p, k);
        p += k;
        n -= k;
    }
    WRITE_ONCE(generation, generation + 1);
    spin_unlock_irq(&lock);
}

/* Timing of loads and of the clock itself differs from run to run: the last resort. */
static void mix_jitter(void)
{
    u64 seen[4] = {0};
    for (unsigned i = 0; i < JITTER_ROUNDS; i++) {
        u64 t = platform_cycles();
        (void)platform_clock();
        seen[i & 3] = (seen[i & 3] << 7 | seen[i & 3] >> 57) ^ (platform_cycles() - t) ^ t;
    }
    random_mix(seen, sizeof(seen));
}

void random_init(void)
{
    struct {
        u8 cpu[32];
        u64 cycles, wall, here;
    } seed = {.cycles = platform_cycles(), .wall = platform_wall_base(), .here = (u64)&seed};
    size_t n = platform_cpu_random(seed.cpu, sizeof(seed.cpu));
    next_reseed = n == sizeof(seed.cpu) ? RESEED_FIRST : 0;
    random_mix(&seed, sizeof(seed));
    memset(&seed, 0, sizeof(seed));
    if (next_reseed == 0)
        mix_jitter();
    generators[this_cpu()->cpu] = &boot_generator;
}

/* Asks the host's device when it is time to and sleeping is allowed. */
static void reseed_if_due(void)
{
    nsec_t now = platform_clock();
    struct percpu *cpu = this_cpu();
    if (likely(now < READ_ONCE(next_reseed)) || cpu->irq_disable_depth || cpu->preempt_disable_depth)
        return;
    WRITE_ONCE(next_reseed, now + RESEED_INTERVAL);
    u8 bytes[64];
    size_t n = platform_device_random(bytes, 32);
    n += platform_cpu_random(bytes + n, sizeof(bytes) - n);
    if (n)
        random_mix(bytes, n);
    else
        mix_jitter();
    memset(bytes, 0, sizeof(bytes));
}

/* A key from the pool; the pool moves on so that it cannot be computed back. */
static void draw_key(struct generator *g)
{
    u8 out[BLOCK_SIZE];
    u32 nonce[3] = {0, 0, 1};
    u64 cycles = platform_cycles();
    spin_lock_irq(&lock);
    memcpy(nonce, &cycles, 8);
    chacha20_block(pool, ~0u, nonce, out);
    memcpy(pool, out, 32);
    g->generation = generation;
    spin_unlock_irq(&lock);
    memcpy(g->key, out + 32, 32);
    memset(out, 0, sizeof(out));
    g->left = 0;
}

static void refill(struct generator *g)
{
    static const u32 nonce[3];
    if (g->generation != READ_ONCE(generation))
        draw_key(g);
    for (u32 i = 0; i < BUFFER_BLOCKS; i++)
        chacha20_block(g->key, i, nonce, g->buffer + i * BLOCK_SIZE);
    memcpy(g->key, g->buffer, sizeof(g->key));
    memset(g->buffer, 0, sizeof(g->key));
    g->left = sizeof(g->buffer) - sizeof(g->key);
}

/* Preemption disabled. NULL while there is no memory for this CPU's own. */
static struct generator *this_generator(void)
{
    u32 cpu = this_cpu()->cpu;
    if (unlikely(!generators[cpu]))
        generators[cpu] = kzalloc(sizeof(struct generator));
    return generators[cpu];
}

/* At most one buffer's worth: preemption is off meanwhile. */
static bool take(u8 *to, size_t n)
{
    preempt_disable();
    struct generator *g = this_generator();
    if (g) {
        if (g->left < n || g->generation != READ_ONCE(generation))
            refill(g);
        u8 *from = g->buffer + sizeof(g->buffer) - g->left;
        memcpy(to, from, n);
        memset(from, 0, n);
        g->left -= (u32)n;
    }
    preempt_enable();
    return g;
}

/* One block straight from a key drawn for it: slow, needs no generator. */
static void take_from_pool(u8 *to, size_t n)
{
    struct generator g;
    draw_key(&g);
    refill(&g);
    memcpy(to, g.buffer + sizeof(g.key), n);
    memset(&g, 0, sizeof(g));
}

void random_bytes(void *buf, size_t n)
{
    reseed_if_due();
    for (u8 *to = buf; n;) {
        size_t k = MIN(n, (size_t)(BUFFER_BLOCKS - 1) * BLOCK_SIZE);
        if (!take(to, k))
            take_from_pool(to, k);
        to += k;
        n -= k;
    }
}

u64 random_u64(void)
{
    u64 v;
    random_bytes(&v, sizeof(v));
    return v;
}
