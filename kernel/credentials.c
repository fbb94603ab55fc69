/* SPDX-License-Identifier: BSD-2-Clause */
/* User and group ids and capabilities of a process, as credentials(7) and capabilities(7). They belong to the process, not the thread. */
#include <linux/capability.h>
#include "kernel/process.h"

#define BIT(capability) (1ull << (capability))
#define ALL_CAPABILITIES (BIT(CAP_LAST_CAP + 1) - 1)

/* Nothing that these allow exists here: it is refused with EPERM, so nobody shall believe to have them. */
#define NOT_SERVED                                                                                 \
    (BIT(CAP_SYS_MODULE) | BIT(CAP_SYS_RAWIO) | BIT(CAP_SYS_PTRACE) | BIT(CAP_SYS_PACCT) |         \
     BIT(CAP_SYS_BOOT) | BIT(CAP_SYS_RESOURCE) | BIT(CAP_AUDIT_CONTROL) | BIT(CAP_AUDIT_READ) |    \
     BIT(CAP_AUDIT_WRITE) | BIT(CAP_MAC_ADMIN) | BIT(CAP_MAC_OVERRIDE) | BIT(CAP_WAKE_ALARM) |     \
     BIT(CAP_PERFMON) | BIT(CAP_BPF) | BIT(CAP_CHECKPOINT_RESTORE))

void credentials_init(struct credentials *c)
{
    *c = (struct credentials){0};
    c->cap_effective = c->cap_permitted = c->cap_bounding = ALL_CAPABILITIES & ~NOT_SERVED;
}

bool capable(int capability)
{
    return current_process()->cred.cap_effective & BIT(capability);
}
