/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract between the kernel and what it runs on: the only platform header that code outside
 * platform/ may include. Nothing here says which CPU ring, hypervisor or bus is below.
 *
 * Rules for callers: "atomic" means callable with interrupts masked and spinlocks held.
 * Functions that a platform calls in the kernel are in the last part, "what the kernel provides".
 */
#ifndef PLATFORM_PLATFORM_H
#define PLATFORM_PLATFORM_H

#include "kernel/types.h"

/* ---------------------------------------------------------------- CPUs and per-CPU data */

#define MAX_CPUS 64
#define PERCPU_COUNTERS 32

struct thread;
struct run_queue;
struct page;
struct address_space;
struct wait_queue;

/* What every CPU has, reached in one instruction. Owned by its CPU: others may read only. */
struct percpu {
    struct percpu *self;
    struct thread *current;    /* the thread that runs here */
    vaddr_t kernel_stack_top;  /* where entries from the program start; set by platform_switch */
    u64 scratch;               /* platform entry code only */
    u32 cpu;                   /* 0-based index, dense */
    u32 irq_disable_depth;     /* > 0: interrupts are masked (software flag) */
    u32 preempt_disable_depth; /* > 0: may not be switched away; interrupts may still run */
    u32 irq_pending;           /* not 0: interrupts arrived while masked and wait for unmask */
    bool need_resched;         /* the scheduler asks for a switch at the next safe point */
    bool in_interrupt;         /* an interrupt handler is running */
    bool interrupted_user;     /* the last interrupt came while the program ran, not the kernel */
    struct run_queue *rq;      /* the scheduler's */
    void *page_cache;          /* the page allocator's per-CPU cache */
    void *heap_cache;          /* the kernel heap's per-CPU cache */
    void *platform;            /* platform/'s own per-CPU block */
    vaddr_t patched_entry;     /* where trampolines of patched system-call sites jump; platform's */
    u64 counters[PERCPU_COUNTERS]; /* free-running event counts, see enum percpu_counter */
};

enum percpu_counter {
    COUNT_SYSCALLS,
    COUNT_FAULTS,
    COUNT_SWITCHES,
    COUNT_INTERRUPTS,
    COUNT_IPIS,
    COUNT_TRAPPED_CALLS,
    COUNT_DEFERRED, /* what deferred_run() has done */
    COUNT_NETWORK, /* and the rest: net/counters.h */
};

/* This CPU's data. The pointer is stable only while preemption is disabled. Atomic. */
static inline struct percpu *this_cpu(void);
/* The running thread; never NULL after kernel_main started. Atomic. */
static inline struct thread *current_thread(void);
/* CPU i's data; i < platform_cpu_count(). */
struct percpu *platform_percpu(unsigned cpu);
/* CPUs that are up (only grows during boot). */
unsigned platform_cpu_count(void);

#include "platform/x86/percpu_inline.h"

/* ---------------------------------------------------------------- interrupts (software mask) */

/* Masks interrupts on this CPU; nests. Atomic. */
static inline void irq_disable(void);
/* Undoes one irq_disable(); the last one replays what was recorded meanwhile. Atomic. */
static inline void irq_enable(void);
static inline bool irq_disabled(void);
/* Changes of this CPU's preempt_disable_depth, for kernel/lock.h. dec: true when it became 0. */
static inline void percpu_preempt_inc(void);
static inline bool percpu_preempt_dec(void);
/* this_cpu()->need_resched. Atomic. */
static inline bool percpu_need_resched(void);
/* Counts an event of this CPU. Atomic. */
static inline void percpu_count(enum percpu_counter which);
/* The same by n. */
static inline void percpu_add(enum percpu_counter which, u64 n);

/* Hint inside spin loops. */
static inline void cpu_relax(void);
/*
 * Waits until an interrupt arrives, then returns. Called with interrupts masked (depth exactly 1)
 * after the caller saw nothing to do; an interrupt recorded in between ends the wait at once, and
 * is handled when the caller unmasks. Idle thread only.
 */
void platform_wait_for_interrupt(void);
/* Makes another CPU run kernel_ipi_reschedule() soon. Atomic. */
void platform_send_reschedule(unsigned cpu);
/*
 * Runs fn(arg) on every other CPU that is up (interrupt context there) and waits for all: by kernel_call_wait() where the caller
 * may sleep, else on the spot. Not from an interrupt handler.
 */
void platform_call_others(void (*fn)(void *arg), void *arg);

