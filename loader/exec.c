/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replacing a process's program: the body of execve(2). Scripts lead to their interpreters first. A new address space is
 * made complete, then the other threads are ended, then the spaces are exchanged: a failure before that leaves the caller
 * as it was, and one after it kills the process.
 */
#include <asm/fcntl.h>
#include <linux/auxvec.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/personality.h>
#include <linux/stat.h>
#include "loader/exec_internal.h"
#include "fs/uring/uring.h"
#include "fs/vfs.h"
#include "kernel/address_space.h"
#include "kernel/exec.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/params.h"
#include "kernel/process.h"
#include "kernel/random.h"
#include "kernel/rseq.h"
#include "kernel/user.h"

#define RWX              (PROT_READ | PROT_WRITE | PROT_EXEC)
#define STACK_FIRST_SIZE (128ull << 10) /* mapped below the arguments; more by growth */
#define STACK_DEFAULT    (8ull << 20)   /* RLIMIT_STACK of a first process */
#define STRINGS_MAX      (STACK_DEFAULT / 4 * 3)
#define CLOCK_TICKS      100            /* USER_HZ: a constant of the ABI without a name in the headers */
#define USER_CS          0x33           /* what Linux programs see in a signal frame */
#define USER_SS          0x2b
#define FLAGS_IF         0x202          /* EFLAGS: IF and the bit that is always 1 */
#define SCRIPT_DEPTH     5              /* scripts whose interpreters are scripts, in all */

static size_t count(char *const vector[])
{
    size_t n = 0;
    while (vector[n])
        n++;
    return n;
}

ssize loader_string_limit(size_t argc, size_t envc)
{
    u64 stack = READ_ONCE(current_process()->limits[RLIMIT_STACK].rlim_cur);
    u64 pointers = (MAX(argc, 1ul) + envc) * sizeof(u64);
    u64 limit = MAX(MIN(stack / 4, STRINGS_MAX), (u64)ARG_MAX);
    if (pointers >= limit || stack < PAGE_SIZE)
        return -E2BIG;
    return (ssize)MIN(limit - pointers, ALIGN_DOWN(stack, PAGE_SIZE) - sizeof(u64));
}

/* ---------------------------------------------------------------- finding the program */

/* The arguments as scripts change them. The vector has room in front for two more with each script. */
struct arguments {
    char **vector; /* allocated, or NULL: those of the request */
    char **first;  /* of vector */
    char *heads[SCRIPT_DEPTH]; /* which the strings point into */
    unsigned scripts;
};

/* path, a script, is run by s: "interpreter [argument] path arguments…". */
static int add_script(struct arguments *a, const struct exec_request *r, const char *path, const struct script *s)
{
    if (!a->vector) {
        size_t n = count(r->argv), spare = 2 * SCRIPT_DEPTH + 1;
        a->vector = kmalloc((spare + n + 1) * sizeof(char *));
        if (!a->vector)
            return -ENOMEM;
        a->first = a->vector + spare;
        memcpy(a->first, r->argv, (n + 1) * sizeof(char *));
        if (!n)
            *--a->first = NULL; /* takes the place of the argument 0 that is not there */
    }
    a->first[0] = (char *)path;
    if (s->argument)
        *--a->first = s->argument;
    *--a->first = s->interpreter;
    return 0;
}

/* Reads what the file begins with, zeroes behind its end. */
static int read_head(struct file *f, char *head)
{
    struct io io;
    s64 position = 0;
    memset(head, 0, SCRIPT_HEAD);
    io_init_kernel(&io, head, SCRIPT_HEAD);
    ssize n = f->ops->read ? file_read(f, &io, &position, 0) : -EINVAL;
    return n < 0 ? (int)n : 0;
}

