/* SPDX-License-Identifier: BSD-2-Clause */
/* execve: what the new program finds changed, and what it takes over. Each stage executes the next one. flags: -pthread */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <xmmintrin.h>
#include "abi.h"

static char self[4096];
static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void show_string(const char *what, const char *s)
{
    printf("%s: %s\n", what, s ? s : "(none)");
}

static void next(const char *stage, char *more)
{
    char *argv[] = {"argument 0", (char *)stage, more, NULL}, *envp[] = {"A=1", "B=two words", NULL};
    fflush(stdout);
    SHOW(execve(self, argv, envp));
    exit(1);
}

static void handler(int signo)
{
    printf("handled %d\n", signo);
}

static char altstack[65536];
static const char *read_text(const char *path)
{
    static char text[4096];
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    text[n < 0 ? 0 : n] = 0;
    if (n > 0 && text[n - 1] == '\n')
        text[n - 1] = 0;
    close(fd);
    return text;
}

static void prepare(void)
{
    struct sigaction a = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigset_t set;
    sigaction(SIGUSR1, &a, NULL);
    a.sa_handler = SIG_IGN;
    sigaction(SIGUSR2, &a, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGALRM);
    sigaddset(&set, SIGRTMIN + 3);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGTERM);
    union sigval value = {.sival_int = 77};
    sigqueue(getpid(), SIGRTMIN + 3, value);
    stack_t ss = {.ss_sp = altstack, .ss_size = sizeof(altstack)};
    sigaltstack(&ss, NULL);
    struct itimerval it = {.it_value = {.tv_sec = 1000}, .it_interval = {.tv_sec = 3}};
    setitimer(ITIMER_REAL, &it, NULL);
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 4};
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    prctl(PR_SET_NAME, "renamed");
    prctl(PR_SET_PDEATHSIG, SIGUSR1);
    prctl(PR_SET_TIMERSLACK, 12345);
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_KEEPCAPS, 1);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    umask(017);
    nice(3);
    struct rlimit limit = {1000, 1000};
    setrlimit(RLIMIT_CORE, &limit);
    personality(ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC);
    int kept = open("/dev/null", O_RDONLY), closed = open("/dev/null", O_RDONLY | O_CLOEXEC);
    printf("descriptors: %d %d\n", kept >= 0, closed >= 0);
    dup2(kept, 100);
    dup3(kept, 101, O_CLOEXEC);
    lseek(kept, 0, SEEK_SET);
    mlockall(MCL_FUTURE);
    _mm_setcsr(_mm_getcsr() | 0x6000);
    __asm__ volatile("fninit; movq %0, %%xmm9; movq %0, %%xmm15" : : "r"(0x1234ul));
    mkdir("below", 0755);
    chdir("below");
    next("check", "third");
}

static unsigned long vector_words(void)
{
    unsigned long all = 0, x;
    __asm__ volatile("movq %%xmm9, %0" : "=r"(x));
    all |= x;
    __asm__ volatile("movq %%xmm15, %0" : "=r"(x));
    return all | x;
}

