/* SPDX-License-Identifier: MIT */
/*
 * Does once what nearly every program does, and touches nothing that a case is about. Under
 * emulation the kernel's code is translated when it first runs: a clone that waits for work has
 * that behind it. Returns an exit status.
 */
#ifndef FENCEPOST_REHEARSAL_H
#define FENCEPOST_REHEARSAL_H

int rehearse(void);

#endif
