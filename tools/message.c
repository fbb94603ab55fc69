/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of the command, and allocation that ends in a message when it fails. A line goes out
 * in one write, so lines of several writers of one terminal do not mix.
 */
#include "tools/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool raw_terminal;

void message_set_raw(bool raw)
{
    raw_terminal = raw;
}

const char *message_newline(void)
{
    return raw_terminal ? "\r\n" : "\n";
}

static char *format_arguments(const char *format, va_list arguments)
{
    char *text;

    if (vasprintf(&text, format, arguments) < 0)
        die(STATUS_FAILED, "out of memory");
    return text;
}

static void say_arguments(const char *format, va_list arguments)
{
    char *text = format_arguments(format, arguments);
    char *line = format_string("aril: %s%s", text, message_newline());
    size_t length = strlen(line);

    for (size_t done = 0; done < length;) {
        ssize_t n = write(STDERR_FILENO, line + done, length - done);

        if (n < 0 && errno != EINTR)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    free(line);
    free(text);
}

void say(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say_arguments(format, arguments);
    va_end(arguments);
}

void die(int status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say_arguments(format, arguments);
    va_end(arguments);
    exit(status);
}

void *allocate(unsigned long size)
{
    return reallocate(NULL, size);
}

void *reallocate(void *old, unsigned long size)
{
    void *memory = realloc(old, size ? size : 1);

    if (!memory) {
        /* Not die(): it allocates. */
        static const char text[] = "aril: out of memory\n";
        ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);

        (void)ignored;
        exit(STATUS_FAILED);
    }
    return memory;
}

char *duplicate(const char *string)
{
    size_t size = strlen(string) + 1;

    return memcpy(allocate(size), string, size);
}

char *format_string(const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    text = format_arguments(format, arguments);
    va_end(arguments);
    return text;
}
