/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where libraries lie. glibc's linker finds them by a cache that ldconfig(8) makes from ld.so.conf; here the configuration
 * itself is read, so what was installed since is found, too.
 */
#include "tools/library_path.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/message.h"

#define MAX_INCLUDES 8 /* one in another */

static const char *const glibc_directories[] = {
    "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib", NULL,
};
static const char *const musl_directories[] = {"/lib", "/usr/local/lib", "/usr/lib", NULL};

static struct strings directories[2], files[2];

enum linker linker_of(const char *interpreter)
{
    return strstr(interpreter, "/ld-musl-") ? LINKER_MUSL : LINKER_GLIBC;
}

static void read_configuration(const char *path, unsigned depth);

/* `include PATTERN`, relative to /etc. */
static void read_included(const char *pattern, unsigned depth)
{
    char *absolute = *pattern == '/' ? duplicate(pattern) : format_string("/etc/%s", pattern);
    glob_t found;

    if (depth < MAX_INCLUDES && glob(absolute, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            read_configuration(found.gl_pathv[i], depth + 1);
        globfree(&found);
    }
    free(absolute);
}

/* One ld.so.conf. */
static void read_configuration(const char *path, unsigned depth)
{
    FILE *stream = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;

    if (!stream)
        return;
    strings_add(&files[LINKER_GLIBC], duplicate(path));
    while (getline(&line, &room, stream) >= 0) {
        char *word, *rest = line;

        line[strcspn(line, "#\n")] = '\0';
        word = strtok_r(rest, " \t:,", &rest);
        if (!word)
            continue;
        if (strcmp(word, "include") == 0) {
            while ((word = strtok_r(NULL, " \t", &rest)) != NULL)
                read_included(word, depth);
            continue;
        }
        for (; word && *word == '/'; word = strtok_r(NULL, " \t:,", &rest)) {
            word[strcspn(word, "=")] = '\0'; /* "=libc6": which linker, of old */
            strings_add(&directories[LINKER_GLIBC], duplicate(word));
        }
    }
    free(line);
    fclose(stream);
}

/* musl's, whose directories are lines or parts of one. It replaces the built-in ones. */
static bool read_musl_path(void)
{
    static const char path[] = "/etc/ld-musl-x86_64.path";
    FILE *stream = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;

    if (!stream)
        return false;
    strings_add(&files[LINKER_MUSL], duplicate(path));
    while (getline(&line, &room, stream) >= 0)
        for (char *rest = line, *word; (word = strtok_r(rest, ":\n", &rest)) != NULL;)
            strings_add(&directories[LINKER_MUSL], duplicate(word));
    free(line);
    fclose(stream);
    return true;
}

static void fill(enum linker linker)
{
    static bool filled[2];
    const char *const *built_in = glibc_directories;

    if (filled[linker])
        return;
    filled[linker] = true;
    if (linker == LINKER_GLIBC)
        read_configuration("/etc/ld.so.conf", 0);
    else
        built_in = read_musl_path() ? NULL : musl_directories;
    for (; built_in && *built_in; built_in++)
        strings_add(&directories[linker], duplicate(*built_in));
}

const struct strings *library_path(enum linker linker)
{
    fill(linker);
    return &directories[linker];
}

const struct strings *library_path_files(enum linker linker)
{
    fill(linker);
    return &files[linker];
}

/* Replaces each `$NAME` or `${NAME}` in text, which is given up; malloc'ed. */
static char *replace(char *text, const char *name, const char *value)
{
    size_t length = strlen(name);

    for (char *at = text; (at = strchr(at, '$')) != NULL;) {
        bool braces = at[1] == '{';
        char *start = at + 1 + braces, *end = start + length, *longer;

        if (strncmp(start, name, length) != 0 || (braces && *end != '}')) {
            at++;
            continue;
        }
        longer = format_string("%.*s%s%s", (int)(at - text), text, value, end + braces);
        at = longer + (at - text) + strlen(value);
        free(text);
        text = longer;
    }
    return text;
}

void library_path_split(struct strings *to, const char *list, const char *origin)
{
    for (const char *start = list, *end; list && *start; start = *end ? end + 1 : end) {
        char *directory;

        end = start + strcspn(start, ":;");
        directory = format_string("%.*s", (int)(end - start), start);
        directory = replace(directory, "ORIGIN", origin);
        directory = replace(directory, "LIB", "lib/x86_64-linux-gnu");
        directory = replace(directory, "PLATFORM", "x86_64");
        if (*directory == '/')
            strings_add(to, directory);
        else
            free(directory); /* relative to wherever the program is started */
    }
}
