/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replacing a process's program: the body of execve(2). A new address space is made complete before the old one is let
 * go, so that a failure leaves the caller as it was. File contents are mapped, never copied.
 *
 * Addresses are chosen as Linux chooses them: a fixed program where it asks to be, a position-independent one near
 * 0x5555…, its break behind it, the stack at the top, mappings downwards from below the stack, all moved by
 * random amounts unless `norandom` or ADDR_NO_RANDOMIZE says otherwise.
 */
#include <asm/fcntl.h>
#include <linux/auxvec.h>
#include <linux/mman.h>
#include <linux/personality.h>
#include <linux/stat.h>
#include "loader/loader.h"
#include "loader/stack.h"
#include "loader/vdso.h"
#include "fs/vfs.h"
#include "kernel/address_space.h"
#include "kernel/heap.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/page.h"
#include "kernel/params.h"
#include "kernel/process.h"
#include "kernel/random.h"
#include "kernel/user.h"

#define PIE_BASE         ALIGN_DOWN(USER_SPACE_END / 3 * 2, PAGE_SIZE)
#define RANDOM_MAP_BITS  28                 /* pages: mmap base and PIE base */
#define RANDOM_STACK     (1ull << 34)       /* bytes */
#define RANDOM_BRK       (1ull << 30)
#define STACK_GUARD_GAP  (1ull << 20)
#define STACK_GAP_MIN    (128ull << 20)
#define STACK_FIRST_SIZE (128ull << 10)     /* mapped below the arguments; more by growth */
#define CLOCK_TICKS      100                /* USER_HZ: a constant of the ABI without a name in the headers */
#define USER_CS          0x33               /* what Linux programs see in a signal frame */
#define USER_SS          0x2b
#define FLAGS_IF         0x202              /* EFLAGS: IF and the bit that is always 1 */
#define RWX              (PROT_READ | PROT_WRITE | PROT_EXEC)

/* One ELF file being loaded: the program or its interpreter. */
struct program {
    const char *path;
    struct file *file;
    struct memory_object *object;
    struct elf_image *image;
    u64 bias; /* added to the file's addresses */
};

/* Everything of one exec. */
struct exec {
    struct program main, interpreter;
    struct address_space *space;
    bool randomize;
    char *message;
    size_t message_size;
};

#define fail(x, code, ...) (snprintf((x)->message, (x)->message_size, __VA_ARGS__), (code))

static u64 random_below(const struct exec *x, u64 limit)
{
    return x->randomize ? random_u64() % limit : 0;
}

/* ---------------------------------------------------------------- opening and checking */

static int read_file(void *arg, u64 offset, void *buf, size_t n)
{
    struct io io;
    s64 position = (s64)offset;
    io_init_kernel(&io, buf, n);
    ssize done = file_read(arg, &io, &position, 0);
    return done == (ssize)n ? 0 : done < 0 ? (int)done : -EIO;
}

static const char *open_error(int error)
{
    switch (error) {
    case -ENOENT:
        return "no such file or directory";
    case -ENOTDIR:
        return "a part of the path is not a directory";
    case -EACCES:
        return "permission denied";
    case -ELOOP:
        return "too many symbolic links";
    case -ENAMETOOLONG:
        return "file name too long";
    case -ENOMEM:
        return "out of memory";
    default:
        return "cannot be opened";
    }
}

