/* SPDX-License-Identifier: MIT */
/* cgroup.h - a memory cgroup of the case's own. For cases that need "memcg" and "root". */
#ifndef FENCEPOST_CGROUP_H
#define FENCEPOST_CGROUP_H

#include <stdint.h>

/*
 * Makes a group and moves this process into it; it is gone from sight with the process's mount
 * namespace. `max_bytes` is its memory.max; 0: none.
 */
void cgroup_enter(uint64_t max_bytes);
/* memory.current of that group, in bytes. */
uint64_t cgroup_charged(void);

#endif
