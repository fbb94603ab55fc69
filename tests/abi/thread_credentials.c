/* SPDX-License-Identifier: BSD-2-Clause */
/* Credentials belong to the thread: raw calls change one, the C library's change all. credentials(7), capabilities(7), prctl(2). */
#include "abi.h"
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static pthread_barrier_t barrier;
static int main_tid, other_tid;
static char file_name[] = "/tmp/abi-cred-XXXXXX";

static void meet(void)
{
    pthread_barrier_wait(&barrier);
}

/* Prints the line of a thread's status that begins with key; sets of capabilities only as none or some. */
static void status(const char *who, int tid, const char *key)
{
    char path[64], line[4096];
    snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f))
        if (!strncmp(line, key, strlen(key))) {
            if (!strncmp(key, "Cap", 3))
                printf("%s %s %s\n", who, key, strtoull(line + 7, NULL, 16) ? "some" : "none");
            else
                printf("%s %s", who, line);
        }
    if (f)
        fclose(f);
}

static void both(const char *key)
{
    status("main", main_tid, key);
    status("other", other_tid, key);
}

static void owner(const char *what, int tid, const char *file)
{
    char path[64];
    struct stat st = {0};
    snprintf(path, sizeof(path), "/proc/self/task/%d/%s", tid, file);
    int result = stat(path, &st);
    printf("%s %s: %d, owner %d\n", what, file, result, (int)st.st_uid);
}

static int capabilities_of(int tid)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, tid};
    struct __user_cap_data_struct d[2] = {{0}};
    if (syscall(SYS_capget, &h, d))
        return -1;
    return (d[0].effective != 0) | (d[0].permitted != 0) << 1;
}

static void drop_effective(void)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {{0}};
    SHOW(syscall(SYS_capget, &h, d));
    d[0].effective = d[1].effective = 0;
    SHOW(syscall(SYS_capset, &h, d));
    h.pid = main_tid;
    SHOW(syscall(SYS_capset, &h, d));
}

