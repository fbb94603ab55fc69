/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests' view of tests/unit/host.c: EXPECT_FAILURE(statement) is true if it ends in panic() or vm_fail(). */
#ifndef TESTS_UNIT_HOST_H
#define TESTS_UNIT_HOST_H

#include <setjmp.h>
#include <stdbool.h>

extern jmp_buf host_failure;
extern bool host_expect_failure;
extern char host_message[512]; /* of the last panic() or vm_fail() */

#define EXPECT_FAILURE(statement)            \
    ({                                       \
        bool _failed = setjmp(host_failure); \
        if (!_failed) {                      \
            host_expect_failure = true;      \
            statement;                       \
            host_expect_failure = false;     \
        }                                    \
        _failed;                             \
    })

#endif
