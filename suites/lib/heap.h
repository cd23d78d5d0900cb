/* SPDX-License-Identifier: MIT */
/*
 * heap.h - the subject of a heap suite: its node in /dev/dma_heap, and buffers taken from it. Or
 * /dev/ion, and buffers of one of ION's heaps, which a case need not know (ion.h): what ION does
 * not have makes it a skip, "needs dma-heap".
 *
 * Nothing here assumes a page size; sizes are in bytes.
 */
#ifndef FENCEPOST_HEAP_H
#define FENCEPOST_HEAP_H

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/dma-heap.h>

#define KIB ((size_t)1024)
#define MIB (KIB * 1024)

/* The bits that are the access mode to the kernel. musl's O_ACCMODE has O_PATH in it as well. */
#define ACCESS_MODE 3

size_t page_size(void);
/* `bytes` rounded up to whole pages. */
size_t page_align(size_t bytes);

/* Opens the subject's node with O_CLOEXEC and this access mode; the case fails when it cannot be
 * opened. */
int heap_open(int access_mode);
/* The same with all of open()'s flags, and -1 with errno when it cannot be opened. */
int heap_node(int flags);

/* DMA_HEAP_IOCTL_ALLOC, raw: 0, or -1 with errno; `data` is what the kernel left there. */
int heap_ioctl(int heap, struct dma_heap_allocation_data *data);

/* ioctl() with any command and argument, untouched by the C library. */
int raw_ioctl(int fd, unsigned int command, const void *argument);

/* The same from values: the new dma-buf's descriptor, or -1 with errno. */
int heap_allocate(int heap, uint64_t len, uint32_t fd_flags, uint64_t heap_flags);

/* A buffer of the subject, O_RDWR | O_CLOEXEC; the case fails when there is none to be had. */
int heap_buffer(size_t bytes);

/* Maps a whole buffer, shared, for reading and writing; the case fails when it cannot. */
void *buffer_map(int fd, size_t bytes);
void buffer_unmap(void *at, size_t bytes);

/* What lseek(fd, 0, SEEK_END) says; the case fails when it says nothing. */
size_t buffer_size(int fd);

/* Its inode number; debugfs, sysfs and BPF tell buffers apart by it. */
unsigned long long buffer_inode(int fd);

/* Is this descriptor open, and a dma-buf? */
bool is_dmabuf(int fd);

/* The number the next descriptor of this process will have. */
int next_descriptor(void);

#endif
