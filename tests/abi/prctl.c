/* SPDX-License-Identifier: BSD-2-Clause */
/* prctl(2), arch_prctl(2), personality(2): values, errors of each operation. */
#include "abi.h"
#include "slurp.h"
#include <asm/prctl.h>
#include <linux/capability.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/utsname.h>

static long op(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
    return syscall(SYS_prctl, option, a, b, c, d);
}

static void *named(void *arg)
{
    char name[16];
    prctl(PR_GET_NAME, name);
    printf("thread inherits: %s\n", name);
    prctl(PR_SET_NAME, "other");
    return NULL;
}

/* UNAME26: versions that programs of old times can read. */
static void release_of(unsigned long personality)
{
    struct utsname n;
    unsigned last = 0;

    CALL("personality", syscall(SYS_personality, personality));
    uname(&n);
    sscanf(n.release, "2.6.%u", &last);
    printf("a release of 2.6: %d\n", last >= 60);
    syscall(SYS_personality, 0);
}

/* The permissions of what is mapped at address, as /proc tells. */
static void show_mapping(const char *what, void *address)
{
    unsigned long start, end;
    char rights[8];

    if (slurp("/proc/self/maps") < 0)
        return;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (sscanf(line, "%lx-%lx %4s", &start, &end, rights) == 3 && start <= (unsigned long)address && (unsigned long)address < end)
            printf("%s: %s\n", what, rights);
}

static void readable_is_executable(void)
{
    size_t page = 4096;
    int memory = memfd_create("x", 0), fd = open("/proc/self/exe", O_RDONLY);
    char *p, *q, *r, *s, *heap;

    CALL("READ_IMPLIES_EXEC", syscall(SYS_personality, READ_IMPLIES_EXEC));
    p = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    q = mmap(NULL, page, PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    r = mmap(NULL, page, PROT_READ, MAP_SHARED, memory, 0);
    s = mmap(NULL, page, PROT_NONE, MAP_PRIVATE, fd, 0);
    show_mapping("readable", p);
    show_mapping("writable", q);
    show_mapping("a memfd", r);
    show_mapping("a file, not accessible", s);
    mprotect(s, page, PROT_READ);
    show_mapping("a file, readable", s);
    mprotect(p, page, PROT_READ | PROT_WRITE);
    show_mapping("readable and writable", p);
    *p = (char)0xc3; /* ret */
    ((void (*)(void))(uintptr_t)p)();
    heap = (char *)(((unsigned long)sbrk(0) + page - 1) & ~(page - 1));
    sbrk(heap - (char *)sbrk(0) + (long)page);
    show_mapping("heap", heap);
    CALL("back", syscall(SYS_personality, 0));
    mprotect(p, page, PROT_READ);
    show_mapping("readable", p);
    munmap(p, page);
    munmap(q, page);
    munmap(r, page);
    munmap(s, page);
    close(memory);
    close(fd);
}

/* Without the capability, which a Linux may not have given us either. */
static void set_mm(void)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {0};

    syscall(SYS_capget, &h, d);
    d[0].effective &= ~(1u << CAP_SYS_RESOURCE);
    syscall(SYS_capset, &h, d);
    SHOW(op(PR_SET_MM, PR_SET_MM_ARG_START, (unsigned long)BAD, 0, 0));
    SHOW(op(PR_SET_MM, PR_SET_MM_ARG_START, 0, 0, 1));
    SHOW(op(PR_SET_MM, PR_SET_MM_ARG_START, 0, 1, 0));
    SHOW(op(PR_SET_MM, PR_SET_MM_AUXV, 0, 1, 0));
    SHOW(op(PR_SET_MM, 99, 0, 0, 0));
}

