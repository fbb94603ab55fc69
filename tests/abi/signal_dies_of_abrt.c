/* SPDX-License-Identifier: BSD-2-Clause */
/* The default action of a signal: the status of the program says which. status: 134 */
#include "abi.h"
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

static void *idle(void *arg)
{
    pause();
    return NULL;
}

int main(void)
{
    pthread_t t;
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    pthread_create(&t, NULL, idle, NULL);
    puts("about to die");
    fflush(stdout);
    kill(getpid(), SIGABRT);
    for (;;)
        pause();
}
