/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory policies: get_mempolicy(2), set_mempolicy(2), mbind(2) with the one node that every machine has. */
#include "abi.h"
#include <linux/mempolicy.h>
#include <sys/mman.h>

static int mode;
static unsigned long nodes[16];

static long get(void *p, void *n, unsigned long bits, void *address, unsigned flags)
{
    return syscall(SYS_get_mempolicy, p, n, bits, address, flags);
}

static long set(int m, unsigned long n, unsigned long bits)
{
    nodes[0] = n;
    return syscall(SYS_set_mempolicy, m, nodes, bits);
}

static void now(void)
{
    nodes[0] = nodes[1] = 99;
    mode = 99;
    long r = get(&mode, nodes, 1024, NULL, 0);
    printf("get: %ld mode %#x nodes %#lx %#lx\n", r, mode, nodes[0], nodes[1]);
}

int main(void)
{
    char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    now();
    SHOW(get(NULL, NULL, 0, NULL, 0));
    SHOW(get(BAD, NULL, 0, NULL, 0));
    SHOW(get(&mode, BAD, 1024, NULL, 0));
    SHOW(get(&mode, nodes, 0, NULL, 0));
    SHOW(get(&mode, nodes, 100000, NULL, 0));
    SHOW(get(&mode, NULL, 0, p, 0));
    SHOW(get(&mode, NULL, 0, NULL, 8));
    SHOW(get(&mode, NULL, 0, NULL, MPOL_F_NODE));
    SHOW(get(&mode, NULL, 0, p, MPOL_F_ADDR));
    SHOW(get(&mode, NULL, 0, BAD, MPOL_F_ADDR));
    SHOW(get(&mode, NULL, 0, BAD, MPOL_F_ADDR | MPOL_F_NODE));
    SHOW(get(&mode, NULL, 0, p, MPOL_F_MEMS_ALLOWED | MPOL_F_ADDR));
    p[0] = 1;
    mode = 99;
    SHOW(get(&mode, NULL, 0, p, MPOL_F_ADDR | MPOL_F_NODE));
    SHOW(get(&mode, nodes, 1024, NULL, MPOL_F_MEMS_ALLOWED));
    SHOW(nodes[0] & 1);

    SHOW(set(MPOL_BIND, 1, 1024));
    now();
    SHOW(get(&mode, nodes, 1024, p, MPOL_F_ADDR));
    printf("of a mapping: mode %#x nodes %#lx\n", mode, nodes[0]);
    SHOW(set(MPOL_INTERLEAVE, 1, 64));
    now();
    SHOW(set(MPOL_INTERLEAVE | MPOL_F_STATIC_NODES, 1, 64));
    now();
    SHOW(set(MPOL_PREFERRED, 1, 64));
    now();
    SHOW(set(MPOL_PREFERRED, 0, 64));
    now();
    SHOW(set(MPOL_PREFERRED, 1, 1));
    now();
    SHOW(set(MPOL_LOCAL, 0, 64));
    now();
    SHOW(set(MPOL_LOCAL, 1, 64));
    SHOW(set(MPOL_BIND, 0, 64));
    SHOW(set(MPOL_DEFAULT, 1, 64));
    SHOW(set(MPOL_BIND, 1, 100000));
    SHOW(set(99, 1, 64));
    SHOW(set(-1, 1, 64));
    SHOW(set(MPOL_BIND | MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES, 1, 64));
    SHOW(syscall(SYS_set_mempolicy, MPOL_BIND, BAD, 64));
    SHOW(syscall(SYS_set_mempolicy, MPOL_BIND, NULL, 64));
    SHOW(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0));
    now();

    nodes[0] = 1;
    SHOW(syscall(SYS_mbind, p, 8192, MPOL_BIND, nodes, 64, 0));
    SHOW(syscall(SYS_mbind, p, 8192, MPOL_BIND, nodes, 64, MPOL_MF_STRICT | MPOL_MF_MOVE));
    SHOW(syscall(SYS_mbind, p, 0, MPOL_BIND, nodes, 64, 0));
    SHOW(syscall(SYS_mbind, p + 1, 8192, MPOL_BIND, nodes, 64, 0));
    SHOW(syscall(SYS_mbind, p, -4096l, MPOL_BIND, nodes, 64, 0));
    SHOW(syscall(SYS_mbind, p, 8192, MPOL_BIND, nodes, 64, 16));
    SHOW(syscall(SYS_mbind, p, 8192, 99, nodes, 64, 0));
    SHOW(syscall(SYS_mbind, p, 8192, MPOL_BIND, NULL, 0, 0));
    SHOW(syscall(SYS_mbind, p, 8192, MPOL_BIND, BAD, 64, 0));
    SHOW(syscall(SYS_mbind, p, 8192, MPOL_DEFAULT, NULL, 0, 0));
    munmap(p + 4096, 4096);
    SHOW(syscall(SYS_mbind, p, 8192, MPOL_BIND, nodes, 64, 0));
    return 0;
}
