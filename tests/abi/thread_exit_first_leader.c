/* SPDX-License-Identifier: BSD-2-Clause */
/* Exit status in case 1 of thread_exit.c. */
#define CASE 1
#include "thread_exit.c"
