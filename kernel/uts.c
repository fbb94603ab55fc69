/* SPDX-License-Identifier: BSD-2-Clause */
/* Host and domain name. Written rarely, read without a lock. */
#include "kernel/uts.h"
#include "kernel/lib/string.h"
#include "kernel/params.h"

static char host_name[__NEW_UTS_LEN + 1], domain_name[__NEW_UTS_LEN + 1] = "(none)";

const char *uts_host_name(void)
{
    return host_name[0] ? host_name : params.hostname;
}

const char *uts_domain_name(void)
{
    return domain_name;
}

static void set(char *name, const char *new, size_t length)
{
    memset(name, 0, __NEW_UTS_LEN + 1);
    memcpy(name, new, length);
}

void uts_set_host_name(const char *name, size_t length)
{
    set(host_name, name, length);
}

void uts_set_domain_name(const char *name, size_t length)
{
    set(domain_name, name, length);
}