/* A device interrupt handler; runs masked, on any CPU. */
typedef void (*irq_handler_t)(void *arg);
/* Routes a global interrupt line (GSI) to handler. 0 or -EINVAL (no such line), -EBUSY, -ENOSPC. */
int platform_irq_request(unsigned gsi, bool level, irq_handler_t handler, void *arg);

/* ---------------------------------------------------------------- threads, as the CPU sees them */

/*
 * The program's integer registers while it is in the kernel, at the top of the thread's kernel
 * stack. Fields are named as in <asm/ptrace.h>'s struct pt_regs. orig_ax: system call number, or
 * -1 when the entry was not a system call (no restart then).
 */
struct user_frame {
    u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
    u64 orig_ax;
    u64 ip, cs, flags, sp, ss;
};

/* A system call, as entry code lays it out. */
struct syscall_args {
    u64 arg[6];
    struct user_frame *frame;
};

#define KERNEL_STACK_SIZE (16 * 1024) /* guard page below, not counted */

/* CPU state of a thread that is not in its kernel stack; embedded in struct thread. */
#define NO_CPU UINT32_MAX
struct thread_cpu {
    vaddr_t kernel_sp;        /* saved stack pointer while switched out */
    vaddr_t kernel_stack_top; /* highest address of the stack + 1 */
    u64 fs_base;              /* the program's TLS pointer */
    u64 gs_base;              /* the program's GS base, 0 for nearly all */
    void *xsave;              /* FP/vector state, platform_xsave_size() bytes, 64-byte aligned; NULL: kernel thread */
    u32 xsave_cpu;            /* the last CPU that loaded xsave; NO_CPU: it was written to since */
    bool full_return;         /* registers were changed: restore all of user_frame on return */
    bool xsave_dirty;         /* xsave is being edited: newer than the registers */
};

/* The frame of the program's registers on a thread's kernel stack. */
static inline struct user_frame *platform_user_frame(struct thread_cpu *cpu)
{
    return (struct user_frame *)(cpu->kernel_stack_top - sizeof(struct user_frame));
}

/* Allocates a kernel stack with a guard page below; returns its top, or 0 when out of memory. */
vaddr_t platform_stack_alloc(void);
void platform_stack_free(vaddr_t top);
/*
 * Prepares cpu (kernel_stack_top set) so that the first switch to it calls entry(arg) on the new stack,
 * with interrupts masked once (as the scheduler leaves them). entry never returns.
 */
void platform_thread_init(struct thread_cpu *cpu, void (*entry)(void *arg), void *arg);
/*
 * Switches from prev to next: saves and loads callee-saved registers, stack, FS/GS base, FP state (of
 * threads that have one). Interrupts masked. Returns in next's context; the return value is the
 * thread_cpu that was switched away from.
 */
struct thread_cpu *platform_switch(struct thread_cpu *prev, struct thread_cpu *next);
/* Leaves the kernel for the program with all of frame's registers. Does not return. */
void platform_enter_user(void) __attribute__((noreturn));

/* Sets the running thread's TLS base register at once (and in thread_cpu). */
void platform_set_fs_base(struct thread_cpu *cpu, u64 base);
void platform_set_gs_base(struct thread_cpu *cpu, u64 base);
u64 platform_get_fs_base(struct thread_cpu *cpu);
u64 platform_get_gs_base(struct thread_cpu *cpu);

/* FP/vector state. Size in bytes of the standard-format XSAVE area of all enabled features. */
unsigned platform_xsave_size(void);
/* XCR0 as enabled; goes into the signal frame's magic words. */
u64 platform_xfeatures(void);
/* Makes the area of cpu (xsave is set), which has never run, the initial state of a new program. */
void platform_xsave_init(struct thread_cpu *cpu);
/* Gives the running thread that state. */
void platform_xsave_reset(struct thread_cpu *cpu);
/* Copies the running thread's state, which is in the CPU, to the area of one that has never run. */
void platform_xsave_copy(struct thread_cpu *to);
/*
 * Writes it to the program at to, range-checked and aligned to 64 (16 without XSAVE), as the signal frame wants it. Sleeps.
 * 0 or -EFAULT.
 */
int platform_xsave_user(void *to);
/*
 * Loads the running thread's xsave area into the CPU; between setting xsave_dirty and this call it may be edited. -EINVAL if
 * the area is not loadable (reserved bits set by the program): the state is then initial.
 */
int platform_xrstor_current(struct thread_cpu *cpu);