static int program_open(struct exec *x, struct program *p, const char *path)
{
    p->path = path;
    struct file *f = vfs_open(AT_FDCWD, path, O_RDONLY | O_LARGEFILE, 0);
    if (IS_ERR(f))
        return fail(x, (int)PTR_ERR(f), "%s: %s", path, open_error((int)PTR_ERR(f)));
    p->file = f;
    if (!f->inode || !S_ISREG(f->inode->mode))
        return fail(x, -EACCES, "%s is %s", path,
                    f->inode && S_ISDIR(f->inode->mode) ? "a directory" : "not a regular file");
    if (!(f->inode->mode & 0111) || inode_permission(f->inode, MAY_EXEC))
        return fail(x, -EACCES, "%s: permission denied (it is not marked executable)", path);
    if (!f->ops->mmap)
        return fail(x, -ENOEXEC, "%s is in a file system from which programs cannot be mapped", path);
    p->object = f->ops->mmap(f, 0, PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE);
    if (IS_ERR(p->object)) {
        int error = (int)PTR_ERR(p->object);
        p->object = NULL;
        return fail(x, error, "%s cannot be mapped", path);
    }
    p->image = kmalloc(sizeof(*p->image));
    if (!p->image)
        return fail(x, -ENOMEM, "%s: out of memory", path);
    char error[160];
    int result = elf_check(p->image, p->object->size, read_file, f, error, sizeof(error));
    return result ? fail(x, result, "%s %s", path, error) : 0;
}

static void program_close(struct program *p)
{
    kfree(p->image);
    if (p->object)
        memory_object_put(p->object);
    if (p->file)
        file_put(p->file);
}

/* More private writable memory than the machine has cannot work: said now, not by a kill in the middle. */
static int check_memory(struct exec *x, const struct program *p)
{
    struct page_stats s;
    u64 wanted = 0;
    page_stats(&s);
    for (unsigned i = 0; i < p->image->segment_count; i++)
        if (p->image->segments[i].p_flags & PF_W)
            wanted += ALIGN_UP(p->image->segments[i].p_memsz, PAGE_SIZE) >> PAGE_SHIFT;
    if (wanted <= s.free)
        return 0;
    return fail(x, -ENOMEM, "%s needs %llu KiB of memory, and %llu KiB are free: give the VM more", p->path,
                (unsigned long long)(wanted << PAGE_SHIFT >> 10), (unsigned long long)(s.free << PAGE_SHIFT >> 10));
}

/* ---------------------------------------------------------------- mapping */

static u32 segment_prot(const Elf64_Phdr *s)
{
    return (s->p_flags & PF_R ? PROT_READ : 0u) | (s->p_flags & PF_W ? PROT_WRITE : 0u) |
           (s->p_flags & PF_X ? PROT_EXEC : 0u);
}

/*
 * Maps one segment: pages of the file, then zero pages. *mapped_end is the end of what the segments before it cover.
 * A page that two segments share belongs to the later one, as on Linux, unless that has only zeroes for it.
 */
static int map_segment(struct exec *x, const struct program *p, const Elf64_Phdr *s, vaddr_t *mapped_end)
{
    vaddr_t start = ALIGN_DOWN(s->p_vaddr + p->bias, PAGE_SIZE);
    vaddr_t file_end = ALIGN_UP(s->p_vaddr + p->bias + s->p_filesz, PAGE_SIZE);
    vaddr_t end = ALIGN_UP(s->p_vaddr + p->bias + s->p_memsz, PAGE_SIZE);
    struct mapping m = {.prot = segment_prot(s), .max_prot = RWX, .fixed = true};
    if (s->p_filesz) {
        m.address = start;
        m.length = file_end - start;
        m.object = p->object;
        m.flags = REGION_IMAGE;
        m.offset = ALIGN_DOWN(s->p_offset, PAGE_SIZE);
        m.file = p->file;
        m.replace = start < *mapped_end;
        s64 result = address_space_map(x->space, &m);
        if (result < 0)
            return (int)result;
        start = *mapped_end = file_end;
    }
    start = MAX(start, *mapped_end);
    if (start < end) {
        m.address = start;
        m.length = end - start;
        m.object = NULL;
        m.flags = 0;
        m.file = NULL;
        m.offset = 0;
        m.replace = false;
        s64 result = address_space_map(x->space, &m);
        if (result < 0)
            return (int)result;
        *mapped_end = end;
    }
    return 0;
}

