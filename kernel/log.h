/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel log: a ring of lines, those at or under the console level written to the console.
 * Levels are syslog(2)'s: 0 emergency … 3 error, 4 warning, 6 info, 7 debug. Atomic.
 */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include "kernel/types.h"
#include "platform/platform.h" /* panic */

enum log_level { LOG_EMERG, LOG_ALERT, LOG_CRIT, LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

/* One line, without a newline at its end. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define log_err(...)  log_line(LOG_ERR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
/* Lines of more than level are kept in the ring only. */
void log_set_level(int level);
/*
 * Copies the newest text (oldest first) into buf, at most n bytes and what was not cleared: each line with its level before it,
 * "<4>[...] text". clear: it is not to be read again. Returns bytes. For syslog(2).
 */
#define LOG_SIZE 8192 /* there is no more */
size_t log_read(char *buf, size_t n, bool clear);

/* The control channel works from now on. */
void log_channel_ready(void);
/* Sends what waits for the control channel (console=virtio) if the caller may sleep. Before the VM ends, too. */
void log_flush(void);

#define ASSERT(cond)                                                                     \
    do {                                                                                 \
        if (unlikely(!(cond)))                                                           \
            panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #cond);             \
    } while (0)

#endif
