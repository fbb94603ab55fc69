/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A test of platform/x86 by itself: a kernel of one file that runs small programs, page faults,
 * timers and inter-processor interrupts on every CPU and looks that nothing is lost. Its last line
 * is "SUCCESS", or "FAILED: why". Run by tests/platform/run.sh.
 */
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/lock.h"
#include "kernel/log.h"
#include "platform/platform.h"
#include "platform/x86/io.h"

#define CODE_VA  0x400000000000ul
#define DATA_VA  0x500000000000ul /* + thread number * 64 KiB: data page, stack page */
#define LAZY_VA  0x300000000000ul
#define SHARED_VA 0x310000000000ul
#define THREADS  24

extern char program_start[], program_end[], program_registers[], program_quiet[], program_faults[],
    program_gs[];

/* A thread of the test: struct thread_cpu first, as platform/x86 expects. */
struct test_thread {
    struct thread_cpu cpu;
    unsigned number, home; /* CPU it runs on */
    vaddr_t entry;
    u64 loops, calls;
    bool done;
    u64 work; /* always 0: nothing is put off */
};

static struct test_thread threads[THREADS], idle[MAX_CPUS];
static unsigned thread_count;
static page_root_t root;
static u64 ticks[MAX_CPUS], reschedules[MAX_CPUS], switches;
static u32 finished, started_secondaries, calls_run;
static bool go, quiet_timer;
static nsec_t tick_interval = 70 * NSEC_PER_USEC;
static struct spinlock page_lock, table_lock;
static paddr_t next_page, end_page, free_pages;

/* ---------------------------------------------------------------- output and failure */

void platform_early_putc(char c)
{
    outb(0x3f8, c);
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    static struct spinlock lock;
    char line[200];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    irq_disable();
    while (__atomic_exchange_n(&lock.locked, 1, __ATOMIC_ACQUIRE))
        cpu_relax();
    for (const char *p = line; *p; p++)
        platform_early_putc(*p);
    platform_early_putc('\n');
    __atomic_store_n(&lock.locked, 0, __ATOMIC_RELEASE);
    irq_enable();
}

void panic_at(void *frame, const char *format, ...)
{
    char line[200];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    say("FAILED: %s", line);
    platform_dump_state(frame);
    platform_power_off(1);
}

void panic(const char *format, ...)
{
    char line[200];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    panic_at(NULL, "%s", line);
}

void log_line(enum log_level level, const char *format, ...)
{
    char line[200];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    say("log: %s", line);
}

/* ------------------------------------------------------ what the platform wants from a kernel */

void spin_wait(struct spinlock *l)
{
    while (!spin_try_acquire(l))
        cpu_relax();
}

void preempt_check(void)
{
}

static struct test_thread *current(void)
{
    return (struct test_thread *)current_thread();
}

paddr_t kernel_table_page_alloc(void)
{
    spin_lock_irq(&page_lock);
    paddr_t pa = free_pages;
    if (pa)
        free_pages = *(paddr_t *)phys_to_virt(pa);
    else if (next_page < end_page) {
        pa = next_page;
        next_page += PAGE_SIZE;
    }
    spin_unlock_irq(&page_lock);
    if (pa)
        memset(phys_to_virt(pa), 0, PAGE_SIZE);
    return pa;
}

void kernel_table_page_free(paddr_t pa)
{
    spin_lock_irq(&page_lock);
    *(paddr_t *)phys_to_virt(pa) = free_pages;
    free_pages = pa;
    spin_unlock_irq(&page_lock);
}

void kernel_timer_interrupt(void)
{
    struct percpu *cpu = this_cpu();
    ticks[cpu->cpu]++;
    cpu->need_resched = true;
    if (!quiet_timer)
        platform_timer_set(platform_clock() + tick_interval);
}

void kernel_ipi_reschedule(void)
{
    reschedules[this_cpu()->cpu]++;
    this_cpu()->need_resched = true;
}

void kernel_call_wait(const u32 *left)
{
    while (__atomic_load_n(left, __ATOMIC_ACQUIRE))
        cpu_relax();
}

void kernel_call_done(void)
{
}

void kernel_stream_event(enum stream s)
{
}

