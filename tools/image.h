/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the command has to know of the kernel image.
 */
#ifndef ARIL_IMAGE_H
#define ARIL_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The physical address behind the last byte that the kernel image `path` occupies once loaded: a
 * VM must have more memory than that. Ends the command with a message if the file cannot be read
 * or is no x86-64 ELF file.
 */
uint64_t image_end(const char *path);

/* True if the file is an x86-64 ELF program that needs no dynamic linker. False if it cannot be read. */
bool image_is_static(const char *path);

#endif
