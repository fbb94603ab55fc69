/* SPDX-License-Identifier: BSD-2-Clause */
/* clock_nanosleep(2) on CPU clocks: wakes when the process has used so much, and not once while it uses nothing. */
#include "abi.h"
#include <pthread.h>
#include <signal.h>

static volatile int stop, ready;
static volatile pid_t sleeper;
static int64_t slept_from, slept_to;

static void *burns(void *arg)
{
    (void)arg;
    ready = 1;
    while (!stop)
        ;
    return NULL;
}

static void *sleeps(void *arg)
{
    struct timespec t = {0, 150000000};
    sleeper = gettid();
    slept_from = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    long error = syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &t, NULL);
    slept_to = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    return (void *)error;
}

static void handler(int signo)
{
    (void)signo;
}

static long switches(void)
{
    char path[64], line[256];
    long n = -1;
    snprintf(path, sizeof(path), "/proc/self/task/%d/status", sleeper);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f))
        sscanf(line, "voluntary_ctxt_switches: %ld", &n);
    if (f)
        fclose(f);
    return n;
}

int main(void)
{
    pthread_t a, b;
    void *result;
    pthread_create(&a, NULL, sleeps, NULL);
    sleep_ms(50);
    long before = switches();
    sleep_ms(200);
    printf("woken while nothing ran: %d\n", switches() - before > 5);
    pthread_create(&b, NULL, burns, NULL);
    pthread_join(a, &result);
    stop = 1;
    pthread_join(b, NULL);
    printf("result %ld, too early %d, much too late %d\n", (long)result, slept_to - slept_from < 140000000,
           slept_to - slept_from > 400000000);

    struct timespec t, rest = {99, 99};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    t.tv_sec -= 1;
    if (t.tv_sec < 0)
        t = (struct timespec){0, 0};
    SHOW(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &t, NULL));
    SHOW(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL));
    clockid_t main_clock;
    pthread_getcpuclockid(pthread_self(), &main_clock);
    SHOW(syscall(SYS_clock_nanosleep, main_clock, 0, &t, NULL)); /* one's own */

    struct sigaction sa = {.sa_handler = handler};
    sigaction(SIGALRM, &sa, NULL);
    struct itimerspec in = {.it_value.tv_nsec = 50000000};
    timer_t timer;
    timer_create(CLOCK_MONOTONIC, NULL, &timer);
    timer_settime(timer, 0, &in, NULL);
    t = (struct timespec){5, 0};
    SHOW(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &t, &rest));
    printf("rest: %d\n", rest.tv_sec == 4);
    return 0;
}