/* The opened file may be a script: goes on to what runs it, till that is none. */
static int follow_scripts(struct exec *x, const struct exec_request *r, struct arguments *a)
{
    for (;;) {
        struct script s;
        char *head = kmalloc(SCRIPT_HEAD);
        int error = head ? read_head(x->main.file, head) : -ENOMEM;
        int found = error ? error : script_parse(head, &s);
        if (found != 1) {
            kfree(head);
            if (found == -ENOEXEC)
                return exec_fail(x, found, "%s: its first line, #!, names no interpreter", x->main.path);
            return found ? exec_fail(x, found, "%s cannot be read", x->main.path) : 0;
        }
        if (r->script_unreachable) {
            kfree(head);
            return exec_fail(x, -ENOENT, "%s: its interpreter could not open it", x->main.path);
        }
        if (a->scripts == SCRIPT_DEPTH) {
            struct file *f = vfs_open_exec(AT_FDCWD, s.interpreter, AT_EMPTY_PATH);
            if (!IS_ERR(f)) {
                inode_allow_writes(f->inode);
                file_put(f);
            }
            kfree(head);
            return exec_fail(x, IS_ERR(f) ? (int)PTR_ERR(f) : -ELOOP, "%s: too many scripts run by scripts", r->path);
        }
        a->heads[a->scripts++] = head;
        const char *script = x->main.path;
        if (add_script(a, r, script, &s))
            return exec_fail(x, -ENOMEM, "%s: out of memory", script);
        program_close(&x->main);
        x->main = (struct program){0};
        error = program_open(x, &x->main, AT_FDCWD, s.interpreter, AT_EMPTY_PATH);
        if (error == -ENOENT)
            return exec_fail(x, error, "%s is a script, and its interpreter %s is not there%s", script, s.interpreter,
                             strchr(s.interpreter, '\r') ? " (the line ends in a carriage return)" : "");
        if (error)
            return error;
    }
}

static int open_all(struct exec *x, const struct exec_request *r, struct arguments *a)
{
    int error = follow_scripts(x, r, a);
    if (!error)
        error = program_check(x, &x->main);
    if (!error)
        error = program_check_memory(x, &x->main);
    if (error || !x->main.image->interpreter[0])
        return error;
    error = program_open(x, &x->interpreter, AT_FDCWD, x->main.image->interpreter, 0);
    if (error == -ENOENT)
        return exec_fail(x, -ENOENT, "%s is dynamically linked, and its interpreter %s is not there", x->main.path,
                         x->main.image->interpreter);
    if (!error)
        error = program_check(x, &x->interpreter);
    if (error == -ENOEXEC) /* what Linux says of an interpreter that has no header, or a wrong one */
        error = x->interpreter.object->size < sizeof(Elf64_Ehdr) ? -EIO : -ELIBBAD;
    return error;
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
    return result < 0 ? exec_fail(x, (int)result, "%s: no room for the stack", x->main.path) : 0;
}

/* Builds arguments, environment and auxiliary vector; the stack's contents are in s->block, to be freed by the caller. */
static int build_stack(struct exec *x, const struct credentials *c, bool secure, const struct exec_request *r,
                       char *const argv[], struct initial_stack *s)
{
    const struct elf_image *image = x->main.image;
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
        {AT_UID, {c->uid}},
        {AT_EUID, {c->euid}},
        {AT_GID, {c->gid}},
        {AT_EGID, {c->egid}},
        {AT_SECURE, {secure}},
        {AT_RANDOM, {0}},
        {AT_HWCAP2, {platform_hwcap2()}},
        {AT_EXECFN, {0}},
        {AT_PLATFORM, {0}},
        {AT_RSEQ_FEATURE_SIZE, {RSEQ_FEATURE_SIZE}},
        {AT_RSEQ_ALIGN, {RSEQ_ALIGN}},
    };
    bool no_vdso = !x->space->vdso;
    ssize limit = loader_string_limit(count(r->argv), count(r->envp));
    if (limit < 0)
        return exec_fail(x, -E2BIG, "%s: argument list too long", r->path);
    *s = (struct initial_stack){
        .top = x->space->stack_top,
        .argv = argv,
        .envp = r->envp,
        .path = r->path,
        .platform = "x86_64",
        .shift = ALIGN_DOWN(exec_random(x, 8192), 16ul),
        .aux = aux + no_vdso,
        .aux_count = ARRAY_SIZE(aux) - no_vdso,
        .limit = (size_t)limit,
    };
    random_bytes(s->random, sizeof(s->random));
    int error = initial_stack_build(s);
    if (error)
        return exec_fail(x, error, "%s: %s", x->main.path,
                    error == -E2BIG ? "argument list too long" : "out of memory");
    x->space->arg_start = s->arg_start;
    x->space->arg_end = s->arg_end;
    x->space->env_start = s->env_start;
    x->space->env_end = s->env_end;
    x->space->auxv_words = (u32)MIN(2 * (s->aux_count + 1), ARRAY_SIZE(x->space->auxv));
    memcpy(x->space->auxv, s->auxv, x->space->auxv_words * sizeof(u64));
    return 0;
}

