/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel command line: the parser, and the parameters that several parts want (struct kernel_params). Runs before
 * there is memory or a way to report, so an error is kept and reported by params_check().
 */
#include "kernel/params.h"
#include "kernel/lib/printf.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/vm_exit.h"

#define LINE_SIZE 4096
#define MAX_ARGS  128

struct kernel_params params = {.loglevel = LOG_WARNING, .stdio = "uuu", .hostname = "aril"};

static char line[LINE_SIZE];
static char *args[MAX_ARGS];
static char error[160];

/* Cuts the next word out of *cursor: blanks separate, double quotes group and are removed. NULL at the end. */
static char *next_word(char **cursor)
{
    char *s = *cursor;
    while (*s == ' ' || *s == '\t' || *s == '\n')
        s++;
    if (!*s)
        return NULL;
    char *word = s, *to = s;
    bool quoted = false;
    for (; *s && (quoted || (*s != ' ' && *s != '\t' && *s != '\n')); s++) {
        if (*s == '"')
            quoted = !quoted;
        else
            *to++ = *s;
    }
    *cursor = *s ? s + 1 : s;
    *to = 0;
    return word;
}

static const struct param *find(const struct param *table, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(table[i].name, name))
            return &table[i];
    return NULL;
}

int params_parse(char *text, const struct param *table, size_t n_table, char **rest, size_t max_rest,
                 size_t *n_rest, char *message, size_t message_size)
{
    char *cursor = text, *word;
    *n_rest = 0;
    while ((word = next_word(&cursor)) && strcmp(word, "--")) {
        char *value = strchr(word, '=');
        if (value)
            *value++ = 0;
        const struct param *p = find(table, n_table, word);
        if (!p) {
            snprintf(message, message_size, "unknown kernel parameter '%s'", word);
            return -EINVAL;
        }
        if (p->set(value)) {
            if (value)
                snprintf(message, message_size, "bad value '%s' for kernel parameter '%s'", value, word);
            else
                snprintf(message, message_size, "kernel parameter '%s' needs a value", word);
            return -EINVAL;
        }
    }
    while (word && (word = next_word(&cursor))) {
        if (*n_rest == max_rest) {
            snprintf(message, message_size, "more than %lu program arguments on the kernel command line",
                     max_rest);
            return -EINVAL;
        }
        rest[(*n_rest)++] = word;
    }
    return 0;
}

extern const struct param __start_param_table[], __stop_param_table[];

void params_init(void)
{
    if (strlcpy(line, platform_command_line(), sizeof(line)) >= sizeof(line)) {
        snprintf(error, sizeof(error), "kernel command line longer than %d bytes", LINE_SIZE - 1);
        return;
    }
    params.args = args;
    params_parse(line, __start_param_table, (size_t)(__stop_param_table - __start_param_table), args, MAX_ARGS,
                 &params.n_args, error, sizeof(error));
    log_set_level(params.loglevel);
}

void params_check(void)
{
    if (error[0])
        vm_fail(125, "%s", error);
}

/* ---------------------------------------------------------------- the shared parameters */

static int parse_number(const char *value, u64 low, u64 high, u64 *out)
{
    const char *end;
    if (!value || parse_u64(value, &end, 0, out) || *end || *out < low || *out > high)
        return -EINVAL;
    return 0;
}

static int parse_flag(const char *value, bool *out)
{
    u64 n = 1;
    if (value && parse_number(value, 0, 1, &n))
        return -EINVAL;
    *out = n;
    return 0;
}

static int set_strace(const char *value)
{
    return parse_flag(value, &params.strace);
}
PARAM(strace, "strace", set_strace);

static int set_norandom(const char *value)
{
    return parse_flag(value, &params.norandom);
}
PARAM(norandom, "norandom", set_norandom);

static int set_nopatch(const char *value)
{
    return parse_flag(value, &params.nopatch);
}
PARAM(nopatch, "nopatch", set_nopatch);

static int set_timing(const char *value)
{
    return parse_flag(value, &params.timing);
}
PARAM(timing, "timing", set_timing);

static int set_loglevel(const char *value)
{
    u64 n;
    if (parse_number(value, 0, 7, &n))
        return -EINVAL;
    params.loglevel = (int)n;
    return 0;
}
PARAM(loglevel, "loglevel", set_loglevel);

static int set_cpus(const char *value)
{
    u64 n;
    if (parse_number(value, 1, MAX_CPUS, &n))
        return -EINVAL;
    params.cpu_limit = (unsigned)n;
    return 0;
}
PARAM(cpus, "cpus", set_cpus);

/* Bytes, with K, M, G or T behind the number. */
static int set_mem(const char *value)
{
    const char *end;
    u64 n;
    if (!value || parse_u64(value, &end, 0, &n))
        return -EINVAL;
    static const char units[] = "kmgt";
    const char *unit = *end ? strchr(units, *end | 32) : NULL;
    if (*end && (!unit || end[1]))
        return -EINVAL;
    unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
    if (n == 0 || n > UINT64_MAX >> shift)
        return -EINVAL;
    params.mem_limit = n << shift;
    return 0;
}
PARAM(mem, "mem", set_mem);

static int set_epoch(const char *value)
{
    return parse_number(value, 0, INT64_MAX, &params.epoch);
}
PARAM(epoch, "epoch", set_epoch);

static int set_stdio(const char *value)
{
    if (!value || strlen(value) != 3)
        return -EINVAL;
    for (int i = 0; i < 3; i++)
        if (!strchr(i == 2 ? "tpfsncu=" : "tpfsncu", value[i]))
            return -EINVAL;
    memcpy(params.stdio, value, 4);
    return 0;
}
PARAM(stdio, "stdio", set_stdio);

static int set_init(const char *value)
{
    if (!value || value[0] != '/')
        return -EINVAL;
    params.init = value;
    return 0;
}
PARAM(init, "init", set_init);

static int set_hostname(const char *value)
{
    if (!value || !*value || strlen(value) > 64)
        return -EINVAL;
    params.hostname = value;
    return 0;
}
PARAM(hostname, "hostname", set_hostname);

static int set_winsize(const char *value)
{
    const char *end;
    u64 columns, rows;
    if (!value || parse_u64(value, &end, 10, &columns) || *end != 'x' || columns > 65535 ||
        parse_number(end + 1, 0, 65535, &rows))
        return -EINVAL;
    params.winsize_columns = (u16)columns;
    params.winsize_rows = (u16)rows;
    return 0;
}
PARAM(winsize, "winsize", set_winsize);
