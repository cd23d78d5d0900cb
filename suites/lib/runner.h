/* SPDX-License-Identifier: MIT */
/* runner.h - runs one case in a process of its own and reports it. */
#ifndef FENCEPOST_RUNNER_H
#define FENCEPOST_RUNNER_H

#include <stdbool.h>
#include <stddef.h>

#include "ktap.h"

/* What the command line said. */
extern const char *fp_subject_name;

/* Gets the process ready to run cases: signals, orphans, the shared result. False, with a message:
 * it cannot. */
bool fp_runner_prepare(unsigned int timeout_scale);

/* Runs and reports a case. True when it passed or was skipped. */
bool fp_run_case(size_t number, const struct fp_case *c);

#endif