static int map_program(struct exec *x, struct program *p)
{
    vaddr_t mapped_end = 0;
    for (unsigned i = 0; i < p->image->segment_count; i++) {
        int error = map_segment(x, p, &p->image->segments[i], &mapped_end);
        if (error)
            return fail(x, error, "%s: segment at %#llx cannot be mapped (%s)", p->path,
                        (unsigned long long)(p->image->segments[i].p_vaddr + p->bias),
                        error == -EEXIST ? "address in use" : "out of memory");
    }
    return 0;
}

/* Zeroes what lies between the end of a segment's file bytes and the end of that page. The new space is active. */
static int clear_tails(struct exec *x, const struct program *p)
{
    vaddr_t mapped_end = 0;
    for (unsigned i = 0; i < p->image->segment_count; i++) {
        const Elf64_Phdr *s = &p->image->segments[i];
        vaddr_t from = s->p_vaddr + p->bias + s->p_filesz;
        vaddr_t to = s->p_filesz ? ALIGN_UP(from, PAGE_SIZE) : MIN(mapped_end, s->p_vaddr + p->bias + s->p_memsz);
        if (s->p_memsz > s->p_filesz && (s->p_flags & PF_W) && from < to && clear_user((void *)from, to - from))
            return fail(x, -ENOMEM, "%s: out of memory", p->path);
        mapped_end = ALIGN_UP(s->p_vaddr + p->bias + s->p_memsz, PAGE_SIZE);
    }
    return 0;
}

/* Chooses stack top and where mmap starts. */
static void lay_out_space(struct exec *x, const struct process *p)
{
    struct address_space *as = x->space;
    u64 stack = MIN(p->limits[RLIMIT_STACK].rlim_cur, USER_SPACE_END / 6 * 5);
    u64 gap = stack + STACK_GUARD_GAP + (x->randomize ? RANDOM_STACK : 0);
    gap = MIN(MAX(gap, STACK_GAP_MIN), USER_SPACE_END / 6 * 5);
    as->stack_top = USER_SPACE_END - ALIGN_DOWN(random_below(x, RANDOM_STACK), PAGE_SIZE);
    as->mmap_top = ALIGN_DOWN(USER_SPACE_END - gap - (random_below(x, 1ull << RANDOM_MAP_BITS) << PAGE_SHIFT), PAGE_SIZE);
}

/* Where the program goes, and the break behind it. */
static void place_main(struct exec *x)
{
    struct elf_image *image = x->main.image;
    if (image->position_independent) {
        u64 base = PIE_BASE + (random_below(x, 1ull << RANDOM_MAP_BITS) << PAGE_SHIFT);
        x->main.bias = ALIGN_DOWN(base, image->max_align) - ALIGN_DOWN(image->low, image->max_align);
    }
    vaddr_t end = image->high + x->main.bias;
    x->space->brk_start = x->space->brk_end = ALIGN_UP(end + random_below(x, RANDOM_BRK), PAGE_SIZE);
}

/* The interpreter goes where mmap would put it: a mapping of its span finds the place. */
static int place_interpreter(struct exec *x)
{
    struct program *p = &x->interpreter;
    if (!p->image->position_independent)
        return 0;
    u64 span = p->image->high - p->image->low, slack = p->image->max_align - PAGE_SIZE;
    struct mapping m = {.length = span + slack, .prot = PROT_NONE, .max_prot = RWX};
    s64 at = address_space_map(x->space, &m);
    if (at < 0)
        return fail(x, (int)at, "%s cannot be mapped (out of memory)", p->path);
    address_space_unmap(x->space, (vaddr_t)at, m.length);
    p->bias = ALIGN_UP((u64)at, p->image->max_align) - p->image->low;
    return 0;
}

/* ---------------------------------------------------------------- stack and registers */

/* Room for the largest signal frame, as Linux computes AT_MINSIGSTKSZ. */
static u64 signal_frame_size(void)
{
    enum { FRAME = 440, PADDING = 16 + 8, MAGIC2 = 4, XSAVE_ALIGN = 63 };
    return ALIGN_UP(FRAME + PADDING + platform_xsave_size() + MAGIC2 + XSAVE_ALIGN, 16ul);
}

