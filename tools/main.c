/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host command `aril`. Its first argument names what to do.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/build.h"
#include "tools/message.h"
#include "tools/run.h"
#include "tools/usage.h"
#include "tools/version.h"

static int command_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("aril " ARIL_VERSION);
    return 0;
}

static int command_help(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "run") == 0)
        fputs(run_usage, stdout);
    else if (argc > 1 && strcmp(argv[1], "build") == 0)
        fputs(build_usage, stdout);
    else
        fputs(usage, stdout);
    return 0;
}

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"run", command_run},         {"build", command_build}, {"version", command_version},
    {"--version", command_version}, {"help", command_help},   {"--help", command_help},
    {"-h", command_help},
};

/* A file opened while 0, 1 or 2 is closed would take that number and be mistaken for it. */
static void fill_standard_descriptors(void)
{
    int descriptor;

    do {
        descriptor = open("/dev/null", O_RDWR);
    } while (descriptor >= 0 && descriptor <= STDERR_FILENO);
    if (descriptor > STDERR_FILENO)
        close(descriptor);
}

int main(int argc, char **argv)
{
    fill_standard_descriptors();
    if (argc < 2) {
        fputs(usage, stderr);
        return STATUS_FAILED;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            int status = commands[i].run(argc - 1, argv + 1);

            if (fflush(stdout) != 0)
                die(STATUS_FAILED, "cannot write standard output: %s", strerror(errno));
            return status;
        }
    }
    die(STATUS_FAILED, "unknown command '%s' (see 'aril help')", argv[1]);
}
