/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * execve(2) and execveat(2): copies the arguments out of the memory that is about to go. The strings are measured first,
 * last to first and the environment before the arguments, as Linux takes them, so that its limits and errors come in its order.
 */
#include <linux/binfmts.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include "syscalls/syscall.h"
#include "fs/vfs.h"
#include "kernel/heap.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/signal.h"
#include "loader/loader.h"

long sys_execve(const struct syscall_args *a);
long sys_execveat(const struct syscall_args *a);

/* Strings of the program: pointers to it, then pointers to copies. */
struct string_vector {
    char **at; /* count pointers and NULL */
    size_t count;
    size_t *size; /* with NUL, behind the pointers in their allocation */
    char *strings;
};

/* Number of pointers before the NULL; a NULL vector is an empty one. -EFAULT. */
static ssize count_pointers(char *const *user)
{
    ssize n = 0;
    char *p;
    if (!user)
        return 0;
    for (;; n++) {
        if (get_user(p, user + n))
            return -EFAULT;
        if (!p)
            return n;
        if (!(n & 0xfff) && signal_pending(current_thread()))
            return -ERESTARTNOHAND;
        if (n == MAX_ARG_STRINGS)
            return -E2BIG;
    }
}

/* Reads the pointers and measures what they point to; takes that from *room. */
static int measure(struct string_vector *v, char *const *user, size_t *room)
{
    v->at = kmalloc((v->count + 1) * sizeof(char *) + v->count * sizeof(size_t));
    if (!v->at)
        return -ENOMEM;
    v->size = (size_t *)(v->at + v->count + 1);
    v->at[v->count] = NULL;
    if (v->count && copy_from_user(v->at, user, v->count * sizeof(char *)))
        return -EFAULT;
    for (size_t i = v->count; i-- > 0;) {
        ssize length = platform_strnlen_user(v->at[i], MAX_ARG_STRLEN);
        if (length < 0)
            return -EFAULT;
        v->size[i] = (size_t)length + 1;
        if (v->size[i] > MAX_ARG_STRLEN || v->size[i] > *room)
            return -E2BIG;
        *room -= v->size[i];
    }
    return 0;
}

/* Copies as many bytes as were measured: the program may change them meanwhile, and gets what it deserves. */
static int copy_strings(struct string_vector *v)
{
    size_t total = 0;
    for (size_t i = 0; i < v->count; i++)
        total += v->size[i];
    v->strings = kmalloc(total + 1);
    if (!v->strings)
        return -ENOMEM;
    char *to = v->strings;
    for (size_t i = 0; i < v->count; i++) {
        if (copy_from_user(to, v->at[i], v->size[i]))
            return -EFAULT;
        to[v->size[i] - 1] = 0;
        v->at[i] = to;
        to += v->size[i];
    }
    return 0;
}

static int copy_vectors(struct string_vector *argv, struct string_vector *envp, char *const *user_argv,
                        char *const *user_envp, const char *path)
{
    size_t room, path_size = strlen(path) + 1;
    ssize n = count_pointers(user_argv);
    if (n < 0)
        return (int)n;
    argv->count = (size_t)n;
    n = count_pointers(user_envp);
    if (n < 0)
        return (int)n;
    envp->count = (size_t)n;
    n = loader_string_limit(argv->count, envp->count);
    if (n < (ssize)path_size)
        return -E2BIG;
    room = (size_t)n - path_size;
    int error = measure(envp, user_envp, &room);
    if (!error)
        error = measure(argv, user_argv, &room);
    if (!error)
        error = copy_strings(envp);
    return error ? error : copy_strings(argv);
}

static void free_vector(struct string_vector *v)
{
    kfree(v->at);
    kfree(v->strings);
}

/* The name by which the program knows its file: the path, or one through its descriptor. In *made, if it had to be. */
static int name_file(struct exec_request *r, int dirfd, const char *path, char **made)
{
    size_t size = strlen(path) + sizeof("/dev/fd/2147483647/");
    r->path = path;
    if (dirfd == AT_FDCWD || path[0] == '/')
        return 0;
    r->path = *made = kmalloc(size);
    if (!*made)
        return -ENOMEM;
    snprintf(*made, size, path[0] ? "/dev/fd/%d/%s" : "/dev/fd/%d", dirfd, path);
    r->nameless = !path[0];
    fd_get_cloexec(dirfd, &r->script_unreachable);
    return 0;
}

static long execute(const struct syscall_args *a, int dirfd, const char *user_path, char *const *user_argv,
                    char *const *user_envp, u32 flags)
{
    static char *const one_empty[] = {"", NULL}; /* Linux lets no program be without argument 0 */
    struct exec_request r = {0};
    struct string_vector argv = {0}, envp = {0};
    struct path_name path;
    char *made = NULL;
    int error = path_name_get(&path, user_path);
    if (error)
        return error;
    if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        error = path.string[0] || flags & AT_EMPTY_PATH ? -EINVAL : -ENOENT;
    if (!error)
        error = name_file(&r, dirfd, path.string, &made);
    if (!error) {
        r.file = vfs_open_exec(dirfd, path.string, flags);
        error = IS_ERR(r.file) ? (int)PTR_ERR(r.file) : 0;
    }
    if (!error) {
        error = copy_vectors(&argv, &envp, user_argv, user_envp, r.path);
        if (error) {
            inode_allow_writes(r.file->inode);
            file_put(r.file);
        }
    }
    if (!error) {
        r.argv = argv.count ? argv.at : one_empty;
        r.envp = envp.at;
        error = loader_exec(&r, a->frame, NULL, 0);
    }
    free_vector(&argv);
    free_vector(&envp);
    kfree(made);
    path_name_put(&path);
    return error;
}

long sys_execve(const struct syscall_args *a)
{
    return execute(a, AT_FDCWD, ARG_PTR(a, 0), ARG_PTR(a, 1), ARG_PTR(a, 2), 0);
}

long sys_execveat(const struct syscall_args *a)
{
    return execute(a, ARG_INT(a, 0), ARG_PTR(a, 1), ARG_PTR(a, 2), ARG_PTR(a, 3), ARG_U32(a, 4));
}
