/* SPDX-License-Identifier: MIT */
/* bufinfo.h - debugfs's list of all dma-bufs (drivers/dma-buf/dma-buf.c: dma_buf_debug_show()). */
#ifndef FENCEPOST_BUFINFO_H
#define FENCEPOST_BUFINFO_H

#include <stdbool.h>
#include <stddef.h>

struct bufinfo_entry {
	size_t size;
	unsigned int flags, mode; /* the file's f_flags and f_mode */
	long count;		  /* references to the file */
	char exporter[64];
	unsigned long long inode;
	char name[40];	  /* "" where it has none, which is told as "<none>" since 6.1 */
	int attached;	  /* what "Total N devices attached" says */
	int device_lines; /* lines between "Attached Devices:" and that */
};

struct bufinfo {
	int listed;   /* entries seen */
	size_t bytes; /* the sum of their sizes */
	long total;   /* what the last line says: "Total N objects, M bytes" */
	size_t total_bytes;
};

/*
 * Reads the whole list; the case fails where it is not as documented. The entry of the buffer with
 * this inode number goes to `entry` (may be NULL).
 * @returns how often the list has it
 */
int bufinfo_read(struct bufinfo *info, unsigned long long inode, struct bufinfo_entry *entry);

/* How many devices are attached to the buffer; the case fails where they are not listed. */
int attached_to(int buffer);
/* The same of a buffer that nobody may have a descriptor of any more. */
int attached_to_inode(unsigned long long inode);

#endif
