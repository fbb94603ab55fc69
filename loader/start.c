/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first program: makes its process and a thread, which unpacks the boot module and executes the program. What is to run comes from the
 * archive's `.aril/` members (the host command writes them) or, for boots by hand, from `init=` and the words after
 * `--` on the command line. A module that is an ELF file itself is the program.
 *
 * The program is process 2, child of process 1, which is the kernel: programs that test for being process 1 (shells,
 * busybox init, Go's reaper libraries) behave here as they do when started from a shell.
 */
#include <linux/limits.h>
#include <linux/stat.h>
#include "loader/archive.h"
#include "loader/loader.h"
#include "fs/root.h"
#include "fs/stdio.h"
#include "fs/vfs.h"
#include "kernel/address_space.h"
#include "kernel/heap.h"
#include "kernel/init.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/params.h"
#include "kernel/process.h"
#include "kernel/vm_exit.h"

#define STATUS_VM_FAILED     125
#define STATUS_NOT_RUNNABLE  126
#define STATUS_NOT_FOUND     127
#define RESERVED             ".aril/"
#define MODULE_PROGRAM       "/init"

/* What the boot module and the command line ask for. Strings are NUL-terminated, in the module or constant. */
struct request {
    const char *exec, *cwd, *user;
    const char *argv, *env; /* strings one after the other */
    size_t argv_size, env_size;
    const char *volumes; /* lines, fs/root.h */
    u64 volumes_size;
};

/* True if the member ends in a NUL, so that its strings can be used in place. */
static bool is_strings(const struct archive_entry *e)
{
    return e->size && !e->data[e->size - 1];
}

/* A copy with a NUL behind. */
static const char *member_string(const struct archive_entry *e)
{
    char *s = kmalloc(e->size + 1);
    if (!s)
        vm_fail(STATUS_VM_FAILED, "out of memory while the boot archive is unpacked");
    memcpy(s, e->data, e->size);
    s[e->size] = 0;
    return s;
}

static void take_reserved(struct request *r, const struct archive_entry *e)
{
    const char *name = e->name + strlen(RESERVED);
    bool strings = !strcmp(name, "argv") || !strcmp(name, "env");
    if (strings && e->size && !is_strings(e))
        vm_fail(STATUS_VM_FAILED, "boot archive: %s does not end with a NUL byte", e->name);
    if (!strcmp(name, "argv")) {
        r->argv = e->data;
        r->argv_size = e->size;
    } else if (!strcmp(name, "env")) {
        r->env = e->data;
        r->env_size = e->size;
    } else if (!strcmp(name, "cwd")) {
        r->cwd = member_string(e);
    } else if (!strcmp(name, "exec")) {
        r->exec = member_string(e);
    } else if (!strcmp(name, "user")) {
        r->user = member_string(e);
    } else if (!strcmp(name, "volumes")) {
        r->volumes = e->data;
        r->volumes_size = e->size;
    } else if (!strcmp(name, "root.erofs")) {
        root_set_image(e->data, e->size);
    } else {
        vm_fail(STATUS_VM_FAILED, "boot archive: unknown member %s", e->name);
    }
}

static int unpack_entry(const struct archive_entry *e, char *path)
{
    path[0] = '/';
    if (strlcpy(path + 1, e->name, PATH_MAX - 1) >= PATH_MAX - 1)
        return -ENAMETOOLONG;
    /* Without a time: the host command made it on the way to something else. */
    int error = root_place(path, S_ISDIR(e->mode) && !e->mtime);
    if (error)
        return error;
    s64 mtime = (s64)(e->mtime * NSEC_PER_SEC);
    switch (e->mode & S_IFMT) {
    case S_IFDIR:
        return vfs_boot_mkdir(path, e->mode & 07777, e->uid, e->gid, mtime);
    case S_IFREG:
        return vfs_boot_file(path, e->mode & 07777, e->uid, e->gid, mtime, e->data, e->size);
    case S_IFLNK: {
        const char *target = member_string(e);
        error = vfs_boot_symlink(path, target, e->uid, e->gid, mtime);
        kfree((void *)target);
        return error;
    }
    default: /* devices, sockets, FIFOs: /dev has what programs need */
        log_warn("boot archive: %s is no file, directory or link: left out", path);
        return 0;
    }
}

static void unpack(const struct boot_module *module, struct request *r)
{
    struct archive archive;
    struct archive_entry e;
    int more;
    char *path = kmalloc(PATH_MAX);
    if (!path)
        vm_fail(STATUS_VM_FAILED, "out of memory while the boot archive is unpacked");
    archive_open(&archive, module->data, module->size);
    while ((more = archive_next(&archive, &e)) > 0) {
        if (!strncmp(e.name, RESERVED, strlen(RESERVED))) {
            take_reserved(r, &e);
            continue;
        }
        if (S_ISDIR(e.mode) && (!e.name[0] || !strcmp(e.name, ".aril")))
            continue; /* the root is there already */
        int error = unpack_entry(&e, path);
        if (error)
            vm_fail(STATUS_VM_FAILED, "boot archive: /%s cannot be unpacked (error %d)%s", e.name, -error,
                    error == -ENOMEM || error == -ENOSPC ? ": too little memory" : "");
    }
    if (more < 0)
        vm_fail(STATUS_VM_FAILED, "the boot archive %s", archive.error);
    kfree(path);
}

static void load_modules(struct request *r)
{
    unsigned n;
    const struct boot_module *modules = platform_boot_modules(&n);
    for (unsigned i = 0; i < n; i++) {
        if (archive_is_cpio(modules[i].data, modules[i].size)) {
            unpack(&modules[i], r);
        } else if (modules[i].size >= SELFMAG && !memcmp(modules[i].data, ELFMAG, SELFMAG)) {
            const char *path = params.init ? params.init : MODULE_PROGRAM;
            int error = vfs_boot_file(path, 0755, 0, 0, 0, modules[i].data, modules[i].size);
            if (error)
                vm_fail(STATUS_VM_FAILED, "%s cannot be made from the boot module (error %d)", path, -error);
            r->exec = path;
        } else {
            vm_fail(STATUS_VM_FAILED, "boot module %u is neither a cpio archive nor an ELF program", i);
        }
    }
}

/* Pointers to strings that lie one after the other, NULL behind. `first` (may be NULL) comes before them. */
static char **make_vector(const char *first, const char *strings, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < size; i++)
        n += !strings[i];
    char **vector = kmalloc((n + 2) * sizeof(char *));
    if (!vector)
        vm_fail(STATUS_VM_FAILED, "out of memory for the program's arguments");
    size_t k = 0;
    if (first)
        vector[k++] = (char *)first;
    for (const char *s = strings; n; n--, s += strlen(s) + 1)
        vector[k++] = (char *)s;
    vector[k] = NULL;
    return vector;
}