/*
 * System-call sites that enter the kernel by a jump instead of a trap: a few bytes at the `syscall` instruction
 * are replaced, so that a trampoline of the site's own is reached, which does what they did and goes straight to the kernel.
 * Each edit replaces one whole instruction, or padding: a thread is never inside of what is replaced.
 */
enum patch_form {
    PATCH_MOV,  /* `mov $nr, %eax` before the `syscall` jumps to the trampoline; the `syscall` stays as it is */
    PATCH_HOLE, /* the `syscall` jumps to padding close by, which jumps to the trampoline */
    PATCH_FORMS
};

#define PATCH_CALL_SIZE       2    /* bytes of a `syscall` */
#define PATCH_BEFORE          6    /* bytes before it that are looked at */
#define PATCH_AFTER           147  /* bytes behind it */
#define PATCH_EDITS           2
#define PATCH_EDIT_SIZE       5
#define PATCH_TRAMPOLINE_SIZE 32

struct patch_plan {
    enum patch_form form;
    u32 nr;                         /* PATCH_MOV: the number that is loaded */
    unsigned count;                 /* edits, in the order in which they are to be made */
    struct { s16 offset; u8 size; } edits[PATCH_EDITS]; /* offset from the `syscall` */
};

enum patch_fit { PATCH_FITS, PATCH_NO_HOLE, PATCH_UNKNOWN_CODE };
/*
 * How the `syscall` at address `call` (in the program), which was executed with number nr, can be patched. code: the bytes from
 * `before` bytes before it to `after` bytes behind it, before <= PATCH_BEFORE, after <= PATCH_AFTER, as the program made them.
 * used: bit i is set if byte i behind it belongs to another site's patch.
 */
enum patch_fit platform_patch_plan(struct patch_plan *plan, const u8 *code, size_t before, size_t after, vaddr_t call,
                                   u32 nr, const u8 *used);
/* The bytes of each edit; false if the trampoline is out of reach. */
bool platform_patch_jumps(const struct patch_plan *plan, vaddr_t call, vaddr_t trampoline, u8 bytes[PATCH_EDITS][PATCH_EDIT_SIZE]);
/* Writes the trampoline that will run at address `at`. */
void platform_patch_trampoline(u8 out[PATCH_TRAMPOLINE_SIZE], vaddr_t at, vaddr_t call, const struct patch_plan *plan);
/* Where a thread is to go on that is `offset` bytes into the trampoline, as if it had not come there: offset from the `syscall`. */
s64 platform_patch_position(const struct patch_plan *plan, u64 offset);

struct patch_write {
    u8 *to; /* in the direct map */
    u8 size, bytes[PATCH_EDIT_SIZE];
};
/*
 * Makes n writes of code, in order, while the other CPUs in the mask `cpus` are held, each in an interrupt handler: all that may be
 * executing the program. Each executes a serializing instruction before it goes on. False: one of them did not come in time,
 * perhaps because it waits for what another one holds; nothing was written. Interrupts enabled, preemption disabled, no spinlock held.
 */
bool platform_patch_write(const struct patch_write *writes, unsigned n, u64 cpus);

/* ---------------------------------------------------------------- memory */

/* RAM is mapped linearly from here; phys_to_virt works for all RAM from the first line of C. */
#define DIRECT_MAP_BASE    0x680000000000ul
#define KERNEL_SPACE_START 0x680000000000ul
#define KERNEL_SPACE_END   0x6a0000000000ul
#define USER_SPACE_START   0x10000ul
#define USER_SPACE_END     0x7ffffffff000ul /* one past the last byte a program can map */

static inline void *phys_to_virt(paddr_t pa)
{
    return (void *)(DIRECT_MAP_BASE + pa);
}

static inline paddr_t virt_to_phys(const void *direct_map_address)
{
    return (paddr_t)direct_map_address - DIRECT_MAP_BASE;
}

enum memory_kind { MEMORY_FREE, MEMORY_KERNEL, MEMORY_MODULE, MEMORY_RESERVED };

struct memory_range {
    paddr_t start, end; /* bytes; [start, end) */
    enum memory_kind kind;
};

/* The machine's RAM, sorted, not overlapping, kernel image and boot modules cut out. Count in *n. */
const struct memory_range *platform_memory_map(unsigned *n);

struct boot_module {
    const void *data; /* in the direct map */
    size_t size;
    const char *command_line;
};

const struct boot_module *platform_boot_modules(unsigned *n);
/* The kernel command line, NUL-terminated, never NULL. */
const char *platform_command_line(void);

