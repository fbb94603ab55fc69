/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces: an ordered tree of regions over a page-table root, filled on demand.
 * Calls are the bodies of mmap(2) and its relatives and follow their man pages; system-call
 * argument checks that need the program's view (fd lookup, flag words) are done by the callers in syscalls/.
 */
#ifndef KERNEL_ADDRESS_SPACE_H
#define KERNEL_ADDRESS_SPACE_H

#include "kernel/lib/rbtree.h"
#include "kernel/list.h"
#include "kernel/lock.h"
#include "kernel/rwlock.h"
#include "kernel/memory_object.h"

struct file;

/* Region flags beside protection. */
enum region_flags {
    REGION_SHARED = 1,      /* writes go to the object */
    REGION_GROWSDOWN = 2,   /* grows towards lower addresses on a fault below (stack) */
    REGION_NORESERVE = 4,
    REGION_STACK = 8,
    REGION_HUGE = 16,       /* MADV_HUGEPAGE */
    REGION_NOHUGE = 32,     /* MADV_NOHUGEPAGE */
    REGION_LOCKED = 64,
    REGION_DONTFORK = 128,
    REGION_DONTDUMP = 256,
    REGION_WIPEONFORK = 512,
    REGION_HEAP = 1024,     /* brk */
    REGION_KERNEL = 2048,   /* vDSO and the like: never merged, merged into or advised away */
    REGION_LOCK_ON_FAULT = 4096, /* with LOCKED: mlock2(MLOCK_ONFAULT) */
    REGION_IMAGE = 8192,    /* segment of a program or library, whose file nobody writes meanwhile: may be copied early */
    REGION_UNCOUNTED = 16384, /* not the program's doing: no size or limit counts it */
    REGION_ATTACHED = 32768  /* shmat(2): never merged, since each counts */
};

struct region {
    struct rb_node node;         /* address_space.regions */
    struct list object_link;     /* memory_object.mappings; empty without object */
    struct address_space *space;
    vaddr_t start, end;          /* page-aligned, [start, end) */
    u64 gap;                     /* bytes free (for a search) right before this region */
    u64 largest_gap;             /* augment: largest gap in this subtree */
    u32 prot;                    /* PROT_* of mmap(2) */
    u32 flags;                   /* enum region_flags */
    struct memory_object *object; /* NULL: private anonymous */
    u64 offset;                  /* in object of start, bytes */
    struct file *file;           /* for /proc/self/maps; holds a reference by file_ref, or NULL */
    const char *name;            /* "[stack]", "[heap]", "[vdso]" or NULL; static */
    u32 max_prot;                /* PROT_* the mapping may ever get (a read-only file mapped shared) */
    u64 faulted_pages;           /* pages faults brought in so far; racy hint */
};

/* What faults on anonymous memory have learned about the program; racy, hints (kernel/fault_anonymous.c). */
struct fault_habits {
    u32 first_window;            /* pages that the first fault of a region brings in; 0: as at the start */
    s32 growth;                  /* points for changing it */
    vaddr_t fresh;               /* the mapping made last, if it was left alone and is not used yet, or 0 */
    s32 prompt;                  /* points for mappings being used at once */
    u32 asked;                   /* mappings made since it has enough of them */
};

#define SPARE_TABLES 32u

struct address_space {
    u32 refs;
    struct rwlock lock;          /* regions and everything below except page tables; faults take it for reading */
    struct spinlock pt_lock;     /* page tables under root */
    page_root_t root;
    u64 cpus;                    /* atomic bitmask: CPUs that run with root */
    u64 lazy_cpus;               /* the same: that have root loaded but run no thread of it */
    u64 flushes;                 /* atomic: invalidations so far */
    u32 code_writes;             /* atomic; odd: code of the program is being written, no CPU may begin to run it */
    struct rb_tree regions;
    u32 region_count;
    u64 total_pages;             /* mapped, for RLIMIT_AS and /proc */
    u64 peak_pages;              /* the most that ever were */
    u64 data_pages;              /* private writable, for RLIMIT_DATA */
    u64 locked_pages;            /* in REGION_LOCKED regions, for RLIMIT_MEMLOCK */
    int lock_future;             /* mlockall(MCL_FUTURE): MCL_FUTURE | MCL_ONFAULT, 0 off */
    u64 resident_pages;          /* atomic; for ru_maxrss */
    u64 peak_resident_pages;
    u64 private_pages;           /* of the resident: anonymous memory and private copies; pt_lock */
    vaddr_t mmap_top;            /* top-down search starts here */
    vaddr_t brk_start, brk_end;  /* the heap: [brk_start, brk_end), brk_end byte-exact */
    vaddr_t stack_top;
    vaddr_t arg_start, arg_end, env_start, env_end; /* for /proc */
    vaddr_t vdso;                /* AT_SYSINFO_EHDR, 0 none */
    struct file *executable;     /* what /proc/PID/exe is; reference, given back by the hook below; NULL: none yet */
    u64 auxv[48];                /* auxiliary vector as the program got it, for /proc */
    u32 auxv_words;
    u64 minor_faults, major_faults;
    struct fault_habits habits;
    vaddr_t spare_tables[SPARE_TABLES]; /* blocks of 2 MiB that may have a page table left without use (kernel/zap.c); lock, for writing */
    u32 spare_count;
    bool no_huge_pages;          /* PR_SET_THP_DISABLE: faults fill with small pages */
    struct patch_table *patches; /* patched system-call sites, loader/patch.c; NULL: none yet */
};

