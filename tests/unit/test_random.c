/* SPDX-License-Identifier: BSD-2-Clause */
/* The random generator. sources: kernel/random.c tests/unit/host.c */
#include <string.h>
#include "kernel/heap.h"
#include "kernel/random.h"
#include "platform/platform.h"
#include "tests/unit/test.h"

static unsigned device_requests;
static bool cpu_has_random;

void *kzalloc(size_t n)
{
    return calloc(1, n);
}

size_t platform_cpu_random(void *buf, size_t n)
{
    memset(buf, 0x5a, cpu_has_random ? n : 0);
    return cpu_has_random ? n : 0;
}

size_t platform_device_random(void *buf, size_t n)
{
    device_requests++;
    memset(buf, 0xc3, n);
    return n;
}

nsec_t platform_wall_base(void)
{
    return 12345;
}

/* RFC 8439, section 2.3.2. */
TEST(chacha20_block_of_the_rfc)
{
    u32 key[8];
    for (unsigned i = 0; i < 32; i++)
        ((u8 *)key)[i] = (u8)i;
    static const u8 nonce_bytes[12] = {0, 0, 0, 9, 0, 0, 0, 0x4a, 0, 0, 0, 0};
    static const u8 expected[64] = {
        0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4,
        0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22, 0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e,
        0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa, 0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2,
        0xb5, 0x12, 0x9c, 0xd1, 0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e};
    u32 nonce[3];
    u8 out[64];
    memcpy(nonce, nonce_bytes, 12);
    chacha20_block(key, 1, nonce, out);
    CHECK(!memcmp(out, expected, 64));
}

TEST(no_two_values_alike)
{
    static u64 seen[20000];
    host_percpu[0].irq_disable_depth = 1; /* as at boot */
    random_init();
    host_percpu[0].irq_disable_depth = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(seen); i++) {
        host_cpu = i % 3;
        seen[i] = random_u64();
    }
    host_cpu = 0;
    for (unsigned i = 0; i < 2000; i++)
        for (unsigned k = i + 1; k < ARRAY_SIZE(seen); k++)
            CHECK(seen[i] != seen[k]);
}

TEST(bits_are_balanced)
{
    static u8 bytes[100003];
    u64 ones = 0;
    random_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        ones += (u64)__builtin_popcount(bytes[i]);
    CHECK(ones > 398000 && ones < 402000);
    CHECK(bytes[100002] | bytes[100001] | bytes[100000] | bytes[99999]);
}

TEST(every_length)
{
    u8 bytes[600];
    for (size_t n = 0; n < 590; n++) {
        memset(bytes, 0, sizeof(bytes));
        random_bytes(bytes + 1, n);
        CHECK(!bytes[0] && !bytes[n + 1]);
    }
}

TEST(device_is_asked_when_the_cpu_has_none)
{
    device_requests = 0;
    host_percpu[0].irq_disable_depth = 1;
    random_init();
    random_u64();
    CHECK(!device_requests);
    host_percpu[0].irq_disable_depth = 0;
    random_u64();
    CHECK(device_requests == 1);
    random_u64();
    CHECK(device_requests == 1);
}

TEST(boot_does_not_wait_for_the_device)
{
    cpu_has_random = true;
    device_requests = 0;
    random_init();
    CHECK(!device_requests);
}
