/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Other CPUs: their start, function calls on them, and stopping them for a panic.
 *
 * Each CPU has a stack of calls asked of it, to which others push and which it takes whole: nobody
 * waits to ask. Who waits for an end with interrupts masked serves calls to its own CPU meanwhile:
 * two CPUs may call each other so.
 */
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "platform/kvm/preempted.h"
#include "platform/x86/x86.h"

#define ICR_INIT    0x4500
#define ICR_STARTUP 0x4600

struct call {
    void (*fn)(void *arg);
    void *arg;
    u32 left; /* CPUs that have not finished; atomic. At 0 the caller goes on, and this is gone */
};

/* A call in one CPU's stack. */
struct request {
    struct request *next;
    struct call *call;
};

static struct request *requests[MAX_CPUS]; /* what CPU i is asked to run; atomic */

/* Masked. */
static void serve_calls(void)
{
    struct request *r = __atomic_exchange_n(&requests[this_cpu()->cpu], NULL, __ATOMIC_ACQ_REL);
    while (r) {
        struct request *next = r->next;
        struct call *c = r->call;
        c->fn(c->arg);
        if (!__atomic_sub_fetch(&c->left, 1, __ATOMIC_SEQ_CST))
            kernel_call_done();
        r = next;
    }
}

void smp_call_interrupt(void)
{
    serve_calls();
}

/* Asks cpu; the first request in its stack brings the interrupt that serves all. */
static void push(unsigned cpu, struct request *r)
{
    r->next = __atomic_load_n(&requests[cpu], __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&requests[cpu], &r->next, r, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED))
        ;
    if (!r->next)
        apic_send(private_of(cpu)->apic_id, VECTOR_CALL);
}

/* self: this CPU too, if it is in mask. */
static void call(u64 mask, bool self, void (*fn)(void *arg), void *arg)
{
    irq_disable();
    struct percpu *me = this_cpu();
    unsigned count = platform_cpu_count();
    bool here = self && mask >> me->cpu & 1;
    bool may_sleep = me->irq_disable_depth == 1 && !me->preempt_disable_depth && !me->in_interrupt;
    mask &= ~(1ull << me->cpu) & (count < 64 ? (1ull << count) - 1 : UINT64_MAX);
    struct call c = {fn, arg, 0};
    for (u64 m = mask; m; m &= m - 1)
        c.left++;
    struct request r[MAX_CPUS];
    for (u64 m = mask; m; m &= m - 1) {
        unsigned cpu = (unsigned)__builtin_ctzll(m);
        r[cpu].call = &c;
        push(cpu, &r[cpu]);
    }
    if (here)
        fn(arg);
    while (!may_sleep && __atomic_load_n(&c.left, __ATOMIC_ACQUIRE)) {
        serve_calls();
        cpu_relax();
    }
    irq_enable();
    if (__atomic_load_n(&c.left, __ATOMIC_ACQUIRE))
        kernel_call_wait(&c.left);
}

void smp_call_mask(u64 mask, void (*fn)(void *arg), void *arg)
{
    call(mask, true, fn, arg);
}

void platform_call_others(void (*fn)(void *arg), void *arg)
{
    call(UINT64_MAX, false, fn, arg);
}

/* ---------------------------------------------------------------- stopping others for a moment */

/*
 * How long CPUs are waited for. Much longer than it takes, even if the host lets them wait. The wait
 * is bounded because a held CPU may own a spinlock for which another one spins, masked, so that it
 * never comes: then all are let go.
 */
#define PATIENCE NSEC_PER_SEC

struct stop {
    void (*fn)(void *arg);
    void *arg;
    unsigned cpu; /* that stops the others */
    u32 others;   /* how many they are */
    u32 held;     /* how many are held; atomic */
    bool over;    /* they may go on; atomic */
    bool done;    /* fn ran */
};

/* On each CPU, masked. The one that stops the others comes here when all of them have been asked. */
static void stop_here(void *arg)
{
    struct stop *s = arg;

    if (this_cpu()->cpu != s->cpu) {
        __atomic_add_fetch(&s->held, 1, __ATOMIC_ACQ_REL);
        while (!__atomic_load_n(&s->over, __ATOMIC_ACQUIRE))
            cpu_relax();
    } else {
        nsec_t start = platform_clock();
        while (__atomic_load_n(&s->held, __ATOMIC_ACQUIRE) != s->others &&
               platform_clock() - start < PATIENCE)
            cpu_relax();
        s->done = __atomic_load_n(&s->held, __ATOMIC_ACQUIRE) == s->others;
        if (s->done)
            s->fn(s->arg);
        __atomic_store_n(&s->over, true, __ATOMIC_RELEASE);
    }
    x86_serialize();
}