/* /proc/sys/vm. overcommit_memory: 0, only what memory could never hold is refused; 1, nothing is. */
extern int vm_overcommit, vm_max_map_count;

/* The hooks by which files stay referenced while mapped, set by fs/ (kernel/ does not know struct file). */
extern void (*region_file_get)(struct file *f);
extern void (*region_file_put)(struct file *f);
/* A store through a shared mapping faulted; under the address space's lock. Those that do not fault are not told. */
extern void (*region_file_written)(struct file *f);
/* Gives back address_space.executable; set by loader/. */
extern void (*address_space_release_executable)(struct file *f);

struct address_space *address_space_create(void); /* NULL: out of memory */
void address_space_get(struct address_space *as);
void address_space_put(struct address_space *as);
/* The CPU runs a kernel thread from now on: the loaded space stays, lazily. Masked; called by the scheduler. */
void address_space_relax(void);
/* Loads as on this CPU, NULL: only the kernel's part. Masked; called by the scheduler on a switch. */
void address_space_activate(struct address_space *as);

/* What mmap maps. */
struct mapping {
    vaddr_t address;              /* hint, or exact with fixed */
    size_t length;                /* > 0, page-aligned up */
    u32 prot, max_prot, flags;    /* PROT_*, PROT_*, enum region_flags */
    struct memory_object *object; /* a reference is taken on success; NULL anonymous private */
    u64 offset;
    struct file *file;
    const char *name;
    bool fixed, replace;          /* fixed without replace: MAP_FIXED_NOREPLACE */
    bool below_2g;                /* MAP_32BIT */
    bool populate;
};
/* What of m is wrong whatever is mapped there, without a look at its object. 0, -EINVAL, -ENOMEM, -EPERM. */
int address_space_check(const struct mapping *m);
/* Address of the new mapping or -ENOMEM, -EINVAL, -EEXIST, -EPERM. */
s64 address_space_map(struct address_space *as, const struct mapping *m);
int address_space_unmap(struct address_space *as, vaddr_t start, size_t length);
/* shmdt(2): unmaps what is left of the REGION_ATTACHED mapping that began at start. 0 or -EINVAL. */
int address_space_detach(struct address_space *as, vaddr_t start);
int address_space_protect(struct address_space *as, vaddr_t start, size_t length, u32 prot);
/* Likewise; what is in if_allowed too, where the region's max_prot has it. */
int address_space_protect_more(struct address_space *as, vaddr_t start, size_t length, u64 prot, u32 if_allowed);
/* mremap(2); flags MREMAP_*. New address or negative errno. */
s64 address_space_remap(struct address_space *as, vaddr_t old, size_t old_length, size_t new_length,
                        u64 flags, vaddr_t new_address);
int address_space_advise(struct address_space *as, vaddr_t start, size_t length, int advice);
/* brk(2) semantics: returns the resulting break. */
vaddr_t address_space_brk(struct address_space *as, vaddr_t want);
int address_space_sync(struct address_space *as, vaddr_t start, size_t length, int flags);
/* vec: kernel buffer of one byte a page. */
int address_space_mincore(struct address_space *as, vaddr_t start, size_t pages, u8 *vec);
int address_space_lock_range(struct address_space *as, vaddr_t start, size_t length, bool lock, bool on_fault);
int address_space_lock_all(struct address_space *as, int flags); /* mlockall; 0 flags: munlockall */
/* Region that holds address or the next above; under as->lock, for reading at least (no user memory may be touched under it). NULL: none. */
struct region *region_find(struct address_space *as, vaddr_t address);
struct region *region_next(struct region *r);

/* struct page.kind of a page that belongs to one private mapping (anonymous memory, private copies). */
#define PAGE_KIND_PRIVATE 1
/* p may be NULL. */
static inline bool page_is_private(const struct page *p)
{
    return p && p->kind == PAGE_KIND_PRIVATE;
}

/* What of a range is in memory, in pages. */
struct memory_usage {
    u64 resident;
    u64 dirty;       /* was written, or may be without a fault */
    u64 private;     /* belongs to one mapping alone: anonymous memory, private copies */
    u64 in_ram;      /* of memory objects that have no other home: tmpfs, memfd, shared anonymous memory */
    u64 huge;        /* of the private ones, in 2 MiB pages */
    u64 locked;
};
/* Adds what [start, end) of r has. Under r->space->lock, for reading at least. */
void region_usage(const struct region *r, vaddr_t start, vaddr_t end, struct memory_usage *u);

/*
 * Resolves a fault: 0, or the signal to send: SIGSEGV/SIGBUS in *signo with its si_code in *code (return -EFAULT), or -ENOMEM
 * (the caller kills the program with a message).
 */
int address_space_fault(struct address_space *as, vaddr_t address, enum fault_access access,
                        int *signo, int *code);
/*
 * Copies n bytes within the page of at, from buf (write) or to it, whatever the protection: every mapping is read so, a private
 * one also written, in a page of its own. 0, -EFAULT: no such memory, or a shared mapping that is read only, -ENOMEM.
 */
int address_space_force(struct address_space *as, vaddr_t at, void *buf, size_t n, bool write);

#endif