static char **make_argv(const struct request *r)
{
    if (r->argv_size)
        return make_vector(NULL, r->argv, r->argv_size);
    char **argv = kmalloc((params.n_args + 2) * sizeof(char *));
    if (!argv)
        vm_fail(STATUS_VM_FAILED, "out of memory for the program's arguments");
    argv[0] = (char *)r->exec;
    memcpy(argv + 1, params.args, params.n_args * sizeof(char *));
    argv[params.n_args + 1] = NULL;
    return argv;
}

static char **make_environment(const struct request *r)
{
    static const char standard[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\0HOME=/\0TERM=linux";
    if (r->env)
        return make_vector(NULL, r->env, r->env_size);
    return make_vector(NULL, standard, sizeof(standard));
}

/* The next of the ids in *at, which moves behind it; blanks are between them. */
static u32 next_id(const char **at)
{
    u64 id;
    while (**at == ' ')
        ++*at;
    if (parse_u64(*at, at, 10, &id) || id >= UINT32_MAX || (**at && **at != ' '))
        vm_fail(STATUS_VM_FAILED, "the user's ids make no sense");
    return (u32)id;
}

/* Ids of a user, a group, and supplementary groups. Capabilities stay with user 0. */
static void become(const char *ids)
{
    struct credentials c = current_thread()->cred;
    u32 n = 0;
    c.uid = c.euid = c.suid = c.fsuid = next_id(&ids);
    c.gid = c.egid = c.sgid = c.fsgid = next_id(&ids);
    for (const char *s = ids; *s; s++)
        n += *s == ' ';
    c.groups = group_list_create(n);
    if (!c.groups)
        vm_fail(STATUS_VM_FAILED, "out of memory for the user's groups");
    for (u32 i = 0; i < n; i++)
        c.groups->gid[i] = next_id(&ids);
    group_list_sort(c.groups);
    if (c.uid)
        c.cap_effective = c.cap_permitted = 0;
    credentials_replace(&c);
}

/* Makes the working directory if there is none, as the host command promises. */
static int enter_directory(const char *path)
{
    int error = vfs_chdir(path);
    if (error != -ENOENT)
        return error;
    error = root_make_directory(path);
    return error ? error : vfs_chdir(path);
}

/* Is there a file that may be executed at path? 0, -ENOENT, -EACCES, … */
static int check_executable(const char *path)
{
    struct path_ref at;
    int error = path_find(AT_FDCWD, path, FIND_FOLLOW, 0, &at);
    if (error)
        return error;
    if (!S_ISREG(at.dentry->inode->mode) || inode_permission(at.dentry->inode, MAY_EXEC))
        error = -EACCES;
    path_put(&at);
    return error;
}

/*
 * A program named without a slash is looked for in the directories of PATH, as a shell does: one that may not be executed
 * is passed over, but remembered. The path (kept for ever); ends the VM when there is none.
 */
static const char *find_program(const char *name, char *const *env)
{
    const char *directory = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *end;
    size_t name_size = strlen(name) + 1;
    int found = -ENOENT;
    for (; *env; env++)
        if (!strncmp(*env, "PATH=", 5))
            directory = *env + 5;
    for (;; directory = end + 1) {
        end = directory;
        while (*end && *end != ':')
            end++;
        size_t length = (size_t)(end - directory);
        char *path = kmalloc(length + 2 + name_size);
        if (!path)
            vm_fail(STATUS_VM_FAILED, "out of memory while the program is looked for");
        memcpy(path, directory, length);
        if (length)
            path[length++] = '/';
        memcpy(path + length, name, name_size);
        int error = check_executable(path);
        if (!error)
            return path;
        kfree(path);
        if (error == -EACCES)
            found = error;
        if (!*end)
            break;
    }
    if (found == -EACCES)
        vm_fail(STATUS_NOT_RUNNABLE, "%s: permission denied", name);
    vm_fail(STATUS_NOT_FOUND, "%s: command not found", name);
}

/* The first thread of the program, in the kernel still: makes everything ready, then enters the program. */
static void program_thread(void *arg)
{
    struct request r = {0};
    char message[320];
    boot_step_done("program thread");
    load_modules(&r);
    boot_step_done("boot module");
    root_compose();
    if (r.volumes)
        root_mount_volumes(r.volumes, r.volumes_size);
    boot_step_done("root");
    if (!r.exec)
        r.exec = params.init;
    if (!r.exec)
        vm_fail(STATUS_VM_FAILED, "no program: the boot module names none, and there is no init= parameter");
    int error;
    if (r.cwd && (error = enter_directory(r.cwd)))
        vm_fail(STATUS_VM_FAILED, "working directory %s: %s", r.cwd,
                error == -ENOENT    ? "no such directory"
                : error == -ENOTDIR ? "not a directory"
                                    : "cannot be entered");
    if (r.user)
        become(r.user);
    error = stdio_install();
    if (error)
        vm_fail(STATUS_VM_FAILED, "standard input and output cannot be opened (error %d)", -error);
    boot_step_done("standard streams");
    char **argv = make_argv(&r), **env = make_environment(&r);
    if (!strchr(r.exec, '/'))
        r.exec = find_program(r.exec, env);
    struct exec_request program = {.path = r.exec, .argv = argv, .envp = env};
    error = loader_exec(&program, platform_user_frame(&current_thread()->cpu), message, sizeof(message));
    if (error)
        vm_fail(error == -ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUNNABLE, "%s", message);
    kfree(argv);
    kfree(env);
    boot_step_done("exec");
    control_start(current_process());
    boot_timing_report();
}

void loader_start_program(void)
{
    struct process *p = process_create();
    if (!p)
        vm_fail(STATUS_VM_FAILED, "out of memory for the first process");
    struct thread *t = thread_create_entry(p, program_thread, NULL);
    if (IS_ERR(t))
        vm_fail(STATUS_VM_FAILED, "out of memory for the first thread");
    credentials_init(&t->cred);
    t->files = fd_table_create();
    t->fs = fs_context_create();
    if (!t->files || !t->fs)
        vm_fail(STATUS_VM_FAILED, "out of memory for the first thread");
    thread_start(t);
    process_put(p);
}
INIT_CALL(INIT_PROGRAM, loader_start_program);