static int map_stack(struct exec *x, const struct initial_stack *s)
{
    struct address_space *as = x->space;
    vaddr_t bottom = ALIGN_DOWN(s->sp - STACK_FIRST_SIZE, PAGE_SIZE);
    struct mapping m = {
        .address = bottom,
        .length = as->stack_top - bottom,
        .prot = PROT_READ | PROT_WRITE | (x->main.image->executable_stack ? PROT_EXEC : 0u),
        .max_prot = RWX,
        .flags = REGION_GROWSDOWN | REGION_STACK,
        .name = "[stack]",
        .fixed = true,
    };
    s64 result = address_space_map(as, &m);
    return result < 0 ? fail(x, (int)result, "%s: no room for the stack", x->main.path) : 0;
}

/* Builds arguments, environment and auxiliary vector; the stack's contents are in s->block, to be freed by the caller. */
static int build_stack(struct exec *x, const struct process *p, char *const argv[], char *const envp[],
                       struct initial_stack *s)
{
    const struct elf_image *image = x->main.image;
    const struct credentials *cred = &current_thread()->cred;
    u64 bias = x->main.bias;
    const Elf64_auxv_t aux[] = {
        {AT_SYSINFO_EHDR, {x->space->vdso}},
        {AT_MINSIGSTKSZ, {signal_frame_size()}},
        {AT_HWCAP, {platform_hwcap()}},
        {AT_PAGESZ, {PAGE_SIZE}},
        {AT_CLKTCK, {CLOCK_TICKS}},
        {AT_PHDR, {image->phdr_address ? image->phdr_address + bias : 0}},
        {AT_PHENT, {sizeof(Elf64_Phdr)}},
        {AT_PHNUM, {image->header.e_phnum}},
        {AT_BASE, {x->interpreter.image ? x->interpreter.bias : 0}},
        {AT_FLAGS, {0}},
        {AT_ENTRY, {image->header.e_entry + bias}},
        {AT_UID, {cred->uid}},
        {AT_EUID, {cred->euid}},
        {AT_GID, {cred->gid}},
        {AT_EGID, {cred->egid}},
        {AT_SECURE, {0}},
        {AT_RANDOM, {0}},
        {AT_HWCAP2, {platform_hwcap2()}},
        {AT_EXECFN, {0}},
        {AT_PLATFORM, {0}},
    };
    bool no_vdso = !x->space->vdso;
    *s = (struct initial_stack){
        .top = x->space->stack_top,
        .argv = argv,
        .envp = envp,
        .path = x->main.path,
        .platform = "x86_64",
        .shift = ALIGN_DOWN(random_below(x, 8192), 16ul),
        .aux = aux + no_vdso,
        .aux_count = ARRAY_SIZE(aux) - no_vdso,
        .limit = MAX(p->limits[RLIMIT_STACK].rlim_cur / 4, 32 * PAGE_SIZE),
    };
    random_bytes(s->random, sizeof(s->random));
    int error = initial_stack_build(s);
    if (error)
        return fail(x, error, "%s: %s", x->main.path,
                    error == -E2BIG ? "argument list too long" : "out of memory");
    x->space->arg_start = s->arg_start;
    x->space->arg_end = s->arg_end;
    x->space->env_start = s->env_start;
    x->space->env_end = s->env_end;
    x->space->auxv_words = (u32)MIN(2 * (s->aux_count + 1), ARRAY_SIZE(x->space->auxv));
    memcpy(x->space->auxv, s->auxv, x->space->auxv_words * sizeof(u64));
    return 0;
}

/* ---------------------------------------------------------------- the exchange */

static int fill_memory(struct exec *x, const struct initial_stack *s)
{
    int error = clear_tails(x, &x->main);
    if (!error && x->interpreter.image)
        error = clear_tails(x, &x->interpreter);
    if (!error && copy_to_user((void *)s->sp, s->block, s->top - s->sp))
        error = fail(x, -ENOMEM, "%s: out of memory", x->main.path);
    return error;
}

