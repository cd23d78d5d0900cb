/* SPDX-License-Identifier: MIT */
#ifndef FENCEPOST_SWEEP_H
#define FENCEPOST_SWEEP_H

/*
 * Sends SIGKILL to everything but the agent and the kernel's own threads. As PID 1 one call reaches
 * all of it, a fork bomb included. As an ordinary process, only the agent's children at this
 * moment: theirs become its own then. Returns the milliseconds after which it is worth doing again,
 * if anything is left.
 */
int sweep(void);

#endif
