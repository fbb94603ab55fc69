/* SPDX-License-Identifier: BSD-2-Clause */
/* System V shared memory: keys, flags, errors, addresses, permissions, attachment counts, removal, and exec. */
#include "abi.h"
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>

#define PAGE 4096ul
#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif

static int id = -1;

/* A key nobody else uses: the place and the process make it. */
static key_t key_of(int n)
{
    return (key_t)(0x5a000000u | (unsigned)getpid() << 4 | (unsigned)n);
}

static struct shmid_ds stat_of(int which)
{
    struct shmid_ds d;
    memset(&d, 0xff, sizeof(d));
    shmctl(which, IPC_STAT, &d);
    return d;
}

static long attached(int which)
{
    return (long)stat_of(which).shm_nattch;
}

static long raw_at(int which, const void *address, int flags)
{
    return syscall(SYS_shmat, which, address, flags);
}

/* 0 in place of an address. */
static long at(int which, const void *address, int flags)
{
    long r = raw_at(which, address, flags);
    return r == -1 ? -1 : address && r != (long)address ? 2 : 0;
}

static long raw_control(int which, int cmd, void *p)
{
    return syscall(SYS_shmctl, which, cmd, p);
}

/* The permissions, flags and name of the mapping at p as /proc/self/maps has them. */
static void show_map(const char *what, const void *p, int with_id)
{
    FILE *f = fopen("/proc/self/maps", "r");
    char line[512], perms[8], name[256];
    unsigned long start, end, offset, ino;
    while (fgets(line, sizeof(line), f)) {
        unsigned major, minor;
        name[0] = 0;
        if (sscanf(line, "%lx-%lx %7s %lx %x:%x %lu %255[^\n]", &start, &end, perms, &offset, &major, &minor, &ino, name) < 7)
            continue;
        if ((unsigned long)p >= start && (unsigned long)p < end) {
            char *s = strstr(name, "SYSV");
            printf("%s: %lu pages %s offset %lu ino %s%s\n", what, (end - start) / PAGE, perms, offset,
                   (int)ino == with_id ? "id" : "other", !s ? " no name" : strstr(name, "(deleted)") ? " SYSV (deleted)" : " SYSV");
        }
    }
    fclose(f);
}

static void get(void)
{
    SHOW(syscall(SYS_shmget, key_of(1), 4096, 0600));
    SHOW((id = shmget(key_of(1), 10000, IPC_CREAT | 0640)) >= 0);
    SHOW(shmget(key_of(1), 10000, 0) == id);
    SHOW(shmget(key_of(1), 0, 0) == id);
    SHOW(shmget(key_of(1), 1, IPC_CREAT) == id);
    SHOW(shmget(key_of(1), 10001, 0));
    SHOW(shmget(key_of(1), 12288, IPC_CREAT));
    SHOW(shmget(key_of(1), 4096, IPC_CREAT | IPC_EXCL | 0600));
    SHOW(shmget(key_of(1), 4096, IPC_EXCL) == id);
    SHOW(shmget(key_of(2), 0, IPC_CREAT | 0600));
    SHOW(syscall(SYS_shmget, key_of(2), -1l, IPC_CREAT | 0600));
    SHOW(syscall(SYS_shmget, key_of(2), 1l << 50, IPC_CREAT | 0600));
    SHOW(syscall(SYS_shmget, key_of(2), 4096, IPC_CREAT | SHM_HUGETLB | 3 << 26 | 0600));
    SHOW(syscall(SYS_shmget, key_of(2), 1ul << 63, IPC_CREAT | SHM_NORESERVE | 0600));
    struct shmid_ds d = stat_of(id);
    printf("size %zu mode %o nattch %lu key %d cpid %d lpid %d atime %ld dtime %ld ctime %d uid %d\n", d.shm_segsz, d.shm_perm.mode,
           (unsigned long)d.shm_nattch, d.shm_perm.__key == key_of(1), d.shm_cpid == getpid(), d.shm_lpid, d.shm_atime,
           d.shm_dtime, labs(d.shm_ctime - time(NULL)) < 3, d.shm_perm.uid == geteuid() && d.shm_perm.cgid == getegid());
    int huge = shmget(IPC_PRIVATE, 1ul << 40, IPC_CREAT | SHM_NORESERVE | 0600);
    SHOW(huge >= 0);
    char *p = shmat(huge, NULL, 0);
    SHOW(p != (void *)-1);
    if (p != (void *)-1) {
        p[1ul << 39] = 1;
        SHOW(p[1ul << 39]);
    }
    SHOW(shmctl(huge, IPC_RMID, NULL));
    SHOW(shmdt(p));
    SHOW(shmdt(p));
}

