/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminal modes. One terminal at most is in raw mode; exit() restores it, and every signal that
 * can be caught ends the command by way of exit().
 */
#include "tools/terminal.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "tools/message.h"

static struct termios saved;
static int raw_descriptor = -1;

char descriptor_kind(int fd)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return 'n';
    if (S_ISFIFO(status.st_mode))
        return 'p';
    if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))
        return 'f';
    if (S_ISSOCK(status.st_mode))
        return 's';
    if (isatty(fd))
        return 't';
    /* Memory devices have major 1; /dev/null is their minor 3, everywhere. */
    if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3))
        return 'n';
    return 'c';
}

bool same_open_file(int a, int b)
{
    pid_t me = getpid();

    return syscall(SYS_kcmp, me, me, KCMP_FILE, a, b) == 0;
}

bool terminal_size(int fd, unsigned *columns, unsigned *rows)
{
    struct winsize size;

    if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0 || size.ws_row == 0)
        return false;
    *columns = size.ws_col;
    *rows = size.ws_row;
    return true;
}

bool terminal_in_foreground(int fd)
{
    pid_t foreground;

    if (!isatty(fd))
        return false;
    /* A terminal that does not control this process (ENOTTY) knows no background. */
    foreground = tcgetpgrp(fd);
    return foreground == getpgrp() || (foreground < 0 && errno == ENOTTY);
}

void terminal_set_raw(int fd)
{
    static bool registered;
    struct termios raw;

    if (tcgetattr(fd, &saved) < 0)
        return;
    raw = saved;
    cfmakeraw(&raw);
    if (tcsetattr(fd, TCSADRAIN, &raw) < 0)
        return;
    raw_descriptor = fd;
    message_set_raw(isatty(STDERR_FILENO));
    if (!registered)
        atexit(terminal_restore);
    registered = true;
}

void terminal_restore(void)
{
    sigset_t mask;

    if (raw_descriptor < 0)
        return;
    /* A background process that sets the mode would be stopped, and the mode would stay raw. */
    sigemptyset(&mask);
    sigaddset(&mask, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &mask, NULL);
    tcsetattr(raw_descriptor, TCSADRAIN, &saved);
    raw_descriptor = -1;
    message_set_raw(false);
}
