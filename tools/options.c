/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Command line of `aril run`. Option names are Docker's where Docker has one. Everything is
 * checked here, so that the rest of the command can rely on it.
 */
#include "tools/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/message.h"
#include "tools/usage.h"

#define HOSTNAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."

enum {
    OPTION_CPUS = 256,
    OPTION_CLEAN_ENV,
    OPTION_FILE,
    OPTION_ACCEL,
    OPTION_STRACE,
    OPTION_TIMEOUT,
    OPTION_KERNEL,
    OPTION_APPEND,
    OPTION_RING,
    OPTION_QEMU,
    OPTION_ROOT,
    OPTION_DISK,
    OPTION_NET,
    OPTION_IP,
    OPTION_DNS,
    OPTION_HOSTNAME,
    OPTION_VERBOSE,
    OPTION_HELP,
};

static const struct option long_options[] = {
    {"memory", required_argument, NULL, 'm'},
    {"cpus", required_argument, NULL, OPTION_CPUS},
    {"env", required_argument, NULL, 'e'},
    {"clean-env", no_argument, NULL, OPTION_CLEAN_ENV},
    {"workdir", required_argument, NULL, 'w'},
    {"user", required_argument, NULL, 'u'},
    {"file", required_argument, NULL, OPTION_FILE},
    {"accel", required_argument, NULL, OPTION_ACCEL},
    {"strace", no_argument, NULL, OPTION_STRACE},
    {"timeout", required_argument, NULL, OPTION_TIMEOUT},
    {"root", required_argument, NULL, OPTION_ROOT},
    {"disk", required_argument, NULL, OPTION_DISK},
    {"volume", required_argument, NULL, 'v'},
    {"publish", required_argument, NULL, 'p'},
    {"net", required_argument, NULL, OPTION_NET},
    {"network", required_argument, NULL, OPTION_NET},
    {"ip", required_argument, NULL, OPTION_IP},
    {"dns", required_argument, NULL, OPTION_DNS},
    {"hostname", required_argument, NULL, OPTION_HOSTNAME},
    {"verbose", no_argument, NULL, OPTION_VERBOSE},
    {"kernel", required_argument, NULL, OPTION_KERNEL},
    {"append", required_argument, NULL, OPTION_APPEND},
    {"ring", required_argument, NULL, OPTION_RING},
    {"qemu", required_argument, NULL, OPTION_QEMU},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

void strings_add(struct strings *strings, char *item)
{
    strings->items = reallocate(strings->items, (strings->count + 2) * sizeof(char *));
    strings->items[strings->count++] = item;
    strings->items[strings->count] = NULL;
}

void environment_set(struct strings *environment, char *assignment)
{
    size_t name_length = strcspn(assignment, "=") + 1;

    for (size_t i = 0; i < environment->count; i++) {
        if (strncmp(environment->items[i], assignment, name_length) == 0) {
            environment->items[i] = assignment;
            return;
        }
    }
    strings_add(environment, assignment);
}

bool parse_size(const char *text, uint64_t *size)
{
    static const char suffixes[] = "kmgt";
    char *end;
    unsigned shift = 0;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *size = strtoull(text, &end, 10);
    if (errno)
        return false;
    if (*end) {
        const char *suffix = strchr(suffixes, *end | 0x20);

        if (suffix) {
            shift = 10 * (unsigned)(suffix - suffixes + 1);
            end++;
            if (*end == 'i' && end[1] == 'B')
                end++;
        }
        if (*end == 'B')
            end++;
    }
    if (*end || *size > UINT64_MAX >> shift)
        return false;
    *size <<= shift;
    return true;
}

bool parse_duration(const char *text, uint64_t *nanoseconds)
{
    double factor = 1e9;
    double value;
    char *end;

    /* The first character rules out what strtod() also takes: signs, blanks, inf, nan. */
    if ((*text < '0' || *text > '9') && *text != '.')
        return false;
    value = strtod(text, &end);
    if (end == text || strpbrk(text, "xXpP"))
        return false;
    switch (*end) {
    case 'd':
        factor *= 24;
        /* fallthrough */
    case 'h':
        factor *= 60;
        /* fallthrough */
    case 'm':
        factor *= 60;
        /* fallthrough */
    case 's':
        end++;
    }
    if (*end || !(value * factor < 9e18))
        return false;
    *nanoseconds = (uint64_t)(value * factor);
    return true;
}

static void __attribute__((format(printf, 1, 2), noreturn)) usage_error(const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    die(STATUS_FAILED, "%s (see 'aril run --help')", text ? text : "wrong usage");
}

static unsigned parse_cpus(const char *text)
{
    char *end;
    unsigned long cpus = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end || cpus < 1 || cpus > 255)
        usage_error("--cpus wants a number from 1 to 255, not '%s'", text);
    return (unsigned)cpus;
}

static uint64_t parse_memory(const char *text)
{
    uint64_t size;

    if (!parse_size(text, &size))
        usage_error("-m wants a size such as 64M or 2G, not '%s'", text);
    if (size < 3 << 20)
        usage_error("-m %s is too little: 3M is the least a VM can have", text);
    /* QEMU takes nothing finer than a page; whole MiB keep every device's alignment. */
    if (size > (uint64_t)1 << 44)
        usage_error("-m %s is more than a VM can have (16T)", text);
    return (size + (1 << 20) - 1) & ~(uint64_t)((1 << 20) - 1);
}

