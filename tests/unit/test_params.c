/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel command line. sources: kernel/params.c kernel/lib/printf.c tests/unit/host.c */
#include <string.h>
#include "kernel/params.h"
#include "tests/unit/host.h"
#include "tests/unit/test.h"

static const char *machine_line;

const char *platform_command_line(void)
{
    return machine_line;
}

static char seen[200];

static int set_a(const char *value)
{
    strcat(seen, "a=");
    strcat(seen, value ? value : "(none)");
    strcat(seen, ";");
    return value && !strcmp(value, "bad") ? -EINVAL : 0;
}

static int set_flag(const char *value)
{
    strcat(seen, "flag;");
    return value ? -EINVAL : 0;
}

static const struct param table[] = {{"a", set_a}, {"a.b", set_a}, {"flag", set_flag}};

static char text[200], error[100], *rest[4];
static size_t n_rest;

static int parse(const char *line)
{
    strcpy(text, line);
    seen[0] = error[0] = 0;
    return params_parse(text, table, 3, rest, 4, &n_rest, error, sizeof(error));
}

TEST(words_and_values)
{
    CHECK(!parse("") && !seen[0] && !n_rest);
    CHECK(!parse("  flag\t a=1  a=  \n a ") && !strcmp(seen, "flag;a=1;a=;a=(none);"));
    CHECK(!parse("a=x=y") && !strcmp(seen, "a=x=y;"));
    CHECK(!parse("a=\"two words\" a=q\"uo\"te") && !strcmp(seen, "a=two words;a=quote;"));
    CHECK(!parse("a.b=1") && !strcmp(seen, "a=1;"));
}

TEST(unknown_is_named)
{
    CHECK(parse("flag colour=red") == -EINVAL && strstr(error, "'colour'"));
    CHECK(parse("flags") == -EINVAL && strstr(error, "'flags'"));
    CHECK(parse("=x") == -EINVAL);
}

TEST(bad_value_is_named)
{
    CHECK(parse("a=bad") == -EINVAL && strstr(error, "'bad'") && strstr(error, "'a'"));
    CHECK(parse("flag=1") == -EINVAL && strstr(error, "'flag'"));
}

TEST(program_arguments)
{
    CHECK(!parse("flag -- one \"two three\" a=b --"));
    CHECK(n_rest == 4 && !strcmp(rest[0], "one") && !strcmp(rest[1], "two three") && !strcmp(rest[2], "a=b") &&
          !strcmp(rest[3], "--"));
    CHECK(!parse("-- \"\" x") && n_rest == 2 && !rest[0][0]);
    CHECK(!parse("--") && n_rest == 0);
    CHECK(parse("-- 1 2 3 4 5") == -EINVAL && strstr(error, "more than 4"));
}

static void machine(const char *line)
{
    machine_line = line;
    params_init();
    params_check();
}

TEST(kernel_table)
{
    machine("loglevel=7 cpus=3 mem=64M epoch=1700000000000000000 stdio=tpf strace norandom nopatch=0 timing "
            "init=/bin/x hostname=h winsize=80x25 -- a b");
    CHECK(params.loglevel == 7 && params.cpu_limit == 3 && params.mem_limit == 64 << 20);
    CHECK(params.epoch == 1700000000000000000ull && !strcmp(params.stdio, "tpf"));
    CHECK(params.strace && params.norandom && !params.nopatch && params.timing);
    CHECK(!strcmp(params.init, "/bin/x") && !strcmp(params.hostname, "h"));
    CHECK(params.winsize_columns == 80 && params.winsize_rows == 25);
    CHECK(params.n_args == 2 && !strcmp(params.args[1], "b"));
}

TEST(kernel_values_are_checked)
{
    static const char *const bad[] = {
        "loglevel=8", "loglevel=-1",  "loglevel=",      "loglevel",        "loglevel=4x",
        "cpus=0",     "cpus=65",      "mem=0",          "mem=12Q",         "mem=1MM",
        "mem",        "mem=99999999999999G",            "epoch=99999999999999999999", "epoch=x",
        "stdio=tp",   "stdio=p=p",   "stdio=ttx",    "stdio=tttt",     "strace=2",        "strace=yes",
        "init",       "init=relative", "hostname=",     "winsize=80",      "winsize=80x",
        "winsize=x25", "winsize=80x25x", "winsize=70000x1",
    };
    static size_t i; /* static: survives the longjmp() of EXPECT_FAILURE */
    for (; i < ARRAY_SIZE(bad); i++) {
        char name[20];
        CHECK(EXPECT_FAILURE(machine(bad[i])));
        snprintf(name, sizeof(name), "'%.*s'", (int)strcspn(bad[i], "="), bad[i]);
        CHECK(strstr(host_message, name));
    }
    CHECK(EXPECT_FAILURE(machine("no_such=1")) && strstr(host_message, "no_such"));
}

TEST(too_long)
{
    static char line[5000];
    memset(line, ' ', sizeof(line) - 1);
    CHECK(EXPECT_FAILURE(machine(line)) && strstr(host_message, "longer"));
}
