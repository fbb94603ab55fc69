/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options of `aril run`, and the finding of programs.
 * sources: tools/options.c tools/find.c tools/message.c tools/usage.c
 */
#include <errno.h>
#include <string.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tools/find.h"
#include "tools/options.h"

TEST(sizes)
{
    static const struct {
        const char *text;
        uint64_t size;
    } good[] = {
        {"0", 0},
        {"1", 1},
        {"64M", 64 << 20},
        {"64m", 64 << 20},
        {"2G", 2ull << 30},
        {"4k", 4096},
        {"1T", 1ull << 40},
        {"8MiB", 8 << 20},
        {"8MB", 8 << 20},
        {"512B", 512},
        {"17592186044415k", 17592186044415ull << 10},
    };
    static const char *const bad[] = {"",
                                      "M",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1x",
                                      "1MM",
                                      "1 ",
                                      "1.5",
                                      "0x10",
                                      "1iB",
                                      "18446744073709551616",
                                      "18014398509481984k"};
    uint64_t size;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        CHECK(parse_size(good[i].text, &size));
        CHECK(size == good[i].size);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        test_current = bad[i];
        CHECK(!parse_size(bad[i], &size));
    }
}

TEST(durations)
{
    static const struct {
        const char *text;
        uint64_t nanoseconds;
    } good[] = {
        {"10", 10000000000}, {"0.5", 500000000},    {".25", 250000000},     {"2s", 2000000000},
        {"1m", 60000000000}, {"1h", 3600000000000}, {"1d", 86400000000000}, {"0", 0},
    };
    static const char *const bad[] = {"",   ".",   "x",   "-1",  "+1",  " 1",
                                      "1x", "0x1", "inf", "nan", "1ss", "1e300"};
    uint64_t nanoseconds;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        CHECK(parse_duration(good[i].text, &nanoseconds));
        CHECK(nanoseconds == good[i].nanoseconds);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        test_current = bad[i];
        CHECK(!parse_duration(bad[i], &nanoseconds));
    }
}

TEST(options_end_at_the_program)
{
    char *host[] = {"HOME=/h", "LANG=C", NULL};
    char *argv[] = {"run",   "-m",       "64M",       "--cpus", "2",        "-eLANG=de", "-e",
                    "NEW=1", "--ring=3", "--timeout", "1.5",    "--append", "nopatch",   "-w",
                    "/w",    "prog",     "-m",        "x",      NULL};
    struct run_options options;

    options_parse(&options, 18, argv, host);
    CHECK(options.memory == 64 << 20 && options.cpus == 2 && options.ring == 3);
    CHECK(options.timeout == 1500000000);
    CHECK(strcmp(options.cwd, "/w") == 0);
    CHECK(strcmp(options.append.items[0], "nopatch") == 0);
    CHECK(strcmp(options.arguments[0], "prog") == 0);
    CHECK(strcmp(options.arguments[1], "-m") == 0);
    CHECK(options.arguments[3] == NULL);
    CHECK(options.environment.count == 3);
    CHECK(strcmp(options.environment.items[0], "HOME=/h") == 0);
    CHECK(strcmp(options.environment.items[1], "LANG=de") == 0);
    CHECK(strcmp(options.environment.items[2], "NEW=1") == 0);
    free(options.environment.items);
    free(options.append.items);
}

TEST(a_clean_environment_holds_what_is_asked_for)
{
    char *host[] = {"HOME=/h", NULL};
    char *argv[] = {"run", "--clean-env", "-e", "A=b=c", "-e", "ARIL_TEST_UNSET",
                    "--",  "-prog",       NULL};
    struct run_options options;

    options_parse(&options, 8, argv, host);
    CHECK(options.environment.count == 1);
    CHECK(strcmp(options.environment.items[0], "A=b=c") == 0);
    CHECK(strcmp(options.arguments[0], "-prog") == 0);
    CHECK(options.memory == 256 << 20 && options.cpus == 1 && options.ring == -1);
    free(options.environment.items);
}

