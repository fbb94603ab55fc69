/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer target: the boot archive reader on any bytes.
 * sources: loader/archive.c
 */
#include <string.h>
#include "loader/archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct archive a;
    struct archive_entry e;
    int result;
    size_t last = 0;
    archive_open(&a, data, size);
    while ((result = archive_next(&a, &e)) == 1) {
        const char *start = (const char *)data;
        if (e.data < start || e.size > size || e.data + e.size > start + size || a.position <= last)
            __builtin_trap();
        if (strlen(e.name) >= size)
            __builtin_trap();
        last = a.position;
    }
    if (result && !a.error)
        __builtin_trap();
    return 0;
}
