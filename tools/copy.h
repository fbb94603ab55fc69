/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies of files, and files that are there whole or not at all.
 */
#ifndef ARIL_COPY_H
#define ARIL_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Copies `from` to its end into `to`. `checksum`, if not NULL, is set to that of the bytes (checksum_add). False with
 * errno; ECANCELED after a request to end.
 */
bool copy_data(int from, int to, uint64_t *checksum);

/* Writes all. False with errno. */
bool write_all(int file, const void *bytes, size_t size);

/* A checksum that tells damage, not intent: begins with CHECKSUM_START; the pieces but the last are multiples of 8 bytes. */
#define CHECKSUM_START UINT64_C(0x6172696c)
uint64_t checksum_add(uint64_t sum, const void *bytes, size_t size);

/* Removes a file, or a directory with all in it, as far as that goes. */
void remove_all(const char *path);

/*
 * From now on the end of the command, by whatever signal or exit(), removes what cleanup_add() names. After a signal
 * cleanup_wanted() is true, and loops are to end.
 */
void cleanup_start(void);
bool cleanup_wanted(void);
/* Ends the command with the status of the signal if one has come. */
void cleanup_check(void);
/* A file, or a directory with all in it. The path is kept, and returned. */
char *cleanup_add(char *path);
/* It is to stay, or gone already. */
void cleanup_drop(char *path);

#endif