/* ---------------------------------------------------------------- credentials */

/* What the program's file gives beyond the caller's credentials. */
static void read_file_credentials(const struct exec *x, const struct thread *t, struct file_credentials *fc)
{
    const struct file *f = x->main.file;
    struct inode *i = f->inode;
    struct vfs_ns_cap_data caps = {0};
    u32 mode = READ_ONCE(i->mode), version;
    ssize n = -ENODATA;
    *fc = (struct file_credentials){0};
    if (f->mount->flags & MS_NOSUID)
        return;
    fc->set_uid = !t->no_new_privs && mode & S_ISUID;
    fc->set_gid = !t->no_new_privs && (mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
    fc->uid = i->uid;
    fc->gid = i->gid;
    /* For root, files' capabilities change nothing that it has not. */
    if ((t->cred.uid || t->cred.euid || t->cred.securebits) && i->ops->getxattr)
        n = i->ops->getxattr(i, "security.capability", &caps, sizeof(caps));
    version = caps.magic_etc & VFS_CAP_REVISION_MASK;
    if (!(n == XATTR_CAPS_SZ_1 && version == VFS_CAP_REVISION_1) && !(n == XATTR_CAPS_SZ_2 && version == VFS_CAP_REVISION_2) &&
        !(n == XATTR_CAPS_SZ_3 && version == VFS_CAP_REVISION_3))
        return;
    fc->capabilities = true;
    fc->effective = caps.magic_etc & VFS_CAP_FLAGS_EFFECTIVE;
    fc->permitted = caps.data[0].permitted;
    fc->inheritable = caps.data[0].inheritable;
    if (version != VFS_CAP_REVISION_1) {
        fc->permitted |= (u64)caps.data[1].permitted << 32;
        fc->inheritable |= (u64)caps.data[1].inheritable << 32;
    }
}

static void install_credentials(struct process *p, const struct credentials *c, bool secure)
{
    /* Who may not read a program's file shall not read it from a core dump either. */
    const struct credentials *old = &current_thread()->cred;
    bool readable = !inode_permission(p->space->executable->inode, MAY_READ);
    p->dumpable = readable && old->euid == old->uid && old->egid == old->gid;
    credentials_replace(c);
    if (secure) {
        current_thread()->pdeathsig = 0;
        p->limits[RLIMIT_STACK].rlim_cur = MIN(p->limits[RLIMIT_STACK].rlim_cur, STACK_DEFAULT);
    }
}

/* ---------------------------------------------------------------- the exchange */

static void release_executable(struct file *f)
{
    inode_allow_writes(f->inode);
    file_put(f);
}

static int fill_memory(struct exec *x, const struct initial_stack *s)
{
    int error = program_clear_tails(x, &x->main);
    if (!error && x->interpreter.image)
        error = program_clear_tails(x, &x->interpreter);
    if (!error && copy_to_user((void *)s->sp, s->block, s->top - s->sp))
        error = exec_fail(x, -ENOMEM, "%s: out of memory", x->main.path);
    return error;
}

/* What a program does not inherit from the one before it. Source: execve(2), "Effect on process attributes". */
static void reset_process(const struct exec_request *r, struct user_frame *frame)
{
    struct process *p = current_process();
    const char *slash = strrchr(r->path, '/');
    mutex_lock(&rename_lock);
    process_exec_reset(r->nameless ? p->space->executable->dentry->name : slash ? slash + 1 : r->path);
    mutex_unlock(&rename_lock);
    *frame = (struct user_frame){.cs = USER_CS, .ss = USER_SS, .flags = FLAGS_IF, .orig_ax = UINT64_MAX};
    current_thread()->cpu.full_return = true; /* RCX and R11, too, are the frame's */
    uring_thread_exit(true); /* requests of io_uring end with the old program */
    fd_close_on_exec(current_thread()->files);
}

/*
 * The point of no return: makes the new space the process's and fills it. A first program has none before, and its
 * failure ends the VM.
 */
static int exchange(struct exec *x, const struct exec_request *r, const struct initial_stack *s, const struct credentials *c,
                    bool secure, struct user_frame *frame)
{
    struct process *p = current_process();
    bool first = !p->space;
    const struct program *start = x->interpreter.image ? &x->interpreter : &x->main;
    int error = first ? 0 : process_exec_begin();
    if (error)
        return error;
    error = fd_unshare();
    if (error)
        return error;
    address_space_release_executable = release_executable;
    x->space->executable = x->main.file;
    x->main.file = NULL; /* the space's, and denies writes till that goes */
    if (!first)
        x->space->no_huge_pages = p->space->no_huge_pages;
    process_set_space(x->space);
    x->space = NULL;
    error = fill_memory(x, s);
    if (error) {
        if (!first)
            process_exit(SIGSEGV);
        return error;
    }
    reset_process(r, frame);
    install_credentials(p, c, secure);
    frame->ip = start->image->header.e_entry + start->bias;
    frame->sp = s->sp;
    return 0;
}

int loader_exec(const struct exec_request *r, struct user_frame *frame, char *message, size_t message_size)
{
    struct thread *t = current_thread();
    struct process *p = t->process;
    struct exec x = {
        .message = message,
        .message_size = message_size,
        .main = {.path = r->path, .file = r->file},
    };
    struct arguments a = {0};
    struct initial_stack stack = {0};
    struct credentials c = t->cred;
    struct file_credentials fc;
    bool secure = false;
    int error = r->file ? 0 : program_open(&x, &x.main, AT_FDCWD, r->path, 0);
    if (!error)
        error = open_all(&x, r, &a);
    if (!error) {
        read_file_credentials(&x, t, &fc);
        error = credentials_exec(&c, &fc, t->no_new_privs, &secure);
        if (error)
            error = exec_fail(&x, error, "%s: permission denied: its capabilities cannot be given", x.main.path);
    }
    if (!error) {
        u64 personality = p->personality & ~(u64)(secure ? PER_CLEAR_ON_SETID : READ_IMPLIES_EXEC);
        x.randomize = !params.norandom && !(personality & ADDR_NO_RANDOMIZE);
        error = exec_map(&x, p);
    }
    if (!error)
        error = build_stack(&x, &c, secure, r, a.vector ? a.first : r->argv, &stack);
    if (!error)
        error = map_stack(&x, &stack);
    if (!error)
        error = exchange(&x, r, &stack, &c, secure, frame);
    if (!error)
        p->personality &= ~(u64)(secure ? PER_CLEAR_ON_SETID : READ_IMPLIES_EXEC);
    kfree(stack.block);
    if (x.space)
        address_space_put(x.space);
    program_close(&x.interpreter);
    program_close(&x.main);
    kfree(a.vector);
    for (unsigned i = 0; i < a.scripts; i++)
        kfree(a.heads[i]);
    return error;
}
