/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recognizing the escape keys.
 */
#include "tools/escape.h"

#define KEY    0x1d /* Ctrl-] */
#define WITHIN UINT64_C(1000000000)

bool escape_typed(struct escape *escape, const char *bytes, size_t count, uint64_t now)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != KEY) {
            escape->times[0] = escape->times[1] = 0;
            continue;
        }
        if (escape->times[0] && now - escape->times[0] < WITHIN)
            return true;
        escape->times[0] = escape->times[1];
        escape->times[1] = now;
    }
    return false;
}