static void check(int argc, char **argv, char **envp)
{
    struct sigaction a;
    sigset_t set;
    stack_t ss;
    struct itimerval it;
    char name[32] = "";
    SHOW(vector_words() == 0x1234);
    SHOW(_mm_getcsr() == 0x1f80);
    SHOW(argc);
    for (int i = 0; i < argc; i++)
        show_string("argument", argv[i]);
    for (int i = 0; envp[i]; i++)
        show_string("environment", envp[i]);
    sigaction(SIGUSR1, NULL, &a);
    SHOW(a.sa_handler == SIG_DFL && a.sa_flags == 0);
    sigaction(SIGUSR2, NULL, &a);
    SHOW(a.sa_handler == SIG_IGN);
    sigprocmask(SIG_BLOCK, NULL, &set);
    SHOW(sigismember(&set, SIGTERM));
    SHOW(sigismember(&set, SIGUSR1));
    sigpending(&set);
    SHOW(sigismember(&set, SIGTERM));
    SHOW(sigismember(&set, SIGRTMIN + 3));
    siginfo_t info;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 3);
    SHOW(sigwaitinfo(&set, &info) == SIGRTMIN + 3 && info.si_value.sival_int == 77);
    SHOW(sigaltstack(NULL, &ss));
    SHOW(ss.ss_flags == SS_DISABLE && !ss.ss_size);
    SHOW(getitimer(ITIMER_REAL, &it));
    SHOW(it.it_value.tv_sec > 900 && it.it_interval.tv_sec == 3);
    SHOW(syscall(SYS_timer_delete, 0));
    SHOW(prctl(PR_GET_NAME, name));
    show_string("name", name);
    int pdeathsig;
    prctl(PR_GET_PDEATHSIG, &pdeathsig);
    SHOW(pdeathsig);
    SHOW(prctl(PR_GET_TIMERSLACK));
    SHOW(prctl(PR_GET_DUMPABLE));
    SHOW(prctl(PR_GET_KEEPCAPS));
    int reaper = -1;
    prctl(PR_GET_CHILD_SUBREAPER, &reaper);
    SHOW(reaper);
    SHOW(umask(0));
    errno = 0;
    SHOW(getpriority(PRIO_PROCESS, 0));
    struct rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    SHOW(limit.rlim_cur);
    SHOW(personality(0xffffffff) & ~0x0400000u);
    SHOW(fcntl(100, F_GETFD));
    SHOW(fcntl(101, F_GETFD));
    SHOW(getpid() == (int)syscall(SYS_gettid));
    show_string("executed as", name_of((char *)getauxval(AT_EXECFN)));
    SHOW(getauxval(AT_SECURE));
    SHOW(getauxval(AT_RANDOM) != 0);
    SHOW(getauxval(AT_BASE));
    char cwd[4096], path[4096] = "";
    show_string("working directory", name_of(getcwd(cwd, sizeof(cwd))));
    readlink("/proc/self/exe", path, sizeof(path) - 1);
    SHOW(strcmp(path, self));
    show_string("comm", read_text("/proc/self/comm"));
    read_text("/proc/self/cmdline");
    SHOW(!memcmp(read_text("/proc/self/cmdline"), "argument 0\0check\0third", 23));
    SHOW(!memcmp(read_text("/proc/self/environ"), "A=1\0B=two words", 16));
    unsigned long aux[80];
    int fd = open("/proc/self/auxv", O_RDONLY);
    ssize_t n = read(fd, aux, sizeof(aux));
    while (*envp)
        envp++;
    SHOW(n > 0 && !memcmp(aux, envp + 1, (size_t)n - 16));
    next("relative", "");
}

static void run_as(const char *path, const char *stage)
{
    char *argv[] = {"again", (char *)stage, NULL}, *envp[] = {NULL};
    SHOW(execve(path, argv, envp));
    exit(1);
}

static void shell(const char *path, const char *text)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0755);
    if (write(fd, text, strlen(text)) < 0)
        puts("cannot write");
    close(fd);
}

static void show_arguments(int argc, char **argv)
{
    /* The paths of the test differ from place to place. */
    for (int i = 0; i < argc; i++)
        show_string(" ", !strcmp(argv[i], self) ? "SELF" : argv[i]);
    const char *fn = (char *)getauxval(AT_EXECFN);
    show_string("executed as", !strcmp(fn, self) ? "SELF" : fn);
    show_string("comm", read_text("/proc/self/comm"));
}

static void *other_thread(void *arg)
{
    struct timespec t = {100, 0};
    if (arg) {
        while (((volatile char *)arg)[0])
            sched_yield();
        printf("from a thread that is not the first: %d\n", (int)syscall(SYS_gettid) != getpid());
        next("threads-done", "x");
    }
    nanosleep(&t, NULL);
    return NULL;
}

static pthread_mutex_t robust_lock;
static void threads(const char *stage)
{
    static volatile char wait = 1;
    pthread_t t;
    for (int i = 0; i < 5; i++)
        pthread_create(&t, NULL, other_thread, NULL);
    if (!strcmp(stage, "threads"))
        next("threads-other", "x");
    pthread_create(&t, NULL, other_thread, (void *)&wait);
    wait = 0;
    for (;;)
        pause();
}

