/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals of this process, received as file events.
 */
#ifndef ARIL_SIGNALS_H
#define ARIL_SIGNALS_H

#include <stdbool.h>

/*
 * Blocks every signal that is handled or forwarded and returns a signalfd(2) for them. Those that
 * the caller's parent set to be ignored (nohup, a shell's background jobs) stay ignored. Call it
 * before any thread or child is started. Ends the command with a message on failure.
 */
int signals_open(void);

/* True for the signals by which a user asks a program to end: HUP, INT, QUIT, TERM. */
bool signal_asks_to_end(int number);

#endif