static void attach(void)
{
    char *a, *b;
    SHOW(raw_at(-1, NULL, 0));
    SHOW(raw_at(id | 1 << 30, NULL, 0));
    SHOW(raw_at(0x7fff7fff, NULL, 0));
    SHOW(raw_at(id, (void *)12345, 0));
    SHOW(raw_at(id, (void *)12345, SHM_REMAP));
    SHOW(raw_at(id, NULL, SHM_REMAP));
    SHOW(raw_at(id, (void *)0x800000000000, 0));
    SHOW(raw_at(id, (void *)-4096l, 0));
    SHOW((a = shmat(id, NULL, 0)) != (void *)-1);
    struct shmid_ds d = stat_of(id);
    printf("after shmat: nattch %lu atime %d lpid %d\n", (unsigned long)d.shm_nattch, labs(d.shm_atime - time(NULL)) < 3,
           d.shm_lpid == getpid());
    SHOW((b = shmat(id, NULL, SHM_RDONLY)) != (void *)-1);
    SHOW(attached(id));
    show_map("first", a, id);
    show_map("read-only", b, id);
    SHOW(mprotect(b, PAGE, PROT_READ | PROT_WRITE));
    SHOW(mprotect(a, PAGE, PROT_READ | PROT_EXEC));
    SHOW(attached(id));
    SHOW(mprotect(a, PAGE, PROT_READ | PROT_WRITE));
    SHOW(attached(id));
    strcpy(a + 9000, "seen twice");
    printf("%s\n", b + 9000);
    SHOW(a[12287]);
    SHOW(shmdt(a + 1));
    SHOW(shmdt(a + PAGE));
    SHOW(raw_at(id, a, 0));
    SHOW(raw_at(id, a + PAGE, SHM_RND));
    SHOW(shmdt(b));
    SHOW(shmdt(a));
    SHOW(attached(id));
    SHOW(labs(stat_of(id).shm_dtime - time(NULL)) < 3);

    /* Chosen addresses. */
    char *room = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW(at(id, room, 0));
    SHOW(at(id, room, SHM_REMAP));
    SHOW(strcmp(room + 9000, "seen twice"));
    munmap(room + 3 * PAGE, 13 * PAGE);
    SHOW(at(id, room + 3 * PAGE, 0));
    SHOW(raw_at(id, room + 6 * PAGE + 100, SHM_RND) == (long)(room + 6 * PAGE));
    SHOW(attached(id));
    SHOW(at(id, room + 9 * PAGE, SHM_EXEC | SHM_RDONLY));
    show_map("executable", room + 9 * PAGE, id);

    /* Cut to pieces. */
    SHOW(munmap(room + 4 * PAGE, PAGE));
    SHOW(attached(id));
    show_map("lower part", room + 3 * PAGE, id);
    show_map("upper part", room + 5 * PAGE, id);
    SHOW(shmdt(room + 5 * PAGE));
    SHOW(shmdt(room + 3 * PAGE));
    SHOW(attached(id));
    SHOW(munmap(room, PAGE));
    SHOW(attached(id));
    SHOW(shmdt(room));
    SHOW(attached(id));
    SHOW(shmdt(room + 6 * PAGE));
    SHOW(shmdt(room + 9 * PAGE));
    SHOW(shmdt(room + 9 * PAGE));
    SHOW(shmdt(NULL));
    SHOW(attached(id));

    /* mremap moves and grows; detaching goes by where it would begin. */
    a = shmat(id, NULL, 0);
    b = mmap(NULL, 16 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW(mremap(a, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, b) == b);
    SHOW(attached(id));
    SHOW(shmdt(a));
    SHOW(strcmp(b + 9000, "seen twice"));
    SHOW(mremap(b, 3 * PAGE, 2 * PAGE, 0) == b);
    SHOW(attached(id));
    SHOW(shmdt(b));
    SHOW(attached(id));
}

static void control(void)
{
    struct shmid_ds d = stat_of(id);
    struct shminfo info;
    struct shm_info use;
    SHOW(raw_control(-1, IPC_STAT, &d));
    SHOW(raw_control(id, 99, &d));
    SHOW(raw_control(id, -1, &d));
    SHOW(raw_control(id, IPC_STAT, BAD));
    SHOW(raw_control(id, IPC_SET, BAD));
    SHOW(raw_control(id | 1 << 30, IPC_SET, BAD));
    SHOW(raw_control(id | 1 << 30, IPC_SET, &d));
    SHOW(raw_control(id | 1 << 30, IPC_RMID, NULL));
    SHOW(raw_control(id, IPC_STAT | 0x100, &d));
    SHOW(raw_control(id & 0x7fff, SHM_STAT, &d) == id);
    SHOW(raw_control(id & 0x7fff, SHM_STAT_ANY, &d) == id);
    SHOW(d.shm_segsz);
    SHOW(raw_control(0, IPC_INFO, &info) >= (id & 0x7fff));
    printf("shmmin %lu shmmni is shmseg %d\n", info.shmmin, info.shmmni == info.shmseg);
    SHOW(raw_control(0, IPC_INFO, BAD));
    SHOW(raw_control(-1, IPC_INFO, &info));
    SHOW(raw_control(0, SHM_INFO, &use) >= (id & 0x7fff));
    SHOW(use.used_ids >= 1 && use.shm_tot >= 3 && use.shm_rss >= 1);
    SHOW(shmctl(id, SHM_LOCK, NULL));
    SHOW(stat_of(id).shm_perm.mode);
    SHOW(shmctl(id, SHM_LOCK, NULL));
    SHOW(shmctl(id, SHM_UNLOCK, NULL));
    SHOW(stat_of(id).shm_perm.mode);
    d = stat_of(id);
    d.shm_perm.mode = 0177777;
    d.shm_perm.uid = 1000;
    d.shm_perm.gid = 1001;
    SHOW(shmctl(id, IPC_SET, &d));
    d = stat_of(id);
    printf("set: mode %o uid %u gid %u cuid %d\n", d.shm_perm.mode, d.shm_perm.uid, d.shm_perm.gid, d.shm_perm.cuid == geteuid());
    d.shm_perm.uid = (uid_t)-1;
    SHOW(shmctl(id, IPC_SET, &d));
    d.shm_perm.uid = 1000;
    d.shm_perm.mode = 0640;
    SHOW(shmctl(id, IPC_SET, &d));
}

/* The file of /proc: the line of the segment, by column. */
static void show_proc(void)
{
    FILE *f = fopen("/proc/sysvipc/shm", "r");
    char line[512];
    unsigned mode, cpid, lpid, uid, gid, cuid, cgid;
    unsigned long size, nattch, rss, swap;
    long atime, dtime, ctime;
    int key, which;
    if (!f || !fgets(line, sizeof(line), f))
        return;
    printf("%s", line);
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "%d %d %o %lu %u %u %lu %u %u %u %u %ld %ld %ld %lu %lu", &key, &which, &mode, &size, &cpid, &lpid, &nattch,
                   &uid, &gid, &cuid, &cgid, &atime, &dtime, &ctime, &rss, &swap) == 16 && which == id)
            printf("length %zu key %d mode %o size %lu pids %d %d nattch %lu ids %u %u %d rss %lu swap %lu\n", strlen(line),
                   key == key_of(1), mode, size, (int)cpid == getpid(), (int)lpid == getpid(), nattch, uid, gid,
                   cuid == geteuid() && cgid == getegid(), rss, swap);
    }
    fclose(f);
}

