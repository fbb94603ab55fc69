/* SPDX-License-Identifier: BSD-2-Clause */
/* <stdlib.h> for lwIP's sources, which want no more than an allocator (lwipopts.h) and atoi in a part that is not built. */
int atoi(const char *s);
