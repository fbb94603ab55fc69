/* SPDX-License-Identifier: BSD-2-Clause */
/* <string.h> for lwIP's sources: the kernel's own functions. */
#include "kernel/lib/string.h"
