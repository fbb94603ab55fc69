/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that stand for processes. */
#ifndef FS_PIDFD_H
#define FS_PIDFD_H

#include "fs/file.h"
#include "kernel/process.h"

/*
 * A descriptor's file for the process id, or with thread for that thread alone. ERR_PTR(-ESRCH), -ENOENT (no process, but
 * one's thread), -ENOMEM.
 */
struct file *pidfd_create(int id, bool thread, u32 open_flags);
/* The same as a new descriptor, close-on-exec, of the running thread: its number, or those errors and -EMFILE. */
int pidfd_install(int pid);
/* What f stands for, as long as f is held; *thread NULL: all of the process. NULL: f is something else. */
struct process *pidfd_process(const struct file *f, struct thread **thread);
/* The process that an open /proc/PID is about, as long as f is held; NULL: f is something else. fs/proc/proc.c */
struct process *proc_directory_process(const struct file *f);

#endif
