/* SPDX-License-Identifier: MIT */
/* dmabuf-iterator.h - all dma-bufs as a BPF program sees them (kernel/bpf/dmabuf_iter.c). For cases
 * that need "bpf-dmabuf-iterator" and "root". */
#ifndef FENCEPOST_DMABUF_ITERATOR_H
#define FENCEPOST_DMABUF_ITERATOR_H

#include <stdint.h>

struct iterated {
	uint64_t size;
	uint64_t inode;
};

/* Loads the program and gives a link to it, from which iterators are opened. */
int dmabuf_iterator_link(void);
/* Goes through all dma-bufs; at most `room` are told. @returns how many there were */
int dmabuf_iterate(int link, struct iterated *buffers, int room);

#endif
