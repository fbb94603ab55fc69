/* SPDX-License-Identifier: BSD-2-Clause */
/* The log ring and its consoles. sources: kernel/log.c kernel/lib/printf.c tests/unit/host.c */
#include <string.h>
#include "kernel/log.h"
#include "kernel/params.h"
#include "kernel/vm_exit.h"
#include "tests/unit/test.h"

static char uart[20000], channel[20000];
static size_t uart_size;

void platform_early_putc(char c)
{
    uart[uart_size++] = c;
    uart[uart_size] = 0;
}

void control_line(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    size_t n = strlen(channel);
    n += (size_t)vsnprintf(channel + n, sizeof(channel) - n, format, ap);
    strcpy(channel + n, "\n");
    va_end(ap);
}

static void forget(void)
{
    uart_size = 0;
    uart[0] = channel[0] = 0;
}

static void set_console(const char *value)
{
    extern const struct param __start_param_table[], __stop_param_table[];
    for (const struct param *p = __start_param_table; p < __stop_param_table; p++)
        if (!strcmp(p->name, "console"))
            CHECK(p->set(value) == 0);
}

TEST(levels_and_uart)
{
    forget();
    log_set_level(LOG_WARNING);
    log_info("quiet");
    CHECK(!uart_size);
    log_err("number %d", 42);
    CHECK(uart[0] == '[' && strstr(uart, "] number 42\r\n") && uart_size < 40);
    char text[200];
    size_t n = log_read(text, sizeof(text), false);
    text[n] = 0;
    CHECK(strstr(text, "<6>[") && strstr(text, "] quiet\n") && strstr(text, "] number 42\n") && !strchr(text, '\r'));
}

TEST(long_lines_are_cut)
{
    forget();
    char long_text[600];
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = 0;
    log_err("%s", long_text);
    CHECK(uart_size < 260 && uart[uart_size - 1] == '\n');
}

TEST(ring_keeps_the_newest)
{
    forget();
    log_set_level(LOG_EMERG);
    for (int i = 0; i < 2000; i++)
        log_info("line %d", i);
    static char text[100000];
    size_t n = log_read(text, sizeof(text) - 1, false);
    text[n] = 0;
    CHECK(n > 4000 && n < 20000);
    CHECK(strstr(text, "line 1999\n") && strstr(text, "line 1900\n") && !strstr(text, "line 100\n"));
    CHECK(log_read(text, 10, true) == 10 && !memcmp(text, "line 1999\n", 10));
    CHECK(log_read(text, 10, false) == 0);
}

TEST(control_channel)
{
    log_set_level(LOG_WARNING);
    log_flush();
    set_console("virtio");
    forget();
    log_warn("too early");
    CHECK(!channel[0]);
    log_channel_ready();
    CHECK(!strncmp(channel, "log [", 5) && strstr(channel, "] too early\n"));
    forget();
    host_percpu[0].irq_disable_depth = 1;
    log_warn("masked");
    CHECK(!channel[0]);
    host_percpu[0].irq_disable_depth = 0;
    log_info("not shown");
    CHECK(!channel[0]);
    log_flush();
    CHECK(strstr(channel, "] masked\n") && !strstr(channel, "not shown") && !uart_size);
}

TEST(no_console)
{
    set_console("none");
    forget();
    log_err("nowhere");
    log_flush();
    CHECK(!uart_size && !channel[0]);
}
