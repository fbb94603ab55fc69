/* SPDX-License-Identifier: BSD-2-Clause */
/* An action that does not exist kills the process. */
#define ACTION 0x12340000
#include "seccomp_dies.c"
