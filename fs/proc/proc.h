/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc: inside of fs/proc/. Values are true ones; what the kernel does not know is left out, not
 * invented.
 */
#ifndef FS_PROC_PROC_H
#define FS_PROC_PROC_H

#include "fs/generated.h"

#define USER_TICKS 100 /* USER_HZ: the unit of times in /proc */

extern const struct file_system_type proc_type;

extern const struct generated_node proc_process_files[], proc_ns_files[], proc_sys_files[], proc_aril_files[];

static inline u64 proc_ticks(nsec_t ns)
{
    return ns / (NSEC_PER_SEC / USER_TICKS);
}

/* The machine: system.c. */
int proc_meminfo(struct text *t, const struct generated_ref *r);
int proc_vmstat(struct text *t, const struct generated_ref *r);
int proc_interrupts(struct text *t, const struct generated_ref *r);
int proc_softirqs(struct text *t, const struct generated_ref *r);
int proc_buddyinfo(struct text *t, const struct generated_ref *r);
int proc_devices(struct text *t, const struct generated_ref *r);
int proc_diskstats(struct text *t, const struct generated_ref *r);
int proc_stat(struct text *t, const struct generated_ref *r);
int proc_uptime(struct text *t, const struct generated_ref *r);
int proc_loadavg(struct text *t, const struct generated_ref *r);
int proc_version(struct text *t, const struct generated_ref *r);
int proc_cpuinfo(struct text *t, const struct generated_ref *r);
int proc_cmdline(struct text *t, const struct generated_ref *r);
int proc_filesystems(struct text *t, const struct generated_ref *r);
int proc_partitions(struct text *t, const struct generated_ref *r);
int proc_swaps(struct text *t, const struct generated_ref *r);
int proc_cgroups(struct text *t, const struct generated_ref *r);
int proc_tty_drivers(struct text *t, const struct generated_ref *r);
int proc_empty(struct text *t, const struct generated_ref *r);

/* Of a process: maps.c, memory.c, mounts.c, status.c, fd.c. */
int proc_maps(struct text *t, const struct generated_ref *r);
int proc_smaps(struct text *t, const struct generated_ref *r);
int proc_smaps_rollup(struct text *t, const struct generated_ref *r);
int proc_numa_maps(struct text *t, const struct generated_ref *r);
extern const struct file_ops proc_mem_ops, proc_pagemap_ops;
int proc_map_find(const struct generated_ref *r, const char *name, size_t n, struct generated_ref *child);
bool proc_map_list(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME], const struct generated_node **node);
int proc_mounts(struct text *t, const struct generated_ref *r);
int proc_mountinfo(struct text *t, const struct generated_ref *r);
int proc_mountstats(struct text *t, const struct generated_ref *r);
int proc_status(struct text *t, const struct generated_ref *r);
int proc_process_stat(struct text *t, const struct generated_ref *r);
int proc_statm(struct text *t, const struct generated_ref *r);
int proc_limits(struct text *t, const struct generated_ref *r);
int proc_locks(struct text *t, const struct generated_ref *r);
int proc_fd_find(const struct generated_ref *r, const char *name, size_t n,
                 struct generated_ref *child);
int proc_fdinfo_find(const struct generated_ref *r, const char *name, size_t n,
                     struct generated_ref *child);
bool proc_fd_list(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME],
                  const struct generated_node **node);
bool proc_fdinfo_list(const struct generated_ref *r, u64 *cursor, char name[GENERATED_NAME],
                      const struct generated_node **node);

/* The thread that a file under task/ is about, or the leader; referenced, NULL if it has ended. */
struct thread *proc_thread(const struct generated_ref *r);

/* A number in /proc/sys that has its effect by being read where it counts; show and store of a node whose data this is. */
struct proc_number {
    int *value;
    int min, max;
};
int proc_show_number(struct text *t, const struct generated_ref *r);
int proc_store_number(const struct generated_ref *r, char *data, size_t n);

/* /proc/sys/net: net/sysctl.c. */
extern const struct generated_node proc_sys_net_files[];
/* /proc/PID/net, which is all processes' one network: net/proc.c. */
extern const struct generated_node proc_net_files[];

#endif
