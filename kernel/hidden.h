/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Included before every kernel file by the compiler's command line: what is declared is in the one
 * image, so its address is taken relative to the code and not through a global offset table
 * (-fvisibility=hidden says so of definitions only).
 */
#ifndef __ASSEMBLY__
#pragma GCC visibility push(hidden)
#endif