static void *heir(void *arg)
{
    (void)arg;
    other_tid = gettid();
    printf("a thread it makes: uid %d gid %d nnp %d keep %d deathsig ", (int)getuid(), (int)getgid(),
           prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
    int s = -1;
    prctl(PR_GET_PDEATHSIG, &s);
    printf("%d groups %d\n", s, getgroups(0, NULL));
    return NULL;
}

static void *other(void *arg)
{
    (void)arg;
    gid_t some[] = {70, 5, 900000, 5, 12}, got[8];
    other_tid = gettid();
    SHOW(syscall(SYS_setgroups, 5, some));
    int n = getgroups(8, got);
    for (int i = 0; i < n; i++)
        printf(" %u", got[i]);
    printf("\n");
    SHOW(getgroups(4, got));
    SHOW(syscall(SYS_setresgid, 50, 51, 52));
    SHOW(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
    SHOW(prctl(PR_SET_PDEATHSIG, SIGUSR2));
    SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    meet();
    meet();
    SHOW(prctl(PR_GET_DUMPABLE));
    SHOW(syscall(SYS_setresuid, 1000, 1001, 1002));
    SHOW(prctl(PR_GET_DUMPABLE));
    SHOW(prctl(PR_SET_DUMPABLE, 1));
    int s = -1;
    prctl(PR_GET_PDEATHSIG, &s);
    printf("deathsig %d\n", s);
    SHOW(open(file_name, O_RDWR));
    SHOW(setpriority(PRIO_PROCESS, main_tid, 1));
    SHOW(syscall(SYS_tgkill, getpid(), main_tid, 0));
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(0, &set);
    SHOW(sched_setaffinity(main_tid, sizeof(set), &set));
    printf("capabilities: mine %d, main's %d\n", capabilities_of(0), capabilities_of(main_tid));
    pthread_t t;
    int mine = other_tid;
    pthread_create(&t, NULL, heir, NULL);
    pthread_join(t, NULL);
    other_tid = mine;
    meet();
    meet();
    drop_effective();
    SHOW(syscall(SYS_setresuid, 0, 0, 0));
    SHOW(syscall(SYS_setuid, 1000));
    SHOW(syscall(SYS_setfsuid, 1002));
    SHOW(syscall(SYS_setfsuid, -1));
    meet();
    meet();
    return NULL;
}

/* Waits while the main thread changes all of them by the C library. */
static void *follower(void *arg)
{
    (void)arg;
    meet();
    meet();
    printf("after the library's calls: %d %d %d, groups %d\n", (int)getuid(), (int)geteuid(), (int)getegid(), getgroups(0, NULL));
    SHOW(syscall(SYS_setresuid, 0, -1, -1));
    return NULL;
}

int main(void)
{
    pthread_t t;
    main_tid = getpid();
    pthread_barrier_init(&barrier, NULL, 2);
    int fd = mkstemp(file_name);
    fchmod(fd, 0600);
    SHOW(syscall(SYS_setgroups, 0, NULL));
    SHOW(prctl(PR_SET_DUMPABLE, 1));
    pthread_create(&t, NULL, other, NULL);
    meet();
    both("Groups");
    both("Gid");
    both("NoNewPrivs");
    SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    SHOW(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
    int s = -1;
    prctl(PR_GET_PDEATHSIG, &s);
    printf("deathsig %d\n", s);
    meet();
    meet();
    both("Uid");
    both("CapEff");
    both("CapPrm");
    owner("main", main_tid, "status");
    owner("other", other_tid, "status");
    owner("other", other_tid, "fd");
    SHOW(prctl(PR_SET_DUMPABLE, 0));
    owner("other", other_tid, "status");
    owner("other", other_tid, "fd");
    owner("other", other_tid, "");
    SHOW(prctl(PR_SET_DUMPABLE, 1));
    SHOW(close(open(file_name, O_RDWR)));
    SHOW(syscall(SYS_tgkill, getpid(), other_tid, 0));
    meet();
    meet();
    both("Uid");
    both("CapEff");
    both("CapPrm");
    SHOW(getpriority(PRIO_USER, 1000));
    SHOW(getpriority(PRIO_USER, 1234));
    unlink(file_name);
    fd = open(file_name, O_RDWR | O_CREAT, 0600);

    /* More groups than fit a page, given in falling order. */
    static gid_t many[3000], back[3000];
    for (int i = 0; i < 3000; i++)
        many[i] = 5000 - i;
    SHOW(syscall(SYS_setgroups, 3000, many));
    SHOW(getgroups(3000, back));
    int sorted = 1;
    for (int i = 0; i < 3000; i++)
        sorted &= back[i] == 2001u + i;
    printf("ascending %d\n", sorted);
    many[7] = -1;
    SHOW(syscall(SYS_setgroups, 3000, many));
    SHOW(syscall(SYS_setgroups, 65537, many));
    SHOW(syscall(SYS_setgroups, 3, BAD));
    SHOW(syscall(SYS_setgroups, -1, many));
    struct stat st;
    SHOW(chown(file_name, 77, 4000));
    SHOW(fchmod(fd, 0660));
    SHOW(syscall(SYS_setfsuid, 3000));
    SHOW(close(open(file_name, O_RDWR))); /* by a group */
    SHOW(syscall(SYS_setfsuid, 0));
    SHOW(fstat(fd, &st));
    printf("mode %o of %d:%d\n", st.st_mode, (int)st.st_uid, (int)st.st_gid);
    unlink(file_name);
    SHOW(syscall(SYS_setfsuid, 2000));
    SHOW(syscall(SYS_setfsuid, 0));
    meet();
    pthread_join(t, NULL);

    puts("-- the C library's calls");
    pthread_create(&t, NULL, follower, NULL);
    meet();
    SHOW(setgroups(2, many));
    SHOW(setresgid(2001, 2001, 2001));
    SHOW(setresuid(2000, 2000, 2000));
    meet();
    pthread_join(t, NULL);
    return 0;
}
