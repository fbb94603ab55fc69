/* SPDX-License-Identifier: BSD-2-Clause */
/* The names that uname(2) and /proc/sys/kernel tell. */
#ifndef KERNEL_UTS_H
#define KERNEL_UTS_H

#include <linux/utsname.h>
#include "kernel/types.h"

#define UTS_SYSNAME "Linux"
#define UTS_RELEASE "6.1.0-aril"
#define UTS_RELEASE_26 "2.6.61-aril" /* to a process with personality(2) UNAME26: 60 more than what is after 6 */
#define UTS_VERSION "#1 SMP Aril"

/*
 * As booted, or as sethostname(2) and setdomainname(2) say. A reader may see a name half written,
 * as on Linux it may see either.
 */
const char *uts_host_name(void);
const char *uts_domain_name(void);
/* length is at most __NEW_UTS_LEN. */
void uts_set_host_name(const char *name, size_t length);
void uts_set_domain_name(const char *name, size_t length);

#endif
