/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recording. The kernel repeats itself where it forgot a name in between; a set makes that one line.
 */
#include "tools/record.h"

#include <search.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/message.h"
#include "tools/run.h"

static int compare(const void *left, const void *right)
{
    return strcmp(left, right);
}

static void take_line(void *context, char *line)
{
    void **lines = context;

    if (!tfind(line, lines, compare) && !tsearch(duplicate(line), lines, compare))
        die(STATUS_FAILED, "out of memory");
}

static void print_line(const void *node, VISIT which, void *stream)
{
    if (which == postorder || which == leaf)
        fprintf(stream, "%s\n", *(const char *const *)node);
}

char *record_run(const struct strings *arguments, int *status)
{
    void *lines = NULL;
    sigset_t mask;
    size_t length;
    char *text;
    FILE *stream;

    sigprocmask(SIG_BLOCK, NULL, &mask);
    *status = run_recorded((int)arguments->count, arguments->items, take_line, &lines);
    /* The run took signals for the program; from here on they are this command's again. */
    sigprocmask(SIG_SETMASK, &mask, NULL);
    stream = open_memstream(&text, &length);
    if (!stream)
        die(STATUS_FAILED, "out of memory");
    twalk_r(lines, print_line, stream);
    if (fclose(stream) != 0)
        die(STATUS_FAILED, "out of memory");
    tdestroy(lines, free);
    return text;
}

/* Undoes the escapes of a path. */
static void unescape(char *path)
{
    char *to = path;

    for (; *path; path++) {
        if (*path == '\\' && path[1])
            *to++ = *++path == 'n' ? '\n' : *path;
        else
            *to++ = *path;
    }
    *to = '\0';
}

void record_add(struct tree *tree, const char *lines)
{
    tree->seen = true;
    for (const char *line = lines, *end; *line; line = *end ? end + 1 : end) {
        char *copy, *path;

        end = line + strcspn(line, "\n");
        copy = format_string("%.*s", (int)(end - line), line);
        path = strchr(copy, ' ');
        unescape(++path);
        if (strncmp(copy, "listed ", 7) == 0)
            tree_add_listing(tree, path);
        else
            tree_add_if_there(tree, path);
        free(copy);
    }
    tree->seen = false;
}