/* As a user without privileges; only this thread's ids change. */
static void *stranger(void *arg)
{
    struct shmid_ds d = stat_of(id);
    syscall(SYS_setresgid, 2002, 2002, 2002);
    syscall(SYS_setgroups, 0, NULL);
    syscall(SYS_setresuid, 2000, 2000, 2000);
    d.shm_perm.mode = 0666;
    SHOW(at(id, NULL, 0));
    SHOW(at(id, NULL, SHM_RDONLY));
    SHOW(shmctl(id, IPC_STAT, &d));
    SHOW(raw_control(id & 0x7fff, SHM_STAT, &d));
    SHOW(raw_control(id & 0x7fff, SHM_STAT_ANY, &d) == id);
    SHOW(shmctl(id, IPC_SET, &d));
    SHOW(shmctl(id, IPC_RMID, NULL));
    SHOW(shmctl(id, SHM_LOCK, NULL));
    SHOW(shmctl(id, SHM_UNLOCK, NULL));
    SHOW(shmget(key_of(1), 0, 0) == id);
    SHOW(shmget(key_of(1), 0, 0400));
    SHOW(shmget(key_of(1), 0, 0004));
    SHOW(shmget(key_of(3), 4096, IPC_CREAT | SHM_HUGETLB | 0600));
    return NULL;
}

