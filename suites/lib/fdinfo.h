/* SPDX-License-Identifier: MIT */
/* fdinfo.h - what /proc/PID/fdinfo/N says of a dma-buf (Documentation/filesystems/proc.rst, "DMA
 * Buffer files"). */
#ifndef FENCEPOST_FDINFO_H
#define FENCEPOST_FDINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct fdinfo {
	unsigned long long size;
	long count;
	char exporter[80]; /* exp_name */
	bool named;	   /* is there a name: line? */
	char name[80];
};

/* Reads it; the case fails when a line that must be there is missing, doubled or not as documented.
 */
void fdinfo_read(int fd, struct fdinfo *info);
/* The same for a descriptor of another process. */
void fdinfo_read_of(pid_t pid, int fd, struct fdinfo *info);

#endif
