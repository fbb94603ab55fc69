/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Record locks against a model of one owner and type a byte: taking, splitting, joining, changing, conflicts.
 * sources: fs/dentry.c fs/dentry_cache.c fs/notify.c fs/inode.c fs/path.c fs/path_of.c fs/mount.c fs/context.c fs/names.c fs/rename.c fs/open.c
 * sources: fs/file.c fs/io.c fs/fd_table.c fs/seek.c fs/anonymous.c fs/device.c fs/file_lock.c fs/tmpfs/super.c
 * sources: fs/tmpfs/directory.c fs/tmpfs/file.c fs/tmpfs/xattr.c kernel/memory_object.c kernel/ram_object.c
 * sources: kernel/region.c kernel/patch.c kernel/address_space.c kernel/address_space_map.c kernel/address_space_protect.c
 * sources: kernel/address_space_remap.c kernel/address_space_advise.c kernel/address_space_lock.c kernel/fault.c
 * sources: kernel/fault_anonymous.c kernel/fault_object.c kernel/zap.c
 * sources: kernel/ram_object_io.c kernel/ram_object_size.c kernel/lib/radix.c kernel/lib/rbtree.c kernel/page.c
 * sources: kernel/lib/printf.c platform/x86/paging.c tests/unit/memory_host.c tests/unit/vfs_host.c tests/unit/host.c
 */
#include "tests/unit/memory_host.h"
#include "tests/unit/test.h"
#include "tests/unit/vfs_host.h"

#define BYTES  40
#define OWNERS 3

/* What each owner holds of each byte: HOST_UNLOCKED, HOST_READ or HOST_WRITE. */
static int held[OWNERS][BYTES];

static bool conflicts(int owner, int start, int end, int type)
{
    for (int o = 0; o < OWNERS; o++)
        for (int at = start; o != owner && at < end; at++)
            if (held[o][at] == HOST_WRITE || (held[o][at] == HOST_READ && type == HOST_WRITE))
                return true;
    return false;
}

static void check_all(void)
{
    for (int o = 0; o < OWNERS; o++)
        for (int at = 0; at < BYTES; at++)
            for (int type = HOST_READ; type <= HOST_WRITE; type++)
                CHECK(host_lock_would_wait(o, at, 1, type) == conflicts(o, at, at + 1, type));
}

static void play(int steps, bool scarce)
{
    for (int k = 0; k < steps; k++) {
        int owner = (int)test_random(OWNERS), type = (int)test_random(3);
        int start = (int)test_random(BYTES), n = 1 + (int)test_random(BYTES - start);
        int want = type != HOST_UNLOCKED && conflicts(owner, start, start + n, type) ? -EAGAIN : 0;
        int got;

        host_kmalloc_budget = scarce ? 1 + test_random(3) : 0;
        got = host_lock(owner, start, n, type);
        host_kmalloc_budget = 0;
        if (scarce && got == -ENOLCK)
            continue;
        CHECK(got == want);
        for (int at = start; !got && at < start + n; at++)
            held[owner][at] = type;
        if (k % 50 == 0)
            check_all();
    }
    check_all();
}

TEST(record_locks_follow_the_model)
{
    host_vfs();
    host_lock_open(OWNERS);
    play(20000, false);
    play(5000, true);
}

/* Nothing overlaps and neighbours are joined: as few locks are left as the model has stretches. */
TEST(closing_drops_what_an_owner_holds)
{
    unsigned long before;

    for (int o = 0; o < OWNERS; o++)
        CHECK(host_lock(o, 0, BYTES, HOST_UNLOCKED) == 0);
    before = host_kmalloc_count;
    CHECK(host_lock(0, 0, 30, HOST_WRITE) == 0);
    CHECK(host_lock(0, 10, 10, HOST_READ) == 0);
    CHECK(host_kmalloc_count == before + 3);
    CHECK(host_lock(0, 10, 10, HOST_WRITE) == 0);
    CHECK(host_kmalloc_count == before + 1);
    CHECK(host_lock(1, 15, 1, HOST_READ) == -EAGAIN);
    host_lock_close(0);
    CHECK(host_lock(1, 15, 1, HOST_READ) == 0);
}