/* Round robin over this CPU's threads; the idle thread when none is left. Masked once. */
static void switch_threads(void)
{
    struct percpu *cpu = this_cpu();
    struct test_thread *me = current(), *next = &idle[cpu->cpu];
    cpu->need_resched = false;
    for (unsigned i = 1; i <= thread_count; i++) {
        struct test_thread *t = &threads[(me->number + i) % thread_count];
        if (t->home == cpu->cpu && !t->done && go) {
            next = t;
            break;
        }
    }
    if (next == me)
        return;
    cpu->current = (struct thread *)next;
    __atomic_add_fetch(&switches, 1, __ATOMIC_RELAXED);
    platform_switch(&me->cpu, &next->cpu);
}

void kernel_preempt(void)
{
    if (this_cpu()->need_resched && current())
        switch_threads();
}

bool kernel_has_work(void)
{
    KERNEL_WORK_OFFSET(offsetof(struct test_thread, work));
    return false;
}

void kernel_return_to_user(struct user_frame *frame)
{
    irq_disable();
    if (this_cpu()->need_resched)
        switch_threads();
    irq_enable();
}

void kernel_syscall_site(struct user_frame *frame)
{
}

void kernel_syscall(const struct syscall_args *a)
{
    struct user_frame *frame = a->frame;
    struct test_thread *me = current();
    if (irq_disabled())
        panic("system call with interrupts masked");
    if (frame != platform_user_frame(&me->cpu))
        panic("system call frame at %p", (void *)frame);
    if (frame->orig_ax == 2) {
        irq_disable();
        me->done = true;
        __atomic_add_fetch(&finished, 1, __ATOMIC_SEQ_CST);
        for (;;)
            switch_threads();
    }
    if (frame->orig_ax >= 1000)
        panic("thread %u on CPU %u: check %llu failed", me->number, this_cpu()->cpu,
              (unsigned long long)frame->orig_ax - 1000);
    me->calls++;
    frame->ax = 1234 + frame->orig_ax;
    if (me->calls % 16 == 3)
        me->cpu.full_return = true;
}

bool kernel_page_fault(vaddr_t address, enum fault_access access, bool present, bool from_user)
{
    if (ALIGN_DOWN(address, PAGE_SIZE) != LAZY_VA || access != FAULT_READ) {
        if (from_user)
            panic("thread %u: fault at %#llx", current()->number, (unsigned long long)address);
        return false;
    }
    struct pt_batch b;
    pt_batch_init(&b, root, NULL);
    spin_lock(&table_lock);
    struct pt_leaf leaf;
    if (platform_pt_lookup(root, LAZY_VA, &leaf) != 0)
        platform_pt_map(&b, LAZY_VA, kernel_table_page_alloc(), PAGE_SIZE, PTE_READ);
    spin_unlock(&table_lock);
    platform_pt_commit(&b);
    return true;
}

vaddr_t kernel_program_ip(vaddr_t ip)
{
    return ip;
}

/* An exception of the program: two bytes are skipped, and the lazy page taken away again. */
void kernel_user_exception(int signo, int code, vaddr_t address, unsigned trapno, u64 error)
{
    struct user_frame *f = platform_user_frame(&current()->cpu);
    if (trapno != 6 && trapno != 0 && trapno != 3 && trapno != 13)
        panic("trap %u of the program at %#llx", trapno, (unsigned long long)f->ip);
    f->ip += trapno == 3 ? 1 : 2;
    if (trapno == 13) {
        struct pt_batch b;
        pt_batch_init(&b, root, NULL);
        spin_lock(&table_lock);
        void drop(const struct pt_leaf *leaf, void *arg);
        paddr_t pa = 0;
        platform_pt_walk(&b, LAZY_VA, LAZY_VA + PAGE_SIZE, true, drop, &pa);
        platform_pt_commit(&b);
        if (pa)
            kernel_table_page_free(pa);
        spin_unlock(&table_lock);
    }
}

void drop(const struct pt_leaf *leaf, void *arg);
void drop(const struct pt_leaf *leaf, void *arg)
{
    *(paddr_t *)arg = leaf->pa;
}

/* ---------------------------------------------------------------- the tests */

