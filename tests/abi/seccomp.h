/* SPDX-License-Identifier: BSD-2-Clause */
/* Small seccomp filters for the tests of them. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include "abi.h"

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static inline long seccomp(unsigned op, unsigned flags, void *arg)
{
    return syscall(SYS_seccomp, op, flags, arg);
}

static inline long install(struct sock_filter *filter, unsigned short n, unsigned flags)
{
    struct sock_fprog program = {n, filter};
    return seccomp(SECCOMP_SET_MODE_FILTER, flags, &program);
}

/* Call nr gets `action`, all others are allowed. */
static inline long rule(int nr, uint32_t action, unsigned flags)
{
    struct sock_filter f[] = {
        LOAD(nr),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1),
        RETURN(action),
        RETURN(SECCOMP_RET_ALLOW),
    };
    return install(f, COUNT(f), flags);
}

/* The same for a first argument of `value`. */
static inline long rule_argument(int nr, uint32_t value, uint32_t action, unsigned flags)
{
    struct sock_filter f[] = {
        LOAD(nr),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 3),
        LOAD(args[0]),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
        RETURN(action),
        RETURN(SECCOMP_RET_ALLOW),
    };
    return install(f, COUNT(f), flags);
}