/* Page protection as page tables hold it; a present page is always readable. */
#define PTE_READ   1u
#define PTE_WRITE  2u
#define PTE_EXEC   4u
#define PTE_DEVICE 8u /* uncached */

/* A page-table root: one per address space. The kernel's own part is shared by all. */
typedef paddr_t page_root_t;
#define NO_ROOT ((page_root_t)0)

/* New root with the kernel's part present, or NO_ROOT when out of memory. */
page_root_t platform_root_create(void);
/* Frees the root and its page-table pages (not the pages mapped). Not active on any CPU. */
void platform_root_destroy(page_root_t root);
/* Makes root active on this CPU; interrupts masked. NO_ROOT: the kernel's own. */
void platform_root_activate(page_root_t root);

/* Drops all cached translations of the active root on this CPU; interrupts masked. */
void platform_root_flush(void);

/*
 * A batch of page-table changes on one root, under the address space's page-table lock. Changes may
 * be delayed until platform_pt_commit(), which also invalidates TLBs on every CPU where the root is
 * active (by IPI, once). Only after commit may a caller free pages that it unmapped. A batch that only
 * filled empty entries (flush is false, nothing is delayed) needs no commit.
 *
 * Protection 0 (PROT_NONE) keeps a page in its place but out of reach: the leaf is still seen by walk, lookup
 * and move with prot 0 and counts as filled; an access faults.
 */
struct pt_batch {
    page_root_t root;
    vaddr_t start, end; /* range whose translations were removed or restricted */
    struct address_space *space; /* whose root it is, for the CPUs to invalidate; NULL: all CPUs */
    bool flush;
    paddr_t free_tables; /* unlinked table pages, released by commit */
};

static inline void pt_batch_init(struct pt_batch *b, page_root_t root, struct address_space *space)
{
    *b = (struct pt_batch){.root = root, .start = UINT64_MAX, .space = space};
}

/* In the kernel: CPUs that must drop translations of space now (bit mask); those that will by themselves are left out, unless page tables go too. */
u64 kernel_flush_targets(struct address_space *space, bool tables_freed);

/* Maps one page (size PAGE_SIZE or HUGE_SIZE, all aligned to it). Replaces what was there. 0 or -ENOMEM. A huge
 * page where small ones exist frees the emptied table; a small one inside a huge page splits it first. */
int platform_pt_map(struct pt_batch *b, vaddr_t va, paddr_t pa, size_t size, unsigned prot);
/* Maps n consecutive small pages from an array of physical addresses; entries of 0 are skipped. Only fills entries that are not present. Returns 0 or -ENOMEM. */
int platform_pt_map_array(struct pt_batch *b, vaddr_t va, const paddr_t *pa, unsigned n, unsigned prot);
/*
 * Walks present leaf entries in [start, end) and calls fn for each with its address, size, physical
 * address, protection, dirty and accessed bits; with clear set the entry is removed first, and a huge page partly in range
 * is split before. Without clear nothing changes, and such a page is reported once as it is (its va may be below start).
 * Returns 0 or -ENOMEM (a split failed; what was done before stays done).
 */
struct pt_leaf {
    vaddr_t va;
    paddr_t pa;
    size_t size;
    unsigned prot;
    bool dirty, accessed;
};
int platform_pt_walk(struct pt_batch *b, vaddr_t start, vaddr_t end, bool clear,
                     void (*fn)(const struct pt_leaf *leaf, void *arg), void *arg);
/* Changes the protection of all present leaves in [start, end) to prot, except that PTE_WRITE is only ever removed (write comes back by fault) unless upgrade. 0 or -ENOMEM. */
int platform_pt_protect(struct pt_batch *b, vaddr_t start, vaddr_t end, unsigned prot, bool upgrade);
/* Moves all leaves of [from, from+size) to [to, ...); both page-aligned, target empty. For mremap. 0 or -ENOMEM. */
int platform_pt_move(struct pt_batch *b, vaddr_t from, vaddr_t to, size_t size);
/* Looks one address up: 0 and *leaf, or -ENOENT. */
int platform_pt_lookup(page_root_t root, vaddr_t va, struct pt_leaf *leaf);
/* Frees page-table pages that lie wholly in [start, end), all entries of which are empty. */
void platform_pt_free_tables(struct pt_batch *b, vaddr_t start, vaddr_t end);
/*
 * Applies what is delayed and invalidates TLBs. It waits for other CPUs, which may take milliseconds where the host has fewer
 * cores: best without spinlocks, it then sleeps; the page-table spinlock may be held, since CPUs that spin for it take the IPI.
 */
