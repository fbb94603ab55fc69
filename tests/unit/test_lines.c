/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines from the VM: cut the same however the stream is split, and status lines told from others.
 * sources: tools/lines.c tools/message.c
 */
#include <string.h>
#include <stdbool.h>

#include "tests/unit/test.h"
#include "tools/lines.h"

static char seen[400000];

static void note(void *context, char *line)
{
    (void)context;
    strcat(seen, line);
    strcat(seen, "|");
}

TEST(every_split_gives_the_same_lines)
{
    static const char text[] = "one\ntwo\r\n\n\r\nlast";
    size_t length = sizeof(text) - 1;

    for (size_t first = 0; first <= length; first++) {
        for (size_t second = first; second <= length; second++) {
            struct line_reader reader = {0};

            seen[0] = '\0';
            lines_feed(&reader, text, first, note, NULL);
            lines_feed(&reader, text + first, second - first, note, NULL);
            lines_feed(&reader, text + second, length - second, note, NULL);
            CHECK(strcmp(seen, "one|two|||") == 0);
            lines_finish(&reader, note, NULL);
            CHECK(strcmp(seen, "one|two|||last|") == 0);
        }
    }
}

TEST(an_overlong_line_loses_nothing)
{
    struct line_reader reader = {0};
    size_t count = 0;

    seen[0] = '\0';
    for (int i = 0; i < 150; i++) {
        char part[1000];

        memset(part, 'a' + i % 26, sizeof(part));
        lines_feed(&reader, part, sizeof(part), note, NULL);
    }
    lines_finish(&reader, note, NULL);
    for (size_t i = 0; seen[i]; i++) {
        if (seen[i] == '|')
            continue;
        CHECK(seen[i] == (char)('a' + count / 1000 % 26));
        count++;
    }
    CHECK(count == 150000);
}

TEST(status_lines_are_understood)
{
    struct vm_status status;

    CHECK(status_parse("exit 0", &status) && status.kind == VM_EXITED && status.number == 0);
    CHECK(status_parse("exit 255", &status) && status.number == 255);
    CHECK(status_parse("signal 11 core=1", &status) && status.kind == VM_SIGNALED);
    CHECK(status.number == 11 && status.core);
    CHECK(status_parse("signal 9 core=0", &status) && !status.core);
    CHECK(status_parse("fail 126 not an ELF file: x", &status) && status.kind == VM_REFUSED);
    CHECK(status.number == 126);
    CHECK(strcmp(status.message, "not an ELF file: x") == 0);
    free(status.message);
}

TEST(other_lines_are_no_status)
{
    static const char *const others[] = {
        "",
        "exit",
        "exit ",
        "exit x",
        "exit 256",
        "exit -1",
        "exit 1 ",
        "exit 1x",
        " exit 1",
        "signal 11",
        "fail 125",
        "signal 11 core",
        "signal 9 core=2",
        "signal x core=0",
        "exit 99999999999999999999",
        "fail x y",
        "EXIT 1",
        "trace exit 1",
    };
    struct vm_status status = {.kind = VM_NO_STATUS, .number = 77};

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        CHECK(!status_parse(others[i], &status));
    CHECK(status.kind == VM_NO_STATUS && status.number == 77);
}
