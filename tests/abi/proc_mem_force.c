/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/*
 * Writing through /proc/self/mem past the protection, proc(5): a private mapping gets its own page, a shared one refuses, and
 * no thread may write the page meanwhile.
 */
#include "abi.h"
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

static int mem;
static sigjmp_buf out;

static long poke(volatile char *at, const char *bytes)
{
    return pwrite(mem, bytes, strlen(bytes), (off_t)(uintptr_t)at);
}

static void on_fault(int s)
{
    siglongjmp(out, 1);
}

int main(void);

static int writable(volatile char *at)
{
    if (sigsetjmp(out, 1))
        return 0;
    *at = *at;
    return 1;
}

static void kinds(void)
{
    char b[16] = "";
    int file = open("mem.file", O_RDWR | O_CREAT | O_TRUNC, 0600), ro = open("mem.file", O_RDONLY);
    write(file, "from the file", 13);
    ftruncate(file, 8192);

    char *m = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, file, 0);
    SHOW(poke(m, "FORCED"));
    printf("%.13s\n", m);
    SHOW(pread(file, b, 13, 0));
    printf("%.13s\n", b);
    SHOW(writable(m));
    SHOW(poke(m + 4090, "0123456789"));
    printf("%.10s\n", m + 4090);
    SHOW(pwrite(file, "X", 1, 8191));
    printf("%c\n", m[8191] ? m[8191] : '-');
    SHOW(mprotect(m, 8192, PROT_READ | PROT_WRITE));
    m[0] = 'f';
    printf("%.13s\n", m);
    munmap(m, 8192);

    m = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
    SHOW(poke(m, "FORCED"));
    printf("%.13s\n", m);
    munmap(m, 4096);
    m = mmap(NULL, 4096, PROT_READ, MAP_SHARED, ro, 0);
    SHOW(poke(m, "FORCED"));
    munmap(m, 4096);
    m = mmap(NULL, 4096, PROT_NONE, MAP_SHARED, file, 0);
    SHOW(pread(mem, b, 4, (off_t)(uintptr_t)m));
    printf("%.4s\n", b);
    munmap(m, 4096);

    m = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW(pread(mem, b, 4, (off_t)(uintptr_t)m));
    SHOW(poke(m, "hidden"));
    SHOW(pread(mem, b, 6, (off_t)(uintptr_t)m));
    printf("%.6s\n", b);
    SHOW(writable(m));
    SHOW(mprotect(m, 8192, PROT_READ));
    printf("%s\n", m);
    SHOW(munmap(m + 4096, 4096));
    SHOW(poke(m + 4090, "0123456789"));
    printf("%.6s\n", m + 4090);
    SHOW(munmap(m, 4096));
    SHOW(poke(m, "gone"));
    SHOW(poke((char *)(uintptr_t)main, ""));
    SHOW(pread(mem, b, 1, (off_t)(uintptr_t)main));
    SHOW(pwrite(mem, b, 1, (off_t)(uintptr_t)main));
    close(file), close(ro);
    unlink("mem.file");
}

static char *page;
static volatile int stop;

/* Its writes never get through: the page stays read only to the program. */
static void *writer(void *arg)
{
    long got = 0;
    struct sigaction sa = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};
    sigaction(SIGSEGV, &sa, NULL);
    while (!stop)
        got += writable(page + 100);
    return (void *)got;
}

static void *forcer(void *arg)
{
    long failed = 0;
    for (int i = 0; i < 3000; i++)
        failed += poke(page + (long)arg, i % 2 ? "a" : "b") != 1 || page[(long)arg] != (i % 2 ? 'a' : 'b');
    return (void *)failed;
}

static void threads(void)
{
    pthread_t w, t[2];
    void *r;
    long failed = 0;
    page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_create(&w, NULL, writer, NULL);
    for (long i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, forcer, (void *)i);
    for (int i = 0; i < 2; i++) {
        pthread_join(t[i], &r);
        failed += (long)r;
    }
    stop = 1;
    pthread_join(w, &r);
    printf("forced writes that failed %ld, writes that got through %ld\n", failed, (long)r);
}

int main(void)
{
    struct sigaction sa = {.sa_handler = on_fault};
    sigaction(SIGSEGV, &sa, NULL);
    mem = open("/proc/self/mem", O_RDWR);
    kinds();
    threads();
    return 0;
}
