/* SPDX-License-Identifier: BSD-2-Clause */
/* Exit status in case 2 of thread_exit.c. */
#define CASE 2
#include "thread_exit.c"
