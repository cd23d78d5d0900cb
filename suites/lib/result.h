/* SPDX-License-Identifier: MIT */
/*
 * result.h - what a case says of itself, in memory that the runner and every process of the case
 * share.
 *
 * Shared memory and not a pipe: it costs the case no file descriptor (some fill the table, some
 * count it), and what was said survives however the case ends.
 */
#ifndef FENCEPOST_RESULT_H
#define FENCEPOST_RESULT_H

#include <stdatomic.h>
#include <stdbool.h>

enum fp_state { FP_RUNNING, FP_PASSED, FP_SKIPPED, FP_FAILED };

struct fp_result {
	_Atomic int state;
	_Atomic int failures; /* how many processes have failed; the first one's words are kept */
	_Atomic int told;     /* the first one has said all it has to say */
	_Atomic unsigned int note_bytes;
	char reason[512]; /* of a skip */
	char at[160];
	char expression[512];
	char expected[512];
	char found[512];
	char error[32];	   /* "EPERM", or "" */
	char context[256]; /* what it was at, or "" */
	char notes[8192];  /* lines ending in \n, already escaped */
};

/* The result of the case that runs now; mapped once, before the first. */
extern struct fp_result *fp_result;

/* Maps it. False: there is no memory, errno says why. */
bool fp_result_map(void);

/* Forgets the last case's. */
void fp_result_reset(void);

#endif
