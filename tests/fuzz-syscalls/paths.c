/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names: making, removing, moving, linking and looking up files of every kind, by paths of every kind; attributes, extended
 * attributes, working directory, the rights of another user.
 */
#include <dirent.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include "sequence.h"

/* A path of one to three names into one of four buffers. */
static const char *path(void)
{
    static __thread char buffers[4][1200];
    static __thread unsigned next;
    static const char *const parts[] = {"a", "a", "b", "b", "c", "c", "d", "e", ".", ".."};
    char *p = buffers[next++ % 4];
    unsigned n = pick(5) < 3 ? 1 : 1 + pick(3);

    p[0] = '\0';
    if (rarely(40))
        return p;
    if (rarely(12))
        strcpy(p, "/");
    for (unsigned i = 0; i < n; i++) {
        if (rarely(120))
            memset(p + strlen(p), 0, 300), memset(p + strlen(p), 'x', rarely(2) ? 256 : 255);
        else
            strcat(p, PICK(parts));
        if (i + 1 < n || rarely(12))
            strcat(p, rarely(10) ? "//" : "/");
    }
    return p;
}

static int base(void)
{
    return rarely(3) ? slots[pick(6)] : AT_FDCWD;
}

static const char *shown(const char *p)
{
    return strlen(p) > 100 ? "(long)" : p;
}

static void show_stat(const struct stat *st)
{
    note(" %o links %ld owner %u:%u", st->st_mode, (long)st->st_nlink, st->st_uid, st->st_gid);
    if (!S_ISDIR(st->st_mode))
        note(" size %lld", (long long)st->st_size);
    if (st->st_rdev)
        note(" device %u:%u", major(st->st_rdev), minor(st->st_rdev));
}

static void step_make(void)
{
    const char *p = path(), *q = path();
    unsigned mode = PICK(((unsigned[]){0755, 0700, 0644, 0, 01777, 02755, 06755, 0111, 0444}));
    int at = base(), fd, link_flags;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    static const struct named kinds[] = {NAMED(S_IFREG), NAMED(S_IFIFO), NAMED(S_IFSOCK), NAMED(S_IFCHR), NAMED(S_IFDIR), NAMED(0), NAMED(S_IFLNK)};
    const struct named *k = &PICK(kinds);

    switch (pick(8)) {
    case 0:
    case 1:
    case 2:
        call("mkdirat(%d, \"%s\", %o)", at, shown(p), mode);
        result(mkdirat(at, p, mode));
        break;
    case 3:
    case 4:
        call("symlinkat(\"%s\", %d, \"%s\")", shown(p), at, shown(q));
        result(symlinkat(p, at, q));
        break;
    case 5:
        call("mknodat(%d, \"%s\", %s | %o)", at, shown(p), k->name, mode);
        result(mknodat(at, p, (mode_t)k->value | mode, makedev(1, 3)));
        break;
    case 6:
        call("bind(\"%s\")", shown(p));
        fd = socket(AF_UNIX, SOCK_DGRAM, 0);
        strncpy(address.sun_path, p, sizeof(address.sun_path) - 1);
        result(p[0] ? bind(fd, (struct sockaddr *)&address, sizeof(address)) : 0);
        close(fd);
        break;
    default:
        call("linkat(%d, \"%s\", \"%s\")", at, shown(p), shown(q));
        link_flags = PICK(((int[]){0, 0, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH, 1 << 20}));
        if (geteuid()) /* from Linux 6.10 on who opened the file may do it */
            link_flags &= ~AT_EMPTY_PATH;
        result(linkat(at, p, AT_FDCWD, q, link_flags));
    }
}

static void step_remove(void)
{
    const char *p = path();
    int at = base(), flags = PICK(((int[]){0, 0, AT_REMOVEDIR, AT_REMOVEDIR, 1}));

    call("unlinkat(%d, \"%s\", %x)", at, shown(p), (unsigned)flags);
    result(unlinkat(at, p, flags));
}

static void step_rename(void)
{
    static const struct named flags[] = {NAMED(0), NAMED(0), NAMED(0), NAMED(RENAME_NOREPLACE), NAMED(RENAME_EXCHANGE), NAMED(RENAME_WHITEOUT), NAMED(RENAME_NOREPLACE | RENAME_EXCHANGE)};
    const char *p = path(), *q = path();
    int from = base(), to = base();
    const struct named *f = &PICK(flags);

    call("renameat2(%d, \"%s\", %d, \"%s\", %s)", from, shown(p), to, shown(q), f->name);
    result(syscall(SYS_renameat2, from, p, to, q, (unsigned)f->value));
}

