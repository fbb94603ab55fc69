/* SPDX-License-Identifier: BSD-2-Clause */
/* Puts its terminal in raw mode and leaves it so: by returning, or waiting ("wait") to be killed. */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct termios t;

    tcgetattr(0, &t);
    cfmakeraw(&t);
    tcsetattr(0, TCSANOW, &t);
    printf("raw\r\nlines\r\n");
    fflush(stdout);
    while (argc > 1 && !strcmp(argv[1], "wait"))
        pause();
    return 3;
}