void platform_pt_commit(struct pt_batch *b);

/* Maps size bytes of device registers at pa (any alignment) uncached into kernel space; NULL when out of space. Permanent. */
volatile void *platform_map_device(paddr_t pa, size_t size);

/*
 * Copies between kernel memory and addresses of the program (already range-checked by
 * kernel/user.h). Returns how many bytes were NOT copied: 0 is success. Faults are resolved by
 * kernel_page_fault() first and end the copy when they cannot be.
 */
size_t platform_copy_user(void *to, const void *from, size_t n);
size_t platform_clear_user(void *to, size_t n);
/* strnlen on program memory: length without NUL, n if none in n bytes, or -EFAULT. */
ssize platform_strnlen_user(const char *s, size_t n);
/*
 * Atomic access to a u32 of the program. 0 or -EFAULT. With preemption disabled a page that is not there is not
 * brought in (see kernel_page_fault): -EFAULT at once, and the caller tries again after dropping its locks.
 */
int platform_load_user_u32(u32 *value, const u32 *p);
/* Stores new if *p == old; *seen receives what was there. 0 or -EFAULT. */
int platform_cmpxchg_user_u32(u32 *p, u32 old, u32 new, u32 *seen);

/* ---------------------------------------------------------------- time */

/* Nanoseconds since boot, monotonic across CPUs. Atomic, cheap, any time after early boot. */
nsec_t platform_clock(void);
/* Nanoseconds since 1970 at the moment platform_clock() was 0, or 0 when the machine does not know. */
nsec_t platform_wall_base(void);
/* Asks for a timer interrupt (kernel_timer_interrupt) on this CPU at platform_clock() == deadline or soon after; replaces the previous one. NSEC_NEVER cancels. Atomic. */
void platform_timer_set(nsec_t deadline);
/* Name of the clock source, for the log: "kvm-clock", "tsc", ... */
const char *platform_clock_name(void);
/* How a vDSO computes the clock: ns = ((tsc - base) * mult) >> shift, + offset. False: not possible in user code. */
struct clock_params {
    u64 tsc_base, mult, offset;
    u32 shift;
};
bool platform_clock_params(struct clock_params *p);

/* ---------------------------------------------------------------- machine */

/* Fills buf with up to n random bytes from the CPU (RDSEED/RDRAND); returns how many. */
size_t platform_cpu_random(void *buf, size_t n);
/* A cheap cycle counter, for entropy and measuring. */
static inline u64 platform_cycles(void);
/* Value of AT_HWCAP and AT_HWCAP2. */
u64 platform_hwcap(void);
u64 platform_hwcap2(void);
/* The paragraph of /proc/cpuinfo about a CPU, in at most n bytes; returns its length. */
size_t platform_cpu_description(unsigned cpu, char *buf, size_t n);
/* A cache of the CPU; line * sets * ways bytes. */
struct cpu_cache {
    unsigned level, line, sets, ways;
    unsigned sharing; /* CPUs, by number, that have one together */
    enum { CACHE_DATA, CACHE_INSTRUCTION, CACHE_UNIFIED } type;
};
/* False: the CPU has, or tells of, no more than index caches. */
bool platform_cpu_cache(unsigned index, struct cpu_cache *c);
/* Ring that kernel and program share: 0 or 3. */
int platform_ring(void);
/* "kvm", "xen", "tcg", "none": what the machine is. */
const char *platform_hypervisor(void);

/* Early and panic output, one polled byte at a time, no lock. */
void platform_early_putc(char c);
/* Starts the drivers (console, rng, ...) after the kernel's allocator, heap and scheduler work. */
void platform_init_devices(void);
/* Brings the other CPUs up; each calls kernel_secondary_main(). Returns when all are up. limit: at most so many in all. */
void platform_start_cpus(unsigned limit);
/* Ends the VM. status 0..255 is what the VMM may return if it can; never returns. Atomic. */
void platform_power_off(int status) __attribute__((noreturn));
/* Stops all other CPUs for a panic (does not wait long). Atomic. */
void platform_stop_others(void);
/* Prints registers of the running CPU or of frame (platform's own trap frame) and a symbolized stack trace, by platform_early_putc or log. Atomic. */
void platform_dump_state(void *frame);
/* Name of the kernel symbol at or before address, its offset in *offset; NULL if none. Atomic. */
const char *platform_symbol(vaddr_t address, u64 *offset);

/* ---------------------------------------------------------------- devices, as the kernel sees them */

