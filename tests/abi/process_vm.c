/* SPDX-License-Identifier: BSD-2-Clause */
/* process_vm_readv(2), process_vm_writev(2) and kcmp(2) on the process itself. */
#include "abi.h"
#include <fcntl.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/uio.h>

#define PAGE 4096ul

static char from[] = "what is there to be read", to[64];
static char *pages;

static long rd(int pid, struct iovec *l, unsigned long ln, struct iovec *r, unsigned long rn, unsigned long flags)
{
    return syscall(SYS_process_vm_readv, pid, l, ln, r, rn, flags);
}

static long wr(int pid, struct iovec *l, unsigned long ln, struct iovec *r, unsigned long rn)
{
    return syscall(SYS_process_vm_writev, pid, l, ln, r, rn, 0);
}

static int other;
static volatile int done;

static void *unsharer(void *arg)
{
    unshare(CLONE_FILES | CLONE_FS);
    __atomic_store_n(&other, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
    while (!done)
        sleep_ms(1);
    return NULL;
}

static long same(int a, int b, int type, unsigned long i, unsigned long k)
{
    long r = syscall(SYS_kcmp, a, b, type, i, k);
    return r > 0 ? 1 : r;
}

int main(void)
{
    int pid = getpid();
    struct iovec l[2] = {{to, 10}, {to + 20, 14}}, r[2] = {{from, 4}, {from + 5, 19}}, bad = {BAD, 10}, none = {NULL, 0};
    SHOW(rd(pid, l, 2, r, 2, 0));
    printf("%.10s|%.13s\n", to, to + 20);
    SHOW(rd(pid, l, 1, r, 2, 0));
    SHOW(rd(pid, l, 2, r, 1, 0));
    SHOW(wr(pid, l, 1, r, 1));
    SHOW(rd(pid, l, 1, r, 1, 1));
    SHOW(rd(-1, l, 1, r, 1, 0));
    SHOW(rd(0, l, 1, r, 1, 0));
    SHOW(rd(0x7ffffff, l, 1, r, 1, 0));
    SHOW(rd(pid, l, 0, r, 1, 0));
    SHOW(rd(-1, l, 0, r, 1, 0));
    SHOW(rd(-1, l, 1, r, 0, 0));
    SHOW(rd(pid, l, 1025, r, 1, 0));
    SHOW(rd(pid, l, 1, r, 1025, 0));
    SHOW(rd(pid, BAD, 1, r, 1, 0));
    SHOW(rd(pid, l, 1, BAD, 1, 0));
    SHOW(rd(pid, &bad, 1, r, 1, 0));
    SHOW(rd(pid, l, 1, &bad, 1, 0));
    SHOW(rd(pid, &none, 1, &bad, 1, 0));

    pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(pages, 'p', 2 * PAGE);
    char *copy = malloc(3 * PAGE);
    struct iovec local = {copy, 2 * PAGE}, remote = {pages, 2 * PAGE}, remotes[2] = {{from, 4}, {BAD, 4}};
    SHOW(rd(pid, &local, 1, &remote, 1, 0));
    SHOW(memcmp(copy, pages, 2 * PAGE));
    mprotect(pages + PAGE, PAGE, PROT_NONE);
    SHOW(rd(pid, &local, 1, &remote, 1, 0));
    remote = (struct iovec){pages + 100, 2 * PAGE};
    SHOW(rd(pid, &local, 1, &remote, 1, 0));
    SHOW(wr(pid, &local, 1, &remote, 1));
    mprotect(pages, PAGE, PROT_READ);
    SHOW(wr(pid, &local, 1, &remote, 1));
    SHOW(rd(pid, &local, 1, remotes, 2, 0));
    /* The caller's own buffer ends before the other does: what came before that counts. */
    mprotect(pages, PAGE, PROT_READ | PROT_WRITE);
    local = (struct iovec){pages + PAGE - 100, 300};
    remote = (struct iovec){copy, 300};
    SHOW(rd(pid, &local, 1, &remote, 1, 0));
    SHOW(wr(pid, &local, 1, &remote, 1));

    pthread_t t;
    pthread_create(&t, NULL, unsharer, NULL);
    while (!__atomic_load_n(&other, __ATOMIC_ACQUIRE))
        sleep_ms(1);
    SHOW(rd(other, l, 1, r, 1, 0));
    int a = open("/dev/null", O_RDONLY), b = dup(a), c = open("/dev/null", O_RDONLY);
    SHOW(same(pid, pid, KCMP_FILE, a, b));
    SHOW(same(pid, pid, KCMP_FILE, a, c));
    SHOW(same(pid, pid, KCMP_FILE, a, 999));
    SHOW(same(pid, other, KCMP_FILE, 0, a));
    SHOW(same(pid, other, KCMP_VM, 0, 0));
    SHOW(same(pid, other, KCMP_SIGHAND, 0, 0));
    SHOW(same(pid, other, KCMP_FILES, 0, 0));
    SHOW(same(pid, other, KCMP_FS, 0, 0));
    SHOW(same(pid, pid, KCMP_FS, 0, 0));
    SHOW(same(pid, pid, KCMP_SYSVSEM, 0, 0));
    SHOW(same(pid, pid, 99, 0, 0));
    SHOW(same(pid, 0, KCMP_VM, 0, 0));
    SHOW(same(pid, 0x7ffffff, KCMP_VM, 0, 0));
    long first = syscall(SYS_kcmp, pid, pid, KCMP_FILE, a, c), second = syscall(SYS_kcmp, pid, pid, KCMP_FILE, c, a);
    SHOW(first + second);
    done = 1;
    pthread_join(t, NULL);
    return 0;
}
