/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the tracer share: the line being built and the pieces it is built from. */
#ifndef SYSCALLS_TRACE_PRINT_H
#define SYSCALLS_TRACE_PRINT_H

#include <linux/time_types.h>
#include "syscalls/trace.h"

#define TRACE_STRING_MAX 32 /* bytes of a buffer or string shown, as strace -s 32 */
#define TRACE_ARRAY_MAX  32 /* elements of an array shown */

/* A line, cut at its size. */
struct trace_line {
    char text[2000];
    size_t length;
};

/* One call while it is traced. */
struct trace_call {
    struct trace_line *line;
    const struct syscall_args *a;
    u32 nr;
    long result;         /* valid when done */
    bool done;           /* the call has returned */
    bool failed;         /* with an error */
    bool filled;         /* the call fills the argument being printed in */
    char remark[120];    /* shown in parentheses behind the result */
    bool hex_result, octal_result;
};

void trace_printf(struct trace_line *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A decoder of argument i. */
typedef void (*trace_decoder_t)(struct trace_call *c, int i);
struct trace_decoder {
    trace_decoder_t decode; /* NULL: a flag word or named number */
    bool after;             /* wants the result */
};
extern const struct trace_decoder trace_decoders[TRACE_TYPE_COUNT];

/* ---- names */
const char *trace_error_name(int error);
const char *trace_error_message(int error);
/* Without "SIG"; NULL if there is no such signal. */
const char *trace_signal_name(int signo, char buf[16]);

struct trace_name {
    u64 value;
    const char *name;
};
/*
 * How a word prints: "A|B|0x10" for flags, "A" for a number; what has no name in hexadecimal with unknown in a comment. Bits
 * of field_mask, which come first, hold one of the field's values.
 */
struct trace_set {
    const struct trace_name *names;
    unsigned count;
    const char *unknown; /* "PROT_???" */
    const char *zero;    /* instead of "0", or NULL */
    u64 field_mask;
    const struct trace_name *field;
    unsigned field_count;
};
extern const struct trace_set trace_flag_sets[];
/* Set of a TRACE_FLAGS_* or TRACE_ENUM_* type. */
const struct trace_set *trace_set_of(enum trace_type type);
void trace_flags(struct trace_line *l, enum trace_type type, u64 value);
void trace_enum(struct trace_line *l, enum trace_type type, u64 value);
/* Just the flags, nothing for 0; returns the bits without a name. */
u64 trace_flag_names(struct trace_line *l, enum trace_type type, u64 value, bool *any);

/* ---- pieces */
void trace_pointer(struct trace_line *l, u64 address);
/* n bytes of the program at address, quoted; nul_terminated: a string that ends by itself within n. */
void trace_bytes(struct trace_line *l, u64 address, u64 n);
void trace_string(struct trace_line *l, u64 address);
/* Kernel memory, quoted. */
void trace_quote(struct trace_line *l, const char *bytes, size_t n, bool cut);
void trace_signal(struct trace_line *l, int signo);
void trace_sigset(struct trace_line *l, u64 set);
void trace_siginfo(struct trace_line *l, const siginfo_t *info);
void trace_fd(struct trace_line *l, int fd);
void trace_mode(struct trace_line *l, u32 mode);
void trace_file_type_mode(struct trace_line *l, u32 mode);
void trace_timespec(struct trace_line *l, const struct __kernel_timespec *ts);
void trace_timeval(struct trace_line *l, const struct __kernel_old_timeval *tv);

/* Copies an argument's structure in: false when it is null, unreadable or was to be filled in by a call that failed; then the address has been printed. */
bool trace_fetch(struct trace_call *c, u64 address, void *to, size_t n);

void trace_iovec(struct trace_call *c, u64 address, u64 count, u64 bytes);
/* Remarks behind the results of poll, select and fcntl. */
void trace_poll_result(struct trace_call *c);
void trace_select_result(struct trace_call *c);
void trace_fcntl_result(struct trace_call *c);
bool trace_fcntl_has_argument(int command);
bool trace_clone_has_rest(u64 flags);

/* ---- decoders by file (trace_arguments.c lists them all) */
#define TRACE_DECLARE(x) void trace_decode_##x(struct trace_call *c, int i);
TRACE_PLAIN_TYPES(TRACE_DECLARE)

#endif
