/* SPDX-License-Identifier: BSD-2-Clause */
/* What execve(2) does to the process around the program: its threads, signals and credentials. loader/exec.c calls these in turn. */
#ifndef KERNEL_EXEC_H
#define KERNEL_EXEC_H

#include "kernel/process.h"

/*
 * Ends all other threads of the running process and lets go of what the running one has in the old program's memory. The
 * caller has the leader's id then. 0, or -EAGAIN: the process ends, or another thread is at it; the caller is told to end.
 */
int process_exec_begin(void);
/* The new program's memory is in place: sets back what it does not inherit, and names process and thread. */
void process_exec_reset(const char *name);

/* What an executable file gives to who runs it. */
struct file_credentials {
    bool set_uid, set_gid;    /* mode bits; uid and gid are the file's owners */
    u32 uid, gid;
    bool capabilities;        /* it has these, as bits CAP_*: */
    bool effective;
    u64 permitted, inheritable;
};
/*
 * Turns c into the credentials after an execve(2) of the file; *secure: the program has powers that its caller had not (AT_SECURE).
 * 0, or -EPERM: the file wants capabilities that it may not get. Source: capabilities(7), credentials(7).
 */
int credentials_exec(struct credentials *c, const struct file_credentials *f, bool no_new_privs, bool *secure);

#endif