int main(void)
{
    char name[17] = "................";
    int value = -1;
    pthread_t t;
    SHOW(op(PR_SET_NAME, (unsigned long)"0123456789abcdefgh", 0, 0, 0));
    SHOW(op(PR_GET_NAME, (unsigned long)name, 0, 0, 0));
    printf("name %s\n", name);
    SHOW(op(PR_SET_NAME, (unsigned long)"", 0, 0, 0));
    SHOW(op(PR_GET_NAME, (unsigned long)name, 0, 0, 0));
    printf("name '%s'\n", name);
    SHOW(op(PR_SET_NAME, (unsigned long)BAD, 0, 0, 0));
    SHOW(op(PR_GET_NAME, (unsigned long)BAD, 0, 0, 0));
    prctl(PR_SET_NAME, "mine");
    pthread_create(&t, NULL, named, NULL);
    pthread_join(t, NULL);
    prctl(PR_GET_NAME, name);
    printf("main keeps: %s\n", name);

    SHOW(op(PR_GET_PDEATHSIG, (unsigned long)&value, 0, 0, 0));
    printf("value %d\n", value);
    SHOW(op(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0));
    SHOW(op(PR_SET_PDEATHSIG, 65, 0, 0, 0));
    SHOW(op(PR_SET_PDEATHSIG, -1, 0, 0, 0));
    SHOW(op(PR_GET_PDEATHSIG, (unsigned long)&value, 0, 0, 0));
    printf("value %d\n", value);
    SHOW(op(PR_GET_PDEATHSIG, (unsigned long)BAD, 0, 0, 0));
    SHOW(op(PR_GET_DUMPABLE, 0, 0, 0, 0));
    SHOW(op(PR_SET_DUMPABLE, 2, 0, 0, 0));
    SHOW(op(PR_SET_DUMPABLE, 0, 0, 0, 0));
    SHOW(op(PR_GET_DUMPABLE, 0, 0, 0, 0));
    SHOW(op(PR_SET_DUMPABLE, 1, 0, 0, 0));
    SHOW(op(PR_GET_KEEPCAPS, 0, 0, 0, 0));
    SHOW(op(PR_SET_KEEPCAPS, 2, 0, 0, 0));
    SHOW(op(PR_SET_KEEPCAPS, 1, 0, 0, 0));
    SHOW(op(PR_GET_KEEPCAPS, 0, 0, 0, 0));
    SHOW(op(PR_SET_KEEPCAPS, 0, 0, 0, 0));
    SHOW(op(PR_CAPBSET_READ, CAP_SETUID, 0, 0, 0));
    SHOW(op(PR_CAPBSET_READ, 41, 0, 0, 0));
    SHOW(op(PR_CAPBSET_READ, 64, 0, 0, 0));
    SHOW(op(PR_CAPBSET_READ, -1, 0, 0, 0));
    SHOW(op(PR_CAPBSET_DROP, CAP_LEASE, 0, 0, 0));
    SHOW(op(PR_CAPBSET_READ, CAP_LEASE, 0, 0, 0));
    SHOW(op(PR_CAPBSET_DROP, 64, 0, 0, 0));
    SHOW(op(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_SETUID, 0, 0));
    SHOW(op(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SETUID, 0, 0));
    SHOW(op(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_SETUID, 0, 0));
    SHOW(op(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
    SHOW(op(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0));
    SHOW(op(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 64, 0, 0));
    SHOW(op(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 1, 1, 0));
    SHOW(op(PR_CAP_AMBIENT, 99, 1, 0, 0));
    SHOW(op(PR_GET_SECUREBITS, 0, 0, 0, 0));
    SHOW(op(PR_SET_SECUREBITS, 1, 0, 0, 0));
    SHOW(op(PR_GET_SECUREBITS, 0, 0, 0, 0));
    SHOW(op(PR_SET_SECUREBITS, 0, 0, 0, 0));
    SHOW(op(PR_SET_SECUREBITS, 0x10000, 0, 0, 0));
    SHOW(op(PR_GET_TIMERSLACK, 0, 0, 0, 0));
    SHOW(op(PR_SET_TIMERSLACK, 1234, 0, 0, 0));
    SHOW(op(PR_GET_TIMERSLACK, 0, 0, 0, 0));
    SHOW(op(PR_SET_TIMERSLACK, 0, 0, 0, 0));
    SHOW(op(PR_GET_TIMERSLACK, 0, 0, 0, 0));
    SHOW(op(PR_GET_CHILD_SUBREAPER, (unsigned long)&value, 0, 0, 0));
    printf("value %d\n", value);
    SHOW(op(PR_SET_CHILD_SUBREAPER, 5, 0, 0, 0));
    SHOW(op(PR_GET_CHILD_SUBREAPER, (unsigned long)&value, 0, 0, 0));
    printf("value %d\n", value);
    SHOW(op(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    SHOW(op(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
    SHOW(op(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
    SHOW(op(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
    SHOW(op(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    SHOW(op(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    SHOW(op(PR_GET_TSC, (unsigned long)&value, 0, 0, 0));
    printf("value %d\n", value);
    SHOW(op(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0));
    SHOW(op(PR_SET_TSC, 5, 0, 0, 0));
    SHOW(op(PR_GET_THP_DISABLE, 0, 0, 0, 0));
    SHOW(op(PR_GET_THP_DISABLE, 1, 0, 0, 0));
    SHOW(op(PR_SET_THP_DISABLE, 1, 0, 0, 0));
    SHOW(op(PR_GET_THP_DISABLE, 0, 0, 0, 0));
    SHOW(op(PR_SET_THP_DISABLE, 0, 0, 0, 0));
    SHOW(op(PR_SET_FPEXC, 0, 0, 0, 0));
    SHOW(op(PR_GET_UNALIGN, 0, 0, 0, 0));
    SHOW(op(PR_SET_ENDIAN, 0, 0, 0, 0));
    SHOW(op(12345, 0, 0, 0, 0));
    SHOW(op(0, 0, 0, 0, 0));
    SHOW(op(-1, 0, 0, 0, 0));

    unsigned long fs = 0, gs = 1;
    SHOW(syscall(SYS_arch_prctl, ARCH_GET_FS, &fs));
    printf("fs is the thread pointer: %d\n", fs == (unsigned long)pthread_self());
    SHOW(syscall(SYS_arch_prctl, ARCH_GET_GS, &gs));
    printf("gs %lx\n", gs);
    SHOW(syscall(SYS_arch_prctl, ARCH_SET_GS, 0x12345678));
    SHOW(syscall(SYS_arch_prctl, ARCH_GET_GS, &gs));
    printf("gs %lx\n", gs);
    unsigned long through = 0;
    static unsigned long cell = 0xabcdef;
    syscall(SYS_arch_prctl, ARCH_SET_GS, &cell);
    __asm__ volatile("mov %%gs:0, %0" : "=r"(through));
    printf("through gs %lx\n", through);
    sleep_ms(5);
    __asm__ volatile("mov %%gs:0, %0" : "=r"(through));
    printf("after a sleep %lx\n", through);
    SHOW(syscall(SYS_arch_prctl, ARCH_SET_GS, 0));
    SHOW(syscall(SYS_arch_prctl, ARCH_SET_GS, 0x800000000000));
    SHOW(syscall(SYS_arch_prctl, ARCH_SET_FS, -1ul));
    SHOW(syscall(SYS_arch_prctl, ARCH_GET_FS, BAD));
    SHOW(syscall(SYS_arch_prctl, 0x9999, 0));
    unsigned long features[3] = {0};
    SHOW(syscall(SYS_arch_prctl, ARCH_GET_XCOMP_SUPP, &features[0]));
    SHOW(syscall(SYS_arch_prctl, ARCH_GET_XCOMP_PERM, &features[1]));
    SHOW(syscall(SYS_arch_prctl, ARCH_GET_XCOMP_GUEST_PERM, &features[2]));
    printf("x87 and SSE %lx, all permitted %d %d\n", features[0] & 3, features[0] == features[1], features[0] == features[2]);
    SHOW(syscall(SYS_arch_prctl, ARCH_GET_XCOMP_SUPP, BAD));
    SHOW(syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, 2));
    SHOW(syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, 18)); /* tiles */
    SHOW(syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, 19));
    SHOW(syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, 1000));
    SHOW(syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_GUEST_PERM, 18));

    SHOW(syscall(SYS_personality, 0xffffffff));
    SHOW(syscall(SYS_personality, 0x40000));
    SHOW(syscall(SYS_personality, 0xffffffff));
    SHOW(syscall(SYS_personality, 0));
    release_of(0);
    release_of(UNAME26);
    readable_is_executable();

    SHOW(op(PR_GET_TIMING, 0, 0, 0, 0));
    SHOW(op(PR_GET_TIMING, 1, 1, 1, 1));
    SHOW(op(PR_SET_TIMING, PR_TIMING_STATISTICAL, 1, 1, 1));
    SHOW(op(PR_SET_TIMING, PR_TIMING_TIMESTAMP, 0, 0, 0));
    SHOW(op(PR_SET_TIMING, 7, 0, 0, 0));
    set_mm();
    return 0;
}
