/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARIL_VERSION_H
#define ARIL_VERSION_H

/* Of the command and the kernel, which belong together. */
#ifndef ARIL_VERSION
#define ARIL_VERSION "0.1.0"
#endif

#endif