/* Runs options_parse() in a child; its exit status. */
static int parse_status(const char *first, const char *second)
{
    char *host[] = {NULL};
    char *argv[] = {"run", (char *)first, (char *)second, "prog", NULL};
    struct run_options options;
    int status;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        options_parse(&options, 4, argv, host);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    return WEXITSTATUS(status);
}

TEST(wrong_options_end_with_125)
{
    CHECK(parse_status("-m", "64M") == 0);
    CHECK(parse_status("-m", "1M") == 125);
    CHECK(parse_status("-m", "99T") == 125);
    CHECK(parse_status("-m", "lots") == 125);
    CHECK(parse_status("--cpus", "0") == 125);
    CHECK(parse_status("--cpus", "256") == 125);
    CHECK(parse_status("--cpus", "1x") == 125);
    CHECK(parse_status("--accel", "xen") == 125);
    CHECK(parse_status("--ring", "1") == 125);
    CHECK(parse_status("--timeout", "soon") == 125);
    CHECK(parse_status("-e", "=x") == 125);
    CHECK(parse_status("-w", "") == 125);
    CHECK(parse_status("--unknown", "x") == 125);
    CHECK(parse_status("-Z", "x") == 125);
}

TEST(paths_become_absolute)
{
    static const char *const cases[][3] = {
        {"/a/b", "c", "/a/b/c"},
        {"/a/b", "/c", "/c"},
        {"/a/b", "../c", "/a/c"},
        {"/a/b", "../../../c", "/c"},
        {"/", ".", "/"},
        {"/a", "./x//y/.", "/a/x/y"},
        {"/a", "..", "/"},
        {"/a", "b/../..", "/"},
        {"/a", "...", "/a/..."},
        {"/", "/", "/"},
        {"/a/b", "/x/y/../z/", "/x/z"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *path = absolute_path(cases[i][0], cases[i][1]);

        CHECK(strcmp(path, cases[i][2]) == 0);
        free(path);
    }
}

static void make_program(const char *path, int mode)
{
    FILE *file = fopen(path, "w");

    CHECK(file);
    fclose(file);
    CHECK(chmod(path, (mode_t)mode) == 0);
}

TEST(programs_are_found_as_a_shell_does)
{
    char directory[] = "/tmp/aril-test-XXXXXX";
    char *path;

    CHECK(mkdtemp(directory) && chdir(directory) == 0);
    CHECK(mkdir("one", 0755) == 0 && mkdir("two", 0755) == 0 && mkdir("one/dir", 0755) == 0);
    make_program("one/plain", 0644);
    make_program("one/both", 0644);
    make_program("two/both", 0755);
    make_program("two/dir", 0755);
    make_program("here", 0755);
    setenv("PATH", "one:missing:two", 1);

    CHECK(find_program("both", &path) == 0);
    CHECK(strcmp(path, "two/both") == 0);
    free(path);
    CHECK(find_program("dir", &path) == 0);
    CHECK(strcmp(path, "two/dir") == 0);
    free(path);
    CHECK(find_program("plain", &path) == -EACCES);
    CHECK(find_program("here", &path) == -ENOENT);
    CHECK(find_program("./here", &path) == 0);
    free(path);
    CHECK(find_program("./one", &path) == -EISDIR);
    CHECK(find_program("./here/x", &path) == -ENOTDIR);
    CHECK(find_program("", &path) == -ENOENT);
    setenv("PATH", "one::two", 1);
    CHECK(find_program("here", &path) == 0);
    CHECK(strcmp(path, "./here") == 0);
    free(path);

    CHECK(unlink("one/plain") == 0 && unlink("one/both") == 0 && unlink("two/both") == 0);
    CHECK(unlink("two/dir") == 0 && unlink("here") == 0 && rmdir("one/dir") == 0);
    CHECK(rmdir("one") == 0 && rmdir("two") == 0 && chdir("/") == 0 && rmdir(directory) == 0);
}
