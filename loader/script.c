/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first line of a script: "#!", blanks, the interpreter's path, blanks, and all the rest as one argument. Blanks are
 * spaces and tabs; a carriage return is part of a name. A line that is cut off where the head ends counts as long as the
 * path of the interpreter is whole. Source: execve(2), "Interpreter scripts".
 */
#include "loader/exec_internal.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

int script_parse(char head[SCRIPT_HEAD], struct script *s)
{
    char *end = head + 2, *last = head + SCRIPT_HEAD - 1;

    if (head[0] != '#' || head[1] != '!')
        return 0;
    while (end < head + SCRIPT_HEAD && *end != '\n')
        end++;
    if (end == head + SCRIPT_HEAD) {
        /* No end of line: what ends the path must be there, or it may go on. */
        char *p = head + 2;

        while (p <= last && is_blank(*p))
            p++;
        while (p <= last && *p && !is_blank(*p))
            p++;
        if (p > last)
            return -ENOEXEC;
        end = last;
    }
    while (end > head + 2 && is_blank(end[-1]))
        end--;
    s->interpreter = head + 2;
    while (s->interpreter < end && is_blank(*s->interpreter))
        s->interpreter++;
    if (s->interpreter == end)
        return -ENOEXEC;
    *end = 0;

    s->argument = s->interpreter;
    while (*s->argument && !is_blank(*s->argument))
        s->argument++;
    if (!*s->argument) {
        s->argument = NULL;
        return 1;
    }
    *s->argument++ = 0;
    while (is_blank(*s->argument))
        s->argument++;
    return 1;
}