int main(int argc, char **argv, char **envp)
{
    const char *stage = argc > 1 ? argv[1] : "";
    char text[5000];
    int fd;
    setvbuf(stdout, NULL, _IONBF, 0);
    self[readlink("/proc/self/exe", self, sizeof(self) - 1)] = 0;
    if (!strncmp(self, "/memfd:", 7))
        strcpy(self, "memory file");
    if (argc == 1 && !*argv[0]) {
        puts("no arguments: one empty one");
        SHOW(envp[0] == NULL);
        next("threads", "x");
    } else if (!*stage) {
        printf("robust %d\n", pthread_mutex_init(&robust_lock, NULL));
        prepare();
    } else if (!strcmp(stage, "check")) {
        check(argc, argv, envp);
    } else if (!strcmp(stage, "relative")) {
        unlink("relative");
        SHOW(symlink(self, "relative"));
        run_as("./relative", "script");
    } else if (!strcmp(stage, "script")) {
        show_arguments(argc, argv);
        snprintf(text, sizeof(text), "#! %s \tscript-done and more \t\nrest", self);
        shell("script", text);
        snprintf(text, sizeof(text), "#!script one\n");
        shell("outer", text);
        char *more[] = {"replaced", "a", "", "b", NULL}, *none[] = {NULL};
        SHOW(execve("outer", more, none));
    } else if (!strcmp(stage, "script-done and more")) {
        show_arguments(argc, argv);
        snprintf(text, sizeof(text), "#!%s empty-done", self);
        shell("script", text);
        char *none[] = {NULL};
        SHOW(execve("script", none, none));
    } else if (!strcmp(stage, "empty-done")) {
        show_arguments(argc, argv);
        char *none[] = {NULL};
        setenv("UNUSED", "1", 1);
        snprintf(text, sizeof(text), "#!%s at-done\n", self);
        shell("script", text);
        fd = open("script", O_RDONLY);
        dup2(fd, 50);
        char *more[] = {"replaced", "x", NULL};
        SHOW(syscall(SYS_execveat, 50, "", more, none, AT_EMPTY_PATH));
    } else if (!strcmp(stage, "at-done")) {
        show_arguments(argc, argv);
        char *none[] = {NULL}, *more[] = {"zero", "at-directory", NULL};
        fd = open(".", O_RDONLY | O_CLOEXEC);
        dup3(fd, 51, O_CLOEXEC);
        SHOW(syscall(SYS_execveat, 51, "relative", more, none, 0));
    } else if (!strcmp(stage, "at-directory")) {
        show_arguments(argc, argv);
        SHOW(fcntl(51, F_GETFD));
        fd = syscall(SYS_memfd_create, "image", 0);
        int from = open(self, O_RDONLY);
        while ((fcntl(fd, F_GETFD) >= 0) && (argc = (int)read(from, text, sizeof(text))) > 0)
            if (write(fd, text, (size_t)argc) != argc)
                puts("cannot write");
        dup2(fd, 52);
        close(fd);
        close(from);
        char *none[] = {NULL}, *more[] = {"zero", "memory", self, NULL};
        SHOW(syscall(SYS_execveat, 52, "", more, none, AT_EMPTY_PATH));
    } else if (!strcmp(stage, "memory")) {
        show_string("self", self);
        show_string("executed as", (char *)getauxval(AT_EXECFN));
        SHOW(write(52, "x", 1));
        char *none[] = {NULL}, *more[] = {"zero", "no-arguments", NULL};
        close(52);
        SHOW(execve(argv[2], more, none));
    } else if (!strcmp(stage, "no-arguments")) {
        SHOW(execve(self, NULL, NULL) && 0);
    } else if (!strcmp(stage, "threads") || !strcmp(stage, "threads-other")) {
        SHOW(getpid() == (int)syscall(SYS_gettid));
        threads(stage);
    } else if (!strcmp(stage, "threads-done")) {
        SHOW(getpid() == (int)syscall(SYS_gettid));
        SHOW(syscall(SYS_tgkill, getpid(), getpid(), 0));
        show_string("threads", strstr(read_text("/proc/self/status"), "Threads:") ? "listed" : NULL);
        pthread_t t;
        SHOW(pthread_create(&t, NULL, other_thread, NULL));
        exit(7);
    }
    return 1;
}
