/* SPDX-License-Identifier: BSD-2-Clause */
/* Exit status in case 3 of thread_exit.c. */
#define CASE 3
#include "thread_exit.c"
