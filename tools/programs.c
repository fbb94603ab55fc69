/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a program to the files that it needs to start, as far as they can be told without running it.
 */
#include "tools/programs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/find.h"
#include "tools/libraries.h"
#include "tools/message.h"

#define SCRIPT_LINE 255 /* as much of its first line as Linux reads */
#define SCRIPT_DEPTH 5  /* scripts that are interpreters of scripts, as in Linux */

static void add_file(struct tree *tree, const char *host, const char *wanted, unsigned depth);

static void __attribute__((noreturn)) cannot_find(const char *name, const char *for_whom, int error)
{
    const char *why = error == -ENOENT || error == -ENOTDIR
                          ? strchr(name, '/') ? "no such file" : "command not found"
                      : error == -EISDIR ? "is a directory"
                      : error == -EACCES ? "permission denied (it must be readable and executable)"
                                         : strerror(-error);

    die(error == -ENOENT || error == -ENOTDIR ? STATUS_NOT_FOUND : STATUS_NOT_RUNNABLE, "%s: %s%s%s", name, why,
        for_whom ? ", and needed by " : "", for_whom ? for_whom : "");
}

static void add_program(struct tree *tree, const char *name, const char *for_whom, unsigned depth)
{
    char *path, *here, *absolute, *real;
    int error = find_program(name, &path);

    if (error)
        cannot_find(name, for_whom, error);
    here = *path == '/' ? duplicate("/") : current_directory();
    absolute = absolute_path(here, path);
    real = tree_add(tree, absolute);
    if (!real)
        cannot_find(name, for_whom, -errno);
    add_file(tree, real, name, depth);
    free(here);
    free(path);
    free(absolute);
    free(real);
}

/* What env(1) would run: the first word behind its options and assignments. It is looked for in PATH. */
static void add_env_program(struct tree *tree, char *words, const char *script, unsigned depth)
{
    for (char *rest = words, *word; (word = strtok_r(rest, " \t", &rest)) != NULL;) {
        if (*word == '-' || strchr(word, '='))
            continue;
        add_program(tree, word, script, depth);
        return;
    }
}

/* The script whose first line is `line`, without "#!". */
static void add_interpreter(struct tree *tree, char *line, const char *script, unsigned depth)
{
    char *rest = line, *interpreter = strtok_r(rest, " \t", &rest), *name;

    if (!interpreter)
        die(STATUS_NOT_RUNNABLE, "%s: a script that names no interpreter", script);
    if (depth == SCRIPT_DEPTH)
        die(STATUS_NOT_RUNNABLE, "%s: too many interpreters of interpreters", script);
    add_program(tree, interpreter, script, depth + 1);
    name = strrchr(interpreter, '/');
    if (strcmp(name ? name + 1 : interpreter, "env") == 0)
        add_env_program(tree, rest, script, depth + 1);
}

/* True if the file begins with "#!"; its line is then added. */
static bool add_script(struct tree *tree, const char *host, unsigned depth)
{
    char line[SCRIPT_LINE + 1];
    int file = open(host, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t length = file < 0 ? -1 : read(file, line, SCRIPT_LINE);

    if (file >= 0)
        close(file);
    if (length < 2 || line[0] != '#' || line[1] != '!')
        return false;
    line[length] = '\0';
    line[strcspn(line, "\n")] = '\0';
    add_interpreter(tree, line + 2, host, depth);
    return true;
}

/* What the file `host` needs. `wanted`: it must be a program, and this is its name. */
static void add_file(struct tree *tree, const char *host, const char *wanted, unsigned depth)
{
    struct elf_needs needs;

    switch (elf_read(host, &needs)) {
    case ELF_PLAIN:
        libraries_add(tree, host, &needs);
        break;
    case ELF_FOREIGN:
        if (wanted)
            die(STATUS_NOT_RUNNABLE, "%s: a program for another processor, or of 32 bits: only x86-64 runs", wanted);
        break;
    case ELF_BROKEN:
        if (wanted)
            die(STATUS_NOT_RUNNABLE, "%s: a damaged ELF file: %s", wanted, elf_problem());
        break;
    case ELF_NONE:
        if (!add_script(tree, host, depth) && wanted)
            die(STATUS_NOT_RUNNABLE, "%s: neither an ELF program nor a script that begins with #!", wanted);
    }
    elf_release(&needs);
}

void programs_add(struct tree *tree, const char *name)
{
    add_program(tree, name, NULL, 0);
}

void programs_add_needs(struct tree *tree, const char *host)
{
    add_file(tree, host, NULL, 0);
}

void programs_add_common_files(struct tree *tree)
{
    static const char *const files[] = {
        "/etc/passwd",      "/etc/group",          "/etc/nsswitch.conf", "/etc/hosts",
        "/etc/host.conf",   "/etc/resolv.conf",    "/etc/gai.conf",      "/etc/hostname",
        "/etc/protocols",   "/etc/services",       "/etc/localtime",     "/etc/timezone",
        "/etc/os-release",  "/etc/debian_version", "/etc/locale.alias",  "/etc/ld.so.cache",
        "/etc/ld.so.preload", "/etc/ssl/openssl.cnf", "/etc/ssl/certs/ca-certificates.crt", "/etc/mtab",
    };

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        tree_add_if_there(tree, files[i]);
}
