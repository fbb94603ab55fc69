// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a program sees of its kernel: prints a line "row NAME nanoseconds-per-operation" for each row, the best of
 * several rounds (so that a busy machine disturbs least). The same static binary runs on Linux, in a Linux guest (also
 * as its init) and in the VM.
 *
 * micro [-n N] [-s SUFFIX] [NAME...]: rows whose names begin with one of NAME (none: all); N: one round of N operations,
 * to count instructions; SUFFIX is added to the names.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define ROUNDS      5
#define ROUND_LEAST 3e6 /* ns: shorter rounds measure the clock */

static const struct row *const themes[] = {call_rows,   signal_rows, thread_rows, wake_rows, ipc_rows,
                                           event_rows, memory_rows, file_rows,   scaling_rows};

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

double percentile(double *v, int n, int percent)
{
    qsort(v, n, sizeof(*v), compare);
    return v[(long)(n - 1) * percent / 100];
}

void pin(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

static double measure(const struct row *row, long fixed)
{
    long n = row->n;

    if (fixed && !row->once)
        return row->run(fixed);
    if (row->once)
        return row->run(n);
    double best = row->run(n); /* also warms up */
    while (best * n < ROUND_LEAST) {
        n *= 2;
        best = row->run(n);
    }
    for (int i = 1; i < ROUNDS; i++) {
        double each = row->run(n);
        best = each < best ? each : best;
    }
    return best;
}

static int wanted(const char *name, char **names)
{
    if (!*names)
        return 1;
    for (; *names; names++)
        if (!strncmp(name, *names, strlen(*names)))
            return 1;
    return 0;
}

int main(int argc, char **argv)
{
    const char *suffix = "";
    long fixed = 0;
    int c;

    while ((c = getopt(argc, argv, "n:s:")) != -1) {
        if (c == 'n')
            fixed = atol(optarg);
        else if (c == 's')
            suffix = optarg;
        else
            return 2;
    }
    if (getpid() == 1) {
        mkdir("/dev", 0755);
        mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
        mkdir("/dev/shm", 01777);
        mount("tmpfs", "/dev/shm", "tmpfs", 0, NULL);
    }
    for (unsigned i = 0; i < sizeof(themes) / sizeof(themes[0]); i++) {
        for (const struct row *row = themes[i]; row->name; row++) {
            if (!wanted(row->name, argv + optind))
                continue;
            printf("row\t%s%s\t%.4g\n", row->name, suffix, measure(row, fixed));
            fflush(stdout);
        }
    }
    remove_files();
    if (getpid() == 1)
        reboot(RB_AUTOBOOT);
    return 0;
}