/*
 * Makes the new space the process's and fills it; the old one comes back if that fails. A first program has none before:
 * without one, failure leaves the half-made space in place, and the caller ends the VM.
 */
static int exchange_space(struct exec *x, const struct initial_stack *s)
{
    struct address_space *old = current_process()->space;
    if (old)
        address_space_get(old);
    process_set_space(x->space);
    x->space = old;
    int error = fill_memory(x, s);
    if (error && old) {
        process_set_space(old);
        x->space = NULL;
    }
    return error;
}

/* What a program does not inherit from the one before it. Source: execve(2), "Effect on process attributes". */
static void reset_process(struct exec *x)
{
    struct thread *t = current_thread();
    struct process *p = t->process;
    const char *slash = strrchr(x->main.path, '/');
    strlcpy(p->name, slash ? slash + 1 : x->main.path, sizeof(p->name));
    strlcpy(t->name, p->name, sizeof(t->name));
    if (vfs_file_path(x->main.file, p->exe, sizeof(p->exe)) < 0)
        strlcpy(p->exe, x->main.path, sizeof(p->exe));
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        struct signal_action *a = &p->handlers.action[i];
        *a = (struct signal_action){.handler = a->handler == (u64)SIG_IGN ? (u64)SIG_IGN : (u64)SIG_DFL};
    }
    memset(&t->altstack, 0, sizeof(t->altstack));
    t->clear_child_tid = NULL;
    t->robust_list = NULL;
    t->rseq = NULL;
    p->dumpable = 1;
    fd_close_on_exec(t->files);
}

static int exec_open(struct exec *x, const char *path)
{
    int error = program_open(x, &x->main, path);
    if (!error)
        error = check_memory(x, &x->main);
    if (error || !x->main.image->interpreter[0])
        return error;
    error = program_open(x, &x->interpreter, x->main.image->interpreter);
    if (error == -ENOENT)
        return fail(x, -ENOENT, "%s is dynamically linked, and its interpreter %s is not there", path,
                    x->main.image->interpreter);
    if (!error && x->interpreter.image->interpreter[0])
        return fail(x, -ENOEXEC, "%s: its interpreter %s wants an interpreter itself", path, x->interpreter.path);
    return error;
}

static int exec_map(struct exec *x, const struct process *p)
{
    x->space = address_space_create();
    if (!x->space)
        return fail(x, -ENOMEM, "%s: out of memory", x->main.path);
    lay_out_space(x, p);
    place_main(x);
    int error = map_program(x, &x->main);
    if (!error && x->interpreter.image) {
        error = place_interpreter(x);
        if (!error)
            error = map_program(x, &x->interpreter);
    }
    if (!error)
        x->space->vdso = vdso_map(x->space);
    return error;
}

int loader_exec(const char *path, char *const argv[], char *const envp[], struct user_frame *frame, char *message,
                size_t message_size)
{
    struct process *p = current_process();
    struct exec x = {
        .randomize = !params.norandom && !(p->personality & ADDR_NO_RANDOMIZE),
        .message = message,
        .message_size = message_size,
    };
    struct initial_stack stack = {0};
    int error = exec_open(&x, path);
    if (!error)
        error = exec_map(&x, p);
    if (!error)
        error = build_stack(&x, p, argv, envp, &stack);
    if (!error)
        error = map_stack(&x, &stack);
    if (!error)
        error = exchange_space(&x, &stack);
    if (!error) {
        reset_process(&x);
        const struct program *first = x.interpreter.image ? &x.interpreter : &x.main;
        *frame = (struct user_frame){
            .ip = first->image->header.e_entry + first->bias,
            .sp = stack.sp,
            .cs = USER_CS,
            .ss = USER_SS,
            .flags = FLAGS_IF,
            .orig_ax = UINT64_MAX,
        };
        current_thread()->cpu.full_return = true; /* RCX and R11, too, are the frame's */
    }
    kfree(stack.block);
    if (x.space)
        address_space_put(x.space);
    program_close(&x.interpreter);
    program_close(&x.main);
    return error;
}
