/* SPDX-License-Identifier: BSD-2-Clause */
/* The only thread is killed: so is the process. */
#define ACTION SECCOMP_RET_KILL_THREAD
#include "seccomp_dies.c"
