/* SPDX-License-Identifier: BSD-2-Clause */
/* <stdio.h> for lwIP's sources: nothing. */
