// SPDX-License-Identifier: BSD-2-Clause
/* Sleeps: what its VM costs the host meanwhile is what an idle VM costs. */
#include <unistd.h>

int main(void)
{
    for (;;)
        pause();
}