/*
 * The host's byte streams: the program's stdin/stdout/stderr and the control channel. A driver
 * (virtio-console port, UART) registers what it has; the kernel reads and writes by index.
 */
enum stream { STREAM_STDIO, STREAM_STDERR, STREAM_CONTROL, STREAM_UART, STREAM_COUNT };

/* True if the machine has this stream. May initialize its device (lazily), so not atomic. */
bool platform_stream_present(enum stream s);
/* Writes up to n bytes; returns how many were taken now (0: full, kernel_stream_event() follows when there is room). Not atomic. data is kernel memory. */
size_t platform_stream_write(enum stream s, const void *data, size_t n);
/* Reads up to n bytes that have arrived; 0: none now (kernel_stream_event() follows). Not atomic. */
size_t platform_stream_read(enum stream s, void *data, size_t n);
/* True if a read would give bytes now. */
bool platform_stream_readable(enum stream s);
/* True if a write would take bytes now. */
bool platform_stream_writable(enum stream s);
/* True if the host has all that was written; if not, kernel_stream_event() follows when it has more of it. Not atomic. */
bool platform_stream_drained(enum stream s);
/* Waits for that by polling: at the end of the VM, when nothing else is to run. */
void platform_stream_flush(enum stream s);

/*
 * Disks, in the order the machine lists them. Sectors are 512 bytes whatever the disk's own block size, which every
 * transfer must respect.
 */
struct block_info {
    u64 sectors;
    u32 block_size;        /* bytes: 512, 4096 */
    u32 max_segments;      /* of one request */
    u32 max_segment_bytes;
    u32 max_discard_sectors;      /* of one BLOCK_DISCARD; 0: it has none */
    u32 max_write_zeroes_sectors; /* the same for BLOCK_WRITE_ZEROES */
    u32 discard_granularity;      /* bytes */
    u16 cylinders;                /* a geometry of the old kind, 0: none */
    u8 heads, sectors_per_track;
    bool read_only, can_flush;
};
enum block_op { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH, BLOCK_DISCARD, BLOCK_WRITE_ZEROES, BLOCK_SERIAL };
#define BLOCK_SERIAL_SIZE 20 /* bytes that BLOCK_SERIAL reads: the disk's name, NUL-terminated if it is shorter */
struct block_segment {
    paddr_t pa;
    u32 length;
};
struct block_request {
    enum block_op op;
    u64 sector;                           /* in 512 bytes, as sector_count */
    u32 sector_count;                     /* BLOCK_DISCARD and BLOCK_WRITE_ZEROES only */
    const struct block_segment *segments; /* the others' data */
    unsigned n_segments;
    int error;                            /* afterwards: 0, -EIO, -EOPNOTSUPP, -ENOSPC */
    struct block_batch *batch;            /* the driver's, as next; NULL: done() */
    void (*done)(struct block_request *r); /* atomic context */
    struct block_request *next;
};
/* Disks there are; the first call looks for them and may sleep. */
unsigned platform_block_count(void);
/* disk < platform_block_count(). Constant. */
const struct block_info *platform_block_info(unsigned disk);
/* Carries out n requests side by side and sleeps until all are done; no signal ends that. 0, or the first one's error. */
int platform_block_run(unsigned disk, struct block_request *r, unsigned n);
/*
 * Starts one that has done() and stays where it is until that was called: by whoever looks at the disk next, as those do who
 * wait for it. Atomic.
 */
void platform_block_start(unsigned disk, struct block_request *r);
/* Looks at all disks once, and on for as long as *value is that, but not longer than an interrupt would take. Atomic. */
void platform_block_poll(const u32 *value, u32 is);
/* While somebody sleeps until some done() is called (change 1; -1 afterwards), disks interrupt. Atomic. */
void platform_block_watch(int change);

/*
 * The host's 9P servers (virtio-9p), found by mount tag. A request is one T message out and one R message in, each in
 * pieces; what comes back is not checked here. Several may be under way.
 */
