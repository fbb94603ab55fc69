/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mount and umount2 beyond the plain cases of mount_calls: recursive bind mounts, moves, propagation, remounts of one mount,
 * flags enforced, busy and expired mounts, mount points that lose their names, pivot_root. Run as root.
 */
#include "overlay.h"
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

static long closed(long fd)
{
    if (fd >= 0)
        close((int)fd);
    return fd < 0 ? -1 : 0;
}

/* What /proc/self/mountinfo says of the mounts below the current directory: place, options, type. */
static void show_mounts(void)
{
    char here[PATH_MAX], line[2000];
    FILE *f = fopen("/proc/self/mountinfo", "r");

    if (!getcwd(here, sizeof(here)))
        exit(2);
    while (f && fgets(line, sizeof(line), f)) {
        char root[300], at[300], options[300], rest[300];
        char *dash;
        int tags;

        if (sscanf(line, "%*d %*d %*s %299s %299s %299s %299s", root, at, options, rest) != 4 || strncmp(at, here, strlen(here)))
            continue;
        dash = strstr(line, " - ");
        tags = strcmp(rest, "-") != 0;
        if (tags && !strncmp(rest, "shared", 6))
            rest[6] = 0;
        if (tags && !strncmp(rest, "master", 6))
            rest[6] = 0;
        printf("  %s on .%s %s%s%s%s", root, at + strlen(here), options, tags ? " " : "", tags ? rest : "", dash ? "" : "?");
        printf(" %.6s\n", dash + 3);
    }
    if (f)
        fclose(f);
}

