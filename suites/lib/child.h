/* SPDX-License-Identifier: MIT */
/* child.h - processes that keep what they have taken until they are killed. */
#ifndef FENCEPOST_CHILD_H
#define FENCEPOST_CHILD_H

#include <sys/types.h>

/* Returns when take(argument) has returned in the new process, which then only waits. */
pid_t child_keeping(void (*take)(void *), void *argument);
/* Kills a child and collects it; the case fails when it has died of something else. */
void child_kill(pid_t child);

#endif
