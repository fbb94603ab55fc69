/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kinds of descriptors, and raw mode with its restoration, on a pseudo-terminal.
 * sources: tools/terminal.c tools/message.c
 */
#include <fcntl.h>
#include <pty.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tools/message.h"
#include "tools/terminal.h"

static char kind_of_path(const char *path)
{
    int fd = open(path, O_RDONLY | O_NOCTTY);
    char kind;

    CHECK(fd >= 0);
    kind = descriptor_kind(fd);
    close(fd);
    return kind;
}

TEST(kinds_of_descriptors)
{
    int pair[2], primary, secondary;

    CHECK(pipe(pair) == 0);
    CHECK(descriptor_kind(pair[0]) == 'p' && descriptor_kind(pair[1]) == 'p');
    close(pair[0]);
    close(pair[1]);
    CHECK(descriptor_kind(pair[0]) == 'n');
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK(descriptor_kind(pair[0]) == 's');
    close(pair[0]);
    close(pair[1]);
    CHECK(openpty(&primary, &secondary, NULL, NULL, NULL) == 0);
    CHECK(descriptor_kind(secondary) == 't');
    CHECK(terminal_in_foreground(secondary));
    CHECK(!terminal_in_foreground(0) || isatty(0));
    close(primary);
    close(secondary);
    CHECK(kind_of_path("/dev/null") == 'n');
    CHECK(kind_of_path("/dev/zero") == 'c');
    CHECK(kind_of_path("/proc/self/exe") == 'f');
    CHECK(kind_of_path("/") == 'f');
}

TEST(size_of_a_terminal)
{
    struct winsize size = {.ws_col = 123, .ws_row = 45};
    unsigned columns, rows;
    int primary, secondary;

    CHECK(openpty(&primary, &secondary, NULL, NULL, NULL) == 0);
    CHECK(!terminal_size(secondary, &columns, &rows));
    CHECK(ioctl(primary, TIOCSWINSZ, &size) == 0);
    CHECK(terminal_size(secondary, &columns, &rows));
    CHECK(columns == 123 && rows == 45);
    CHECK(!terminal_size(open("/dev/null", O_RDONLY), &columns, &rows));
    close(primary);
    close(secondary);
}


static bool same_modes(const struct termios *a, const struct termios *b)
{
    return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag && a->c_cflag == b->c_cflag &&
           a->c_lflag == b->c_lflag && memcmp(a->c_cc, b->c_cc, sizeof(a->c_cc)) == 0;
}

TEST(raw_mode_and_back)
{
    struct termios before, raw, after;
    int primary, secondary;

    CHECK(openpty(&primary, &secondary, NULL, NULL, NULL) == 0);
    CHECK(tcgetattr(secondary, &before) == 0);
    terminal_set_raw(secondary);
    CHECK(tcgetattr(secondary, &raw) == 0);
    CHECK(!(raw.c_lflag & (ECHO | ICANON | ISIG)) && !(raw.c_oflag & OPOST));
    terminal_restore();
    CHECK(tcgetattr(secondary, &after) == 0);
    CHECK(same_modes(&before, &after));
    CHECK(strcmp(message_newline(), "\n") == 0);
    terminal_restore();
    close(primary);
    close(secondary);
}

TEST(exit_restores)
{
    struct termios before, after;
    int primary, secondary, status;
    pid_t child;

    CHECK(openpty(&primary, &secondary, NULL, NULL, NULL) == 0);
    CHECK(tcgetattr(secondary, &before) == 0);
    fflush(stdout);
    child = fork();
    if (child == 0) {
        terminal_set_raw(secondary);
        exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(tcgetattr(secondary, &after) == 0);
    CHECK(same_modes(&before, &after));
    close(primary);
    close(secondary);
}
