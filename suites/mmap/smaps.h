/* SPDX-License-Identifier: MIT */
/* smaps.h - what the kernel tells of one mapping in /proc/self/smaps (proc_pid_smaps(5)). */
#ifndef FENCEPOST_MMAP_SMAPS_H
#define FENCEPOST_MMAP_SMAPS_H

#include <stdint.h>

struct mapping {
	uint64_t offset;
	unsigned long resident_kib;
	char flags[512]; /* VmFlags, each with a blank before and after: " rd wr sh " */
};

/* Reads what is told of the mapping that begins at `at`; the case fails when there is none. */
void mapping_read(const void *at, struct mapping *mapping);

#endif