static void recursive(void)
{
    make_dir("a"), make_dir("b"), make_dir("c");
    SHOW(mount("t1", "a", "tmpfs", 0, "size=1m"));
    make_dir("a/in"), make_dir("a/other");
    SHOW(mount("t2", "a/in", "tmpfs", MS_NOEXEC, "size=1m"));
    make_dir("a/in/deep");
    make_file("a/in/f", "x");
    SHOW(mount("t3", "a/in/deep", "tmpfs", MS_NODEV | MS_NOSUID, "size=1m"));
    make_file("a/in/deep/g", "y");
    SHOW(mount("a", "b", NULL, MS_BIND, NULL));
    SHOW(access("b/in/f", F_OK));
    SHOW(access("b/in", F_OK));
    SHOW(umount2("b", 0));
    SHOW(mount("a", "b", NULL, MS_BIND | MS_REC, NULL));
    SHOW(access("b/in/f", F_OK));
    SHOW(access("b/in/deep/g", F_OK));
    show_mounts();
    SHOW(umount2("b/in", 0));
    SHOW(umount2("b", 0));
    SHOW(umount2("b/in/deep", 0));
    SHOW(umount2("b/in", 0));
    SHOW(umount2("b", 0));
    SHOW(mount("a/in", "b", NULL, MS_BIND | MS_REC, NULL));
    SHOW(access("b/deep/g", F_OK));
    SHOW(umount2("b", MNT_DETACH));
    SHOW(access("b/deep", F_OK));
    /* a directory of a mount; a bind mount into itself */
    SHOW(mount("a/other", "b", NULL, MS_BIND | MS_REC, NULL));
    make_file("b/new", "");
    SHOW(access("a/other/new", F_OK));
    SHOW(umount2("b", 0));
    SHOW(mount("a", "a/other", NULL, MS_BIND | MS_REC, NULL));
    SHOW(access("a/other/in/f", F_OK));
    SHOW(access("a/other/other/in", F_OK));
    show_mounts();
    SHOW(umount2("a/other", MNT_DETACH));
    SHOW(mount("a", "a", NULL, MS_BIND, NULL));
    SHOW(access("a/in/f", F_OK));
    SHOW(umount2("a", 0));
    SHOW(access("a/in/f", F_OK));
    /* flags of a bind mount come from the source */
    SHOW(mount("a/in", "b", NULL, MS_BIND | MS_RDONLY | MS_NOSUID, NULL));
    show_mounts();
    SHOW(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    show_mounts();
    SHOW(closed(open("b/f", O_RDWR)));
    SHOW(closed(open("a/in/f", O_RDWR)));
    SHOW(mkdir("b/new", 0755));
    SHOW(unlink("b/f"));
    SHOW(rename("b/f", "b/g"));
    SHOW(chmod("b/f", 0644));
    SHOW(truncate("b/f", 0));
    SHOW(utimensat(AT_FDCWD, "b/f", NULL, 0));
    SHOW(umount2("b", 0));
}

static void moving(void)
{
    int d, f;

    SHOW(mount("a/in", "b", NULL, MS_MOVE, NULL));
    SHOW(access("b/deep/g", F_OK));
    SHOW(access("a/in/f", F_OK));
    show_mounts();
    SHOW_OK(d = open("b/deep", O_RDONLY));
    SHOW_OK(f = open("b/f", O_RDONLY));
    SHOW(mount("b", "c", NULL, MS_MOVE, NULL));
    SHOW(faccessat(d, "../f", F_OK, 0));
    SHOW(faccessat(d, "../../c", F_OK, 0));
    SHOW(mount("c", "c/deep", NULL, MS_MOVE, NULL));
    SHOW(mount("c/f", "b", NULL, MS_MOVE, NULL));
    SHOW(mount("c/none", "b", NULL, MS_MOVE, NULL));
    SHOW(mount("c", "none", NULL, MS_MOVE, NULL));
    SHOW(mount("c", "a/other/new", NULL, MS_MOVE, NULL));
    SHOW(mount("/", "b", NULL, MS_MOVE, NULL));
    SHOW(mount("c", "a/in", NULL, MS_MOVE, NULL));
    show_mounts();
    close(d), close(f);
}

static void propagation(void)
{
    SHOW(mount(NULL, "a", NULL, MS_PRIVATE, NULL));
    SHOW(mount(NULL, "a", NULL, MS_PRIVATE | MS_REC, NULL));
    SHOW(mount(NULL, "a/other", NULL, MS_PRIVATE, NULL));
    SHOW(mount(NULL, "a", NULL, MS_PRIVATE | MS_SHARED, NULL));
    SHOW(mount(NULL, "a", NULL, MS_PRIVATE | MS_RDONLY, NULL));
    SHOW(mount(NULL, "a", NULL, MS_PRIVATE | MS_SILENT, NULL));
    SHOW(mount(NULL, "none", NULL, MS_PRIVATE, NULL));
    SHOW(mount(NULL, "a", NULL, MS_SLAVE, NULL));
    SHOW(mount(NULL, "a", NULL, MS_UNBINDABLE, NULL));
    SHOW(mount("a", "b", NULL, MS_BIND, NULL));
    SHOW(mount("a/other", "b", NULL, MS_BIND, NULL));
    SHOW(mount("a", "b", NULL, MS_BIND | MS_REC, NULL));
    show_mounts();
    SHOW(mount(NULL, "a", NULL, MS_PRIVATE, NULL));
    SHOW(mount(NULL, "a/in", NULL, MS_UNBINDABLE, NULL));
    SHOW(mount("a", "b", NULL, MS_BIND | MS_REC, NULL));
    SHOW(access("b/in/f", F_OK));
    SHOW(umount2("b", 0));
    SHOW(mount(NULL, "a/in", NULL, MS_PRIVATE, NULL));
}

static void enforced(void)
{
    struct statfs s;
    static const struct {
        const char *name;
        unsigned long flags;
    } kinds[] = {{"", 0}, {"ro", MS_RDONLY}, {"nodev", MS_NODEV}, {"noexec", MS_NOEXEC}, {"nosuid", MS_NOSUID},
                 {"nosymfollow", 256}, {"noatime", MS_NOATIME}, {"nodiratime", MS_NODIRATIME}, {"strictatime", MS_STRICTATIME},
                 {"sync", MS_SYNCHRONOUS}, {"dirsync", MS_DIRSYNC}, {"mand", MS_MANDLOCK}, {"lazytime", MS_LAZYTIME}, {"relatime", MS_RELATIME}, {"silent", MS_SILENT}};

    SHOW(mount("t4", "b", "tmpfs", 0, NULL));
    make_file("b/f", "x");
    make_file("b/x", "#!/none\n");
    chmod("b/x", 0755);
    mknod("b/null", S_IFCHR | 0666, 0x103);
    symlink("f", "b/l");
    make_dir("b/d");
    symlink("d", "b/ld");
    int dir = open("b", O_RDONLY);
    for (unsigned k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
        char *none[] = {NULL};
        void *m;
        int f;

        printf("--- %s\n", kinds[k].name);
        SHOW(mount("t4", "b", "tmpfs", MS_REMOUNT | kinds[k].flags, NULL));
        show_mounts();
        SHOW(statfs("b", &s));
        printf("flags %lx\n", (long)s.f_flags);
        SHOW(closed(open("b/null", O_RDWR)));
        SHOW(closed(open("b/null", O_PATH)));
        SHOW(access("b/null", R_OK));
        SHOW(closed(open("b/l", O_RDONLY)));
        SHOW(closed(open("b/l", O_PATH | O_NOFOLLOW)));
        SHOW(access("b/ld/.", F_OK));
        SHOW(access("b/x", X_OK));
        SHOW(execve("b/x", none, none));
        f = open("b/f", O_RDONLY);
        m = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, f, 0);
        SHOW(m == MAP_FAILED ? -1 : 0);
        if (m != MAP_FAILED)
            munmap(m, 4096);
        m = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, f, 0);
        SHOW(mprotect(m, 4096, PROT_READ | PROT_EXEC));
        munmap(m, 4096);
        close(f);
        SHOW(closed(open("b/f", O_WRONLY)));
        SHOW(closed(open("b/new", O_CREAT | O_WRONLY, 0600)));
        SHOW(closed(open("b/f", O_CREAT | O_WRONLY, 0600)));
        SHOW(closed(open("b", O_TMPFILE | O_WRONLY, 0600)));
        SHOW(mkdirat(dir, "new", 0755));
        SHOW(symlinkat("x", dir, "new"));
        SHOW(mkfifoat(dir, "new", 0600));
        SHOW(unlinkat(dir, "new", 0));
        SHOW(unlinkat(dir, "d", AT_REMOVEDIR));
        mkdirat(dir, "d", 0755);
        SHOW(renameat(dir, "f", dir, "g"));
        SHOW(renameat(dir, "g", dir, "f"));
        SHOW(linkat(dir, "f", dir, "g", 0));
        SHOW(unlinkat(dir, "g", 0));
        SHOW(fchmodat(dir, "f", 0644, 0));
        SHOW(fchmod(dir, 0755));
        SHOW(fchownat(dir, "f", 0, 0, 0));
        SHOW(utimensat(dir, "f", NULL, 0));
        SHOW(truncate("b/f", 1));
        SHOW(setxattr("b/f", "user.a", "b", 1, 0));
        SHOW(removexattr("b/f", "user.a"));
        SHOW(fsetxattr(dir, "user.a", "b", 1, 0));
        SHOW(fremovexattr(dir, "user.a"));
        SHOW(fsync(dir));
    }
    SHOW(mount("t4", "b", "tmpfs", MS_REMOUNT, "size=2m"));
    SHOW(statfs("b", &s));
    printf("blocks %ld\n", (long)s.f_blocks);
    SHOW(mount("t4", "b", "tmpfs", MS_REMOUNT, "size=4k"));
    SHOW(mount("t4", "b", "tmpfs", MS_REMOUNT, "nr_inodes=3"));
    SHOW(mount("t4", "b", "tmpfs", MS_REMOUNT, "nr_inodes=30"));
    SHOW(mount("t4", "b", "tmpfs", MS_REMOUNT, "nonsense"));
    SHOW(mount("t4", "b", "tmpfs", MS_REMOUNT, "mode=700"));
    SHOW(mount("t4", "b/d", "tmpfs", MS_REMOUNT, NULL));
    SHOW(mount("t4", "b/f", "tmpfs", MS_REMOUNT, NULL));
    /* somebody writes */
    int f = open("b/f", O_RDWR);
    SHOW(mount("t4", "b", "tmpfs", MS_REMOUNT | MS_RDONLY, NULL));
    SHOW(mount("t4", "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    close(f);
    SHOW(mount("t4", "b", "tmpfs", MS_REMOUNT | MS_RDONLY, NULL));
    SHOW(mount("t4", "b", "tmpfs", MS_REMOUNT, NULL));
    close(dir);
}

static void busy(void)
{
    char cwd[PATH_MAX];
    struct stat st;
    int f = open("b/f", O_RDONLY), p = open("b/f", O_PATH);

    SHOW(umount2("b", 0));
    close(f);
    SHOW(umount2("b", 0));
    close(p);
    SHOW(umount2("b", MNT_EXPIRE));
    SHOW(access("b/f", F_OK));
    SHOW(umount2("b", MNT_EXPIRE));
    SHOW(umount2("b", MNT_EXPIRE | MNT_FORCE));
    SHOW(umount2("b", MNT_EXPIRE | MNT_DETACH));
    SHOW(umount2("b", 0x100));
    f = open("b/f", O_RDONLY);
    SHOW(umount2("b", MNT_EXPIRE));
    close(f);
    SHOW(umount2("b", MNT_EXPIRE));
    SHOW(umount2("b", MNT_EXPIRE));
    SHOW(umount2("b", MNT_EXPIRE));
    /* forced */
    SHOW(mount("t5", "b", "tmpfs", 0, NULL));
    make_file("b/f", "x");
    make_dir("b/d");
    f = open("b/f", O_RDWR);
    SHOW(umount2("b", MNT_FORCE));
    SHOW(umount2("b", MNT_DETACH));
    SHOW(umount2("b", 0));
    SHOW(write(f, "xyz", 3));
    SHOW(fstat(f, &st));
    SHOW(fchmod(f, 0600));
    close(f);
    /* inside of a mount that goes */
    int home = open(".", O_RDONLY);
    SHOW(mount("t6", "b", "tmpfs", 0, NULL));
    make_dir("b/d");
    make_file("b/d/f", "x");
    SHOW(chdir("b/d"));
    SHOW(umount2("../../b", MNT_DETACH));
    SHOW(access("f", F_OK));
    SHOW(access("../d/f", F_OK));
    SHOW(access("../../../..", F_OK));
    SHOW(access("../../b", F_OK));
    SHOW(syscall(SYS_getcwd, cwd, sizeof(cwd)));
    printf("%s\n", cwd);
    SHOW(chdir(".."));
    SHOW(syscall(SYS_getcwd, cwd, sizeof(cwd)));
    printf("%s\n", cwd);
    SHOW(chdir(".."));
    SHOW(syscall(SYS_getcwd, cwd, sizeof(cwd)));
    SHOW(mkdir("new", 0755));
    SHOW(mount("t7", "new", "tmpfs", 0, NULL));
    SHOW(rmdir("new"));
    SHOW(fchdir(home));
    close(home);
    /* mount points and names */
    SHOW(mount("t8", "b", "tmpfs", 0, NULL));
    SHOW(rmdir("b"));
    SHOW(rename("b", "b2"));
    SHOW(rename("c", "b"));
    SHOW(renameat2(AT_FDCWD, "c", AT_FDCWD, "b", RENAME_EXCHANGE));
    SHOW(mkdir("b/x", 0755));
    SHOW(rename("b/x", "x"));
    SHOW(link("b/x", "x"));
    SHOW(mount("t9", "b", "tmpfs", 0, NULL));
    SHOW(access("b/x", F_OK));
    SHOW(umount2("b", 0));
    SHOW(access("b/x", F_OK));
    SHOW(symlink("b", "lb"));
    SHOW(umount2("lb", UMOUNT_NOFOLLOW));
    SHOW(umount2("lb/", UMOUNT_NOFOLLOW));
    SHOW(mount("t9", "b", "tmpfs", 0, NULL));
    SHOW(umount2("lb", 0));
    SHOW(mount("t9", "b", "tmpfs", 0, NULL));
    SHOW(umount2("lb", 0));
    SHOW(umount2("lb", 0));
    SHOW(unlink("lb"));
    /* over a file */
    make_file("f1", "one"), make_file("f2", "two");
    SHOW(mount("f1", "f2", NULL, MS_BIND, NULL));
    show_file("f2");
    SHOW(unlink("f2"));
    SHOW(rename("f2", "f3"));
    SHOW(rename("f1", "f2"));
    SHOW(link("f2", "f3"));
    SHOW(unlink("f1"));
    show_file("f2");
    show_mounts();
    SHOW(mount("f1", "b", NULL, MS_BIND, NULL));
    SHOW(mount("b", "f2", NULL, MS_BIND, NULL));
    SHOW(mount("t", "f2", "tmpfs", 0, NULL));
    SHOW(umount2("f2", 0));
    show_file("f2");
    SHOW(unlink("f2"));
}

static void refused(void)
{
    static char big[5000];

    SHOW(mount(NULL, NULL, NULL, 0, NULL));
    SHOW(mount("x", "b", NULL, 0, NULL));
    SHOW(mount("x", "b", "", 0, NULL));
    SHOW(mount("x", "b", "nosuchfs", 0, NULL));
    SHOW(mount(NULL, "b", "tmpfs", 0, NULL));
    SHOW(umount2("b", 0));
    SHOW(mount("", "b", "tmpfs", 0, NULL));
    SHOW(umount2("b", 0));
    SHOW(mount("x", "none", "tmpfs", 0, NULL));
    SHOW(mount("x", "f1", "tmpfs", 0, NULL));
    SHOW(mount("none", "b", NULL, MS_BIND, NULL));
    SHOW(mount(NULL, "b", NULL, MS_BIND, NULL));
    SHOW(mount("", "b", NULL, MS_BIND, NULL));
    SHOW(mount("b", "none", NULL, MS_BIND, NULL));
    SHOW(mount("a", "b", NULL, MS_BIND | MS_MOVE, NULL));
    SHOW(umount2("b", 0));
    SHOW(mount("x", "b", "tmpfs", 0, "size=1m,mode=0700,uid=4,gid=5,nr_inodes=10"));
    show_file("b");
    SHOW(umount2("b", 0));
    static const char *const options[] = {"size=", "size", "size=-1", "size=1x", "size=50%", "size=0", "nr_inodes=0", "nr_blocks=10", "mode=", "mode=9",
                                          "mode=12345", "uid=-1", "uid=x", "gid=4294967295", "huge=never", "huge=bad", "noswap", ",,size=1m,,", "size=1m,size=2m",
                                          "mpol=default", "inode32", "inode64", "ro", "rw", "nosuid", "defaults", "quota", "SIZE=1m", "size=1k", "size=1g", "size=1t"};
    for (unsigned k = 0; k < sizeof(options) / sizeof(*options); k++) {
        long r = mount("x", "b", "tmpfs", 0, options[k]);
        struct statfs s = {0};

        printf("%s: %s", options[k], r ? strerrorname_np(errno) : "ok");
        if (!r) {
            statfs("b", &s);
            if (!strchr(options[k], '%') && (strstr(options[k], "size=") || strstr(options[k], "nr_blocks")))
                printf(" %ld", (long)s.f_blocks);
            umount2("b", 0);
        }
        printf("\n");
    }
    memset(big, 'x', 4999);
    SHOW(mount(big, "b", "tmpfs", 0, NULL));
    SHOW(mount("x", big, "tmpfs", 0, NULL));
    SHOW(mount("x", "b", big, 0, NULL));
    SHOW(mount("x", "b", "tmpfs", 0, big));
    SHOW(syscall(SYS_setresuid, -1, 1000, -1));
    SHOW(mount("x", "b", "tmpfs", 0, NULL));
    SHOW(mount("none", "none", NULL, MS_BIND, NULL));
    SHOW(mount("b", "c", NULL, MS_BIND, NULL));
    SHOW(mount(NULL, "b", NULL, MS_REMOUNT, NULL));
    SHOW(umount2("b", 0));
    SHOW(umount2("none", 0));
    SHOW(umount2("b", MNT_EXPIRE | MNT_FORCE));
    SHOW(syscall(SYS_pivot_root, "b", "b"));
    SHOW(chroot("b"));
    SHOW(chroot("none"));
    SHOW(syscall(SYS_setresuid, -1, 0, -1));
}

/* A new root: the last thing, as there is no way back but the old root that was put below. */
static void new_root(void)
{
    make_dir("r");
    SHOW(syscall(SYS_pivot_root, "r", "r"));
    SHOW(mount("r", "r", "tmpfs", 0, NULL));
    make_dir("r/old"), make_dir("r/sub");
    make_file("r/file", "in the new root");
    SHOW(syscall(SYS_pivot_root, "none", "r/old"));
    SHOW(syscall(SYS_pivot_root, "r", "none"));
    SHOW(syscall(SYS_pivot_root, "r/file", "r/old"));
    SHOW(syscall(SYS_pivot_root, "r", "r/file"));
    SHOW(syscall(SYS_pivot_root, "r", "a"));
    SHOW(syscall(SYS_pivot_root, "r/sub", "r/sub"));
    SHOW(syscall(SYS_pivot_root, "/", "r/old"));
    SHOW(syscall(SYS_pivot_root, "r", "/"));
}

/* A tree bound into itself is twice as large: there is an end to that. */
static void too_many(void)
{
    int k, error = 0;

    make_dir("many");
    SHOW(mount("t", "many", "tmpfs", 0, NULL));
    SHOW(mount(NULL, "many", NULL, MS_PRIVATE, NULL));
    for (k = 0; k < 22 && !error; k++) {
        char to[20];

        snprintf(to, sizeof(to), "many/%d", k);
        make_dir(to);
        error = mount("many", to, NULL, MS_BIND | MS_REC, NULL) ? errno : 0;
    }
    printf("no more: %s after %d\n", strerrorname_np(error), k);
    SHOW(umount2("many", MNT_DETACH));
}

/* Every one of many mounts is listed. */
static void listed(void)
{
    char at[32], line[2000];
    int n = 0;

    make_dir("each");
    for (int k = 0; k < 300; k++) {
        snprintf(at, sizeof(at), "each/%d", k);
        make_dir(at);
        if (mount("t", at, "tmpfs", 0, "size=4k"))
            printf("%s: %s\n", at, strerrorname_np(errno));
    }
    FILE *f = fopen("/proc/self/mounts", "r");
    while (f && fgets(line, sizeof(line), f))
        n += strstr(line, "/each/") != NULL;
    if (f)
        fclose(f);
    SHOW(n);
    for (int k = 0; k < 300; k++) {
        snprintf(at, sizeof(at), "each/%d", k);
        umount2(at, 0);
        rmdir(at);
    }
    SHOW(rmdir("each"));
}

int main(void)
{
    enter_layers("size=8m");
    recursive();
    moving();
    propagation();
    enforced();
    busy();
    refused();
    new_root();
    too_many();
    listed();
    SHOW(umount2("r", 0));
    SHOW(umount2("b", 0));
    SHOW(umount2("a/in/deep", 0));
    SHOW(umount2("a/in", 0));
    SHOW(umount2("a", 0));
    show_mounts();
    leave_layers();
    return 0;
}