bool smp_stop_and_run(u64 mask, void (*fn)(void *arg), void *arg)
{
    static u32 stopping; /* two that stop each other would wait for ever; atomic */
    unsigned self = this_cpu()->cpu;
    struct stop s = {.fn = fn, .arg = arg, .cpu = self};
    u32 nobody = 0;

    s.others = (u32)__builtin_popcountll(mask & ~(1ull << self));
    irq_disable();
    if (s.others == 0) {
        stop_here(&s);
    } else if (__atomic_compare_exchange_n(&stopping, &nobody, 1, false, __ATOMIC_ACQUIRE,
                                           __ATOMIC_RELAXED)) {
        smp_call_mask(mask | 1ull << self, stop_here, &s);
        __atomic_store_n(&stopping, 0, __ATOMIC_RELEASE);
    }
    irq_enable();
    return s.done;
}

void platform_send_reschedule(unsigned cpu)
{
    apic_send(private_of(cpu)->apic_id, VECTOR_RESCHEDULE);
}

void platform_stop_others(void)
{
    for (unsigned i = 0; i < platform_cpu_count(); i++)
        if (i != this_cpu()->cpu)
            apic_send(private_of(i)->apic_id, VECTOR_STOP);
}

/* ---------------------------------------------------------------- start */

extern char cpu_code[], trampoline[], trampoline_record[], trampoline_target[], trampoline_end[];
extern const paddr_t cpu_start32_pa;
void x86_start_secondary(void);

/* Makes CPU i's block and boot stack; returns its code page, or 0 when out of memory. */
static vaddr_t create_block(unsigned cpu)
{
    vaddr_t code = STACK_AREA_BASE + cpu * CPU_BLOCK_SIZE, data = code + CPU_DATA_OFFSET;
    paddr_t pa = kernel_table_page_alloc();
    vaddr_t stack = platform_stack_alloc();
    if (!pa || !stack)
        return 0;
    memcpy(phys_to_virt(pa), cpu_code, CPU_CODE_SIZE);
    if (map_kernel_page(code, pa, PTE_READ | PTE_EXEC) != 0)
        return 0;
    for (vaddr_t va = data; va < data + CPU_IRQ_RING + CPU_IRQ_RING_SIZE; va += PAGE_SIZE) {
        if (va >= data + CPU_DATA_SIZE && va < data + CPU_IRQ_RING)
            continue;
        pa = kernel_table_page_alloc();
        if (!pa || map_kernel_page(va, pa, PTE_READ | PTE_WRITE) != 0)
            return 0;
    }
    cpu_block_init(data, code, cpu);
    ((struct percpu *)data)->kernel_stack_top = stack;
    return code;
}

static void wait_ns(nsec_t ns)
{
    for (nsec_t start = platform_clock(); platform_clock() - start < ns;)
        cpu_relax();
}

static bool start_cpu(unsigned cpu, u32 id)
{
    vaddr_t code = create_block(cpu);
    if (!code) {
        log_warn("smp: no memory for CPU %u", cpu);
        return false;
    }
    char *page = phys_to_virt(TRAMPOLINE_PA);
    struct cpu_boot record = {code, x86_start_secondary};
    memcpy(page, trampoline, trampoline_end - trampoline);
    memcpy(page + (trampoline_target - trampoline), &cpu_start32_pa, sizeof(paddr_t));
    memcpy(page + (trampoline_record - trampoline), &record, sizeof(record));

    bool real = strcmp(platform_hypervisor(), "none") == 0;
    apic_send(id, ICR_INIT);
    if (real)
        wait_ns(10 * NSEC_PER_MSEC);
    apic_send(id, ICR_STARTUP | TRAMPOLINE_PA >> 12);
    if (real) {
        wait_ns(200 * NSEC_PER_USEC);
        apic_send(id, ICR_STARTUP | TRAMPOLINE_PA >> 12);
    }
    for (nsec_t start = platform_clock(); platform_cpu_count() <= cpu;) {
        if (platform_clock() - start > 2 * NSEC_PER_SEC) {
            log_warn("smp: CPU %u (APIC %u) does not start", cpu, id);
            return false;
        }
        cpu_relax();
    }
    return true;
}

void platform_start_cpus(unsigned limit)
{
    static struct cpu_list list;
    if (limit <= 1)
        return;
    firmware_find_cpus(&list);
    u32 self = private_of(0)->apic_id;
    if (list.count > 1)
        kvm_preempted_init_cpu();
    unsigned next = 1;
    for (unsigned i = 0; i < list.count && next < MIN(limit, (unsigned)MAX_CPUS); i++)
        if (list.apic_id[i] != self && start_cpu(next, list.apic_id[i]))
            next++;
}