#define NINEP_MAX_SEGMENTS 128 /* of one request, out and in together */
struct ninep_batch {
    u32 left;              /* requests not answered yet */
    struct wait_queue *done;
};
struct ninep_request {
    const struct block_segment *out, *in;  /* kept by the caller until answered */
    unsigned n_out, n_in;
    u32 written;                            /* bytes of in[] that the host filled; 0: it failed */
    struct ninep_batch *batch;              /* whom to tell, or NULL: done() */
    void (*done)(struct ninep_request *r);  /* atomic context */
    struct ninep_request *next;             /* the driver's, while there is no room */
};
/* Channel >= 0 to the server with this tag; -ENODEV: none, -EBUSY: in use. Probes devices: may sleep. */
int platform_ninep_open(const char *tag);
/* Waits for all that is under way. */
void platform_ninep_close(int channel);
/* Most pieces of a request on this channel; at most NINEP_MAX_SEGMENTS. */
unsigned platform_ninep_max_segments(int channel);
/* Submits; queues what the device has no room for. Without notify the host sees it with the next request that has it. Atomic. */
void platform_ninep_submit(int channel, struct ninep_request *const *r, unsigned n, bool notify);
/* Sleeps until all of the batch is answered; no signal ends that. */
void platform_ninep_wait(int channel, struct ninep_batch *b);

/*
 * Network devices (Ethernet), in the order the machine lists them.
 *
 * Locks: the driver has none of its own. All calls about one device but platform_net_count(), _info(), _pending(), _link() and
 * net_buffer_release() are made one at a time: under the network's core lock. The event comes from an interrupt handler,
 * which takes no lock either.
 */
struct net_info {
    u8 mac[6];
    u16 mtu;                       /* bytes that follow the Ethernet header, at most */
    u16 max_segments;              /* of a frame to be sent */
    bool checksum;                 /* the device makes the checksums of frames to be sent: net_frame.checksum_start */
    bool send_large4, send_large6; /* it cuts large TCP segments of IPv4, IPv6: net_frame.segment_size */
    bool receive_large;            /* frames of up to 64 KiB arrive, see net_buffer.segment_size */
};

/* A frame to be sent; its owner's again when it is done. */
struct net_frame {
    const struct block_segment *segments; /* from the Ethernet header on; the list is read during transmit only, its memory until done */
    u16 n_segments;
    /*
     * The checksummed part begins at checksum_start (0: the frame has its checksum) of the frame, and its sum, which holds that of
     * the pseudo header until then, is checksum_offset further.
     */
    u16 checksum_start, checksum_offset;
    u16 header_length;                 /* Ethernet + IP + TCP headers, where segment_size is set */
    u16 segment_size;                  /* bytes of TCP data of each frame on the wire; 0: it goes as it is */
    bool ipv6;                         /* with segment_size */
    void (*done)(struct net_frame *f); /* the device has read it; under the core lock, may not transmit; may be NULL */
};

/*
 * A part of a frame that arrived, at the start of a page of its own, which belongs to whoever gets it until net_buffer_release().
 * It costs a page however short it is: what is to be kept for long is better copied.
 */
#define NET_BUFFER_OWNER 96
struct net_buffer {
    struct net_buffer *next; /* the rest of the frame, or NULL */
    u8 *data;                /* in the first one, the Ethernet header */
    u32 length;              /* bytes in this buffer */
    u32 frame_length;        /* of the first one: bytes in all */
    u16 segment_size;        /* of the first one: it holds TCP segments of that much data, merged; up to 64 KiB + the Ethernet header */
    bool checksum_good;      /* of the first one: TCP and UDP need no look, verified or (from this host) not made at all */
    u8 owner[NET_BUFFER_OWNER] __attribute__((aligned(8))); /* for who has it: the stack's own descriptor of the data */
};

/* Network devices there are; the first call looks for them and may sleep. Starting one takes a millisecond where registers are slow. */
unsigned platform_net_count(void);
/* device < platform_net_count(). Constant. */
const struct net_info *platform_net_info(unsigned device);
/*
 * From now on frames are received, and event is called, masked, in interrupt context, at most once for each
 * platform_net_listen(): something can be polled, or frames can be sent again after -EAGAIN; and whenever the link changed. 0, -ENOMEM.
 */
int platform_net_start(unsigned device, void (*event)(void *context), void *context);
/*
 * Gives each frame that has arrived, at most budget, to receive, which may transmit; has sent frames done. Returns how many
 * frames. Memory for new buffers is taken here; without any, frames are dropped.
 */
unsigned platform_net_poll(unsigned device, unsigned budget, void (*receive)(void *context, struct net_buffer *frame),
                           void *context);
/* True if a poll would find a frame. Two reads of memory, no lock. */
bool platform_net_pending(unsigned device);
/*
 * Asks for an event when a frame arrives, and with sent, also when a frame was sent. False: there is something already, to be polled
 * before asking again. Between an event and this the device is silent; who is busy polls and does not ask, since an interrupt costs
 * as much as dozens of frames.
 */