static void step_open(void)
{
    static const struct named access[] = {NAMED(O_RDONLY), NAMED(O_RDWR), NAMED(O_WRONLY), NAMED(O_PATH)};
    static const struct named flags[] = {NAMED(O_CREAT), NAMED(O_CREAT), NAMED(O_CREAT | O_EXCL), NAMED(O_DIRECTORY), NAMED(O_DIRECTORY), NAMED(O_NOFOLLOW), NAMED(O_CREAT | O_NOFOLLOW), NAMED(O_TRUNC), NAMED(O_TMPFILE), NAMED(O_CREAT | O_DIRECTORY), NAMED(0)};
    /* Not RESOLVE_NO_XDEV: Linux (seen: 6.18) answers EXDEV for an absolute symlink within one mount. */
    static const struct named resolve[] = {NAMED(0), NAMED(RESOLVE_NO_SYMLINKS), NAMED(RESOLVE_BENEATH), NAMED(RESOLVE_IN_ROOT), NAMED(RESOLVE_NO_MAGICLINKS), NAMED(RESOLVE_CACHED), NAMED(0x1000)};
    const char *p = path();
    unsigned i = pick(6), mode = PICK(((unsigned[]){0644, 0600, 0, 0777, 04755}));
    int at = base();
    const struct named *a = &PICK(access), *f = &PICK(flags), *r = &PICK(resolve);
    struct open_how how = {.flags = a->value | f->value | O_NONBLOCK, .mode = f->value & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)) ? mode : 0, .resolve = r->value};

    if (rarely(3)) {
        if (a->value == O_PATH)
            how.flags &= ~(uint64_t)O_NONBLOCK;
        call("%u: openat2(%d, \"%s\", %s | %s, %o, %s)", i, at, shown(p), a->name, f->name, (unsigned)how.mode, r->name);
        long fd = syscall(SYS_openat2, at, p, &how, sizeof(how));
        /* Whether the names are known already is not the caller's to know. */
        if (r->value == RESOLVE_CACHED) {
            note(" whatever");
            if (fd >= 0)
                close((int)fd);
            result(0);
            return;
        }
        put(i, (int)result(fd));
        return;
    }
    call("%u: openat(%d, \"%s\", %s | %s, %o)", i, at, shown(p), a->name, f->name, mode);
    put(i, (int)result(openat(at, p, (int)(a->value | f->value) | O_NONBLOCK, mode)));
}