static void *in_its_group(void *arg)
{
    syscall(SYS_setresgid, 1001, 1001, 1001);
    syscall(SYS_setgroups, 0, NULL);
    syscall(SYS_setresuid, 2000, 2000, 2000);
    SHOW(at(id, NULL, 0));
    SHOW(at(id, NULL, SHM_RDONLY));
    SHOW(at(id, NULL, SHM_RDONLY | SHM_EXEC));
    return NULL;
}

static void *owner(void *arg)
{
    struct shmid_ds d;
    syscall(SYS_setresgid, 2002, 2002, 2002);
    syscall(SYS_setgroups, 0, NULL);
    syscall(SYS_setresuid, 1000, 1000, 1000);
    SHOW(at(id, NULL, 0));
    SHOW(at(id, NULL, SHM_EXEC));
    SHOW(shmctl(id, IPC_STAT, &d));
    d.shm_perm.mode = 0600;
    SHOW(shmctl(id, IPC_SET, &d));
    SHOW(stat_of(id).shm_perm.mode);
    return NULL;
}

static void in_thread(void *(*f)(void *))
{
    pthread_t t;
    pthread_create(&t, NULL, f, NULL);
    pthread_join(t, NULL);
}

static void removal(void)
{
    char *a = shmat(id, NULL, 0), *b;
    long before = attached(id);
    SHOW(shmctl(id, IPC_RMID, NULL));
    struct shmid_ds d = stat_of(id);
    printf("removed: mode %o key %d\n", d.shm_perm.mode, d.shm_perm.__key);
    SHOW(shmget(key_of(1), 0, 0));
    SHOW((b = shmat(id, NULL, 0)) != (void *)-1);
    SHOW(attached(id) - before);
    SHOW(strcmp(b + 9000, "seen twice"));
    SHOW(shmctl(id, IPC_RMID, NULL));
    SHOW(shmctl(id, SHM_LOCK, NULL));
    SHOW(shmdt(a));
    SHOW(shmdt(b));
    /* What the other users' threads attached is still there. */
    SHOW(attached(id) == before - 1);
}

static void after_the_last(void)
{
    int n = shmget(IPC_PRIVATE, PAGE, 0600);
    char *a = shmat(n, NULL, 0);
    SHOW(shmctl(n, IPC_RMID, NULL));
    SHOW(munmap(a, PAGE));
    SHOW(attached(n));
    SHOW(at(n, NULL, 0));
    n = shmget(IPC_PRIVATE, PAGE, 0600);
    int same_place = shmget(IPC_PRIVATE, PAGE, 0600);
    SHOW(n != same_place);
    SHOW(shmctl(n, IPC_RMID, NULL));
    SHOW(shmctl(n, IPC_RMID, NULL));
    SHOW(shmctl(same_place, IPC_RMID, NULL));
}

#define ROUNDS 200
static int contended;

static void *attacher(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        int *p = shmat(contended, NULL, 0);
        __atomic_add_fetch(p, 1, __ATOMIC_RELAXED);
        shmdt(p);
    }
    return NULL;
}

static void threads(void)
{
    pthread_t t[4];
    contended = shmget(IPC_PRIVATE, PAGE, 0600);
    int *p = shmat(contended, NULL, 0);
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, attacher, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    SHOW(*p);
    SHOW(attached(contended));
    shmctl(contended, IPC_RMID, NULL);
    shmdt(p);
}

int main(int argc, char **argv)
{
    if (argc == 2) { /* after execve, which detaches */
        id = atoi(argv[1]);
        SHOW(attached(id));
        SHOW(shmctl(id, IPC_RMID, NULL));
        SHOW(attached(id));
        return 0;
    }
    get();
    attach();
    control();
    show_proc();
    in_thread(stranger);
    in_thread(in_its_group);
    in_thread(owner);
    removal();
    after_the_last();
    threads();
    char number[16], *arguments[] = {argv[0], number, NULL};
    id = shmget(IPC_PRIVATE, PAGE, 0600);
    SHOW(at(id, NULL, 0));
    SHOW(attached(id));
    snprintf(number, sizeof(number), "%d", id);
    fflush(stdout);
    execv("/proc/self/exe", arguments);
    return 1;
}
