/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which signals are handled. Not among them: those of faults, SIGKILL and SIGSTOP, SIGPIPE
 * (ignored: a write then fails with EPIPE), and SIGTTIN, SIGTTOU and SIGCONT, whose default acts
 * on this process are what a shell expects.
 */
#include "tools/signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "tools/message.h"

static const int handled[] = {
    SIGHUP,  SIGINT,  SIGQUIT,   SIGUSR1, SIGUSR2, SIGALRM, SIGTERM, SIGTSTP,  SIGURG,
    SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGIO,   SIGPWR,  SIGCHLD, SIGWINCH,
};

static void add_unless_ignored(sigset_t *set, int number)
{
    struct sigaction action;

    if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
        sigaddset(set, number);
}

int signals_open(void)
{
    sigset_t set;
    int descriptor;

    signal(SIGPIPE, SIG_IGN);
    /* A parent that ignores SIGCHLD passes that on, and QEMU's end would go unnoticed. */
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
        add_unless_ignored(&set, handled[i]);
    for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
        add_unless_ignored(&set, number);
    sigprocmask(SIG_BLOCK, &set, NULL);
    descriptor = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (descriptor < 0)
        die(STATUS_FAILED, "cannot receive signals: %s", strerror(errno));
    return descriptor;
}

bool signal_asks_to_end(int number)
{
    return number == SIGHUP || number == SIGINT || number == SIGQUIT || number == SIGTERM;
}
