/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of text from the VM. The guest is not trusted: nothing it sends may do more than show a
 * strange line.
 */
#include "tools/lines.h"

#include <stdlib.h>
#include <string.h>

#include "tools/message.h"

#define LINE_MAX_BYTES 65536

static void hand_on(char *line, size_t length, line_handler *handler, void *context)
{
    if (length > 0 && line[length - 1] == '\r')
        length--;
    line[length] = '\0';
    handler(context, line);
}

void lines_feed(struct line_reader *reader, const char *bytes, size_t count, line_handler *handler,
                void *context)
{
    size_t start = 0, total = reader->length + count;

    reader->bytes = reallocate(reader->bytes, total + 1);
    memcpy(reader->bytes + reader->length, bytes, count);
    for (size_t i = reader->length; i < total; i++) {
        bool full = i - start >= LINE_MAX_BYTES;
        char next = reader->bytes[i];

        if (next != '\n' && !full)
            continue;
        hand_on(reader->bytes + start, i - start, handler, context);
        /* hand_on() has put a NUL over the byte that begins the rest of an overlong line. */
        reader->bytes[i] = next;
        start = full && next != '\n' ? i : i + 1;
    }
    reader->length = total - start;
    memmove(reader->bytes, reader->bytes + start, reader->length);
}

void lines_finish(struct line_reader *reader, line_handler *handler, void *context)
{
    if (reader->length > 0)
        hand_on(reader->bytes, reader->length, handler, context);
    free(reader->bytes);
    *reader = (struct line_reader){0};
}

/* Reads the word `word` and a number of 0 to `max` that follows it; moves `*line` behind them. */
static bool take_number(const char **line, const char *word, int max, int *number)
{
    size_t length = strlen(word);
    unsigned long value;
    char *end;

    if (strncmp(*line, word, length) != 0 || (*line)[length] < '0' || (*line)[length] > '9')
        return false;
    value = strtoul(*line + length, &end, 10);
    if (value > (unsigned long)max)
        return false;
    *number = (int)value;
    *line = end;
    return true;
}

bool status_parse(const char *line, struct vm_status *status)
{
    struct vm_status found = {0};
    int core;

    if (take_number(&line, "exit ", 255, &found.number) && *line == '\0') {
        found.kind = VM_EXITED;
    } else if (take_number(&line, "signal ", 127, &found.number) &&
               take_number(&line, " core=", 1, &core) && *line == '\0') {
        found.kind = VM_SIGNALED;
        found.core = core;
    } else if (take_number(&line, "fail ", 255, &found.number) && *line == ' ') {
        found.kind = VM_REFUSED;
        found.message = duplicate(line + 1);
    } else {
        return false;
    }
    *status = found;
    return true;
}
