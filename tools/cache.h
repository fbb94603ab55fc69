/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What has been built before, in $XDG_CACHE_HOME/aril or ~/.cache/aril. An entry is found by a key, a text that is
 * compared in full, and is used only while its checksum is right: a damaged one is as good as none. Entries appear whole, so
 * that builds may run side by side; those that nobody has used for 30 days go.
 */
#ifndef ARIL_CACHE_H
#define ARIL_CACHE_H

#include <stdbool.h>

/* The directory, made if need be; NULL if there can be none. malloc'ed. */
char *cache_open(void);

/* Copies the image of `key` into the open file `to`, which is empty again on failure. False if there is none. */
bool cache_fetch_image(const char *cache, const char *key, int to);

/* Keeps the file `image`, which is copied. A failure is no harm. */
void cache_keep_image(const char *cache, const char *key, const char *image);

/* The text kept for `key`, malloc'ed, or NULL. */
char *cache_fetch_text(const char *cache, const char *key);
void cache_keep_text(const char *cache, const char *key, const char *text);

#endif
