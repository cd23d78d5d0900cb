/* SPDX-License-Identifier: MIT */
/*
 * fault.h - allocations inside the kernel that fail when they are told to
 * (Documentation/fault-injection/fault-injection.rst: /proc/self/fail-nth). For cases that need
 * "fault-injection".
 */
#ifndef FENCEPOST_FAULT_H
#define FENCEPOST_FAULT_H

#include <stdbool.h>

/*
 * Calls `call` with the first allocation of memory on its way failing, then the second, and so on,
 * until it goes through with none failing; that call must succeed. A call whose allocation failed
 * must end with ENOMEM, or succeed all the same.
 *
 * `after` is told each call's result (-1, or what it returned) and puts things back for the next;
 * it may be NULL.
 * @returns how many allocations there are; noted under `what` as well
 */
int fault_sweep(const char *what, long (*call)(void *), void (*after)(void *, long),
		void *argument);

#endif