#define EXPECT(cond)                                              \
    do {                                                          \
        if (!(cond))                                              \
            panic("line %d: %s", __LINE__, #cond);                \
    } while (0)

/* Names of a dump: from the table that the second link step makes. */
static void names_check(void)
{
    u64 offset = 0;
    const char *name = platform_symbol((vaddr_t)platform_dump_state + 4, &offset);
    EXPECT(name && strcmp(name, "platform_dump_state") == 0 && offset == 4);
    name = platform_symbol((vaddr_t)panic_at, &offset);
    EXPECT(name && strcmp(name, "panic_at") == 0 && offset == 0);
}

static void memory_start(void)
{
    unsigned n;
    u64 total = 0;
    const struct memory_range *map = platform_memory_map(&n), *best = NULL;
    for (unsigned i = 0; i < n; i++) {
        EXPECT(map[i].start < map[i].end && (i == 0 || map[i - 1].end <= map[i].start));
        if (map[i].kind != MEMORY_FREE)
            continue;
        total += map[i].end - map[i].start;
        if (!best || map[i].end - map[i].start > best->end - best->start)
            best = &map[i];
    }
    next_page = best->start;
    end_page = best->end;
    /* The last byte of RAM, wherever it is, can be reached. */
    volatile u8 *last = phys_to_virt(map[n - 1].end - 1);
    *last = 0x5a;
    EXPECT(*last == 0x5a);
    say("memory: %llu MiB free in %u ranges", (unsigned long long)total >> 20, n);
}

static void map_user(vaddr_t va, const void *from, size_t size, unsigned prot)
{
    struct pt_batch b;
    pt_batch_init(&b, root, NULL);
    for (size_t done = 0; done < size; done += PAGE_SIZE) {
        paddr_t pa = kernel_table_page_alloc();
        EXPECT(pa);
        if (from)
            memcpy(phys_to_virt(pa), (const char *)from + done, PAGE_SIZE);
        EXPECT(platform_pt_map(&b, va + done, pa, PAGE_SIZE, prot) == 0);
    }
    platform_pt_commit(&b);
}

static void thread_body(void *arg)
{
    struct test_thread *me = arg;
    struct user_frame *f = platform_user_frame(&me->cpu);
    memset(f, 0, sizeof(*f));
    f->ip = me->entry;
    f->sp = DATA_VA + me->number * 0x10000 + 0x2000;
    f->r15 = DATA_VA + me->number * 0x10000;
    f->flags = 0x202;
    me->cpu.full_return = true;
    u64 loops[2] = {me->loops, 0x00007fff00000000 + me->number};
    irq_enable();
    EXPECT(platform_copy_user((void *)f->r15, loops, sizeof(loops)) == 0);
    platform_enter_user();
}

static void add_thread(char *entry, unsigned home, u64 loops)
{
    struct test_thread *t = &threads[thread_count];
    static u8 areas[THREADS][4096] __attribute__((aligned(64)));
    t->number = thread_count;
    t->home = home;
    t->loops = loops;
    t->entry = CODE_VA + (entry - program_start);
    t->cpu.kernel_stack_top = platform_stack_alloc();
    EXPECT(t->cpu.kernel_stack_top && platform_xsave_size() <= sizeof(areas[0]));
    t->cpu.fs_base = 0x00007fff00000000 + t->number;
    t->cpu.xsave = areas[thread_count];
    platform_xsave_init(&t->cpu);
    platform_thread_init(&t->cpu, thread_body, t);
    map_user(DATA_VA + t->number * 0x10000, NULL, 0x2000, PTE_READ | PTE_WRITE);
    thread_count++;
}

static void test_copies(void)
{
    static char from[9000], to[9000];
    for (unsigned i = 0; i < sizeof(from); i++)
        from[i] = i * 7;
    vaddr_t va = SHARED_VA;
    map_user(va, NULL, 2 * PAGE_SIZE, PTE_READ | PTE_WRITE);
    irq_enable();
    for (unsigned n = 0; n < 200; n += 7) {
        memset(to, 0, sizeof(to));
        EXPECT(platform_copy_user((void *)(va + 3), from, n) == 0);
        EXPECT(platform_copy_user(to, (void *)(va + 3), n) == 0);
        EXPECT(memcmp(from, to, n) == 0);
        /* Over the end of what is mapped: what fits is copied, the rest counted. */
        vaddr_t end = va + 2 * PAGE_SIZE;
        EXPECT(platform_copy_user((void *)(end - n / 2), from, n) == n - n / 2);
        EXPECT(platform_copy_user(to, (void *)(end - n / 2), n) == n - n / 2);
        EXPECT(memcmp(from, to, n / 2) == 0);
        EXPECT(platform_clear_user((void *)(end - n / 2), n) == n - n / 2);
    }
    EXPECT(platform_copy_user((void *)va, from, 9000) == 9000 - 2 * PAGE_SIZE);
    EXPECT(platform_strnlen_user((void *)(LAZY_VA - PAGE_SIZE), 10) == -EFAULT);
    EXPECT(platform_strnlen_user((void *)LAZY_VA, 10) == 0);
    u32 value = 1, seen = 0;
    EXPECT(platform_load_user_u32(&value, (void *)0x123456) == -EFAULT);
    EXPECT(platform_load_user_u32(&value, (void *)LAZY_VA) == 0 && value == 0);
    EXPECT(platform_cmpxchg_user_u32((void *)va, 5, 6, &seen) == 0 && seen != 5);
    EXPECT(platform_cmpxchg_user_u32((void *)va, seen, 6, &value) == 0 && value == seen);
    EXPECT(platform_load_user_u32(&value, (void *)va) == 0 && value == 6);
    EXPECT(platform_cmpxchg_user_u32((void *)0x123456, 5, 6, &seen) == -EFAULT);
    irq_disable();
    say("copies with faults");
}

static void expect_leaf(const struct pt_leaf *leaf, void *arg)
{
    u64 *sum = arg;
    sum[0]++;
    sum[1] += leaf->size;
}

u64 kernel_flush_targets(struct address_space *space, bool tables_freed)
{
    return UINT64_MAX;
}

static void test_tables(void)
{
    static paddr_t pas[1024];
    page_root_t r = platform_root_create();
    u64 sum[2] = {0};
    struct pt_batch b;
    struct pt_leaf leaf;
    pt_batch_init(&b, r, NULL);
    vaddr_t va = 0x7f0000000000;
    for (unsigned i = 0; i < 1024; i++)
        pas[i] = i % 3 == 2 ? 0 : 0x10000000 + i * PAGE_SIZE;
    EXPECT(platform_pt_map_array(&b, va + 0x100000, pas, 1024, PTE_READ | PTE_WRITE) == 0);
    EXPECT(platform_pt_lookup(r, va + 0x100000, &leaf) == 0 && leaf.pa == 0x10000000);
    EXPECT(platform_pt_lookup(r, va + 0x102000, &leaf) == -ENOENT);
    EXPECT(platform_pt_walk(&b, va, va + 0x1000000, false, expect_leaf, sum) == 0);
    EXPECT(sum[0] == 683 && sum[1] == 683 * PAGE_SIZE);
    EXPECT(platform_pt_protect(&b, va, va + 0x1000000, 0, false) == 0);
    EXPECT(platform_pt_lookup(r, va + 0x100000, &leaf) == 0 && leaf.prot == 0 && leaf.pa == 0x10000000);
    EXPECT(platform_pt_protect(&b, va, va + 0x1000000, PTE_READ | PTE_WRITE, true) == 0);
    EXPECT(platform_pt_lookup(r, va + 0x100000, &leaf) == 0 && leaf.prot == (PTE_READ | PTE_WRITE));
    EXPECT(platform_pt_move(&b, va + 0x100000, va + 0x40001000, 0x200000) == 0);
    EXPECT(platform_pt_lookup(r, va + 0x40001000, &leaf) == 0 && leaf.pa == 0x10000000);
    EXPECT(platform_pt_lookup(r, va + 0x100000, &leaf) == -ENOENT);
    /* A huge page, split by a small change, moved, cleared. */
    EXPECT(platform_pt_map(&b, va + 0x80000000, 0x20000000, HUGE_SIZE, PTE_READ | PTE_EXEC) == 0);
    EXPECT(platform_pt_lookup(r, va + 0x80001234, &leaf) == 0 && leaf.size == HUGE_SIZE);
    EXPECT(platform_pt_move(&b, va + 0x80000000, va + 0x90000000, HUGE_SIZE) == 0);
    EXPECT(platform_pt_protect(&b, va + 0x90003000, va + 0x90004000, PTE_READ, false) == 0);
    EXPECT(platform_pt_lookup(r, va + 0x90003000, &leaf) == 0 && leaf.pa == 0x20003000 &&
           leaf.size == PAGE_SIZE && leaf.prot == PTE_READ);
    EXPECT(platform_pt_lookup(r, va + 0x90004000, &leaf) == 0 && leaf.prot == (PTE_READ | PTE_EXEC));
    sum[0] = 0;
    EXPECT(platform_pt_walk(&b, 0, USER_SPACE_END, true, expect_leaf, sum) == 0);
    EXPECT(sum[0] == 683 + 512);
    platform_pt_free_tables(&b, va, va + 0x100000000);
    platform_pt_commit(&b);
    platform_root_destroy(r);
    say("page tables");
}

static void count_call(void *arg)
{
    __atomic_add_fetch(&calls_run, 1, __ATOMIC_RELAXED);
}

static void test_timer(void)
{
    quiet_timer = true;
    nsec_t worst = 0, total = 0;
    irq_disable();
    for (unsigned i = 0; i < 20; i++) {
        u64 before = ticks[0];
        nsec_t deadline = platform_clock() + 300 * NSEC_PER_USEC;
        platform_timer_set(deadline);
        while (ticks[0] == before) {
            platform_wait_for_interrupt();
            irq_enable();
            irq_disable();
            if (platform_clock() > deadline + NSEC_PER_SEC)
                panic("timer interrupt missing");
        }
        nsec_t late = platform_clock() - deadline;
        EXPECT((s64)late >= 0);
        total += late;
        worst = MAX(worst, late);
    }
    irq_enable();
    this_cpu()->need_resched = false;
    quiet_timer = false;
    say("timer: %llu us late on average, %llu at worst", (unsigned long long)total / 20000,
        (unsigned long long)worst / 1000);
}

static void run_programs(void)
{
    unsigned n = platform_cpu_count();
    for (unsigned i = 0; thread_count < THREADS - 3; i++) {
        add_thread(program_registers, i % n, 3000);
        add_thread(program_quiet, i % n, 300);
        add_thread(program_faults, i % n, 100);
        add_thread(program_gs, i % n, 1000);
    }
    nsec_t start = platform_clock();
    __atomic_store_n(&go, true, __ATOMIC_SEQ_CST);
    u64 calls = 0;
    /* This thread is CPU 0's idle thread now: programs run when the timer or this loop switches. */
    platform_timer_set(platform_clock() + tick_interval);
    while (__atomic_load_n(&finished, __ATOMIC_SEQ_CST) < thread_count) {
        platform_call_others(count_call, NULL);
        calls++;
        for (unsigned i = 1; i < n; i++)
            platform_send_reschedule(i);
        irq_disable();
        switch_threads();
        irq_enable();
        if (platform_clock() - start > 40 * NSEC_PER_SEC) {
            for (unsigned i = 0; i < n; i++)
                say("CPU %u: %llu ticks, %llu reschedules, %u pending", i, (unsigned long long)ticks[i],
                    (unsigned long long)reschedules[i], platform_percpu(i)->irq_pending);
            panic("programs do not finish: %u of %u, %llu calls", finished, thread_count,
                  (unsigned long long)calls);
        }
    }
    EXPECT(calls_run == calls * (n - 1));
    u64 system_calls = 0;
    for (unsigned i = 0; i < thread_count; i++)
        system_calls += threads[i].calls;
    say("programs: %u threads, %llu system calls, %llu switches, %llu calls, %llu ms", thread_count,
        (unsigned long long)system_calls, (unsigned long long)switches, (unsigned long long)calls,
        (unsigned long long)(platform_clock() - start) / NSEC_PER_MSEC);
    for (unsigned i = 0; i < n; i++)
        EXPECT(ticks[i] > 10);
}

static void become_idle_thread(void)
{
    struct percpu *cpu = this_cpu();
    struct test_thread *me = &idle[cpu->cpu];
    me->home = cpu->cpu;
    me->cpu.kernel_stack_top = cpu->kernel_stack_top;
    cpu->current = (struct thread *)me;
    platform_root_activate(root);
}

void kernel_secondary_main(void)
{
    become_idle_thread();
    __atomic_add_fetch(&started_secondaries, 1, __ATOMIC_SEQ_CST);
    platform_timer_set(platform_clock() + tick_interval);
    for (;;) {
        this_cpu()->need_resched = false;
        switch_threads();
        platform_wait_for_interrupt();
        irq_enable();
        irq_disable();
    }
}

void kernel_main(void)
{
    say("ring %d on %s, clock %s, xsave %u bytes", platform_ring(), platform_hypervisor(),
        platform_clock_name(), platform_xsave_size());
    names_check();
    memory_start();
    root = platform_root_create();
    become_idle_thread();
    map_user(CODE_VA, program_start, ALIGN_UP(program_end - program_start, (long)PAGE_SIZE),
             PTE_READ | PTE_EXEC);
    EXPECT(irq_disabled());
    test_tables();
    irq_enable();
    irq_disable();
    test_copies();
    irq_enable();
    test_timer();
    platform_start_cpus(MAX_CPUS);
    say("%u CPUs", platform_cpu_count());
    while (__atomic_load_n(&started_secondaries, __ATOMIC_SEQ_CST) + 1 < platform_cpu_count())
        cpu_relax();
    run_programs();
    say("SUCCESS");
    platform_power_off(0);
}
