/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of text from the VM: cutting a stream into lines, and the status line among them.
 */
#ifndef ARIL_LINES_H
#define ARIL_LINES_H

#include <stdbool.h>
#include <stddef.h>

/* Called for each line, without its end ("\n" or "\r\n"), NUL-terminated. */
typedef void line_handler(void *context, char *line);

struct line_reader {
    char *bytes; /* malloc'ed; a line that has not ended yet */
    size_t length;
};

/* Takes more bytes of the stream. A line of more than 64 KiB is handed on in pieces. */
void lines_feed(struct line_reader *reader, const char *bytes, size_t count, line_handler *handler,
                void *context);

/* The stream has ended: hands on a last line that has no end. */
void lines_finish(struct line_reader *reader, line_handler *handler, void *context);

enum vm_status_kind {
    VM_NO_STATUS, /* the VM has not said how the program ended */
    VM_EXITED,    /* exit CODE */
    VM_SIGNALED,  /* signal N core=0|1 */
    VM_REFUSED,   /* fail CODE MESSAGE: program not started, or the kernel failed */
};

/* How the program ended, as the kernel says it. */
struct vm_status {
    enum vm_status_kind kind;
    int number;    /* exit code 0..255, signal number, or code of the failure */
    bool core;     /* a core dump would have been written */
    char *message; /* of VM_REFUSED; malloc'ed */
};

/* True, with `*status` filled, if `line` is exactly a status line. */
bool status_parse(const char *line, struct vm_status *status);

#endif
