/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Putting an ELF program and its interpreter into a new address space. File contents are mapped, never copied.
 *
 * Addresses are chosen as Linux chooses them: a fixed program where it asks to be, a position-independent one near
 * 0x5555…, its break behind it, the stack at the top, mappings downwards from below the stack, all moved by
 * random amounts unless `norandom` or ADDR_NO_RANDOMIZE says otherwise.
 */
#include <linux/mman.h>
#include "loader/exec_internal.h"
#include "loader/vdso.h"
#include "fs/page_cache.h"
#include "fs/vfs.h"
#include "kernel/address_space.h"
#include "kernel/heap.h"
#include "kernel/page.h"
#include "kernel/process.h"
#include "kernel/random.h"
#include "kernel/user.h"

#define PIE_BASE         ALIGN_DOWN(USER_SPACE_END / 3 * 2, PAGE_SIZE)
#define RANDOM_MAP_BITS  28                 /* pages: mmap base and PIE base */
#define RANDOM_STACK     (1ull << 34)       /* bytes */
#define RANDOM_BRK       (1ull << 30)
#define STACK_GUARD_GAP  (1ull << 20)
#define STACK_GAP_MIN    (128ull << 20)
#define RWX              (PROT_READ | PROT_WRITE | PROT_EXEC)

u64 exec_random(const struct exec *x, u64 limit)
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
        return "permission denied: it is no regular file, not marked executable, or not for this user";
    case -ETXTBSY:
        return "it is open for writing";
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

int program_open(struct exec *x, struct program *p, int dirfd, const char *path, u32 flags)
{
    struct file *f = vfs_open_exec(dirfd, path, flags);
    p->path = path;
    if (IS_ERR(f))
        return exec_fail(x, (int)PTR_ERR(f), "%s: %s", path, open_error((int)PTR_ERR(f)));
    p->file = f;
    return 0;
}

int program_check(struct exec *x, struct program *p)
{
    struct file *f = p->file;
    if (!f->ops->mmap)
        return exec_fail(x, -ENOEXEC, "%s is in a file system from which programs cannot be mapped", p->path);
    p->object = f->ops->mmap(f, 0, PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE);
    if (IS_ERR(p->object)) {
        int error = (int)PTR_ERR(p->object);
        p->object = NULL;
        return exec_fail(x, error, "%s cannot be mapped", p->path);
    }
    p->image = kmalloc(sizeof(*p->image));
    if (!p->image)
        return exec_fail(x, -ENOMEM, "%s: out of memory", p->path);
    char error[160];
    int result = elf_check(p->image, p->object->size, read_file, f, error, sizeof(error));
    return result ? exec_fail(x, result, "%s %s", p->path, error) : 0;
}

void program_close(struct program *p)
{
    kfree(p->image);
    if (p->object)
        memory_object_put(p->object);
    if (p->file) {
        inode_allow_writes(p->file->inode);
        file_put(p->file);
    }
}

int program_check_memory(struct exec *x, const struct program *p)
{
    struct page_stats s;
    u64 wanted = 0;
    page_stats(&s);
    u64 dirty, available = s.free + page_cache_pages(&dirty); /* what files have in memory gives way */
    for (unsigned i = 0; i < p->image->segment_count; i++)
        if (p->image->segments[i].p_flags & PF_W)
            wanted += ALIGN_UP(p->image->segments[i].p_memsz, PAGE_SIZE) >> PAGE_SHIFT;
    if (wanted <= available)
        return 0;
    return exec_fail(x, -ENOMEM, "%s needs %llu KiB of memory, and %llu KiB are free: give the VM more", p->path,
                (unsigned long long)(wanted << PAGE_SHIFT >> 10), (unsigned long long)(available << PAGE_SHIFT >> 10));
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
            return exec_fail(x, error, "%s: segment at %#llx cannot be mapped (%s)", p->path,
                        (unsigned long long)(p->image->segments[i].p_vaddr + p->bias),
                        error == -EEXIST ? "address in use" : "out of memory");
    }
    return 0;
}

int program_clear_tails(struct exec *x, const struct program *p)
{
    vaddr_t mapped_end = 0;
    for (unsigned i = 0; i < p->image->segment_count; i++) {
        const Elf64_Phdr *s = &p->image->segments[i];
        vaddr_t from = s->p_vaddr + p->bias + s->p_filesz;
        vaddr_t to = s->p_filesz ? ALIGN_UP(from, PAGE_SIZE) : MIN(mapped_end, s->p_vaddr + p->bias + s->p_memsz);
        if (s->p_memsz > s->p_filesz && (s->p_flags & PF_W) && from < to && clear_user((void *)from, to - from))
            return exec_fail(x, -ENOMEM, "%s: out of memory", p->path);
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
    as->stack_top = USER_SPACE_END - ALIGN_DOWN(exec_random(x, RANDOM_STACK), PAGE_SIZE);
    as->mmap_top = ALIGN_DOWN(USER_SPACE_END - gap - (exec_random(x, 1ull << RANDOM_MAP_BITS) << PAGE_SHIFT), PAGE_SIZE);
}

/* Where the program goes, and the break behind it. */
/* Where mmap would put it: a mapping of its span finds the place. */
static int place_by_mmap(struct exec *x, struct program *p)
{
    u64 span = p->image->high - p->image->low, slack = p->image->max_align - PAGE_SIZE;
    struct mapping m = {.length = span + slack, .prot = PROT_NONE, .max_prot = RWX};
    s64 at = address_space_map(x->space, &m);
    if (at < 0)
        return exec_fail(x, (int)at, "%s cannot be mapped (out of memory)", p->path);
    address_space_unmap(x->space, (vaddr_t)at, m.length);
    p->bias = ALIGN_UP((u64)at, p->image->max_align) - p->image->low;
    return 0;
}

/*
 * As Linux: a program that can lie anywhere goes near PIE_BASE, so that the heap has room behind it. One without an interpreter
 * may be an interpreter itself, run by hand, and goes where it would as such; then only the heap starts at PIE_BASE.
 */
static int place_main(struct exec *x)
{
    struct elf_image *image = x->main.image;
    bool alone = image->position_independent && !x->interpreter.image;
    if (alone) {
        int error = place_by_mmap(x, &x->main);
        if (error)
            return error;
    } else if (image->position_independent) {
        u64 base = PIE_BASE + (exec_random(x, 1ull << RANDOM_MAP_BITS) << PAGE_SHIFT);
        x->main.bias = ALIGN_DOWN(base, image->max_align) - ALIGN_DOWN(image->low, image->max_align);
    }
    vaddr_t end = alone ? PIE_BASE : image->high + x->main.bias;
    x->space->brk_start = x->space->brk_end = ALIGN_UP(end + exec_random(x, RANDOM_BRK), PAGE_SIZE);
    return 0;
}

int exec_map(struct exec *x, const struct process *p)
{
    x->space = address_space_create();
    if (!x->space)
        return exec_fail(x, -ENOMEM, "%s: out of memory", x->main.path);
    lay_out_space(x, p);
    int error = place_main(x);
    if (!error)
        error = map_program(x, &x->main);
    if (!error && x->interpreter.image) {
        if (x->interpreter.image->position_independent)
            error = place_by_mmap(x, &x->interpreter);
        if (!error)
            error = map_program(x, &x->interpreter);
    }
    if (!error)
        x->space->vdso = vdso_map(x->space);
    return error;
}