static void step_look(void)
{
    const char *p = path();
    int at = base(), flags = PICK(((int[]){0, 0, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, 1 << 20})), want = PICK(((int[]){F_OK, R_OK, W_OK, X_OK, R_OK | X_OK, 9}));
    char text[1200];
    struct stat st;
    struct statfs fs;
    long r;

    switch (pick(7)) {
    case 0:
    case 1:
    case 2:
        call("fstatat(%d, \"%s\", %x)", at, shown(p), (unsigned)flags);
        r = fstatat(at, p, &st, flags);
        if (r == 0)
            show_stat(&st);
        result(r);
        break;
    case 3:
        call("readlinkat(%d, \"%s\")", at, shown(p));
        r = readlinkat(at, p, text, sizeof(text));
        if (r >= 0)
            note(" \"%.*s\"", r > 100 ? 0 : (int)r, text);
        result(r);
        break;
    case 4:
        call("faccessat2(%d, \"%s\", %d, %x)", at, shown(p), want, (unsigned)flags);
        result(syscall(SYS_faccessat2, at, p, want, flags));
        break;
    case 5:
        call("statfs(\"%s\")", shown(p));
        result(statfs(p, &fs));
        break;
    default:
        call("getcwd()");
        if (syscall(SYS_getcwd, text, sizeof(text)) >= 0)
            note(" \"%s\"", shown(text)), result(0);
        else
            result(-1);
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void step_list(void)
{
    const char *p = path();
    char *found[200];
    unsigned n = 0;
    struct dirent *e;
    DIR *d;

    call("list(\"%s\")", shown(p));
    d = opendir(p);
    if (!d) {
        result(-1);
        return;
    }
    while ((e = readdir(d)) && n < COUNT(found)) {
        char text[300];
        snprintf(text, sizeof(text), " %.10s:%d", e->d_name, e->d_type);
        found[n++] = strdup(text);
    }
    closedir(d);
    qsort(found, n, sizeof(*found), by_name);
    for (unsigned i = 0; i < n; i++) {
        note("%s", found[i]);
        free(found[i]);
    }
    result(0);
}

static void step_attribute(void)
{
    const char *p = path();
    int at = base(), flags = PICK(((int[]){0, 0, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, 1 << 20}));
    unsigned mode = PICK(((unsigned[]){0755, 0700, 0644, 0, 01777, 02755, 06755, 0111, 0444})), owner = PICK(((unsigned[]){0, 1000, 1001, ~0u})), group = PICK(((unsigned[]){0, 1000, ~0u}));
    struct timespec t[2] = {{PICK(((long[]){0, 1, 1000000000, -1})), PICK(((long[]){0, 999999999, UTIME_NOW, UTIME_OMIT, 1000000000}))}, {77, PICK(((long[]){5, UTIME_OMIT, -1}))}};
    int fd = slots[pick(6)];
    struct stat st;
    long r;

    switch (pick(7)) {
    case 0:
    case 1:
        call("fchmodat2(%d, \"%s\", %o, %x)", at, shown(p), mode, (unsigned)flags);
        result(syscall(452, at, p, mode, flags));
        break;
    case 2:
        call("fchownat(%d, \"%s\", %d, %d, %x)", at, shown(p), (int)owner, (int)group, (unsigned)flags);
        result(fchownat(at, p, owner, group, flags));
        break;
    case 3:
        call("utimensat(%d, \"%s\", %ld.%ld %ld, %x)", at, shown(p), (long)t[0].tv_sec, t[0].tv_nsec, t[1].tv_nsec, (unsigned)flags);
        r = syscall(SYS_utimensat, at, p, t, flags);
        if (r == 0 && fstatat(at, p, &st, flags) == 0 && t[1].tv_nsec == 5)
            note(" %ld.%ld", (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
        result(r);
        break;
    case 4:
        call("truncate(\"%s\", %u)", shown(p), mode);
        result(truncate(p, mode));
        break;
    case 5:
        call("fchmod(%d, %o)", fd, mode);
        result(fchmod(fd, mode));
        break;
    default:
        call("fchown(%d, %d, %d)", fd, (int)owner, (int)group);
        result(fchown(fd, owner, group));
    }
}

static void step_xattr(void)
{
    static const char *const attributes[] = {"user.a", "user.b", "trusted.c", "security.d", "system.e", "nothing", "", "user."};
    const char *p = path(), *name = PICK(attributes);
    char value[200] = {0}, list[2000];
    size_t n = PICK(((size_t[]){0, 1, 50, 200}));
    int flags = PICK(((int[]){0, 0, XATTR_CREATE, XATTR_REPLACE, 7}));
    long r;

    memset(value, 'v', n);
    switch (pick(5)) {
    case 0:
    case 1:
        call("setxattr(\"%s\", \"%s\", %zu, %d)", shown(p), name, n, flags);
        result(setxattr(p, name, value, n, flags));
        break;
    case 2:
        call("lgetxattr(\"%s\", \"%s\", %zu)", shown(p), name, n);
        r = lgetxattr(p, name, value, n);
        result(r);
        break;
    case 3:
        call("listxattr(\"%s\")", shown(p));
        r = listxattr(p, list, PICK(((size_t[]){0, 5, sizeof(list)})));
        result(r);
        break;
    default:
        call("removexattr(\"%s\", \"%s\")", shown(p), name);
        result(removexattr(p, name));
    }
}

static void step_process(void)
{
    const char *p = path();
    int fd = slots[pick(6)], mask = PICK(((int[]){022, 0, 077, 0777}));
    unsigned user = PICK(((unsigned[]){0, 0, 1000}));

    switch (pick(7)) {
    case 0:
    case 1:
        call("chdir(\"%s\")", shown(p));
        result(chdir(p));
        break;
    case 2:
        call("fchdir(%d)", fd);
        result(fchdir(fd));
        break;
    case 3:
        call("umask(%o)", mask);
        result(umask((mode_t)mask));
        break;
    case 4:
        call("chdir(/)");
        result(chdir("/"));
        break;
    default:
        call("seteuid(%u)", user);
        result(syscall(SYS_setresuid, -1, user, -1)); /* of this thread alone */
    }
}

static void step(void)
{
    unsigned kind = pick(100);

    if (kind < 26)
        step_make();
    else if (kind < 34)
        step_remove();
    else if (kind < 46)
        step_rename();
    else if (kind < 62)
        step_open();
    else if (kind < 76)
        step_look();
    else if (kind < 80)
        step_list();
    else if (kind < 89)
        step_attribute();
    else if (kind < 94)
        step_xattr();
    else
        step_process();
}

const struct family family_paths = {.name = "paths", .step = step};
