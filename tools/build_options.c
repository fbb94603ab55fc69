/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Command line of `aril build`. Options of the recorded run are handed to `aril run` as they are, which checks them.
 */
#include "tools/build_options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/find.h"
#include "tools/message.h"
#include "tools/usage.h"

enum { OPTION_RECORD = 256, OPTION_ANY_STATUS, OPTION_COMPRESS, OPTION_NO_CACHE, OPTION_VERBOSE, OPTION_FILE, OPTION_RUN };

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"file", required_argument, NULL, OPTION_FILE},
    {"compress", no_argument, NULL, OPTION_COMPRESS},
    {"record", no_argument, NULL, OPTION_RECORD},
    {"any-status", no_argument, NULL, OPTION_ANY_STATUS},
    {"no-cache", no_argument, NULL, OPTION_NO_CACHE},
    {"verbose", no_argument, NULL, OPTION_VERBOSE},
    {"help", no_argument, NULL, 'h'},
    {"workdir", required_argument, NULL, 'w'},
    /* The recorded run's. */
    {"memory", required_argument, NULL, OPTION_RUN},
    {"cpus", required_argument, NULL, OPTION_RUN},
    {"env", required_argument, NULL, OPTION_RUN},
    {"clean-env", no_argument, NULL, OPTION_RUN},
    {"volume", required_argument, NULL, OPTION_RUN},
    {"publish", required_argument, NULL, OPTION_RUN},
    {"net", required_argument, NULL, OPTION_RUN},
    {"ip", required_argument, NULL, OPTION_RUN},
    {"dns", required_argument, NULL, OPTION_RUN},
    {"hostname", required_argument, NULL, OPTION_RUN},
    {"accel", required_argument, NULL, OPTION_RUN},
    {"timeout", required_argument, NULL, OPTION_RUN},
    {"kernel", required_argument, NULL, OPTION_RUN},
    {"append", required_argument, NULL, OPTION_RUN},
    {"qemu", required_argument, NULL, OPTION_RUN},
    {NULL, 0, NULL, 0},
};

static void __attribute__((noreturn)) wrong(const char *what, const char *name)
{
    die(STATUS_FAILED, "%s%s (see 'aril build --help')", what, name);
}

/* An option of the recorded run, as `aril run` knows it. */
static void pass_on(struct strings *run, const char *name, char *argument)
{
    strings_add(run, format_string(strlen(name) == 1 ? "-%s" : "--%s", name));
    if (argument)
        strings_add(run, argument);
}

static void take(struct build_options *options, int option, const char *name)
{
    char letter[] = {(char)option, '\0'};

    switch (option) {
    case 'o':
        options->output = optarg;
        break;
    case OPTION_FILE:
        strings_add(&options->files, optarg);
        pass_on(&options->run, name, optarg);
        break;
    case 'w':
        options->cwd = optarg;
        pass_on(&options->run, letter, optarg);
        break;
    case OPTION_RECORD:
        options->record = true;
        break;
    case OPTION_ANY_STATUS:
        options->any_status = true;
        break;
    case OPTION_COMPRESS:
        options->compress = true;
        break;
    case OPTION_NO_CACHE:
        options->no_cache = true;
        break;
    case OPTION_VERBOSE:
        options->verbose = true;
        break;
    case 'h':
        fputs(build_usage, stdout);
        exit(0);
    case OPTION_RUN:
        pass_on(&options->run, name, optarg);
        break;
    case 'm':
    case 'e':
    case 'v':
    case 'p':
        pass_on(&options->run, letter, optarg);
        break;
    }
}

void build_options_parse(struct build_options *options, int argc, char **argv)
{
    char *here = current_directory(), *arguments[] = {NULL}, **rest = arguments;
    int option, index = 0;

    *options = (struct build_options){0};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") != 0)
            continue;
        argv[i] = NULL;
        argc = i;
        rest = argv + i + 1;
    }
    strings_add(&options->run, "run");
    opterr = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, ":o:m:e:w:v:p:h", long_options, &index)) != -1) {
        char letter[] = {'-', (char)optopt, '\0'};
        const char *name = optopt > 0 && optopt < 256 ? letter : argv[optind - 1];

        if (option == ':')
            wrong("an argument is wanted by option ", name);
        if (option == '?')
            wrong("unknown option ", name);
        take(options, option, long_options[index].name);
    }
    for (int i = optind; i < argc; i++)
        strings_add(&options->programs, argv[i]);
    if (!options->output || !*options->output)
        wrong("no image named: -o FILE", "");
    if (options->programs.count == 0 && (options->record || options->files.count == 0))
        wrong("no program given", "");
    if (rest != arguments && !options->record)
        wrong("arguments behind -- are for a recorded run: --record", "");
    strings_add(&options->run, "--");
    if (options->record)
        strings_add(&options->run, options->programs.items[0]);
    for (; *rest; rest++)
        strings_add(&options->run, *rest);
    options->output = absolute_path(here, options->output);
    options->cwd = absolute_path(here, options->cwd ? options->cwd : ".");
    free(here);
}