bool platform_net_listen(unsigned device, bool sent);
/*
 * Queues a frame to be sent; platform_net_kick() sends it. What is short is copied and done before this returns; the others are done at
 * a later transmit or poll. 0; -EAGAIN: no room, which a poll finds, or an event tells of; -ENOMEM; -EINVAL: too many segments.
 * Errors leave f the caller's.
 */
int platform_net_transmit(unsigned device, struct net_frame *f);
/*
 * Tells the device of the frames queued since the last time: once for many. Unless now, only if that costs nothing, since the device
 * looks for itself; false: it was not told.
 */
bool platform_net_kick(unsigned device, bool now);
/* True while a cable is plugged in, as far as the device tells. */
bool platform_net_link(unsigned device);
/* Frames dropped because there was no memory, or the device made no sense. */
u64 platform_net_dropped(unsigned device);
/* Gives one buffer back (not what follows it). Atomic, any context. */
void net_buffer_release(struct net_buffer *b);

/* Random bytes from a device (virtio-rng); returns how many, 0 when there is none. May sleep. */
size_t platform_device_random(void *buf, size_t n);

/* ---------------------------------------------------------------- what the kernel provides */

/* First C code of the kernel, on the boot CPU: direct map, memory map, early output, traps work; interrupts masked once. */
void kernel_main(void) __attribute__((noreturn));
/* The same on each other CPU. */
void kernel_secondary_main(void) __attribute__((noreturn));
/* A system call of the running thread (number: frame->orig_ax); the result goes to frame->ax. Interrupts enabled. */
void kernel_syscall(const struct syscall_args *a);
/* Before that, when the program came by a `syscall` instruction and not by a patched site. */
void kernel_syscall_site(struct user_frame *frame);
/*
 * Where the program thinks it is when it was interrupted at ip. The platform asks on each trap and interrupt from the program and
 * puts the answer into the frame, so a thread that is not running is never inside a patched site. Atomic.
 */
vaddr_t kernel_program_ip(vaddr_t ip);
/* Work before returning to the program, called when this_cpu()->need_resched or the thread's work flag (see thread_has_work) is set; loops inside until none is left. Interrupts enabled. */
void kernel_return_to_user(struct user_frame *frame);
/* True if the thread must go through kernel_return_to_user: signal pending, must exit. Atomic. */
bool kernel_has_work(void);
/*
 * The same for entry code: an absolute symbol kernel_work_offset, where in struct thread the u64 is that is not 0 then. To be defined
 * in kernel_has_work() by this.
 */
#define KERNEL_WORK_OFFSET(offset) __asm__ volatile(".globl kernel_work_offset\n.set kernel_work_offset, %c0" : : "i"(offset))

enum fault_access { FAULT_READ = 0, FAULT_WRITE = 1, FAULT_EXEC = 2 };
/*
 * A page fault at address. from_user: the program's own instruction (a failure becomes a signal,
 * the return value is ignored); otherwise the kernel's copy routines (false: fix up, -EFAULT).
 * present: the page was there but the access not allowed. Interrupts enabled. Not from_user and with preemption
 * disabled (a spinlock is held) it resolves nothing and returns false.
 */
bool kernel_page_fault(vaddr_t address, enum fault_access access, bool present, bool from_user);
/* Any other exception of the program: signal number and si_code as in sigaction(2), trap number and error code as the CPU's (for the signal frame). Interrupts enabled. */
void kernel_user_exception(int signo, int code, vaddr_t address, unsigned trapno, u64 error);
/* Timer deadline reached. Masked, in_interrupt. */
void kernel_timer_interrupt(void);
/* Another CPU asked for a reschedule. Masked, in_interrupt. */
void kernel_ipi_reschedule(void);
/*
 * Waits until *left is 0, which other CPUs count down; the one that reaches 0 calls kernel_call_done(), masked. Interrupts and
 * preemption are enabled.
 */
void kernel_call_wait(const u32 *left);
void kernel_call_done(void);
/* After an interrupt, before resuming interrupted kernel code (not the program): may preempt. Masked once. */
void kernel_preempt(void);
/* Stream s became readable, writable or closed. Masked. */
void kernel_stream_event(enum stream s);
/* Page-table pages: one zeroed page each, from the page allocator. 0: out of memory. Atomic. */
paddr_t kernel_table_page_alloc(void);
void kernel_table_page_free(paddr_t pa);
/* Fatal error in the kernel or platform: prints, dumps frame (may be NULL) and ends the VM with a failure status. */
void panic(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void panic_at(void *frame, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

#endif