static enum accelerator parse_accelerator(const char *text)
{
    if (strcmp(text, "kvm") == 0)
        return ACCELERATOR_KVM;
    if (strcmp(text, "tcg") == 0)
        return ACCELERATOR_TCG;
    if (strcmp(text, "tcg,thread=single") == 0)
        return ACCELERATOR_TCG_SINGLE;
    if (strcmp(text, "auto") == 0)
        return ACCELERATOR_AUTO;
    usage_error("--accel wants kvm, tcg, tcg,thread=single or auto, not '%s'", text);
}

/* -e NAME=VALUE, or -e NAME for the host's value; a NAME the host does not have stays unset. */
static void set_variable(struct strings *settings, char *argument)
{
    const char *value;

    if (*argument == '\0' || *argument == '=')
        usage_error("-e wants NAME=VALUE or NAME, not '%s'", argument);
    if (strchr(argument, '=')) {
        strings_add(settings, argument);
        return;
    }
    value = getenv(argument);
    if (value)
        strings_add(settings, format_string("%s=%s", argument, value));
}

/* What RFC 1123 allows, and sethostname(2) takes. */
static const char *check_hostname(const char *name)
{
    size_t length = strlen(name);

    if (length < 1 || length > 64 || strspn(name, HOSTNAME_CHARACTERS) != length || *name == '-' || *name == '.')
        usage_error("--hostname wants at most 64 letters, digits, '-' and '.', not '%s'", name);
    return name;
}

static void parse_one(struct run_options *options, struct strings *settings, bool *clean,
                      int option, char *argument)
{
    switch (option) {
    case 'm':
        options->memory = parse_memory(argument);
        break;
    case 'e':
        set_variable(settings, argument);
        break;
    case 'w':
        if (*argument == '\0')
            usage_error("-w wants a directory");
        options->cwd = argument;
        break;
    case 'u':
        options->user = argument;
        break;
    case 'v':
        strings_add(&options->volumes, argument);
        break;
    case OPTION_ROOT:
        if (*argument == '\0')
            usage_error("--root wants a directory, an image or none");
        options->root = argument;
        break;
    case OPTION_DISK:
        strings_add(&options->disks, argument);
        break;
    case 'p':
        strings_add(&options->ports, argument);
        break;
    case OPTION_NET:
        options->net = argument;
        break;
    case OPTION_IP:
        strings_add(&options->addresses, argument);
        break;
    case OPTION_DNS:
        strings_add(&options->servers, argument);
        break;
    case OPTION_HOSTNAME:
        options->hostname = check_hostname(argument);
        break;
    case OPTION_VERBOSE:
        options->verbose = true;
        break;
    case OPTION_CPUS:
        options->cpus = parse_cpus(argument);
        break;
    case OPTION_CLEAN_ENV:
        *clean = true;
        break;
    case OPTION_FILE:
        strings_add(&options->files, argument);
        break;
    case OPTION_ACCEL:
        options->accelerator = parse_accelerator(argument);
        break;
    case OPTION_STRACE:
        options->strace = true;
        break;
    case OPTION_TIMEOUT:
        if (!parse_duration(argument, &options->timeout))
            usage_error("--timeout wants seconds such as 10 or 0.5, not '%s'", argument);
        break;
    case OPTION_KERNEL:
        options->kernel = argument;
        break;
    case OPTION_APPEND:
        strings_add(&options->append, argument);
        break;
    case OPTION_RING:
        if (strcmp(argument, "0") != 0 && strcmp(argument, "3") != 0)
            usage_error("--ring wants 0 or 3, not '%s'", argument);
        options->ring = *argument - '0';
        break;
    case OPTION_QEMU:
        options->qemu = argument;
        break;
    }
}

void options_parse(struct run_options *options, int argc, char **argv, char **host_environment)
{
    struct strings settings = {0};
    bool clean = false;
    int option;

    *options = (struct run_options){.memory = 256 << 20, .cpus = 1, .ring = -1};
    opterr = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, "+:m:e:w:u:v:p:h", long_options, NULL)) != -1) {
        if (option == 'h' || option == OPTION_HELP) {
            fputs(run_usage, stdout);
            exit(0);
        }
        if (option == '?' || option == ':') {
            /* A short option inside a cluster is named by optopt, a long one only by its word. */
            char letter[] = {'-', (char)optopt, '\0'};
            const char *name = optopt > 0 && optopt < 256 ? letter : argv[optind - 1];

            if (option == ':')
                usage_error("option %s wants an argument", name);
            usage_error("unknown option %s", name);
        }
        parse_one(options, &settings, &clean, option, optarg);
    }
    if (optind >= argc)
        usage_error("no program given");
    options->arguments = argv + optind;
    for (char **entry = host_environment; !clean && *entry; entry++)
        strings_add(&options->environment, *entry);
    for (size_t i = 0; i < settings.count; i++)
        environment_set(&options->environment, settings.items[i]);
    free(settings.items);
}
