// SPDX-License-Identifier: BSD-2-Clause
/*
 * firstbyte MARKER COMMAND...: prints the milliseconds from starting COMMAND until MARKER appears in its output, then
 * waits for COMMAND to end. Status 1 if MARKER never came.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
    static char seen[1 << 16];
    size_t n = 0;
    ssize_t got;
    int fds[2], found = 0;

    if (argc < 3 || pipe(fds)) {
        fprintf(stderr, "usage: firstbyte MARKER COMMAND...\n");
        return 2;
    }
    double start = now();
    pid_t child = fork();
    if (child == 0) {
        dup2(fds[1], 1);
        close(fds[0]);
        close(fds[1]);
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    close(fds[1]);
    while ((got = read(fds[0], seen + n, sizeof(seen) - n)) > 0) {
        n += (size_t)got;
        if (!found && memmem(seen, n, argv[1], strlen(argv[1]))) {
            printf("%.2f\n", now() - start);
            found = 1;
        }
        if (n == sizeof(seen))
            n = 0;
    }
    waitpid(child, NULL, 0);
    return !found;
}
