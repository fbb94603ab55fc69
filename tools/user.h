/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whom `aril run --user` means.
 */
#ifndef ARIL_USER_H
#define ARIL_USER_H

/*
 * USER[:GROUP], each a number or a name of this host, as the kernel wants it: user, group and the supplementary groups in
 * decimal, with blanks between. To be freed. Ends the command with status 125 when there is no such user or group.
 */
char *user_ids(const char *text);

#endif
