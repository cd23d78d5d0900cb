// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "ktap.h"
#include "heap.h"
#include "ion.h"

size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

size_t page_align(size_t bytes)
{
	return (bytes + page_size() - 1) & ~(page_size() - 1);
}

int heap_node(int flags)
{
	char path[300];

	if (ion_subject())
		return open(ION_NODE, flags);
	snprintf(path, sizeof(path), "/dev/dma_heap/%s", fp_subject());
	return open(path, flags);
}

int heap_open(int access_mode)
{
	return MUST(heap_node(access_mode | O_CLOEXEC));
}

int raw_ioctl(int fd, unsigned int command, const void *argument)
{
	return (int)syscall(SYS_ioctl, fd, command, argument);
}

int heap_ioctl(int heap, struct dma_heap_allocation_data *data)
{
	if (ion_subject())
		fp_skip("needs dma-heap: this is about DMA_HEAP_IOCTL_ALLOC, which ION has not");
	return raw_ioctl(heap, DMA_HEAP_IOCTL_ALLOC, data);
}

int heap_allocate(int heap, uint64_t len, uint32_t fd_flags, uint64_t heap_flags)
{
	struct dma_heap_allocation_data data = {
		.len = len,
		.fd_flags = fd_flags,
		.heap_flags = heap_flags,
	};

	if (ion_subject()) {
		if (fd_flags != (O_RDWR | O_CLOEXEC) || heap_flags)
			fp_skip("needs dma-heap: ION's buffers are always O_RDWR | O_CLOEXEC");
		return ion_subject_allocate(heap, len);
	}
	return heap_ioctl(heap, &data) ? -1 : (int)data.fd;
}

int heap_buffer(size_t bytes)
{
	int heap = heap_open(O_RDWR);
	int fd = MUST(heap_allocate(heap, bytes, O_RDWR | O_CLOEXEC, 0));

	close(heap);
	return fd;
}

void *buffer_map(int fd, size_t bytes)
{
	return MUST(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
}

void buffer_unmap(void *at, size_t bytes)
{
	MUST(munmap(at, bytes));
}

size_t buffer_size(int fd)
{
	return (size_t)MUST(lseek(fd, 0, SEEK_END));
}

unsigned long long buffer_inode(int fd)
{
	struct stat status;

	EXPECT_OK(fstat(fd, &status));
	return status.st_ino;
}

bool is_dmabuf(int fd)
{
	struct statfs status;

	return fstatfs(fd, &status) == 0 && (uint32_t)status.f_type == DMA_BUF_MAGIC;
}

int next_descriptor(void)
{
	int fd = MUST(dup(STDERR_FILENO));

	MUST(close(fd));
	return fd;
}
