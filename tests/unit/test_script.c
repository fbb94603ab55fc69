/* SPDX-License-Identifier: BSD-2-Clause */
/* The first line of a script: forms that Linux accepts, and that nothing leads outside of the head. sources: loader/script.c */
#include <string.h>
#include "loader/exec_internal.h"
#include "tests/unit/test.h"

static char *head; /* allocated to the byte, so that the sanitizer sees what lies beyond */
static struct script script;

static int parse(const char *text, size_t size)
{
    free(head);
    head = calloc(1, SCRIPT_HEAD);
    memcpy(head, text, size < SCRIPT_HEAD ? size : SCRIPT_HEAD);
    return script_parse(head, &script);
}

TEST(forms)
{
    static const struct {
        const char *text, *interpreter, *argument;
    } good[] = {
        {"#!/bin/sh\n", "/bin/sh", NULL},
        {"#! /bin/sh \t\n", "/bin/sh", NULL},
        {"#!\t/bin/sh -e\n", "/bin/sh", "-e"},
        {"#!/usr/bin/env  python3 -u  x \nrest", "/usr/bin/env", "python3 -u  x"},
        {"#!/bin/sh\r\n", "/bin/sh\r", NULL},
        {"#!/bin/sh", "/bin/sh", NULL},
        {"#!/bin/sh -x", "/bin/sh", "-x"},
        {"#!/bin/sh ", "/bin/sh", ""},
        {"#!", "", NULL},
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        test_current = good[i].text;
        CHECK(parse(good[i].text, strlen(good[i].text)) == 1);
        CHECK(!strcmp(script.interpreter, good[i].interpreter));
        CHECK(!script.argument == !good[i].argument);
        CHECK(!script.argument || !strcmp(script.argument, good[i].argument));
    }
    CHECK(parse("", 0) == 0);
    CHECK(parse(" #!/bin/sh\n", 11) == 0);
    CHECK(parse("\177ELF", 4) == 0);
    CHECK(parse("#!\n", 3) == -ENOEXEC);
    CHECK(parse("#! \t \n/bin/sh\n", 14) == -ENOEXEC);
}

TEST(cut_off)
{
    char text[300];
    memset(text, 'a', sizeof(text));
    memcpy(text, "#!", 2);
    CHECK(parse(text, sizeof(text)) == -ENOEXEC); /* the path may go on */
    text[200] = ' ';
    CHECK(parse(text, sizeof(text)) == 1);
    CHECK(strlen(script.interpreter) == 198 && strlen(script.argument) == 54);
    text[200] = 'a';
    text[255] = ' ';
    CHECK(parse(text, sizeof(text)) == 1);
    CHECK(strlen(script.interpreter) == 253 && !script.argument);
    text[255] = '\n';
    CHECK(parse(text, sizeof(text)) == 1);
    text[255] = 'a';
    text[256] = '\n';
    CHECK(parse(text, sizeof(text)) == -ENOEXEC);
}

TEST(anything)
{
    static const char letters[] = "#! \t\n\0a/\r";
    unsigned seed = 1;
    for (int i = 0; i < 200000; i++) {
        char text[SCRIPT_HEAD];
        size_t n = (size_t)(seed >> 16) % (SCRIPT_HEAD + 1);
        for (size_t k = 0; k < n; k++) {
            seed = seed * 1103515245 + 12345;
            text[k] = letters[(seed >> 16) % (i % 2 ? 9 : 4)];
        }
        memcpy(text, "#!", 2);
        seed = seed * 1103515245 + 12345;
        if (parse(text, n < 2 ? 2 : n) != 1)
            continue;
        CHECK(script.interpreter + strlen(script.interpreter) < head + SCRIPT_HEAD);
        CHECK(!strpbrk(script.interpreter, " \t\n"));
        CHECK(!script.argument || script.argument + strlen(script.argument) < head + SCRIPT_HEAD);
    }
}
